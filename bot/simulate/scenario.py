"""A scenario: who lives there, what they do, what the providers can do, and what breaks."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from content.alert import Severity
from content.message import Kind
from content.pace import Sender
from content.people import Need

FOLDER = Path(__file__).with_name("scenarios")
ANSWER_SECONDS = 30
"""How long a provider is waited for: the default of LINXUN_ANSWER_SECONDS."""
HOURLY = 6
"""Calls to one number an hour: the default of LINXUN_TWILIO_VOICE_HOURLY."""
ZONE = ZoneInfo("Asia/Shanghai")
_MONDAY = datetime(2026, 7, 20, tzinfo=ZONE)
SENDERS = {Kind.CHAT: "chat", Kind.SMS: "sms", Kind.CALL: "call"}
_RANGES: Mapping[str, tuple[float, float]] = {
    "residents": (1, 1_000_000),
    "hours": (0.1, 72),
    "hour": (0, 23.99),
    "household": (1, 8),
    "rings": (1, 40),
    "minutes": (0.05, 2880),
    "spread": (0, 3),
    "after": (0, 4320),
    "lines": (1, 10_000),
    "chat_per_second": (0.01, 10_000),
    "sms_per_second": (0.01, 10_000),
    "calls_per_second": (0.01, 10_000),
    "latency": (0, 20),
}
"""The least and the most of each number; every other number is a share from 0 to 1."""
_ROUNDING = 0.001
T = TypeVar("T")


class ScenarioError(ValueError):
    """A scenario cannot be used; the sentence (Chinese, English) says where and why."""


@dataclass(frozen=True, slots=True)
class Calling:
    """What people do when their telephone rings; what is left of the first three lets it ring."""

    answers: float = 0.6
    busy: float = 0.05
    machine: float = 0.05
    rings: float = 10.0
    """Seconds until it is picked up: the median."""
    presses: float = 0.85
    """Of those who answer: who presses a key in the end."""
    waits: float = 0.8
    """Of those who press: who waits for the prompt at the end; the others press before it."""
    helps: float = 0.01
    """Of those who press: who presses 3, for help."""
    calls_back: float = 0.05
    """Of those who did not answer: who calls back and presses 1 then."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What people do with a message in a chat or an SMS."""

    acts: float = 0.7
    """Who presses the button, or replies 1, in the end."""
    minutes: float = 4.0
    """Until they do: the median of a log-normal delay."""
    spread: float = 1.2
    """The delay's sigma: at 1.2, one in ten takes five times the median and more."""
    helps: float = 0.01
    """Of those who act: who asks for help."""
    opts_out: float = 0.0
    """Who answers that they want no more messages."""


@dataclass(frozen=True, slots=True)
class Group:
    """Residents of one kind: their share, their needs, how they can be reached, what they do."""

    name: str
    share: float
    chinese: str = ""
    needs: Mapping[Need, float] = field(default_factory=dict)
    """The share of the group that has each need."""
    chat: float = 0.6
    mobile: float = 0.95
    landline: float = 0.1
    contact: float = 0.3
    """Shares that have such an address, or somebody to turn to."""
    opted_out: float = 0.01
    """Who has withdrawn consent for SMS and calls before."""
    wrong: float = 0.02
    """Mobile numbers that do not exist any more."""
    calling: Calling = Calling()
    reading: Reading = Reading()
    texting: Reading = Reading(acts=0.25, minutes=6.0, opts_out=0.002)


@dataclass(frozen=True, slots=True)
class Limits:
    """What our senders may do: the numbers that money can change."""

    chat_per_second: float = 30.0
    sms_per_second: float = 1.0
    """SMS segments."""
    calls_per_second: float = 1.0
    lines: int = 3


@dataclass(frozen=True, slots=True)
class Faults:
    """How the providers misbehave all the time."""

    latency: float = 0.3
    """Seconds until a request is answered: the mean."""
    lost: float = 0.0
    """The share of receipts that never come."""
    fails: float = 0.0
    """The share of requests that fail at the provider and may be tried again."""
    chat_per_second: float | None = None
    sms_per_second: float | None = None
    calls_per_second: float | None = None
    """What the provider itself allows; more is answered with 429. None: what we may send."""


