"""What people do about an alert, and what a short word means."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from channels import sweep
from channels.base import Event, EventKind
from channels.base import State as State_
from content import closing, duty, identity, outcome, pager, people, phrase, task
from content import store as stores
from content.delivery import AttemptState, DeliveryState, Receipt
from content.event import Event as Event_
from content.message import Kind, Written
from content.notice import NoticeState
from content.people import Address, Consent, OwnerKind
from content.reason import Reason
from content.staff import Role
from content.task import Task, TaskKind
from tests.bot.street import GROUP, LI, LI_CHAT, SON_CHAT, STRANGER, WANG, Street, said
from verification import case
from verification.case import Heard, Question, State
from verification.fact import Fact


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def helped(street: Street) -> list[Task]:
    return [one for one in task.waiting(street.session) if one.kind is TaskKind.HELP]


@pytest.mark.parametrize("text", ["1", " 1。", "一", "收到", "好的谢谢", "OK", "👍"])
def test_a_short_reply_by_sms_confirms_without_an_answer(street: Street, text: str) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.SMS)
    assert street.texts(LI, text) == []
    assert street.delivery(made, street.li).reason is Reason.CONFIRMED_REPLY
    assert street.told(Kind.SMS, LI) == []


def test_a_short_reply_in_the_chat_confirms_and_is_thanked(street: Street) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.CHAT)
    assert said(street.says(LI_CHAT, "收到")) == word("confirm.received")
    assert street.delivery(made, street.li).state is DeliveryState.CONFIRMED
    assert said(street.says(LI_CHAT, "1")) == word("confirm.again")


def test_whoever_signs_with_a_name_of_that_number_confirms(street: Street) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.CHAT)
    street.says(LI_CHAT, "王奶奶收到")
    assert street.delivery(made, street.li).state is DeliveryState.OPEN
    street.says(LI_CHAT, "3-2-501李明收到")
    assert street.delivery(made, street.li).state is DeliveryState.CONFIRMED


def test_a_contact_may_sign_for_whom_they_stand_for(street: Street) -> None:
    made = street.publish()
    street.send(made, street.wang, Kind.CHAT, contact=True)
    assert said(street.says(SON_CHAT, "王奶奶已收到")) == word("confirm.received")


@pytest.mark.parametrize("text", ["收到，几点结束？", "收到的快递是真的吗", "1号楼也停电吗"])
def test_any_other_text_is_a_question_and_confirms_nothing(street: Street, text: str) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.CHAT)
    street.says(LI_CHAT, text)
    assert street.delivery(made, street.li).state is DeliveryState.OPEN
    assert len(street.told(Kind.CHAT, LI_CHAT)) == 1


def test_what_somebody_forwards_confirms_nothing(street: Street) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.CHAT)
    street.says(LI_CHAT, "收到", forwarded=True)
    assert street.delivery(made, street.li).state is DeliveryState.OPEN


@pytest.mark.parametrize("text", ["3", "求助", "需要帮助"])
def test_a_cry_for_help_confirms_opens_one_task_and_is_answered(street: Street, text: str) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.SMS)
    street.texts(LI, text)
    street.texts(LI, text)
    assert street.delivery(made, street.li).needs_help
    assert [one.resident_id for one in helped(street)] == [street.li.id]
    assert street.told(Kind.SMS, LI)[0].sms.startswith(word("confirm.help")[:4])


def test_who_has_confirmed_can_still_ask_for_help(street: Street) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.SMS)
    street.texts(LI, "1")
    street.texts(LI, "3")
    assert [one.resident_id for one in helped(street)] == [street.li.id]


def test_a_neighbour_who_asks_for_help_is_heard_when_no_notice_runs(street: Street) -> None:
    assert said(street.says(LI_CHAT, "3")) == word("confirm.help")
    assert [one.resident_id for one in helped(street)] == [street.li.id]


def test_a_stranger_who_asks_for_help_hears_whom_to_call(street: Street) -> None:
    assert word("emergency.general") in said(street.says(STRANGER, "求助"))
    assert helped(street) == []


@pytest.mark.parametrize("text", ["1", "收到", "2", "9", "OK"])
def test_with_nothing_to_confirm_the_chat_says_so(street: Street, text: str) -> None:
    assert said(street.says(LI_CHAT, text)) == word("confirm.nothing")


def test_with_nothing_to_confirm_an_sms_says_so_once_an_hour(street: Street) -> None:
    street.texts(LI, "收到")
    street.texts(LI, "好的")
    assert [one.sms for one in street.told(Kind.SMS, LI)] == [word("confirm.nothing")]


def shown(street: Street, kind: Kind, value: str) -> Heard:
    """Let the desk have asked back with a list of one fact."""
    session = street.session
    mine = next(one for *_, one in people.owners(session, kind, value))
    heard = case.record(session, Question("水厂的事是真的吗", mine, kind), "d", street.now)
    fact = session.scalars(select(Fact)).one()
    heard.state, heard.decision = State.ASKED_BACK, {"shown": [str(fact.id)]}
    session.flush()
    return heard


def test_two_machines_do_not_answer_each_other_for_ever(street: Street) -> None:
    for _ in range(20):
        street.texts(LI, "求助")
    assert [one.sms for one in street.told(Kind.SMS, LI)] == [word("confirm.help")] * 10


def test_a_number_chooses_from_the_list_that_was_shown_after_the_notice(street: Street) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.SMS)
    heard = shown(street, Kind.SMS, LI)
    street.texts(LI, "1")
    assert heard.state is State.ANSWERED
    assert street.delivery(made, street.li).state is DeliveryState.OPEN


@pytest.mark.parametrize("text", ["一", "选1", "1️⃣"])
def test_a_number_chooses_in_whatever_way_it_is_written(street: Street, text: str) -> None:
    heard = shown(street, Kind.SMS, LI)
    street.texts(LI, text)
    assert heard.state is State.ANSWERED


def test_a_number_confirms_the_notice_that_was_sent_after_the_list(street: Street) -> None:
    heard = shown(street, Kind.SMS, LI)
    street.now += timedelta(minutes=1)
    made = street.publish()
    street.send(made, street.li, Kind.SMS)
    street.texts(LI, "1")
    assert heard.state is State.ASKED_BACK
    assert street.delivery(made, street.li).state is DeliveryState.CONFIRMED


def test_received_in_words_is_never_a_choice(street: Street) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.SMS)
    heard = shown(street, Kind.SMS, LI)
    street.texts(LI, "收到")
    assert heard.state is State.ASKED_BACK
    assert street.delivery(made, street.li).state is DeliveryState.CONFIRMED


@pytest.mark.parametrize("text", ["0", "都不是"])
def test_none_of_the_list_opens_a_case(street: Street, text: str) -> None:
    heard = shown(street, Kind.SMS, LI)
    street.texts(LI, text)
    assert heard.state is State.WAITING


def test_a_number_beyond_the_list_is_no_question(street: Street) -> None:
    heard = shown(street, Kind.CHAT, LI_CHAT)
    assert said(street.says(LI_CHAT, "2")) == word("confirm.nothing")
    assert heard.state is State.ASKED_BACK


def test_a_button_confirms_once_and_says_so_again(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.li, Kind.CHAT)
    assert said(street.presses(LI_CHAT, f"received:{ref}")) == word("confirm.received")
    assert said(street.presses(LI_CHAT, f"received:{ref}")) == word("confirm.again")
    assert street.delivery(made, street.li).reason is Reason.CONFIRMED_BUTTON


def test_help_under_a_notice_that_is_over_still_brings_help(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.li, Kind.CHAT)
    closing.supersede(street.session, made.alert_id, NoticeState.CANCELLED, street.now)
    street.session.expire_all()
    assert said(street.presses(LI_CHAT, f"help:{ref}")) == word("confirm.help")
    assert [one.resident_id for one in helped(street)] == [street.li.id]


@pytest.mark.parametrize(
    ("state", "key"),
    [(NoticeState.SUPERSEDED, "confirm.stale"), (NoticeState.CANCELLED, "confirm.closed")],
)
def test_received_under_a_notice_that_is_over_confirms_nothing(
    street: Street, state: NoticeState, key: str
) -> None:
    made = street.publish()
    ref = street.send(made, street.li, Kind.CHAT)
    closing.supersede(street.session, made.alert_id, state, street.now)
    street.session.expire_all()
    assert said(street.presses(LI_CHAT, f"received:{ref}")) == word(key)
    assert street.delivery(made, street.li).confirmed_at is None


def test_nobody_presses_somebody_elses_button(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.li, Kind.CHAT)
    assert said(street.presses(STRANGER, f"received:{ref}")) == word("confirm.not_yours")
    assert street.delivery(made, street.li).state is DeliveryState.OPEN


def test_a_contact_who_confirms_is_asked_to_pass_it_on(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.wang, Kind.CHAT, contact=True)
    done = street.presses(SON_CHAT, f"received:{ref}")
    assert said(done) == word("confirm.passed_on", alone="王奶奶")
    assert street.delivery(made, street.wang).state is not DeliveryState.CONFIRMED


def test_key_1_confirms_and_key_3_asks_for_help_as_well(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.wang, Kind.CALL)
    street.keys(WANG, ref, "3")
    delivery = street.delivery(made, street.wang)
    assert (delivery.state, delivery.needs_help) == (DeliveryState.CONFIRMED, True)


@pytest.mark.parametrize("key", ["2", "9", "0", "#", "*"])
def test_other_keys_only_talk_to_the_script(street: Street, key: str) -> None:
    made = street.publish()
    ref = street.send(made, street.wang, Kind.CALL)
    street.keys(WANG, ref, key)
    assert street.delivery(made, street.wang).state is DeliveryState.OPEN


def test_key_1_of_who_calls_back_confirms_as_a_call_back(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.wang, Kind.CALL)
    street.keys(WANG, ref, "1", called=True)
    assert street.delivery(made, street.wang).reason is Reason.CONFIRMED_CALL_BACK


def test_a_confirmation_hangs_up_the_call_that_still_rings(street: Street) -> None:
    made = street.publish()
    street.send(made, street.li, Kind.SMS)
    ref = street.send(made, street.li, Kind.CALL)
    outcome.accepted(street.session, ref, "CA1", street.now)
    street.texts(LI, "1")
    street.session.flush()
    assert sweep.superfluous(street.session) == [("test_call", "CA1")]


def test_stop_by_sms_opts_the_number_out_and_start_in_again(street: Street) -> None:
    street.texts(LI, "TD")
    assert consents(street, Kind.SMS, LI) == {Consent.WITHDRAWN}
    street.texts(LI, "START")
    assert consents(street, Kind.SMS, LI) == {Consent.GRANTED}


def test_letters_that_opt_out_of_sms_are_only_letters_in_the_chat(street: Street) -> None:
    street.says(LI_CHAT, "TD")
    assert consents(street, Kind.CHAT, LI_CHAT) == {Consent.ASSUMED}


def test_stop_as_a_word_in_the_chat_opts_out_there(street: Street) -> None:
    assert said(street.says(LI_CHAT, "退订")) == word("join.stopped")
    assert consents(street, Kind.CHAT, LI_CHAT) == {Consent.WITHDRAWN}
    assert consents(street, Kind.SMS, LI) == {Consent.ASSUMED}


def test_blocking_the_bot_opts_out_and_taking_it_from_a_group_does_not(street: Street) -> None:
    street.hear(Kind.CHAT, Event(EventKind.BLOCKED, address=LI_CHAT, chat=GROUP, group=True))
    assert consents(street, Kind.CHAT, LI_CHAT) == {Consent.ASSUMED}
    street.hear(Kind.CHAT, Event(EventKind.BLOCKED, address=LI_CHAT))
    assert consents(street, Kind.CHAT, LI_CHAT) == {Consent.WITHDRAWN}


def test_a_receipt_that_comes_late_or_twice_changes_nothing(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.li, Kind.SMS)
    for state in (State_.DELIVERED, State_.SENT, State_.DELIVERED):
        street.hear(Kind.SMS, Event(EventKind.RECEIPT, ref=ref, provider_id="SM1", state=state))
    attempt = outcome.by_ref(street.session, ref)
    assert attempt is not None
    assert attempt.state is AttemptState.DELIVERED


def test_a_receipt_for_nothing_we_know_is_kept_and_harms_nothing(street: Street) -> None:
    unknown = Event(EventKind.RECEIPT, ref="ab" * 16, provider_id="SM9", state=State_.DELIVERED)
    assert street.hear(Kind.SMS, unknown) == []
    assert street.session.scalars(select(Receipt.provider_id)).all() == ["SM9"]


def test_key_1_on_a_page_takes_the_task_and_key_3_does_nothing(street: Street) -> None:
    worker = street.staff[Role.PUBLISHER].id
    assert worker is not None
    number = "+8613800000077"
    people.add_address(street.session, OwnerKind.STAFF, worker, Kind.CALL, number, street.now)
    duty.begin(street.session, worker, street.now, None, street.now)
    street.says(LI_CHAT, "求助")
    (errand,) = helped(street)
    made = pager.page(street.session, errand, street.now)
    assert made is not None
    ref = street.send_to(made, worker, Kind.CALL)
    street.keys(number, ref, "3")
    assert (errand.taken_by, len(helped(street))) == (None, 1)
    street.keys(number, ref, "1")
    assert errand.taken_by == worker


def consents(street: Street, kind: Kind, value: str) -> set[Consent]:
    street.session.expire_all()
    digest = stores.digest(street.session, value)
    found = select(Address.consent).where(Address.kind == kind, Address.digest == digest)
    return set(street.session.scalars(found))


def test_a_forged_caller_does_not_act_as_staff(street: Street) -> None:
    member = identity.add_staff(street.session, "网格员", [Role.GRID_WORKER], street.now).id
    people.add_address(street.session, OwnerKind.STAFF, member, Kind.CALL, WANG, street.now)
    made = street.publish()
    ref = street.send(made, street.wang, Kind.CALL)
    street.keys(WANG, ref, "1", called=True)
    told = street.session.scalars(select(Event_).where(Event_.kind == "delivery.confirmed")).one()
    assert told.actor_id != member
