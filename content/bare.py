"""Bare addresses: a number, a chat or a loudspeaker that nobody here owns stands for itself."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from content import people, store
from content.base import new_id
from content.message import Kind, Written
from content.people import Address, OwnerKind


def address(session: Session, kind: Kind, value: str, now: datetime) -> uuid.UUID:
    """Return the id of the bare address of a number or chat."""
    for owner_kind, _, address_id in people.owners(session, kind, value):
        if owner_kind is OwnerKind.BARE:
            return address_id
    return people.add_address(session, OwnerKind.BARE, new_id(), kind, value, now)


def speaks(session: Session, address_id: uuid.UUID, written: Written) -> None:
    """Remember the language in which an address is to be answered and called back."""
    row = session.get_one(Address, (store.community(session), address_id))
    if row.written is not written:
        row.written = written