@dataclass(frozen=True, slots=True)
class Outage:
    """One provider is away for some minutes: `refuses` answers an error, else nothing answers."""

    kind: Kind
    after: float
    """Minutes after the alert."""
    minutes: float
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a run depends on besides its seed."""

    name: str
    groups: tuple[Group, ...]
    chinese: str = ""
    residents: int = 3_000
    severity: Severity = Severity.SEVERE
    hours: float = 6.0
    """Until the alert expires; the run ends there."""
    hour: float = 9.0
    """When the alert is published, in the community's own time: at night quiet hours hold."""
    text: str = "今天下午到夜里有大暴雨，低洼处可能积水。"
    """What happens; its length decides how long a call takes and how many segments an SMS."""
    household: float = 2.4
    """People in one home, on average."""
    household_confirms: bool = False
    routine: bool = False
    """Whether a notice of severity Minor to everybody is under way when the alert comes."""
    limits: Limits = Limits()
    faults: Faults = Faults()
    outages: tuple[Outage, ...] = ()
    what_if: tuple[str, ...] = ()
    """Limits to compare with, as `lines=2`."""

    @property
    def start(self) -> datetime:
        """Return when the alert is published: on a Monday."""
        return (_MONDAY + timedelta(hours=self.hour)).astimezone(UTC)

    def senders(self) -> tuple[Sender, ...]:
        """Return a sender for each kind, with this scenario's limits."""
        limits, name = self.limits, SENDERS
        return (
            Sender(name[Kind.CHAT], Kind.CHAT, limits.chat_per_second, timeout=ANSWER_SECONDS),
            Sender(
                name[Kind.SMS],
                Kind.SMS,
                limits.sms_per_second,
                timeout=ANSWER_SECONDS,
                segments=True,
            ),
            Sender(
                name[Kind.CALL],
                Kind.CALL,
                limits.calls_per_second,
                limits.lines,
                ANSWER_SECONDS,
                hourly=HOURLY,
            ),
        )


def changed(scenario: Scenario, wish: str) -> Scenario:
    """Return the scenario with some limits changed, as `lines=2,calls_per_second=2` says."""
    given: dict[str, Any] = {}
    for one in wish.split(","):
        name, _, value = (part.strip() for part in one.partition("="))
        if name not in _LIMITS:
            raise ScenarioError(
                f"不能改 {name or wish}，可以改：{'、'.join(_LIMITS)}。 {name or wish} cannot be "
                f"changed; a what-if is one of {', '.join(_LIMITS)} and a number, as lines=2."
            )
        given[name] = _number_of(name, value)
    return replace(scenario, limits=replace(scenario.limits, **given))


