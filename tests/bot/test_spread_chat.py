"""A page about what spreads, and the draft of an alert behind its button."""

import uuid

import pytest
from sqlalchemy import select

from content import alert as alerts
from content import draft as drafts
from content import pager, phrase, task
from content.alert import Stage
from content.event import HOUSE
from content.message import Kind, Written
from content.notice import Notice, NoticeKind
from content.staff import Role
from content.task import Task, TaskKind
from tests.bot.street import CHATS, LI_CHAT, STRANGER, WATER, Street, buttons, said
from verification import trends
from verification.case import Heard
from verification.fact import Fact

AUTHOR = CHATS[Role.AUTHOR]


def paged(street: Street, about: uuid.UUID) -> str:
    """Page the author about a matter that spreads; return the ref of the page."""
    errand = task.add(street.session, TaskKind.TREND, HOUSE, street.now, subject_id=about)
    made = pager.page(street.session, errand, street.now)
    assert made is not None
    return street.send_to(made, street.staff[Role.AUTHOR].id, Kind.CHAT)  # type: ignore[arg-type]


def fact(street: Street) -> Fact:
    return street.session.scalars(select(Fact)).one()


def test_one_button_drafts_the_alert_and_shows_it_as_any_draft(street: Street) -> None:
    street.says(LI_CHAT, "听说水厂有人下毒，大家别喝自来水")
    ref = paged(street, fact(street).id)
    shown = street.presses(AUTHOR, f"task:{ref}:draft")
    (alert,) = alerts.recent(street.session)
    assert WATER.truth.rstrip("。") in said(shown)
    assert "3号楼" in said(shown)
    assert {f"staff::rework.{alert.code}", f"staff::submit.{alert.code}"} <= set(buttons(shown))
    assert street.session.scalars(select(Task)).one().taken_by == street.staff[Role.AUTHOR].id


def test_the_draft_goes_through_the_review_like_any_other(street: Street) -> None:
    ref = paged(street, fact(street).id)
    street.presses(AUTHOR, f"task:{ref}:draft")
    (alert,) = alerts.recent(street.session)
    street.presses(AUTHOR, f"staff::submit.{alert.code}")
    revision = alerts.current(street.session, alert)
    seen = drafts.read(street.session, revision).content_hash[:8]
    street.presses(CHATS[Role.VERIFIER], f"staff::verify.{alert.code}.{seen}")
    assert alerts.current(street.session, alert).stage is Stage.VERIFIED


def test_a_second_press_shows_the_same_draft(street: Street) -> None:
    ref = paged(street, fact(street).id)
    street.presses(AUTHOR, f"task:{ref}:draft")
    street.presses(AUTHOR, f"task:{ref}:draft")
    assert len(alerts.recent(street.session)) == 1


def test_an_open_case_is_drafted_as_being_checked(street: Street) -> None:
    street.says(LI_CHAT, "幸福里下个月要建地铁站了")
    heard = street.session.scalars(select(Heard)).one()
    assert heard.case_id is not None
    shown = said(street.presses(AUTHOR, f"task:{paged(street, heard.case_id)}:draft"))
    assert phrase.say("broadcast.checking", Written.HANS) in shown


@pytest.mark.parametrize("chat", [LI_CHAT, CHATS[Role.EXPERT]])
def test_who_may_not_write_alerts_gets_no_draft(street: Street, chat: str) -> None:
    ref = paged(street, fact(street).id)
    assert said(street.presses(chat, f"task:{ref}:draft"))
    assert alerts.recent(street.session) == []


def test_from_three_questions_to_a_draft_there_is_one_press(street: Street) -> None:
    for chat in (LI_CHAT, STRANGER, "1777"):
        street.says(chat, "听说水厂有人下毒，大家别喝自来水")
    (found,) = trends.watch(street.session, street.now)
    pager.call_out(street.session, street.now)
    page = street.session.scalars(select(Notice).where(Notice.kind == NoticeKind.PAGE)).one()
    ref = street.send_to(page, street.staff[Role.AUTHOR].id, Kind.CHAT)  # type: ignore[arg-type]
    assert (found.askers, found.buildings) == (3, ("/3/",))
    assert "3号楼" in said(street.presses(AUTHOR, f"task:{ref}:draft"))
