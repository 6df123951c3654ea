"""The experts' queue in chat: what waits, who takes it, how it is settled, sent back, merged."""

import pytest
from sqlalchemy import select

from bot.turn import Show
from channels.base import Event, EventKind, Media
from content import identity, pager, people, phrase, task
from content.event import Event as Booked
from content.message import Kind, Written
from content.people import OwnerKind
from content.staff import Role
from content.task import TaskKind
from tests.bot.street import CHATS, LI_CHAT, SON_CHAT, STRANGER, Street, buttons, said
from verification import case
from verification.case import Attachment, Case, State
from verification.fact import Fact, FactState

EXPERT, BOSS, AUTHOR = CHATS[Role.EXPERT], CHATS[Role.PUBLISHER], CHATS[Role.AUTHOR]
NEWS, OTHER = "听说下周三小区要拆掉所有电动车棚", "夜市要搬到河对岸去"
PHONE = "+8613800000077"
TRUTH = "电动车棚不拆，下周三只更换充电桩。"


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def waiting(street: Street, text: str = NEWS, chat: str = LI_CHAT) -> Case:
    """Let somebody ask; return the case."""
    street.says(chat, text)
    return max(case.open_cases(street.session), key=lambda one: one.number)


def ruled(street: Street, matter: Case, truth: str = TRUTH) -> str:
    """Let the expert walk through the dialogue up to the last button; return what is shown."""
    street.presses(EXPERT, f"case::settle.{matter.number}")
    street.presses(EXPERT, f"case::verdict.{matter.number}.false")
    street.says(EXPERT, truth)
    return said(street.says(EXPERT, "幸福里物业"))


def page(street: Street, kind: TaskKind, role: Role) -> str:
    """Bring the page of a task of this kind to who has the role; return the attempt's ref."""
    (errand,) = [one for one in task.waiting(street.session) if one.kind is kind]
    made = pager.page(street.session, errand, street.now)
    who = street.staff[role].id
    assert made is not None
    assert who is not None
    return street.send_to(made, who, Kind.CHAT)


def test_the_queue_shows_what_waits_the_first_due_first_and_no_numbers(street: Street) -> None:
    waiting(street, "听说打13800000009能领鸡蛋")
    waiting(street, OTHER)
    lead, first, second = street.says(EXPERT, "/cases")
    assert said([lead]) == word("cases.count", count=2)
    assert "***" in said([first])
    assert "13800000009" not in said([first])
    assert OTHER in said([second])


def test_an_empty_queue_says_so(street: Street) -> None:
    assert said(street.says(EXPERT, "/cases")) == word("cases.none")


@pytest.mark.parametrize("chat", [AUTHOR, LI_CHAT, STRANGER])
def test_only_experts_and_publishers_see_the_queue(street: Street, chat: str) -> None:
    matter = waiting(street)
    (told,) = street.says(chat, "/cases")
    assert NEWS not in said([told])
    assert NEWS not in said(street.presses(chat, f"case::show.{matter.number}"))
    street.presses(chat, f"case::take.{matter.number}")
    assert matter.owner_id is None


def test_an_expert_takes_a_case_and_the_page_goes_to_nobody_else(street: Street) -> None:
    matter = waiting(street)
    assert f"case::take.{matter.number}" in buttons(street.says(EXPERT, "/cases"))
    street.presses(EXPERT, f"case::take.{matter.number}")
    assert matter.owner_id == street.staff[Role.EXPERT].id
    (errand,) = [one for one in task.waiting(street.session) if one.kind is TaskKind.CASE]
    assert errand.taken_by == matter.owner_id


def test_what_a_colleague_has_taken_cannot_be_taken(street: Street) -> None:
    matter = waiting(street)
    street.presses(EXPERT, f"case::take.{matter.number}")
    assert "已有同事" in said(street.presses(BOSS, f"case::take.{matter.number}"))
    assert f"{Role.EXPERT}同事" in said(street.says(BOSS, "/cases"))


def test_the_page_takes_and_shows_the_case(street: Street) -> None:
    matter = waiting(street)
    ref = page(street, TaskKind.CASE, Role.EXPERT)
    assert NEWS in said(street.presses(EXPERT, f"task:{ref}:show_case"))
    street.presses(EXPERT, f"task:{ref}:take_case")
    assert matter.owner_id == street.staff[Role.EXPERT].id


