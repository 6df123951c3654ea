"""Recordings: an alert read out by staff, played in calls in place of the spoken sentences.

A recording belongs to one revision and to the hash of the text that was read: when the text changes
it is void. It is heard by residents only after a publisher other than the reader has accepted it,
by publishing or by a step of its own.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Delete, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, defer, mapped_column

from content import draft as drafts
from content import event, identity, phrase, store
from content.alert import ReviewError, Revision, Stage
from content.base import Base, Identified, Instant, SecretBytes, new_id
from content.draft import Draft
from content.event import Actor
from content.message import Spoken, Written
from content.staff import Role

MAKERS = frozenset({Role.AUTHOR, Role.EDITOR, Role.PUBLISHER})


class Recording(Identified, Base):
    """One reading of one revision in one spoken language."""

    __tablename__ = "recording"

    revision_id: Mapped[uuid.UUID]
    language: Mapped[Spoken]
    text_hash: Mapped[str] = mapped_column(String(64))
    seconds: Mapped[float]
    sound: Mapped[bytes] = mapped_column(SecretBytes("recording.sound"))
    """A WAV file, 16 bits, one channel."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[uuid.UUID]
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_by: Mapped[uuid.UUID | None]


Index("ix_recording_revision", Recording.community_id, Recording.revision_id, Recording.language)


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording without its sound. `valid`: the text is still the one that was read."""

    id: uuid.UUID
    language: Spoken
    seconds: float
    made_at: datetime
    made_by: uuid.UUID
    accepted: bool
    valid: bool


class Played(NamedTuple):
    """A recording as a call names it, and its length in seconds."""

    id: str
    seconds: float


def keep(
    session: Session, actor: Actor, revision: Revision, language: Spoken, body: bytes, now: datetime
) -> Kept:
    """Keep a WAV file as the reading of a revision, in place of an older one; raises ReviewError.

    Author, editor and publisher may. Nobody hears it before it is accepted.
    """
    from content import audible, sound  # numpy comes with them

    staff_id = _staff(session, actor, MAKERS)
    content = _content(session, revision.id)
    _open(revision, now)
    text = _text(content, language)
    heard = audible.checked(body, language, text)
    session.execute(_mine(session, revision.id, language))
    row = Recording(
        community_id=store.community(session),
        id=new_id(),
        revision_id=revision.id,
        language=language,
        text_hash=text_hash(content, language),
        seconds=heard.seconds,
        sound=sound.wav(heard),
        made_at=now,
        made_by=staff_id,
    )
    session.add(row)
    session.flush()
    _told(session, actor, "recording.kept", row, now)
    return _kept(row, content)


def accept(
    session: Session, actor: Actor, revision: Revision, language: Spoken, now: datetime
) -> None:
    """Let residents hear a reading; raises ReviewError. A publisher may who has not made it."""
    staff_id = _staff(session, actor, frozenset({Role.PUBLISHER}))
    content = _content(session, revision.id)
    found = [row for row in _rows(session, revision.id) if row.language is language]
    if not found or not _fits(found[0], content):
        raise ReviewError(
            "没有适合现在文字的录音，请重新录。 There is no recording of the text as it is now."
        )
    if found[0].made_by == staff_id:
        raise ReviewError(
            "自己录的要由别的发布人来听。 "
            "Another publisher than the one who made it must accept a recording."
        )
    _accept(session, actor, found[0], staff_id, now)


def published(session: Session, actor: Actor, revision: Revision, now: datetime) -> None:
    """Accept, as a part of publishing, every reading that fits and that somebody else has made."""
    content = _content(session, revision.id)
    for row in _rows(session, revision.id):
        if _fits(row, content) and actor.id is not None and row.made_by != actor.id:
            _accept(session, actor, row, actor.id, now)


def drop(
    session: Session, actor: Actor, revision: Revision, language: Spoken, now: datetime
) -> None:
    """Take a reading back: calls speak the text again. Raises ReviewError."""
    _staff(session, actor, MAKERS)
    for row in _rows(session, revision.id):
        if row.language is language:
            _told(session, actor, "recording.dropped", row, now)
    session.execute(_mine(session, revision.id, language))


def of(session: Session, revision: Revision) -> list[Kept]:
    """Return the readings of a revision, by language."""
    content = _content(session, revision.id)
    return [_kept(row, content) for row in _rows(session, revision.id)]


def playable(
    session: Session, revision_id: uuid.UUID, *, accepted: bool = True
) -> dict[Spoken, Played]:
    """Return what residents are to hear of a revision: accepted, and its text stands.

    accepted: False for what they will hear where the publisher accepts every reading that fits.
    """
    rows = _rows(session, revision_id)
    if accepted:
        rows = [row for row in rows if row.accepted_at is not None]
    if not rows:
        return {}
    content = _content(session, revision_id)
    return {row.language: Played(row.id.hex, row.seconds) for row in rows if _fits(row, content)}


def wav(session: Session, recording: str) -> bytes | None:
    """Return a recording's WAV file by its id in hex; None where it is gone."""
    try:
        key = (store.community(session), uuid.UUID(hex=recording))
    except ValueError:
        return None
    row = session.get(Recording, key)
    return row.sound if row else None


