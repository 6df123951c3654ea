"""The ladders: in which order a resident is tried, how long each step waits, how often, when."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from content import quiet as hours
from content.alert import Severity
from content.message import Kind
from content.people import Need
from content.quiet import Quiet as Quiet  # noqa: PLC0414 - also known as ladder.Quiet

BUILT_IN = Path(__file__).with_name("ladders.toml")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_MOST_TRIES = 9
_QUIET = ("from", "to", "kinds", "unless")
_WAKING = (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR)


class LadderError(Exception):
    """The ladder file is wrong; the sentence says where and what is allowed."""


class Rung(StrEnum):
    """One step of a ladder."""

    CHAT = "chat"
    SMS = "sms"
    CALL = "call"
    SECOND = "second"
    """The second number that can be called."""
    CONTACT = "contact"
    DOOR = "door"

    @property
    def waits_like(self) -> str:
        """Return under which name of `[wait]` this step stands."""
        return "call" if self is Rung.SECOND else self.value


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps for people with certain needs; empty needs are everybody."""

    name: str
    needs: frozenset[Need]
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Ladders:
    """All ladders of a community, the waits in seconds, the tries per step, the quiet hours."""

    ladders: tuple[Ladder, ...]
    waits: Mapping[str, Mapping[Severity, int]]
    tries: Mapping[Rung, int]
    quiet: tuple[Quiet, ...] = ()

    def of(self, needs: frozenset[Need]) -> Ladder:
        """Return the first ladder that fits these needs."""
        return next(one for one in self.ladders if not one.needs or one.needs & needs)

    def wait(self, rung: Rung, severity: Severity) -> int:
        """Return how many seconds this step waits for a confirmation."""
        return self.waits.get(rung.waits_like, {}).get(severity, 0)

    def tries_of(self, rung: Rung) -> int:
        """Return how often this step is tried."""
        return self.tries.get(rung, 1)

    def hushed_until(
        self, kind: Kind, severity: Severity, now: datetime, zone: ZoneInfo
    ) -> datetime | None:
        """Return when such a thing may be told (UTC), by the wall clock of `zone`; None: now."""
        return hours.until(self.quiet, kind, severity, now, zone)

    def loudest(self, kind: Kind, now: datetime, zone: ZoneInfo) -> Severity | None:
        """Return the mildest severity that may be told now; None: no quiet hours at the moment."""
        return hours.loudest(self.quiet, kind, now, zone)


