"""What to do next for one recipient: which step, which address, how long to wait. Pure."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from content.alert import Severity
from content.ladder import KINDS, Ladders, Rung
from content.message import Kind
from content.people import AddressView, Consent, Need
from content.reason import Reason


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a delivery is: the step it is on, tries made there, addresses that cannot work."""

    severity: Severity
    rung: int = 0
    tries: int = 0
    failed: frozenset[uuid.UUID] = frozenset()
    """Addresses with a permanent failure in this notice: never tried again."""
    skips: Mapping[str, str] = field(default_factory=dict)
    passed_on: bool = False
    """A contact has promised to tell them: only the door remains."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is to be reached, with their own addresses and their contacts' in order."""

    needs: frozenset[Need] = frozenset()
    own: tuple[AddressView, ...] = ()
    contacts: tuple[AddressView, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """The next attempt; or the end of the ladder: `kind` DOOR and why."""

    rung: int
    tries: int
    kind: Kind
    address_id: uuid.UUID | None
    wait: int
    """Seconds to wait for a confirmation after the attempt."""
    at: datetime
    skips: Mapping[str, str]
    reason: Reason | None = None


def next_step(
    standing: Standing,
    recipient: Recipient,
    ladders: Ladders,
    open_kinds: frozenset[Kind],
    now: datetime,
) -> Step:
    """Return the step to take at `now`: the same rung while it has tries, else the next that works.

    Every rung that is passed over leaves its reason in `skips`, so that the door-knock list can say
    what was not tried and why.
    """
    rungs = ladders.of(recipient.needs).rungs
    skips = dict(standing.skips)
    # the ladders, or the person's needs, may have changed since
    rung, tries = min(standing.rung, len(rungs) - 1), standing.tries
    if standing.passed_on:
        return _door(rungs, skips, now, Reason.PASSED_ON)
    while rungs[rung] is not Rung.DOOR:
        step = rungs[rung]
        if tries < ladders.tries_of(step):
            address = _address(step, recipient, standing.failed, open_kinds)
            if not isinstance(address, Reason):
                wait = ladders.wait(step, standing.severity)
                return Step(rung, tries, address.kind, address.id, wait, now, skips)
            if not tries:
                skips[step.value] = address.value
        rung, tries = rung + 1, 0
    tried_none = set(skips) >= {step.value for step in rungs if step is not Rung.DOOR}
    return _door(rungs, skips, now, Reason.NO_PATH if tried_none else Reason.LADDER_EXHAUSTED)


def after(now: datetime, wait: int) -> datetime:
    """Return when the next step is due, `wait` seconds from now."""
    return now + timedelta(seconds=wait)


def _door(rungs: tuple[Rung, ...], skips: Mapping[str, str], now: datetime, reason: Reason) -> Step:
    return Step(len(rungs) - 1, 0, Kind.DOOR, None, 0, now, skips, reason)


def _address(
    rung: Rung, recipient: Recipient, failed: frozenset[uuid.UUID], open_kinds: frozenset[Kind]
) -> AddressView | Reason:
    """Return the address this step would use, or why it cannot be taken."""
    pool = recipient.contacts if rung is Rung.CONTACT else recipient.own
    if rung is Rung.CONTACT and not pool:
        return Reason.NO_CONTACT
    found = _of_kinds(pool, KINDS[rung])
    if rung is Rung.SECOND:
        found = found[1:]
    if not found:
        return Reason.NO_ADDRESS
    allowed = [address for address in found if address.consent is not Consent.WITHDRAWN]
    if not allowed:
        return Reason.OPTED_OUT
    working = [address for address in allowed if address.id not in failed]
    if not working:
        return Reason.ADDRESS_FAILED
    sendable = [address for address in working if address.kind in open_kinds]
    return sendable[0] if sendable else Reason.NO_SENDER


def _of_kinds(pool: tuple[AddressView, ...], kinds: tuple[Kind, ...]) -> list[AddressView]:
    return [address for kind in kinds for address in pool if address.kind is kind]
