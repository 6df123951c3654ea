"""A worker's phone from end to end: cards by Telegram, presses, a photo, and the office's figures."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from bot.app import App
from bot.config import Settings
from bot.sandbox.book import Message
from bot.sandbox.limits import UNLIMITED, Limits
from bot.sandbox.phones import Phone
from bot.sandbox.server import Sandbox
from content import coverage, expansion, identity, knock, people, task
from content.alert import Alert, Severity
from content.clock import Clock
from content.knock import Found
from content.message import Kind
from content.notice import Notice
from content.people import Audience, OwnerKind
from content.staff import Role
from content.store import Store, community
from content.task import TaskKind
from tests.content import outbox

WORKER, CODE = 9020, "A12"


@dataclass(slots=True)
class Round:
    """A running house, a grid worker with a phone, and homes that can only be visited: three."""

    sandbox: Sandbox
    store: Store
    clock: Clock
    phone: Phone
    made: Notice

    def says(self, text: str, reply_to: int | None = None) -> None:
        self.sandbox.chats.says(self.phone, text, reply_to=reply_to)

    def thread(self) -> list[Message]:
        found = self.sandbox.book.of(str(WORKER))
        return [one for one in found if isinstance(one, Message) and one.author == "邻讯"]

    def card(self, name: str) -> Message:
        return next(one for one in self.thread() if name in one.body and one.buttons)

    def presses(self, name: str, label: str) -> None:
        one = self.card(name)
        data = next(data for shown, data in one.buttons if shown == label)
        self.sandbox.chats.presses(self.phone, WORKER, int(one.sid), data)

    async def until(self, happened: Callable[[], object]) -> None:
        for _ in range(600):
            if happened():
                return
            await asyncio.sleep(0.05)
        raise TimeoutError("what the test waits for did not happen")

    def figures(self) -> coverage.Live:
        with self.store.read() as session:
            return coverage.live(session, self.made.id, self.clock.now())


NAMES = ("王奶奶", "李明", "赵静", "周平", "孙丽", "钱大爷", "吴芳", "郑涛")


@pytest.fixture
async def town(file_store: Store, request: pytest.FixtureRequest) -> AsyncIterator[Round]:
    clock = Clock(4.0)
    now = clock.now()
    with file_store.begin() as session:
        for at, name in enumerate(NAMES[: getattr(request, "param", 3)], 1):
            outbox.resident(session, now, name, room=f"3-1-{at}01")
        alert_id = outbox.alert(session, now)
        session.get_one(Alert, (community(session), alert_id)).code = CODE
        member = identity.add_staff(session, "张敏", [Role.GRID_WORKER], now)
        people.add_address(session, OwnerKind.STAFF, member.id, Kind.CHAT, str(WORKER), now)
        made = outbox.make(session, now, Severity.EXTREME, alert_id=alert_id)
        expansion.enqueue(session, made, Audience(), now)
    sandbox = await Sandbox.start(clock, limits=UNLIMITED)
    phone = sandbox.phones.add(Phone("张敏", chat=WORKER))
    app = App(_settings(sandbox, file_store), file_store, clock)
    await app.start()
    yield Round(sandbox, file_store, clock, phone, made)
    await app.stop()
    await sandbox.stop()


def _settings(sandbox: Sandbox, store: Store) -> Settings:
    return Settings(
        database_url=store.url,
        port=0,
        telegram_token=sandbox.telegram_token,
        telegram_api_url=sandbox.telegram_base_url,
        telegram_file_url=sandbox.telegram_file_url,
    )


async def test_a_round_from_door_to_door(town: Round) -> None:
    await town.until(lambda: town.figures().total.door == 3)
    town.says(f"/doors {CODE}")
    await town.until(lambda: len(town.thread()) == 4)
    town.presses("王奶奶", "不在家")
    town.presses("李明", "已通知")
    town.presses("赵静", "需要帮助")
    await town.until(lambda: town.figures().total.confirmed == 2)
    await town.until(lambda: all(town.card(name).edits for name in ("王奶奶", "李明", "赵静")))
    assert [label for label, _ in town.card("李明").buttons] == ["需要帮助", "按错了"]
    assert "不在家（张敏）" in town.card("王奶奶").body
    assert "以后再去" in town.card("王奶奶").body
    assert town.figures().doors == {Found.AWAY: 1, Found.DONE: 1, Found.HELP: 1}
    with town.store.read() as session:
        assert [one.kind for one in task.waiting(session)] == [TaskKind.HELP]


async def test_a_photo_in_reply_to_a_card_is_fetched_and_kept(town: Round) -> None:
    await town.until(lambda: town.figures().total.door == 3)
    town.says(f"/doors {CODE}")
    await town.until(lambda: len(town.thread()) == 4)
    card = town.card("王奶奶")
    town.sandbox.chats.sends(
        town.phone, "photo", b"\xff\xd8photo", caption="门口有积水", reply_to=int(card.sid)
    )
    await town.until(lambda: any("已记在卡上" in one.body for one in town.thread()))
    with town.store.read() as session:
        ((made, photo),) = knock.pictures(session, town.made.id)
        assert (made.found, made.note, photo.data) == (
            Found.NOTE,
            "门口有积水",
            b"\xff\xd8photo",
        )
    await town.until(lambda: card.edits)
    assert "门口有积水 照片1张" in card.body


async def test_a_wrong_press_is_taken_back_on_the_card(town: Round) -> None:
    await town.until(lambda: town.figures().total.door == 3)
    town.says(f"/doors {CODE}")
    await town.until(lambda: len(town.thread()) == 4)
    town.presses("李明", "拒绝")
    await town.until(lambda: town.figures().total.refused == 1)
    await town.until(lambda: town.card("李明").edits == 1)
    town.presses("李明", "按错了")
    await town.until(lambda: town.card("李明").edits == 2)
    assert len(town.card("李明").buttons) == 4
    assert town.figures().total.door == 3


@pytest.mark.slow
@pytest.mark.parametrize("town", [len(NAMES)], indirect=True)
async def test_every_card_comes_however_slow_the_chat_is(town: Round) -> None:
    await town.until(lambda: town.figures().total.door == len(NAMES))
    town.sandbox.stage.limits = Limits(one_chat_burst=1)
    town.says(f"/doors {CODE}")
    await town.until(lambda: len(town.thread()) == 1 + len(NAMES))
    assert all(town.card(name).buttons for name in NAMES)
