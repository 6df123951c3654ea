"""Conflicts: what forbids that a text is answered with a fact, with the words that differ."""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from verification import lexicon, slots, swapped
from verification.days import spelled
from verification.index import Form
from verification.numerals import unit_names
from verification.slots import Polarity, Slots
from verification.tables import phrases, stopwords, table
from verification.words import cut, is_han, known, light, rarity, script, sound, thing

LONGEST = 200
NEAR_COPY, HALF_COPY = 0.7, 0.5
NOTE = 40
"""Characters up to which every telling word counts; longer texts have hashtags and asides."""
TELLING = 0.35
_PAIR = 2
_TELLING_UNITS = frozenset(["元", "号楼", "%", "级", "号线"])


@dataclass(frozen=True, slots=True)
class Conflict:
    """One conflict: its kind, the words in the text and those in the fact."""

    kind: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.ours or '–'} / {self.theirs or '–'}"


class _Sounds(dict[str, str]):
    """The sound of each Han character; what is none stands for itself."""

    def __missing__(self, char: str) -> str:
        told = self[char] = sound(char) if is_han(char) else char
        return told


_SOUNDS = _Sounds()


@functools.lru_cache(maxsize=8192)
def heard(text: str) -> str:
    """Find a text by its sounds, so that 辛福里 is 幸福里."""
    return " ".join(map(_SOUNDS.__getitem__, text))


def date(ours: Slots, theirs: Slots) -> Conflict | None:
    if not slots.dates_conflict(ours.dates, theirs.dates):
        return None
    return Conflict("date", spelled(ours.dates), spelled(theirs.dates))


def number(ours: Slots, theirs: Slots, likeness: float) -> Conflict | None:
    pairs = slots.number_conflicts(ours.numbers, theirs.numbers)
    if not pairs and likeness >= HALF_COPY:
        pairs = _bare_numbers(ours, theirs)
    return Conflict("number", pairs[0][0], pairs[0][1]) if pairs else None


def _bare_numbers(ours: Slots, theirs: Slots) -> list[tuple[str, str]]:
    """Numbers without a unit, as English has them, of which neither side has the other's."""
    mine, other = ({value for value, unit in side.numbers if not unit} for side in (ours, theirs))
    mine, other = mine - {v for v, _ in theirs.numbers}, other - {v for v, _ in ours.numbers}
    return list(zip(sorted(mine), sorted(other), strict=False))


def negation(
    ours: str, our_slots: Slots, form: Form, forms: Sequence[Form], likeness: float
) -> Conflict | None:
    """Find a word that is denied on one side and stands undenied on the other.

    A question fits a claim and its denial, so only what it denies itself counts;
    that is held against all wordings of the fact, not only against the nearest.
    """
    for word in _matter(our_slots.denied):
        if len(word) == 1 and (likeness < NEAR_COPY or word in unit_names()):
            continue
        told = [(other, name) for other in forms for name in _names(word, ours, other.folded)]
        strict = likeness >= NEAR_COPY
        if told and not any(
            _told_denied(other, name, strict=strict) or _misheard(other.folded, word)
            for other, name in told
        ):
            return Conflict("negation", f"不{word}", told[0][1])
    if our_slots.polarity is Polarity.ASKED:
        return None
    for word in _matter(form.slots.denied):
        denied = _denied_in(ours, word) or _sounds_denied(form.folded, word, ours)
        counts = len(word) > 1 or likeness >= HALF_COPY
        undenied = (
            len(word) > 1
            and is_han(word[0])
            and any(word in other.folded and not _denied_in(other.folded, word) for other in forms)
        )
        if counts and word in ours and not (denied or undenied):
            return Conflict("negation", word, f"不{word}")
    return None


def _matter(denied: Iterable[str]) -> list[str]:
    """Leave out small English words, which stand behind a denial (not his) by chance."""
    return sorted(word for word in denied if not (word.isascii() and word in stopwords()))


