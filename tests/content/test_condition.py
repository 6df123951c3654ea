"""What a text must fulfil before it is kept, published, or published as an emergency."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import alert, draft, review
from content.alert import Color, Severity
from content.draft import Text
from content.message import Written
from content.people import Audience, Need
from content.task import Task, TaskKind
from tests.content.office import BODY, Office, published, through


def test_the_same_text_to_the_same_people_asks_first(
    session: Session, office: Office, now: datetime
) -> None:
    published(session, office, now)
    row = through(session, office, now)
    with pytest.raises(review.AskFirst, match="A1"):
        review.publish(session, office.publisher, row, now)
    assert review.publish(session, office.publisher, row, now, again=True).expected == 3


@pytest.mark.parametrize(
    "change",
    [
        {"audience": Audience(places=("/3/",))},
        {"status": alert.Status.EXERCISE},
        {"texts": {Written.HANS: Text("暴雨", "明晚8点停电。", "", "暴雨已经过去。")}},
    ],
)
def test_another_text_or_audience_asks_nothing(
    session: Session, office: Office, now: datetime, change: dict[str, Any]
) -> None:
    published(session, office, now)
    other = replace(office, draft=replace(office.draft, **change))
    assert published(session, other, now)[1].expected == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"expires": datetime(2026, 7, 20, 0, 59, tzinfo=UTC)}, "有效期已经过了"),
        ({"texts": {Written.ENGLISH: Text("Storm", "Stay in.")}}, "必须有简体中文"),
        ({"texts": {"fr": Text("Orage", "Restez.")}}, "不认识语言 fr"),
        ({"audience": Audience(needs=frozenset({Need.DEAF}))}, "这个范围里没有居民"),
        ({"audience": Audience(places=("/99/",))}, "没有这个地方：/99/"),
        ({"color": Color.BLUE}, "蓝色对应的级别是 Minor"),
    ],
)
def test_a_draft_that_could_never_be_told_is_refused(
    session: Session, office: Office, now: datetime, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(review.ReviewError, match=sentence):
        review.draft(session, office.author, replace(office.draft, **change), now)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (Text("", BODY, "", "过去了。"), "还缺标题或正文"),
        (Text("暴雨", " ", "", "过去了。"), "还缺标题或正文"),
        (Text("暴雨", BODY, "", ""), "还缺解除用语"),
    ],
)
def test_a_half_written_draft_is_kept_and_not_verified(
    session: Session, office: Office, now: datetime, text: Text, sentence: str
) -> None:
    half = replace(office.draft, texts={Written.HANS: text})
    row = review.draft(session, office.author, half, now)
    assert draft.read(session, row) == half
    with pytest.raises(review.ReviewError, match=sentence):
        review.verify(session, office.verifier, row, now)


def test_an_alert_that_expires_during_its_review_is_not_published(
    session: Session, office: Office, now: datetime
) -> None:
    row = through(session, office, now)
    with pytest.raises(review.ReviewError, match="有效期已经过了"):
        review.publish(session, office.publisher, row, now + timedelta(hours=6))


def test_an_emergency_takes_the_author_and_one_publisher_and_opens_a_task(
    session: Session, office: Office, now: datetime
) -> None:
    row = review.draft(session, office.author, office.draft, now)
    review.publish(session, office.publisher, row, now, emergency=True)
    task = session.scalars(select(Task).where(Task.kind == TaskKind.REVIEW)).one()
    assert (row.emergency, task.subject_id, task.done_at) == (True, row.id, None)
    review.review_afterwards(session, office.verifier, row, "属实", now)
    assert task.done_at == now


def test_an_emergency_is_extreme_and_immediate_and_not_the_authors(
    session: Session, office: Office, now: datetime
) -> None:
    calm = replace(office.draft, severity=Severity.SEVERE)
    row = review.draft(session, office.author, calm, now)
    with pytest.raises(review.ReviewError, match="才能紧急发布"):
        review.publish(session, office.publisher, row, now, emergency=True)
    row = review.draft(session, office.everything, office.draft, now)
    with pytest.raises(review.ReviewError, match="作者不能发布自己写的通知"):
        review.publish(session, office.everything, row, now, emergency=True)


def test_an_emergency_must_be_asked_for(session: Session, office: Office, now: datetime) -> None:
    row = review.draft(session, office.author, office.draft, now)
    with pytest.raises(review.ReviewError, match="还没有核实"):
        review.publish(session, office.publisher, row, now)
