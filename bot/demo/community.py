"""The demo's community: 榆树湾, its homes, residents and staff; invented, and the same each time.

Mobile numbers begin with 172, a range of data cards that nobody carries; landlines with 1 after
the area code, as no subscriber's number does. Chat ids lie beyond those in use.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from content.people import Need, Role

NAME = "榆树湾社区"
SENDER = "榆树湾社区居委会"
DUTY_PHONE = "0571-16880001"
SEED = 20260803
GRIDS = {
    "1网格": ("1号楼", "2号楼", "3号楼", "4号楼"),
    "2网格": ("5号楼", "6号楼", "7号楼", "8号楼"),
    "3网格": ("9号楼", "10号楼", "A栋", "B栋"),
}
COLUMNS = (
    *("编号", "姓名", "网格", "地址", "手机", "座机", "聊天", "需求", "书面语言", "口语"),
    *("联系人姓名", "联系人关系", "联系人电话"),
)
PER_BUILDING = 25
_FIRST_CHAT = 99_000_000_000
_NEEDS = {
    Need.ELDERLY: "老人",
    Need.DEAF: "听障",
    Need.BLIND: "视障",
    Need.NO_SMARTPHONE: "无智能手机",
    Need.LIVES_ALONE: "独居",
    Need.MOBILITY: "行动不便",
}
_SURNAMES = "卢葛裘柏章苗方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于傅齐康伍余顾孟黄"
_OLDER = (
    *(
        "德福",
        "秀兰",
        "桂英",
        "长根",
        "玉珍",
        "金宝",
        "月娥",
        "水生",
        "阿香",
        "国栋",
        "美凤",
        "根发",
    ),
    *("素芬", "炳坤", "招娣", "永年", "菊仙", "顺昌", "翠娥", "有才"),
)
_YOUNGER = (
    *(
        "一鸣",
        "思远",
        "晓彤",
        "子涵",
        "浩然",
        "雨桐",
        "俊杰",
        "梦琪",
        "文轩",
        "佳怡",
        "志远",
        "欣妍",
    ),
    *("明哲", "若曦", "天佑", "诗雨", "凯文", "静怡", "宇航", "可心"),
)
_FOREIGN = (
    *("Daniel Osei", "Marta Kowal", "Priya Nair", "Tom Ashby", "Lucia Moreno", "Kenji Arai"),
    *("Amara Diallo", "Piet Vermeer", "Sofia Lindt", "Omar Haddad", "Nina Petrova", "Joe Larkin"),
)
_ELDERLY = (
    *((Need.DEAF, 0.08), (Need.BLIND, 0.07), (Need.MOBILITY, 0.2)),
    (Need.NO_SMARTPHONE, 0.75),
)
_LANGUAGES = {("简体", "普通话"): 92, ("英文", "英语"): 5, ("繁体", "粤语"): 3}
_RELATIONS = ("女儿", "儿子", "侄女", "邻居", "孙女")


@dataclass(frozen=True, slots=True)
class Person:
    """One resident as the committee's list has them, and `chat`, who they are in the chat app."""

    number: str
    name: str
    grid: str
    building: str
    address: str
    mobile: str = ""
    landline: str = ""
    chat: int | None = None
    needs: frozenset[Need] = frozenset()
    written: str = "简体"
    spoken: str = "普通话"
    contact: tuple[str, str, str] = ("", "", "")
    """Name, relation and number of the contact."""

    @property
    def row(self) -> tuple[str, ...]:
        """Return the cells of their line, in the order of `COLUMNS`."""
        needs = "、".join(_NEEDS[need] for need in Need if need in self.needs)
        chat = "" if self.chat is None else str(self.chat)
        return (
            *(self.number, self.name, self.grid, self.address, self.mobile, self.landline, chat),
            *(needs, self.written, self.spoken, *self.contact),
        )


@dataclass(frozen=True, slots=True)
class _Home:
    """Where somebody lives: `at` counts the people, `member` those of a home of `size`."""

    at: int
    grid: str
    building: str
    address: str
    size: int
    member: int


@dataclass(frozen=True, slots=True)
class Member:
    """One member of staff with the one role they need; `grid` for a grid worker."""

    name: str
    title: str
    role: Role
    mobile: str
    chat: int
    grid: str = ""


