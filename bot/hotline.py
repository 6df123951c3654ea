"""The hotline: who calls the committee, and what they hear, as the data of a call.

Whoever is not known by their number is first asked for their building; then comes the menu.
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
from bot.menu import Menu
from bot.missed import TURNS
from content import alert, call, callback, compose, duty, notice, numeral, people, phrase, store
from content.alert import Status
from content.call import Line, Script
from content.compose import Reader
from content.message import Kind, Speech, Spoken
from content.notice import Notice
from content.people import OwnerKind, Resident
from content.place import Community, Place, PlaceKind
from content.speak import sentence

NUMBER = re.compile(r"\+\d{5,15}", re.ASCII)
HIDDEN = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+464", "+86282452253"})
"""What Twilio gives for a number that is hidden: words dialled on a keypad (ANONYMOUS, …)."""
NOWHERE = "0"
"""The building of a caller who has not named one."""
CHOSEN = dict.fromkeys("123", "look1")
"""Where a call goes on after the key that chooses a fact: the answer is waited for."""
_BUILDING = re.compile(r"b(\d{1,5})", re.ASCII)
_MOST = 3
"""Alerts that are told one after the other; more nobody can follow."""


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
    other = theirs if mine is Spoken.ENGLISH else Spoken.ENGLISH
    shown = bool(who.number)
    common = (_sender(session), shown, shown and not who.known, phone, speech)
    first, second = Menu(mine, other, *common), Menu(other, mine, *common)
    told = tuple(_alerts(session, who, mine, now)) if tells else ()
    steps = first.steps(told) | second.steps(())
    steps[call.CLOSE] = steps[f"{mine}-goodbye"]
    return Script(steps, start=first.start, turns=TURNS)


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
    before = sentence("hotline.before", mine) if lead is not Lead.NOTHING else ""
    opening = f"{speech.opening}{before}" if lead is Lead.GREETING else before
    told = replace(speech, opening=opening, others=())
    if asks(speech):
        answers = {**speech.answers, "0": sentence("hotline.none", mine)}
        onward = {**CHOSEN, "0": missed.BACK}
    else:
        answers = {"1": sentence("hotline.ok", mine), "3": sentence("hotline.help", mine)}
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
        yield from call.lines(spoken, sentence("hotline.no_alerts", spoken))
        return
    written, told = phrase.written(spoken), meant[:_MOST]
    if len(told) > 1:
        yield from call.lines(spoken, sentence("hotline.alerts", spoken, count=len(told)))
    for place, one in enumerate(told):
        if place:
            yield from call.lines(spoken, sentence("hotline.next_alert", spoken))
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
