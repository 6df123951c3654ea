"""The loudspeaker gets every alert once, and no resident waits for it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select

from content import (
    aftermath,
    alert,
    cap,
    claim,
    coverage,
    draft,
    expansion,
    identity,
    ladder,
    loudspeaker,
    outcome,
    review,
    stand,
)
from content.alert import Severity
from content.delivery import Delivery
from content.event import Actor, Door
from content.message import Kind, Written
from content.notice import Notice
from content.pace import Sender
from content.people import OwnerKind, Resident
from content.place import ensure
from content.staff import Role
from content.store import Store


def publish(
    store: Store,
    now: datetime,
    severity: Severity = Severity.MODERATE,
    expires: datetime | None = None,
) -> list[Delivery]:
    with store.begin() as session:
        home = ensure(session, "3-2-501")
        session.add(
            Resident(community_id=store.community_id, name="王", place_id=home.id, joined_at=now)
        )
        who = [
            Actor(Door.CLI, identity.add_staff(session, role, [role], now).id)
            for role in (Role.AUTHOR, Role.VERIFIER, Role.PUBLISHER)
        ]
        text = draft.Text("停水", "8月3日停水。", "请存水。", "已经来水。")
        ends = expires or now + timedelta(hours=6)
        content = draft.Draft("停水", {Written.HANS: text}, ends, severity=severity)
        row = review.draft(session, who[0], content, now)
        review.verify(session, who[1], row, now)
        review.edit(session, who[0], row, content, now)
        review.publish(session, who[2], row, now)
        assert row.stage is alert.Stage.PUBLISHED
        return list(session.scalars(select(Delivery)))


def test_a_loudspeaker_in_use_gets_the_alert_beside_the_residents(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        loudspeaker.use(session, now, on=True)
    made = publish(store, now)
    assert sorted(one.recipient_kind for one in made) == [OwnerKind.BARE, OwnerKind.RESIDENT]
    assert [one.kind for one in made if one.recipient_kind is OwnerKind.BARE] == [Kind.SPEAKER]


def test_a_loudspeaker_that_is_not_set_up_any_more_gets_nothing(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        loudspeaker.use(session, now, on=True)
        loudspeaker.use(session, now, on=False)
    assert [one.recipient_kind for one in publish(store, now)] == [OwnerKind.RESIDENT]


NIGHT, MORNING = timedelta(hours=14), timedelta(hours=22, minutes=1)
"""From nine in the morning to eleven at night, and to a minute past seven."""


@pytest.mark.parametrize(
    ("severity", "later", "told"),
    [
        (Severity.MODERATE, timedelta(0), 1),
        (Severity.MODERATE, NIGHT, 0),
        (Severity.MODERATE, MORNING, 1),
        (Severity.SEVERE, NIGHT, 1),
        (Severity.EXTREME, NIGHT, 1),
    ],
)
def test_the_loudspeaker_rests_at_night_but_for_what_is_severe(
    store: Store, now: datetime, severity: Severity, later: timedelta, told: int
) -> None:
    with store.begin() as session:
        loudspeaker.use(session, now, on=True)
    publish(store, now, severity, now + timedelta(days=2))
    at = now + later
    with store.begin() as session:
        loudest = ladder.load().loudest(Kind.SPEAKER, at, cap.zone(session))
        found = claim.claim(session, Sender("speaker", Kind.SPEAKER, 1.0), 5, at, loudest=loudest)
    assert len(found) == told


def test_a_loudspeaker_is_no_resident_in_any_figure(store: Store, now: datetime) -> None:
    with store.begin() as session:
        loudspeaker.use(session, now, on=True)
    (made,) = {one.notice_id for one in publish(store, now)}
    with store.begin() as session:
        speaker = Sender("speaker", Kind.SPEAKER, 1000.0)
        (job,) = claim.claim(session, speaker, 10, now)
        outcome.accepted(session, job.ref, "w", now)
    with store.read() as session:
        told = session.get_one(Notice, (store.community_id, made))
        (line,) = aftermath.notices(session, session.scalars(select(alert.Alert)).one())
        live = coverage.live(session, made, now)
        assert (told.expected, live.expected, line.expected) == (1, 1, 1)
        assert (line.contacted, live.total.contacted) == (0, 0)
        assert expansion.short(session, now) == []
        said = stand.lines(live, ZoneInfo("Asia/Shanghai"))
        assert "广播：播了1次" in said
        assert said[0].startswith("联系过0人")


def test_a_resident_who_is_missing_is_found_beside_a_loudspeaker(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        loudspeaker.use(session, now, on=True)
    (made,) = {one.notice_id for one in publish(store, now)}
    with store.begin() as session:
        session.execute(delete(Delivery).where(Delivery.recipient_kind == OwnerKind.RESIDENT))
        assert expansion.short(session, now) == [made]
