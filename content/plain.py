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
_TAIL = "[a-z0-9/_=#&%~+-]"
"""What a web address ends with: the stop after it is not its own."""
LINK = re.compile(
    rf"(?:https?://|www\.)(?:[!-~]*{_TAIL})?"
    r"|(?<![@\w.-])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|cn|net|org|gov|top|xyz|cc|info)"
    rf"(?![a-z0-9])(?:[!-~]*{_TAIL})?",
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
    return _AROUND.sub(lead + word, text)


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
    """Cut a text into sentences for the ear, one thought each, with its stop.

    Several things to be done are parted, but none from what comes before it: that may be its
    condition (闻到煤气味，请开窗). What is still long is cut at commas.
    """
    told = unlinked(_POINTS.sub("\n", text))
    pieces = [piece.strip() for piece in _SENTENCE.findall(told)]
    single = (thought for piece in pieces for thought in _singly(piece))
    breaths = (breath for thought in single for breath in _breaths(thought))
    return [_stopped(one) for one in breaths if any(char.isalnum() for char in one)]


_SENTENCE = re.compile(
    r"(?:\b[apAP]\.[mM]\.(?=\s+[a-z\d])|[^。！？；!?;\n.]|\.(?!\s|$))+[。！？；!?;.]*"
)
_POINTS = re.compile(
    r"(?:(?<=[。！？；!?;\n，,.])|^)\s*(?:详情|详细|更多|信息|请|可以?|点击|点|查看|查询|登录|打开|上网|网址|网站"
    r"|链接|参见|详见|见|看|在|到|[\s，：:]|\b(?:see|visit|read|more|details?|information|for|at|on|go|to"
    rf"|please|link|website|the|our|or|and)\b)*(?:{LINK.pattern})[\s。.，,]*",
    re.IGNORECASE | re.ASCII,
)
"""What only names a web address."""
_DO = (
    "请|[也更]?不要|[也更]?不能|不得|切?勿|别|千万|务必|尽量|同时|另外|并|也请|再请"
    "|关|拔|收|远离|避开|待在|留在|带[好上]|照看|照顾|注意|准备|检查|切断|打开|停止|存|穿|绕|多|往|赶紧|尽快|立即|马上"
)
_ACTS = re.compile(f"(?<=，)(?={_DO})")
_IFS = re.compile(
    "如果|如遇|如有|如需|若|万一|一旦|遇到|要是|假如|只要|只有|除非|即使|的话|(?<![恰正])当(?=[^天日地])"
    "|[闻看听接]到|发现|不舒服|困难|进水|漏水|漏气|着火|被困"
)
_ASKED = re.compile(r"请|不要|勿|别|千万|务必|远离|避开")
_UNDONE = re.compile(
    "(?:居民|住户|业主|家长|车主|老人|人员|人|者|的|朋友|大家|各位|邻居|前|后|时|起|时候)，$"
)
"""Who is asked, or when: what they do follows."""
_AND = re.compile(r", (?=(?:and|but|so|then|please|do not|don't) )|; ")
_BREATHLESS = 16
"""Words of an English sentence that one hears at once."""


def _singly(piece: str) -> list[str]:
    """Part a sentence where another thing begins that is to be done."""
    if not chinese(piece):
        parts = _AND.split(piece) if len(piece.split()) > _BREATHLESS else [piece]
        return [parts[0], *(one[:1].upper() + one[1:] for one in parts[1:])]
    if _IFS.search(piece):
        return [piece]
    found = [""]
    for clause in _ACTS.split(piece):
        asked = len(found) > 1 or _ASKED.search(found[-1])
        if asked and not _UNDONE.search(found[-1]):
            found.append("")
        found[-1] += clause
    return found


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
