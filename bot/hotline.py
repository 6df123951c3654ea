"""The hotline: what somebody hears who calls the committee, as the data of a call.

A menu: 1 the latest alerts, 2 ask about a rumor, 3 help, 0 a person, 9 another language. Whoever is
not known by their number is first asked for their building.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import missed
from bot.missed import TURNS
from content import alert, call, callback, compose, duty, notice, numeral, people, phrase, store
from content.alert import Status
from content.call import Line, Meaning, Script, Step
from content.compose import Reader
from content.message import Kind, Speech, Spoken
from content.notice import Notice
from content.people import OwnerKind, Resident
from content.place import Community, Place, PlaceKind
from content.speak import speak

NUMBER = re.compile(r"\+\d{5,15}", re.ASCII)
HIDDEN = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+464", "+86282452253"})
"""What Twilio gives for a number that is hidden: words dialled on a keypad (ANONYMOUS, …)."""
NOWHERE = "0"
"""The building of a caller who has not named one."""
CHOSEN = dict.fromkeys("123", "look1")
"""Where a call goes on after the key that chooses a fact: the answer is waited for."""
LOOKS, PATIENCE = 20, 5
"""How often at most an answer is looked for while the caller waits, a second each time; after how
many they are asked for patience."""
_BUILDING = re.compile(r"b(\d{1,5})", re.ASCII)
_MOST = 3
"""Alerts that are told one after the other; more nobody can follow."""
_MESSAGE = 60
"""Seconds of a recorded question."""


class Lead(Enum):
    """What is said before an answer."""

    NOTHING = "nothing"
    """It is waited for."""
    EARLIER = "earlier"
    """It was asked for at another time."""
    GREETING = "greeting"
    """That, and who speaks: it is the first that a caller hears."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the number tells; it can be forged, so nothing personal is said."""

    number: str = field(repr=False)
    """E.164; empty where it is hidden: then nobody can be called back."""
    known: bool
    spoken: Spoken
    paths: tuple[str, ...]
    """The paths of the places whose alerts concern the caller; empty: not known."""
    building: str = NOWHERE
    """How the place stands in an address: `b3`."""


def number(given: str) -> str:
    """Return a caller's number, empty where it is hidden."""
    return given if NUMBER.fullmatch(given) and given not in HIDDEN else ""


def building(pressed: str, said: str = "") -> str:
    """Return how a building stands in an address, of the keys or words that name it; else NOWHERE.

    Of words the first number counts: 三号楼, and of 三号楼二单元 the building.
    """
    spoken = re.search(numeral.PATTERN, said)
    digits = re.sub(r"\D", "", pressed or (numeral.value(spoken[0]) if spoken else ""))
    return f"b{digits}" if _BUILDING.fullmatch(f"b{digits}") else NOWHERE


def caller(session: Session, given: str, building: str) -> Caller:
    """Return who calls from a number, and the building they have named."""
    shown = number(given)
    found = [owned for owned in _residents(session, shown) if owned.erased_at is None]
    paths = tuple(filter(None, (_path(session, one) for one in found)))
    spoken = found[0].spoken if found else Spoken.MANDARIN
    return Caller(shown, bool(found), spoken, paths or paths_of(session, building), building)


def paths_of(session: Session, building: str) -> tuple[str, ...]:
    """Return the places that a building's number means (`b3`); none where it is not known."""
    asked = _BUILDING.fullmatch(building)
    if asked is None:
        return ()
    query = select(Place.path).where(
        Place.community_id == store.community(session),
        Place.kind == PlaceKind.BUILDING,
        Place.code == asked[1].lstrip("0"),
    )
    return tuple(session.scalars(query))


def script(
    session: Session,
    who: Caller,
    now: datetime,
    *,
    speech: bool,
    language: Spoken | None = None,
    tells: bool = False,
) -> Script:
    """Return the whole hotline for a caller; with `speech` a rumor is said and recognised.

    tells: with what the alerts say, which are rendered for nobody who does not ask for them.

    Each language has its own steps, `cmn-menu`: the one in which the call is (else the caller's)
    and the other that is offered. Without a number there is nobody to call back, so that only the
    alerts and a person are offered.
    """
    phone = duty.phone(session, now)
    mine = language or who.spoken
    theirs = Spoken.MANDARIN if who.spoken is Spoken.ENGLISH else who.spoken
    ring = (mine, theirs if mine is Spoken.ENGLISH else Spoken.ENGLISH)
    steps: dict[str, Step] = {}
    for spoken, other in (ring, ring[::-1]):
        said = _Language(spoken, other, _sender(session))
        told = tuple(_alerts(session, who, spoken, now)) if tells and spoken is mine else ()
        made = said.steps(who, told, phone, speech=speech)
        steps |= {f"{spoken}-{name}": step for name, step in made.items()}
    steps[call.CLOSE] = steps[f"{mine}-goodbye"]
    start = "menu" if who.known or not who.number else "building"
    return Script(steps, start=f"{mine}-{start}", turns=TURNS)


