"""How it stands with an alert in words: the same lines in the chat and on the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from content import phrase
from content.alert import Status
from content.coverage import ANSWER, LATER, STEP, ByKind, Live, Reach
from content.knock import Found
from content.message import Kind, Written

_WHYS = 8
"""Reasons that are told at once; the rest is rare."""


def head(code: str, live: Live, language: Written = Written.HANS) -> str:
    """Return how far an alert has come, in one line; a drill says that it is one."""
    total = live.total
    said = phrase.say(
        "staff.progress",
        language,
        code=code,
        done=total.confirmed + total.passed_on + total.done,
        total=total.residents,
        help=total.need_help,
        door=total.door,
        open=total.open,
    )
    drill = {Status.EXERCISE: "mark.exercise", Status.TEST: "mark.test"}.get(live.status)
    return (phrase.say(drill, language) if drill else "") + said


def lines(
    live: Live, zone: tzinfo, language: Written = Written.HANS, *, reasons: bool = True
) -> list[str]:
    """Return the figures of all together: how far, what is waited for, why the rest is not."""

    def say(key: str, **values: object) -> str:
        return phrase.say(f"live.{key}", language, **values)

    total = live.total
    reached = say(
        "handed" if total.done else "reached",
        contacted=total.contacted,
        reached=total.reached,
        confirmed=total.confirmed,
        passed_on=total.passed_on,
    )
    said = [reached]
    if live.growing and live.expected:
        said.append(say("growing", residents=total.residents, expected=live.expected))
    if live.waits:
        parts = (_wait(what, count, language) for what, count in live.waits.items())
        said.append(say("waits", what=_list(parts, language)))
    said += [_kind(one, language) for one in live.kinds]
    said += doors(live, language)
    said += _whys(live, language) if reasons else []
    said += [
        say(
            "earlier",
            at=f"{one.made_at.astimezone(zone):%m-%d %H:%M}",
            contacted=one.contacted,
            confirmed=one.confirmed,
        )
        for one in live.earlier
    ]
    return said


def doors(live: Live, language: Written = Written.HANS) -> list[str]:
    """Return what came of the doors so far, in one line; nothing where nobody had to be visited."""
    if not (live.doors or live.total.door):
        return []
    counts = {one.value: live.doors.get(one, 0) for one in Found}
    return [phrase.say("live.doors", language, left=live.total.door, **counts)]


def rung_lines(live: Live, language: Written = Written.HANS) -> list[str]:
    """Return a line for each step of the ladder on which people stand or have ended."""
    if len(live.rungs) < 2:  # noqa: PLR2004 - one step says what the total says
        return []
    return [
        phrase.say(
            "live.rung",
            language,
            step=one.place,
            residents=one.residents,
            reached=one.reached,
            confirmed=one.confirmed,
        )
        for one in live.rungs
    ]


def whys(live: Live, language: Written = Written.HANS) -> Iterator[tuple[str, int]]:
    """Give each reason for which people have not confirmed, in words, with how many they are."""
    merged: dict[str, int] = {}
    for one in live.whys:
        said = one.said(language)
        merged[said] = merged.get(said, 0) + one.count
    yield from sorted(merged.items(), key=lambda item: (-item[1], item[0]))


def rung(step: str, language: Written = Written.HANS) -> str:
    """Return the name of a step of the ladder, such as `second`."""
    names = {"contact": "door.contact", "second": "live.second"}
    return phrase.say(names.get(step, f"kind.{step}"), language)


def worst(grids: Sequence[Reach]) -> list[Reach]:
    """Return the grids, those with the most people left to tell first."""
    return sorted(grids, key=lambda one: (_done(one) - one.residents, one.place))


def grid_lines(live: Live, room: int, language: Written = Written.HANS) -> list[str]:
    """Return a line for each grid, the worst first, in at most `room` characters, and the rest."""

    def say(key: str, **values: object) -> str:
        return phrase.say(f"live.{key}", language, **values)

    if len(live.grids) < 2:  # noqa: PLR2004 - one grid says what the total says
        return []
    said, rest = [say("grids")], worst(live.grids)
    room -= len(said[0]) + len(say("more", count=999, done=9_999_999, residents=9_999_999))
    while rest:
        one = rest[0]
        line = say(
            "grid",
            place=one.place or say("no_grid"),
            done=_done(one),
            residents=one.residents,
            reached=one.reached,
            help=one.need_help,
            door=one.door,
        )
        room -= len(line) + 1
        if room < 0:
            break
        said.append(line)
        rest.pop(0)
    if rest:
        done, residents = sum(map(_done, rest)), sum(one.residents for one in rest)
        said.append(say("more", count=len(rest), done=done, residents=residents))
    return said


def _done(one: Reach) -> int:
    return one.confirmed + one.passed_on + one.done


def _whys(live: Live, language: Written) -> list[str]:
    found = list(whys(live, language))
    if not found:
        return []
    said = [phrase.say("live.why", language)]
    for word, count in found[:_WHYS]:
        said.append(phrase.say("live.why_line", language, word=word, count=count))
    return said


def _wait(what: str, count: int, language: Written) -> str:
    if what in (ANSWER, STEP, LATER):
        return phrase.say(f"live.wait_{what}", language, count=count)
    kind = phrase.say(f"kind.{what}", language)
    return phrase.say("live.wait_line", language, kind=kind, count=count)


def _kind(one: ByKind, language: Written) -> str:
    silent = {
        Kind.CHAT: "live.kind_silent",
        Kind.DOOR: "live.kind_door",
        Kind.SPEAKER: "live.kind_speaker",
    }
    return phrase.say(
        silent.get(one.kind, "live.kind"),
        language,
        kind=phrase.say(f"kind.{one.kind}", language),
        contacted=one.contacted,
        reached=one.reached,
        confirmed=one.confirmed,
    )


def _list(parts: Iterable[str], language: Written) -> str:
    return (", " if language is Written.ENGLISH else "，").join(parts)
