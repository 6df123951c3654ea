"""From the outbox through the router and back: a sender that its provider lets rest."""

from datetime import datetime, timedelta

from channels import route, sweep
from content import pace, routing, stray
from content.delivery import DeliveryState
from content.message import Kind
from content.store import Store
from tests.content import outbox
from tests.content.outbox import CHAT, LADDERS, SENDERS, ZONE


def test_while_a_sender_rests_only_who_has_nothing_else_waits_for_it(
    store: Store, now: datetime
) -> None:
    until = now + timedelta(minutes=10)
    with store.begin() as session:
        only = outbox.resident(session, now, chat="11")
        both = outbox.resident(session, now, chat="12", mobile="+8613800000001")
        made = outbox.tell(session, now)
        outbox.route(session, now)
        pace.pause(session, CHAT.name, until)
        closed = sweep.closed(session, SENDERS, now)
        for _ in range(2):
            stray.unroute(session, stray.astray(session, now, closed))
            kinds = frozenset({Kind.SMS, Kind.CALL})
            route.take(session, routing.due(session, now), LADDERS, kinds, ZONE, now, closed)
            session.expire_all()
        rows = [outbox.delivery(session, made, who) for who in (only, both)]
        told = [(row.state, row.kind, row.next_at) for row in rows]
    assert told == [
        (DeliveryState.OPEN, Kind.CHAT, until),
        (DeliveryState.OPEN, Kind.SMS, now),
    ]
