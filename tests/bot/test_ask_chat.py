"""Questions to the desk: in private, by SMS, in a group, and what is chosen of a list."""

import pytest
from sqlalchemy import func, select

from bot.turn import Say
from channels.base import Event, EventKind, Media
from content import phrase, task
from content.message import Kind, Written
from content.notice import Notice
from content.staff import Role
from content.task import Task, TaskKind
from tests.bot.street import (
    CHATS,
    GROUP,
    LI,
    LI_CHAT,
    NAME,
    STRANGER,
    WATER,
    Street,
    said,
)
from verification import case
from verification.case import Attachment, Heard, State
from verification.fact import Fact
from verification.telling import Mark, Telling

RUMOR = "听说水厂有人下毒，大家别喝自来水"


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def heard(street: Street) -> Heard:
    return street.session.scalars(select(Heard).order_by(Heard.number.desc())).first()  # type: ignore[return-value]


def count(street: Street) -> int:
    return street.session.scalar(select(func.count()).select_from(Heard)) or 0


@pytest.mark.parametrize("chat", [LI_CHAT, STRANGER, CHATS[Role.AUTHOR]])
def test_anybodys_text_is_a_question_staff_and_strangers_too(street: Street, chat: str) -> None:
    street.says(chat, RUMOR)
    assert street.told(Kind.CHAT, chat)[0].chat.startswith(WATER.truth)


def test_a_question_by_sms_is_answered_by_sms(street: Street) -> None:
    street.texts(LI, RUMOR)
    assert WATER.truth in street.told(Kind.SMS, LI)[0].sms


def test_check_with_a_text_is_a_question_in_private(street: Street) -> None:
    street.says(LI_CHAT, f"/check {RUMOR}")
    assert street.told(Kind.CHAT, LI_CHAT)[0].chat.startswith(WATER.truth)


def test_check_as_a_reply_is_about_the_message_it_replies_to(street: Street) -> None:
    street.says(LI_CHAT, "/check", quoted=RUMOR)
    assert street.told(Kind.CHAT, LI_CHAT)[0].chat.startswith(WATER.truth)


def test_check_with_nothing_to_check_says_how(street: Street) -> None:
    assert said(street.says(LI_CHAT, "/check")) == word("intent.empty")
    assert said(street.group("/check")) == word("join.group_check_empty")
    assert count(street) == 0


def test_a_forwarded_text_that_begins_with_a_slash_is_no_command(street: Street) -> None:
    street.says(LI_CHAT, "/stop 转发：水厂有人下毒", forwarded=True)
    assert count(street) == 1


@pytest.mark.parametrize(
    "text", [f"/check {RUMOR}", f"/check@{NAME} {RUMOR}", f"@{NAME} {RUMOR}", f"{RUMOR} @{NAME}"]
)
def test_a_group_gets_the_answer_in_one_line_and_a_link(street: Street, text: str) -> None:
    (spoken,) = street.group(text)
    assert isinstance(spoken, Say)
    assert (spoken.chat, spoken.buttons) == (GROUP, ())
    assert spoken.text.startswith(WATER.truth)
    assert f"https://t.me/{NAME}?start=q_{heard(street).id.hex}" in spoken.text


def test_check_in_a_group_is_about_what_it_replies_to(street: Street) -> None:
    assert said(street.group("/check", quoted=RUMOR)).startswith(WATER.truth)


def test_what_no_fact_answers_is_being_checked_for_a_group(street: Street) -> None:
    spoken = said(street.group("/check 幸福里下个月要建地铁站了"))
    assert spoken.startswith(word("case.group"))
    assert heard(street).state is State.WAITING


@pytest.mark.parametrize(
    ("text", "addressed"),
    [(RUMOR, False), ("谢谢", True), (f"/stop@{NAME}", True), ("/forget", True), ("1", True)],
)
def test_the_bot_keeps_out_of_other_talk_in_a_group(
    street: Street, text: str, addressed: bool
) -> None:
    assert street.group(text, addressed=addressed) == []
    assert count(street) == 0


def test_a_photo_in_a_group_is_checked_only_when_asked(street: Street) -> None:
    photo = Event(
        EventKind.MEDIA,
        address=STRANGER,
        chat=GROUP,
        group=True,
        addressed=True,
        text="/check",
        media=Media("f1", "image/jpeg"),
    )
    file = Attachment("image/jpeg", "f1")
    assert said(street.hear(Kind.CHAT, photo, file)).startswith(word("case.group"))
    assert len(case.files(street.session, case.open_cases(street.session)[0])) == 1


def test_a_photo_in_private_is_receipted_and_becomes_a_case(street: Street) -> None:
    photo = Event(EventKind.MEDIA, address=LI_CHAT, media=Media("f1", "image/jpeg"))
    street.hear(Kind.CHAT, photo, Attachment("image/jpeg", "f1", data=b"\xff\xd8"))
    (case_,) = case.open_cases(street.session)
    assert str(case_.number) in street.told(Kind.CHAT, LI_CHAT)[0].chat


def test_nobody_in_a_group_is_kept_or_told_in_private(street: Street) -> None:
    street.group(f"/check {RUMOR}")
    assert heard(street).address_id is None
    assert street.session.scalars(select(Notice)).all() == []


def test_the_link_of_a_group_goes_on_in_private_for_a_stranger_too(street: Street) -> None:
    street.group("/check 幸福里下个月要建地铁站了")
    street.says("1777", f"/start q_{heard(street).id.hex}")
    assert heard(street).address_id is not None
    number = case.told(street.session, heard(street))
    assert f"编号{number}" in street.told(Kind.CHAT, "1777")[0].chat