def _names(word: str, ours: str, theirs: str) -> list[str]:
    """Give what the other side calls a word of ours: the word itself, or what means the same."""
    if word in theirs:
        return [word]
    if len(word) > 1 and any(word[0] + done + word[1:] in theirs for done in "了过着"):
        return [word[0]]
    mine = {span.meaning for span in lexicon.meanings(ours) if ours.startswith(word, span.start)}
    return [
        theirs[span.start : span.end]
        for span in lexicon.meanings(theirs)
        if span.meaning in mine and not set(theirs[span.start : span.end]) & set(_SMALL)
    ]


def _told_denied(form: Form, word: str, *, strict: bool) -> bool:
    """Whether a wording denies a word; of a near-copy only what stands right before it counts."""
    if any(word in denied or denied in word for denied in form.slots.denied):
        return True
    return not strict and _denied_in(form.folded, word)


_SMALL = "不没无未非别"
_BEHIND = re.compile("[^ 。]{0,2}[也都](?:不|没|别|甭)")


def _denied_in(folded: str, word: str) -> bool:
    """Whether a negation stands shortly before the word, or 不了 and the like right behind it."""
    at = folded.find(word)
    while at >= 0:
        before = folded[max(0, at - 7) : at + len(word)]
        # a Chinese negation does not reach over a break, an English one stands before a space
        if is_han(word[0]):
            before = re.split("[ 。就则便]", before)[-1]
        if phrases("negation", "negations").search(before):
            return True
        behind = at + len(word)
        if slots.UNABLE.match(folded, behind) or _BEHIND.match(folded, behind):
            return True
        at = folded.find(word, at + 1)
    return False


def _sounds_denied(theirs: str, word: str, ours: str) -> bool:
    """Whether our text has the denial too, in other characters of the same sound."""
    at = theirs.find(word)
    return at > 1 and heard(theirs[at - 2 : at + len(word)]) in heard(ours)


def _misheard(folded: str, word: str) -> bool:
    """Whether the negation may be a typing error: 没月 for 每月, 没气味 for 煤气味."""
    # 全部 sounds like a denial and is none
    said = heard(folded.replace("部", " "))
    return any(heard(negation + word) in said for negation in "没不")


def moved(our_slots: Slots, their_slots: Slots, wide: str) -> Conflict | None:
    """Find a time or place word (明年, 隔壁) that the fact does not have."""
    names, said = table("places"), wide.replace("个月", "月")
    strange = {
        word
        for word in our_slots.moved - set(names["now"])
        if word.replace("个月", "月") not in said
    }
    if strange:
        return Conflict("date", ", ".join(sorted(strange)), ", ".join(sorted(their_slots.moved)))
    lost = their_slots.moved - our_slots.moved
    if lost and our_slots.moved & set(names["now"]):
        return Conflict("date", ", ".join(sorted(our_slots.moved)), ", ".join(sorted(lost)))
    return None


@functools.lru_cache(maxsize=1024)
def _antonyms(ours: str) -> tuple[tuple[str, str], ...]:
    """Give the antonyms of which a text has the first alone."""
    pairs = table("negation")["antonyms"]
    both = ((mine, other) for one in pairs for mine, other in (one, one[::-1]))
    return tuple((mine, other) for mine, other in both if mine in ours and other not in ours)


def antonym(ours: str, theirs: str) -> Conflict | None:
    for mine, other in _antonyms(ours):
        if other in theirs and mine not in theirs:
            return Conflict("antonym", mine, other)
    return None


@functools.cache
def _shape() -> tuple[re.Pattern[str], tuple[str, ...], frozenset[str]]:
    names = table("places")
    endings = sorted(names["endings"], key=len, reverse=True)
    return (
        re.compile(rf"(?:{'|'.join(endings)})"),
        tuple(endings),
        frozenset(names["common"]),
    )


def tails(folded: str) -> frozenset[str]:
    """Places known by their ending, sentence by sentence: a text's sentences come up again."""
    return frozenset[str]().union(*map(_tails, re.split("[ 。]", folded)))


