"""The demo's community can be imported, spoken to and asked; it copies nobody's data."""

import dataclasses
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rapidfuzz import fuzz

from bot.demo import community, script
from content import clarity, number, roster, sheet, wording
from content.event import Actor
from content.message import Spoken, Written
from content.notice import NoticeKind
from content.people import Need, Role
from content.phrase import say
from content.render import render
from content.segment import measure
from content.store import Store
from verification import exchange, match
from verification.index import FactView, Index, Verdict
from verification.match import Outcome

PEOPLE = community.residents()
ENTRIES, BAD = exchange.read(script.facts().splitlines())
NOW = datetime(2026, 8, 3, 9, 40, tzinfo=UTC)
RAIN = script.rain(NOW)
NEITHER = {Verdict.PARTLY, Verdict.DEPENDS, Verdict.UNCONFIRMED, Verdict.OUTDATED}


@pytest.fixture(scope="module")
def index() -> Index:
    base = Index()
    for entry in ENTRIES:
        said = entry.statement
        base.add(FactView(entry.code, said.claim, said.variants, said.truth, said.verdict))
    return base


def test_the_roster_passes_the_real_import(store: Store, now: datetime) -> None:
    lines = sheet.parse(community.roster().encode())
    with store.begin() as session:
        report = roster.load(session, lines, now, Actor("cli"))
    assert (report.added, report.erased) == (300, 0)


def test_the_same_seed_gives_the_same_people() -> None:
    assert community.roster() == community.roster()
    assert community.roster(1) != community.roster(2)


def test_there_are_three_grids_twelve_buildings_and_300_residents() -> None:
    assert len({person.grid for person in PEOPLE}) == 3
    assert Counter(person.building for person in PEOPLE) == dict.fromkeys(
        (building for buildings in community.GRIDS.values() for building in buildings), 25
    )


def test_about_a_quarter_are_elderly_with_landlines() -> None:
    old = [person for person in PEOPLE if Need.ELDERLY in person.needs]
    assert 60 <= len([person for person in old if person.landline]) <= 90
    assert all(person.chat is None for person in old)


@pytest.mark.parametrize("need", Need)
def test_every_need_occurs(need: Need) -> None:
    assert sum(need in person.needs for person in PEOPLE) >= 3


def test_there_are_english_and_traditional_readers_and_people_without_any_phone() -> None:
    written = Counter(person.written for person in PEOPLE)
    assert written["英文"] >= 3
    assert written["繁体"] >= 3
    silent = [p for p in PEOPLE if not (p.mobile or p.landline or p.chat)]
    assert 2 <= len(silent) <= 15
    assert any(not person.contact[0] for person in silent)


def test_numbers_are_valid_to_read_and_lie_where_nobody_is() -> None:
    numbers = [n for p in PEOPLE for n in (p.mobile, p.landline, p.contact[2]) if n]
    numbers += [community.DUTY_PHONE, *(member.mobile for member in community.STAFF)]
    read = [number.read(one, "CN") for one in numbers]
    assert [one for one in read if not re.match(r"\+86(172|5711)", one.e164)] == []
    assert all(one.mobile == one.e164.startswith("+86172") for one in read)


def test_chats_and_mobiles_are_of_one_person_each() -> None:
    chats = [p.chat for p in PEOPLE if p.chat] + [member.chat for member in community.STAFF]
    mobiles = [p.mobile for p in PEOPLE if p.mobile] + [m.mobile for m in community.STAFF]
    assert len(set(chats)) == len(chats)
    assert len(set(mobiles)) == len(mobiles)


def test_eight_staff_need_one_role_each() -> None:
    roles = Counter(member.role for member in community.STAFF)
    assert len(community.STAFF) == 8
    assert set(roles) == set(Role) - {Role.ADMIN}
    grids = {member.grid for member in community.STAFF if member.role is Role.GRID_WORKER}
    assert grids == set(community.GRIDS)


