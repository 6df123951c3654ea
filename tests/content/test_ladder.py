from copy import deepcopy
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from content import ladder
from content.alert import Severity
from content.ladder import LadderError, Rung
from content.message import Kind
from content.people import Need

TIMES = {severity.value: "1m" for severity in Severity}
GOOD: dict[str, Any] = {
    "wait": {"chat": TIMES, "call": TIMES},
    "tries": {"call": 2},
    "quiet": [{"from": "22:00", "to": "07:00", "kinds": ["call", "sms"], "unless": "Severe"}],
    "ladder": [
        {"name": "deaf", "needs": ["deaf"], "steps": ["chat", "door"]},
        {"name": "default", "needs": [], "steps": ["chat", "call", "second", "door"]},
    ],
}


def _with(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    body = deepcopy(GOOD)
    at: Any = body
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("ladder",), [], "The last [[ladder]] must have no needs: it is for everybody else."),
        (("ladder", 1, "needs"), ["blind"], "The last [[ladder]] must have no needs"),
        (("ladder",), "x", "The ladder file needs [[ladder]] as a list."),
        (("ladder", 0), "deaf", "Each [[ladder]]"),
        (("ladder", 0, "steps"), "chat", "needs steps of ladder deaf as a list."),
        (("ladder", 0, "needs"), 3, "needs needs of ladder deaf as a list."),
        (("ladder", 0, "steps"), ["chat"], 'Ladder deaf: name each step once and end with "door".'),
        (("ladder", 0, "steps"), [], 'end with "door"'),
        (("ladder", 0, "steps"), ["door", "chat"], 'end with "door"'),
        (("ladder", 0, "steps"), ["chat", "chat", "door"], "name each step once"),
        (
            ("ladder", 0, "steps"),
            ["fax", "door"],
            "names the step 'fax'; known are chat, sms, call",
        ),
        (("ladder", 0, "steps"), [["chat"], "door"], "names the step"),
        (("ladder", 0, "needs"), ["rich"], "names the need 'rich'; known are elderly, deaf"),
        (("ladder", 0, "needs"), [[]], "names the need"),
        (("ladder", 0, "steps"), ["sms", "door"], "There is no [wait.sms]: say how long"),
        (("wait", "chat"), {"Extreme": "1m"}, "[wait.chat] needs a time for each of Extreme, "),
        (("wait", "chat"), "1m", "[wait.chat] needs a time for each of"),
        (("wait",), "1m", "The ladder file needs [wait] as a table."),
        (("tries",), 3, "The ladder file needs [tries] as a table."),
        (
            ("wait", "chat"),
            TIMES | {"Minor": "0s"},
            """[wait.chat] has the time '0s'; write "90s\"""",
        ),
        (("wait", "chat"), TIMES | {"Minor": 90}, "[wait.chat] has the time 90"),
        (("wait", "chat"), TIMES | {"Minor": "-5m"}, "has the time '-5m'"),
        (("wait", "chat"), TIMES | {"Minor": "1d"}, "has the time '1d'"),
        (("tries", "call"), 0, "[tries] call must be a number from 1 to 9."),
        (("tries", "call"), 10, "[tries] call must be a number from 1 to 9."),
        (("tries", "call"), "2", "[tries] call must be a number from 1 to 9."),
        (("tries", "call"), True, "[tries] call must be a number from 1 to 9."),
        (("tries",), {"fax": 1}, "names the step 'fax'"),
        (("quiet",), "22:00", "The ladder file needs [[quiet]] as a list."),
        (("quiet", 0), "22:00", "Each [[quiet]] needs from, to, kinds, unless."),
        (("quiet", 0), {}, '[[quiet]] from is None; write a time of day like "22:00".'),
        (("quiet", 0, "from"), "22", "from is '22'; write a time of day"),
        (("quiet", 0, "from"), "24:00", "from is '24:00'; write a time of day"),
        (("quiet", 0, "to"), "7:00", "to is '7:00'; write a time of day"),
        (("quiet", 0, "to"), 7, "to is 7; write a time of day"),
        (("quiet", 0, "to"), "07:00\n", "to is '07:00\\n'; write a time of day"),
        (("quiet", 0, "to"), "22:00", 'from "22:00" ends when it begins: change "to".'),
        (("quiet", 0, "kinds"), "call", "The ladder file needs kinds of [[quiet]] as a list."),
        (("quiet", 0, "kinds"), [], "must name at least one of chat, sms, call, speaker."),
        (("quiet", 0, "kinds"), ["fax"], "kinds has 'fax'; known are chat, sms, call, speaker."),
        (("quiet", 0, "kinds"), ["door"], "kinds has 'door'; known are"),
        (("quiet", 0, "kinds"), [["call"]], "known are chat, sms"),
        (("quiet", 0, "unless"), "Unknown", "unless is 'Unknown'; write the mildest severity"),
        (("quiet", 0, "unless"), None, "unless is None; write the mildest severity"),
        (("quiet", 0, "unless"), ["Severe"], "told at night too: Extreme, Severe, Moderate, "),
        (("quiet", 0, "until"), "07:00", "[[quiet]] has no 'until'; it needs from, to, "),
        (
            ("quiet",),
            [
                {"from": "22:00", "to": "12:00", "kinds": ["sms", "call"], "unless": "Severe"},
                {"from": "12:00", "to": "22:00", "kinds": ["call"], "unless": "Extreme"},
            ],
            "[[quiet]] leaves no time of the day for call: shorten the hours.",
        ),
    ],
)
def test_a_wrong_ladder_is_refused_in_a_sentence(
    path: tuple[Any, ...], value: object, said: str
) -> None:
    with pytest.raises(LadderError) as refused:
        ladder.parse(_with(path, value))
    assert said in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ladders.toml"
    for body, said in ((b"[[ladder", "is not valid TOML"), (b"\xff\xfe", "is not valid TOML")):
        path.write_bytes(body)
        with pytest.raises(LadderError, match=said):
            ladder.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LadderError, match=r"none\.toml cannot be read"):
        ladder.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("needs", "name"),
    [
        ((), "default"),
        ((Need.LIVES_ALONE,), "default"),
        ((Need.ELDERLY,), "elderly"),
        ((Need.BLIND, Need.MOBILITY), "elderly"),
        ((Need.ELDERLY, Need.DEAF), "deaf"),
    ],
)
def test_the_first_ladder_that_fits_is_taken(needs: tuple[Need, ...], name: str) -> None:
    assert ladder.load().of(frozenset(needs)).name == name


