"""A town for the crash harness: residents with phones that behave, staff, alerts, strangers."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from crash_provider import Provider
from sqlalchemy.orm import Session

from bot.sandbox import phones
from bot.sandbox.phones import Answer, Behaviour, OnCall, OnChat, OnText, Phone, PhoneKind
from content import alert, expansion, identity, people, place, review
from content.alert import Alert, Severity, Urgency
from content.base import new_id
from content.draft import Draft, Text
from content.event import Actor, Door
from content.home import Home
from content.keys import Keyring
from content.message import Kind, Written
from content.people import Need, OwnerKind, Resident
from content.place import Community
from content.staff import Role
from content.store import Store

T = TypeVar("T")
CHUNK = 40
"""Recipients in one step of an expansion, so that many steps can be interrupted."""
LADDERS = """
[wait.chat]
{chat}
[wait.sms]
{sms}
[wait.call]
{call}
[tries]
chat = 1
sms = 1
call = {tries}
[[ladder]]
name = "elderly"
needs = ["elderly"]
steps = ["call", "door"]
[[ladder]]
name = "default"
needs = []
steps = ["chat", "sms", "call", "door"]
"""
WAITS = {"chat": "3s", "sms": "4s", "call": "8s"}
OVER_TEXT = "检修已经取消"
TOLD = "听说{}号线的公交车今天起停运了，是真的吗？"
"""What a stranger asks; the number makes each text unique."""

CHATTING = ((phones.TAPS_RECEIVED, 55), (OnChat(text="收到"), 10), (phones.READS_ONLY, 35))
TEXTING = (
    (OnText("1", after=25.0), 45),
    (phones.NEVER_REPLIES, 35),
    (phones.UNDELIVERABLE, 12),
    (phones.UNREACHABLE_CARRIER, 8),
)
CALLED = (
    (phones.PRESSES_1, 45),
    (phones.REPEATS_THEN_1, 5),
    (OnCall(Answer.RINGS_OUT), 25),
    (phones.BUSY, 10),
    (phones.ONLY_LISTENS, 8),
    (phones.MACHINE, 7),
)


@dataclass
class Town:
    """The database, its people, and who was told what at which instant."""

    folder: Path
    store: Store
    provider: Provider
    chance: Random
    office: dict[Role, Actor] = field(default_factory=dict)
    residents: dict[uuid.UUID, str] = field(default_factory=dict)
    """Each resident's first number or chat."""
    alerts: list[uuid.UUID] = field(default_factory=list)
    cancelled: dict[uuid.UUID, datetime] = field(default_factory=dict)
    """When the cancellation of an alert was committed."""
    strangers: dict[Kind, dict[str, str]] = field(
        default_factory=lambda: {Kind.CHAT: {}, Kind.SMS: {}}
    )
    """By kind: chat or number, and what was asked there."""

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run a rule in a transaction, however long the database is locked."""
        return await self.store.write(work)

    def settle(self, count: int) -> None:
        """Let residents move in: some use a chat, some only SMS, the old are called."""
        with self.store.begin() as session:
            self.office = dict(_staff(session))
            tree = place.Tree(session)
            for at in range(count):
                # a home of their own: the members of one are called a minute apart
                at_home = Home(building="3", unit=str(1 + at // 900), room=str(100 + at % 900))
                home = tree.ensure(at_home)
                self._move_in(session, home.id, at)

    async def publish(self, severity: Severity) -> uuid.UUID:
        """Publish one more alert to everybody, through the review; return its id."""
        content = _draft(len(self.alerts) + 1, severity)

        def work(session: Session) -> uuid.UUID:
            row = review.draft(session, self.office[Role.AUTHOR], content, _now())
            self._through(session, row, content)
            return row.alert_id

        self.alerts.append(await self.write(work))
        return self.alerts[-1]

    async def update(self, alert_id: uuid.UUID, severity: Severity) -> None:
        """Replace an alert that is on its way by another wording."""
        number = self.alerts.index(alert_id) + 1

        def work(session: Session) -> None:
            changed = _draft(number, severity, "情况有变化，请以这一条为准。")
            found = alert.get(session, alert_id)
            row = review.update(session, self.office[Role.AUTHOR], found, changed, _now())
            self._through(session, row, changed)

        await self.write(work)

    async def cancel(self, alert_id: uuid.UUID) -> None:
        """Take an alert back while it is on its way."""

        def work(session: Session) -> None:
            found: Alert = alert.get(session, alert_id)
            review.cancel(session, self.office[Role.PUBLISHER], found, _now())

        await self.write(work)
        self.cancelled[alert_id] = _now()

    def asks(self, kind: Kind) -> None:
        """Let a stranger ask something that nobody else asks."""
        number = 1_000 + sum(map(len, self.strangers.values()))
        text = TOLD.format(number)
        if kind is Kind.CHAT:
            phone = self.provider.sandbox.phones.add(Phone("路人", chat=5_000_000 + number))
            self.provider.sandbox.chats.says(phone, text)
        else:
            phone = self.provider.sandbox.phones.add(Phone("路人", f"+861390000{number:04}"))
            sandbox = self.provider.sandbox
            sandbox.texts.says(phone, text, sandbox.numbers[0])
        self.strangers[kind][str(phone.chat or phone.number)] = text

    def _move_in(self, session: Session, home: uuid.UUID, at: int) -> None:
        which = self.chance.random()
        old, chats = which > 0.75, which < 0.45
        phone = Phone(
            "某人",
            f"+8621{at:08}" if old else f"+86138{at:08}",
            1_000_000 + at if chats else None,
            PhoneKind.LANDLINE if old else PhoneKind.MOBILE,
            Behaviour(
                calls=self._some(CALLED), texts=self._some(TEXTING), chats=self._some(CHATTING)
            ),
        )
        self.provider.sandbox.phones.add(phone)
        made = Resident(
            community_id=self.store.community_id,
            id=new_id(),
            name="某人",
            place_id=home,
            needs=frozenset({Need.ELDERLY} if old else ()),
            joined_at=_now(),
        )
        session.add(made)
        session.flush()
        kinds = {Kind.CALL: phone.number, Kind.SMS: "" if old else phone.number}
        kinds[Kind.CHAT] = str(phone.chat or "")
        for kind, value in kinds.items():
            if value:
                people.add_address(session, OwnerKind.RESIDENT, made.id, kind, value, _now())
        self.residents[made.id] = kinds[Kind.CHAT] or phone.number

    def _some(self, table: tuple[tuple[T, int], ...]) -> tuple[T, ...]:
        kinds, weights = zip(*table, strict=True)
        return tuple(self.chance.choices(kinds, weights, k=6))

    def _through(self, session: Session, row: alert.Revision, content: Draft) -> None:
        review.verify(session, self.office[Role.VERIFIER], row, _now())
        review.edit(session, self.office[Role.EDITOR], row, content, _now())
        review.publish(session, self.office[Role.PUBLISHER], row, _now())


def build(folder: Path, provider: Provider, seed: int, url: str, tries: int) -> Town:
    """Make an empty database with one community, its key and its ladders."""
    ring = Keyring.generate()
    ring.save(folder / "linxun.key")
    waits = {
        kind: "\n".join(f'{one.value} = "{seconds}"' for one in Severity)
        for kind, seconds in WAITS.items()
    }
    text = LADDERS.format(**waits, tries=tries)
    (folder / "ladders.toml").write_text(text, encoding="utf-8")
    store = Store(url, ring, uuid.uuid4())
    store.migrate()
    with store.begin() as session:
        session.add(Community(community_id=store.community_id, name="幸福里社区"))
    expansion.CHUNK = CHUNK
    return Town(folder, store, provider, Random(seed))  # noqa: S311 - who lives where


def _staff(session: Session) -> Iterator[tuple[Role, Actor]]:
    for role in (Role.AUTHOR, Role.VERIFIER, Role.EDITOR, Role.PUBLISHER):
        yield role, Actor(Door.CLI, identity.add_staff(session, "某人", [role], _now()).id)


def _draft(number: int, severity: Severity, more: str = "") -> Draft:
    text = Text(
        f"第{number}号通知",
        f"第{number}号：今晚停水检修。{more}",
        "请提前储水。",
        f"第{number}号：{OVER_TEXT}。",
    )
    return Draft(
        "停水",
        {Written.HANS: text},
        _now() + timedelta(hours=6),
        severity=severity,
        urgency=Urgency.IMMEDIATE,
    )


def _now() -> datetime:
    return datetime.now(UTC)