def waiting(
    session: Session, who: Caller, language: Spoken, here: callback.Call, lead: Lead
) -> tuple[uuid.UUID, Script] | None:
    """Return the answer that waits for a caller and the call that tells it; None: none yet.

    What was told in this call is not told again. lead: what goes before it.
    """
    found = callback.due(session, who.number, here) if who.number else None
    told = telling(session, found, language, lead) if found is not None else None
    return (found, told) if found is not None and told is not None else None


def telling(
    session: Session, notice_id: uuid.UUID, language: Spoken, lead: Lead = Lead.NOTHING
) -> Script | None:
    """Return the call that tells this notice; None for one that cannot be spoken."""
    reader = Reader(notice_id, phrase.written(language), language)
    speech = compose.message(session, reader).speech
    return answered(speech, lead) if speech is not None else None


def answered(speech: Speech, lead: Lead = Lead.NOTHING) -> Script:
    """Return the call that tells an answer to whoever waits for it, and goes back to the menu.

    Where it asks which of several facts is meant, what was chosen is looked for again.
    """
    mine = speech.language
    before = _say("hotline.before", mine) if lead is not Lead.NOTHING else ""
    opening = f"{speech.opening}{before}" if lead is Lead.GREETING else before
    told = replace(speech, opening=opening, others=())
    if asks(speech):
        answers, onward = (
            {**speech.answers, "0": _say("hotline.none", mine)},
            {**CHOSEN, "0": missed.BACK},
        )
    else:
        answers = {"1": _say("hotline.ok", mine), "3": _say("hotline.help", mine)}
        # who has asked for help is not led back to a menu
        onward = {"1": missed.BACK}
    return call.script(replace(told, answers=answers), onward=onward, turns=TURNS)


def asks(speech: Speech) -> bool:
    """Return whether a key chooses among facts in this call: then 0 is none of them."""
    return "0" in speech.answers


def _residents(session: Session, shown: str) -> Iterator[Resident]:
    if not shown:
        return
    here = store.community(session)
    for kind, owner_id, _ in people.owners(session, Kind.CALL, shown):
        row = session.get(Resident, (here, owner_id)) if kind is OwnerKind.RESIDENT else None
        if row is not None:
            yield row


def _path(session: Session, one: Resident) -> str:
    home = session.get(Place, (one.community_id, one.place_id))
    return home.path if home is not None else ""


def _sender(session: Session) -> str:
    found = session.get(Community, store.community(session))
    return found.name if found is not None else ""


def _alerts(session: Session, who: Caller, spoken: Spoken, now: datetime) -> Iterator[Line]:
    """Return what is said of the alerts that run where the caller lives, the gravest first."""
    running = [notice.last(session, one.alert_id) for one in alert.running(session, now)]
    meant = [
        one
        for one in running
        if one is not None and one.status is Status.ACTUAL and _concerns(one, who.paths)
    ]
    if not meant:
        yield from call.lines(spoken, _say("hotline.no_alerts", spoken))
        return
    written, told = phrase.written(spoken), meant[:_MOST]
    if len(told) > 1:
        yield from call.lines(spoken, _say("hotline.alerts", spoken, count=len(told)))
    for place, one in enumerate(told):
        if place:
            yield from call.lines(spoken, _say("hotline.next_alert", spoken))
        yield from _alert(compose.message(session, Reader(one.id, written, spoken)).speech)


def _alert(speech: Speech | None) -> Iterator[Line]:
    """Return what is said of an alert to who knows already who speaks."""
    if speech is None:
        return
    if speech.foreword:
        # without the keys, which are others here
        language = speech.foreword_language
        yield from call.lines(language, phrase.say("missing.text", language))
    yield from call.told(speech)


def _concerns(one: Notice, paths: tuple[str, ...]) -> bool:
    """Return whether an alert is for these places; whoever named none hears all of them."""
    audience = (one.audience or {}).get("audience") or {}
    places = audience.get("places") or ()
    if not paths or not places:
        return True
    return any(path.startswith(at) or at.startswith(path) for path in paths for at in places)


def _after(said: tuple[Line, ...], menu: Step) -> Step:
    """Return a menu before which something is said: who knows the keys need not wait for it."""
    return replace(menu, ask=(*said, *menu.ask))


def _say(key: str, spoken: Spoken, **values: object) -> str:
    return speak(phrase.say(key, spoken, **values), spoken)


