"""The loop guard in a chat, in a group and by SMS: what is beyond it is taken down, not said."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from content import event, phrase
from content.event import Event
from content.guard import Limits
from content.message import Kind, Written
from content.staff import Role
from content.task import Task, TaskKind
from tests.bot.street import CHATS, LI, LI_CHAT, STRANGER, Street, said
from verification.case import Heard, State

MOST = 3
FIRE = "着火了！3号楼在冒烟，快来人"


def word(key: str) -> str:
    return phrase.say(key, Written.HANS)


@pytest.fixture
def street(street: Street) -> Street:
    street.house = replace(street.house, limits=Limits(others=MOST, chat=MOST))
    return street


def heard(street: Street) -> list[Heard]:
    return list(street.session.scalars(select(Heard).order_by(Heard.number)))


def tasks(street: Street, kind: TaskKind) -> int:
    return len(street.session.scalars(select(Task).where(Task.kind == kind)).all())


def test_a_chat_hears_the_last_word_within_the_hour_and_then_nothing(street: Street) -> None:
    told = [said(street.says(LI_CHAT, "收到")) for _ in range(5)]
    assert told == [word("confirm.nothing")] * 2 + [word("intent.too_many"), "", ""]
    street.now += timedelta(minutes=61)
    assert said(street.says(LI_CHAT, "收到")) == word("confirm.nothing")


def test_answers_and_replies_count_together(street: Street) -> None:
    at_once = [
        said(street.says(LI_CHAT, text)) for text in ("你好", "收到", "小区要拆迁了", "停运了")
    ]
    assert len(list(filter(None, at_once))) + len(street.told(Kind.CHAT, LI_CHAT)) == MOST
    assert [one.state for one in heard(street)][1:] == [State.WAITING, State.WAITING]


@pytest.mark.parametrize("who", [LI_CHAT, STRANGER])
def test_a_cry_for_help_beyond_the_guard_is_heard_and_answered(street: Street, who: str) -> None:
    for _ in range(MOST + 2):
        street.says(who, "收到")
    answered = said(street.says(who, "求助"))
    assert answered in (
        word("confirm.help"),
        f"{word('confirm.nothing')}\n{word('emergency.general')}",
    )


def test_an_emergency_beyond_the_guard_is_heard_and_answered(street: Street) -> None:
    for _ in range(MOST + 2):
        street.texts(LI, "你好")
    before = len(street.told(Kind.SMS, LI))
    street.texts(LI, FIRE)
    assert tasks(street, TaskKind.EMERGENCY) == 1
    told = street.told(Kind.SMS, LI)
    assert (len(told) - before, "119" in told[-1].sms) == (1, True)


def test_an_echo_of_our_own_advice_does_not_go_on_for_ever(street: Street) -> None:
    for _ in range(40):
        street.texts(LI, FIRE)
    assert len(street.told(Kind.SMS, LI)) <= MOST + 1


def test_staff_at_work_are_not_silenced(street: Street) -> None:
    chat = CHATS[Role.PUBLISHER]
    told = [said(street.says(chat, "收到")) for _ in range(MOST + 3)]
    assert told == [word("confirm.nothing")] * (MOST + 3)


def test_a_group_hears_no_more_and_its_questions_are_kept(street: Street) -> None:
    told = [said(street.group(f"/check 听说{number}路停运了")) for number in range(5)]
    assert told[2:] == [word("intent.too_many"), "", ""]
    assert len(heard(street)) == 5


def test_a_group_is_told_of_an_emergency_in_any_case(street: Street) -> None:
    for number in range(MOST + 1):
        street.group(f"/check 听说{number}路停运了")
    assert "119" in said(street.group(f"/check {FIRE}"))


def test_staff_can_see_whom_the_guard_has_silenced(street: Street) -> None:
    for _ in range(MOST):
        street.says(LI_CHAT, "收到")
    (row,) = street.session.scalars(select(Event).where(Event.kind == "answer.guarded"))
    assert (row.actor_id, row.door, row.data) == (None, event.HOUSE.door, {"limit": MOST})
