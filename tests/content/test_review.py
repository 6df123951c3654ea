"""The review's rules through `content.review`, on a real store."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import alert, draft, identity, review, store as stores
from content.alert import MsgType, Revision, Severity, Stage, Step, Urgency
from content.base import new_id
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.draft import Draft, Text
from content.event import Actor, Door, Event
from content.message import Kind, Spoken, Written
from content.notice import Notice, NoticeState, texts
from content.people import Audience, Resident
from content.place import Place, PlaceKind
from content.staff import Role
from content.store import Store
from content.task import Task, TaskKind

AUTHOR_RULE = "作者不能核实自己写的通知"


@dataclass(frozen=True)
class Office:
    """One actor for each role, and a text they review."""

    author: Actor
    verifier: Actor
    editor: Actor
    publisher: Actor
    everything: Actor
    stranger: Actor
    draft: Draft


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.begin() as opened:
        yield opened


@pytest.fixture
def office(session: Session, now: datetime) -> Office:
    here = stores.community(session)
    home = Place(
        community_id=here,
        id=new_id(),
        parent_id=None,
        kind=PlaceKind.BUILDING,
        code="3",
        name="幸福苑",
        path="/3/",
    )
    session.add(home)
    for number, name in enumerate(("王奶奶", "李明", "赵静")):
        session.add(
            Resident(
                community_id=here,
                id=new_id(),
                number=str(number),
                name=name,
                place_id=home.id,
                joined_at=now,
            )
        )
    session.flush()

    def actor(*roles: Role) -> Actor:
        return Actor(Door.CLI, identity.add_staff(session, "某人", roles, now).id)

    every = (Role.AUTHOR, Role.VERIFIER, Role.EDITOR, Role.PUBLISHER)
    text = Text(
        "暴雨红色预警", "今晚8点起3号楼停电。请不要外出。", "请待在家里。", "暴雨已经过去。"
    )
    content = Draft(
        "暴雨",
        {Written.HANS: text},
        now + timedelta(hours=6),
        severity=Severity.EXTREME,
        urgency=Urgency.IMMEDIATE,
    )
    return Office(*(actor(role) for role in every), actor(*every), actor(Role.EXPERT), content)


def through(session: Session, office: Office, now: datetime) -> Revision:
    """Take a draft as far as the publisher's desk."""
    row = review.draft(session, office.author, office.draft, now)
    review.verify(session, office.verifier, row, now)
    review.edit(session, office.editor, row, office.draft, now)
    return row


def test_three_people_publish_one_text(session: Session, office: Office, now: datetime) -> None:
    row = through(session, office, now)
    made = review.publish(session, office.publisher, row, now)
    assert row.stage is Stage.PUBLISHED
    assert made.expected == 3
    assert (
        texts(session, made.id)[Written.HANS]["description"] == "今晚8点起3号楼停电。请不要外出。"
    )
