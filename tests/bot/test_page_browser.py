"""The phones page in a real browser: a visitor acts as a resident and sees what comes back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.config import Settings
from bot.sandbox.limits import UNLIMITED
from bot.sandbox.phones import Phone, PhoneKind
from bot.sandbox.server import Sandbox
from content import expansion, identity, notice, place, roster, sheet
from content.alert import Severity
from content.clock import Clock
from content.event import HOUSE
from content.message import Written
from content.notice import NoticeKind
from content.people import Audience
from content.store import Store
from tests.bot import browser

pytestmark = pytest.mark.slow

LI, WANG, SPEED = 501, "+8657116881266", 4.0
LIST = "编号,姓名,楼栋,单元,房号,座机,需求\n1,王秀兰,3号楼,2,501,0571-16881266,老人\n"
TEXT = {
    "sender": "幸福里社区",
    "code": "A1",
    "headline": "暴雨红色预警",
    "description": "今天晚上有特大暴雨。",
    "instruction": "请留在楼上。",
    "event": "暴雨",
    "color": "红",
    "severity": "Extreme",
    "status": "Actual",
    "msg_type": "Alert",
    "phone": "",
}
UNNAMED = """() => [...document.querySelectorAll("button, input, select, [role=log]")]
  .filter(one => one.checkVisibility())
  .filter(one => !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length))
  .map(one => one.outerHTML)"""


@dataclass(slots=True)
class Town:
    """A running house with two people on virtual phones: 王秀兰 (landline), 李明 (chat)."""

    sandbox: Sandbox
    store: Store
    clock: Clock
    code: str

    async def warn(self) -> None:
        """Tell everybody of a rainstorm."""
        now = self.clock.now()
        expires = now + timedelta(hours=3)

        def tell(session: Any) -> None:
            made = notice.make(
                session,
                kind=NoticeKind.ALERT,
                texts={Written.HANS: TEXT | {"expires": expires.isoformat()}},
                severity=Severity.EXTREME,
                confirms=True,
                expires_at=expires,
                now=now,
            )
            expansion.enqueue(session, made, Audience(), now)

        await self.store.write(tell)


@pytest.fixture
async def town(file_store: Store, tmp_path: Path) -> AsyncIterator[Town]:
    clock = Clock(SPEED)
    with file_store.begin() as session:
        (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
        roster.load(session, sheet.read(tmp_path / "list.csv"), clock.now(), HOUSE)
        building = place.find(session, "3号楼")
        assert building is not None
        code = identity.building_code(session, building.id, clock.now())
    sandbox = await Sandbox.start(clock, limits=UNLIMITED)
    sandbox.phones.add(Phone("王秀兰", WANG, kind=PhoneKind.LANDLINE))
    sandbox.phones.add(Phone("李明", chat=LI, started=False))
    app = App(_settings(sandbox, file_store), file_store, clock)
    sandbox.voice_webhook = f"{app.public_url}/hooks/twilio_voice/inbound"
    await app.start()
    yield Town(sandbox, file_store, clock, code)
    await app.stop()
    await sandbox.stop()


@pytest.fixture
async def page(town: Town) -> AsyncIterator[Any]:
    """The phones page, open in chromium."""
    async with browser.shown(f"{town.sandbox.url}/phones") as (opened, _):
        yield opened


def _settings(sandbox: Sandbox, store: Store) -> Settings:
    return Settings(
        database_url=store.url,
        port=0,
        telegram_token=sandbox.telegram_token,
        telegram_api_url=sandbox.telegram_base_url,
        telegram_file_url=sandbox.telegram_file_url,
        twilio_account_sid=sandbox.account_sid,
        twilio_auth_token=sandbox.auth_token,
        twilio_api_url=sandbox.twilio_url,
        twilio_voice_from=sandbox.numbers[1],
    )


async def _choose(page: Any, name: str) -> None:
    await page.locator("#list button", has_text=name).click()
    await page.locator("#name", has_text=name).wait_for()


async def test_a_message_is_answered_on_the_page(page: Any) -> None:
    await _choose(page, "李明")
    box = page.get_by_label("发聊天消息")
    await box.fill("听说明天起超市不收现金了")
    await box.press("Enter")
    answer = page.locator(".bubble:not(.mine)").first
    await answer.wait_for()
    assert "核实" in await answer.inner_text()


async def test_a_message_may_have_several_lines(page: Any) -> None:
    await _choose(page, "李明")
    box = page.get_by_label("发聊天消息")
    await box.fill("听说明天停水")
    await box.press("Shift+Enter")
    await box.type("是真的吗")
    await box.press("Enter")
    said = page.locator(".bubble.mine").first
    await said.wait_for()
    assert "停水\n是真的吗" in await said.inner_text()
    assert await box.input_value() == ""


async def test_a_resident_registers_with_buttons(page: Any, town: Town) -> None:
    await _choose(page, "李明")
    await page.get_by_label("登记码").fill(town.code)
    await page.get_by_role("button", name="开始").click()
    await page.locator(".bubble button.act").first.click()
    asked = page.locator(".bubble", has_text="您想看哪种文字")
    await asked.wait_for()
    assert await asked.locator("button.act").count() == 3


async def test_a_key_confirms_in_a_call(page: Any, town: Town) -> None:
    await _choose(page, "王秀兰")
    await page.get_by_role("checkbox", name="由我操作").check()
    await town.warn()
    await page.get_by_role("button", name="接听").click()
    await page.locator("#state", has_text="请按键").wait_for()
    assert "请留在楼上" in await page.locator("#script").inner_text()
    await page.get_by_role("button", name="按键 Key 1").click()
    heard = page.locator(".bubble, #script", has_text="记下您收到了").first
    await heard.wait_for()
    assert town.sandbox.book.calls[0].keys == ["1"]


async def test_everything_has_a_name_and_the_keyboard_reaches_it(page: Any) -> None:
    await _choose(page, "李明")
    await page.locator("#search").focus()
    for _ in range(2):
        await page.keyboard.press("Tab")
    # the search, the filter, then the first phone of the list
    assert await page.evaluate("document.activeElement.dataset.key") == WANG
    await page.keyboard.press("Enter")
    await page.locator("#name", has_text="王秀兰").wait_for()
    assert await page.evaluate(UNNAMED) == []
    assert not await page.locator("#withchat").is_visible()
