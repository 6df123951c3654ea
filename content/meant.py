"""Whom a notice is for: its frozen audience, and everyone who was tried about what it replaces."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    exists,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from content import people, store
from content.delivery import Attempt, Delivery
from content.notice import Notice, NoticeState
from content.people import Address, Audience, Contact, Resident
from content.place import Place

_FLYING = timedelta(minutes=10)
"""A claim that had begun when a notice replaced another has long ended after so much clock time."""


def members(session: Session, notice: Notice, *columns: Any, at_once: bool = False) -> Select[Any]:
    """Return the query for the residents; `at_once` where nothing of it is left for later."""
    frozen = notice.audience or {}
    wanted: list[ColumnElement[bool]] = []
    if frozen.get("audience") is not None:
        audience = Audience.from_json(frozen["audience"])
        wanted.append(_within(session, audience, at_once=at_once))
    if earlier := _earlier(session, notice):
        wanted += [_tried(earlier, Resident), _contact_was_tried(earlier)]
    return (
        select(*columns)
        .select_from(Resident)
        .where(Resident.community_id == store.community(session), Resident.erased_at.is_(None))
        .where(or_(*wanted))
    )


def ids(
    session: Session, audience: Audience, replaces: uuid.UUID | None = None
) -> Select[uuid.UUID] | CompoundSelect[uuid.UUID]:
    """Return the query for the residents whom a notice would be for, before there is one.

    replaces: the alert of which it would be an update.
    """
    meant = people.select(session, audience)
    if not (earlier := _notices(session, replaces) if replaces else []):
        return meant
    here = Resident.community_id == store.community(session)
    tried = or_(_tried(earlier, Resident), _contact_was_tried(earlier))
    return meant.union(select(Resident.id).where(here, Resident.erased_at.is_(None), tried))


def contacts(session: Session, notice: Notice) -> ColumnElement[bool]:
    """Say which contacts of these residents are told beside them.

    Those who are always told together with the resident; and whoever was told of what the notice
    replaces, in the resident's place too: they may be on their way.
    """
    told: list[Any] = []
    if (notice.audience or {}).get("audience") is not None:
        told.append(people.is_told_with)
    if earlier := _earlier(session, notice):
        told += [_tried(earlier, Contact), _tried_for(earlier)]
    return or_(*told)


def may_have_contacts(session: Session, notice: Notice, after: uuid.UUID, until: uuid.UUID) -> bool:
    """Say, by an index alone, whether it is worth looking for `contacts` of a stretch of residents.

    Few are told at once; what replaces another looks for all who were tried.
    """
    if (notice.audience or {}).get("touched"):
        return True
    query = (
        select(literal(1))
        .where(Contact.community_id == store.community(session), people.is_told_with)
        .where(Contact.resident_id > after, Contact.resident_id <= until)
        .limit(1)
    )
    return session.scalar(query) is not None


def left_out(session: Session, now: datetime) -> list[uuid.UUID]:
    """Return the expanded notices of the last minutes that somebody who was tried has missed.

    On PostgreSQL a claim may have begun before they replaced another, and committed after they had
    looked who was tried.
    """
    query = select(Notice).where(
        Notice.community_id == store.community(session),
        Notice.state == NoticeState.LIVE,
        Notice.cursor.is_(None),
        Notice.made_at > now - _FLYING,
        Notice.audience.is_not(None),
    )
    return [
        one.id
        for one in session.scalars(query)
        if (one.audience or {}).get("touched")
        and session.scalar(members(session, one, literal(1)).where(~has(one)).limit(1))
    ]


def has(notice: Notice) -> ColumnElement[bool]:
    """Say whether a resident has a delivery of the notice."""
    return exists().where(
        Delivery.community_id == notice.community_id,
        Delivery.notice_id == notice.id,
        Delivery.recipient_id == Resident.id,
    )


def _within(session: Session, audience: Audience, *, at_once: bool) -> ColumnElement[bool]:
    """Say whether a resident belongs to the audience.

    All at once they are found by their places. For stretches each is looked at in the order of ids:
    with a list of places SQLite would begin, and sort everybody for each chunk.
    """
    if at_once or not audience.places:
        meant = people.select(session, audience).whereclause
        return true() if meant is None else meant
    anywhere = people.select(session, replace(audience, places=())).whereclause
    within = (Place.path.startswith(path, autoescape=True) for path in audience.places)
    home = (Place.community_id == Resident.community_id, Place.id == Resident.place_id)
    there = exists(select(literal(1)).where(*home, or_(*within)))
    return there if anywhere is None else and_(anywhere, there)


def _earlier(session: Session, notice: Notice) -> list[uuid.UUID]:
    """Return the notices that this one replaces; none where it is the first of its alert."""
    touched = (notice.audience or {}).get("touched")
    found = _notices(session, uuid.UUID(touched)) if touched else []
    return [one for one in found if one != notice.id]


def _notices(session: Session, alert_id: uuid.UUID) -> list[uuid.UUID]:
    query = select(Notice.id).where(
        Notice.community_id == store.community(session), Notice.alert_id == alert_id
    )
    return list(session.scalars(query))


def _tried(notices: list[uuid.UUID], recipient: Any) -> ColumnElement[bool]:
    """Say whether there is any attempt for this recipient, unknown outcomes included."""
    return exists(
        select(literal(1))
        .where(Attempt.community_id == recipient.community_id)
        .where(Attempt.notice_id.in_(notices), Attempt.recipient_id == recipient.id)
    )


def _contact_was_tried(notices: list[uuid.UUID]) -> ColumnElement[bool]:
    """Say whether a contact of the resident was tried in a delivery of their own.

    Not by a join, which may begin with all that was ever tried, for each resident.
    """
    theirs = aliased(Contact)
    whose = (theirs.community_id == Resident.community_id, theirs.resident_id == Resident.id)
    return exists(select(literal(1)).where(*whose, _tried(notices, theirs)))


def _tried_for(notices: list[uuid.UUID]) -> ColumnElement[bool]:
    """Say whether the contact was tried in the resident's place."""
    theirs = and_(
        Address.community_id == Resident.community_id,
        Address.id == Attempt.address_id,
        Address.owner_id == Contact.id,
    )
    return exists(
        select(literal(1))
        .select_from(Attempt)
        .join(Address, theirs)
        .where(Attempt.community_id == Resident.community_id)
        .where(Attempt.notice_id.in_(notices), Attempt.recipient_id == Resident.id)
    )