def redact(session: Session, before: datetime) -> int:
    """Erase the readings of alerts that expired before then; return how many."""
    here = store.community(session)
    over = select(Revision.id).where(Revision.community_id == here, Revision.expires < before)
    done = session.execute(
        delete(Recording).where(Recording.community_id == here, Recording.revision_id.in_(over))
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def text_hash(content: Draft, language: Spoken) -> str:
    """Return the SHA-256 of what is read out: the text in this language, until when, if real."""
    text = content.texts[written(language)]
    read = (text.headline, text.description, text.instruction)
    until = content.expires.astimezone(UTC).isoformat()
    body = json.dumps([*read, until, content.status], ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def _text(content: Draft, language: Spoken) -> str:
    text = content.texts.get(written(language))
    if text is None or not text.body.strip():
        raise ReviewError(
            "这份通知没有这种语言的文字，请先写上。 "
            "This alert has no text in that language: write it first."
        )
    return text.body


def written(language: Spoken) -> Written:
    """Return the text that is read: every kind of Chinese is read from the simplified one."""
    return Written.HANS if phrase.written(language) is Written.HANT else phrase.written(language)


def _open(revision: Revision, now: datetime) -> None:
    if revision.stage in (Stage.SUPERSEDED, Stage.CANCELLED) or revision.expires <= now:
        raise ReviewError(
            "这份通知已经结束，不用录了。 This alert is over: nobody would hear the recording."
        )


def _content(session: Session, revision_id: uuid.UUID) -> Draft:
    """Return what the revision holds now, whatever the caller has at hand."""
    return drafts.read(session, session.get_one(Revision, (store.community(session), revision_id)))


def _fits(row: Recording, content: Draft) -> bool:
    read = written(row.language)
    return read in content.texts and row.text_hash == text_hash(content, row.language)


def _kept(row: Recording, content: Draft) -> Kept:
    return Kept(
        row.id,
        row.language,
        row.seconds,
        row.made_at,
        row.made_by,
        row.accepted_at is not None,
        _fits(row, content),
    )


def _accept(
    session: Session, actor: Actor, row: Recording, staff_id: uuid.UUID, now: datetime
) -> None:
    if row.accepted_at is None:
        row.accepted_at, row.accepted_by = now, staff_id
        session.flush()
        _told(session, actor, "recording.accepted", row, now)


def _rows(session: Session, revision_id: uuid.UUID) -> list[Recording]:
    query = (
        select(Recording)
        .where(Recording.community_id == store.community(session))
        .where(Recording.revision_id == revision_id)
        .options(defer(Recording.sound))
        .order_by(Recording.language)
    )
    return list(session.scalars(query))


def _mine(session: Session, revision_id: uuid.UUID, language: Spoken) -> Delete:
    return delete(Recording).where(
        Recording.community_id == store.community(session),
        Recording.revision_id == revision_id,
        Recording.language == language,
    )


def _staff(session: Session, actor: Actor, roles: frozenset[Role]) -> uuid.UUID:
    if actor.id is None or not roles & identity.roles(session, actor.id):
        needed = ", ".join(sorted(roles))
        raise ReviewError(
            f"录音要有这些角色之一：{needed}。 "
            f"For a recording you need one of these roles: {needed}."
        )
    return actor.id


def _told(session: Session, actor: Actor, kind: str, row: Recording, now: datetime) -> None:
    seconds = round(row.seconds)
    event.add(session, actor, kind, row.revision_id, now, language=row.language, seconds=seconds)
