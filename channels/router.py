"""What to do next for one recipient: which step, which address, when, how long to wait. Pure."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

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
    expires_at: datetime | None = None
    """When the notice is over: no step waits for quiet hours that last as long. None: never."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is to be reached, with their own addresses and their contacts' in order."""

    needs: frozenset[Need] = frozenset()
    own: tuple[AddressView, ...] = ()
    contacts: tuple[AddressView, ...] = ()
    rested: frozenset[uuid.UUID] = frozenset()
    """Addresses that were called often enough within the hour, and are given a rest."""


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
    zone: ZoneInfo,
    paused: Mapping[Kind, datetime] | None = None,
) -> Step:
    """Return the step to take: the same rung while it has tries, else the next that works.

    `paused` are kinds that are not open, and until when: whoever has nothing else waits for them.
    In quiet hours (of `zone`) the step waits for their end, `Step.at`; it is passed over only where
    the notice would be over by then. Every rung that is passed over leaves its reason in `skips`,
    so that the door-knock list can say what was not tried and why.
    """
    step = _walk(standing, recipient, ladders, open_kinds, now, zone)
    if step.kind is not Kind.DOOR or not paused or standing.passed_on:
        return step
    later = _walk(standing, recipient, ladders, open_kinds | paused.keys(), now, zone)
    at = max(later.at, paused.get(later.kind, now))
    lives = standing.expires_at is None or at < standing.expires_at
    return replace(later, at=at) if later.kind is not Kind.DOOR and lives else step


def _walk(
    standing: Standing,
    recipient: Recipient,
    ladders: Ladders,
    open_kinds: frozenset[Kind],
    now: datetime,
    zone: ZoneInfo,
) -> Step:
    """Go down the ladder from where the delivery stands to the first step that can be taken."""
    rungs = ladders.of(recipient.needs).rungs
    skips = dict(standing.skips)
    # the ladders, or the person's needs, may have changed since
    rung, tries = min(standing.rung, len(rungs) - 1), standing.tries
    if standing.passed_on:
        return _door(rungs, skips, now, Reason.PASSED_ON)
    while rungs[rung] is not Rung.DOOR:
        step = rungs[rung]
        if tries < ladders.tries_of(step):
            found = _address(step, standing, recipient, open_kinds)
            if not isinstance(found, Reason):
                at = ladders.hushed_until(found.kind, standing.severity, now, zone) or now
                if standing.expires_at is None or at < standing.expires_at:
                    wait = ladders.wait(step, standing.severity)
                    return Step(rung, tries, found.kind, found.id, wait, at, skips)
                found = Reason.QUIET_HOURS
            if not tries:
                skips[step.value] = found.value
        rung, tries = rung + 1, 0
    return _door(rungs, skips, now, _why(rungs, skips))


def _door(rungs: tuple[Rung, ...], skips: Mapping[str, str], now: datetime, reason: Reason) -> Step:
    return Step(len(rungs) - 1, 0, Kind.DOOR, None, 0, now, skips, reason)


def _why(rungs: tuple[Rung, ...], skips: Mapping[str, str]) -> Reason:
    """Return why the ladder ends: nothing was tried although it could have been, or all was."""
    if not set(skips) >= {step.value for step in rungs if step is not Rung.DOOR}:
        return Reason.LADDER_EXHAUSTED
    for held in (Reason.QUIET_HOURS, Reason.CALLED_OFTEN):
        if held.value in skips.values():
            return held
    return Reason.NO_PATH


def _address(
    rung: Rung, standing: Standing, recipient: Recipient, open_kinds: frozenset[Kind]
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
    sieve: tuple[tuple[Reason, Callable[[AddressView], bool]], ...] = (
        (Reason.OPTED_OUT, lambda one: one.consent is not Consent.WITHDRAWN),
        (Reason.ADDRESS_FAILED, lambda one: one.id not in standing.failed),
        (Reason.NO_SENDER, lambda one: one.kind in open_kinds),
        (Reason.CALLED_OFTEN, lambda one: one.id not in recipient.rested),
    )
    for reason, passes in sieve:
        found = [one for one in found if passes(one)]
        if not found:
            return reason
    return found[0]


def _of_kinds(pool: tuple[AddressView, ...], kinds: tuple[Kind, ...]) -> list[AddressView]:
    return [address for kind in kinds for address in pool if address.kind is kind]
