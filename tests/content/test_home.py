import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import home
from content.home import Home

HAN = "〇一二三四五六七八九"


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in text)


def counted(number: int) -> str:
    tens, ones = divmod(number, 10)
    head = "" if not tens else ("十" if tens == 1 else HAN[tens] + "十")
    return head + (HAN[ones] if ones else "")


def spelled(number: int) -> str:
    return "".join(HAN[int(digit)] for digit in str(number))


def spellings(building: int, unit: int, room: int) -> list[str]:
    return [
        f"{building}-{unit}-{room}",
        f"{building:02}-{unit:02}-{room:04}",
        f"{building}—{unit}—{room}",
        wide(f"{building}－{unit}－{room}"),
        f"{building}号楼{unit}单元{room}室",
        f" {building} 号楼 {unit} 单元 {room} ",
        f"{building}栋{counted(unit)}单元{room}",
        f"第{counted(building)}幢{unit}门{room}号",
        f"{counted(building)}号楼{counted(unit)}单元{spelled(room)}室",
        f"{building}#楼{unit}单元{room // 100}层{room}",
        f"{building}#{unit}-{room}",
        f"Building {building}, Unit {unit}, Room {room}",
    ]


@given(st.integers(1, 99), st.integers(1, 20), st.integers(1, 33), st.integers(1, 19))
def test_all_spellings_of_one_home_agree(building: int, unit: int, floor: int, door: int) -> None:
    room = floor * 100 + door
    read = {home.read(text) for text in spellings(building, unit, room)}
    assert read == {Home("", str(building), str(unit), str(room), str(floor))}


@given(st.integers(1, 99), st.integers(1, 33), st.integers(1, 19))
def test_a_building_without_units_agrees_as_well(building: int, floor: int, door: int) -> None:
    room = floor * 100 + door
    texts = (
        f"{building}-{room}",
        f"{building}号楼{room}室",
        f"{counted(building)}栋{spelled(room)}",
    )
    assert {home.read(text) for text in texts} == {
        Home("", str(building), "", str(room), str(floor))
    }


@given(st.text(max_size=40))
def test_any_text_is_read_or_not_but_never_an_error(text: str) -> None:
    read = home.read(text)
    assert read is None or read.building


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("幸福里3幢2门501", Home("幸福里", "3", "2", "501", "5")),
        ("建设路12号院3号楼2单元501", Home("建设路12号院", "3", "2", "501", "5")),
        ("五一小区十二栋1单元一百零三", Home("五一小区", "12", "1", "103", "1")),
        ("A座1203A", Home("", "A", "", "1203A", "12")),
        ("3栋2单元B101", Home("", "3", "2", "B101", "B1")),
        ("东单元501", None),
        ("3号楼2单元", Home("", "3", "2")),
        ("3-2", Home("", "3", "2")),
        ("3号楼", Home("", "3")),
        ("501", None),
        ("无", None),
        ("", None),
    ],
)
def test_addresses_are_read_into_their_parts(text: str, expected: Home | None) -> None:
    assert home.read(text) == expected


@pytest.mark.parametrize("text", ["1网格", "一网格", "第1网格", "网格1", "1", "１号网格", "01网格"])
def test_all_spellings_of_one_grid_agree(text: str) -> None:
    assert home.grid(text) == "1网格"


def test_an_estate_is_known_without_its_kind() -> None:
    assert {home.estate(text) for text in ("幸福里", "幸福里小区", " 幸福里社区 ")} == {"幸福里"}
