"""The report after an alert in a real browser: readable on a phone, with names for everything."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli import after_page
from bot.cli.after_page import After
from content import aftermath, alert, coverage, curve, outcome
from content.message import Kind
from content.place import Community
from content.reason import Reason
from content.store import Store
from tests.bot import browser
from tests.content import outbox
from tests.content.office import published, staffed

pytestmark = pytest.mark.slow

UNNAMED = """() => [...document.querySelectorAll("[role=img], [role=region], section")]
  .filter(one => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby")))
  .map(one => one.outerHTML.slice(0, 80))"""
BARE = """() => [...document.querySelectorAll("table")]
  .filter(one => [...one.rows[0].cells].some(cell => cell.scope !== "col"))
  .map(one => one.outerHTML.slice(0, 80))"""
SMALL = """() => [...document.querySelectorAll("svg text")]
  .filter(one => one.getBoundingClientRect().height < 9).length"""


@pytest.fixture
def page(store: Store, now: datetime, tmp_path: Path) -> Path:
    """The report of an alert to three residents, one of whom has answered."""
    with store.begin() as session:
        office = staffed(session, now)
        for at in range(3):
            outbox.resident(session, now, chat=str(at + 10), room=f"{at + 1}-1-101")
        row, made = published(session, office, now)
        jobs = outbox.take(session, now)
        outcome.accepted(session, jobs[0].ref, "1", now + timedelta(seconds=30))
        session.flush()
        told = aftermath.notices(session, alert.get(session, row.alert_id))
        text = office.draft.texts[next(iter(office.draft.texts))]
        written = After(
            code="A1",
            row=row,
            headline=text.headline * 6,
            body=text.body,
            community=session.get_one(Community, store.community_id),
            now=now + timedelta(hours=2),
            told=told,
            main=told[-1],
            history=[],
            live=coverage.live(session, made.id, now),
            curves=curve.curves(session, made.id),
            failures=aftermath.failures(session, [made.id]),
            doors=Counter({"away": 2}),
            wrong=Counter({(Kind.SMS, Reason.LANDLINE): 3}),
            helps=[],
            twice={Kind.CHAT: 1},
            units=aftermath.units(session, [made.id]),
            plan=[("telegram", 3, 0.1, 0.2)],
            prices=None,
            personal=True,
        )
    file = tmp_path / "report.html"
    file.write_text(after_page.page(written), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [360, 1000])
async def test_the_report_fits_its_window_loads_nothing_and_has_names(
    page: Path, width: int
) -> None:
    window = {"width": width, "height": 800}
    async with browser.shown(page.as_uri(), viewport=window) as (opened, asked):
        seen: dict[str, Any] = {
            "wide": await opened.evaluate("document.documentElement.scrollWidth"),
            "unnamed": await opened.evaluate(UNNAMED),
            "bare": await opened.evaluate(BARE),
            "small": await opened.evaluate(SMALL),
        }
    assert seen == {"wide": width, "unnamed": [], "bare": [], "small": 0}
    assert asked == [page.as_uri()]