def test_the_built_in_ladders_are_those_of_the_issue() -> None:
    steps = {one.name: " ".join(one.rungs) for one in ladder.load().ladders}
    assert steps == {
        "default": "chat sms call contact door",
        "elderly": "call second sms contact door",
        "deaf": "chat sms contact door",
    }


def test_a_graver_alert_never_waits_longer() -> None:
    built_in = ladder.load()
    order = (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR)
    for rung in (Rung.CHAT, Rung.SMS, Rung.CALL, Rung.SECOND, Rung.CONTACT):
        waits = [built_in.wait(rung, severity) for severity in order]
        assert waits == sorted(waits)
        assert waits[0] > 0


def test_times_are_read_in_seconds_minutes_and_hours() -> None:
    times = dict(zip(TIMES, ("90s", "5m", "2h", "1s", "9999h"), strict=True))
    waits = ladder.parse(_with(("wait", "chat"), times))
    assert [waits.wait(Rung.CHAT, one) for one in Severity] == [90, 300, 7200, 1, 35_996_400]


def test_a_step_not_named_in_tries_is_tried_once() -> None:
    read = ladder.parse(GOOD)
    assert (read.tries_of(Rung.CALL), read.tries_of(Rung.CHAT)) == (2, 1)


def test_a_file_without_quiet_hours_has_none() -> None:
    read = ladder.parse({name: part for name, part in GOOD.items() if name != "quiet"})
    assert read.quiet == ()


def test_quiet_hours_are_read_as_they_are_written() -> None:
    (read,) = ladder.parse(GOOD).quiet
    assert read == ladder.Quiet(
        time(22), time(7), frozenset({Kind.CALL, Kind.SMS}), Severity.SEVERE
    )