STAFF = (
    Member("周晓岚", "社区工作者", Role.AUTHOR, "17200000001", _FIRST_CHAT + 1),
    Member("何立民", "社区安全员", Role.VERIFIER, "17200000002", _FIRST_CHAT + 2),
    Member("沈玉琴", "社区宣传员", Role.EDITOR, "17200000003", _FIRST_CHAT + 3),
    Member("陆建国", "社区书记", Role.PUBLISHER, "17200000004", _FIRST_CHAT + 4),
    Member("唐文博", "临澜水务 水质工程师", Role.EXPERT, "17200000005", _FIRST_CHAT + 5),
    Member("鲁春燕", "1网格网格员", Role.GRID_WORKER, "17200000006", _FIRST_CHAT + 6, "1网格"),
    Member("丁海波", "2网格网格员", Role.GRID_WORKER, "17200000007", _FIRST_CHAT + 7, "2网格"),
    Member("苏小梅", "3网格网格员", Role.GRID_WORKER, "17200000008", _FIRST_CHAT + 8, "3网格"),
)


def residents(seed: int = SEED) -> list[Person]:
    """Return the 300 residents; the same seed gives the same people."""
    chance = Random(seed)  # noqa: S311 - invented people, no secrets
    found: list[Person] = []
    for grid, buildings in GRIDS.items():
        for building in buildings:
            found += _building(chance, grid, building, len(found))
    return found


def roster(seed: int = SEED) -> str:
    """Return the committee's list of residents as CSV with its title line."""
    out = io.StringIO()
    csv.writer(out).writerows((COLUMNS, *(person.row for person in residents(seed))))
    return out.getvalue()


def _building(chance: Random, grid: str, building: str, before: int) -> list[Person]:
    found: list[Person] = []
    for address in _homes(building):
        older = _likely(chance, 0.33)
        size = min(chance.choice((1, 2) if older else (1, 2, 2, 3, 3)), PER_BUILDING - len(found))
        for member in range(size):
            home = _Home(before + len(found) + 1, grid, building, address, size, member)
            found.append(_elder(chance, home) if older else _adult(chance, home))
        if len(found) == PER_BUILDING:
            break
    return found


def _homes(building: str) -> Iterator[str]:
    for floor in range(1, 7):
        for unit in (1, 2):
            for room in (1, 2):
                yield f"{building}{unit}单元{floor}0{room}室"


def _elder(chance: Random, home: _Home) -> Person:
    """Return an old person: mostly a landline, sometimes a simple mobile or no phone at all."""
    needs = {Need.ELDERLY} | {need for need, share in _ELDERLY if _likely(chance, share)}
    if home.size == 1:
        needs.add(Need.LIVES_ALONE)
    landline = _likely(chance, 0.88)
    mobile = Need.DEAF in needs or _likely(chance, 0.3 if landline else 0.5)
    return Person(
        number=f"YSW{home.at:04d}",
        name=_name(chance, home.at, _OLDER),
        grid=home.grid,
        building=home.building,
        address=home.address,
        mobile=_mobile(home.at) if mobile else "",
        landline=_landline(home.at - home.member) if landline else "",
        needs=frozenset(needs),
        spoken="粤语" if _likely(chance, 0.06) else "普通话",
        contact=_contact(chance, home.at) if _likely(chance, 0.7) else ("", "", ""),
    )


def _adult(chance: Random, home: _Home) -> Person:
    """Return anybody else: a mobile, mostly with the chat app; a few read another language."""
    written, spoken = chance.choices(list(_LANGUAGES), list(_LANGUAGES.values()))[0]
    deaf = _likely(chance, 0.025)
    name = _name(chance, home.at, _YOUNGER)
    return Person(
        number=f"YSW{home.at:04d}",
        name=_FOREIGN[home.at % len(_FOREIGN)] if written == "英文" else name,
        grid=home.grid,
        building=home.building,
        address=home.address,
        mobile=_mobile(home.at) if _likely(chance, 0.97) else "",
        chat=_FIRST_CHAT + 1000 + home.at if deaf or _likely(chance, 0.75) else None,
        needs=frozenset({Need.DEAF} if deaf else set()),
        written=written,
        spoken=spoken,
        contact=_contact(chance, home.at) if _likely(chance, 0.3) else ("", "", ""),
    )


def _likely(chance: Random, share: float) -> bool:
    return chance.random() < share


def _name(chance: Random, at: int, given: tuple[str, ...]) -> str:
    return _SURNAMES[at % len(_SURNAMES)] + chance.choice(given)


def _contact(chance: Random, at: int) -> tuple[str, str, str]:
    name = chance.choice(_SURNAMES) + chance.choice(_YOUNGER)
    return name, chance.choice(_RELATIONS), f"1725{at:07d}"


def _mobile(at: int) -> str:
    return f"1721{at:07d}"


def _landline(at: int) -> str:
    return f"0571-1688{at + 1000:04d}"
