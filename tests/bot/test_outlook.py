"""The words of a forecast: the limit that binds, when the last first contact is, what would help."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import outlook
from bot.prices import Prices
from channels.flow import Better, Limit
from channels.forecast import Forecast, Queue
from channels.spend import Spend
from content import draft as drafts
from content import ladder, recording
from content.message import Kind, Spoken, Written
from content.pace import Sender
from content.segment import measure
from content.store import Store
from tests.content import outbox
from tests.content.office import staffed, through
from tests.content.test_recording import wav

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 7, 20, 11, 0, tzinfo=UTC)
"""19:00 in Shanghai."""
VOICE = Sender("twilio_voice", Kind.CALL, 1.0, 3)
SMS = Sender("twilio_sms", Kind.SMS, 1.0, segments=True)


def _at(clock: str, days: int = 0) -> datetime:
    hour, minute = map(int, clock.split(":"))
    day = NOW.astimezone(ZONE) + timedelta(days=days)
    return day.replace(hour=hour, minute=minute).astimezone(UTC)


def _queue(sender: Sender = VOICE, **given: object) -> Queue:
    values = {
        "count": 300,
        "units": 300,
        "ahead": 0,
        "begins": NOW,
        "hushed": False,
        "last": _at("20:47"),
        "limit": Limit.LINES,
        "late": 0,
    }
    return Queue(sender, **(values | given))


def _said(language: Written, *queues: Queue, first: int = 0, ends: str = "22:00") -> list[str]:
    plan = Forecast(
        NOW, 300, {Kind.DOOR: first}, {}, (), queues, ends=_at(ends), expires_at=_at("23:00")
    )
    return outlook.times(plan, ZONE, language)


@pytest.mark.parametrize(
    ("queue", "chinese", "english"),
    [
        (
            _queue(better=Better(20, None, 44 * 60)),
            "3条线路：最后一个首次电话在20:47拨出；如果有20条线路，就提前到19:44",
            "3 lines: last first call 20:47; 20 lines would make it 19:44",
        ),
        (
            _queue(better=Better(144, 3.0, 30 * 60)),
            "3条线路：最后一个首次电话在20:47拨出；如果有144条线路、每秒3个电话，就提前到19:30",
            "3 lines: last first call 20:47; 144 lines and calls at 3/s would make it 19:30",
        ),
        (
            _queue(SMS, limit=Limit.RATE, better=Better(None, 4.0, 27 * 60)),
            "每秒1段短信：最后一条首次短信在20:47发出；如果有每秒4段短信，就提前到19:27",
            "SMS segments at 1/s: last first SMS 20:47; SMS segments at 4/s would make it 19:27",
        ),
        (
            _queue(last=_at("02:10", 1)),
            "3条线路：最后一个首次电话在7月21日02:10拨出",
            "3 lines: last first call 02:10 on 21 July",
        ),
    ],
)  # fmt: skip
def test_the_binding_limit_is_said_with_what_would_help(
    queue: Queue, chinese: str, english: str
) -> None:
    assert _said(Written.HANS, queue) == [chinese]
    assert _said(Written.ENGLISH, queue) == [english]


def test_quiet_hours_what_goes_first_and_who_is_too_late_are_said() -> None:
    queue = _queue(begins=_at("07:00", 1), last=_at("08:00", 1), hushed=True, ahead=40, late=12)
    assert _said(Written.HANS, queue) == [
        "休息时间到7月21日07:00：300人的首次电话等到那时",
        "电话前面还排着40个更急的或先发的",
        "3条线路：最后一个首次电话在7月21日08:00拨出",
        "12人的首次电话到23:00过期时还没轮到：请延长有效期，或增加线路",
    ]


def test_who_needs_no_waiting_and_whom_nothing_reaches_is_said() -> None:
    said = _said(Written.HANS, _queue(last=NOW), first=7)
    assert said == ["所有首次通知马上就能发出", "没有联系方式：7人，直接进上门名单"]


def test_an_alert_that_ends_before_its_ladders_is_said_with_what_to_do() -> None:
    said = _said(Written.HANS, ends="23:50")
    assert said[-1] == "23:00过期，可是各个步骤要到23:50才走完：请把有效期延到那以后，或把步骤改短"


def test_what_each_language_takes_is_said_with_its_money() -> None:
    size = measure("雨" * 98)
    spends = (
        Spend(Kind.SMS, Written.HANS, 120, 2, size),
        Spend(Kind.CALL, Written.ENGLISH, 30, 2),
    )
    priced = Prices("元", {Kind.SMS: 0.05})
    assert outlook.costs(spends, Written.HANS, priced) == [
        "短信（简体中文）：120人，每人2段，共240段，约12.00 元",
        "电话（英文）：30通，每通约2分钟，共60分钟",
        "首次联系最多约12.00 元",
    ]
    assert len(outlook.costs(spends, Written.ENGLISH, Prices())) == 2


def test_calls_are_as_dear_as_the_reading_they_play(store: Store, now: datetime) -> None:
    with store.begin() as session:
        office = staffed(session, now)
        outbox.resident(session, now, landlines=["+862100000001"])
        row = through(session, office, now)

        def minutes() -> int:
            made = outlook.Outlook(session, row, drafts.read(session, row), now)
            (spend,) = made.forecast(ladder.load(), [VOICE]).spends
            return spend.each

        spoken = minutes()
        recording.keep(session, office.author, row, Spoken.MANDARIN, wav(150.0), now)
        assert (spoken, minutes()) == (2, 6)