def load(path: Path | None = None) -> Ladders:
    """Read a ladder file (None: the built-in one); raises LadderError."""
    path = path or BUILT_IN
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise LadderError(f"The ladder file {path} cannot be read.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LadderError(f"The ladder file {path} is not valid TOML: {error}.") from error


def parse(body: Mapping[str, Any]) -> Ladders:
    """Read ladders from a parsed TOML document; raises LadderError."""
    ladders = tuple(_ladder(item) for item in _items(body.get("ladder"), "[[ladder]]"))
    if not ladders or ladders[-1].needs:
        raise LadderError("The last [[ladder]] must have no needs: it is for everybody else.")
    waits = {name: _waits(name, times) for name, times in _table(body, "wait").items()}
    missing = {rung.waits_like for one in ladders for rung in one.rungs} - {"door", *waits}
    if missing:
        raise LadderError(f"There is no [wait.{min(missing)}]: say how long this step waits.")
    tries = {_rung(k): _tries(k, v) for k, v in _table(body, "tries").items()}
    quiet = tuple(_quiet(item) for item in _items(body.get("quiet", []), "[[quiet]]"))
    if never := hours.always(quiet):
        raise LadderError(f"[[quiet]] leaves no time of the day for {never}: shorten the hours.")
    return Ladders(ladders, waits, tries, quiet)


def _ladder(item: Any) -> Ladder:
    if not isinstance(item, dict):
        raise LadderError("Each [[ladder]] needs a name, its needs and its steps.")
    name = str(item.get("name", ""))
    rungs = tuple(_rung(step) for step in _items(item.get("steps"), f"steps of ladder {name}"))
    if not rungs or rungs[-1] is not Rung.DOOR or len(set(rungs)) != len(rungs):
        raise LadderError(f'Ladder {name}: name each step once and end with "door".')
    needs = _items(item.get("needs", []), f"needs of ladder {name}")
    return Ladder(name, frozenset(_need(need) for need in needs), rungs)


def _rung(word: Any) -> Rung:
    try:
        return Rung(word)
    except ValueError:
        known = ", ".join(Rung)
        raise LadderError(f"The ladder file names the step {word!r}; known are {known}.") from None


def _need(word: Any) -> Need:
    try:
        return Need(word)
    except ValueError:
        known = ", ".join(Need)
        raise LadderError(f"The ladder file names the need {word!r}; known are {known}.") from None


def _waits(name: str, times: Any) -> dict[Severity, int]:
    if not isinstance(times, dict) or set(times) != set(Severity):
        raise LadderError(f"[wait.{name}] needs a time for each of {', '.join(Severity)}.")
    return {Severity(severity): _seconds(name, time) for severity, time in times.items()}


def _seconds(name: str, time: Any) -> int:
    found = re.fullmatch(r"(\d{1,4})([smh])", str(time))
    if not found or not int(found[1]):
        raise LadderError(f'[wait.{name}] has the time {time!r}; write "90s", "5m" or "2h".')
    return int(found[1]) * _UNITS[found[2]]


def _tries(step: str, count: Any) -> int:
    if type(count) is not int or not 1 <= count <= _MOST_TRIES:
        raise LadderError(f"[tries] {step} must be a number from 1 to {_MOST_TRIES}.")
    return count


def _quiet(item: Any) -> Quiet:
    if not isinstance(item, dict):
        raise LadderError(f"Each [[quiet]] needs {', '.join(_QUIET)}.")
    if unknown := set(item) - set(_QUIET):
        name = min(unknown)
        raise LadderError(f"[[quiet]] has no {name!r}; it needs {', '.join(_QUIET)}.")
    start, end = _clock(item, "from"), _clock(item, "to")
    if start == end:
        raise LadderError(f'[[quiet]] from "{start:%H:%M}" ends when it begins: change "to".')
    kinds = _items(item.get("kinds"), "kinds of [[quiet]]")
    if not kinds:
        raise LadderError(f"[[quiet]] kinds must name at least one of {', '.join(hours.KINDS)}.")
    return Quiet(start, end, frozenset(_kind(kind) for kind in kinds), _unless(item.get("unless")))


def _clock(item: Mapping[str, Any], name: str) -> time:
    value = item.get(name)
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if found is None:
        raise LadderError(f'[[quiet]] {name} is {value!r}; write a time of day like "22:00".')
    return time(int(found[1]), int(found[2]))


def _kind(word: Any) -> Kind:
    if word not in hours.KINDS:
        known = ", ".join(hours.KINDS)
        raise LadderError(f"[[quiet]] kinds has {word!r}; known are {known}.")
    return Kind(word)


def _unless(word: Any) -> Severity:
    if word not in _WAKING:
        known = ", ".join(_WAKING)
        raise LadderError(
            f"[[quiet]] unless is {word!r}; write the mildest severity that is told "
            f"at night too: {known}."
        )
    return Severity(word)


def _items(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise LadderError(f"The ladder file needs {what} as a list.")
    return value


def _table(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = body.get(name, {})
    if not isinstance(table, dict):
        raise LadderError(f"The ladder file needs [{name}] as a table.")
    return table


KINDS: dict[Rung, tuple[Kind, ...]] = {
    Rung.CHAT: (Kind.CHAT,),
    Rung.SMS: (Kind.SMS,),
    Rung.CALL: (Kind.CALL,),
    Rung.SECOND: (Kind.CALL,),
    Rung.CONTACT: (Kind.CALL, Kind.SMS, Kind.CHAT),
    Rung.DOOR: (),
}
"""Which kinds of address each step can use, best first."""
