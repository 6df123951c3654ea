"""`linxun facts`, `ask`, `cases` and `evaluate` as staff run them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from bot import config
from bot.cli.main import app
from content import bare, identity
from content.keys import Keyring
from content.message import Kind
from content.staff import Role
from content.store import Store
from tests import databases
from verification import desk
from verification.case import Question
from verification.shelf import Base as Known

RUN = CliRunner()
LINE = {
    "id": "f1",
    "claim": "自来水厂被人投毒，水不能喝了",
    "truth": "自来水厂没有被投毒，水质检测全部合格。",
    "verdict": "false",
    "source": "青禾市疾控中心",
}
TRUTH = "电动车棚不拆，只是更换充电桩。"
RULING = ("--truth", TRUTH, "--verdict", "false", "--source", "居委会")


@dataclass(frozen=True)
class Filled:
    """A database with an expert, a publisher and an author, and a resident's chat."""

    file: bytes
    keyring: Keyring
    community: UUID | None
    chat: UUID
    tokens: dict[Role, str]


@cache
def filled() -> Filled:
    """Made once for all tests: argon2 takes its time."""
    now = datetime.now(UTC)
    with databases.memory() as store:
        databases.found(store)
        with store.begin() as session:
            chat = bare.address(session, Kind.CHAT, "1001", now)
            roles = (Role.EXPERT, Role.PUBLISHER, Role.AUTHOR)
            staff = {role: identity.add_staff(session, "某人", [role], now) for role in roles}
            tokens = {role: identity.token(session, one.id, now) for role, one in staff.items()}
        return Filled(databases.image(store), store.keyring, store.community_id, chat, tokens)


