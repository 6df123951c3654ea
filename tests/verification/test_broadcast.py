"""From an answer to the draft of an alert for the buildings that ask."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from content import draft as drafts
from content import identity, place
from content.alert import ReviewError, Revision, Severity, Stage
from content.draft import Draft
from content.event import Actor, Door
from content.message import Written
from content.staff import Role
from content.store import Store
from tests.verification.conftest import WATER
from tests.verification.neighbours import asks, case_of, resident
from verification import broadcast, facts, joining
from verification.fact import Fact, Refused, Statement
from verification.trends import Subject


@dataclass
class Office:
    """Who writes, signs and publishes."""

    session: Session
    now: datetime
    author: Actor
    expert: Actor
    publisher: Actor

    def fact(self, statement: Statement = WATER) -> Fact:
        made = facts.draft(self.session, self.author, statement, self.now)
        facts.sign(self.session, made, self.expert, self.now)
        facts.publish(self.session, made, self.publisher, self.now)
        return made

    def drafted(self, subject: Subject, matter: uuid.UUID) -> Draft:
        return drafts.read(self.session, self.revision(subject, matter))

    def revision(self, subject: Subject, matter: uuid.UUID) -> Revision:
        return broadcast.draft(self.session, self.author, subject, matter, self.now)


@pytest.fixture
def office(store: Store, now: datetime) -> Iterator[Office]:
    with store.begin() as session:
        staff = [
            Actor(Door.CLI, identity.add_staff(session, f"{role}同事", [role], now).id)
            for role in (Role.AUTHOR, Role.EXPERT, Role.PUBLISHER)
        ]
        resident(session, 9, 909, now)
        yield Office(session, now, *staff)


def test_the_draft_tells_the_truth_first_then_verdict_and_source(office: Office) -> None:
    made = office.drafted(Subject.FACT, office.fact().id)
    text = made.texts[Written.HANS]
    assert text.body.startswith("自来水厂没有被投毒")
    assert "“自来水厂被人投毒，水不能喝了”这个说法：假" in text.description
    assert "来源：青禾市疾控中心" in text.description
    assert text.cancel_text


def test_a_truth_of_several_sentences_is_told_once_and_whole(office: Office) -> None:
    truth = "水没有问题。昨天已经检测！可以放心喝。"
    text = office.drafted(Subject.FACT, office.fact(replace(WATER, truth=truth)).id).texts[
        Written.HANS
    ]
    assert text.headline == "水没有问题"
    assert text.description.startswith("昨天已经检测！可以放心喝。")


def test_it_goes_to_the_buildings_that_asked(office: Office) -> None:
    fact = office.fact()
    for building in (3, 5):
        chat = resident(office.session, building, 101, office.now)
        asks(office.session, chat, office.now, fact=fact.id)
    made = office.drafted(Subject.FACT, fact.id)
    assert (made.audience.places, made.severity) == (("/3/", "/5/"), Severity.MINOR)


def test_many_buildings_of_a_grid_are_told_as_the_grid(office: Office) -> None:
    fact = office.fact()
    for building in (1, 2, 3, 4):
        place.ensure(office.session, f"{building}-1-101", grid="2网格")
        asks(
            office.session,
            resident(office.session, building, 101, office.now),
            office.now,
            fact=fact.id,
        )
    made = office.drafted(Subject.FACT, fact.id)
    assert place.named(office.session, made.audience.places) == ["2网格"]


def test_where_nobodys_home_is_known_everybody_is_told(office: Office) -> None:
    made = office.drafted(Subject.FACT, office.fact().id)
    assert (made.audience.places, made.severity) == ((), Severity.MODERATE)


def test_it_ends_with_the_last_day_of_the_fact(office: Office) -> None:
    today = office.now.date()
    made = office.drafted(Subject.FACT, office.fact(replace(WATER, valid_until=today)).id)
    assert made.expires == datetime.fromisoformat("2026-07-21T00:00:00+08:00")
    assert "有效到：2026年7月20日" in made.texts[Written.HANS].description


def test_an_open_case_is_told_as_being_checked_and_not_to_be_forwarded(office: Office) -> None:
    chat = resident(office.session, 3, 101, office.now)
    matter = case_of(office.session, asks(office.session, chat, office.now), office.now)
    made = office.drafted(Subject.CASE, matter.id)
    text = made.texts[Written.HANS]
    assert text.headline == "正在核实，请先不要转发"
    assert "水厂怎么了" in text.description
    assert made.audience.places == ("/3/",)


def test_a_settled_case_is_told_with_its_answer(office: Office) -> None:
    chat = resident(office.session, 3, 101, office.now)
    matter = case_of(office.session, asks(office.session, chat, office.now), office.now)
    matter.settled_at, matter.fact_id = office.now, office.fact().id
    made = office.drafted(Subject.CASE, matter.id)
    assert made.texts[Written.HANS].headline.startswith("自来水厂没有被投毒")


def test_a_case_that_went_into_another_is_told_as_that_one(office: Office) -> None:
    one, two = (
        case_of(office.session, asks(office.session, chat, office.now, text=text), office.now)
        for chat, text in (
            (resident(office.session, 3, 101, office.now), "水厂怎么了"),
            (resident(office.session, 5, 101, office.now), "地铁站要建了"),
        )
    )
    joining.merge(office.session, one, two, office.expert, office.now)
    made = office.drafted(Subject.CASE, one.id)
    assert "地铁站" in made.texts[Written.HANS].description
    assert made.audience.places == ("/3/", "/5/")


@pytest.mark.parametrize("until", [None, date(2026, 7, 19)])
def test_what_is_withdrawn_or_over_is_not_told(office: Office, until: date | None) -> None:
    fact = office.fact(replace(WATER, valid_until=until))
    if until is None:
        facts.withdraw(office.session, fact, office.expert, office.now)
    with pytest.raises(Refused, match="已撤回、过期"):
        office.drafted(Subject.FACT, fact.id)


def test_a_draft_that_is_on_its_way_is_not_made_twice(office: Office) -> None:
    fact = office.fact()
    first, second = (office.revision(Subject.FACT, fact.id) for _ in range(2))
    assert (first.id, first.stage) == (second.id, Stage.DRAFT)
    first.stage = Stage.PUBLISHED
    office.now += timedelta(hours=1)
    assert office.revision(Subject.FACT, fact.id).id != first.id


def test_only_who_may_write_alerts_drafts_one(office: Office) -> None:
    fact = office.fact()
    with pytest.raises(ReviewError):
        broadcast.draft(office.session, office.expert, Subject.FACT, fact.id, office.now)


def test_a_fact_goes_by_its_code_and_a_case_by_its_number(office: Office) -> None:
    fact = office.fact()
    heard = asks(office.session, resident(office.session, 3, 101, office.now), office.now)
    matter = case_of(office.session, heard, office.now)
    assert broadcast.named(office.session, fact.code) == (Subject.FACT, fact.id)
    assert broadcast.named(office.session, str(matter.number)) == (Subject.CASE, matter.id)
    with pytest.raises(Refused):
        broadcast.named(office.session, "nothing")
