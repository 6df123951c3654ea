"""What people do: draws from a scenario's shares when the phone rings or a message comes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from bot.simulate.scenario import Calling, Group, Reading
from channels import airtime
from content.message import Kind, Speech

_BUSY = 3.0
_MACHINE = 25.0
"""Seconds until an answering machine takes a call."""
_REACTS = 3.0
"""Seconds from the prompt to a key."""


_DELIVERED, _REFUSED = 3.0, 1.0
"""Seconds until an SMS is on the phone, and until a number is found not to exist."""
CONTACTS = Group(
    "contacts",
    0.0,
    calling=Calling(answers=0.7),
    texting=Reading(acts=0.3, minutes=6.0),
)
"""What residents' contacts do, in every scenario."""


class Deed(StrEnum):
    """One thing that happens to an attempt after the provider took it."""

    ANSWERED = "answered"
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    COMPLETED = "completed"
    DELIVERED = "delivered"
    INVALID = "invalid"
    RECALLED = "recalled"
    RECEIVED = "received"
    """The button, key 1, or a reply 1."""
    HELP = "help"
    OPTED_OUT = "opted_out"
    CALLED_BACK = "called_back"


@dataclass(frozen=True, slots=True)
class Deeds:
    """What happens `after` so many seconds."""

    after: float
    what: Deed


@dataclass(frozen=True, slots=True)
class Talk:
    """How many seconds each part of a call takes: a key counts from the second reading on."""

    once: float
    again: float
    """The second reading, and the prompt."""
    thanks: float


def talk(speech: Speech) -> Talk:
    """Return how long the script of a call takes."""
    return Talk(
        airtime.saying(speech.foreword, speech.opening, *speech.sentences),
        airtime.saying(*speech.sentences, speech.prompt),
        airtime.saying(speech.answers.get("1", "")),
    )


def deeds(group: Group, kind: Kind, said: Talk, chance: Random, *, wrong: bool) -> Iterator[Deeds]:
    """Yield what happens to one attempt; `said`: how long the script of a call takes.

    wrong: nobody has the number any more.
    """
    if kind is Kind.CHAT:
        yield from read(group.reading, chance)
    elif wrong:
        yield Deeds(_REFUSED, Deed.INVALID)
    elif kind is Kind.CALL:
        yield from called(group.calling, said, chance)
    else:
        yield Deeds(_DELIVERED, Deed.DELIVERED)
        for one in read(group.texting, chance):
            yield Deeds(_DELIVERED + one.after, one.what)


def called(how: Calling, said: Talk, chance: Random) -> Iterator[Deeds]:
    """Yield what happens in a call and after it, in order."""
    draw, pick, press, early, back = (chance.random() for _ in range(5))
    rings = min(airtime.RING - 1, how.rings * math.exp(0.4 * chance.gauss(0, 1)))
    if draw < how.busy:
        yield Deeds(_BUSY, Deed.BUSY)
    elif draw < how.busy + how.answers:
        yield Deeds(rings, Deed.ANSWERED)
        if pick < how.presses:
            again = 1.0 if early < how.waits else chance.random()
            key = rings + said.once + again * said.again + _REACTS
            yield Deeds(key, Deed.HELP if press < how.helps else Deed.RECEIVED)
            yield Deeds(key + said.thanks, Deed.COMPLETED)
        else:
            yield Deeds(rings + press * (said.once + said.again), Deed.COMPLETED)
        return
    elif draw < how.busy + how.answers + how.machine:
        yield Deeds(_MACHINE, Deed.MACHINE)
        yield Deeds(_MACHINE + said.once + said.again, Deed.COMPLETED)
    else:
        yield Deeds(airtime.RING, Deed.NO_ANSWER)
    if back < how.calls_back:
        yield Deeds(airtime.RING + 60 * _delay(10.0, 1.0, chance), Deed.CALLED_BACK)


def read(how: Reading, chance: Random) -> Iterator[Deeds]:
    """Yield what somebody does about a message in a chat or an SMS."""
    draw, help_ = chance.random(), chance.random()
    after = 60 * _delay(how.minutes, how.spread, chance)
    if draw < how.acts:
        yield Deeds(after, Deed.HELP if help_ < how.helps else Deed.RECEIVED)
    elif draw > 1 - how.opts_out:
        yield Deeds(after, Deed.OPTED_OUT)


def _delay(median: float, spread: float, chance: Random) -> float:
    return median * math.exp(spread * chance.gauss(0, 1))
