"""Prepared: a fact cut once into what the index keeps, as the bytes that are stored beside it."""

import functools
import hashlib
import json
import math
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version as release
from itertools import accumulate, compress, pairwise
from typing import Any

from verification import tables
from verification.slots import Polarity, Slots
from verification.text import TOKENIZER_VERSION, Text, normalise
from verification.view import FactView, Form, Texts, key, wordings

K1, B = 1.2, 0.6
TRUTH_WEIGHT = 0.35
LEVELS = 1 << 10
LEAST, STEP = 0.02, math.log(150) / (LEVELS - 1)
"""Weights are kept as one of `LEVELS`, 0.5 % apart: `LEAST * e ** (STEP * level)`."""

_LAYOUT = 1
_HEAD = struct.Struct("<BIIIH")
_HELD = struct.Struct("<IIH")
MUTE = 0xFFFF


@dataclass(frozen=True, slots=True)
class Prepared:
    """A fact as it is stored: little-endian columns over its different terms.

    `terms` are 32-bit ids: `plain` pairs, then `whole` long words, then the sounds;
    `weights` are 16-bit levels, one for each of them. For each plain pair `heard` (16 bits) is the
    place of its sound among the sounds, and `masks` (`width` bytes) says which
    wordings have it, with the truth behind the last wording. `exact` are 64-bit
    digests of the wordings, `said` holds the texts.
    """

    plain: int
    whole: int
    sounds: int
    forms: int
    terms: bytes
    weights: bytes
    heard: bytes
    masks: bytes
    exact: bytes
    said: bytes

    @property
    def count(self) -> int:
        return self.plain + self.whole + self.sounds

    def levels(self) -> tuple[int, ...]:
        """Give the levels of the weights, one for each term."""
        return struct.unpack(f"<{self.count}H", self.weights)


@dataclass(frozen=True, slots=True)
class Said:
    """A fact as it is compared: its texts, its wordings, the pairs of its truth, and folded all."""

    texts: Texts
    forms: tuple[Form, ...]
    truth: frozenset[int]
    wide: str


@functools.cache
def version() -> str:
    """Name what decides how a text is cut: what another version has cut is never used.

    A change of a table, of a dictionary or of the layout makes another version.
    """
    parts = [
        TOKENIZER_VERSION, _LAYOUT, K1, B, TRUTH_WEIGHT, LEAST, STEP, _SLOTS,
        tables.fingerprint(but="gate"), *map(release, ("jieba", "opencc", "pypinyin")),
    ]  # fmt: skip
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def term_id(term: str) -> int:
    """Give the 32-bit id of a term, the same in every process.

    A check sum over two 16-bit characters is one to one, so two pairs of
    characters never share an id; among a million longer terms about one in
    four thousand shares its id with another, which shifts a weight a little.
    """
    return zlib.crc32(term.encode("utf-16-le", "surrogatepass"))


def exact_id(folded: str) -> int:
    """Give the 64-bit digest under which a wording is found as it stands."""
    whole = key(folded).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "little")


def mask_width(forms: int) -> int:
    return (forms + 8) // 8


def prepare(fact: FactView) -> bytes:
    """Cut a fact; this is the slow part of adding one, about a millisecond."""
    forms = [normalise(wording) for wording in wordings(fact)]
    truth = normalise(tables.phrases("stopwords", "templates").sub(" ", fact.truth))
    texts = [*forms, truth]
    weights = _weights(forms, truth)
    plain = [term for term in weights if term[0] not in "~="]
    whole = [term for term in weights if term[0] == "="]
    sounds = [term for term in weights if term[0] == "~"]
    order = [*plain, *whole, *sounds]
    return b"".join(
        (
            _HEAD.pack(_LAYOUT, len(plain), len(whole), len(sounds), len(forms)),
            struct.pack(f"<{len(order)}I", *map(term_id, order)),
            struct.pack(f"<{len(order)}H", *(_level(weights[term]) for term in order)),
            _heard(texts, plain, sounds),
            _masks(texts, plain, mask_width(len(forms))),
            struct.pack(f"<{len(forms)}Q", *(exact_id(text.folded) for text in forms)),
            zlib.compress(_said(fact, forms, truth), 9),
        )
    )


def read(stored: bytes) -> Prepared:
    """Take prepared bytes apart without unpacking the texts; ValueError for another layout."""
    layout, plain, whole, sounds, forms = _HEAD.unpack_from(stored)
    if layout != _LAYOUT:
        raise ValueError(f"prepared facts of layout {layout} are not known")
    count = plain + whole + sounds
    sizes = (4 * count, 2 * count, 2 * plain, mask_width(forms) * plain, 8 * forms)
    ends = [*accumulate(sizes, initial=_HEAD.size), len(stored)]
    parts = [stored[start:end] for start, end in pairwise(ends)]
    terms, weights, heard, masks, exact, said = parts
    return Prepared(plain, whole, sounds, forms, terms, weights, heard, masks, exact, said)


