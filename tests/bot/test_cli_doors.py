"""`linxun alert doors`: who may see which grid, on screen, as data and on paper."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

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