@dataclass(frozen=True, slots=True)
class _Language:
    """The hotline in one language; key 9 goes on in the other."""

    spoken: Spoken
    other: Spoken
    sender: str

    def steps(
        self, who: Caller, alerts: tuple[Line, ...], phone: str, *, speech: bool
    ) -> dict[str, Step]:
        """Return the steps by their names within this language."""
        opening = self._lines("call.opening", sender=self.sender)
        menu = self._menu(who, phone)
        greets = who.known or not who.number
        return {
            "building": self._building(opening, speech=speech),
            "menu": _after(opening if greets else (), menu),
            "nowhere": _after(self._lines("hotline.no_building"), menu),
            "stay": _after(self._lines("hotline.stay"), menu),
            "unheard": _after(self._lines("hotline.unheard"), menu),
            **self._patience(menu, phone),
            "alerts": self._told(alerts, menu),
            "rumor": self._rumor(speech=speech),
            "wait": Step(say=self._lines("hotline.looking"), then=self._name("look1")),
            **self._looks(),
            missed.BACK: Step(then=self._name("stay"), language=self.spoken),
            missed.OVER: Step(then=self._name("anytime"), language=self.spoken),
            **self._ends(who, phone),
        }

    def _told(self, alerts: tuple[Line, ...], menu: Step) -> Step:
        """Return the alerts, which a key cuts short; a television that speaks does not."""
        stay = self._name("stay")
        return replace(menu, ask=alerts, silence=stay, words="", spoken={}, seconds=1)

    def _patience(self, menu: Step, phone: str) -> dict[str, Step]:
        """Return the menu for who pressed nothing or another key, or spoke.

        Whoever presses a wrong key again needs a person, where there is one; nothing else that is
        repeated is followed by more than the end, for it may be a television.
        """
        over = self._name("goodbye")
        again, wrong, words = (
            _after(self._lines(f"call.{said}"), menu)
            for said in ("no_key", "wrong_key", "no_words")
        )
        return {
            "again": replace(again, silence=over),
            "wrong": replace(wrong, wrong=self._name("person") if phone else over),
            "words": replace(words, words=over, silence=over),
        }

    def _looks(self) -> dict[str, Step]:
        """Return the steps at which the answer is looked for, one after the other."""
        return {
            f"look{time}": Step(
                say=() if time % PATIENCE else self._lines("call.wait"),
                then=self._name(f"look{time + 1}" if time < LOOKS else "later"),
                language=self.spoken,
            )
            for time in range(1, LOOKS + 1)
        }

    def _ends(self, who: Caller, phone: str) -> dict[str, Step]:
        """Return the steps that end a call, or hand it on."""
        seen = "" if who.number else "_hidden"
        said = {
            "later": "hotline.later",
            "help": f"hotline.help{seen}",
            "unreached": "call.unreached" if who.number else "hotline.unreached_hidden",
            "goodbye": "hotline.goodbye",
            "anytime": "call.call_back",
        }
        person = Step(
            say=self._lines("call.person"),
            forward=phone,
            then=self._name("unreached"),
            language=self.spoken,
        )
        ends = {
            name: Step(say=self._lines(key), language=self.spoken) for name, key in said.items()
        }
        return {"person": person, **ends}

    def _menu(self, who: Caller, phone: str) -> Step:
        keys = {"1": "alerts"}
        if who.number:
            keys |= {"2": "rumor", "3": "help"}
        if phone:
            keys["0"] = "person"
        asked = ["hotline.menu" if who.number else "hotline.menu_hidden"]
        asked += ["call.prompt_person"] if phone else []
        named = {key: self._name(step) for key, step in keys.items()}
        return Step(
            ask=(
                *self._lines(*asked),
                *call.lines(self.other, _say("call.offer", self.other)),
            ),
            keys=named | {call.OTHER: f"{self.other}-menu"},
            silence=self._name("again"),
            wrong=self._name("wrong"),
            words=self._name("words"),
            spoken={Meaning.HELP: self._name("help")}
            | ({Meaning.PERSON: self._name("person")} if phone else {}),
            language=self.spoken,
        )

    def _building(self, opening: tuple[Line, ...], *, speech: bool) -> Step:
        key = "hotline.building_speak" if speech else "hotline.building"
        return Step(
            ask=(*opening, *self._lines(key)),
            number=self._name("menu"),
            silence=self._name("menu"),
            words=self._name("menu"),
            spoken={Meaning.HELP: self._name("help")},
            language=self.spoken,
        )

    def _rumor(self, *, speech: bool) -> Step:
        if not speech:
            return Step(
                say=self._lines("hotline.record"),
                record=_MESSAGE,
                then=self._name("wait"),
                silence=self._name("unheard"),
                language=self.spoken,
            )
        return Step(
            ask=self._lines("hotline.speak"),
            words=self._name("wait"),
            silence=self._name("unheard"),
            wrong=self._name("wrong"),
            language=self.spoken,
        )

    def _lines(self, *keys: str, **values: object) -> tuple[Line, ...]:
        return call.lines(self.spoken, *(_say(key, self.spoken, **values) for key in keys))

    def _name(self, step: str) -> str:
        return f"{self.spoken}-{step}"
