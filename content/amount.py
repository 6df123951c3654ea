"""Amount: numbers as they are said in Chinese, as quantities, with a point, as a time of day."""

DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
_GROUP = 10_000
_LONGEST = 15
_NOON = 12


def quantity(number: int) -> str:
    """Return a whole number from 0 as an amount: 12 十二, 105 一百零五, 1200 一千二百."""
    if number == 0:
        return DIGITS[0]
    said, rest, scale, gap = "", number, 0, False
    while rest:
        rest, group = divmod(rest, _GROUP)
        if group:
            said = _group(group) + _GROUPS[scale] + ("零" if gap and said else "") + said
        gap = group < _GROUP // 10
        scale += 1
    return said.removeprefix("一") if said.startswith("一十") else said


def decimal(number: str) -> str:
    """Return digits, with or without a point, as an amount: `3.05` 三点零五."""
    whole, _, part = number.replace(",", "").partition(".")
    said = quantity(int(whole)) if len(whole) <= _LONGEST else spelled(whole)
    return f"{said}点{spelled(part)}" if part else said


def spelled(digits: str) -> str:
    """Return digits one by one: `2026` 二零二六."""
    return "".join(DIGITS[int(digit)] for digit in digits)


def clock(hour: int, minute: int, part: str = "") -> str:
    """Return a time of day: (19, 30) 晚上七点半; `part` of the day where it is said already."""
    said = part or day_part(hour)
    twelve = hour % _NOON or (0 if hour == 0 else _NOON)
    name = "两" if twelve == 2 else quantity(twelve)  # noqa: PLR2004 - two is 两 before 点
    return f"{said}{name}点{_minute(minute)}"


def day_part(hour: int) -> str:
    """Return the part of the day of an hour from 0 to 24."""
    limits = ((5, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
    return next((name for limit, name in limits if hour < limit), "夜里")


def _group(number: int) -> str:
    """Return 1 to 9999; where it follows a larger group, the caller sets the 零 before."""
    said, zero = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            said += ("零" if zero and said else "") + DIGITS[digit] + _PLACES[place]
        zero = digit == 0
    return said


def _minute(minute: int) -> str:
    if minute == 0:
        return ""
    if minute == 30:  # noqa: PLR2004 - half an hour
        return "半"
    return ("零" if minute < 10 else "") + quantity(minute) + "分"  # noqa: PLR2004 - one digit
