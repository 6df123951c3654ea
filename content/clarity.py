"""Clarity: what makes an alert hard to follow for who hears it once, and what to write instead.

It only warns, at most a few things, the most important first. Whatever could be meant well is let
pass: nobody reads a check that cries wolf. Words and their plainer ones are in clarity.toml.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from content import daypart, phrase
from content.message import Written
from content.plain import LINK, thoughts

MOST = 4
"""Warnings that are shown of one text."""
_ALIKE = 2
"""Warnings of one kind at most."""


class Fault(StrEnum):
    """What is wrong; the order is that of importance."""

    UNDATED = "undated"
    DAYPART = "daypart"
    LONG = "long"
    MANY = "many"
    JARGON = "jargon"
    CALLER = "caller"
    LINK = "link"
    DOUBLE = "double"
    PASSIVE = "passive"
    LETTERS = "letters"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place of a text: what is wrong, the words there, what to write; count for lengths."""

    fault: Fault
    words: str
    better: str = ""
    count: int = 0

    def said(self, language: Written) -> str:
        """Return it as one sentence for staff."""
        key = f"clarity.{self.fault}"
        return phrase.say(key, language, words=self.words, better=self.better, count=self.count)


def check(text: str, language: Written) -> list[Finding]:
    """Return what is wrong with the lines of an alert in its language, the worst first."""
    rules = _english if language is Written.ENGLISH else _chinese
    found = list(dict.fromkeys(rules(text)))
    order = list(Fault)
    return sorted(found, key=lambda one: order.index(one.fault))


def warnings(texts: Mapping[Written, str], reader: Written = Written.HANS) -> list[str]:
    """Return the sentences for who writes or edits these texts: a few, each naming its place."""
    kept: list[Finding] = []
    for finding in _all(texts):
        alike = sum(one.fault is finding.fault for one in kept)
        if alike < _ALIKE and finding not in kept:
            kept.append(finding)
    order = list(Fault)
    kept.sort(key=lambda one: order.index(one.fault))
    return list(dict.fromkeys(one.said(reader) for one in kept))[:MOST]


def _all(texts: Mapping[Written, str]) -> Iterator[Finding]:
    for language in Written:
        if language in texts:
            yield from check(texts[language], language)


_STOPS = re.compile(r"[。！？；!?;\n]")
_ENGLISH_STOPS = re.compile(r"[!?;\n]|:(?=\s)|\.(?=\s|$)(?<!\b[ap]\.m\.)")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WIDE = dict(zip(range(0xFF10, 0xFF1B), "0123456789:", strict=True)) | {0xFF0C: "，"}
_ACTS, _WORDS, _SAID = 4, 24, 36
"""Things to do of a Chinese sentence, words of an English one, characters one hears at once."""
_UNBROKEN = 26
"""Characters without a comma."""
_START = 10

_DAYS = re.compile(
    r"今[天日晚夜早晨]|明[天日晚早晨]|后天|昨[天日晚]|(?:本周|这周|下周|(?<![每逢])(?:周|星期|礼拜)(?=[一二三四五六日天末]))"
    r"(?:[一二三四五六日天末](?![围边]))?"
)
_NUMERAL = "[0-9零〇一二三四五六七八九十]"
_DATES = re.compile(
    rf"{_NUMERAL}+月{_NUMERAL}+[日号]|(?<![0-9]){_NUMERAL}{{1,3}}日|20\d\d[-/.]\d|(?<!\d)\d{{1,2}}号(?![楼院门线])"
)
_ENGLISH_DAYS = re.compile(
    r"\b(?:today|tomorrow|tonight|yesterday"
    r"|(?:this|next) (?:morning|afternoon|evening|week|weekend)"
    r"|(?<!every )(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b",
    re.IGNORECASE,
)
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_ENGLISH_DATES = re.compile(rf"\b\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}|{_MONTH} \d|20\d\d-\d")

_PHONE = re.compile(
    r"(?<![\d.,¥￥])(?:\+?\d{1,3}[ -]?)?"
    r"(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}[ -]?\d{7,8}|0\d{2,3}[ -]\d{4}[ -]\d{4}"
    r"|[48]00[ -]?\d{3,4}[ -]?\d{3,4}|[2-8]\d{6,7}|9[56]\d{3,4})(?!\d|[.,]\d|[元块人户吨米%号])"
)
_NOBODY = re.compile(
    r"联系电话|咨询电话|服务电话|求助电话|电话号码|电话|手机|号码|联系|拨打|打|致电|咨询|询问|详询|求助|帮助|疑问|问题|情况|"
    r"紧急|需要|如有|如需|如遇|如果|有|如|请|可以|可|及时|立即|马上|尽快|以及|和|或|与|您|大家|居民|的|是|为|在|向|至|到|第一时间"
)
_ENGLISH_NOBODY = re.compile(
    r"\b(?:please|call|phone|dial|ring|contact|telephone|tel|number|hotline|at|on|is|for|help|information|more|"
    r"questions?|if|you|need|any|have|or|and|the|in|an?|emergency|emergencies|to|with|details|further|assistance)\b",
    re.IGNORECASE,
)
_WORK = (
    "检修|抢修|维修|维护|施工|消毒|消杀|检查|核查|抽查|清理|清洗|更换|改造|停水|停电|停气|封闭|登记"
    "|转移|排水|巡查|测试|演练"
)
_ROUNDABOUT = re.compile(
    r"(?:(?:对[^，。！？；\n]{1,12})?进行(?:紧急|全面|集中|临时)?|予以|加以|实施|开展)"
    rf"(?P<act>{_WORK})(?:工作|作业)?"
)
_LETTERS = re.compile(r"(?<![A-Za-z0-9@./-])[A-Za-z]{2,}[A-Za-z-]*\d*(?:\.\d+)?(?![A-Za-z0-9@])")
_KNOWN = frozenset({"OK", "QQ", "CT", "KN", "N95", "KN95", "SOS", "KTV", "DNA", "SIM"})
_UNITS = frozenset({"km", "kg", "mm", "cm", "ml", "kw", "kwh", "mpa", "kpa", "hpa"})