def hold(cut: Prepared, numbers: bytes) -> bytes:
    """Give what an index keeps of a fact: its pairs and long words by number, masks, texts."""
    own = numbers[: 4 * (cut.plain + cut.whole)]
    return b"".join((_HELD.pack(cut.plain, cut.whole, cut.forms), own, cut.masks, cut.said))


def numbers(held: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give the numbers of the pairs and of the long words of a held fact."""
    plain, whole, _ = _HELD.unpack_from(held)
    every = struct.unpack_from(f"<{plain + whole}I", held, _HELD.size)
    return every[:plain], every[plain:]


def texts(held: bytes) -> Texts:
    """Unpack a held fact's claim, variants and truth."""
    claim, variants, truth, _, _ = _unpack(held)
    return claim, tuple(variants), truth


def unpack(held: bytes) -> Said:
    """Unpack a held fact as it is compared."""
    plain, whole, forms = _HELD.unpack_from(held)
    own, _ = numbers(held)
    width, at = mask_width(forms), _HELD.size + 4 * (plain + whole)
    ends = range(at, at + width * plain, width)
    masks: Sequence[int] = held[at : at + plain]
    if width > 1:
        masks = [int.from_bytes(held[end : end + width], "little") for end in ends]
    claim, variants, truth, wide, told = _unpack(held)
    return Said(
        (claim, tuple(variants), truth),
        tuple(
            Form(folded, _with(own, masks, 1 << place), _slots(values))
            for place, (folded, values) in enumerate(told)
        ),
        _with(own, masks, 1 << forms),
        wide,
    )


def _unpack(held: bytes) -> list[Any]:
    plain, whole, forms = _HELD.unpack_from(held)
    at = _HELD.size + 4 * (plain + whole) + mask_width(forms) * plain
    found: list[Any] = json.loads(zlib.decompress(held[at:]))
    return found


def _with(own: tuple[int, ...], masks: Iterable[int], bit: int) -> frozenset[int]:
    return frozenset(compress(own, map(bit.__and__, masks)))


def _weights(forms: list[Text], truth: Text) -> dict[str, float]:
    """Weigh the terms of a fact; a term's best wording counts, and the truth a little."""
    parts: dict[str, float] = {}
    for form in forms:
        for term, part in _parts(form, 20):
            parts[term] = max(parts.get(term, 0.0), part)
    for term, part in _parts(truth, 150):
        parts[term] = parts.get(term, 0.0) + TRUTH_WEIGHT * part
    return parts


def _parts(text: Text, usual: int) -> Iterable[tuple[str, float]]:
    """Give BM25's weight of each term before its rarity; `usual` characters are a usual length."""
    length = 1 - B + B * len(text.terms) / (3 * usual)
    for term, count in Counter(text.terms).items():
        yield term, count * (K1 + 1) / (count + K1 * length)


@functools.lru_cache(maxsize=4096)
def _level(weight: float) -> int:
    return min(LEVELS - 1, max(0, round(math.log(weight / LEAST) / STEP)))


def _heard(texts: Iterable[Text], plain: list[str], sounds: list[str]) -> bytes:
    """Note the sound of every pair; a sound stands right behind its pair."""
    place = {sound: at for at, sound in enumerate(sounds)}
    heard = {
        pair: place[sound]
        for text in texts
        for pair, sound in pairwise(text.terms)
        if sound[0] == "~"
    }
    return struct.pack(f"<{len(plain)}H", *(min(heard.get(pair, MUTE), MUTE) for pair in plain))


def _masks(texts: list[Text], plain: list[str], width: int) -> bytes:
    masks = dict.fromkeys(plain, 0)
    for at, text in enumerate(texts):
        for term in set(text.terms):
            if term in masks:
                masks[term] |= 1 << at
    return b"".join(mask.to_bytes(width, "little") for mask in masks.values())


def _said(fact: FactView, forms: list[Text], truth: Text) -> bytes:
    wide = "。".join(dict.fromkeys(text.folded for text in (*forms, truth)))
    told = [[form.folded, _plain(form.slots)] for form in forms]
    row = [fact.claim, list(fact.variants), fact.truth, wide, told]
    # half a character, which JSON can carry, is written as an escape
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")


_SLOTS = tuple(field.name for field in fields(Slots))


def _plain(slots: Slots) -> list[Any]:
    values = (getattr(slots, name) for name in _SLOTS)
    return [sorted(value) if isinstance(value, frozenset) else value for value in values]


def _slots(values: list[Any]) -> Slots:
    found: dict[str, Any] = {
        name: frozenset(tuple(one) if isinstance(one, list) else one for one in value)
        if isinstance(value, list)
        else value
        for name, value in zip(_SLOTS, values, strict=True)
    }
    return Slots(**found | {"polarity": Polarity(found["polarity"])})
