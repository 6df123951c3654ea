"""The loudspeaker gets every alert once, and no resident waits for it."""

from datetime import datetime, timedelta

from sqlalchemy import select

from content import alert, draft, identity, loudspeaker, review
from content.delivery import Delivery
from content.event import Actor, Door
from content.message import Kind, Written
from content.people import OwnerKind, Resident
from content.place import ensure
from content.staff import Role
from content.store import Store


def publish(store: Store, now: datetime) -> list[Delivery]:
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
        content = draft.Draft("停水", {Written.HANS: text}, now + timedelta(hours=6))
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
