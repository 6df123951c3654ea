"""`linxun reach check`: a list to work through, for who may see it, with numbers covered."""

import csv
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot import config
from bot.cli.reach import app
from content import identity, outcome, place
from content.reason import Reason
from content.staff import Role
from tests.bot.test_cli_after import EVIL, opened, unreachable
from tests.bot.test_cli_alert import Desk, desk, template
from tests.content import outbox
from tests.content.outbox import SMS

__all__ = ["desk", "template"]
MOBILE = "+8613800000002"


def check(desk: Desk, role: Role, *words: str) -> Result:
    desk.monkeypatch.setenv("LINXUN_TOKEN", desk.tokens[role])
    config.settings.cache_clear()
    return CliRunner().invoke(app, ["check", *words])


@pytest.fixture
def town(desk: Desk, tmp_path: Path) -> Desk:
    """王奶奶 and a neighbour have no number; 李明 has one, and it is wrong."""
    unreachable(tmp_path, EVIL)
    house = opened(tmp_path)
    with house.begin() as session:
        now = datetime.now(UTC)
        outbox.resident(session, now, "李明", room="4-1-101", mobile=MOBILE)
        outbox.tell(session, now)
        (job,) = outbox.take(session, now, SMS)
        outcome.failed(session, job.ref, Reason.NUMBER_INVALID, now, permanent=True)
    house.close()
    return desk


def test_each_line_says_what_is_missing_and_what_to_do(town: Desk) -> None:
    done = check(town, Role.PUBLISHER)
    assert done.exit_code == 1
    assert "3号楼2单元501室 王奶奶" in done.stdout
    assert "没有一种能用的联系方式 → 上门登记一个电话" in done.stdout
    assert "上次没有打通：本人短信/电话 尾号0002（号码是错的） → 跟本人核对" in done.stdout
    assert "看了3人，3人要补。" in done.stdout
    assert "先当作聊天、短信和电话都能用" in done.stderr


def test_numbers_are_covered_unless_the_office_asks(town: Desk) -> None:
    assert MOBILE not in check(town, Role.PUBLISHER, "--json").stdout
    assert MOBILE in check(town, Role.PUBLISHER, "--json", "--numbers").stdout


def test_it_can_be_narrowed_and_read_by_a_program(town: Desk) -> None:
    rows = json.loads(check(town, Role.PUBLISHER, "--json", "--only", "failed").stdout)
    assert [row["name"] for row in rows] == ["李明"]
    assert [one["gap"] for one in rows[0]["gaps"]] == ["no_path", "failed"]
    rows = json.loads(check(town, Role.PUBLISHER, "--json", "--grid", "3号楼").stdout)
    assert len(rows) == 2


def test_the_files_are_safe_and_for_their_writer_only(town: Desk, tmp_path: Path) -> None:
    table, page = tmp_path / "reach.csv", tmp_path / "reach.html"
    done = check(town, Role.PUBLISHER, "--csv", str(table), "--html", str(page))
    assert "王奶奶" not in done.stdout
    assert {stat.S_IMODE(one.stat().st_mode) for one in (table, page)} == {0o600}
    with table.open(encoding="utf-8-sig", newline="") as text:
        names = [row[3] for row in csv.reader(text)]
    assert names == ["姓名 name", "王奶奶", f"'{EVIL}", "李明", "李明"]
    assert "<script>" not in page.read_text("utf-8")
    assert "尾号0002" in page.read_text("utf-8")


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.VERIFIER, Role.EDITOR])
def test_it_is_not_for_who_goes_to_no_homes(town: Desk, role: Role) -> None:
    done = check(town, role)
    assert done.exit_code == 1
    assert "王奶奶" not in done.output


def test_a_grid_worker_sees_the_own_grid_and_no_full_number(town: Desk, tmp_path: Path) -> None:
    house = opened(tmp_path)
    with house.begin() as session:
        home = place.read("4-1-101")
        assert home is not None
        place.Tree(session).ensure(home, "1网格")
        session.flush()
        grid = place.find(session, "1网格")
        assert grid is not None
        now = datetime.now(UTC)
        who = identity.add_staff(session, "某人", [Role.GRID_WORKER], now, place_id=grid.id)
        token = identity.token(session, who.id, now)
    house.close()
    worker = Desk({Role.GRID_WORKER: token}, town.monkeypatch)
    rows = json.loads(check(worker, Role.GRID_WORKER, "--json").stdout)
    assert [row["name"] for row in rows] == ["李明"]
    assert json.loads(check(worker, Role.GRID_WORKER, "--json", "--grid", "3号楼").stdout) == []
    assert MOBILE not in check(worker, Role.GRID_WORKER, "--numbers").output


def test_nothing_to_mend_is_a_good_end(desk: Desk, tmp_path: Path) -> None:
    house = opened(tmp_path)
    with house.begin() as session:
        from sqlalchemy import select

        from content import people
        from content.message import Kind
        from content.people import OwnerKind, Resident

        (who,) = session.scalars(select(Resident)).all()
        for kind, value in ((Kind.CALL, "+861088880001"), (Kind.CHAT, "11")):
            people.add_address(session, OwnerKind.RESIDENT, who.id, kind, value, datetime.now(UTC))
    house.close()
    done = check(desk, Role.PUBLISHER)
    assert done.exit_code == 0
    assert "没有要补的" in done.stdout
