"""The lines of the check of reach: for each gap of a resident what is wrong, and what to do."""

from dataclasses import dataclass

from content import phrase
from content.gaps import Finding, Gap, Way
from content.message import Kind, Written

_DIGITS = 4
_COMMA = {Written.HANS: "、", Written.ENGLISH: ", "}


@dataclass(frozen=True, slots=True)
class Line:
    """One gap in words: what is wrong, what to do; and both in English."""

    gap: Gap
    what: str
    do: str
    english: str


def lines(one: Finding, *, numbers: bool = False) -> list[Line]:
    """Return a line for each gap; numbers stand with their last four digits, unless asked for."""
    found = []
    for gap in one.gaps:
        if gap is Gap.FAILED:
            ways = [way for way in one.ways if way.failed]
            found += [_line(one, gap, way, numbers=numbers) for way in ways]
        else:
            works = next((way for way in one.ways if way.works), None)
            found.append(_line(one, gap, works, numbers=numbers))
    return found


def _line(one: Finding, gap: Gap, way: Way | None, *, numbers: bool) -> Line:
    chinese, english = (
        (
            _say(f"{gap}", one, way, language, numbers=numbers),
            _say(f"{gap}_do", one, way, language, numbers=numbers),
        )
        for language in (Written.HANS, Written.ENGLISH)
    )
    return Line(gap, *chinese, f"{english[0]}: {english[1]}")


def _say(key: str, one: Finding, way: Way | None, language: Written, *, numbers: bool) -> str:
    missing = (phrase.say(f"reach.lang_{lang}", language) for lang in one.missing)
    return phrase.say(
        f"reach.{key}",
        language,
        way=_way(way, language, numbers=numbers) if way else "",
        reason=phrase.say(f"reason.{way.failed}", language) if way and way.failed else "",
        language=_COMMA[language].join(missing),
    )


def _way(way: Way, language: Written, *, numbers: bool) -> str:
    """Return whose it is, what it is and, where it failed, how it ends: 联系人电话 尾号0009."""
    whose = phrase.say("reach.whose_contact" if way.contact else "reach.own", language)
    kinds = "/".join(phrase.say(f"kind.{kind}", language) for kind in Kind if kind in way.kinds)
    space = " " if language is Written.ENGLISH else ""
    return " ".join(filter(None, (f"{whose}{space}{kinds}", _value(way, language, numbers))))


def _value(way: Way, language: Written, numbers: bool) -> str:
    if numbers or not way.value:
        return way.value
    return phrase.say("reach.number_ending", language, digits=way.value[-_DIGITS:])
