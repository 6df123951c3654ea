"""The next step of everybody who is due: from the outbox, through the router, and back."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from channels import router
from channels.router import Recipient, Standing
from content import due, routing, untold
from content.alert import Severity
from content.ladder import Ladder, Ladders, Rung
from content.message import Kind
from content.people import AddressView, Consent, OwnerKind
from content.reason import Reason
from content.routing import Due, Plan

BATCH = 500
"""Deliveries that get their step in one transaction."""
_DIRECT_TRIES = 3
_BESIDE = Ladder("beside", frozenset(), (Rung.CONTACT, Rung.DOOR))
"""A contact who is told together with the resident: by the best of their addresses, and no more."""


def route(
    session: Session,
    ladders: Ladders,
    open_kinds: frozenset[Kind],
    zone: ZoneInfo,
    now: datetime,
    limit: int = BATCH,
    *,
    hourly: int | None = None,
) -> int:
    """Give up to `limit` due deliveries their next step; return how many there were.

    hourly: how often one number may be called in an hour; None: as often as one likes.
    """
    found = routing.due(session, now, limit, hourly=hourly)
    take(session, found, ladders, open_kinds, zone, now)
    return len(found)


def take(
    session: Session,
    found: Iterable[Due],
    ladders: Ladders,
    open_kinds: frozenset[Kind],
    zone: ZoneInfo,
    now: datetime,
    paused: Mapping[Kind, datetime] | None = None,
) -> None:
    """Decide and write the steps of these deliveries; what has moved on meanwhile stays.

    `paused` are kinds that are not open, and until when: whoever has nothing else waits for them.
    """
    plans: list[Plan] = []
    homes = Homes()
    for one in found:
        plan = homes.apart(one, step(one, ladders, open_kinds, zone, now, paused))
        visited = one.confirms and one.recipient_kind is OwnerKind.RESIDENT
        if plan.kind is Kind.DOOR and not visited:
            _give_up(session, one, plan, now)
        else:
            plans.append(plan)
    routing.plan(session, plans, now)


def _give_up(session: Session, one: Due, plan: Plan, now: datetime) -> None:
    """End what has no door; what was asked for by phone and heard by nobody is told by staff."""
    asked_for = untold.waits(one.recipient_kind, one.wait) and bool(_own(one))
    reason = plan.reason or Reason.LADDER_EXHAUSTED
    if asked_for:
        reason = untold.why(session, one.notice_id, one.recipient_id)
    if routing.give_up(session, one, reason, now) and asked_for:
        untold.give_staff(session, one.notice_id, one.recipient_id, now)


class Homes:
    """The homes that are called in one turn: every home rings once before any rings again.

    Whoever is called at another number than the first of their home stands a minute behind, where
    the claim would hold them anyway. Two who share a number stay together: it rings once.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[uuid.UUID, uuid.UUID], list[str]] = defaultdict(list)

    def apart(self, one: Due, plan: Plan) -> Plan:
        """Return the plan, later by as many minutes as other numbers of the home come before."""
        way = next((way for way in one.own if way.id == plan.address_id), None)
        if one.home is None or way is None or way.kind is not Kind.CALL:
            return plan
        if one.severity is Severity.EXTREME:
            return plan
        numbers = self._numbers[one.notice_id, one.home]
        if way.digest not in numbers:
            numbers.append(way.digest)
        return replace(plan, at=plan.at + numbers.index(way.digest) * due.APART)


def step(
    one: Due,
    ladders: Ladders,
    open_kinds: frozenset[Kind],
    zone: ZoneInfo,
    now: datetime,
    paused: Mapping[Kind, datetime] | None = None,
) -> Plan:
    """Return the next step of a delivery: by the ladder, or for a bare address once more."""
    if one.recipient_kind is OwnerKind.BARE:
        if untold.waits(one.recipient_kind, one.wait):
            return _until_heard(one, ladders, zone, now)
        return _direct(one, now)
    beside = one.recipient_kind is OwnerKind.CONTACT
    own, contacts = ((), one.own) if beside else (one.own, one.contacts)
    found = router.next_step(
        Standing(
            one.severity,
            one.rung,
            one.tries,
            one.failed,
            one.skips,
            passed_on=one.passed_on,
            expires_at=one.expires_at,
        ),
        Recipient(one.needs, own, contacts, one.rested),
        replace(ladders, ladders=(_BESIDE,)) if beside else ladders,
        open_kinds,
        now,
        zone,
        paused,
    )
    return Plan(
        one.notice_id,
        one.recipient_id,
        found.rung,
        found.tries,
        found.kind,
        found.address_id,
        found.wait,
        found.at,
        found.skips,
        found.reason,
    )


def _direct(one: Due, now: datetime, most: int = _DIRECT_TRIES) -> Plan:
    """Send an answer to the same address again, a few times."""
    own = _own(one)
    over = one.tries >= most or not own or own[0].id in one.failed
    return Plan(
        one.notice_id,
        one.recipient_id,
        one.rung,
        one.tries,
        Kind.DOOR if over else own[0].kind,
        None if over else own[0].id,
        0,
        now,
        one.skips,
        Reason.LADDER_EXHAUSTED if over else None,
    )


def _until_heard(one: Due, ladders: Ladders, zone: ZoneInfo, now: datetime) -> Plan:
    """Call an address again that nobody has answered: after quiet hours, and not too often."""
    own = _own(one)
    at = now
    if own and one.tries:
        at = ladders.hushed_until(Kind.CALL, one.severity, now, zone) or now
    if own and own[0].id in one.rested:
        at = max(at, untold.rests(now))
    plan = _direct(one, now, untold.TRIES)
    if plan.kind is not Kind.DOOR and at >= one.expires_at:
        return replace(plan, kind=Kind.DOOR, address_id=None, reason=Reason.LADDER_EXHAUSTED)
    return replace(plan, at=at, wait=untold.WAITS[min(one.tries, untold.TRIES - 1)])


def _own(one: Due) -> list[AddressView]:
    return [address for address in one.own if one.asked or address.consent is not Consent.WITHDRAWN]
