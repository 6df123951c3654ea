"""How imported people and their contacts can be reached, kept in step with the list."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from content import columns, people, store
from content.base import new_id
from content.listing import ContactEntry
from content.message import Kind
from content.number import Number
from content.people import Address, Consent, Contact, OwnerKind, Told

_VIA = "import"
"""Only what an import brought is taken away by an import."""
_KINDS = (Kind.SMS, Kind.CALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list says of one resident: their own numbers in order, and whom to turn to."""

    numbers: tuple[Number, ...] | None
    """None, as for the contacts: the list says nothing of them, and what is known stays."""
    contacts: tuple[ContactEntry, ...] | None


class Reach:
    """The numbers and contacts of everybody, read once; collects the changes and writes them."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._here = store.community(session)
        self._held: dict[uuid.UUID, dict[tuple[Kind, str], Any]] = defaultdict(dict)
        self._withdrawn: set[tuple[Kind, str]] = set()
        self._contacts: dict[uuid.UUID, list[Any]] = defaultdict(list)
        self._new: dict[type, list[dict[str, Any]]] = {Address: [], Contact: []}
        self._changed: dict[type, list[dict[str, Any]]] = {Address: [], Contact: []}
        self._gone: dict[type, list[uuid.UUID]] = {Address: [], Contact: []}
        self._read()

    def bring(self, wanted: Mapping[uuid.UUID, Wanted]) -> set[uuid.UUID]:
        """Make it so; return the residents of whom anything changed."""
        touched = {
            resident_id
            for resident_id, wish in wanted.items()
            # no short cut: both have to be done
            if self._numbers(OwnerKind.RESIDENT, resident_id, wish.numbers)
            | self._helpers(resident_id, wish.contacts)
        }
        self._write()
        return touched

    def _read(self) -> None:
        held = select(
            Address.id,
            Address.owner_id,
            Address.kind,
            Address.digest,
            Address.rank,
            Address.consent,
            Address.consent_via,
        ).where(Address.community_id == self._here, Address.kind.in_(_KINDS))
        for row in self._session.execute(held):
            self._held[row.owner_id][row.kind, row.digest] = row
            if row.consent is Consent.WITHDRAWN:
                self._withdrawn.add((row.kind, row.digest))
        stands = (Contact.id, Contact.resident_id, Contact.name, Contact.relation, Contact.told)
        known = select(*stands)
        known = known.where(Contact.community_id == self._here).order_by(Contact.rank, Contact.id)
        for contact in self._session.execute(known):
            self._contacts[contact.resident_id].append(contact)

    def _numbers(
        self, kind: OwnerKind, owner_id: uuid.UUID, numbers: Iterable[Number] | None
    ) -> bool:
        if numbers is None:
            return False
        held, wanted = self._held.get(owner_id, {}), set()
        changed = False
        for rank, number in enumerate(numbers):
            digest = store.digest(self._session, number.e164)
            for way in _KINDS if number.mobile else (Kind.CALL,):
                wanted.add((way, digest))
                row = held.get((way, digest))
                if row is None:
                    self._add(kind, owner_id, way, number, digest, rank)
                elif row.rank != rank:
                    key = {"community_id": self._here, "id": row.id}
                    self._changed[Address].append(key | {"rank": rank})
                changed |= row is None or row.rank != rank
        old = [row.id for key, row in held.items() if key not in wanted and row.consent_via == _VIA]
        self._gone[Address] += old
        return changed or bool(old)

    def _add(
        self,
        kind: OwnerKind,
        owner_id: uuid.UUID,
        way: Kind,
        number: Number,
        digest: str,
        rank: int,
    ) -> None:
        out = (way, digest) in self._withdrawn
        self._new[Address].append(
            {
                "community_id": self._here,
                "id": new_id(),
                "owner_kind": kind,
                "owner_id": owner_id,
                "kind": way,
                "value": number.e164,
                "digest": digest,
                "rank": rank,
                "consent": Consent.WITHDRAWN if out else Consent.ASSUMED,
                "consent_at": self._now,
                "consent_via": _VIA,
            }
        )

    def _helpers(self, resident_id: uuid.UUID, helpers: tuple[ContactEntry, ...] | None) -> bool:
        if helpers is None:
            return False
        known = self._contacts.get(resident_id, [])
        changed = len(known) != len(helpers)
        for rank, helper in enumerate(helpers):
            before = known[rank] if rank < len(known) else None
            told = helper.told or (before.told if before is not None else Told.AFTER)
            said = {"name": helper.name, "relation": helper.relation, "told": told}
            if before is None:
                key = {"community_id": self._here, "id": new_id()}
                self._new[Contact].append(key | {"resident_id": resident_id, "rank": rank} | said)
            else:
                key = {"community_id": self._here, "id": before.id}
                if any(getattr(before, name) != value for name, value in said.items()):
                    self._changed[Contact].append(key | said)
                    changed = True
            changed |= self._numbers(OwnerKind.CONTACT, key["id"], helper.numbers)
        for row in known[len(helpers) :]:
            self._gone[Contact].append(row.id)
            self._gone[Address] += [held.id for held in self._held.get(row.id, {}).values()]
        return changed

    def _write(self) -> None:
        for table in (Contact, Address):
            for batch in people.batched(self._gone[table]):
                self._session.execute(
                    delete(table).where(table.community_id == self._here, table.id.in_(batch))
                )
            if self._changed[table]:
                self._session.execute(update(table), self._changed[table])
            if self._new[table]:
                self._session.execute(insert(table), self._new[table])
        people.moved(self._session)


def cells(session: Session, region: str) -> dict[uuid.UUID, dict[str, str]]:
    """Return numbers and contacts of every resident as the cells of the list, by resident."""
    own = _written(session, region)
    found: dict[uuid.UUID, dict[str, str]] = defaultdict(dict)
    for owner_id, (mobile, landline) in own.items():
        found[owner_id] |= {"mobile": "、".join(mobile), "landline": "、".join(landline)}
    known = select(Contact).where(Contact.community_id == store.community(session))
    for contact in session.scalars(known.order_by(Contact.rank, Contact.id)):
        cell = found[contact.resident_id]
        mark = "2" if "contact" in cell else ""
        numbers = [text for way in own.get(contact.id, ()) for text in way]
        cell[f"contact{mark}"], cell[f"relation{mark}"] = contact.name, contact.relation
        cell[f"told{mark}"] = columns.TOLD[contact.told].split()[0]
        cell[f"contact{mark}_phone"] = "、".join(numbers)
    return found


def _written(session: Session, region: str) -> dict[uuid.UUID, tuple[list[str], list[str]]]:
    """Return (mobile numbers, landlines) of each owner as people write them."""
    rows = session.execute(
        select(Address.owner_id, Address.kind, Address.value)
        .where(Address.community_id == store.community(session), Address.kind.in_(_KINDS))
        .order_by(Address.rank, Address.id)
    ).all()
    mobile = {(row.owner_id, row.value) for row in rows if row.kind is Kind.SMS}
    found: dict[uuid.UUID, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for row in rows:
        if row.kind is Kind.CALL:
            at = 0 if (row.owner_id, row.value) in mobile else 1
            found[row.owner_id][at].append(_national(row.value, region))
    return found


def _national(e164: str, region: str) -> str:
    parsed = phonenumbers.parse(e164)
    here = phonenumbers.country_code_for_region(region) == parsed.country_code
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.NATIONAL if here else style.INTERNATIONAL)
