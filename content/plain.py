"""Plain: texts made safe and simple: clean fields, no links, whole sentences, written dates."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import phonenumbers

from content.message import Written
from content.segment import shorten

_CHINA = 86
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LINK = re.compile(
    r"(?:https?://|www\.)[!-~]+"
    r"|(?<![@\w.-])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|cn|net|org|gov|top|xyz|cc|info)\b[!-~]*",
    re.IGNORECASE | re.ASCII,
)
"""A web address, with or without https://; an e-mail address is none."""
_AROUND = re.compile(rf" ?(?:{LINK.pattern})(?: (?=[。.]))?", re.IGNORECASE | re.ASCII)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_ENDS = "。！？.!?…"
_BREATH = 36
"""Characters of a Chinese sentence that one hears at once."""


def clean(value: Any, limit: int) -> Any:
    """Return fields as text of at most `limit` characters each, lists and tables part by part.

    Control characters, direction marks and lone surrogates are left out; lines stay.
    """
    if isinstance(value, Mapping):
        return {key: clean(part, limit) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(part, limit) for part in value]
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", "" if value is None else str(value))
    kept = "".join(char for char in text.replace("\t", " ") if _printable(char))
    return shorten(re.sub(r"\s*\n\s*", "\n", kept).strip(), limit)


def unlinked(text: str, word: str = "") -> str:
    """Return a text without web addresses, which nobody can hear; `word` stands for each."""
    if not word:
        return LINK.sub("", text)
    lead = " " if word.isascii() else ""
    return _AROUND.sub(lead + word, text).strip()


def line(text: str) -> str:
    """Return a text as one line; no space stands beside a Chinese stop."""
    return re.sub(r"(?<=[，。！？；：、）]) | (?=[，。！？；：、（])", "", " ".join(text.split()))


def chinese(text: str) -> bool:
    """Return whether a text is rather Chinese than in Latin letters; an empty one is."""
    letters = sum(char.isascii() and char.isalpha() for char in text)
    return len(_HAN.findall(text)) * 3 >= letters


def sentence(text: str, language: Written) -> str:
    """Return one line that ends as sentences of `language` do; empty stays empty.

    A stop keeps away from the web address before it, of which it would become a part.
    """
    plain = line(text)
    if not plain:
        return ""
    english = language is Written.ENGLISH
    stop = "" if plain[-1] in _ENDS else "." if english else "。"
    if stop and any(link.end() == len(plain) for link in LINK.finditer(plain)):
        stop = " " + stop
    return plain + stop + (" " if english else "")


def moment(iso: str, language: Written, *, year: bool = True) -> str:
    """Return an ISO date, or date and time, as people write it; anything else as it is."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    timed = len(iso) > len("2026-08-03")
    if language is Written.ENGLISH:
        day = f"{at.day} {MONTHS[at.month - 1]}" + (f" {at.year}" if year else "")
        return f"{at:%H:%M} on {day}" if timed else day
    day = (f"{at.year}年" if year else "") + f"{at.month}月{at.day}日"
    return f"{day}{at:%H:%M}" if timed else day


def dialled(phone: str) -> str:
    """Return an E.164 number as people here dial it (`0571 8800 1234`); anything else as it is."""
    if not re.fullmatch(r"\+\d{5,15}", phone):
        return phone
    try:
        parsed = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    home = parsed.country_code == _CHINA
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, form.NATIONAL if home else form.INTERNATIONAL)


def thoughts(text: str) -> list[str]:
    """Cut a text into sentences for the ear, each with its stop; long ones also at commas."""
    pieces = re.findall(
        r"(?:[^。！？；!?\n.]|\b[ap]\.m\.(?=\s+[a-z\d])|\.(?!\s|$))+[。！？；!?.]*", unlinked(text)
    )
    breaths = (breath for piece in pieces for breath in _breaths(piece.strip()))
    return [_stopped(one) for one in breaths if any(char.isalnum() for char in one)]


def _breaths(piece: str) -> list[str]:
    if len(piece) <= _BREATH or not chinese(piece):
        return [piece]
    found = [""]
    for clause in re.split(r"(?<=，)", piece):
        if found[-1] and len(found[-1]) + len(clause) > _BREATH:
            found.append("")
        found[-1] += clause
    return found


def _stopped(text: str) -> str:
    if text[-1] in _ENDS:
        return text
    return text.rstrip("；;，, ") + ("。" if chinese(text) else ".")


def _printable(char: str) -> bool:
    return char in "\n\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