@functools.lru_cache(maxsize=8192)
def _tails(folded: str) -> frozenset[str]:
    """Places known by their ending, from where a word begins, two to four characters before it."""
    shape, endings, common = _shape()
    if shape.search(folded) is None:
        return frozenset()
    plain = set(table("places")["plain"])
    begins = {at for word, at in cut(folded) if not light(word)}
    found = set()
    for match in shape.finditer(folded):
        ending = next(ending for ending in endings if match.group().endswith(ending))
        edge = match.end() - len(ending)
        start = next((edge - size for size in (2, 3, 4) if edge - size in begins), -1)
        name = folded[max(start, 0) : match.end()]
        if (
            start >= 0
            and not any(map(slots.known_place, (name[-2:], name[-3:])))
            and not any(light(word) for word, _ in cut(name[: -len(ending)]))
            and not (set(name[: -len(ending)]) & plain or " " in name or "。" in name)
            and not any(name.endswith(word) and len(word) > len(ending) for word in common)
        ):
            found.add(name)
    return frozenset(found)


def place(ours: str, our_slots: Slots, theirs: str, their_slots: Slots) -> Conflict | None:
    """Both name places, and neither's is in the other."""
    mine = our_slots.places | tails(ours)
    other = their_slots.places | tails(theirs)
    ours_heard, theirs_heard = heard(ours), heard(theirs)
    alone = {name for name in mine if heard(name) not in theirs_heard}
    gone = {name for name in other if heard(name) not in ours_heard}
    for name in sorted(alone):
        for rival in sorted(gone):
            if _same_kind(name, rival) and not (name in our_slots.places and other - gone):
                return Conflict("place", name, rival)
    return None


def foreign_place(ours: str, our_slots: Slots, wide: str) -> Conflict | None:
    """Find a place in a short text that the fact does not speak of."""
    said = heard(wide)
    strange = sorted(
        name for name in our_slots.places | tails(ours) if not _known(name, wide, said)
    )
    return Conflict("place", ", ".join(strange), "") if strange else None


def _known(name: str, wide: str, said: str) -> bool:
    """Whether the fact names a place, or calls it by another word for its kind: 菜场, 菜市场."""
    if heard(name) in said:
        return True
    ending = next((end for end in _shape()[1] if name.endswith(end)), "")
    same = lexicon.told(ending) & lexicon.told(wide)
    return bool(ending and same) and heard(name.removesuffix(ending)) in said


def foreign_date(ours: Slots, said: Slots) -> Conflict | None:
    """Find a day in a short text that can be none of those the fact speaks of."""
    years = {year for year, _, _ in said.dates}
    strange = {
        day
        for day in ours.dates
        if not slots.may_be(day, said.dates) or (day[0] and day[0] not in years)
    }
    return Conflict("date", spelled(frozenset(strange)), spelled(said.dates)) if strange else None


def foreign_number(ours: Slots, wide: str) -> Conflict | None:
    """Find a sum, building, share or strength in a short text that the fact does not have."""
    shared = {unit for value, unit in ours.numbers if value in wide}
    strange = sorted(
        value + unit
        for value, unit in ours.numbers
        if unit in _TELLING_UNITS - shared and value not in wide
    )
    return Conflict("number", ", ".join(strange), "") if strange else None


def more_denied(ours: Slots, forms: Iterable[Form], likeness: float) -> Conflict | None:
    """Find what a short statement that is nearly a wording denies and the fact does not."""
    if ours.polarity is Polarity.ASKED or likeness < HALF_COPY:
        return None
    told = list(forms)
    known = {char for form in told for word in form.slots.denied for char in heard(word).split()}
    extra = sorted(
        word
        for word in ours.denied
        if not set(heard(word).split()) & known
        and not any(_misheard(form.folded, word) or _denied_in(form.folded, word) for form in told)
    )
    if not extra:
        return None
    return Conflict("negation", ", ".join(f"不{word}" for word in extra), "")


