"""Whom a cry for help by phone or chat is about: residents, those of a contact, or a stranger."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from content import people, phrase, store, task
from content.event import Actor
from content.message import Kind, Written
from content.people import Address, Contact, OwnerKind, Resident
from content.plain import dialled
from content.task import TaskKind


class About(NamedTuple):
    """A resident who needs somebody, with what staff must know of who has told so."""

    resident_id: uuid.UUID
    place_id: uuid.UUID
    note: str = ""
    """That it was not the resident who called, but their contact."""


def of(session: Session, kind: Kind, value: str) -> list[About]:
    """Return the residents of a number or chat; of a contact's: whom they are the contact of.

    None for a stranger. Whoever is both calls for themselves.
    """
    found = people.owners(session, kind, value)
    own = [_resident(session, owner) for whose, owner, _ in found if whose is OwnerKind.RESIDENT]
    if living := [one for one in own if one is not None]:
        return [About(one.id, one.place_id) for one in dict.fromkeys(living)]
    contacts = [
        session.get(Contact, (store.community(session), owner))
        for whose, owner, _ in found
        if whose is OwnerKind.CONTACT
    ]
    theirs = {one.resident_id: one for one in contacts if one is not None}
    cared = [(_resident(session, who), one) for who, one in theirs.items()]
    return [
        About(one.id, one.place_id, _by_contact(one, by)) for one, by in cared if one is not None
    ]


def give(
    session: Session,
    about: Sequence[About],
    actor: Actor,
    now: datetime,
    note: str,
    notice_id: uuid.UUID | None = None,
) -> None:
    """Open a task for each resident whom a cry is about."""
    for one in about:
        task.add(
            session,
            TaskKind.HELP,
            actor,
            now,
            resident_id=one.resident_id,
            place_id=one.place_id,
            notice_id=notice_id,
            urgent=True,
            note=one.note + note,
        )


def give_stranger(
    session: Session,
    address_id: uuid.UUID,
    actor: Actor,
    now: datetime,
    note: str,
    *,
    place_id: uuid.UUID | None = None,
    notice_id: uuid.UUID | None = None,
) -> None:
    """Open a task for the address of a stranger; place_id: where they say that they are."""
    task.add(
        session,
        TaskKind.HELP,
        actor,
        now,
        subject_id=address_id,
        place_id=place_id,
        notice_id=notice_id,
        urgent=True,
        note=note,
    )


def from_address(
    session: Session, address_id: uuid.UUID, notice_id: uuid.UUID, actor: Actor, now: datetime
) -> None:
    """Open a task for who asks for help in a call that told an address itself: an answer."""
    address = session.get(Address, (store.community(session), address_id))
    if address is None:
        return
    note = ""
    if address.kind is not Kind.CHAT:
        note = phrase.say("call.help_note", Written.HANS, phone=dialled(address.value))
    if about := of(session, address.kind, address.value):
        give(session, about, actor, now, note, notice_id)
    else:
        give_stranger(session, address_id, actor, now, note, notice_id=notice_id)


def _resident(session: Session, resident_id: uuid.UUID) -> Resident | None:
    found = session.get(Resident, (store.community(session), resident_id))
    return found if found is not None and found.erased_at is None else None


def _by_contact(one: Resident, by: Contact) -> str:
    return phrase.say("call.contact_note", Written.HANS, name=one.name, contact=by.name)
