"""Who could not be reached well, found before any emergency: no path, one path, a dead number."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from content import area, compose, store
from content.delivery import Attempt, AttemptState
from content.ladder import KINDS, Ladders, Rung
from content.message import Kind, Spoken, Written
from content.notice import Notice, NoticeKind, NoticeText
from content.people import Address, Consent, Contact, Need, OwnerKind, Resident
from content.place import Place, PlaceKind
from content.reason import Reason


class Gap(StrEnum):
    """What stands between a resident and the next alert, the gravest first."""

    NO_PATH = "no_path"
    ONE_PATH = "one_path"
    FAILED = "failed"
    """A number or chat of theirs did not work when it was used last."""
    LANGUAGE = "language"
    """The last alerts were not written in the language they are told in."""
    NO_CONTACT = "no_contact"
    """They live alone, and nobody can be asked to look after them."""


DEAD = (
    Reason.NUMBER_INVALID,
    Reason.NUMBER_UNREACHABLE,
    Reason.LANDLINE,
    Reason.BLOCKED,
    Reason.UNDELIVERED,
)
"""Failures that tell of the number or chat, and not of the provider or the hour."""
_RANG = (Reason.NO_ANSWER, Reason.BUSY, Reason.MACHINE)
"""Nobody took the call, but the number is right."""
_ALERTS = 3
"""The last alerts whose languages count."""
_CHINESE = frozenset({Written.HANS, Written.HANT})
"""Every alert has Chinese, and is turned into the other characters by itself."""


@dataclass(frozen=True, slots=True)
class Way:
    """A number or chat of a resident or of their contact."""

    kinds: frozenset[Kind]
    contact: bool
    works: bool
    failed: Reason | None
    value: str = field(repr=False, default="")
    """The number, where it failed: it must be looked at. Else empty."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One resident who could not be reached well, and why."""

    id: uuid.UUID
    number: str
    """In the committee's list; empty where it has none."""
    name: str = field(repr=False)
    grid: str
    place: str
    needs: frozenset[Need]
    gaps: tuple[Gap, ...]
    ways: tuple[Way, ...]
    missing: tuple[Written, ...]
    """The languages that the last alerts had not."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has found, in the order of a round, and how many were looked at."""

    residents: int
    findings: tuple[Finding, ...]


class _Row(NamedTuple):
    id: uuid.UUID
    number: str | None
    name: str
    needs: frozenset[Need]
    written: Written
    spoken: Spoken
    path: str
    room: str


class _Held(NamedTuple):
    owner_id: uuid.UUID
    kind: Kind
    digest: str
    consent: Consent


def check(
    session: Session,
    ladders: Ladders,
    kinds: frozenset[Kind],
    within: Sequence[str] | None = None,
) -> Checked:
    """Look at everybody's ways; kinds: those that can be sent by; within: place paths.

    A way works if its kind stands in the resident's ladder, nobody has opted out of it, and it did
    not fail when it was used last. Some statements, however many residents there are.
    """
    rows = _residents(session, within)
    held, helpers = _held(session), _contacts(session)
    dead, told = _dead(session), _told(session)
    names = _places(session)
    found = []
    for row in rows:
        rungs = ladders.of(row.needs).rungs
        own = _ways(held.get(row.id, ()), _kinds(rungs, kinds), dead, contact=False)
        others = [way for one in helpers.get(row.id, ()) for way in held.get(one, ())]
        theirs = _ways(others, _contact_kinds(rungs, kinds), dead, contact=True)
        missing = _missing(row, own, told)
        gaps = tuple(_gaps(row, own, theirs, missing))
        if gaps:
            found.append(_finding(row, gaps, (*own, *theirs), missing, names))
    return Checked(len(rows), tuple(sorted(found, key=_order)))


def _gaps(
    row: _Row, own: Sequence[Way], theirs: Sequence[Way], missing: Sequence[Written]
) -> Iterable[Gap]:
    working = sum(one.works for one in (*own, *theirs))
    if working < 2:  # noqa: PLR2004 - none or one
        yield Gap.ONE_PATH if working else Gap.NO_PATH
    if any(one.failed for one in (*own, *theirs)):
        yield Gap.FAILED
    if missing:
        yield Gap.LANGUAGE
    if Need.LIVES_ALONE in row.needs and not any(one.failed is None for one in theirs):
        yield Gap.NO_CONTACT


def _kinds(rungs: Sequence[Rung], kinds: frozenset[Kind]) -> frozenset[Kind]:
    own = (kind for rung in rungs if rung is not Rung.CONTACT for kind in KINDS[rung])
    return frozenset(own) & kinds


def _contact_kinds(rungs: Sequence[Rung], kinds: frozenset[Kind]) -> frozenset[Kind]:
    return frozenset(KINDS[Rung.CONTACT]) & kinds if Rung.CONTACT in rungs else frozenset()


def _ways(
    held: Iterable[_Held],
    kinds: frozenset[Kind],
    dead: Mapping[tuple[Kind, str], tuple[Reason, str]],
    *,
    contact: bool,
) -> list[Way]:
    """Return one way for each number or chat: a mobile is one, by SMS and by call."""
    by_digest: dict[str, list[_Held]] = defaultdict(list)
    for one in held:
        if one.consent is not Consent.WITHDRAWN:
            by_digest[one.digest].append(one)
    found = []
    for digest, some in by_digest.items():
        failed = [dead[one.kind, digest] for one in some if (one.kind, digest) in dead]
        # a wrong number is wrong for calls too; one that takes no SMS may still ring
        wrong = any(why is Reason.NUMBER_INVALID for why, _ in failed)
        works = not wrong and any(
            one.kind in kinds and (one.kind, digest) not in dead for one in some
        )
        reason, value = failed[0] if failed else (None, "")
        found.append(Way(frozenset(one.kind for one in some), contact, works, reason, value))
    return found


