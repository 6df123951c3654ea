"""The demo's world: a community on a fast clock, with virtual phones that behave like people."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.app import App
from bot.config import Settings
from bot.demo import community, script
from bot.demo.community import Member, Person
from bot.sandbox import phones
from bot.sandbox.phones import Behaviour, Phone, PhoneKind
from bot.sandbox.server import Sandbox
from content import duty, identity, place, roster, sheet
from content import people as people_
from content.clock import Clock
from content.event import HOUSE, Actor, Door
from content.keys import Keyring
from content.people import Resident
from content.place import Community
from content.staff import Role
from content.store import Store
from verification import exchange, facts, settlement, shelf

T = TypeVar("T")
SCALE = 75.0
"""Clock seconds in a real one."""
LINES = 24
"""Calls at the same time."""

# how people meet an alert, with how many in a hundred do so
_ELDERS: dict[tuple[phones.OnCall, ...], int] = {
    (phones.PRESSES_1,): 46,
    (phones.REPEATS_THEN_1,): 14,
    (phones.NO_ANSWER, phones.PRESSES_1): 12,
    (phones.PRESSES_3,): 7,
    (phones.WRONG_KEY_THEN_1,): 5,
    (phones.BUSY, phones.PRESSES_1): 4,
    (phones.MACHINE,): 4,
    (phones.HANGS_UP,): 3,
    (phones.NO_ANSWER,): 5,
}
_CALLED: dict[tuple[phones.OnCall, ...], int] = {
    (phones.PRESSES_1,): 70,
    (phones.NO_ANSWER,): 25,
    (phones.HANGS_UP,): 5,
}
_TEXTED: dict[tuple[phones.OnText, ...], int] = {
    (phones.REPLIES_1,): 45,
    (phones.REPLIES_RECEIVED,): 25,
    (phones.NEVER_REPLIES,): 20,
    (phones.UNDELIVERABLE,): 7,
    # help is asked for once: who is answered does not write the same again
    (phones.REPLIES_HELP, phones.NEVER_REPLIES): 3,
}
_CHATTED = {"tap": 74, "help": 2, "later": 8, "read": 12, "block": 4}


@dataclass(frozen=True, slots=True)
class Staffer:
    """A member of staff with their id and the token for the command line."""

    member: Member
    id: uuid.UUID
    token: str


@dataclass(slots=True)
class World:
    """Everything a story needs: the house, the stand-ins, and the people by name."""

    clock: Clock
    sandbox: Sandbox
    store: Store
    app: App
    people: list[Person]
    staff: dict[str, Staffer]
    codes: dict[str, str]
    """Invitations of staff and personal codes of residents, by chat id."""
    folder: Path

    def phone(self, chat: int) -> Phone:
        """Return the phone with this chat; raises KeyError for a stranger's."""
        found = self.sandbox.phones.by_chat(chat)
        if found is None:
            raise KeyError(chat)
        return found

    def staffer(self, role: Role) -> Staffer:
        """Return the (first) member of staff with this role."""
        return next(one for one in self.staff.values() if one.member.role is role)

    async def stop(self) -> None:
        """Stop the house and the stand-ins."""
        await self.app.stop()
        await self.sandbox.stop()
        self.store.close()


async def build(folder: Path, *, seed: int, port: int = 0) -> World:
    """Make the community in `folder`, plug the phones in, and start the house."""
    clock = Clock(SCALE)
    sandbox = await Sandbox.start(clock, port=port, seed=seed)
    store = Store(f"sqlite:///{folder / 'linxun.sqlite3'}", _keyring(folder), uuid.uuid4())
    store.migrate()
    people = community.residents(seed)
    with store.begin() as session:
        _settle(session, folder, seed, clock.now())
        staff, codes = _employ(session, clock.now())
        codes |= _link(session, people, clock.now())
        _learn(session, staff.values(), clock.now())
    for phone in (*_staff_phones(), *_phones(people, seed)):
        sandbox.phones.add(phone)
    settings = _settings(sandbox, store)
    sandbox.refuse_live(
        {
            "telegram_token": settings.telegram_token.get_secret_value(),
            "twilio_account_sid": settings.twilio_account_sid,
        }
    )
    app = App(settings, store, clock)
    for hook in ("sms", "voice"):
        setattr(sandbox, f"{hook}_webhook", f"{app.public_url}/hooks/twilio_{hook}/inbound")
    sandbox.voice_status_webhook = f"{app.public_url}/hooks/twilio_voice/status"
    await app.start()
    return World(clock, sandbox, store, app, people, staff, codes, folder)


def _keyring(folder: Path) -> Keyring:
    ring = Keyring.generate()
    ring.save(folder / "linxun.key")
    return ring


def _settings(sandbox: Sandbox, store: Store) -> Settings:
    return Settings.model_validate(
        {
            "database_url": store.url,
            "port": 0,
            **sandbox.settings(),
            "twilio_sms_rate": 10.0,
            "twilio_voice_lines": LINES,
            "twilio_speech": True,
        }
    )


