"""`linxun tasks`: who waits for help, for who may go there."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from bot import config
from bot.cli.tasks import app
from content import task
from content.event import HOUSE
from content.people import Resident
from content.staff import Role
from content.task import TaskKind
from tests.bot.test_cli_after import opened
from tests.bot.test_cli_alert import Desk, desk, template

__all__ = ["desk", "template"]
AGO = timedelta(minutes=12)


def run(desk: Desk, role: Role, *words: str) -> Result:
    desk.monkeypatch.setenv("LINXUN_TOKEN", desk.tokens[role])
    config.settings.cache_clear()
    return CliRunner().invoke(app, list(words))


def listed(desk: Desk, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        run(desk, Role.PUBLISHER, "list", "--json", *words).stdout
    )
    return found


@pytest.fixture
def number(desk: Desk, tmp_path: Path) -> str:
    """王奶奶 has asked for help twelve minutes ago, and nobody has taken it."""
    house = opened(tmp_path)
    with house.begin() as session:
        (who,) = session.scalars(select(Resident)).all()
        at = datetime.now(UTC) - AGO
        one = task.add(
            session,
            TaskKind.HELP,
            HOUSE,
            at,
            resident_id=who.id,
            place_id=who.place_id,
            urgent=True,
        )
        assert one.id
    house.close()
    return str(listed(desk)[0]["number"])


def test_the_list_says_who_waits_where_and_what_is_late(desk: Desk, number: str) -> None:
    (one,) = listed(desk)
    assert (one["name"], one["place"], one["late"]) == ("王奶奶", "3号楼2单元501室", True)
    said = run(desk, Role.PUBLISHER, "list").output
    assert number in said
    assert "3号楼2单元501室 王奶奶" in said
    assert all(part in said for part in ("没有人接", "前要有人接", "超时了"))


def test_a_task_is_taken_and_closed(desk: Desk, number: str) -> None:
    assert "王奶奶" in run(desk, Role.PUBLISHER, "take", number).output
    (one,) = listed(desk)
    assert (one["taken_by"], one["late"]) == ("某人", False)
    assert run(desk, Role.PUBLISHER, "done", number, "--outcome", "helped").exit_code == 0
    assert listed(desk) == []
    (one,) = listed(desk, "--done")
    assert one["outcome"] == "helped"


def test_an_unknown_number_is_a_sentence(desk: Desk, number: str) -> None:
    done = run(desk, Role.PUBLISHER, "take", "zzzzzz")
    assert done.exit_code == 1
    assert "There is no task zzzzzz" in done.stderr
    assert number


@pytest.mark.parametrize("words", [("list",), ("take", "0"), ("done", "0")])
def test_it_is_not_for_who_goes_nowhere(desk: Desk, number: str, words: tuple[str, ...]) -> None:
    done = run(desk, Role.AUTHOR, *words)
    assert done.exit_code == 1
    assert "王奶奶" not in done.output
    assert number
