"""The report in a real browser: it fits a phone and a sheet of paper, and loads nothing."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.cli import report
from content.event import Actor, Door
from content.store import Store
from tests.bot import browser
from tests.verification.neighbours import asks, resident
from verification import facts
from verification import report as figures
from verification.fact import Statement
from verification.index import Verdict

pytestmark = pytest.mark.slow
LONG = "听说" + "很长的消息" * 30


@pytest.fixture
def page(store: Store, now: datetime, tmp_path: Path) -> Path:
    """The report of a week in which one thing was asked, in many words."""
    with store.begin() as session:
        said = Statement(LONG, "没有这回事。", Verdict.FALSE, source="居委会")
        fact = facts.draft(session, Actor(Door.CLI), said, now)
        asks(session, resident(session, 3, 101, now), now, fact=fact.id)
        start, week = now - timedelta(days=3), timedelta(days=7)
        this = figures.period(session, start, start + week)
        last = figures.period(session, start - week, start)
    file = tmp_path / "report.html"
    file.write_text(report.page(this, last, "幸福里社区", ZoneInfo("Asia/Shanghai")), "utf-8")
    return file


@pytest.mark.parametrize("width", [390, 1000])
async def test_the_report_fits_its_window_and_loads_nothing(page: Path, width: int) -> None:
    window = {"width": width, "height": 800}
    async with browser.shown(page.as_uri(), viewport=window) as (opened, asked):
        wide = await opened.evaluate("document.documentElement.scrollWidth")
        drawn = await opened.locator("svg text").count()
    assert (wide, asked) == (width, [page.as_uri()])
    assert drawn > 20