def test_a_question_asked_in_private_is_not_continued_by_others(street: Street) -> None:
    street.says(LI_CHAT, "幸福里下个月要建地铁站了")
    done = street.says(STRANGER, f"/start q_{heard(street).id.hex}")
    assert said(done) == word("join.help")
    assert count(street) == 1


@pytest.mark.parametrize("payload", ["q_", "q_zz", f"q_{'0' * 32}", "q_" + "f" * 500])
def test_a_link_to_no_question_says_what_the_bot_does(street: Street, payload: str) -> None:
    assert said(street.says(STRANGER, f"/start {payload}")) == word("join.help")


def test_the_bot_says_hello_in_a_group_and_nothing_when_let_in_again(street: Street) -> None:
    joined = Event(EventKind.JOINED, address=LI_CHAT, chat=GROUP, group=True)
    assert said(street.hear(Kind.CHAT, joined)) == word("join.group_hello")
    assert street.hear(Kind.CHAT, Event(EventKind.JOINED, address=LI_CHAT)) == []


def listed(street: Street) -> str:
    """Let the desk have shown 李明 a list of one fact; return the attempt's ref."""
    street.says(LI_CHAT, RUMOR)
    ref = street.hand_over(Kind.CHAT, LI_CHAT)
    fact = street.session.scalars(select(Fact)).one()
    asked = heard(street)
    asked.state, asked.decision = State.ASKED_BACK, {"shown": [str(fact.id)]}
    street.session.flush()
    return ref


def test_a_choice_is_answered_and_the_second_press_says_so(street: Street) -> None:
    ref = listed(street)
    assert said(street.presses(LI_CHAT, f"choose:{ref}:1")) == ""
    assert WATER.truth in street.told(Kind.CHAT, LI_CHAT)[-1].chat
    heard(street).notice_id = street.session.scalars(select(Notice.id).order_by(Notice.id)).first()
    assert said(street.presses(LI_CHAT, f"choose:{ref}:1")) == word("confirm.again")


@pytest.mark.parametrize("option", ["3", "9", "x", "", "1" * 40])
def test_what_was_not_shown_cannot_be_chosen(street: Street, option: str) -> None:
    ref = listed(street)
    told = said(street.presses(LI_CHAT, f"choose:{ref}:{option}"))
    assert told
    assert len(street.session.scalars(select(Notice)).all()) <= 2


def test_none_of_these_opens_a_case_and_says_its_number(street: Street) -> None:
    ref = listed(street)
    told = said(street.presses(LI_CHAT, f"none:{ref}"))
    (case_,) = case.open_cases(street.session)
    assert told == word("confirm.not_mine", number=case_.number)


def test_not_mine_under_an_answer_has_it_checked(street: Street) -> None:
    street.says(LI_CHAT, RUMOR)
    ref = street.hand_over(Kind.CHAT, LI_CHAT)
    street.presses(LI_CHAT, f"none:{ref}")
    assert heard(street).state is State.WAITING


def marks(street: Street) -> list[Mark | None]:
    return list(street.session.scalars(select(Telling.mark)))


def test_useful_under_an_answer_is_kept_and_thanked_for(street: Street) -> None:
    street.says(LI_CHAT, RUMOR)
    ref = street.hand_over(Kind.CHAT, LI_CHAT)
    assert said(street.presses(LI_CHAT, f"useful:{ref}")) == word("confirm.useful")
    assert marks(street) == [Mark.USEFUL]


def test_nobody_marks_the_answer_of_somebody_else(street: Street) -> None:
    street.says(LI_CHAT, RUMOR)
    ref = street.hand_over(Kind.CHAT, LI_CHAT)
    assert said(street.presses(STRANGER, f"useful:{ref}")) == word("confirm.not_yours")
    assert marks(street) == [None]


@pytest.mark.parametrize(
    ("text", "mark"), [("有用！", Mark.USEFUL), ("不是我问的。", Mark.NOT_MINE)]
)
def test_an_answer_by_sms_is_marked_by_a_reply(street: Street, text: str, mark: Mark) -> None:
    street.texts(LI, RUMOR)
    street.texts(LI, text)
    assert (marks(street), count(street)) == ([mark], 1)


def test_a_word_of_praise_with_nothing_to_praise_is_a_question(street: Street) -> None:
    street.says(LI_CHAT, "有用")
    assert count(street) == 1


def test_nobody_chooses_for_somebody_else(street: Street) -> None:
    ref = listed(street)
    assert said(street.presses(STRANGER, f"choose:{ref}:1")) == word("confirm.not_yours")
    assert heard(street).state is State.ASKED_BACK


@pytest.mark.parametrize(
    ("text", "urgent"), [("我家着火了，快来", True), ("听说3号楼着火了，大家快转", False)]
)
def test_an_emergency_is_paged_hearsay_more_calmly_and_still_answered(
    street: Street, text: str, urgent: bool
) -> None:
    street.says(LI_CHAT, text)
    alarms = [one for one in task.waiting(street.session) if one.kind is TaskKind.EMERGENCY]
    assert [one.urgent for one in alarms] == [urgent]
    assert len(street.told(Kind.CHAT, LI_CHAT)) == 2
    assert heard(street).state is State.WAITING


def test_in_an_emergency_the_asker_hears_whom_to_call_first(street: Street) -> None:
    street.says(LI_CHAT, "我家着火了，快来")
    first, _ = street.told(Kind.CHAT, LI_CHAT)
    assert first.chat.startswith(word("emergency.fire"))
    assert street.session.scalars(select(Task.resident_id)).first() == street.li.id
