"""The review's rules through `content.review`, on a real store."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import alert, draft, identity, review
from content import store as stores
from content.alert import Revision, Severity, Stage, Urgency
from content.base import new_id
from content.draft import Text
from content.event import Actor, Door, Event
from content.message import Written
from content.notice import Notice, texts
from content.people import Audience
from content.place import Community
from content.staff import Role
from tests.content.office import BODY, Office, at_stage, of, published, said, through


def test_three_people_publish_one_text(session: Session, office: Office, now: datetime) -> None:
    row = through(session, office, now)
    made = review.publish(session, office.publisher, row, now)
    assert row.stage is Stage.PUBLISHED
    assert made.expected == 3
    assert (
        texts(session, made.id)[Written.HANS]["description"] == "今晚8点起3号楼停电。请不要外出。"
    )


Act = Callable[[Session, Actor, Revision, datetime], Any]
DOORS: dict[str, Act] = {
    "verify": review.verify,
    "edit": lambda session, actor, row, now: review.edit(
        session, actor, row, draft.read(session, row), now
    ),
    "send_back": lambda session, actor, row, now: review.send_back(session, actor, row, "改", now),
    "publish": review.publish,
    "cancel": lambda session, actor, row, now: review.cancel(session, actor, of(session, row), now),
    "review": lambda session, actor, row, now: review.review_afterwards(
        session, actor, row, "", now
    ),
}
REVIEWERS = {Role.VERIFIER, Role.EDITOR, Role.PUBLISHER}
MAY: dict[tuple[Stage, str], set[Role]] = {
    (Stage.DRAFT, "verify"): {Role.VERIFIER},
    (Stage.DRAFT, "edit"): {Role.AUTHOR},
    (Stage.DRAFT, "send_back"): REVIEWERS,
    (Stage.RETURNED, "edit"): {Role.AUTHOR},
    (Stage.VERIFIED, "edit"): {Role.EDITOR},
    (Stage.VERIFIED, "send_back"): REVIEWERS,
    (Stage.EDITED, "edit"): {Role.EDITOR},
    (Stage.EDITED, "send_back"): REVIEWERS,
    (Stage.EDITED, "publish"): {Role.PUBLISHER},
    (Stage.PUBLISHED, "publish"): {Role.PUBLISHER},
    (Stage.PUBLISHED, "cancel"): {Role.PUBLISHER},
    (Stage.PUBLISHED, "review"): {Role.VERIFIER, Role.PUBLISHER},
    (Stage.SUPERSEDED, "cancel"): {Role.PUBLISHER},
    (Stage.SUPERSEDED, "review"): {Role.VERIFIER, Role.PUBLISHER},
    (Stage.CANCELLED, "cancel"): {Role.PUBLISHER},
    (Stage.CANCELLED, "review"): {Role.VERIFIER, Role.PUBLISHER},
}
"""Publishing or cancelling what is so already changes nothing; a Cancel ends the newest revision."""


@pytest.mark.parametrize(("stage", "door"), list(itertools.product(Stage, DOORS)))
def test_each_door_opens_for_its_role_at_its_stage(
    session: Session, office: Office, now: datetime, stage: Stage, door: str
) -> None:
    row = at_stage(session, office, stage, now)
    passed = set()
    for role, actor in office.strangers.items():
        trial = session.begin_nested()
        try:
            DOORS[door](session, actor, row, now)
            passed.add(role)
        except review.ReviewError:
            pass
        trial.rollback()
    assert passed == MAY.get((stage, door), set())


@pytest.mark.parametrize("four", [False, True])
@pytest.mark.parametrize(
    ("before", "after", "of_three", "of_four"),
    [
        ("author", "verify", False, False),
        ("author", "edit", True, False),
        ("author", "publish", False, False),
        ("author", "cancel", False, False),
        ("verifier", "edit", True, False),
        ("verifier", "publish", False, False),
        ("verifier", "cancel", True, True),
        ("editor", "publish", True, False),
        ("publisher", "cancel", True, True),
    ],
)
def test_one_person_with_every_role_takes_only_some_steps(
    session: Session,
    office: Office,
    now: datetime,
    before: str,
    after: str,
    of_three: bool,
    of_four: bool,
    four: bool,
) -> None:
    session.get_one(Community, stores.community(session)).reviewers = 4 if four else 3
    office = replace(office, **{before: office.everything})
    stage = {"verify": Stage.DRAFT, "edit": Stage.VERIFIED, "publish": Stage.EDITED}
    if after == "cancel":
        row, _ = published(session, office, now)
    else:
        row = at_stage(session, office, stage[after], now)
    if of_four if four else of_three:
        assert DOORS[after](session, office.everything, row, now) is not None
    else:
        with pytest.raises(review.ReviewError, match="自己"):
            DOORS[after](session, office.everything, row, now)


def test_the_author_is_refused_with_one_sentence(
    session: Session, office: Office, now: datetime
) -> None:
    row = review.draft(session, office.author, office.draft, now)
    with pytest.raises(review.ReviewError, match=r"^作者不能核实自己写的通知。"):
        review.verify(session, office.author, row, now)


def test_only_staff_who_are_still_here_review(
    session: Session, office: Office, now: datetime
) -> None:
    row = review.draft(session, office.author, office.draft, now)
    identity.leave(session, office.verifier.id, now)
    for actor in (office.verifier, Actor(Door.HOUSE), Actor(Door.CHAT, new_id())):
        with pytest.raises(review.ReviewError, match="工作人员本人"):
            review.verify(session, actor, row, now)


def test_an_edit_of_the_wording_stays_verified(
    session: Session, office: Office, now: datetime
) -> None:
    row = at_stage(session, office, Stage.VERIFIED, now)
    softer = said(office.draft, "各位邻居：今晚八点起，三号楼停电。请勿外出。")
    assert review.edit(session, office.editor, row, softer, now) == []
    assert row.stage is Stage.EDITED


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("今晚8点起4号楼停电。请不要外出。", "「3号楼」改成了「4号楼」"),
        ("今晚9点起3号楼停电。请不要外出。", "「晚8点」改成了「晚9点」"),
        ("明晚8点起3号楼停电。请不要外出。", "「今」改成了「明」"),
        ("今晚8点起3号楼停电。请外出。", "删了「不要」"),
        ("今晚8点起幸福苑3号楼停电。请不要外出。", "加了「幸福苑」"),
        ("今晚8点起3号楼停电3小时。请不要外出。", "加了「3小时」"),
    ],
)
def test_an_edit_of_a_fact_goes_back_and_names_the_word(
    session: Session, office: Office, now: datetime, words: str, named: str
) -> None:
    row = at_stage(session, office, Stage.EDITED, now)
    back = review.edit(session, office.editor, row, said(office.draft, words), now)
    assert row.stage is Stage.DRAFT
    assert [line.split("，")[0] for line in back] == [named]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"severity": Severity.MINOR}, "级别变了"),
        ({"urgency": Urgency.FUTURE}, "紧急程度变了"),
        ({"expires": datetime(2026, 7, 21, tzinfo=UTC)}, "有效期变了"),
        ({"audience": Audience(places=("/3/",))}, "发送范围变了"),
        ({"status": alert.Status.EXERCISE}, "真实或演练变了"),
        ({"event": "台风"}, "事件变了"),
    ],
)
def test_an_edit_beyond_wording_goes_back(
    session: Session, office: Office, now: datetime, change: dict[str, Any], named: str
) -> None:
    row = at_stage(session, office, Stage.VERIFIED, now)
    back = review.edit(session, office.editor, row, replace(office.draft, **change), now)
    assert row.stage is Stage.DRAFT
    assert named in back[0]


def test_a_new_language_or_another_cancel_text_is_verified(
    session: Session, office: Office, now: datetime
) -> None:
    row = at_stage(session, office, Stage.VERIFIED, now)
    english = {**office.draft.texts, Written.ENGLISH: Text("Storm", "Stay in.", "", "It is over.")}
    back = review.edit(session, office.editor, row, replace(office.draft, texts=english), now)
    assert "en 文本有增减" in back[0]
    row = at_stage(session, office, Stage.VERIFIED, now)
    other = said(office.draft, BODY, cancel_text="暴雨没有过去。")
    assert "「没有」" in review.edit(session, office.editor, row, other, now)[0]


def test_edits_are_measured_against_the_verified_text_not_the_last_one(
    session: Session, office: Office, now: datetime
) -> None:
    row = at_stage(session, office, Stage.VERIFIED, now)
    review.edit(
        session, office.editor, row, said(office.draft, "今晚8点3号楼停电。请勿外出。"), now
    )
    assert any("请勿外出" in line for line in review.difference(session, row))
    review.edit(session, office.editor, row, office.draft, now)
    assert review.difference(session, row) == []


def test_who_changed_a_fact_may_neither_verify_nor_publish_it(
    session: Session, office: Office, now: datetime
) -> None:
    row = at_stage(session, office, Stage.VERIFIED, now)
    changed = said(office.draft, "今晚8点起4号楼停电。请不要外出。")
    review.edit(session, office.everything, row, changed, now)
    with pytest.raises(review.ReviewError, match="作者不能核实自己写的通知"):
        review.verify(session, office.everything, row, now)
    review.verify(session, office.verifier, row, now)
    review.edit(session, office.editor, row, changed, now)
    with pytest.raises(review.ReviewError, match="作者不能发布自己写的通知"):
        review.publish(session, office.everything, row, now)


def test_an_approval_does_not_cover_a_text_changed_behind_it(
    session: Session, office: Office, now: datetime
) -> None:
    row = through(session, office, now)
    draft.write(session, row, said(office.draft, "今晚8点起4号楼停电。"))
    with pytest.raises(review.ReviewError, match="在审核以后被改过"):
        review.publish(session, office.publisher, row, now)


def test_a_return_tells_the_author_why(session: Session, office: Office, now: datetime) -> None:
    row = at_stage(session, office, Stage.VERIFIED, now)
    with pytest.raises(review.ReviewError, match="退回要写明原因"):
        review.send_back(session, office.publisher, row, " ", now)
    review.send_back(session, office.publisher, row, "请写明几点来电", now)
    assert alert.history(session, of(session, row))[-1].reason == "请写明几点来电"
    assert review.edit(session, office.author, row, office.draft, now) == []


def test_two_clicks_publish_once(session: Session, office: Office, now: datetime) -> None:
    row, first = published(session, office, now)
    second = review.publish(session, office.publisher, row, now + timedelta(seconds=1))
    assert second.id == first.id
    assert len(session.scalars(select(Notice)).all()) == 1
    assert [
        event.kind
        for event in session.scalars(select(Event).where(Event.kind == "alert.published"))
    ] == ["alert.published"]


def test_a_text_changed_while_it_was_read_is_neither_verified_nor_published(
    session: Session, office: Office, now: datetime
) -> None:
    row = review.draft(session, office.author, office.draft, now)
    seen = office.draft.content_hash[:12]
    review.edit(session, office.author, row, said(office.draft, "今晚8点起4号楼停电。"), now)
    with pytest.raises(review.ReviewError, match="请再看一遍"):
        review.verify(session, office.verifier, row, now, seen=seen)
    review.edit(session, office.author, row, office.draft, now)
    assert review.verify(session, office.verifier, row, now, seen=seen).stage is Stage.VERIFIED
