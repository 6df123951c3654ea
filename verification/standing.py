"""Standing: whether a fact may be told today; what day it is where people ask."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content import store
from content.place import Community
from verification import facts
from verification.fact import Fact, FactState, FactVersion


def zone(session: Session) -> ZoneInfo:
    """Return the zone in which the community speaks of days."""
    mine = store.community(session)
    return ZoneInfo(session.get_one(Community, mine).zone)


def holds(session: Session, fact: Fact, now: datetime) -> bool:
    """Return whether a fact may be told today: published, and its time not over."""
    return fact.state is FactState.PUBLISHED and current(session, facts.current(session, fact), now)


def current(session: Session, version: FactVersion, now: datetime) -> bool:
    """Return whether the time of what a version says is not over."""
    until = version.valid_until
    return until is None or now.astimezone(zone(session)).date() <= until
