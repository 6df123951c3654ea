"""What a provider's report changes of an attempt: states only rise. Pure."""

from datetime import datetime
from typing import Protocol

from content.delivery import RANKS, AttemptState
from content.message import Kind
from content.reason import Reason

HOPELESS = frozenset(
    {
        Reason.NUMBER_INVALID,
        Reason.LANDLINE,
        Reason.BLOCKED,
        Reason.REFUSED_CONTENT,
        Reason.REFUSED_REGION,
        Reason.OPTED_OUT,
    }
)
"""Reasons after which the same address is not tried again in this notice."""

_FINAL = {AttemptState.FAILED, AttemptState.DELIVERED, AttemptState.COMPLETED}


class Tried(Protocol):
    """What a report changes of an attempt."""

    kind: Kind
    state: AttemptState
    reason: Reason | None
    closed_at: datetime | None


def ends_step(kind: Kind, state: AttemptState, reason: Reason | None) -> bool:
    """Say whether the ladder goes on at once after this report.

    A phone that is busy or not picked up is tried again after the ladder's wait.
    """
    return state is AttemptState.FAILED and (kind is not Kind.CALL or reason in HOPELESS)


def raise_to(
    attempt: Tried, state: AttemptState, now: datetime, reason: Reason | None = None
) -> bool:
    """Move an attempt forward to a state; False where it stands there or further already."""
    if RANKS[state] <= RANKS[attempt.state]:
        return False
    attempt.state = state
    attempt.reason = reason or (None if state is not AttemptState.FAILED else attempt.reason)
    # chat and SMS are open only until the provider has them; a call until it has ended
    if attempt.closed_at is None and (attempt.kind is not Kind.CALL or state in _FINAL):
        attempt.closed_at = now
    return True