class House:
    """A database on disk with an expert, a publisher and an author."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        path = folder / "linxun.sqlite3"
        self.url = f"sqlite:///{path}"
        monkeypatch.setenv("LINXUN_DATABASE_URL", self.url)
        monkeypatch.setenv("LINXUN_KEY_FILE", f"{folder}/linxun.key")
        path.write_bytes(filled().file)
        filled().keyring.save(folder / "linxun.key")
        self.chat, self.tokens = filled().chat, filled().tokens

    def open(self) -> Store:
        return Store(self.url, filled().keyring, filled().community)

    def run(self, *words: str, role: Role | None = Role.EXPERT) -> Result:
        self.monkeypatch.setenv("LINXUN_TOKEN", self.tokens[role] if role else "")
        config.settings.cache_clear()
        return RUN.invoke(app, list(words))

    def json(self, *words: str, role: Role = Role.EXPERT) -> Any:
        result = self.run(*words, "--json", role=role)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def known(self, *rows: dict[str, Any]) -> None:
        """Import facts, sign and publish them."""
        self.json("facts", "import", self.file(*rows), "--sign")
        self.json("facts", "publish", "--all", role=Role.PUBLISHER)

    def file(self, *rows: dict[str, Any]) -> str:
        path = self.folder / "facts.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return str(path)

    def hear(self, text: str) -> tuple[int, UUID]:
        opened = self.open()
        with opened.begin() as session:
            now = datetime.now(UTC)
            reply = desk.hear(session, Known(), Question(text, self.chat), now)
        opened.close()
        return reply.number, reply.question_id


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


def test_an_import_is_told_in_counts(house: House) -> None:
    done = house.json("facts", "import", house.file(LINE), "--sign")
    assert done == {"added": 1, "changed": 0, "unchanged": 0, "signed": 1}


def test_one_bad_line_imports_nothing(house: House) -> None:
    refused = house.run("facts", "import", house.file(LINE, {"claim": "x"}))
    assert refused.exit_code == 1
    assert "line 2" in refused.stderr
    assert house.json("facts", "list") == []


def test_bad_lines_can_be_read_by_a_program(house: House) -> None:
    refused = house.run("facts", "import", house.file(LINE, {"claim": "x"}), "--json")
    assert refused.exit_code == 1
    assert [one["line"] for one in json.loads(refused.stdout)["problems"]] == [2]


def test_facts_that_nobody_has_signed_are_said_to_answer_nobody(house: House) -> None:
    done = house.run("facts", "import", house.file(LINE))
    assert "until an expert signs" in done.stdout


def test_a_change_of_nothing_is_refused(house: House) -> None:
    house.json("facts", "import", house.file(LINE), "--sign")
    assert house.run("facts", "change", "f1").exit_code == 1
    assert house.json("facts", "list")[0]["version"] == 1


def test_an_author_cannot_sign(house: House) -> None:
    refused = house.run("facts", "import", house.file(LINE), "--sign", role=Role.AUTHOR)
    assert refused.exit_code == 1
    assert "expert" in refused.stderr
    assert house.json("facts", "list") == []


def test_without_a_token_nothing_is_changed(house: House) -> None:
    refused = house.run("facts", "import", house.file(LINE), role=None)
    assert refused.exit_code == 1
    assert "LINXUN_TOKEN" in refused.stderr


@pytest.mark.parametrize(
    "words", [("facts", "sign", "no-such"), ("cases", "show", "9"), ("facts", "import", "absent")]
)
def test_what_is_not_there_is_one_sentence(house: House, words: tuple[str, ...]) -> None:
    refused = house.run(*words)
    assert refused.exit_code == 1
    assert "Traceback" not in refused.output


def test_a_fact_is_signed_changed_and_withdrawn(house: House) -> None:
    house.json("facts", "import", house.file(LINE))
    assert house.json("facts", "sign", "f1") == [{"id": "f1", "version": 1, "waits": True}]
    done = house.json("facts", "publish", "f1", role=Role.PUBLISHER)
    assert done["facts"] == [{"id": "f1", "told": 0}]
    assert house.json("facts", "change", "f1", "--verdict", "partly", "--sign")["version"] == 2
    house.json("facts", "withdraw", "f1")
    (row,) = house.json("facts", "list")
    assert (row["state"], row["verdict"]) == ("withdrawn", "partly")


def test_many_are_signed_and_published_by_two_commands(house: House) -> None:
    rows = [LINE | {"id": f"m{at}", "claim": f"{at}号楼明天停水"} for at in range(1, 23)]
    house.json("facts", "import", house.file(*rows), "--sign")
    done = house.json("facts", "publish", "--all", role=Role.PUBLISHER)["facts"]
    assert [one["told"] for one in done] == [0] * 22
    assert {one["state"] for one in house.json("facts", "list")} == {"published"}


OTHER = LINE | {"id": "f2", "verdict": "true", "truth": "水厂确实被投毒。", "source": "某晚报"}


def test_all_are_published_but_what_contradicts(house: House) -> None:
    house.known(LINE)
    house.json("facts", "import", house.file(OTHER), "--sign")
    (row,) = house.json("facts", "publish", "--all", role=Role.PUBLISHER)["facts"]
    assert "f1 is published and says otherwise" in row["refused"]
    assert house.run("facts", "publish", "f2", role=Role.PUBLISHER).exit_code == 1


def test_a_contradiction_is_published_once_it_is_linked(house: House) -> None:
    house.known(LINE)
    house.json("facts", "import", house.file(OTHER), "--sign")
    assert house.run("facts", "link", "f2", "f1").exit_code == 0
    assert house.run("facts", "publish", "f2", role=Role.PUBLISHER).exit_code == 0
    assert house.json("facts", "show", "f1")["beside"] == ["f2"]


def test_what_is_replaced_is_withdrawn_with_the_publication(house: House) -> None:
    house.known(LINE)
    house.hear(LINE["claim"])
    house.json("facts", "import", house.file(OTHER), "--sign")
    assert house.json("facts", "replace", "f2", "f1")["waits"]
    (row,) = house.json("facts", "publish", "f2", role=Role.PUBLISHER)["facts"]
    states = {one["id"]: one["state"] for one in house.json("facts", "list")}
    assert (row["told"], states) == (1, {"f1": "withdrawn", "f2": "published"})


def test_a_fact_is_replayed_over_past_questions(house: House) -> None:
    house.hear(LINE["claim"])
    house.json("facts", "import", house.file(LINE))
    done = house.json("facts", "replay", "f1")
    assert (done["asked"], done["answered"], done["hits"][0]["text"]) == (1, 1, LINE["claim"])


def test_the_list_says_whose_step_is_next_and_what_is_over(house: House) -> None:
    over = LINE | {"id": "f3", "valid_until": "2020-01-01"}
    house.json("facts", "import", house.file(LINE, over))
    house.json("facts", "sign", "f1")
    rows = {one["id"]: one for one in house.json("facts", "list", "--waiting")}
    assert {code: row["waits_for"] for code, row in rows.items()} == {
        "f1": "publisher",
        "f3": "expert",
    }
    assert [one["id"] for one in house.json("facts", "list", "--ending")] == ["f3"]


def test_what_a_publisher_returns_waits_for_the_expert(house: House) -> None:
    house.json("facts", "import", house.file(LINE), "--sign")
    assert house.run("facts", "return", "f1", role=Role.PUBLISHER).exit_code == 0
    assert house.json("facts", "list")[0]["waits_for"] == "expert"


def test_a_change_corrects_who_was_told(house: House) -> None:
    house.known(LINE)
    house.hear(LINE["claim"])
    assert house.json("facts", "list")[0]["told"] == 1
    assert house.json("facts", "change", "f1", "--truth", "有油污，已清理。", "--sign")["waits"]
    (done,) = house.json("facts", "publish", "f1", role=Role.PUBLISHER)["facts"]
    assert done["told"] == 1


def test_an_export_can_be_imported_again(house: House) -> None:
    house.json("facts", "import", house.file(LINE), "--sign")
    path = str(house.folder / "out.jsonl")
    assert house.run("facts", "export", path).exit_code == 0
    assert house.json("facts", "import", path)["unchanged"] == 1


def test_ask_answers_without_a_token_and_sends_nothing(house: House) -> None:
    house.known(LINE)
    shown = house.run("ask", LINE["claim"], role=None)
    assert shown.exit_code == 0
    assert LINE["truth"] in shown.stdout
    assert house.json("facts", "list")[0]["told"] == 0


def test_ask_says_why_it_does_not_answer(house: House) -> None:
    house.known(LINE)
    told = house.json("ask", "自来水厂没有被人投毒，水能喝")
    assert told["outcome"] != "answer"
    assert told["candidates"][0]["claim"] == LINE["claim"]


def test_ask_says_why_in_one_line_a_claim_and_by_code(house: House) -> None:
    house.known(LINE)
    lines = house.run("ask", "自来水厂没有被人投毒，水能喝", role=None).stdout.splitlines()
    whys = [line for line in lines if "最接近" in line]
    assert len(whys) == 1
    assert whys[0].startswith("请对方选：最接近“自来水厂被人投毒，水不能喝了”(p=")
    assert "nearest" in whys[0]
    told = house.json("ask", "自来水厂没有被人投毒，水能喝")
    assert told["candidates"][0]["code"] == "f1"


def test_ask_shows_both_publishers_who_disagree_and_asks_no_claim_twice(house: House) -> None:
    paper = {**LINE, "id": "f2", "verdict": "true", "source": "晚报", "truth": "水样超标。"}
    house.known(LINE)
    house.json("facts", "import", house.file(paper), "--sign")
    assert house.run("facts", "link", "f2", "f1").exit_code == 0
    house.json("facts", "publish", "f2", role=Role.PUBLISHER)
    shown = house.run("ask", LINE["claim"], role=None).stdout
    assert all(word in shown for word in (LINE["truth"], LINE["source"], "水样超标。", "晚报"))
    asked = house.json("ask", "自来水厂没有被人投毒，水能喝")
    assert len(asked["answer"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [("你好", "您好"), ("我家水龙头漏水，能不能派人来修", "社区工作人员"), ("滚，骗子", "我在听")],
)
def test_ask_answers_small_talk_and_requests_as_the_desk_does(
    house: House, text: str, said: str
) -> None:
    house.known(LINE)
    assert said in house.run("ask", text, role=None).stdout


@pytest.mark.parametrize(
    "words", [(" ",), ("停水吗", "--area", "99号楼"), ("停水吗", "--area", "/x/")]
)
def test_ask_refuses_no_text_and_no_such_place(house: House, words: tuple[str, ...]) -> None:
    refused = house.run("ask", *words, role=None)
    assert refused.exit_code == 1
    assert refused.stderr.strip()


def test_a_case_is_listed_shown_and_settled(house: House) -> None:
    number, _ = house.hear("听说下周要拆电动车棚，电话13800138000")
    (row,) = house.json("cases", "list")
    assert (row["number"], "13800138000" in row["matter"]) == (number, False)
    assert house.json("cases", "show", str(number))["questions"]
    done = house.json("cases", "settle", str(number), *RULING)
    assert (done["waits"], done["told"]) == (True, 0)
    (told,) = house.json("facts", "publish", done["fact"], role=Role.PUBLISHER)["facts"]
    assert told["told"] == 1
    assert house.json("cases", "list") == []


def test_a_case_without_a_verdict_is_refused(house: House) -> None:
    number, _ = house.hear("听说下周要拆电动车棚")
    refused = house.run("cases", "settle", str(number), "--truth", TRUTH, "--source", "居委会")
    assert refused.exit_code == 1
    assert "verdict" in refused.stderr


@pytest.fixture
def measured(tmp_path: Path) -> tuple[str, ...]:
    """A tiny set in the form of the evaluation data, as options."""
    files = {
        "facts": [{"id": "a", "title": LINE["claim"], "explanation": "", "verdict": "debunk"}],
        "queries": [{"id": "q1", "text": LINE["claim"], "kind": "forwarded"}],
        "negatives": [{"id": "n1", "text": "你好", "kind": "chit_chat"}],
    }
    for name, rows in files.items():
        lines = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "qrels.tsv").write_text("query_id\tfact_id\nq1\ta\n", encoding="utf-8")
    words = [word for name in files for word in (f"--{name}", str(tmp_path / f"{name}.jsonl"))]
    return ("evaluate", *words, "--qrels", str(tmp_path / "qrels.tsv"))


def test_evaluate_prints_and_writes_its_figures(house: House, measured: tuple[str, ...]) -> None:
    out = house.folder / "figures.json"
    shown = house.run(*measured, "--json", str(out), role=None)
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert "r_at_1" in shown.stdout
    assert (figures["answer"]["answered"], figures["answer"]["wrong"]) == (1, 0)


def test_evaluate_refuses_a_file_of_another_form(house: House, measured: tuple[str, ...]) -> None:
    (house.folder / "facts.jsonl").write_text("{", encoding="utf-8")
    refused = house.run(*measured, role=None)
    assert (refused.exit_code, "Traceback" in refused.output) == (1, False)