def test_key_1_in_the_call_of_a_page_takes_the_case(street: Street) -> None:
    matter = waiting(street)
    expert = street.staff[Role.EXPERT].id
    assert expert is not None
    people.add_address(street.session, OwnerKind.STAFF, expert, Kind.CALL, PHONE, street.now)
    (errand,) = [one for one in task.waiting(street.session) if one.kind is TaskKind.CASE]
    made = pager.page(street.session, errand, street.now, late=True)
    assert made is not None
    street.keys(PHONE, street.send_to(made, expert, Kind.CALL), "1")
    assert matter.owner_id == expert


def test_who_joins_a_case_is_told_so_with_its_number(street: Street) -> None:
    matter = waiting(street)
    street.says(SON_CHAT, f"{NEWS}！！")
    assert street.told(Kind.CHAT, SON_CHAT)[-1].chat == word("case.joined", number=matter.number)


def test_a_case_is_shown_with_its_questions_and_why(street: Street) -> None:
    matter = waiting(street)
    street.says(SON_CHAT, f"{NEWS}，电话13800000009")
    told = said(street.presses(EXPERT, f"case::show.{matter.number}"))
    assert told.count("提问") >= 2
    assert matter.why in told
    assert "13800000009" not in told


def test_a_photo_waits_in_the_queue_too(street: Street) -> None:
    photo = Event(EventKind.MEDIA, address=LI_CHAT, media=Media("f1", "image/jpeg"))
    street.hear(Kind.CHAT, photo, Attachment("image/jpeg", "f1"))
    told = said(street.says(EXPERT, "/cases"))
    assert word("cases.with_files", count=1) in told
    assert word("cases.no_words") in told


def test_an_expert_sees_the_photo_in_chat(street: Street) -> None:
    photo = Event(EventKind.MEDIA, address=LI_CHAT, media=Media("f1", "image/jpeg"))
    for _ in range(2):
        street.hear(Kind.CHAT, photo, Attachment("image/jpeg", "f1"))
    (matter,) = case.open_cases(street.session)
    look = f"case::files.{matter.number}"
    assert look in buttons(street.presses(EXPERT, f"case::show.{matter.number}"))
    shown = [one for one in street.presses(EXPERT, look) if isinstance(one, Show)]
    assert shown == [Show(EXPERT, "image/jpeg", "f1")]


def test_an_expert_settles_in_chat_and_the_publisher_publishes(street: Street) -> None:
    matter = waiting(street)
    shown = ruled(street, matter)
    assert TRUTH in shown
    assert "幸福里物业" in shown
    signed = said(street.presses(EXPERT, f"case::sign.{matter.number}"))
    assert signed.strip() == word("ruling.waits", number=matter.number)
    assert matter.settled_at is None
    ref = page(street, TaskKind.PUBLISH, Role.PUBLISHER)
    street.presses(BOSS, f"task:{ref}:publish")
    assert matter.settled_at is not None
    assert street.told(Kind.CHAT, LI_CHAT)[-1].chat.startswith(TRUTH)


def test_what_the_publisher_sends_back_waits_for_the_expert_again(street: Street) -> None:
    matter = waiting(street)
    ruled(street, matter)
    street.presses(EXPERT, f"case::sign.{matter.number}")
    ref = page(street, TaskKind.PUBLISH, Role.PUBLISHER)
    street.presses(BOSS, f"task:{ref}:return")
    assert (matter.fact_id, matter.settled_at) == (None, None)
    assert f"case::show.{matter.number}" in buttons(street.says(EXPERT, "/cases"))


def test_nobody_publishes_their_own_ruling(street: Street) -> None:
    expert = street.staff[Role.EXPERT].id
    assert expert is not None
    roles = [Role.EXPERT, Role.PUBLISHER]
    identity.set_roles(street.session, expert, roles, street.now)
    matter = waiting(street)
    ruled(street, matter)
    street.presses(EXPERT, f"case::sign.{matter.number}")
    street.presses(EXPERT, f"task:{page(street, TaskKind.PUBLISH, Role.PUBLISHER)}:publish")
    assert matter.settled_at is None