def test_the_facts_are_whole_and_enough() -> None:
    assert BAD == []
    assert len(ENTRIES) >= 60
    assert all(2 <= len(entry.statement.variants) <= 4 for entry in ENTRIES)
    assert all(e.statement.source and e.statement.expert and e.statement.date for e in ENTRIES)
    assert all(entry.statement.truth.endswith("。") for entry in ENTRIES)


def test_about_a_fifth_of_the_verdicts_are_neither_true_nor_false() -> None:
    share = sum(entry.statement.verdict in NEITHER for entry in ENTRIES) / len(ENTRIES)
    assert 0.15 <= share <= 0.25
    assert {entry.statement.verdict for entry in ENTRIES} >= NEITHER


def test_every_wording_finds_its_own_fact(index: Index) -> None:
    missed = [
        text
        for entry in ENTRIES
        for text in (entry.statement.claim, *entry.statement.variants)
        if [one.fact.id for one in match.decide(text, index).candidates][:1] != [entry.code]
    ]
    assert missed == []


def test_the_rumor_is_answered_its_reverse_is_not_and_the_new_one_is_a_case(index: Index) -> None:
    talk = script.talk()
    known = match.decide(talk.forwarded, index)
    assert (known.outcome, known.candidates[0].fact.id) == (Outcome.ANSWER, talk.fact)
    assert match.decide(talk.reversed, index).outcome is not Outcome.ANSWER
    assert match.decide(talk.new, index).outcome is Outcome.CASE


def test_the_settlement_is_a_fact_that_answers_the_new_rumor(index: Index) -> None:
    said = exchange.parse(script.settlement())
    index.add(FactView("new", said.claim, said.variants, said.truth, said.verdict))
    found = match.decide(script.talk().new, index)
    index.remove("new")
    assert [one.fact.id for one in found.candidates] == ["new"]


@pytest.mark.parametrize("language", [Written.HANS, Written.ENGLISH])
def test_rework_changes_one_number_and_the_edit_only_wording(language: Written) -> None:
    wrong, right, edited = (
        texts[language].typed for texts in (RAIN.wrong, RAIN.right, RAIN.edited)
    )
    assert len(wording.changed(wrong, right)) == 1
    assert wording.changed(right, edited) == []
    assert right != edited


@pytest.mark.parametrize("hour", [0, 9, 15, 20, 23])
def test_the_warning_is_for_the_hours_that_follow(hour: int) -> None:
    rain = script.rain(NOW.replace(hour=hour))
    words = [words for texts in (rain.edited, rain.update) for words in texts.values()]
    assert rain.expires < rain.update_expires
    assert [text for one in words for text in dataclasses.astuple(one) if "{" in text] == []


@pytest.mark.parametrize("language", [Written.HANS, Written.ENGLISH])
def test_the_warning_is_plain_and_takes_few_sms(language: Written) -> None:
    for words in (RAIN.edited[language], RAIN.update[language]):
        fields = dataclasses.asdict(words) | {
            "sender": community.SENDER,
            "phone": community.DUTY_PHONE,
        }
        message = render(NoticeKind.ALERT, fields, language, Spoken.MANDARIN)
        assert measure(message.sms).segments <= 4
        assert clarity.check(words.typed, language) == []


def test_every_verdict_of_the_facts_has_its_word() -> None:
    words = {say(f"verdict.{entry.statement.verdict}", Written.HANS) for entry in ENTRIES}
    assert words == {"假", "真", "部分失实", "分情况", "尚无定论", "已过时"}


def test_no_claim_is_taken_from_the_evaluation_data(shared: Path) -> None:
    lines = (shared / "data/zh_community/facts.jsonl").read_text(encoding="utf-8").splitlines()
    theirs = [text for row in map(json.loads, lines) for text in (row["title"], *row["variants"])]
    ours = [text for e in ENTRIES for text in (e.statement.claim, *e.statement.variants)]
    near = [(one, other) for one in ours for other in theirs if fuzz.ratio(one, other) > 62]
    assert near == []
