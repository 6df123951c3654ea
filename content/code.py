"""Codes that people type: short, without look-alikes, kept only as a keyed hash, hard to guess."""

import secrets
import unicodedata
import uuid
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from content import event, store
from content.event import Actor, Door, Event
from content.staff import Credential, CredentialKind

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 O 1 I L, which are read for one another."""
_LENGTH = {
    CredentialKind.INVITATION: 10,
    CredentialKind.RESIDENT_CODE: 8,
    CredentialKind.BUILDING_CODE: 6,
}
_LASTS = {
    CredentialKind.INVITATION: timedelta(hours=48),
    CredentialKind.RESIDENT_CODE: timedelta(days=30),
}
_REFUSALS = 5
_WINDOW = timedelta(hours=1)


def make(
    session: Session, kind: CredentialKind, subject_id: uuid.UUID, now: datetime, actor: Actor
) -> str:
    """Return a new code for the subject; the one it had before is worth nothing from now on."""
    end(session, kind, subject_id, now)
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH[kind]))
    lasts = _LASTS.get(kind)
    session.add(
        Credential(
            community_id=store.community(session),
            kind=kind,
            subject_id=subject_id,
            hash=_hash(session, code),
            made_at=now,
            expires_at=now + lasts if lasts else None,
        )
    )
    event.add(session, actor, "code.made", subject_id, now, code=kind)
    return code


def end(session: Session, kind: CredentialKind, subject_id: uuid.UUID, now: datetime) -> None:
    """Let every credential of this kind that the subject holds expire now."""
    session.execute(
        update(Credential)
        .where(
            Credential.community_id == store.community(session),
            Credential.kind == kind,
            Credential.subject_id == subject_id,
            or_(Credential.expires_at.is_(None), Credential.expires_at > now),
        )
        .values(expires_at=now)
    )


def find(session: Session, typed: str, now: datetime) -> Credential | None:
    """Return the code's credential while it is good; case, width, blanks and dashes are free."""
    return session.scalar(
        select(Credential).where(
            Credential.community_id == store.community(session),
            Credential.kind.in_(_LENGTH),
            Credential.hash == _hash(session, typed),
            Credential.used_at.is_(None),
            or_(Credential.expires_at.is_(None), Credential.expires_at > now),
        )
    )


def compact(typed: str) -> str:
    """Return what was typed as a code is written: no blanks or dashes, capitals, half width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", typed).upper()))


def looks_like(typed: str) -> bool:
    """Say whether a text can only be meant as a code: its length, its signs, letters and digits."""
    plain = compact(typed)
    mixed = any(map(str.isdecimal, plain)) and not plain.isdecimal()
    return mixed and len(plain) in _LENGTH.values() and set(plain) <= set(_ALPHABET)


def refuse(session: Session, chat_id: str, now: datetime) -> None:
    """Count a wrong code against the chat; only the chat's keyed hash is kept."""
    event.add(session, Actor(Door.CHAT), "code.refused", _mark(session, chat_id), now)
    session.flush()


def limited(session: Session, chat_id: str, now: datetime) -> bool:
    """Say whether the chat has sent five wrong codes within the last hour."""
    refused = select(func.count()).where(
        Event.community_id == store.community(session),
        Event.subject_id == _mark(session, chat_id),
        Event.kind == "code.refused",
        Event.at > now - _WINDOW,
    )
    return (session.scalar(refused) or 0) >= _REFUSALS


def _mark(session: Session, chat_id: str) -> uuid.UUID:
    # the keyed hash has just the 128 bits of an id
    return uuid.UUID(store.digest(session, f"refused:{chat_id}"))


def _hash(session: Session, typed: str) -> str:
    return store.digest(session, f"code:{compact(typed)}")
