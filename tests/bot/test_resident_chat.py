"""Residents in the chat: codes, consent, language, needs; to stop, and to be forgotten."""

import pytest
from sqlalchemy import func, select

from content import identity, people, phrase, place
from content.message import Kind, Written
from content.people import Address, Consent, Need, OwnerKind, Resident
from content.staff import Role
from tests.bot.street import CHATS, LI_CHAT, STRANGER, Street, buttons, said
from verification.case import Heard


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def building_code(street: Street) -> str:
    home = place.ensure(street.session, "3-2-501")
    at = place.Tree(street.session)
    building = next(one for one in at.above(at.get(home.id)) if one.kind == "building")
    return identity.building_code(street.session, building.id, street.now)


def registered(street: Street) -> Resident:
    """Let the stranger register with the building's code, up to the language."""
    (yes, _no) = buttons(street.says(STRANGER, f"/start {building_code(street)}"))
    street.presses(STRANGER, yes)
    (_, who, _) = people.owners(street.session, Kind.CHAT, STRANGER)[-1]
    return street.session.get_one(Resident, (street.wang.community_id, who))


def questions(street: Street) -> int:
    return street.session.scalar(select(func.count()).select_from(Heard)) or 0


def test_a_buildings_code_makes_an_unverified_resident_after_consent(street: Street) -> None:
    asked = street.says(STRANGER, f"/start {building_code(street)}")
    assert said(asked) == word("join.consent")
    assert people.owners(street.session, Kind.CHAT, STRANGER) == []
    street.presses(STRANGER, buttons(asked)[0])
    [(kind, who, _)] = people.owners(street.session, Kind.CHAT, STRANGER)
    assert kind is OwnerKind.RESIDENT
    assert not street.session.get_one(Resident, (street.wang.community_id, who)).verified


def test_who_does_not_agree_is_not_registered(street: Street) -> None:
    (_yes, no) = buttons(street.says(STRANGER, f"/start {building_code(street)}"))
    assert said(street.presses(STRANGER, no)).strip() == word("join.consent_no")
    assert people.owners(street.session, Kind.CHAT, STRANGER) == []


def test_language_and_needs_are_chosen_with_buttons(street: Street) -> None:
    resident = registered(street)
    street.presses(STRANGER, "join::lang.hant")
    street.presses(STRANGER, "join::need.deaf")
    street.presses(STRANGER, "join::need.blind")
    street.presses(STRANGER, "join::need.blind")
    assert (resident.written, resident.needs) == (Written.HANT, frozenset({Need.DEAF}))
    assert "登記好了" in said(street.presses(STRANGER, "join::need.done"))


def test_a_personal_code_links_the_chat_to_the_imported_person(street: Street) -> None:
    code = identity.resident_code(street.session, street.wang.id, street.now)
    (yes, _no) = buttons(street.says(STRANGER, f"/start {code}"))
    assert word("join.linked") in said(street.presses(STRANGER, yes))
    owners = people.owners(street.session, Kind.CHAT, STRANGER)
    assert [who for _, who, _ in owners] == [street.wang.id]


def test_a_personal_code_works_once(street: Street) -> None:
    code = identity.resident_code(street.session, street.wang.id, street.now)
    street.presses(STRANGER, f"join::yes.{code}")
    assert said(street.says("1998", f"/start {code}")) == word("join.wrong_code")


@pytest.mark.parametrize(
    "typed",
    [
        lambda code: code.lower(),
        lambda code: f" {code[:4]} {code[4:]} ",
        lambda code: f"{code[:3]}-{code[3:]}",
        lambda code: "".join(chr(ord(one) + 0xFEE0) for one in code),
    ],
    ids=["lower", "blanks", "dash", "full-width"],
)
def test_a_code_is_read_as_people_type_it(street: Street, typed: object) -> None:
    code = identity.resident_code(street.session, street.wang.id, street.now)
    asked = street.says(STRANGER, typed(code))  # type: ignore[operator]
    assert said(asked) == word("join.consent")
    assert len(buttons(asked)[0].encode()) <= 64


@pytest.mark.parametrize("text", ["AB23-CD45", "ab2 3cd", "Ａ２Ｂ３Ｃ４Ｄ５Ｅ６"])
def test_a_wrong_code_is_no_rumor(street: Street, text: str) -> None:
    assert said(street.says(STRANGER, text)) == word("join.wrong_code")
    assert questions(street) == 0


def test_after_start_whatever_has_a_digit_is_taken_as_a_code(street: Street) -> None:
    assert word("join.welcome", community="幸福里社区") == said(street.says(STRANGER, "/start"))
    assert said(street.says(STRANGER, "O0O0")) == word("join.wrong_code")


@pytest.mark.parametrize("text", ["is 5G safe", "COVID-19", "hello there", "停水3天是真的吗"])
def test_a_strangers_question_is_no_code(street: Street, text: str) -> None:
    street.says(STRANGER, text)
    assert questions(street) == 1


def test_five_wrong_codes_an_hour_are_enough_even_before_a_right_one(street: Street) -> None:
    code = building_code(street)
    for _ in range(5):
        street.says(STRANGER, "/start 222222")
    assert said(street.says(STRANGER, f"/start {code}")) == word("join.too_many", minutes=60)
    assert said(street.says("1998", f"/start {code}")) == word("join.consent")


def test_an_invitation_binds_a_member_of_staff(street: Street) -> None:
    boss = street.staff[Role.VERIFIER].id
    assert boss is not None
    code = identity.invite(street.session, boss, street.now)
    assert "/lessons" in said(street.says(STRANGER, f"/start {code}"))
    assert identity.by_chat(street.session, STRANGER) is not None
    assert identity.by_chat(street.session, CHATS[Role.VERIFIER]) is None


def test_stop_ends_messages_and_start_begins_them_again(street: Street) -> None:
    assert said(street.says(LI_CHAT, "/stop")) == word("join.stopped")
    assert consent(street) is Consent.WITHDRAWN
    assert said(street.says(LI_CHAT, "/start")) == word("join.already")
    assert consent(street) is Consent.GRANTED


def test_forget_asks_first(street: Street) -> None:
    (yes, no) = buttons(street.says(LI_CHAT, "/forget"))
    assert word("join.forget_kept") in said(street.presses(LI_CHAT, no))
    assert consent(street) is Consent.ASSUMED
    assert yes == "forget::yes"


def test_a_forgotten_chat_is_gone_and_the_imported_person_stays_listed(street: Street) -> None:
    street.says(LI_CHAT, "小区要拆迁了")
    assert word("join.forgotten") in said(street.presses(LI_CHAT, "forget::yes"))
    street.session.expire_all()
    assert people.owners(street.session, Kind.CHAT, LI_CHAT) == []
    assert street.session.scalars(select(Heard)).one().text == ""
    assert (street.li.name, street.li.erased_at) == ("李明", None)


def test_who_came_by_a_buildings_code_is_erased_with_the_chat(street: Street) -> None:
    resident = registered(street)
    street.presses(STRANGER, "forget::yes")
    street.session.refresh(resident)
    assert resident.erased_at == street.now


@pytest.mark.parametrize("command", ["/help", "/unknown", "/启动", "/"])
def test_an_unknown_command_says_what_there_is(street: Street, command: str) -> None:
    assert said(street.says(LI_CHAT, command)) == word("join.help")


def consent(street: Street) -> Consent:
    street.session.expire_all()
    [(_, _, mine)] = people.owners(street.session, Kind.CHAT, LI_CHAT)
    return street.session.get_one(Address, (street.wang.community_id, mine)).consent
