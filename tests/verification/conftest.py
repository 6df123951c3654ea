"""The desk's people and facts: expert, publisher, author, two residents' chats, one fact."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

import pytest
from sqlalchemy import select

from content import bare, identity
from content.delivery import Delivery
from content.event import Actor, Door
from content.message import Kind, Written
from content.notice import Notice, NoticeKind, texts
from content.staff import Role
from content.store import Store
from verification import desk, facts, shelf
from verification.case import Question
from verification.fact import Fact, Statement
from verification.index import Verdict

WATER = Statement(
    claim="自来水厂被人投毒，水不能喝了",
    truth="自来水厂没有被投毒，出厂水和管网水检测全部合格，可以放心饮用。",
    verdict=Verdict.FALSE,
    source="青禾市疾控中心",
    expert="市疾控中心 公共卫生科医师",
    date=date(2026, 7, 18),
    variants=("听说水厂有人下毒，大家别喝自来水",),
)


@dataclass(frozen=True)
class Desk:
    """Who takes part in a test of the desk."""

    expert: Actor
    publisher: Actor
    author: Actor
    wang: uuid.UUID
    """王奶奶's chat."""
    li: uuid.UUID
    """李明's chat."""


@pytest.fixture
def cast(store: Store, now: datetime) -> Desk:
    with store.begin() as session:
        expert = identity.add_staff(session, "陈医师", [Role.EXPERT], now)
        publisher = identity.add_staff(session, "周主任", [Role.PUBLISHER], now)
        author = identity.add_staff(session, "孙干事", [Role.AUTHOR], now)
        wang = bare.address(session, Kind.CHAT, "1001", now)
        li = bare.address(session, Kind.CHAT, "1002", now)
        acting = (Actor(Door.CLI, one.id) for one in (expert, publisher, author))
        return Desk(*acting, wang, li)


@pytest.fixture
def water(store: Store, cast: Desk, now: datetime) -> Fact:
    """A published fact: nobody poisoned the waterworks."""
    with store.begin() as session:
        fact = facts.draft(session, cast.author, WATER, now, code="water")
        facts.sign(session, fact, cast.expert, now)
        facts.publish(session, fact, cast.publisher, now)
        return fact


@pytest.fixture
def statement() -> Callable[..., Statement]:
    """Make a statement like the water one, with other words."""
    return lambda **other: replace(WATER, variants=(), **other)


@pytest.fixture
def told(store: Store) -> Callable[[uuid.UUID, NoticeKind], list[dict[str, object]]]:
    """What an address was told, as the fields of its notices in Chinese, oldest first."""

    def read(address_id: uuid.UUID, kind: NoticeKind) -> list[dict[str, object]]:
        with store.read() as session:
            query = (
                select(Notice)
                .join(Delivery, Delivery.notice_id == Notice.id)
                .where(Delivery.recipient_id == address_id, Notice.kind == kind)
                .order_by(Notice.id)
            )
            return [texts(session, one.id)[Written.HANS] for one in session.scalars(query)]

    return read


@pytest.fixture
def base() -> shelf.Base:
    return shelf.Base()


@pytest.fixture
def ask(store: Store, now: datetime, base: shelf.Base) -> Callable[..., desk.Reply]:
    """Ask the desk, each time in a transaction of its own."""

    def heard(
        text: str, who: uuid.UUID | None, *, at: datetime = now, **more: object
    ) -> desk.Reply:
        with store.begin() as session:
            return desk.hear(session, base, Question(text, who, **more), at)

    return heard


@pytest.fixture
def choose(store: Store, now: datetime, base: shelf.Base) -> Callable[..., desk.Reply]:
    def chosen(reply: desk.Reply, option: str) -> desk.Reply:
        with store.begin() as session:
            return desk.choose(session, base, reply.question_id, option, now)

    return chosen
