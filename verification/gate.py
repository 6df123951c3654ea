"""Gate: what must not wait for a fact: emergencies, and what is no rumor at all."""

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from verification.tables import phrases, table
from verification.text import fold
from verification.words import han_count

_LONG, _LONG_LATIN = 60, 120
"""Characters above which a text is rather a letter than a call."""


class Hotline(StrEnum):
    """The public emergency numbers."""

    POLICE = "110"
    FIRE = "119"
    AMBULANCE = "120"


class Intent(StrEnum):
    """What a resident wants with a text."""

    RUMOR = "rumor"
    QUESTION = "question"
    CHIT_CHAT = "chit_chat"
    SERVICE_REQUEST = "service_request"
    ABUSE = "abuse"


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency that a text tells of; `hearsay` pages staff at lower priority.

    `kind` is suicide, fire, gas, trapped, crime, medical or call; `phrase` is what
    gave it away, in folded form.
    """

    kind: str
    hotline: Hotline
    hearsay: bool
    phrase: str


@functools.cache
def _signs(name: str, field: str = "signs") -> re.Pattern[str]:
    return _compiled(table("gate")[name][field])


@functools.cache
def _kinds() -> tuple[tuple[str, Hotline, re.Pattern[str]], ...]:
    return tuple(
        (row["kind"], Hotline(row["hotline"]), _compiled(row["signs"]))
        for row in table("gate")["emergency"]
    )


def _compiled(signs: list[str]) -> re.Pattern[str]:
    words = table("gate")["words"]
    return re.compile(re.sub(r"<([a-z]+)>", lambda name: words[name[1]], "|".join(signs)))


def emergency(text: str) -> Emergency | None:
    """Find the most urgent emergency under way in `text`, or None.

    Advice, plans and stories (闻到煤气味要先…, 着火了往哪跑最安全) are none; nor are turns of speech.
    Who may take their own life is heard whatever else is said.
    """
    spoken = _corrected(fold(text))
    if _signs("fiction").search(spoken):
        return None
    at_rest = _at_rest(spoken)
    plain = _signs("turns").sub(lambda found: "·" * len(found.group()), spoken)
    for kind, hotline, signs in _kinds():
        found = None if at_rest and kind != "suicide" else signs.search(plain)
        if found and _is_near(kind, found, spoken):
            return Emergency(kind, hotline, hearsay=_hearsay(spoken), phrase=found.group())
    return None


def _corrected(spoken: str) -> str:
    slips = table("gate")["slips"]
    return re.sub("|".join(slips), lambda found: slips[found.group()], spoken)


def _at_rest(spoken: str) -> bool:
    """Whether it is over, or only advice is asked for and nothing is said to be here and now."""
    return bool(
        _signs("past").search(spoken)
        or (_signs("calm").search(spoken) and not _signs("urgent").search(spoken))
    )


def _is_near(kind: str, found: re.Match[str], spoken: str) -> bool:
    """Whether a sign counts: in a long text, only beside who speaks of what is near."""
    if len(spoken) <= (_LONG if han_count(spoken) else _LONG_LATIN):
        return True
    around = spoken[max(0, found.start() - 12) : found.end() + 12]
    return kind != "call" and _signs("near").search(around) is not None


def _hearsay(spoken: str) -> bool:
    return bool(
        phrases("chain", "hearsay").search(spoken)
        or _signs("asked").search(spoken)
        or _signs("service_request", "unless").search(spoken)
    )


def intent(text: str) -> Intent:
    """Tell what `text` wants; RUMOR when nothing else is plain."""
    spoken = fold(text)
    if _signs("abusive_or_spam").search(spoken) and len(spoken) <= _LONG:
        return Intent.ABUSE
    if (
        _signs("service_request").search(spoken)
        and len(spoken) <= _LONG
        and not _signs("service_request", "unless").search(spoken)
    ):
        return Intent.SERVICE_REQUEST
    if not any(map(str.isalnum, spoken)) or (
        len(spoken) <= table("gate")["chit_chat"]["longest"] and _signs("chit_chat").search(spoken)
    ):
        return Intent.CHIT_CHAT
    asked = phrases("negation", "questions").search(spoken) or phrases("chain", "question").search(
        spoken
    )
    return Intent.QUESTION if asked else Intent.RUMOR