def _chinese(text: str) -> Iterator[Finding]:
    plain = phrase.simplified(text).translate(_WIDE)
    if day := not _DATES.search(plain) and _DAYS.search(plain):
        yield Finding(Fault.UNDATED, text[day.start() : day.end()])
    for at, end in daypart.unsaid(plain)[:1]:
        yield Finding(Fault.DAYPART, text[at:end])
    for line in _cut(_STOPS, text):
        yield from _length(line)
        yield from _caller(line, _NOBODY)
    yield from _table(plain, text, "zh", Fault.JARGON, Fault.DOUBLE)
    for found in _ROUNDABOUT.finditer(plain):
        yield Finding(Fault.PASSIVE, text[found.start() : found.end()], f"写“{found['act']}”")
    yield from _linked(text)
    yield from _letters(LINK.sub(" ", text))


def _english(text: str) -> Iterator[Finding]:
    if day := not _ENGLISH_DATES.search(text) and _ENGLISH_DAYS.search(text):
        yield Finding(Fault.UNDATED, day[0])
    for at, end in daypart.unsaid_english(text)[:1]:
        yield Finding(Fault.DAYPART, text[at:end])
    for line in _cut(_ENGLISH_STOPS, text):
        words = line.split()
        if len(words) > _WORDS:
            yield Finding(Fault.LONG, " ".join(words[:5]), count=len(words))
        yield from _caller(line, _ENGLISH_NOBODY)
    yield from _table(text, text, "en", Fault.JARGON, Fault.DOUBLE, Fault.PASSIVE)
    yield from _linked(text)


def _cut(stops: re.Pattern[str], text: str) -> Iterator[str]:
    return (line.strip() for line in stops.split(text) if line.strip())


def _length(line: str) -> Iterator[Finding]:
    """Find a sentence that is too long for one breath, or asks for too much at once."""
    count = len(_HAN.findall(line))
    longest = max(len(_HAN.findall(one)) for one in re.split("[，,：:]", line))
    if count > _SAID or longest > _UNBROKEN:
        yield Finding(Fault.LONG, line[:_START], count=count)
    elif (several := len(thoughts(line))) >= _ACTS:
        yield Finding(Fault.MANY, line[:_START], count=several)


def _caller(line: str, nobody: re.Pattern[str]) -> Iterator[Finding]:
    """Find a number of which nobody says who answers it."""
    numbers = list(_PHONE.finditer(line))
    rest = nobody.sub("", _PHONE.sub("", line))
    if numbers and not any(map(str.isalpha, rest)):
        yield Finding(Fault.CALLER, numbers[0][0].strip())


def _table(plain: str, text: str, tongue: str, *faults: Fault) -> Iterator[Finding]:
    for fault in faults:
        taken: list[tuple[int, int]] = []
        for rule, better in _rules(tongue, fault):
            for found in rule.finditer(plain):
                start, end = found.span()
                if not any(start < to and at < end for at, to in taken):
                    taken.append((start, end))
                    yield Finding(fault, text[start:end], better)


def _linked(text: str) -> Iterator[Finding]:
    if found := LINK.search(text):
        yield Finding(Fault.LINK, found[0])


def _letters(text: str) -> Iterator[Finding]:
    """Find letters in a Chinese text that nothing beside them explains."""
    for found in _LETTERS.finditer(text):
        word = found[0]
        after, before = text[found.end() : found.end() + 1], text[: found.start()]
        if word.upper() in _KNOWN or word.lower() in _UNITS or after in ("（", "("):
            continue
        if before.endswith(("（", "(")) or re.search(r"[\d.]\s?$", before) or _foreign(text, found):
            continue
        known = (better for rule, better in _rules("zh", Fault.LETTERS) if rule.fullmatch(word))
        yield Finding(Fault.LETTERS, word, next(known, phrase.say("clarity.chinese", Written.HANS)))


def _foreign(text: str, found: re.Match[str]) -> bool:
    """Say whether letters stand in an English sentence of their own."""
    return bool(re.search(r"[A-Za-z] $", text[: found.start()])) or bool(
        re.match(r" [A-Za-z]", text[found.end() :])
    )


@cache
def _rules(tongue: str, fault: Fault) -> tuple[tuple[re.Pattern[str], str], ...]:
    body = tomllib.loads(Path(__file__).with_name("clarity.toml").read_text(encoding="utf-8"))
    table: Iterable[tuple[str, str]] = body[tongue].get(fault, {}).items()
    edge = r"\b" if tongue == "en" else ""
    return tuple(
        (re.compile(rf"{edge}(?:{rule}){edge}", re.IGNORECASE if edge else 0), better)
        for rule, better in table
    )
