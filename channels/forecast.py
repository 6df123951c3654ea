"""What a publication would do: who is reached first by what, and when the last of them is."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels import router
from channels.router import Recipient, Standing
from content import cap, people, store
from content.alert import Severity
from content.claim import Sender
from content.ladder import Ladders
from content.message import Kind, Written
from content.people import Audience, Resident

CALL_SECONDS = 75
"""How long a call with a message said twice holds its line."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many recipients, by which kind first, in which languages, and how long it takes."""

    recipients: int
    first: Mapping[Kind, int]
    """Recipients by the kind of their first contact; DOOR: no machine can reach them."""
    languages: Mapping[Written, int]
    seconds: float
    """Until the last first contact starts, on idle senders."""
    limit: str
    """The sender that takes longest."""


def forecast(
    session: Session,
    audience: Audience,
    severity: Severity,
    ladders: Ladders,
    senders: Sequence[Sender],
    now: datetime,
) -> Forecast:
    """Route everybody in the audience for the first time, without sending anything."""
    rows = session.execute(
        select(Resident.id, Resident.needs, Resident.written)
        .where(Resident.community_id == store.community(session))
        .where(Resident.id.in_(people.select(session, audience)))
    ).all()
    own = people.addresses(session, [row.id for row in rows])
    contacts = people.contacts(session, [row.id for row in rows])
    theirs = people.addresses(session, [one.id for many in contacts.values() for one in many])
    kinds = frozenset(sender.kind for sender in senders)
    first: Counter[Kind] = Counter()
    for row in rows:
        recipient = Recipient(
            row.needs,
            tuple(own.get(row.id, ())),
            tuple(a for one in contacts.get(row.id, ()) for a in theirs.get(one.id, ())),
        )
        first[
            router.next_step(
                Standing(severity), recipient, ladders, kinds, now, cap.zone(session)
            ).kind
        ] += 1
    slowest = max(senders, key=lambda one: seconds(one, first[one.kind]), default=None)
    return Forecast(
        len(rows),
        first,
        Counter(row.written for row in rows),
        seconds(slowest, first[slowest.kind]) if slowest else 0.0,
        slowest.name if slowest else "",
    )


def seconds(sender: Sender, count: int) -> float:
    """Return after how many seconds this sender starts the last of `count` attempts."""
    if count <= 1:
        return 0.0
    by_rate = (count - 1) / sender.rate
    if sender.lines is None or sender.kind is not Kind.CALL:
        return by_rate
    rounds = math.ceil(count / sender.lines) - 1
    return max(by_rate, rounds * CALL_SECONDS)
