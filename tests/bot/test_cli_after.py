"""`linxun alert report`: a page for all staff, lists with names for publishers only, safe to open."""

import csv
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import Result

from bot.cli import main
from content import identity, place
from content import store as stores
from content.event import Event
from content.keys import Keyring
from content.people import Resident
from content.place import Community
from content.staff import Role
from content.store import Store
from tests.bot.test_cli_alert import Desk, desk, template

__all__ = ["desk", "template"]
EVIL = '=HYPERLINK("http://evil")<script>alert(1)</script>'
NAMES = {"numbers-to-correct.csv", "doors.csv", "help.csv"}


def published(desk: Desk, *words: str) -> str:
    words = words or ("--text", "7月20日3号楼停水。请提前储水。")
    code = str(desk.json(Role.AUTHOR, "draft", "--event", "停水", *words)["code"])
    desk.json(Role.VERIFIER, "verify", code)
    desk.json(Role.EDITOR, "edit", code)
    desk.json(Role.PUBLISHER, "publish", code)
    return code


def opened(folder: Path) -> Store:
    keyring = Keyring.load(folder / "linxun.key")
    found = Store(f"sqlite:///{folder}/linxun.sqlite3", keyring)
    with found.read() as session:
        found.community_id = session.scalar(select(Community.community_id))
    return found


def unreachable(folder: Path, name: str) -> None:
    """Add somebody with no number, whom the router sends to the door-knock list."""
    house = opened(folder)
    with house.begin() as session:
        home = place.ensure(session, "3-2-502")
        session.add(
            Resident(
                community_id=stores.community(session),
                number="2",
                name=name,
                place_id=home.id,
                joined_at=datetime.now(UTC),
            )
        )
    house.close()


def routed(folder: Path) -> None:
    from tests.content import outbox

    house = opened(folder)
    with house.begin() as session:
        outbox.route(session, datetime.now(UTC) + timedelta(seconds=1))
    house.close()


def rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.reader(text))


def run(desk: Desk, role: Role, code: str, folder: Path, *words: str) -> Result:
    assert main.app
    return desk.run(role, "report", code, "--to", str(folder), *words)


def test_a_publisher_gets_the_page_the_tables_and_the_lists(desk: Desk, tmp_path: Path) -> None:
    unreachable(tmp_path, EVIL)
    code = published(desk)
    routed(tmp_path)
    done = run(desk, Role.PUBLISHER, code, tmp_path / "out")
    assert done.exit_code == 0, done.output
    made = {file.name for file in (tmp_path / "out").iterdir()}
    assert made >= NAMES | {"report.html", "reach.csv", "over-time.csv", "failures.csv"}
    assert {stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) for name in NAMES} == {0o600}
    doors = rows(tmp_path / "out" / "doors.csv")
    assert [row[1] for row in doors[1:]] == ["王奶奶", f"'{EVIL}"]


def test_the_page_names_no_resident_and_runs_no_text(desk: Desk, tmp_path: Path) -> None:
    unreachable(tmp_path, EVIL)
    code = published(desk, "--text", "7月20日停水<script>x</script>。请储水。")
    routed(tmp_path)
    run(desk, Role.PUBLISHER, code, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "王奶奶" not in page
    assert "evil" not in page
    assert "<script" not in page
    assert "&lt;script&gt;x" in page


def test_an_author_gets_the_page_without_the_lists(desk: Desk, tmp_path: Path) -> None:
    code = published(desk)
    done = run(desk, Role.AUTHOR, code, tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert {file.name for file in (tmp_path / "out").iterdir()} & NAMES == set()
    assert "只给发布人和管理员" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_nobody_gets_it_without_a_token(desk: Desk, tmp_path: Path) -> None:
    code = published(desk)
    desk.tokens = desk.tokens | {Role.AUTHOR: "nonsense"}
    refused = run(desk, Role.AUTHOR, code, tmp_path / "out")
    assert refused.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_who_took_a_report_is_written_down(desk: Desk, tmp_path: Path) -> None:
    run(desk, Role.PUBLISHER, published(desk), tmp_path / "out")
    house = opened(tmp_path)
    with house.read() as session:
        kinds = session.scalars(select(Event).where(Event.kind == "alert.reported")).all()
        (publisher,) = [
            one.id
            for one in identity.everyone(session)
            if Role.PUBLISHER in identity.roles(session, one.id)
        ]
    house.close()
    assert [(one.actor_id, one.data) for one in kinds] == [(publisher, {"personal": True})]


def test_a_drill_is_marked_and_the_steps_of_its_review_are_told(desk: Desk, tmp_path: Path) -> None:
    code = published(desk, "--headline", "【演练】停水", "--text", "今天演练。")
    desk.json(Role.PUBLISHER, "cancel", code)
    run(desk, Role.PUBLISHER, code, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "这是演练或测试，不是真的" in page
    told = [row[1] for row in rows(tmp_path / "out" / "timeline.csv")[1:]]
    assert [line[:2] for line in told if "第1版" in line] == [
        "起草",
        "核实",
        "编辑",
        "发布",
        "解除",
    ]
    assert any(line.startswith("解除，开始通知") for line in told)


def test_an_unpublished_alert_has_nothing_to_report(desk: Desk, tmp_path: Path) -> None:
    refused = run(desk, Role.PUBLISHER, desk.drafted(), tmp_path / "out")
    assert refused.exit_code == 1
    assert "还没有发布" in refused.stderr


@pytest.mark.parametrize("body", ["sms_segment = true", "sms_segment = -1", "letter = 1", "x ="])
def test_a_price_file_that_cannot_be_used_says_why(desk: Desk, tmp_path: Path, body: Any) -> None:
    (tmp_path / "prices.toml").write_text(body)
    words = ("--prices", str(tmp_path / "prices.toml"))
    refused = run(desk, Role.PUBLISHER, published(desk), tmp_path / "out", *words)
    assert refused.exit_code == 1
    assert "价目表" in refused.stderr or "数字" in refused.stderr