def test_a_known_fact_settles_a_case_at_once(street: Street) -> None:
    matter = waiting(street)
    fact = street.session.scalars(select(Fact)).first()
    assert fact is not None
    told = said(street.presses(EXPERT, f"case::use.{matter.number}.{fact.id.hex}"))
    assert told.strip() == word("ruling.told", number=matter.number, count=1)
    assert matter.settled_at is not None


def test_a_question_is_put_as_a_claim_before_it_is_signed(street: Street) -> None:
    matter = waiting(street, "夜市是不是要搬到河对岸")
    assert ruled(street, matter) == word("ruling.claim")
    assert "“夜市要搬到河对岸”" in said(street.says(EXPERT, "夜市要搬到河对岸"))


def test_what_is_half_written_is_on_the_case_and_not_in_the_book(street: Street) -> None:
    matter = waiting(street)
    ruled(street, matter)
    assert matter.ruling == {
        "verdict": "false",
        "truth": TRUTH,
        "source": "幸福里物业",
        "claim": NEWS,
    }
    booked = street.session.scalars(select(Booked.data).where(Booked.kind == "dialogue.asked"))
    assert all(TRUTH not in str(data) for data in booked)


def test_a_command_gives_the_dialogue_up(street: Street) -> None:
    matter = waiting(street)
    street.presses(EXPERT, f"case::settle.{matter.number}")
    street.presses(EXPERT, f"case::verdict.{matter.number}.false")
    street.says(EXPERT, "/status")
    street.says(EXPERT, "听说水厂有人下毒，大家别喝自来水")
    assert "truth" not in (matter.ruling or {})


@pytest.mark.parametrize("empty", ["", "。。。", "？"])
def test_a_truth_without_words_is_asked_again(street: Street, empty: str) -> None:
    matter = waiting(street)
    street.presses(EXPERT, f"case::settle.{matter.number}")
    street.presses(EXPERT, f"case::verdict.{matter.number}.true")
    assert said(street.says(EXPERT, empty)) == word("ruling.truth")


def test_a_publisher_who_is_no_expert_rules_nothing(street: Street) -> None:
    matter = waiting(street)
    assert "专家" in said(street.presses(BOSS, f"case::settle.{matter.number}"))
    assert matter.owner_id is None


def test_cases_that_may_be_the_same_are_merged_by_a_button(street: Street) -> None:
    one, other = waiting(street, "今晚要停水"), waiting(street, "今晚不停水", SON_CHAT)
    shown = street.presses(EXPERT, f"case::show.{other.number}")
    merge = f"case::merge.{other.number}.{one.number}"
    assert word("cases.near", number=one.number, matter="今晚要停水") in said(shown)
    assert merge in buttons(shown)
    street.presses(EXPERT, merge)
    assert case.open_cases(street.session) == [one]
    assert [heard.case_id for heard in case.askers(street.session, one)] == [one.id, one.id]


def test_a_question_that_joined_wrongly_is_split_off_by_a_button(street: Street) -> None:
    matter = waiting(street)
    street.says(SON_CHAT, f"【转发】{NEWS}！！")
    wrong = case.askers(street.session, matter)[1]
    split = f"case::split.{matter.number}.{wrong.number}"
    assert split in buttons(street.presses(EXPERT, f"case::show.{matter.number}"))
    street.presses(EXPERT, split)
    assert wrong.case_id != matter.id
    assert wrong.state is State.WAITING


@pytest.mark.parametrize(
    "data",
    [
        *("case::", "case::take", "case::take.x", "case::show.99999", "case::nonsense.1"),
        *("case::merge.1.", "case::merge.1.x", "case::split.1.99999", "case::split.1.x"),
        *("case::verdict.1.x", "case::use.1.zz", "case::sign.1"),
    ],
)
def test_a_button_that_means_nothing_changes_nothing(street: Street, data: str) -> None:
    matter = waiting(street)
    street.presses(EXPERT, data.replace(".1", f".{matter.number}"))
    assert matter.settled_at is None
    assert matter.merged_id is None
    assert street.session.scalars(select(Fact).where(Fact.state == FactState.SIGNED)).all() == []


def test_staff_hear_of_the_queue_among_their_commands(street: Street) -> None:
    assert "/cases" in said(street.says(EXPERT, "/help"))
