"""`linxun rumors` as staff run it: what spreads, what was learned, samples and the report."""

import csv
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from bot import config
from bot.cli import rumors
from content import identity
from content.event import Actor, Door
from content.keys import Keyring
from content.staff import Role
from tests import databases
from tests.verification.conftest import WATER
from tests.verification.neighbours import resident
from verification import desk, facts, shelf
from verification.case import Question
from verification.desk import choose

RUN = CliRunner()
RUMOR = "听说水厂有人下毒，大家别喝自来水"


@cache
def filled() -> tuple[bytes, Keyring, dict[Role, str]]:
    """Three neighbours have asked about the one fact, one meant another; made once for all tests."""
    with databases.memory() as store:
        databases.found(store)
        with store.begin() as session:
            tokens = _fill(session, datetime.now(UTC) - timedelta(minutes=1))
        return databases.image(store), store.keyring, tokens


def _fill(session: Session, now: datetime) -> dict[Role, str]:
    roles = (Role.AUTHOR, Role.EXPERT, Role.PUBLISHER)
    staff = {role: identity.add_staff(session, "某人", [role], now).id for role in roles}
    author, expert, publisher = (Actor(Door.CLI, staff[role]) for role in roles)
    fact = facts.draft(session, author, WATER, now, code="water")
    facts.sign(session, fact, expert, now)
    facts.publish(session, fact, publisher, now)
    base = shelf.base(session)
    for building in (1, 2, 3, 4):
        chat = resident(session, building, 101, now)
        question = Question(RUMOR, chat, area=f"/{building}/1/101/")
        told = desk.hear(session, base, question, now)
    choose(session, base, told.question_id, "none", now)
    return {role: identity.token(session, one, now) for role, one in staff.items()}


class House:
    """That database on disk, and commands of who has a role."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        monkeypatch.setenv("LINXUN_DATABASE_URL", f"sqlite:///{folder}/linxun.sqlite3")
        monkeypatch.setenv("LINXUN_KEY_FILE", f"{folder}/linxun.key")
        file, keyring, self.tokens = filled()
        (folder / "linxun.sqlite3").write_bytes(file)
        keyring.save(folder / "linxun.key")

    def run(self, *words: str, role: Role = Role.EXPERT) -> Result:
        self.monkeypatch.setenv("LINXUN_TOKEN", self.tokens[role])
        config.settings.cache_clear()
        return RUN.invoke(rumors.app, list(words))

    def json(self, *words: str, role: Role = Role.EXPERT) -> Any:
        result = self.run(*words, "--json", role=role)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


def test_what_spreads_is_listed_with_where_it_is_asked(house: House) -> None:
    (row,) = house.json("trends")
    assert (row["about"], row["askers"], row["matter"]) == ("fact", 3, WATER.claim)
    assert row["buildings"] == "1号楼、2号楼、3号楼"
    assert "3" in house.run("trends").stdout


def test_a_fact_becomes_a_draft_for_the_buildings_that_asked(house: House) -> None:
    made = house.json("draft", "water", role=Role.AUTHOR)
    assert (made["code"], made["stage"]) == ("A1", "draft")
    assert made["places"] == ["1号楼", "2号楼", "3号楼"]
    assert made["text"].startswith("自来水厂没有被投毒")
    assert "A1" in house.run("draft", "water", role=Role.AUTHOR).stdout


@pytest.mark.parametrize(("name", "role"), [("nothing", Role.AUTHOR), ("water", Role.EXPERT)])
def test_a_draft_that_may_not_be_is_refused_in_a_sentence(
    house: House, name: str, role: Role
) -> None:
    refused = house.run("draft", name, role=role)
    assert refused.exit_code == 1
    assert refused.stderr.strip()


def test_lessons_are_listed_decided_and_taken_back(house: House) -> None:
    (row,) = house.json("learned", "list")
    assert (row["lesson"], row["text"], row["state"]) == ("means_not", RUMOR, "proposed")
    assert house.json("learned", "try", row["id"])["answered"] == 0
    assert "Accepted" in house.run("learned", "accept", row["id"]).stdout
    assert house.json("learned", "list", "--state", "accepted") != []
    assert house.json("learned", "undo", row["id"])[0]["state"] == "proposed"
    assert house.json("learned", "reject", row["id"])[0]["state"] == "rejected"
    assert RUMOR in house.run("learned", "list").stdout


def test_who_may_not_decide_on_lessons_is_told_who_may(house: House) -> None:
    (row,) = house.json("learned", "list")
    refused = house.run("learned", "accept", row["id"], role=Role.AUTHOR)
    assert refused.exit_code == 1
    assert "verifier" in refused.stderr


def test_a_sample_goes_out_as_a_file_and_comes_back_judged(house: House) -> None:
    file = house.folder / "sample.csv"
    house.run("sample", "9", "--out", str(file))
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines))
    assert len(rows) == 5
    for row, said in zip(rows[1:], ("对", "y", "错", ""), strict=True):
        row[-1] = said
    with file.open("w", encoding="utf-8-sig", newline="") as lines:
        csv.writer(lines).writerows(rows)
    assert "3 judgements" in house.run("sample", "--in", str(file)).stdout
    figures = house.json("report")["now"]
    assert (figures["right"], figures["judged"]) == (2, 3)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "编号,事实,对不对\n1,water,vielleicht\n"])
def test_a_file_that_is_no_sample_is_refused(house: House, text: str) -> None:
    file = house.folder / "bad.csv"
    file.write_text(text or "\udcff", encoding="utf-8", errors="surrogateescape")
    refused = house.run("sample", "--in", str(file))
    assert refused.exit_code == 1
    assert "--out" in refused.stderr


def test_the_report_is_one_page_that_loads_nothing_and_names_nobody(house: House) -> None:
    file = house.folder / "report.html"
    done = house.run("report", "--out", str(file))
    assert done.exit_code == 0, done.output
    page = file.read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert [
        word for word in ("居民101", "<script", "src=", "@import", "url(http") if word in page
    ] == []
    assert WATER.claim in page
    assert "自动答复 answered" in page


def test_the_report_compares_with_the_period_before(house: House) -> None:
    told = house.json("report")
    assert (told["now"]["questions"], told["before"]["questions"]) == (4, 0)
    assert (told["now"]["answered"], told["now"]["not_mine"]) == (4, 1)


@pytest.mark.parametrize(
    "words",
    [("--from", "20x6"), ("--from", "2026-07-02", "--to", "2026-07-01"), ("--from", "1999-01-01")],
)
def test_a_period_that_is_none_is_refused(house: House, words: tuple[str, ...]) -> None:
    refused = house.run("report", *words)
    assert refused.exit_code == 1
    assert refused.stderr.strip()
