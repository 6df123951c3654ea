"""A home as people write it, read into its parts; pure."""

import re
import unicodedata
from dataclasses import dataclass

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SCALES = {"十": 10, "百": 100}
_RUN = "[零〇一二两三四五六七八九十百]+"
_AFTER = r"(?=号|#|楼|幢|栋|座|单元|门|梯|层|室|房|户|网格|区|期|-|\d|$)"
_NUMERAL = re.compile(rf"{_RUN}{_AFTER}|(?<=[号#楼幢栋座元门梯层格\-第]){_RUN}")
"""Numerals that count something; those inside a name (五一小区) stay."""

_DASH = re.compile("[-‐‑‒–—―−_/\\\\.·,，、]+")
_NEXT = "(?=UNIT|ROOM|RM|FLAT|APT|-|$)"
_ENGLISH = (
    (re.compile(rf"(?:BUILDING|BLDG|BLOCK|TOWER)-?([0-9A-Z]+?){_NEXT}"), "栋"),
    (re.compile(rf"UNIT-?([0-9A-Z]+?){_NEXT}"), "单元"),
    (re.compile(r"(?:ROOM|RM|FLAT|APT)-?([0-9A-Z]+)$"), "室"),
)

_NAMED = "[甲乙丙丁戊东南西北中]"
_CODE = rf"(?:(?<![0-9A-Z])[A-Z]\d{{0,3}}|(?<!\d)\d{{1,5}}[A-Z]?|{_NAMED})"
_HOME = re.compile(
    rf"^(?P<estate>.*?)-?第?(?P<building>{_CODE})(?:号?(?P<mark>楼|幢|栋|座)|#楼?|-)-?"
    rf"(?:第?(?P<unit>{_CODE})(?:号?(?:单元|门洞?|梯)|-)-?)?"
    r"(?:第?(?P<floor>\d{1,2})(?:层|楼|-)-?(?=.*\d))?"
    r"(?:(?P<room>[A-Z]?\d{1,5}[A-Z]?)(?:号?(?:室|房间?|户)|号)?)?$"
)
_SHORT = 2
"""A number of so few digits at the end of `3-2` is a unit, not a room."""


@dataclass(frozen=True, slots=True)
class Home:
    """The parts of an address; what was not written is empty. `floor` follows from the room."""

    estate: str = ""
    building: str = ""
    unit: str = ""
    room: str = ""
    floor: str = ""


def read(text: str) -> Home | None:
    """Read `3-2-501`, `3号楼2单元501室` and `3栋二单元501` as the same home; None: no address."""
    plain = _plain(text)
    found = _HOME.match(plain)
    if found is None:
        return None
    part = found.groupdict(default="")
    unit, room = part["unit"], part["room"]
    if not unit and not found["mark"] and room.isdigit() and len(room) <= _SHORT:
        unit, room = room, ""
    return Home(
        estate=part["estate"].strip("-"),
        building=code(part["building"]),
        unit=code(unit),
        room=code(room),
        floor=code(part["floor"]) or floor_of(code(room)),
    )


def code(text: str) -> str:
    """Return the code of a building, unit or room: figures, capitals, no leading zeros."""
    plain = "".join(_DASH.sub("-", _figures(_narrow(text))).split("-"))
    return plain.lstrip("0") or plain[:1]


def is_code(text: str) -> bool:
    """Say whether the text is a bare code of a building or unit: `3`, `12A`, `三`, `东`."""
    return re.fullmatch(_CODE, _figures(_narrow(text))) is not None


def floor_of(room: str) -> str:
    """Return the floor that a room number tells: 501 -> 5, 1203A -> 12, B101 -> B1, 12 -> ''."""
    digits = re.fullmatch(r"(B?)[A-Z]?(\d{1,3})\d{2}[A-Z]?", room)
    return digits[1] + digits[2] if digits else ""


def grid(text: str) -> str:
    """Return the name of a grid: `一网格`, `第1网格`, `网格1` and `1` are all `1网格`."""
    plain = _figures(_narrow(text).replace("网格", "") + "网格").replace("网格", "")
    name = plain.removeprefix("第").removesuffix("号").replace("/", "").lstrip("0")
    return f"{name}网格" if name else ""


def estate(text: str) -> str:
    """Return the name of an estate without its kind: 幸福里小区 -> 幸福里."""
    plain = _DASH.sub("", _narrow(text))
    name = plain.removesuffix("小区").removesuffix("社区") or plain
    return _figures(f"{name}小区").removesuffix("小区")


def _plain(text: str) -> str:
    plain = _DASH.sub("-", _narrow(text)).strip("-")
    for pattern, mark in _ENGLISH:
        plain = pattern.sub(rf"\1{mark}", plain)
    return _figures(plain)


def _narrow(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def _figures(text: str) -> str:
    return _NUMERAL.sub(lambda found: str(_value(found[0])), text)


def _value(numeral: str) -> str:
    if not any(char in _SCALES for char in numeral):
        return "".join(str(_DIGITS[char]) for char in numeral)
    total = digit = 0
    for char in numeral:
        if char in _SCALES:
            total += (digit or 1) * _SCALES[char]
            digit = 0
        else:
            digit = _DIGITS[char]
    return str(total + digit)
