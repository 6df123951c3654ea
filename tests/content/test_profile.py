from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from content import people, profile
from content.message import Kind, Spoken, Written
from content.people import Audience, Consent, Need
from content.profile import Profile
from content.store import Store
from tests.content import outbox
from tests.content.outbox import SOMEBODY


def _profile(own: tuple[Kind, ...] = (), contacts: tuple[Kind, ...] = (), *needs: Need) -> Profile:
    frail = bool(set(needs) & {Need.ELDERLY, Need.LIVES_ALONE})
    return Profile(frozenset(needs), Written.HANS, Spoken.MANDARIN, frail, own, contacts)


@pytest.fixture
def session(store: Store) -> Session:
    with store.begin() as opened:
        yield opened


def test_who_is_alike_is_counted_together(session: Session, now: datetime) -> None:
    for at in range(3):
        outbox.resident(session, now, mobile=f"+861380000000{at}")
    outbox.resident(session, now, chat="1", landlines=["+8621001", "+8621002", "+8621003"])
    outbox.resident(session, now, needs=[Need.ELDERLY])
    assert profile.count(session, Audience()) == {
        _profile((Kind.SMS, Kind.CALL)): 3,
        _profile((Kind.CHAT, Kind.CALL, Kind.CALL)): 1,
        _profile((), (), Need.ELDERLY): 1,
    }


def test_contacts_are_counted_by_kind_and_withdrawn_addresses_not_at_all(
    session: Session, now: datetime
) -> None:
    who = outbox.resident(session, now, chat="1")
    for rank in range(2):
        outbox.contact(session, who, f"+862100{rank}", now, rank)
    people.set_consent(session, Kind.CHAT, "1", Consent.WITHDRAWN, "chat", SOMEBODY, now)
    assert profile.count(session, Audience()) == {_profile((), (Kind.CALL, Kind.CALL)): 1}


def test_only_the_audience_is_counted(session: Session, now: datetime) -> None:
    outbox.resident(session, now, room="3-1-101")
    outbox.resident(session, now, room="4-1-101", written=Written.ENGLISH)
    found = profile.count(session, Audience(places=("/4/",)))
    assert [(who.written, many) for who, many in found.items()] == [(Written.ENGLISH, 1)]
