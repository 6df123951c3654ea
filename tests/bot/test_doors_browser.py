"""The sheets in a real browser: they fit a phone and paper, in large type, and load nothing."""

from datetime import datetime
from pathlib import Path

import pytest

from bot.cli import doors_page, reach_page
from content import gaps, ladder, place, visit
from content.alert import Alert
from content.message import Kind
from content.people import Need
from content.store import Store, community
from tests.bot import browser
from tests.content import outbox

pytestmark = pytest.mark.slow
LONG = "欧阳" + "很长的名字" * 6
ARM_S_LENGTH = 20
"""Pixels of the smallest letters that must be read at the door: 15 points."""


@pytest.fixture
def pages(store: Store, now: datetime, tmp_path: Path) -> dict[str, Path]:
    """Both lists of two grids, with somebody whose name is far too long."""
    with store.begin() as session:
        for room, grid in (("3-2-501", "1网格"), ("12-1-101", "2网格")):
            home = place.read(room)
            assert home is not None
            place.Tree(session).ensure(home, grid)
            session.flush()
        for name, room in (("王奶奶", "3-2-501"), (LONG, "12-1-101"), ("李明", "12-1-102")):
            outbox.resident(session, now, name, room=room, needs=[Need.LIVES_ALONE, Need.ELDERLY])
        alert_id = outbox.alert(session, now)
        made = outbox.tell(session, now, alert_id=alert_id)
        outbox.route(session, now)
        alert = session.get_one(Alert, (community(session), alert_id))
        cards = visit.cards(session, made.id)
        found = gaps.check(session, ladder.load(), frozenset({Kind.CALL}))
        texts = {
            "doors": doors_page.page(session, alert, made, cards, now),
            "reach": reach_page.page(session, found, now, numbers=False),
        }
    for name, text in texts.items():
        (tmp_path / f"{name}.html").write_text(text, "utf-8")
    return {name: tmp_path / f"{name}.html" for name in texts}


@pytest.mark.parametrize("name", ["doors", "reach"])
@pytest.mark.parametrize("width", [390, 1000])
async def test_the_list_fits_its_window_and_loads_nothing(
    pages: dict[str, Path], name: str, width: int
) -> None:
    address = pages[name].as_uri()
    async with browser.shown(address, viewport={"width": width, "height": 800}) as (page, asked):
        wide = await page.evaluate("document.documentElement.scrollWidth")
        sheets = await page.locator("section.sheet").count()
    assert (wide, asked, sheets) == (width, [address], 2)


async def test_on_paper_each_grid_begins_a_sheet_and_no_home_is_cut(
    pages: dict[str, Path],
) -> None:
    async with browser.shown(pages["doors"].as_uri()) as (page, _):
        await page.emulate_media(media="print")
        style = "(one, what) => getComputedStyle(one)[what]"
        sheet, home = page.locator("section.sheet").nth(1), page.locator("article.home").first
        assert await sheet.evaluate(style, "breakBefore") == "page"
        assert await home.evaluate(style, "breakInside") == "avoid"


async def test_the_door_is_read_at_arm_s_length(pages: dict[str, Path]) -> None:
    async with browser.shown(pages["doors"].as_uri()) as (page, _):
        await page.emulate_media(media="print")
        size = "one => parseFloat(getComputedStyle(one).fontSize)"
        for part in (".where", ".needs", ".boxes", ".say p"):
            assert await page.locator(part).first.evaluate(size) >= ARM_S_LENGTH
        boxes = await page.locator("article.home").first.locator(".box").count()
    assert boxes == 4


async def test_on_paper_the_four_boxes_stand_in_one_line(pages: dict[str, Path]) -> None:
    paper = {"width": 688, "height": 1000}
    async with browser.shown(pages["doors"].as_uri(), viewport=paper) as (page, _):
        await page.emulate_media(media="print")
        boxes = page.locator("article.home").first.locator(".boxes li")
        tops = {(await boxes.nth(at).bounding_box())["y"] for at in range(4)}
    assert len(tops) == 1
