"""Breaks: where a text may be cut so that no word, number, date or emoji is cut in two."""

import re
import unicodedata

from content import lexicon
from content.phrase import simplified

_SENTENCE = re.compile(r"[。！？；!?;…]+[”’」』）)\"']*|\.(?=\s|$)[”’)\"']*|\n")
_CLAUSE = re.compile(r"[，、]|,(?=\s)")
_BEHIND, _AHEAD = 60, 24
"""Characters around a place that are looked at: a word or a date is never longer."""
_RUN = re.compile(r"[\u3400-\u9fff]+")
_JOINER, _CAP = "\u200d", "\u20e3"

_DAY = (
    r"(?:(?:\d{2,4}年)?\d{1,2}月(?:\d{1,2}[日号]?)?|\d{1,2}[日号](?!楼)"
    r"|\d{4}[-/.]\d{1,2}[-/.]\d{1,2})"
)
_PART = "(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜间|今晚|明晚|当晚|早|晚)"
_CLOCK = r"(?:\d{1,2}[:：]\d{2}|\d{1,2}[点點时時](?:半|整|[一三]刻|\d{1,2}分?)?)"
_N = "[零〇一二两三四五六七八九十百千万亿]"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_WHOLE = re.compile(
    rf"{_DAY}(?:[（(](?:周|週|星期)[一二三四五六日天][）)])?\s?(?:{_PART}?{_CLOCK})?"
    rf"|{_PART}\s?{_CLOCK}"
    r"|(?:\d{1,3}(?:号楼|號樓|[栋棟幢座楼樓]))?(?:\d{1,2}(?:单元|單元))?\d{2,4}[室号號]"
    r"|\d{1,3}(?:号楼|號樓|[栋棟幢座楼樓层層])(?:\d{1,2}(?:单元|單元))?"
    r"|\+?\d[\d ()-]{5,}\d"
    rf"|\d{{1,2}}\s{_MONTH}(?:\s\d{{4}})?|{_MONTH}\s\d{{1,2}}"
    r"|\d{1,2}(?::\d\d)?\s?[ap]\.?m\b\.?"
    r"|(?:[Bb]uilding|[Bb]lock|[Uu]nit|[Rr]oom|[Ff]loor|[Nn]o\.)\s\d+"
    r"|[第¥￥$€£约約]?\d+(?:[.,:：/~～–—-]\d+)*\s?(?:[%‰℃°]C?|[A-Za-z]+|"
    r"(?:个|個)?(?:小时|小時|分钟|分鐘|毫米|厘米|公里|公斤|平方米|立方米|单元|單元|号楼|號樓|[\u3400-\u9fff]))?"
    rf"|{_N}+月{_N}+[日号]|{_N}+[点點时時](?:半|整|钟|鐘|[一三]刻|{_N}+分?)?"
    rf"|百分之{_N}+|{_N}{{2,}}(?:号楼|單元|单元|[月日号楼层栋户人个年])?"
)
"""What is read as one: a date with its time, a home, a phone number, a number with its unit."""


def before(text: str, end: int) -> int:
    """Return the last place at or before `end` where `text` may be cut; 0: there is none."""
    at = end
    while 0 < at < len(text):
        moved = min(_grapheme(text, at), _whole(text, at), _letters(text, at), _word(text, at))
        if moved == at:
            return at
        at = moved
    return at


def apart(text: str, end: int) -> int:
    """Return the last place at or before `end` that parts no character as people see it."""
    at = end
    while 0 < at < len(text) and (moved := _grapheme(text, at)) != at:
        at = moved
    return at


def sentence(text: str, end: int, least: int) -> int:
    """Return where the last sentence ends in `text[least:end]`; 0: none does."""
    return _last(_SENTENCE, text, end, least)


def clause(text: str, end: int, least: int) -> int:
    """Return where the last clause ends in `text[least:end]`, before its mark; 0: none does."""
    at = _last(_CLAUSE, text, end, least)
    return at - 1 if at else 0


def _last(pattern: re.Pattern[str], text: str, end: int, least: int) -> int:
    # two characters more show what follows a stop
    found = (match.end() for match in pattern.finditer(text, least, min(len(text), end + 2)))
    return max((at for at in found if least < at <= end), default=0)


def _grapheme(text: str, at: int) -> int:
    """Step back where `at` parts an emoji, a flag or a letter from its marks."""
    here, last = text[at], text[at - 1]
    if _extends(here) or last == _JOINER or (last, here) == ("\r", "\n"):
        return at - 1
    if _flag(here) and _flag(last):
        start = at
        while start and _flag(text[start - 1]):
            start -= 1
        return at - (at - start) % 2
    return at


def _extends(char: str) -> bool:
    tone, tag = "\U0001f3fb" <= char <= "\U0001f3ff", "\U000e0020" <= char <= "\U000e007f"
    return (
        tone or tag or char in (_JOINER, _CAP) or unicodedata.category(char) in ("Mn", "Me", "Mc")
    )


def _flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _whole(text: str, at: int) -> int:
    """Step back to where a date, home or number begins that holds `at`."""
    start = max(0, at - _BEHIND)
    for found in _WHOLE.finditer(text, start, min(len(text), at + _AHEAD)):
        if found.start() < at < found.end():
            return found.start()
    return at


def _letters(text: str, at: int) -> int:
    """Step back to where a word in letters begins that holds `at`: English, H1N1, don't, e-mail."""
    start = at
    while start and _same(text, start):
        start -= 1
    return start


def _same(text: str, at: int) -> bool:
    last, here = text[at - 1], text[at]
    if _spelled(last) and _spelled(here):
        return True
    around = text[at - 2 : at - 1], text[at + 1 : at + 2]
    if here in "'\u2019-" and _spelled(last):
        return bool(around[1]) and _spelled(around[1])
    return last in "'\u2019-" and _spelled(here) and bool(around[0]) and _spelled(around[0])


def _spelled(char: str) -> bool:
    return char.isalnum() and unicodedata.category(char) != "Lo"


def _word(text: str, at: int) -> int:
    """Step back to where a Chinese word begins that holds `at`."""
    start = max(0, at - _BEHIND)
    for run in _RUN.finditer(text, start, min(len(text), at + _AHEAD)):
        if run.start() < at < run.end():
            ends = lexicon.cuts(simplified(run[0]))
            return run.start() + max((end for end in ends if end <= at - run.start()), default=0)
    return at
