"""T10: the time that staff are shown is within 10 % of what then happens."""

from datetime import timedelta

import pytest

from bot.simulate import crowd, figures
from bot.simulate.run import Run
from bot.simulate.scenario import Scenario
from channels import forecast
from channels.forecast import Forecast, Sending
from content import compose, ladder, notice
from content.base import new_id
from content.compose import Reader
from content.message import Kind, Message, Spoken, Written
from content.notice import NoticeKind
from content.people import Audience
from tests import databases
from tests.bot.simulate.played import played, small

LADDERS = ladder.load()
ENOUGH = "lines=200,calls_per_second=50,sms_per_second=50"
CASES = {
    "three lines": (
        Kind.CALL,
        small(60, "lines=3,calls_per_second=1,sms_per_second=50", hours=0.25, household=1.0),
    ),
    "a call a second": (
        Kind.CALL,
        small(100, "lines=60,calls_per_second=1,sms_per_second=50", hours=0.03, household=1.0),
    ),
    # a number that is shared rings once, and the numbers of a home ring a minute apart
    "homes and three lines": (
        Kind.CALL,
        small(120, "lines=3,calls_per_second=1,sms_per_second=50", hours=0.2, household=2.0),
    ),
    "homes and a call a second": (
        Kind.CALL,
        small(300, "lines=60,calls_per_second=1,sms_per_second=50", hours=0.05, household=2.0),
    ),
    "a segment a second": (Kind.SMS, small(80, f"{ENOUGH},sms_per_second=1", hours=0.04)),
    "thirty chats a second": (Kind.CHAT, small(400, ENOUGH, hours=0.02)),
}


SLOW = ("homes and a call a second", "a segment a second", "thirty chats a second")
"""Cases that are played in `make test-all` only."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CASES]
)
def test_the_last_first_contact_starts_when_it_was_foretold(name: str) -> None:
    kind, one = CASES[name]
    with played(one) as run:
        happened = figures.read(run).first[kind.value].last
        answered = _answered(run)
        texts = _texts(run)
    told = _forecast(one, answered, texts)
    queue = next(queue for queue in told.queues if queue.sender.kind is kind)
    assert (queue.last - told.now).total_seconds() == pytest.approx(happened, rel=0.1, abs=1)


def _forecast(one: Scenario, answered: float, texts: dict[Written, dict[str, str]]) -> Forecast:
    """Forecast the same alert to the same people, before anything is sent."""

    def message(kind: Kind, written: Written, spoken: Spoken) -> Message:
        who = Reader(new_id(), compose.language(kind, written, spoken), spoken)
        return compose.of(NoticeKind.ALERT, texts, who)

    store = databases.opened("sqlite://")
    with store.begin() as session:
        crowd.make(session, one, 1, one.start)
    with store.read() as session:
        sending = Sending(Audience(), one.severity, one.start + timedelta(hours=one.hours), message)
        found = forecast.forecast(
            session, sending, LADDERS, one.senders(), one.start, answered=answered
        )
    store.close()
    return found


def _answered(run: Run) -> float:
    """Return which share of the calls was answered: what a committee knows of its past alerts."""
    groups = run.scenario.groups
    return sum(group.share * group.calling.answers for group in groups)


def _texts(run: Run) -> dict[Written, dict[str, str]]:
    with run.store.read() as session:
        return notice.texts(session, run.notice_id)
