"""What is known of an alert: its events, its CAP references, what runs, who did what."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import alert, cap, review
from content.alert import Color, MsgType, Severity, Step
from content.draft import Draft
from content.event import Event
from tests.content.office import BODY, Office, of, published, said


def test_every_step_leaves_its_event_in_order(
    session: Session, office: Office, now: datetime
) -> None:
    row, _ = published(session, office, now)
    newer = review.update(session, office.author, of(session, row), office.draft, now)
    review.send_back(session, office.verifier, newer, "写明原因", now)
    review.edit(session, office.author, newer, office.draft, now)
    review.publish(session, office.publisher, newer, now, emergency=True)
    review.update(session, office.author, of(session, row), office.draft, now)
    review.cancel(session, office.publisher, of(session, row), now)
    query = select(Event.kind).where(Event.subject_id == row.alert_id).order_by(Event.id)
    assert [kind.removeprefix("alert.") for kind in session.scalars(query)] == [
        *("drafted", "verified", "edited", "published"),
        *("drafted", "returned", "drafted", "superseded", "published"),
        *("drafted", "dropped", "cancelled"),
    ]


def test_a_revision_is_a_cap_message_that_names_its_forerunners(
    session: Session, office: Office, now: datetime
) -> None:
    row, _ = published(session, office, now)
    review.cancel(session, office.publisher, of(session, row), now + timedelta(minutes=5))
    over = alert.current(session, of(session, row))
    assert (row.identifier, row.references, over.msg_type) == ("A1-1", "", MsgType.CANCEL)
    assert over.references == f"{cap.sender(session)},A1-1,2026-07-20T09:00:00+08:00"
    assert re.fullmatch(r"[^ ,<&]+", cap.sender(session))


def test_what_runs_is_known_by_code_and_by_severity(
    session: Session, office: Office, now: datetime
) -> None:
    first, _ = published(
        session,
        replace(office, draft=replace(said(office.draft, "小雨。"), severity=Severity.MINOR)),
        now,
    )
    second, _ = published(session, office, now)
    assert alert.running(session, now) == [second, first]
    assert alert.running(session, now + timedelta(hours=6)) == []
    assert alert.get(session, " a2 ").id == second.alert_id


@pytest.mark.parametrize(
    ("color", "severity"),
    [("红", "Extreme"), ("橙", "Severe"), ("黄", "Moderate"), ("蓝", "Minor")],
)
def test_a_colour_says_the_severity(now: datetime, color: str, severity: str) -> None:
    assert Draft("暴雨", {}, now, color=Color(color)).severity == severity


def test_an_approval_is_bound_to_the_whole_text(office: Office) -> None:
    same = replace(office.draft, texts=dict(office.draft.texts))
    assert same.content_hash == office.draft.content_hash
    assert Draft.from_snapshot(office.draft.snapshot) == office.draft
    assert said(office.draft, BODY + "。").content_hash != office.draft.content_hash


def test_the_audit_says_who_took_which_step(
    session: Session, office: Office, now: datetime
) -> None:
    row, _ = published(session, office, now)
    acts = [(act.step, act.staff_id) for act in alert.history(session, of(session, row))]
    steps = (Step.DRAFT, Step.VERIFY, Step.EDIT, Step.PUBLISH)
    people = (office.author, office.verifier, office.editor, office.publisher)
    assert acts == [(step, actor.id) for step, actor in zip(steps, people, strict=True)]


def test_utc_is_written_as_cap_demands(now: datetime) -> None:
    assert cap.instant(now, ZoneInfo("UTC")) == "2026-07-20T01:00:00-00:00"
    assert cap.instant(now, ZoneInfo("Asia/Shanghai")) == "2026-07-20T09:00:00+08:00"


def test_what_is_no_code_is_not_repeated_in_the_refusal(session: Session) -> None:
    with pytest.raises(review.ReviewError, match="没有编号为 A99 的通知"):
        alert.get(session, "a99")
    with pytest.raises(review.ReviewError) as refused:
        alert.get(session, "13800138000")
    assert "138" not in str(refused.value)
