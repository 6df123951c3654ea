"""From a frozen notice and its reader to the message they get, in the best language there is."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from content import notice, render
from content.claim import Job
from content.message import Kind, Message, Spoken, Written
from content.notice import NoticeKind


@dataclass(frozen=True, slots=True)
class Reader:
    """What of a recipient changes the message: equal readers of a notice get the same one."""

    notice_id: uuid.UUID
    written: Written
    spoken: Spoken
    alone: str = field(default="", repr=False)
    again: bool = False
    """They may have got it before."""


def reader(job: Job) -> Reader:
    """Return whose message this is; on the phone the spoken language decides."""
    written = language(job.kind, job.written, job.spoken)
    return Reader(job.notice_id, written, job.spoken, job.alone, job.again)


def language(kind: Kind, written: Written, spoken: Spoken) -> Written:
    """Return in which language somebody is told by this kind."""
    if kind is not Kind.CALL:
        return written
    return Written.ENGLISH if spoken is Spoken.ENGLISH else _chinese(written)


def message(session: Session, who: Reader) -> Message:
    """Render the notice for this reader."""
    texts = notice.texts(session, who.notice_id)
    kind = notice.get(session, who.notice_id).kind
    return of(kind, texts, who)


def of(kind: NoticeKind, texts: dict[Written, dict[str, Any]], who: Reader) -> Message:
    """Render from the texts at hand; a missing language gets a phrase in it and the Chinese."""
    exact = texts.get(who.written)
    base = texts.get(Written.HANS) or next(iter(texts.values()))
    fields = dict(exact or base)
    if exact is None and who.written is not Written.HANT:
        fields["missing"] = "1"
    if who.again:
        fields["again"] = "1"
    return render.render(kind, fields, who.written, who.spoken, alone=who.alone)


def _chinese(written: Written) -> Written:
    return Written.HANS if written is Written.ENGLISH else written
