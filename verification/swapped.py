"""Swapped: which English word of a near-copy stands for another."""

from rapidfuzz.distance import Levenshtein

from verification.tables import stopwords
from verification.words import cut

_NAME = 2
"""Words of an English name that one other stands for; longer stretches are put anew."""
_TYPED = 0.7
"""The likeness of two English words from which one is the other, mistyped."""


def exchanged(ours: str, theirs: str, wide: str, note: int) -> tuple[str, str] | None:
    """Find an English word that stands for another, or that is put amid a short text."""
    mine, other = ([word for word, _ in cut(side)] for side in (ours, theirs))
    said = {*stopwords(), *(word for word, _ in cut(wide))}
    for step in Levenshtein.opcodes(mine, other):
        a, b, c, d = step.src_start, step.src_end, step.dest_start, step.dest_end
        rivals = other[c:d] if step.tag == "replace" and b - a == d - c <= _NAME else []
        if step.tag == "delete" and 0 < a < b < len(mine) and len(ours) <= note:
            rivals = [""] * (b - a)
        for word, rival in zip(mine[a:b], rivals, strict=False):
            # protestors are protesters, and in the place of a small word stands no rival
            typed = Levenshtein.normalized_similarity(word, rival) > _TYPED
            if word not in said and rival not in stopwords() and not typed and not word.isdigit():
                return word, rival
    return None
