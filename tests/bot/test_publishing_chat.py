"""What an expert has signed, in chat: the publisher is called, looks, publishes or sends back."""

from dataclasses import replace

import pytest

from content import notice, pager, phrase, task
from content.message import Kind, Written
from content.staff import Role
from tests.bot.street import CHATS, Street, buttons, said
from verification import facts, settlement
from verification.fact import Fact, FactState, Statement
from verification.index import Verdict

PUBLISHER = CHATS[Role.PUBLISHER]
PARCEL = Statement(
    claim="快递柜从下月起每件收费1元",
    truth="快递柜下月仍然免费，放满两天以后才收费。",
    verdict=Verdict.FALSE,
    source="街道办",
)


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


@pytest.fixture
def parcel(street: Street) -> Fact:
    """A fact that an expert has signed and nobody has published."""
    fact = facts.draft(street.session, street.staff[Role.AUTHOR], PARCEL, street.now, code="parcel")
    settlement.sign(street.session, [fact], street.staff[Role.EXPERT], street.now)
    return fact


def page(street: Street) -> str:
    """Send the page to the publisher; return the reference in its buttons."""
    (errand,) = task.waiting(street.session)
    made = pager.page(street.session, errand, street.now)
    assert made is not None
    return street.send_to(made, street.staff[Role.PUBLISHER].id, Kind.CHAT)  # type: ignore[arg-type]


@pytest.mark.usefixtures("parcel")
def test_the_page_shows_the_claim_and_offers_three_steps(street: Street) -> None:
    (errand,) = task.waiting(street.session)
    made = pager.page(street.session, errand, street.now)
    fields = notice.texts(street.session, made.id)[Written.HANS]
    assert all(part in fields["text"] for part in (word("page.publish"), PARCEL.claim))
    assert [step["value"] for step in fields["steps"]] == ["publish", "look", "return"]


def test_one_press_publishes(street: Street, parcel: Fact) -> None:
    done = street.presses(PUBLISHER, f"task:{page(street)}:publish")
    assert word("page.published", count=0) in said(done)
    assert parcel.state is FactState.PUBLISHED


def test_a_look_shows_all_that_residents_read(street: Street, parcel: Fact) -> None:
    done = said(street.presses(PUBLISHER, f"task:{page(street)}:look"))
    assert all(part in done for part in (PARCEL.claim, PARCEL.truth, PARCEL.source))
    assert parcel.waits


def test_a_second_press_publishes_nothing_twice(street: Street, parcel: Fact) -> None:
    ref = page(street)
    street.presses(PUBLISHER, f"task:{ref}:publish")
    done = street.presses(PUBLISHER, f"task:{ref}:publish")
    assert said(done) == word("page.publish_over")
    assert parcel.published == 1


def test_what_is_sent_back_waits_for_the_expert(street: Street, parcel: Fact) -> None:
    street.presses(PUBLISHER, f"task:{page(street)}:return")
    assert (parcel.state, parcel.signed) == (FactState.DRAFT, 0)


def test_an_expert_who_presses_is_told_why_not(street: Street, parcel: Fact) -> None:
    done = street.presses(CHATS[Role.EXPERT], f"task:{page(street)}:publish")
    assert "Only a publisher" in said(done)
    assert parcel.waits


@pytest.fixture
def clashing(street: Street) -> Fact:
    """A signed fact that says the opposite of the published one on the waterworks."""
    water = facts.current(street.session, facts.named(street.session, "water"))
    said = replace(PARCEL, claim=water.claim, verdict=Verdict.TRUE, truth="水确实有问题。")
    fact = facts.draft(street.session, street.staff[Role.AUTHOR], said, street.now, code="paper")
    settlement.sign(street.session, [fact], street.staff[Role.EXPERT], street.now)
    return fact


@pytest.mark.parametrize(
    ("step", "state"), [("beside", FactState.PUBLISHED), ("replace", FactState.WITHDRAWN)]
)
def test_a_contradiction_is_settled_under_its_refusal(
    street: Street, clashing: Fact, step: str, state: FactState
) -> None:
    asked = street.presses(PUBLISHER, f"task:{page(street)}:publish")
    assert clashing.waits
    (chosen,) = [data for data in buttons(asked) if f":{step}." in data]
    assert len(chosen) <= 64
    assert word("page.published", count=0) in said(street.presses(PUBLISHER, chosen))
    assert facts.named(street.session, "water").state is state


def test_who_may_not_publish_settles_no_contradiction(street: Street, clashing: Fact) -> None:
    asked = street.presses(PUBLISHER, f"task:{page(street)}:publish")
    said(street.presses(CHATS[Role.VERIFIER], buttons(asked)[0]))
    assert clashing.waits
    assert facts.linked(street.session, clashing) == []