def _settle(session: Session, folder: Path, seed: int, now: datetime) -> None:
    """Make the community and import its residents from the committee's own list."""
    session.add(Community(community_id=session.info["community_id"], name=community.NAME))
    session.flush()
    path = folder / "residents.csv"
    path.write_text(community.roster(seed), encoding="utf-8-sig")
    roster.load(session, sheet.read(path), now, HOUSE)


def _employ(session: Session, now: datetime) -> tuple[dict[str, Staffer], dict[str, str]]:
    """Make the staff; each gets a token for the command line and an invitation for the chat."""
    staff: dict[str, Staffer] = {}
    codes: dict[str, str] = {}
    for member in community.STAFF:
        grid = place.find(session, member.grid) if member.grid else None
        made = identity.add_staff(
            session,
            member.name,
            [member.role],
            now,
            title=member.title,
            place_id=grid.id if grid else None,
        )
        staff[member.name] = Staffer(member, made.id, identity.token(session, made.id, now))
        codes[str(member.chat)] = identity.invite(session, made.id, now)
    on_duty = next(one for one in staff.values() if one.member.role is Role.GRID_WORKER)
    duty.begin(session, on_duty.id, now, None, now)
    return staff, codes


def _link(session: Session, people: list[Person], now: datetime) -> dict[str, str]:
    """Make a personal code for everybody who uses the chat app."""
    chats = {one.number: str(one.chat) for one in people if one.chat is not None}
    rows = session.execute(select(Resident.id, Resident.number)).all()
    return {
        chats[number]: identity.resident_code(session, resident_id, now)
        for resident_id, number in rows
        if number in chats
    }


def _learn(session: Session, staff: Iterable[Staffer], now: datetime) -> None:
    """Bring in the official facts: the expert signs them, the publisher publishes them."""
    acting = {one.member.role: Actor(Door.CLI, one.id) for one in staff}
    entries, _ = exchange.read(script.facts().splitlines(keepends=True))
    exchange.bring(session, entries, acting[Role.EXPERT], now, sign=True)
    base = shelf.base(session)
    for fact in facts.waiting(session):
        settlement.publish(session, fact, acting[Role.PUBLISHER], now, base=base)


def _staff_phones() -> list[Phone]:
    quiet = Behaviour(chats=(phones.READS_ONLY,))
    return [
        Phone(name=member.name, chat=member.chat, behaviour=quiet, started=False)
        for member in community.STAFF
    ]


def _phones(people: list[Person], seed: int) -> list[Phone]:
    chance = Random(seed)  # noqa: S311 - invented people, no secrets
    found: dict[str, Phone] = {}
    for person in people:
        if person.landline and person.landline not in found:
            calls = _pick(chance, _ELDERS)
            number = _e164(person.landline)
            found[person.landline] = Phone(
                name=person.name,
                number=number,
                kind=PhoneKind.LANDLINE,
                behaviour=Behaviour(calls=calls),
            )
        if person.mobile or person.chat is not None:
            found[person.number] = _mobile(chance, person)
        if person.contact[2]:
            found[person.contact[2]] = Phone(
                name=person.contact[0],
                number=_e164(person.contact[2]),
                behaviour=Behaviour(calls=_pick(chance, _CALLED), texts=_replies(chance)),
            )
    return list(found.values())


def _mobile(chance: Random, person: Person) -> Phone:
    return Phone(
        name=person.name,
        number=_e164(person.mobile) if person.mobile else "",
        chat=person.chat,
        started=False,
        behaviour=Behaviour(
            calls=_pick(chance, _CALLED),
            texts=_replies(chance),
            # the first message with buttons asks for consent
            chats=(phones.READS_ONLY, _chat(chance, person)),
        ),
    )


def _chat(chance: Random, person: Person) -> phones.OnChat:
    english = person.written == "英文"
    (what,) = chance.choices(list(_CHATTED), list(_CHATTED.values()))
    received, help_ = ("Received", "help") if english else ("收到", "帮助")
    match what:
        case "tap":
            return replace(phones.TAPS_RECEIVED, press=received)
        case "help":
            return replace(phones.TAPS_HELP, press=help_)
        case "later":
            return replace(phones.TAPS_LATER, press=received)
        case "block":
            return phones.HAS_BLOCKED
    return phones.READS_ONLY


def _replies(chance: Random) -> tuple[phones.OnText, ...]:
    """Return what somebody does with the alert and its update; nobody answers an all-clear."""
    first, *rest = _pick(chance, _TEXTED)
    return first, *(rest or (first, phones.NEVER_REPLIES))


def _pick(chance: Random, shares: dict[tuple[T, ...], int]) -> tuple[T, ...]:
    (chosen,) = chance.choices(list(shares), list(shares.values()))
    return chosen


def _e164(number: str) -> str:
    return people_.number(number, "CN").e164
