"""Numerals, Arabic and Chinese, read as the numbers they name; pure."""

import re
from decimal import Decimal

_DIGITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}

_LONGEST = 20
"""Characters of a numeral that is still read as a quantity."""

PATTERN = (
    r"(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,24})(?:\.\d{1,9})?[十百千万亿]{0,4}"
    r"|[零〇一二两三四五六七八九十百千万亿]{1,24}"
)
"""A numeral in a text that went through NFKC."""


def value(text: str) -> str:
    """Return a numeral, Arabic or Chinese, as plain digits; as it is where it names no number."""
    text = text.replace(",", "")
    if len(text) > _LONGEST or not re.fullmatch(PATTERN, text):
        return text
    arabic = re.fullmatch(r"(\d+(?:\.\d+)?)([十百千万亿]*)", text)
    if arabic:
        number = Decimal(arabic[1])
        for unit in arabic[2]:
            number *= _UNITS[unit]
        return f"{number.normalize():f}"
    if all(char in _DIGITS for char in text):
        return str(int("".join(str(_DIGITS[char]) for char in text)))
    if re.search("[一二两三四五六七八九]{2}", text):
        return text  # 五六十: about so many, not one number
    return str(_chinese(text))


def _chinese(text: str) -> int:
    for name, unit in (("亿", 100_000_000), ("万", 10_000)):
        head, found, tail = text.rpartition(name)
        if found:
            small = _DIGITS.get(tail)
            # 三万五 is 35,000, 三万零五 is 30,005
            rest = small * unit // 10 if small is not None else _chinese(tail)
            return (_chinese(head) if head else 1) * unit + rest
    total = digit = 0
    worth = 1
    for char in text:
        if char in _UNITS:
            total += (digit or 1) * _UNITS[char]
            digit, worth = 0, max(_UNITS[char] // 10, 1)
        elif _DIGITS.get(char):
            digit = _DIGITS[char]
        elif char in "零〇":
            worth = 1
    return total + digit * worth
