"""Conflicts: what forbids that a text is answered with a fact, with the words that differ."""

import functools
import re
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from verification import slots
from verification.slots import Slots
from verification.tables import table
from verification.words import is_han, sound


@dataclass(frozen=True, slots=True)
class Conflict:
    """One conflict: its kind, the words in the text and those in the fact."""

    kind: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.ours or '–'} / {self.theirs or '–'}"


def heard(text: str) -> str:
    """A text by its sounds, so that 辛福里 is 幸福里."""
    return " ".join(sound(char) if is_han(char) else char for char in text)


def date(ours: Slots, theirs: Slots) -> Conflict | None:
    if not slots.dates_conflict(ours.dates, theirs.dates):
        return None
    return Conflict("date", _days(ours), _days(theirs))


def _days(found: Slots) -> str:
    return ", ".join("-".join(str(part) for part in day if part) for day in sorted(found.dates))


def number(ours: Slots, theirs: Slots) -> Conflict | None:
    pairs = slots.number_conflicts(ours.numbers, theirs.numbers)
    return Conflict("number", pairs[0][0], pairs[0][1]) if pairs else None


def negation(ours: str, our_slots: Slots, theirs: str, their_slots: Slots) -> Conflict | None:
    """A word that is denied on one side and stands undenied on the other."""
    for word in sorted(our_slots.denied):
        if word in theirs and not _denies(their_slots, word):
            return Conflict("negation", f"不{word}", word)
    for word in sorted(their_slots.denied):
        if word in ours and not _denies(our_slots, word):
            return Conflict("negation", word, f"不{word}")
    return None


def _denies(found: Slots, word: str) -> bool:
    return any(word[0] in denied or denied[0] in word for denied in found.denied)


def antonym(ours: str, theirs: str) -> Conflict | None:
    for left, right in table("negation")["antonyms"]:
        for mine, other in ((left, right), (right, left)):
            if mine in ours and other in theirs and other not in ours and mine not in theirs:
                return Conflict("antonym", mine, other)
    return None


@functools.cache
def _shape() -> tuple[re.Pattern[str], tuple[str, ...], frozenset[str]]:
    names = table("places")
    endings = sorted(names["endings"], key=len, reverse=True)
    return (
        re.compile(rf"[㐀-鿿]{{1,5}}?(?:{'|'.join(endings)})"),
        tuple(endings),
        frozenset(names["common"]),
    )


def tails(folded: str) -> frozenset[str]:
    """Places known by their ending, as the ending with the two characters before it."""
    shape, endings, common = _shape()
    found = set()
    for name in shape.findall(folded):
        ending = next(ending for ending in endings if name.endswith(ending))
        tail = name[-len(ending) - 2 :]
        if len(tail) == len(ending) + 2 and not any(
            tail.endswith(word) and len(word) > len(ending) for word in common
        ):
            found.add(tail)
    return frozenset(found)


def place(ours: str, our_slots: Slots, theirs: str, their_slots: Slots) -> Conflict | None:
    """Both name places, and neither's is in the other."""
    mine = our_slots.places | tails(ours)
    other = their_slots.places | tails(theirs)
    ours_heard, theirs_heard = heard(ours), heard(theirs)
    alone = {name for name in mine if heard(name) not in theirs_heard}
    gone = {name for name in other if heard(name) not in ours_heard}
    if alone and gone and len(gone) == len(other):
        return Conflict("place", ", ".join(sorted(alone)), ", ".join(sorted(gone)))
    return None


def substitutions(ours: str, theirs: str) -> list[tuple[str, str]]:
    """Stretches of up to four characters that were exchanged between equal neighbours.

    Stretches that sound alike are typing errors and are left out.
    """
    found = []
    for tag, a, b, c, d in (
        Levenshtein.opcodes(ours, theirs).as_list() if len(ours) < 200 and len(theirs) < 200 else ()
    ):  # noqa: PLR2004 -- long texts are never near-copies
        if (
            tag == "replace"
            and b - a <= 4
            and d - c <= 4
            and heard(ours[a:b]) != heard(theirs[c:d])
        ):  # noqa: PLR2004 -- see above
            mine, other = ours[a:b].strip(" 。"), theirs[c:d].strip(" 。")
            if mine and other:
                found.append((mine, other))
    return found
