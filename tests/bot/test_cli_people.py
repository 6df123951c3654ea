"""`linxun residents` and `linxun staff` as an admin, and as somebody who is none."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bot import config
from bot.cli import residents, staff
from content import identity
from content.keys import Keyring
from content.staff import Role
from tests import databases

RUN = CliRunner()
APP = typer.Typer()
APP.add_typer(residents.app, name="residents")
APP.add_typer(staff.app, name="staff")
LIST = (
    "编号,姓名,网格,地址,手机,需求,联系人姓名,联系人电话\n"
    "R1,王奶奶,1网格,3-2-501,13800138000,老人,王强,13900139000\n"
    "R2,李明,1网格,5-1-101,13800138001,,,\n"
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Role, str]]:
    """A database on disk with an admin and an author, made once."""
    folder = tmp_path_factory.mktemp("template")
    keyring, now = Keyring.generate(), datetime.now(UTC)
    keyring.save(folder / "linxun.key")
    opened = databases.founded(f"sqlite:///{folder}/linxun.sqlite3", keyring)
    with opened.begin() as session:
        made = {
            role: identity.add_staff(session, name, [role], now)
            for role, name in ((Role.ADMIN, "赵主任"), (Role.AUTHOR, "陈敏"))
        }
        tokens = {role: identity.token(session, one.id, now) for role, one in made.items()}
    opened.close()
    return folder, tokens


@dataclass
class Desk:
    """Commands as whoever holds a token, in a folder of their own."""

    folder: Path
    tokens: dict[Role, str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, *words: str, role: Role | None = Role.ADMIN) -> Result:
        self.monkeypatch.setenv("LINXUN_TOKEN", self.tokens[role] if role else "")
        config.settings.cache_clear()
        return RUN.invoke(APP, list(words))

    def json(self, *words: str) -> Any:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def file(self, text: str, name: str = "list.csv") -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)


@pytest.fixture
def desk(
    template: tuple[Path, dict[Role, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    folder, tokens = template
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("LINXUN_DATABASE_URL", f"sqlite:///{tmp_path}/linxun.sqlite3")
    monkeypatch.setenv("LINXUN_KEY_FILE", f"{tmp_path}/linxun.key")
    yield Desk(tmp_path, tokens, monkeypatch)
    config.settings.cache_clear()


def test_an_import_says_what_it_did_and_twice_changes_nothing(desk: Desk) -> None:
    first = desk.json("residents", "import", desk.file(LIST), "--json")
    again = desk.json("residents", "import", desk.file(LIST), "--json")
    assert (first["added"], again["added"], again["unchanged"]) == (2, 0, 2)


def test_a_bad_list_names_line_and_column_and_imports_nobody(desk: Desk) -> None:
    bad = desk.run("residents", "import", desk.file(LIST.replace("13800138001", "138001")))
    assert bad.exit_code == 1
    assert "第 3 行 line 3 “手机”" in bad.stderr
    assert desk.json("residents", "list", "--json") == []


def test_the_problems_of_a_list_can_be_read_by_a_program(desk: Desk) -> None:
    text = LIST.replace("3-2-501", "")
    bad = desk.run("residents", "import", desk.file(text), "--json")
    [problem] = json.loads(bad.stdout)["problems"]
    assert (bad.exit_code, problem["line"], problem["column"]) == (1, 2, "地址")


@pytest.mark.parametrize("name", ["none.csv", "broken.xlsx"])
def test_a_file_that_cannot_be_read_is_one_sentence(desk: Desk, name: str) -> None:
    (desk.folder / "broken.xlsx").write_bytes(b"PK\x03\x04 no")
    bad = desk.run("residents", "import", str(desk.folder / name))
    assert bad.exit_code == 1
    assert "Traceback" not in bad.output
    assert bad.stderr.strip().endswith(".")


def test_a_list_can_be_narrowed_by_place_and_need(desk: Desk) -> None:
    desk.run("residents", "import", desk.file(LIST))
    there = desk.json("residents", "list", "--place", "5号楼", "--json")
    frail = desk.json("residents", "list", "--need", "elderly", "--json")
    assert ([row["name"] for row in there], frail[0]["home"]) == (["李明"], "3号楼2单元501室")


def test_an_unknown_place_is_a_sentence(desk: Desk) -> None:
    bad = desk.run("residents", "list", "--place", "99号楼")
    assert bad.exit_code == 1
    assert "There is no place 99号楼" in " ".join(bad.stderr.split())


def test_an_export_is_for_its_owner_alone_and_overwrites_nothing(desk: Desk) -> None:
    desk.run("residents", "import", desk.file(LIST))
    out = desk.folder / "out.csv"
    assert desk.run("residents", "export", str(out)).exit_code == 0
    assert out.stat().st_mode & 0o077 == 0
    assert desk.run("residents", "export", str(out)).exit_code == 1
    assert desk.json("residents", "import", str(out), "--json")["unchanged"] == 2


def test_what_is_held_can_be_shown_and_then_erased(desk: Desk) -> None:
    desk.run("residents", "import", desk.file(LIST))
    assert desk.json("residents", "show", "R1")["resident"]["name"] == "王奶奶"
    assert desk.run("residents", "erase", "R1", "--yes").exit_code == 0
    assert desk.run("residents", "show", "R1").exit_code == 1
    assert len(desk.json("residents", "list", "--json")) == 1


def test_it_is_said_when_a_contact_is_told(desk: Desk) -> None:
    desk.run("residents", "import", desk.file(LIST))
    done = desk.run("residents", "contact", "R1", "--told", "with")
    assert "Told with them" in " ".join(done.output.split())
    held = json.loads(desk.run("residents", "show", "R1").stdout)
    assert held["contacts"][0]["told"] == "with"
    bad = desk.run("residents", "contact", "R2", "--told", "with")
    assert (bad.exit_code, "There is no such contact" in bad.stderr) == (1, True)


def test_erasing_asks_first(desk: Desk) -> None:
    desk.run("residents", "import", desk.file(LIST))
    assert desk.run("residents", "erase", "R1").exit_code == 1
    assert desk.json("residents", "show", "R1")["resident"]["number"] == "R1"


def test_a_building_and_a_person_get_codes(desk: Desk) -> None:
    desk.run("residents", "import", desk.file(LIST))
    codes = [desk.json("residents", "code", target, "--json")["code"] for target in ("3号楼", "R1")]
    assert [len(code) for code in codes] == [6, 8]


@pytest.mark.parametrize(
    "words",
    [
        ("residents", "list"),
        ("residents", "show", "R1"),
        ("residents", "erase", "R1", "--yes"),
        ("residents", "export", "out.csv"),
        ("residents", "code", "R1"),
        ("staff", "list"),
        ("staff", "add", "某人", "--role", "admin"),
        ("staff", "roles", "陈敏", "admin"),
        ("staff", "invite", "赵主任"),
        ("staff", "token", "赵主任"),
        ("staff", "duty"),
        ("staff", "leave", "赵主任"),
    ],
)
def test_who_is_no_admin_is_refused(desk: Desk, words: tuple[str, ...]) -> None:
    refused = desk.run(*words, role=Role.AUTHOR)
    assert refused.exit_code == 1
    assert "admin" in refused.stderr


def test_without_a_token_nobody_acts(desk: Desk) -> None:
    refused = desk.run("staff", "list", role=None)
    assert refused.exit_code == 1
    assert "LINXUN_TOKEN" in refused.stderr


def test_staff_are_added_given_roles_invited_and_end(desk: Desk) -> None:
    desk.json("staff", "add", "孙丽", "--role", "expert", "--phone", "13800138000", "--json")
    assert desk.json("staff", "roles", "孙丽", "editor", "publisher", "--json") == [
        "editor",
        "publisher",
    ]
    assert len(desk.json("staff", "invite", "孙丽", "--json")["code"]) == 10
    assert desk.run("staff", "leave", "孙丽").exit_code == 0
    assert "孙丽" not in [row["name"] for row in desk.json("staff", "list", "--json")]


def test_everybody_may_renew_their_own_token(desk: Desk) -> None:
    renewed = desk.run("staff", "token", role=Role.AUTHOR)
    assert renewed.stdout.strip().startswith("lx_")
    assert desk.run("staff", "token", role=Role.AUTHOR).exit_code == 1


def test_somebody_goes_on_duty_with_a_phone(desk: Desk) -> None:
    on = desk.json("staff", "duty", "陈敏", "--phone", "010-62345678", "--hours", "8", "--json")
    assert (on["name"], on["reachable"], on["ends"].endswith("+08:00")) == ("陈敏", True, True)


@pytest.mark.parametrize(
    "words",
    [
        ("staff", "invite", "没有这个人"),
        ("staff", "add", " ", "--role", "author"),
        ("staff", "duty", "陈敏", "--phone", "123"),
        ("staff", "add", "某人", "--role", "grid_worker", "--grid", "9网格"),
        ("residents", "code", "R9"),
        ("residents", "show", "R9"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_failure(desk: Desk, words: tuple[str, ...]) -> None:
    bad = desk.run(*words)
    assert bad.exit_code == 1
    assert "Traceback" not in bad.output
    assert bad.stderr.strip().endswith(".")
