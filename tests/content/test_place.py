import pytest
from sqlalchemy import func, select

from content import place
from content.place import Home, Place, PlaceError, PlaceKind, Tree
from content.store import Store


@pytest.mark.parametrize(
    "text",
    ["3-2-501", "3号楼2单元501室", "3栋二单元501", "幸福里3幢2门501", "幸福里小区3-2-501", "3-501"],
)
def test_every_spelling_leads_to_the_same_home(store: Store, text: str) -> None:
    with store.begin() as session:
        home = place.ensure(session, "3-2-501", grid="1网格")
        assert place.ensure(session, text) is home
        assert (home.path, home.floor, home.room) == ("/1网格/3/2/501/", "5", "501")


def test_a_home_is_made_with_all_that_is_above_it(store: Store) -> None:
    with store.begin() as session:
        place.ensure(session, "花园小区3-2-501", grid="1")
        kinds = session.scalars(select(Place.kind).order_by(func.length(Place.path)))
        order = ["community", "grid", "estate", "building", "unit", "household"]
        assert list(kinds) == order


def test_two_estates_may_have_the_same_building(store: Store) -> None:
    with store.begin() as session:
        here, there = (place.ensure(session, f"{name}3-2-501") for name in ("花园", "阳光"))
        assert here is not there
        with pytest.raises(PlaceError, match="write the estate"):
            place.ensure(session, "3-2-501")


def test_a_room_in_several_units_needs_its_unit(store: Store) -> None:
    with store.begin() as session:
        for text in ("3-1-501", "3-2-501"):
            place.ensure(session, text)
        with pytest.raises(PlaceError, match="write the unit"):
            place.ensure(session, "3-501")


@pytest.mark.parametrize("text", ["", "无", "3号楼", "3-2", "不知道"])
def test_what_is_not_a_home_is_refused(store: Store, text: str) -> None:
    with store.begin() as session, pytest.raises(PlaceError, match="3-2-501"):
        place.ensure(session, text)


def test_a_building_moves_into_another_grid_with_all_its_homes(store: Store) -> None:
    with store.begin() as session:
        first = place.ensure(session, "3-1-101", grid="1网格")
        place.ensure(session, "3-2-501", grid="二网格")
        assert first.path == "/2网格/3/1/101/"
        assert place.find(session, "3号楼2单元501") is not None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("全部", "/"),
        ("幸福里", "/"),
        ("1网格", "/1网格/"),
        ("第一网格", "/1网格/"),
        ("3号楼", "/1网格/3/"),
        ("三栋", "/1网格/3/"),
        ("3号楼2单元", "/1网格/3/2/"),
        ("3-2-501", "/1网格/3/2/501/"),
        ("花园小区", "/花园/"),
    ],
)
def test_staff_find_a_place_by_how_they_call_it(store: Store, text: str, path: str) -> None:
    with store.begin() as session:
        place.ensure(session, "3-2-501", grid="1网格")
        place.ensure(session, "花园小区8-1-101")
        found = place.find(session, text)
        assert found is not None
        assert found.path == path


def test_a_list_of_places_is_read_and_an_unknown_one_named(store: Store) -> None:
    with store.begin() as session:
        for text in ("3-2-501", "5-1-101"):
            place.ensure(session, text)
        assert place.paths(session, "5号楼、3号楼2单元") == ("/3/2/", "/5/")
        assert place.paths(session, "3号楼，全部") == ()
        with pytest.raises(PlaceError, match="There is no place 9号楼"):
            place.paths(session, "3号楼、9号楼")


def test_a_home_is_written_as_people_say_it(store: Store) -> None:
    with store.begin() as session:
        plain = place.ensure(session, "3-2-501", grid="1")
        other = place.ensure(session, "花园8-301")
        written = place.lines(session, [plain.id, other.id])
        assert list(written.values()) == ["3号楼2单元501室", "花园8号楼301室"]


def test_a_short_room_and_a_unit_of_the_same_number_stay_apart(store: Store) -> None:
    with store.begin() as session:
        tree = Tree(session)
        first = tree.ensure(Home(building="3", room="2"))
        unit = tree.ensure(Home(building="3", unit="2", room="101"))
        assert first.kind is PlaceKind.HOUSEHOLD
        assert not unit.path.startswith(first.path)
