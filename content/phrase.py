"""Phrase: every fixed sentence of the house, found by key in the reader's language.

The sentences are data: `phrases/zh-Hans.toml` and `phrases/en.toml`, tables of
`key = "sentence with {placeholders}"`; `[call] prompt` is named `call.prompt`.
Traditional Chinese is made from the simplified by OpenCC.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from content.message import Spoken, Written

if TYPE_CHECKING:
    from opencc import OpenCC


class PhraseError(LookupError):
    """A sentence was asked for that is not in the files, or a value for it was not given."""


def say(key: str, language: Written | Spoken, /, **values: object) -> str:
    """Return the sentence `key` in `language` with `values` set in as they are.

    A spoken language reads its written one: Mandarin the simplified, Cantonese the traditional.
    Raises PhraseError for an unknown key or a missing value; values that it does not name are
    passed over.
    """
    return _say(key, written(language), values)


def known(key: str) -> bool:
    """Return whether there is a sentence `key`."""
    return key in table(Written.HANS)


def written(language: Written | Spoken) -> Written:
    """Return the written language that a voice reads from."""
    return language if isinstance(language, Written) else _WRITTEN_OF[language]


def traditional(text: str) -> str:
    """Return Chinese text in traditional characters; other characters stay."""
    converted: str = _converter("s2t").convert(text)
    return converted


def simplified(text: str) -> str:
    """Return Chinese text in simplified characters, each in its place."""
    converted: str = _converter("t2s").convert(text)
    if len(converted) == len(text):
        return converted
    return "".join(_converter("t2s").convert(char)[:1] or char for char in text)


@cache
def table(language: Written) -> dict[str, str]:
    """Return all sentences of a language by key, as they stand in the files."""
    if language is Written.HANT:
        return {key: traditional(text) for key, text in table(Written.HANS).items()}
    source = files("content.phrases") / f"{language}.toml"
    sections = tomllib.loads(source.read_text(encoding="utf-8"))
    return {f"{name}.{key}": text for name, part in sections.items() for key, text in part.items()}


_WRITTEN_OF = {
    Spoken.MANDARIN: Written.HANS,
    Spoken.CANTONESE: Written.HANT,
    Spoken.ENGLISH: Written.ENGLISH,
}


def _say(key: str, language: Written, values: dict[str, Any]) -> str:
    try:
        return table(language)[key].format_map(values)
    except KeyError as missing:
        raise PhraseError(f"the sentence {key!r} in {language} lacks {missing}") from None


@cache
def _converter(way: str) -> "OpenCC":
    from opencc import OpenCC

    return OpenCC(way)
