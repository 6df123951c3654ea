"""Calls that nobody needs any more are taken back, whichever door made them superfluous."""

from datetime import datetime

import pytest
from sqlalchemy import update

from channels import sweep
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.store import Store
from tests.content import outbox


@pytest.mark.parametrize(
    ("state", "ended", "recalled"),
    [
        (AttemptState.ACCEPTED, DeliveryState.CONFIRMED, True),
        (AttemptState.RINGING, DeliveryState.CANCELLED, True),
        (AttemptState.RINGING, DeliveryState.OPEN, False),
        (AttemptState.ANSWERED, DeliveryState.CONFIRMED, False),
    ],
)
def test_only_an_unanswered_call_of_an_ended_delivery_is_superfluous(
    store: Store, now: datetime, state: AttemptState, ended: DeliveryState, *, recalled: bool
) -> None:
    with store.begin() as session:
        outbox.resident(session, now, landlines=["+862100000099"])
        outbox.tell(session, now)
        outbox.route(session, now)
        outbox.take(session, now)
        session.execute(update(Attempt).values(state=state, provider_id="CA1"))
        session.execute(update(Delivery).values(state=ended))
        session.expire_all()
        assert bool(sweep.superfluous(session)) is recalled
