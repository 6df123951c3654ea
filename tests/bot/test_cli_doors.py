"""`linxun alert doors`: who may see which grid, on screen, as data and on paper."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.doors_entry import Ticked, read
from content import alert as alerts
from content import doorstep, identity, knock, notice, place, visit
from content.event import Actor, Door
from content.knock import Found
from content.staff import Role
from tests.bot.test_cli_after import EVIL, opened, published, routed, unreachable
from tests.bot.test_cli_alert import Desk, desk, template

__all__ = ["desk", "template"]


def listed(desk: Desk, folder: Path) -> str:
    """Publish to two homes that can only be visited; return the alert's code."""
    unreachable(folder, EVIL)
    code = published(desk)
    routed(folder)
    return code


def been(folder: Path, code: str, found: Found) -> None:
    """Let somebody knock at the second home, write a note and take a photo."""
    house = opened(folder)
    with house.begin() as session:
        made = notice.last(session, alerts.get(session, code).id)
        assert made is not None
        (one,) = [one for one in visit.cards(session, made.id) if one.room == "502"]
        now = made.made_at
        who = Actor(Door.CHAT, identity.add_staff(session, "张三", [Role.GRID_WORKER], now).id)
        done = doorstep.press(session, made.id, one.recipient_id, found, who, now)
        assert done.knock is not None
        knock.remark(done.knock, "灯亮着<b>")
        knock.attach(session, done.knock, "image/jpeg", "f1", b"jpeg")
    house.close()


def test_the_list_tells_what_was_found_and_counts_it(desk: Desk, tmp_path: Path) -> None:
    code = listed(desk, tmp_path)
    been(tmp_path, code, Found.AWAY)
    said = desk.run(Role.PUBLISHER, "doors", code).output
    assert "不在家（张三） 备注：灯亮着<b> 照片1张" in said
    assert "不在家1人，拒绝0人，名单上还有2人" in said
    rows = json.loads(desk.run(Role.PUBLISHER, "doors", code, "--json").output)
    assert [row["room"] for row in rows] == ["501", "502"]
    assert [one["found"] for one in rows[1]["been"]] == ["away"]


def test_who_refused_is_off_the_list_and_counted_apart(desk: Desk, tmp_path: Path) -> None:
    code = listed(desk, tmp_path)
    been(tmp_path, code, Found.REFUSED)
    said = desk.run(Role.PUBLISHER, "doors", code).output
    assert "共 1 人" in said
    assert "拒绝1人，名单上还有1人" in said
    total = desk.json(Role.PUBLISHER, "status", code)["live"]["total"]
    assert (total["refused"], total["confirmed"], total["door"]) == (1, 0, 1)


def test_the_sheet_is_for_its_writer_only_and_loads_nothing(desk: Desk, tmp_path: Path) -> None:
    code, file = listed(desk, tmp_path), tmp_path / "doors.html"
    been(tmp_path, code, Found.AWAY)
    assert desk.run(Role.PUBLISHER, "doors", code, "--html", str(file)).exit_code == 0
    text = file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(part in text for part in ("3号楼2单元501室", "7月20日3号楼停水", "灯亮着&lt;b&gt;"))
    assert "<script>" not in text
    assert "http" not in text.replace("http://evil", "")


def test_photos_are_saved_by_home_for_who_may_see_them(desk: Desk, tmp_path: Path) -> None:
    code, folder = listed(desk, tmp_path), tmp_path / "photos"
    been(tmp_path, code, Found.DONE)
    desk.run(Role.PUBLISHER, "doors", code, "--photos", str(folder))
    (photo,) = folder.iterdir()
    assert photo.name.startswith("3号楼2单元502室-")
    assert (photo.read_bytes(), stat.S_IMODE(photo.stat().st_mode)) == (b"jpeg", 0o600)


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.VERIFIER, Role.EDITOR])
def test_the_list_is_refused_to_who_goes_to_no_doors(
    desk: Desk, tmp_path: Path, role: Role
) -> None:
    code, file = listed(desk, tmp_path), tmp_path / "doors.html"
    done = desk.run(role, "doors", code, "--html", str(file))
    assert done.exit_code != 0
    assert not file.exists()


def test_a_grid_worker_gets_the_own_grid(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, tokens = listed(desk, tmp_path), {}
    house = opened(tmp_path)
    with house.begin() as session:
        home = place.read("9-1-101")
        assert home is not None
        place.Tree(session).ensure(home, "2网格")
        place.Tree(session).ensure(place.read("3-2-501"), "1网格")  # type: ignore[arg-type]
        session.flush()
        for role, grid in ((Role.GRID_WORKER, "2网格"), (Role.EXPERT, "1网格")):
            area = place.find(session, grid)
            assert area is not None
            now = datetime.now(UTC)
            who = identity.add_staff(session, "某人", [Role.GRID_WORKER], now, place_id=area.id)
            tokens[role] = identity.token(session, who.id, now)
    house.close()
    monkeypatch.setattr(desk, "tokens", desk.tokens | tokens)
    assert desk.json(Role.GRID_WORKER, "doors", code) == []
    assert len(desk.json(Role.EXPERT, "doors", code)) == 2


def counts(desk: Desk, code: str) -> tuple[int, ...]:
    """Return how many were told, refused, and are left."""
    total = desk.json(Role.PUBLISHER, "status", code)["live"]["total"]
    return (total["confirmed"], total["refused"], total["door"])


def test_what_was_ticked_on_paper_is_typed_in_card_by_card(desk: Desk, tmp_path: Path) -> None:
    code = listed(desk, tmp_path)
    said = desk.run(Role.PUBLISHER, "doors", code, "--enter", typed="1\n3 灯亮着\n").output
    assert "1/2 3号楼2单元501室" in said
    assert "已通知1人，需要帮助0人，不在家1人，拒绝0人，名单上还有1人" in said
    (row,) = desk.json(Role.PUBLISHER, "doors", code)
    assert [(one["found"], one["note"]) for one in row["been"]] == [("away", "灯亮着")]


def test_a_wrong_key_is_asked_again_and_a_wrong_card_is_taken_back(
    desk: Desk, tmp_path: Path
) -> None:
    code = listed(desk, tmp_path)
    desk.run(Role.PUBLISHER, "doors", code, "--enter", typed="7\n1\n-\n4\nq\n")
    assert counts(desk, code) == (0, 1, 1)


def test_cards_are_passed_over_and_one_may_stop_anywhere(desk: Desk, tmp_path: Path) -> None:
    code = listed(desk, tmp_path)
    done = desk.run(Role.PUBLISHER, "doors", code, "--enter", typed="\n1")
    assert (done.exit_code, counts(desk, code)) == (0, (1, 0, 1))


def test_who_goes_to_no_doors_types_nothing_in(desk: Desk, tmp_path: Path) -> None:
    code = listed(desk, tmp_path)
    assert desk.run(Role.EDITOR, "doors", code, "--enter", typed="1\n1\n").exit_code != 0
    assert counts(desk, code) == (0, 0, 2)


@pytest.mark.parametrize(
    ("said", "ticked"),
    [
        ("1", Ticked(Found.DONE)),
        ("２", Ticked(Found.HELP)),
        ("2，腿摔了", Ticked(Found.HELP, "腿摔了")),
        ("不在家 灯亮着", Ticked(Found.AWAY, "灯亮着")),
        ("4拒绝", Ticked(Found.REFUSED, "拒绝")),
        ("12", None),
        ("5", None),
        ("在家", None),
    ],
)
def test_a_tick_is_read_with_its_note(said: str, ticked: Ticked | None) -> None:
    assert read(said) == ticked
