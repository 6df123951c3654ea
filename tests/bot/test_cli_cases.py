"""`linxun cases` as staff run it: list, show, take, merge, split."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from content.staff import Role
from tests.bot.test_cli_facts import House
from verification import desk
from verification.case import Attachment, Question
from verification.shelf import Base as Known

NEWS, OTHER = "听说下周三小区要拆掉所有电动车棚", "夜市要搬到河对岸去"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


def ask(house: House, text: str, attachment: Attachment | None = None) -> int:
    """Let a resident ask; return the number that they are told."""
    opened = house.open()
    with opened.begin() as session:
        question = Question(text, house.chat, attachment=attachment)
        number = desk.hear(session, Known(), question, datetime.now(UTC)).number
    opened.close()
    return number


def test_a_case_shows_its_owner_its_clock_and_its_promise(house: House) -> None:
    number = ask(house, NEWS)
    (row,) = house.json("cases", "list")
    assert (row["owner"], row["taken"], row["asked"]) == ("", "", 1)
    assert row["due"] == row["promise"] > row["opened"]
    taken = house.json("cases", "take", str(number))
    assert (taken["owner"], bool(taken["taken"])) == ("某人", True)


def test_the_clock_is_the_committees(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(house, NEWS)
    monkeypatch.setenv("LINXUN_PROMISE_HOURS", "4")
    (row,) = house.json("cases", "list")
    due, opened = (datetime.fromisoformat(row[name]) for name in ("due", "opened"))
    assert (due - opened).total_seconds() == 4 * 3600


def test_what_a_colleague_has_taken_is_refused_in_a_sentence(house: House) -> None:
    number = str(ask(house, NEWS))
    house.json("cases", "take", number)
    refused = house.run("cases", "take", number, role=Role.PUBLISHER)
    assert refused.exit_code == 1
    assert "已有同事" in refused.output


def test_cases_are_merged_and_either_number_shows_both_questions(house: House) -> None:
    one, other = ask(house, NEWS), ask(house, OTHER)
    assert house.json("cases", "merge", str(other), str(one))["asked"] == 2
    shown = house.json("cases", "show", str(other))
    assert (shown["number"], len(shown["questions"])) == (one, 2)


def test_a_question_is_split_off_into_a_case_of_its_own(house: House) -> None:
    first = ask(house, NEWS)
    ask(house, f"{NEWS}！！")
    wrong = house.json("cases", "show", str(first))["questions"][1]["number"]
    made = house.json("cases", "split", str(first), str(wrong))
    assert (made["asked"], len(house.json("cases", "list"))) == (1, 2)


def test_a_question_is_not_quoted_as_a_claim(house: House) -> None:
    number = str(ask(house, "夜市是不是要搬到河对岸"))
    ruling = ("--truth", "夜市不搬。", "--verdict", "false", "--source", "居委会")
    assert "--claim" in house.run("cases", "settle", number, *ruling).output
    assert house.json("cases", "settle", number, *ruling, "--claim", "夜市要搬到河对岸")["waits"]


def test_what_is_near_is_shown(house: House) -> None:
    one, other = ask(house, "今晚要停水"), ask(house, "今晚不停水")
    assert house.json("cases", "show", str(other))["near"][0]["number"] == one


def test_what_came_with_a_case_is_saved_to_be_looked_at(house: House, tmp_path: Path) -> None:
    number = ask(house, "", Attachment("image/jpeg", "f1", data=b"\xff\xd8"))
    shown = house.json("cases", "show", str(number), "--files", str(tmp_path / "came"))
    (path,) = shown["saved"]
    assert Path(path).read_bytes() == b"\xff\xd8"


@pytest.mark.parametrize("words", [("list",), ("show", "1"), ("take", "1"), ("merge", "1", "2")])
def test_only_experts_and_publishers_work_on_cases(house: House, words: tuple[str, ...]) -> None:
    ask(house, NEWS)
    ask(house, OTHER)
    refused = house.run("cases", *words, role=Role.AUTHOR)
    assert refused.exit_code == 1
    assert NEWS not in refused.output


@pytest.mark.parametrize(
    "words", [("list",), ("show", "1"), ("take", "1"), ("merge", "2", "1"), ("split", "1", "3")]
)
def test_every_command_says_it_in_words_too(house: House, words: tuple[str, ...]) -> None:
    for text in (NEWS, OTHER, f"{NEWS}！"):
        ask(house, text)
    assert house.run("cases", *words).exit_code == 0
