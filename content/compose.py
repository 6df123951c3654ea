"""From a frozen notice and its reader to the message they get, in the best language there is."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from content import claim, named, notice, phrase, recording, render
from content.alert import MsgType
from content.claim import Job
from content.message import Kind, Message, Speech, Spoken, Written
from content.notice import NoticeKind
from content.recording import Played
from content.speak import speak


@dataclass(frozen=True, slots=True)
class Reader:
    """What of a recipient changes the message: equal readers of a notice get the same one."""

    notice_id: uuid.UUID
    written: Written
    spoken: Spoken
    alone: str = field(default="", repr=False)
    again: bool = False
    """They may have got it before."""
    names: tuple[str, ...] = field(default=(), repr=False)
    """Whom a call tells, where there are several."""
    beside: bool = False
    """A contact is told together with the resident."""


def reader(job: Job) -> Reader:
    """Return whose message this is; on the phone the spoken language decides."""
    written = language(job.kind, job.written, job.spoken)
    own = (job.alone, job.again, job.names, job.beside)
    return Reader(job.notice_id, written, job.spoken, *own)


def language(kind: Kind, written: Written, spoken: Spoken) -> Written:
    """Return in which language somebody is told by this kind."""
    if kind is not Kind.CALL:
        return written
    return Written.ENGLISH if spoken is Spoken.ENGLISH else _chinese(written)


def message(session: Session, who: Reader) -> Message:
    """Render the notice for this reader."""
    texts = notice.texts(session, who.notice_id)
    told = notice.get(session, who.notice_id)
    made = of(told.kind, texts, who)
    if told.revision_id is None or made.speech is None:
        return made
    found = recording.playable(session, told.revision_id)
    update = told.msg_type is MsgType.UPDATE
    return replace(made, speech=read_out(made.speech, found, who, update=update)) if found else made


def by_ref(session: Session, ref: str) -> Message | None:
    """Return what an attempt says; None for an unknown one, and for who has been erased since."""
    try:
        job = claim.job(session, ref)
    except KeyError:
        return None
    return message(session, reader(job)) if job is not None else None


def read_out(
    speech: Speech, recordings: Mapping[Spoken, Played], who: Reader, *, update: bool = False
) -> Speech:
    """Return a call that plays recordings where it would speak the message.

    What a recording for everybody cannot say is spoken before it: whose contact hears this, that
    it may have come before, that it is an update.
    """
    others = tuple(read_out(other, recordings, who, update=update) for other in speech.others)
    if speech.language not in recordings:
        return replace(speech, others=others)
    voice = speech.language
    lead = (
        _contact(who, voice) if who.alone else "",
        phrase.say("call.again", voice) if who.again else "",
        phrase.say("call.update", voice) if update else "",
    )
    said = tuple(speak(one, voice) for one in lead if one)
    played = recordings[voice]
    return replace(speech, recording=played.id, seconds=played.seconds, lead=said, others=others)


def of(kind: NoticeKind, texts: dict[Written, dict[str, Any]], who: Reader) -> Message:
    """Render from the texts at hand; a missing language gets a phrase in it and the Chinese."""
    exact = texts.get(who.written)
    base = texts.get(Written.HANS) or next(iter(texts.values()))
    fields = dict(exact or base)
    if exact is None and who.written is not Written.HANT:
        fields["missing"] = "1"
    fields |= _own(who)
    told = _told(kind, fields, who, who.written, who.spoken)
    if told.speech is None:
        return told
    others = tuple(_spoken(kind, texts, who, told.speech.language))
    return replace(told, speech=replace(told.speech, others=others))


def _own(who: Reader) -> dict[str, Any]:
    """Return the fields that say how it comes to this reader."""
    return {name: "1" for name in ("again", "beside") if getattr(who, name)}


def _contact(who: Reader, voice: Spoken) -> str:
    whose = named.listed(who.names, phrase.written(voice)) if who.names else who.alone
    return phrase.say("contact.with_speech" if who.beside else "contact.speech", voice, alone=whose)


def _told(
    kind: NoticeKind, fields: dict[str, Any], who: Reader, written: Written, spoken: Spoken
) -> Message:
    return render.render(kind, fields, written, spoken, alone=who.alone, names=who.names)


def _spoken(
    kind: NoticeKind, texts: dict[Written, dict[str, Any]], who: Reader, said: Spoken
) -> Iterator[Speech]:
    """Return the same for the ear in each other language that the notice was written in."""
    for spoken, written in ((Spoken.MANDARIN, Written.HANS), (Spoken.ENGLISH, Written.ENGLISH)):
        if spoken is said or written not in texts:
            continue
        fields = texts[written] | _own(who)
        told = _told(kind, fields, who, written, spoken)
        if told.speech is not None:
            yield told.speech


def _chinese(written: Written) -> Written:
    return Written.HANS if written is Written.ENGLISH else written