def _missing(row: _Row, own: Sequence[Way], told: frozenset[Written]) -> tuple[Written, ...]:
    kinds = {kind for one in own if one.works for kind in one.kinds}
    needed = {compose.language(kind, row.written, row.spoken) for kind in kinds}
    return tuple(sorted(needed - _CHINESE - told))


def _finding(
    row: _Row,
    gaps: tuple[Gap, ...],
    ways: tuple[Way, ...],
    missing: tuple[Written, ...],
    names: Mapping[str, tuple[PlaceKind, str]],
) -> Finding:
    above = {names[step][0]: names[step][1] for step in area.steps(row.path) if step in names}
    parts = [above.get(one, "") for one in (PlaceKind.ESTATE, PlaceKind.BUILDING, PlaceKind.UNIT)]
    room = f"{row.room}室" if row.room else ""
    number = row.number or "~"
    return Finding(
        id=row.id,
        number="" if number.startswith("~") else number,
        name=row.name,
        grid=above.get(PlaceKind.GRID, ""),
        place="".join((*parts, room)),
        needs=row.needs,
        gaps=gaps,
        ways=ways,
        missing=missing,
    )


def _order(one: Finding) -> tuple[object, ...]:
    return (area.natural(one.grid), area.natural(one.place), one.place, one.id)


def _residents(session: Session, within: Sequence[str] | None) -> list[_Row]:
    query = (
        select(
            Resident.id,
            Resident.number,
            Resident.name,
            Resident.needs,
            Resident.written,
            Resident.spoken,
            Place.path,
            Place.room,
        )
        .join(
            Place,
            and_(Place.community_id == Resident.community_id, Place.id == Resident.place_id),
        )
        .where(Resident.community_id == store.community(session), Resident.erased_at.is_(None))
    )
    if within is not None:
        query = query.where(or_(false(), *(_inside(one) for one in within)))
    return [_Row._make(row) for row in session.execute(query)]


def _inside(path: str) -> ColumnElement[bool]:
    return Place.path.startswith(path, autoescape=True)


def _held(session: Session) -> dict[uuid.UUID, list[_Held]]:
    query = select(Address.owner_id, Address.kind, Address.digest, Address.consent).where(
        Address.community_id == store.community(session),
        Address.owner_kind.in_((OwnerKind.RESIDENT, OwnerKind.CONTACT)),
    )
    found: dict[uuid.UUID, list[_Held]] = defaultdict(list)
    for row in session.execute(query.order_by(Address.rank, Address.id)):
        found[row.owner_id].append(_Held._make(row))
    return found


def _contacts(session: Session) -> dict[uuid.UUID, list[uuid.UUID]]:
    query = select(Contact.resident_id, Contact.id).where(
        Contact.community_id == store.community(session)
    )
    found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for resident_id, contact_id in session.execute(query.order_by(Contact.rank, Contact.id)):
        found[resident_id].append(contact_id)
    return found


def _places(session: Session) -> dict[str, tuple[PlaceKind, str]]:
    """Return kind and name of every place above a home by its path."""
    query = select(Place.path, Place.kind, Place.name).where(
        Place.community_id == store.community(session), Place.kind != PlaceKind.HOUSEHOLD
    )
    return {path: (kind, name) for path, kind, name in session.execute(query)}


def _dead(session: Session) -> dict[tuple[Kind, str], tuple[Reason, str]]:
    """Return what failed when it was used last: (kind, keyed hash) -> (reason, the number)."""
    here = Attempt.community_id == store.community(session)
    once = select(Attempt.digest).where(here, Attempt.digest != "", _failed(*DEAD))
    spoke = or_(
        Attempt.state.not_in((AttemptState.ATTEMPTING, AttemptState.UNKNOWN, AttemptState.FAILED)),
        _failed(*DEAD, *_RANG),
    )
    newest = func.row_number().over(
        partition_by=(Attempt.kind, Attempt.digest), order_by=Attempt.id.desc()
    )
    last: Any = (
        select(Attempt.kind, Attempt.digest, Attempt.state, Attempt.reason, newest.label("place"))
        .where(here, Attempt.digest.in_(once), spoke)
        .subquery()
    )
    query = (
        select(last.c.kind, last.c.digest, last.c.reason, Address.value)
        .join(Address, and_(Address.kind == last.c.kind, Address.digest == last.c.digest))
        .where(Address.community_id == store.community(session))
        .where(last.c.place == 1, last.c.state == AttemptState.FAILED, last.c.reason.in_(DEAD))
    )
    return {
        (kind, digest): (Reason(reason), value)
        for kind, digest, reason, value in session.execute(query)
    }


def _failed(*reasons: Reason) -> ColumnElement[bool]:
    return and_(Attempt.state == AttemptState.FAILED, Attempt.reason.in_(reasons))


def _told(session: Session) -> frozenset[Written]:
    """Return the languages in which the last alerts were written."""
    last = (
        select(Notice.id)
        .where(Notice.community_id == store.community(session), Notice.kind == NoticeKind.ALERT)
        .order_by(Notice.made_at.desc(), Notice.id.desc())
        .limit(_ALERTS)
    )
    query = select(NoticeText.language).where(
        NoticeText.community_id == store.community(session), NoticeText.notice_id.in_(last)
    )
    return frozenset(session.scalars(query.distinct()))
