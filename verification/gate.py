"""Gate: what must not wait for a fact: emergencies, and what is no rumor at all."""

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from verification.tables import phrases, table
from verification.text import fold

_LONG = 60


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
    return re.compile("|".join(table("gate")[name][field]))


@functools.cache
def _kinds() -> tuple[tuple[str, Hotline, re.Pattern[str]], ...]:
    return tuple(
        (row["kind"], Hotline(row["hotline"]), re.compile("|".join(row["signs"])))
        for row in table("gate")["emergency"]
    )


def emergency(text: str) -> Emergency | None:
    """Find the most urgent emergency under way in `text`, or None.

    Advice, plans and stories (闻到煤气味要先…, 着火了往哪跑最安全) are none.
    """
    spoken = fold(text)
    if _signs("calm").search(spoken):
        return None
    for kind, hotline, signs in _kinds():
        found = signs.search(spoken)
        if found and (
            len(spoken) <= _LONG
            or _signs("near").search(spoken[max(0, found.start() - 12) : found.end() + 12])
        ):
            return Emergency(kind, hotline, hearsay=_hearsay(spoken), phrase=found.group())
    return None


def _hearsay(spoken: str) -> bool:
    return bool(
        phrases("chain", "hearsay").search(spoken)
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
