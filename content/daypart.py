"""Daypart: times of which nobody can tell whether they are in the morning or evening; pure."""

import re

from content import numeral

_PARTS = re.compile(
    "凌晨|清晨|早上|早晨|早间|上午|中午|正午|下午|傍晚|晚上|夜里|夜间|夜晚|晚间|半夜|深夜|午夜"
    "|[今明后昨当][早晚晨夜]|[早午晚][餐饭]|次日|第二天|翌日|早(?=[0-9零一二两三四五六七八九十])|晚(?=[0-9零一二两三四五六七八九十])"
)
_TIMES = re.compile(
    r"(?<![0-9.:零一二两三四五六七八九十第这共以下有])"
    r"(?P<hour>[0-9]{1,2}|[零一二两三四五六七八九十]{1,3})"
    r"(?:(?P<clock>:[0-5][0-9])(?![0-9:])|[点时](?![间候段常刻])(?!建议|要求|注意|意见|提示|说明|原因|措施|内容|事项|以下)"
    r"(?![:：])(?:半|整|钟|[一三]刻|[0-9零一二三四五六七八九十]{1,3}分?)?)"
)
_ENGLISH_TIMES = re.compile(
    r"(?<![\d.:])(?P<hour>\d{1,2})(?:(?P<clock>:[0-5]\d)(?![\d:])|(?= o'clock))", re.IGNORECASE
)
_ENGLISH_BARE = re.compile(
    r"\bat (?P<hour>\d{1,2})(?=[,.;\n]|$| on\b| to\b)(?!\.\d|:)", re.IGNORECASE
)
_ENGLISH_PARTS = re.compile(
    r"\d ?[ap]\.?m\b|\b(?:morning|afternoon|evening|night|tonight|noon|midnight|overnight)\b",
    re.IGNORECASE,
)
_STOP = re.compile(r"[。！？；!?;\n]")
_ENGLISH_STOP = re.compile(r"[!?;\n]|\.(?=\s+[A-Z]|$)")
_LITTLE = re.compile("(?<![在到至从于])一点$")
"""走路慢一点: a little."""
_NOON = 12


def unsaid(plain: str) -> list[tuple[int, int]]:
    """Return where a Chinese text (simplified, ASCII digits) names such a time.

    A part of the day counts for all times after it in its sentence. Where one time of the text is
    after 12, or begins with 0, all of them are read on the 24-hour clock.
    """
    times = list(_TIMES.finditer(plain))
    if any(_of_24(found) for found in times):
        return []
    doubtful = (one for one in times if _doubtful(one) and not _LITTLE.search(plain[: one.end()]))
    return [one.span() for one in doubtful if not _told(plain, one)]


def spread(text: str) -> str:
    """Return a Chinese text where both ends of a span say their part: 下午2:00到下午5:30.

    Who reads sees that 下午 counts for both; a voice that is given 5:30 says 上午.
    """
    return _SPAN.sub(_both, text)


def _both(found: re.Match[str]) -> str:
    first, last = int(found["from"]) % _NOON, int(found["to"])
    if not first < last < _NOON:
        # at or before the first: it is the next morning
        return found[0]
    part = "下午" if found["part"] == "中午" else found["part"]
    return f"{found['before']}{part}{found['rest']}"


_SPAN = re.compile(
    r"(?P<before>(?P<part>中午|下午|傍晚|晚上|晚间|夜里|夜间|[今明当當]晚|晚)\s?(?P<from>\d{1,2})(?::[0-5]\d|[点點时時]\S?)"
    r"\s?(?:[到至~～—–-]|－)+\s?)(?P<rest>(?P<to>\d{1,2}):[0-5]\d)(?!\d)"
)


def unsaid_english(text: str) -> list[tuple[int, int]]:
    """Return where an English text names such a time; its sentence may say the part anywhere."""
    times = list(_ENGLISH_TIMES.finditer(text))
    if any(_of_24(found) for found in times):
        return []
    found = [*times, *_ENGLISH_BARE.finditer(text)]
    return [one.span() for one in found if _doubtful(one) and not _sentence_tells(text, one)]


def _hour(found: re.Match[str]) -> int:
    hour = numeral.value(found["hour"])
    return int(hour) if hour.isdecimal() else _NOON


def _of_24(found: re.Match[str]) -> bool:
    hour = _hour(found)
    return hour > _NOON or hour == 0 or (len(found["hour"]) > 1 and found["hour"][0] == "0")


def _doubtful(found: re.Match[str]) -> bool:
    # 12 is noon unless somebody says otherwise
    return 0 < _hour(found) < _NOON


def _told(plain: str, found: re.Match[str]) -> bool:
    starts = [stop.end() for stop in _STOP.finditer(plain, 0, found.start())]
    return bool(_PARTS.search(plain, starts[-1] if starts else 0, found.start("hour") + 1))


def _sentence_tells(text: str, found: re.Match[str]) -> bool:
    starts = [stop.end() for stop in _ENGLISH_STOP.finditer(text, 0, found.start())]
    stop = _ENGLISH_STOP.search(text, found.end())
    end = stop.start() if stop else len(text)
    return bool(_ENGLISH_PARTS.search(text, starts[-1] if starts else 0, end))