def _same_kind(name: str, rival: str) -> bool:
    """Known names stand against known names, endings against the same ending."""
    known = slots.known_place
    return known(name) and known(rival) if known(name) or known(rival) else name[-1] == rival[-1]


def swap(ours: str, theirs: str, wide: str, likeness: float) -> Conflict | None:
    """In a near-copy, a word exchanged for a telling one that the fact does not have at all."""
    if likeness < NEAR_COPY:
        return None
    if script(ours + theirs) == "latin":
        found_word = swapped.exchanged(ours, theirs, wide, NOTE)
        return Conflict("subject", *found_word) if found_word else None
    meant = lexicon.told(wide)
    same = [span for span in lexicon.meanings(ours) if span.meaning in meant]
    swaps, puts = edits(ours, theirs)
    puts = tuple(put for put in puts if len(ours) <= NOTE and _amid(put, ours))
    found = [(mine, other) for mine, other in swaps if _names_one(other, theirs)]
    for mine, other in (*found, *((put, "") for put in puts)):
        at = ours.find(mine)
        for word, start in cut(ours):
            touched = start < at + len(mine) and at < start + len(word)
            told = any(span.start <= start and start + len(word) <= span.end for span in same)
            # 传染 for 传, 分数 for 分: the word has only grown
            grown = not other and word != mine and word.replace(mine, "") in theirs
            if touched and not (told or grown) and _telling(word) and word not in wide:
                return Conflict("subject", word, other)
        if _strange(mine, other, wide, {word for word, _ in cut(ours)}):
            return Conflict("subject", mine, other)
    return None


def _strange(mine: str, other: str, wide: str, words: set[str]) -> bool:
    """Whether a thing stands for another: 茶 for 菜, or a word that jieba does not know (门禁)."""
    if len(mine) == len(other) and any(
        thing(a) and thing(b) and a not in wide and _ends_one(a, words)
        for a, b in zip(mine, other, strict=True)
    ):
        return True
    strange = len(mine) > 1 and all(is_han(char) and char not in wide for char in mine)
    return strange and len(other) > 1 and is_han(other[0]) and known(other) and not light(other)


def _ends_one(char: str, words: set[str]) -> bool:
    """Whether a character is a word, or what a longer one is about: 隔夜茶; not so in 全面."""
    return any(word.endswith(char) and len(word) != _PAIR for word in words)


def _names_one(other: str, theirs: str) -> bool:
    """Whether what was exchanged in the fact touches a word that names something."""
    at = theirs.find(other)
    return any(
        start < at + len(other) and at < start + len(word) and not light(word)
        for word, start in cut(theirs)
    )


def _amid(put: str, ours: str) -> bool:
    """Whether what was put in stands within a sentence that goes on around it, and is no aside."""
    return any(put in part and len(part) - len(put) > 2 for part in re.split("[ 。]", ours))  # noqa: PLR2004 -- more than a particle


def _telling(word: str) -> bool:
    return len(word) > 1 and known(word) and not light(word) and rarity(word) >= TELLING


@functools.lru_cache(maxsize=1024)
def edits(ours: str, theirs: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Find what was exchanged (ours, theirs) and what was put in, between equal neighbours.

    Stretches that sound alike are typing errors and are left out; nothing is
    read from long texts, they are never near-copies.
    """
    if len(ours) > LONGEST or len(theirs) > LONGEST:
        return (), ()
    swaps, puts = [], []
    for step in Levenshtein.opcodes(ours, theirs):
        tag, a, b, c, d = step.tag, step.src_start, step.src_end, step.dest_start, step.dest_end
        mine, other = ours[a:b].strip(" 。"), theirs[c:d].strip(" 。")
        if tag == "replace" and mine and other and heard(mine) != heard(other):
            swaps.append((mine, other))
        elif tag == "delete" and mine:
            puts.append(mine)
    return tuple(swaps), tuple(puts)
