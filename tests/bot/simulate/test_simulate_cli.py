import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from bot.simulate import compare, mine, scenario
from bot.simulate.scenario import ScenarioError
from content.people import Need
from content.store import Store
from tests.bot.simulate.played import LADDERS, small
from tests.content import outbox

SHORT = 'like = "community"\nresidents = 20\nhours = 0.2\n'


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["simulate", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_answer_is_a_table_a_sentence_and_files(tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(SHORT, encoding="utf-8")
    said = run(str(file), "--lines", "20", "--what-if", "lines=1", "--to", str(tmp_path / "out"))
    assert "的居民" in said
    assert "1 条线路：" in said
    assert "1 line:" in said
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"figures.json", "reach.csv", "reach.svg", "lines.svg", "what-if.svg"}
    figures = json.loads((tmp_path / "out" / "figures.json").read_text(encoding="utf-8"))
    assert [case["wish"] for case in figures["cases"]] == ["", "lines=1"]


def test_another_line_is_told_by_what_it_shortens() -> None:
    few = small(40, "lines=1,calls_per_second=5", hours=2.0)
    cases = compare.compare(few, ["lines=10"], 1, LADDERS)
    before, after = (case.figures.accounted[90] for case in cases)
    assert before is not None
    assert after is not None
    assert after < before
    chinese, english = list(compare.answer(cases))[1]
    assert chinese.startswith("10 条线路：缩短到")
    assert english.startswith("10 lines: shortened to")


def test_people_like_mine_are_counted_and_not_named(store: Store, now: datetime) -> None:
    with store.begin() as session:
        outbox.resident(session, now, "王奶奶", landlines=["+862100000001"], needs=[Need.ELDERLY])
        for at in range(3):
            outbox.resident(session, now, chat=f"{at}", mobile=f"+861380000000{at}")
        session.flush()
        found = mine.like(session, scenario.load("community"))
    older, younger = found.groups
    assert (found.residents, older.share, younger.share) == (4, 0.25, 0.75)
    assert (older.landline, older.mobile, younger.chat) == (1.0, 0.0, 1.0)


def test_nobody_is_like_an_empty_list(store: Store) -> None:
    with store.read() as session, pytest.raises(ScenarioError, match="no residents yet"):
        mine.like(session, scenario.load("community"))
