"""The desk: answers what a signed fact settles, takes down the rest, leaves nobody in silence."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from content.guard import Limits
from content.message import Kind, Written
from content.notice import NoticeKind
from content.store import Store
from content.task import Task, TaskKind
from verification import case, desk, facts, shelf
from verification.case import Attachment, Heard, Question, State
from verification.fact import FactVariant, Refused, Statement, VariantState

RUMOR = "自来水厂被人投毒，水不能喝了"
NEWS = "听说下周三小区要拆掉所有电动车棚"
Told = Callable[[uuid.UUID, NoticeKind], list[dict[str, object]]]
Ask = Callable[..., desk.Reply]


def tasks(store: Store, kind: TaskKind) -> list[Task]:
    with store.read() as session:
        return list(session.scalars(select(Task).where(Task.kind == kind)))


@pytest.mark.usefixtures("water")
def test_a_known_rumor_is_answered_with_the_truth(cast: Any, ask: Ask, told: Told) -> None:
    reply = ask(RUMOR, cast.wang)
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    assert reply.state is State.ANSWERED
    assert (answer["verdict"], answer["source"]) == ("false", "青禾市疾控中心")


@pytest.mark.usefixtures("water")
def test_the_reversed_rumor_is_not_answered(cast: Any, ask: Ask) -> None:
    reply = ask("自来水厂没有被人投毒，水能喝", cast.wang)
    assert reply.state is not State.ANSWERED


def test_a_new_question_becomes_a_case_with_a_number(cast: Any, ask: Ask, told: Told) -> None:
    reply = ask(NEWS, cast.wang)
    (receipt,) = told(cast.wang, NoticeKind.CASE)
    assert reply.state is State.WAITING
    assert receipt["number"] == str(reply.number)


@pytest.mark.parametrize("text", ["你好", "！！！"])
def test_who_asks_by_phone_is_not_told_to_send_anything(
    cast: Any, ask: Ask, told: Told, text: str
) -> None:
    ask(text, cast.wang, channel=Kind.CALL)
    (said,) = told(cast.wang, NoticeKind.REPLY)
    assert [word for word in ("发给", "转发", "打出来") if word in str(said["text"])] == []
    assert "问" in str(said["text"])


def test_everyone_who_asks_the_same_joins_one_case(store: Store, cast: Any, ask: Ask) -> None:
    first, second = ask(NEWS, cast.wang), ask(f"{NEWS}！！转发给家人", cast.li)
    assert second.number == first.number
    assert len(tasks(store, TaskKind.CASE)) == 1


def test_the_experts_task_names_the_number_and_the_matter(
    store: Store, cast: Any, ask: Ask
) -> None:
    reply = ask(NEWS, cast.wang)
    (task,) = tasks(store, TaskKind.CASE)
    assert task.note == f"编号{reply.number}：{NEWS}"


def test_the_denial_of_an_open_question_is_another_case(cast: Any, ask: Ask) -> None:
    first, second = ask(NEWS, cast.wang), ask("听说下周三小区不拆电动车棚了", cast.li)
    assert second.number != first.number


def test_an_emergency_is_warned_and_paged_and_still_taken_down(
    store: Store, cast: Any, ask: Ask, told: Told
) -> None:
    reply = ask("3号楼着火了，快来人", cast.wang)
    (warning,) = told(cast.wang, NoticeKind.REPLY)
    assert "119" in str(warning["text"])
    assert tasks(store, TaskKind.EMERGENCY)[0].urgent
    assert reply.state is State.WAITING


def test_an_emergency_that_is_only_heard_of_pages_with_less_haste(
    store: Store, cast: Any, ask: Ask
) -> None:
    ask("听说3号楼着火了是真的吗", cast.wang)
    assert [task.urgent for task in tasks(store, TaskKind.EMERGENCY)] == [False]


def test_a_request_for_service_is_a_task_and_no_case(store: Store, cast: Any, ask: Ask) -> None:
    reply = ask("我家楼道的灯坏了，麻烦派人来修一下", cast.wang)
    assert reply.state is State.REPLIED
    assert len(tasks(store, TaskKind.SERVICE)) == 1
    assert tasks(store, TaskKind.CASE) == []


def test_abuse_hears_one_calm_sentence_and_is_no_case(
    store: Store, cast: Any, ask: Ask, told: Told
) -> None:
    assert ask("你们这帮废物，滚", cast.wang).state is State.REPLIED
    assert len(told(cast.wang, NoticeKind.REPLY)) == 1
    assert tasks(store, TaskKind.CASE) == []


@pytest.mark.parametrize("text", ["你好", "谢谢你", "", "   "])
def test_a_greeting_gets_a_short_reply(text: str, cast: Any, ask: Ask, told: Told) -> None:
    ask(text, cast.wang)
    assert len(told(cast.wang, NoticeKind.REPLY)) == 1


@pytest.mark.parametrize(
    "text", ["\u200b", "🎉" * 50, "？？？", "a" * 9000, "转发转发\x00", "坏字\ud800"]
)
def test_whatever_is_sent_hears_something(text: str, cast: Any, ask: Ask) -> None:
    assert len(ask(text, cast.wang).notices) == 1


def test_a_photo_becomes_a_case_with_the_attachment(
    store: Store, cast: Any, ask: Ask, told: Told
) -> None:
    reply = ask("", cast.wang, attachment=Attachment("photo", "file-1", "unique-1", b"\x89PNG"))
    with store.read() as session:
        (kept,) = case.files(session, case.numbered(session, reply.number))
    assert (kept.kind, kept.reference) == ("photo", "file-1")
    assert len(told(cast.wang, NoticeKind.CASE)) == 1


@pytest.mark.usefixtures("water")
def test_a_long_letter_is_answered_point_by_point(cast: Any, ask: Ask, told: Told) -> None:
    filler = "下周三小区要拆掉所有电动车棚，请各位业主把自己的电动车都推走，不然后果自负，居委会门口还会收停车费。"
    reply = ask(f"{filler}{RUMOR}。{filler * 2}", cast.wang)
    (answer,) = told(cast.wang, NoticeKind.ANSWER)
    outcomes = {(part["outcome"], part["verdict"]) for part in answer["parts"]}
    assert outcomes == {("answer", "false"), ("case", "")}
    assert reply.state is State.WAITING


@pytest.mark.usefixtures("cast", "water")
def test_a_group_reads_an_answer_but_never_a_list(ask: Ask) -> None:
    reply = ask("", None, group=True, quoted=RUMOR)
    assert "自来水厂没有被投毒" in reply.group_text
    assert reply.notices == ()


@pytest.mark.usefixtures("cast")
def test_a_group_reads_that_an_unknown_matter_is_being_checked(ask: Ask) -> None:
    reply = ask("", None, group=True, quoted=NEWS)
    assert reply.group_text == "正在核实，请先不要转发。"


@pytest.mark.usefixtures("water")
def test_the_asker_from_a_group_is_answered_in_private(
    store: Store, base: shelf.Base, cast: Any, ask: Ask, told: Told, now: datetime
) -> None:
    asked = ask(RUMOR, None, group=True)
    with store.begin() as session:
        desk.again(session, base, asked.question_id, cast.li, now)
    assert len(told(cast.li, NoticeKind.ANSWER)) == 1


def test_two_robots_do_not_talk_for_ever(cast: Any, ask: Ask, now: datetime) -> None:
    most = Limits().chat
    sent = [bool(ask("你好", cast.wang, at=now).notices) for _ in range(most + 3)]
    assert sent == [True] * most + [False] * 3
    assert ask("你好", cast.wang, at=now + timedelta(hours=2)).notices


def test_what_comes_too_fast_is_still_taken_down(cast: Any, ask: Ask) -> None:
    for _ in range(Limits().chat):
        ask("你好", cast.wang)
    assert ask(NEWS, cast.wang).state is State.WAITING


def test_a_fact_past_its_day_answers_nobody(
    store: Store, cast: Any, ask: Ask, statement: Callable[..., Statement], now: datetime
) -> None:
    with store.begin() as session:
        fact = facts.draft(session, cast.author, statement(valid_until=date(2026, 7, 20)), now)
        facts.sign(session, fact, cast.expert, now)
        facts.publish(session, fact, cast.publisher, now)
    assert ask(RUMOR, cast.wang, at=now).state is State.ANSWERED
    assert ask(RUMOR, cast.wang, at=now + timedelta(days=1)).state is not State.ANSWERED


@pytest.mark.usefixtures("water")
def test_a_choice_is_answered_and_proposes_a_variant(
    store: Store, cast: Any, ask: Ask, choose: Callable[..., desk.Reply], told: Told
) -> None:
    asked = ask("自来水厂怎么了", cast.wang)
    assert asked.state is State.ASKED_BACK
    assert choose(asked, "1").state is State.ANSWERED
    assert told(cast.wang, NoticeKind.ANSWER)[-1]["truth"]
    with store.read() as session:
        proposed = select(FactVariant).where(FactVariant.state == VariantState.PROPOSED)
        assert len(list(session.scalars(proposed))) == 1


@pytest.mark.usefixtures("told", "water")
def test_choosing_twice_says_nothing_twice(
    cast: Any,
    ask: Ask,
    choose: Callable[..., desk.Reply],
) -> None:
    asked = ask("自来水厂怎么了", cast.wang)
    choose(asked, "1")
    assert choose(asked, "1").notices == ()


@pytest.mark.usefixtures("water")
def test_none_of_these_opens_a_case(
    cast: Any, ask: Ask, choose: Callable[..., desk.Reply], told: Told
) -> None:
    asked = ask("自来水厂怎么了", cast.wang)
    assert choose(asked, "none").state is State.WAITING
    assert len(told(cast.wang, NoticeKind.CASE)) == 1


@pytest.mark.parametrize(
    ("word", "state"), [("1", State.ANSWERED), ("0", State.WAITING), ("都不是", State.WAITING)]
)
@pytest.mark.usefixtures("water")
def test_a_bare_number_chooses_among_what_was_shown(
    word: str, state: State, cast: Any, ask: Ask
) -> None:
    asked = ask("自来水厂怎么了", cast.wang, channel=Kind.SMS)
    reply = ask(word, cast.wang, channel=Kind.SMS)
    assert (reply.question_id, reply.state) == (asked.question_id, state)


@pytest.mark.usefixtures("water")
def test_a_number_that_was_not_shown_is_a_question(cast: Any, ask: Ask) -> None:
    asked = ask("自来水厂怎么了", cast.wang)
    assert ask("3", cast.wang).question_id != asked.question_id


@pytest.mark.usefixtures("water")
def test_an_answer_that_was_not_meant_opens_a_case(
    cast: Any, ask: Ask, choose: Callable[..., desk.Reply]
) -> None:
    assert choose(ask(RUMOR, cast.wang), "none").state is State.WAITING


@pytest.mark.usefixtures("water")
def test_a_choice_that_was_not_shown_is_refused(
    cast: Any, ask: Ask, choose: Callable[..., desk.Reply]
) -> None:
    asked = ask("自来水厂怎么了", cast.wang)
    with pytest.raises(Refused):
        choose(asked, "7")


def test_a_question_that_cannot_be_judged_is_a_case(
    store: Store, cast: Any, told: Told, now: datetime
) -> None:
    with store.begin() as session:
        desk.take(session, Question(NEWS, cast.wang), now)
    assert len(told(cast.wang, NoticeKind.CASE)) == 1


def test_identity_numbers_are_never_stored_and_phones_are_masked_for_staff(
    store: Store, cast: Any, ask: Ask
) -> None:
    reply = ask(f"{NEWS}，身份证11010519491231002X，电话13800138000", cast.wang)
    with store.read() as session:
        heard = case.get(session, reply.question_id)
        shown = case.numbered(session, reply.number).matter
    assert "11010519491231002X" not in heard.text
    assert "13800138000" not in shown


@pytest.mark.usefixtures("told")
def test_a_question_is_answered_in_the_askers_language(
    store: Store,
    cast: Any,
    ask: Ask,
) -> None:
    reply = ask("thank you", cast.wang, language=Written.ENGLISH, channel=Kind.SMS)
    with store.read() as session:
        from content.notice import texts

        said = texts(session, reply.notices[0])
    assert set(said) == {Written.HANS, Written.ENGLISH}


@pytest.mark.usefixtures("water")
def test_every_question_is_written_down(store: Store, cast: Any, ask: Ask) -> None:
    for text in (RUMOR, NEWS, "你好"):
        ask(text, cast.wang)
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Heard)) == 3
