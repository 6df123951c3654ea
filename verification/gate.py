"""Gate: what must not wait for a fact: emergencies, and what is no rumor at all."""

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from verification.tables import phrases, table
from verification.text import fold
from verification.words import han_count

LONG, _LONG_LATIN = 60, 120
"""Characters above which a text is rather a letter than a call."""


LONGEST = 1000
"""Characters in which an emergency is looked for: nobody writes on and on in need."""
ALARM = 1.5
"""What small signs must weigh together."""


OWN = 2
"""How many things of one's own make small talk, where nothing public is said."""


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
def _concepts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, _compiled([sign])) for name, sign in table("gate")["concepts"].items())


def concepts(text: str) -> dict[str, float]:
    """Return for each concept of the table whether a text speaks of it, and how they add up."""
    return _weighed(_plain(_corrected(fold(text))))


def _weighed(plain: str) -> dict[str, float]:
    found = {name: float(sign.search(plain) is not None) for name, sign in _concepts()}
    harms = sum(found[name] for name in table("gate")["harms"])
    hurt = min(found["person"], harms)
    return {**found, "harms": min(harms, 4.0), "hurt": hurt, "always": 1.0}


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

    Advice, plans and stories (闻到煤气味要先…) are none, nor are turns of speech. Who may take
    their own life is heard whatever else is said.
    """
    spoken = _corrected(fold(text)[:LONGEST])
    if _signs("fiction").search(spoken):
        return None
    at_rest = _at_rest(spoken)
    plain = _plain(spoken)
    for kind, hotline, signs in _kinds():
        found = None if at_rest and kind != "suicide" else signs.search(plain)
        if found and _is_near(kind, found, spoken):
            return Emergency(kind, hotline, hearsay=_hearsay(spoken), phrase=found.group())
    if at_rest or len(spoken) > LONG or _hearsay(spoken):
        return None
    return _together(plain)


def _together(plain: str) -> Emergency | None:
    """Take small signs together, none of which is an emergency by itself."""
    found = _weighed(plain)
    weights = table("gate")["weights"]
    if sum(weights[name] * value for name, value in found.items()) < ALARM:
        return None
    for row in table("gate")["together"]:
        said = [name for name in row["concepts"] if found[name]]
        if said:
            hotline = Hotline(row["hotline"])
            phrase = ", ".join(name for name in table("gate")["harms"] if found[name])
            return Emergency(row["kind"], hotline, hearsay=False, phrase=phrase)
    return None


def _plain(spoken: str) -> str:
    """Give a text with its turns of speech blanked out."""
    return _signs("turns").sub(lambda found: "·" * len(found.group()), spoken)


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
    if len(spoken) <= (LONG if han_count(spoken) else _LONG_LATIN):
        return True
    around = spoken[max(0, found.start() - 12) : found.end() + 12]
    return kind != "call" and _signs("near").search(around) is not None


def _hearsay(spoken: str) -> bool:
    """Whether somebody else told it, or it is only asked; what one hears oneself is no hearsay."""
    told = re.sub("我?听(?:见|到)", "", spoken)
    return bool(
        phrases("chain", "hearsay").search(told)
        or _signs("asked").search(spoken)
        or _signs("service_request", "unless").search(spoken)
    )


def intent(text: str) -> Intent:
    """Tell what `text` wants; RUMOR when nothing else is plain."""
    spoken = fold(text)
    if len(spoken) <= LONG and _signs("abusive_or_spam").search(spoken):
        return Intent.ABUSE
    if len(spoken) <= LONG and _asks_service(spoken):
        return Intent.SERVICE_REQUEST
    if not any(map(str.isalnum, spoken)) or _is_talk(spoken):
        return Intent.CHIT_CHAT
    asked = phrases("negation", "questions").search(spoken) or phrases("chain", "question").search(
        spoken
    )
    return Intent.QUESTION if asked else Intent.RUMOR


def _asks_service(spoken: str) -> bool:
    """Whether something is to be mended, fetched or filed; a flat claim about it is a rumor."""
    return bool(
        _signs("service_request").search(spoken)
        and not _signs("service_request", "unless").search(spoken)
        and not phrases("chain", "hearsay").search(spoken)
        and not _signs("claimed").search(spoken)
    )


def _is_talk(spoken: str) -> bool:
    """Whether a short text is about the speaker's own day, and nothing public is touched."""
    if len(spoken) > table("gate")["chit_chat"]["longest"]:
        return False
    if _signs("chit_chat").search(spoken):
        return True
    own = sum(sign.search(spoken) is not None for sign in _each("own"))
    return own >= OWN and not any(sign.search(spoken) for sign in _each("public"))


@functools.cache
def _each(field: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(sign) for sign in table("gate")["chit_chat"][field])