def built_in() -> list[str]:
    """Return the names of the scenarios that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """Read a built-in scenario by its name, or a TOML file by its path; raises ScenarioError."""
    return parse(_body(name), Path(name).stem)


def parse(body: Mapping[str, Any], name: str) -> Scenario:
    """Read a scenario from a parsed TOML document; raises ScenarioError."""
    rest = dict(body)
    groups = tuple(_group(item) for item in _list(rest.pop("group", []), "group"))
    outages = tuple(
        _fill(Outage, item, "[[outage]]") for item in _list(rest.pop("outage", []), "outage")
    )
    if not groups or abs(sum(one.share for one in groups) - 1) > _ROUNDING:
        raise ScenarioError("各 [[group]] 的 share 加起来要等于 1。 The shares must add up to 1.")
    limits = _fill(Limits, rest.pop("limits", {}), "[limits]")
    faults = _fill(Faults, rest.pop("faults", {}), "[faults]")
    given = {
        "name": name,
        "groups": groups,
        "outages": outages,
        "limits": limits,
        "faults": faults,
        "what_if": tuple(map(str, _list(rest.pop("what_if", []), "what_if"))),
    }
    found = _fill(Scenario, rest, "scenario", given)
    for wish in found.what_if:
        changed(found, wish)
    return found


def _body(name: str) -> dict[str, Any]:
    """Read a file; what it does not say comes from the scenario it is `like`."""
    path = FOLDER / f"{name}.toml"
    path = path if path.is_file() else Path(name)
    try:
        own = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(built_in())
        raise ScenarioError(
            f"没有这个情景：{name}。 There is no scenario {name}: name a file, or one of {known}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"{name} 不是有效的 TOML。 {name} is not valid TOML: {error}."
        ) from error
    like = own.pop("like", None)
    if like is None:
        return own
    if like not in built_in():
        raise ScenarioError(
            f"like 只能是自带的情景。 `like` names one of {', '.join(built_in())}, not {like!r}."
        )
    return _merged(_body(like), own)


def _merged(below: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    tables = {
        name: below[name] | value
        for name, value in own.items()
        if isinstance(value, dict) and isinstance(below.get(name), dict)
    }
    return below | own | tables


def _group(item: Any) -> Group:
    if not isinstance(item, dict):
        raise ScenarioError("[[group]] 要写成表。 Each [[group]] is a table.")
    rest, name = dict(item), f"[[group]] {item.get('name', '')}"
    needs = rest.pop("needs", {})
    if not isinstance(needs, dict) or not set(needs) <= set(Need):
        raise ScenarioError(
            f"{name}：needs 只能是 {'、'.join(Need)}。 {name}: needs are shares of "
            f"{', '.join(Need)}."
        )
    given: dict[str, Any] = {
        "needs": {Need(key): _number(key, value, name) for key, value in needs.items()}
    }
    for part, kind in (("calling", Calling), ("reading", Reading), ("texting", Reading)):
        if part in rest:
            given[part] = _fill(kind, rest.pop(part), f"{name} {part}")
    made = _fill(Group, rest, name, given)
    if made.calling.answers + made.calling.busy + made.calling.machine > 1:
        raise ScenarioError(
            f"{name}：接听、占线、答录机加起来超过 1。 {name}: answers, busy and machine are more "
            "than 1 together."
        )
    return made


def _fill(into: type[T], table: Any, where: str, given: Mapping[str, Any] | None = None) -> T:
    """Make a dataclass of a table, whose every value is checked by its field's name and type."""
    if not isinstance(table, dict):
        raise ScenarioError(f"{where} 要写成表。 {where} is a table.")
    known = {one.name: one for one in fields(into) if one.name not in (given or {})}  # type: ignore[arg-type]
    for name in table:
        if name not in known:
            raise ScenarioError(
                f"{where} 里没有 {name}。 {where} has no {name}; it has {', '.join(known)}."
            )
    for name, one in known.items():
        missing = one.default is MISSING and one.default_factory is MISSING
        if missing and name not in table:
            raise ScenarioError(f"{where} 缺少 {name}。 {where} needs {name}.")
    values = {name: _value(known[name].type, name, value, where) for name, value in table.items()}
    return into(**values, **(given or {}))


def _value(kind: Any, name: str, value: Any, where: str) -> Any:
    if kind in (Severity, Kind):
        known = list(SENDERS) if kind is Kind else list(Severity)
        if value not in known:
            raise ScenarioError(
                f"{where}：{name} 只能是 {'、'.join(known)}。 "
                f"{where}: {name} is one of {', '.join(known)}."
            )
        return kind(value)
    if kind in (str, bool):
        if not isinstance(value, kind):
            raise ScenarioError(
                f"{where}：{name} 写错了。 {where}: {name} must be a {kind.__name__}."
            )
        return value
    number = _number(name, value, where)
    return int(number) if kind is int else number


def _number(name: str, value: Any, where: str) -> float:
    low, high = _RANGES.get(name, (0, 1))
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ScenarioError(
            f"{where}：{name} 要在 {low:g} 到 {high:g} 之间。 "
            f"{where}: {name} is a number from {low:g} to {high:g}, not {value!r}."
        )
    return value


def _number_of(name: str, text: str) -> float:
    try:
        value: Any = float(text)
    except ValueError:
        value = text
    number = _number(name, value, "what-if")
    return int(number) if name == "lines" else number


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ScenarioError(f"{name} 要写成列表。 {name} is a list.")
    return value


_LIMITS = tuple(one.name for one in fields(Limits))
