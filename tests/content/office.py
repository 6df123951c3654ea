"""Staff, residents and a text to review, for the tests of the review."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import alert, identity, review
from content import store as stores
from content.alert import Revision, Severity, Stage, Urgency
from content.base import new_id
from content.draft import Draft, Text
from content.event import Actor, Door
from content.message import Written
from content.notice import Notice
from content.people import Resident
from content.place import Place, PlaceKind
from content.staff import Role

BODY = "今晚8点起3号楼停电。请不要外出。"
EVERY = (Role.AUTHOR, Role.VERIFIER, Role.EDITOR, Role.PUBLISHER)


@dataclass(frozen=True)
class Office:
    """One actor for each role, others who are strangers to the text, and the text."""

    author: Actor
    verifier: Actor
    editor: Actor
    publisher: Actor
    everything: Actor
    strangers: dict[Role, Actor]
    draft: Draft


def staffed(session: Session, now: datetime) -> Office:
    """Fill the community with one building, three residents and the staff."""
    here = stores.community(session)
    home = Place(
        community_id=here, id=new_id(), kind=PlaceKind.BUILDING, code="3", name="幸福苑", path="/3/"
    )
    session.add(home)
    for number, name in enumerate(("王奶奶", "李明", "赵静")):
        session.add(
            Resident(
                community_id=here, number=str(number), name=name, place_id=home.id, joined_at=now
            )
        )
    session.flush()

    def actor(*roles: Role) -> Actor:
        return Actor(Door.CLI, identity.add_staff(session, "某人", roles, now).id)

    text = Text("暴雨红色预警", BODY, "请待在家里。", "暴雨已经过去。")
    content = Draft(
        "暴雨",
        {Written.HANS: text},
        now + timedelta(hours=6),
        severity=Severity.EXTREME,
        urgency=Urgency.IMMEDIATE,
    )
    strangers = {role: actor(role) for role in Role}
    return Office(*(actor(role) for role in EVERY), actor(*EVERY), strangers, content)


def said(content: Draft, description: str, **fields: str) -> Draft:
    """The same draft with another Chinese text."""
    text = replace(content.texts[Written.HANS], description=description, **fields)
    return replace(content, texts={**content.texts, Written.HANS: text})


def through(session: Session, office: Office, now: datetime) -> Revision:
    """Take a draft as far as the publisher's desk."""
    row = review.draft(session, office.author, office.draft, now)
    review.verify(session, office.verifier, row, now)
    review.edit(session, office.editor, row, office.draft, now)
    return row


def published(session: Session, office: Office, now: datetime) -> tuple[Revision, Notice]:
    row = through(session, office, now)
    return row, review.publish(session, office.publisher, row, now)


def at_stage(session: Session, office: Office, stage: Stage, now: datetime) -> Revision:
    """A revision at each stage; what is published is so as an emergency, to be reviewed."""
    row = review.draft(session, office.author, office.draft, now)
    if stage is Stage.RETURNED:
        review.send_back(session, office.verifier, row, "写明原因", now)
    elif stage in (Stage.VERIFIED, Stage.EDITED):
        review.verify(session, office.verifier, row, now)
        if stage is Stage.EDITED:
            review.edit(session, office.editor, row, office.draft, now)
    elif stage is not Stage.DRAFT:
        review.publish(session, office.publisher, row, now, emergency=True)
    if stage is Stage.CANCELLED:
        review.cancel(session, office.publisher, of(session, row), now)
    if stage is Stage.SUPERSEDED:
        newer = review.update(session, office.author, of(session, row), office.draft, now)
        review.publish(session, office.publisher, newer, now, emergency=True)
    assert row.stage is stage
    return row


def of(session: Session, row: Revision) -> alert.Alert:
    return alert.get(session, row.alert_id)
