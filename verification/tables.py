"""Tables: the word lists beside this module, read once and compiled to patterns."""

import functools
import hashlib
import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from typing import Any


@functools.cache
def table(name: str) -> dict[str, Any]:
    """Give the table `name`.toml as plain values."""
    source = resources.files("verification") / "tables" / f"{name}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


def anyof(phrases: Iterable[str]) -> str:
    """Give a pattern source for any of `phrases`, the longest first."""
    ordered = sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))
    return "|".join(re.escape(phrase) for phrase in ordered)


@functools.cache
def phrases(name: str, *keys: str) -> re.Pattern[str]:
    """One pattern for all phrases under `keys` of a table; Latin phrases match whole words."""
    found = [phrase for key in keys for phrase in table(name)[key]]
    latin = [phrase for phrase in found if phrase[0].isascii() and phrase[0].isalpha()]
    other = [phrase for phrase in found if phrase not in latin]
    parts = [anyof(other)] if other else []
    if latin:
        parts.append(rf"(?<![a-z])(?:{anyof(latin)})(?![a-z])")
    return re.compile("|".join(parts))


@functools.cache
def stopwords() -> frozenset[str]:
    """Words without a matter of their own, Chinese and English."""
    return frozenset([*table("stopwords")["zh"], *table("stopwords")["en"]])


@functools.cache
def fingerprint(*, but: str) -> str:
    """Give the digest of all tables except one: it changes with any word in them."""
    folder = resources.files("verification") / "tables"
    sources = sorted(
        (source.name, source.read_bytes())
        for source in folder.iterdir()
        if source.name.endswith(".toml") and source.name != f"{but}.toml"
    )
    return hashlib.blake2b(repr(sources).encode(), digest_size=16).hexdigest()
