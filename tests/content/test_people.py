import uuid
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import bare, people
from content import store as database
from content.event import HOUSE, Event
from content.message import Kind, Written
from content.number import NumberError
from content.people import Audience, Consent, Contact, Need, OwnerKind, Resident
from content.place import Place, PlaceKind
from content.store import Store

MOBILE = "+8613800138000"


def a_place(session: Session, path: str) -> uuid.UUID:
    place = Place(
        community_id=database.community(session),
        kind=PlaceKind.BUILDING,
        code=path.strip("/").split("/")[-1],
        name=path,
        path=path,
    )
    session.add(place)
    session.flush()
    return place.id


@pytest.fixture
def live(now: datetime) -> Callable[..., uuid.UUID]:
    """Make a resident at a place path."""

    def make(session: Session, path: str, *needs: Need, **more: object) -> uuid.UUID:
        resident = Resident(
            community_id=database.community(session),
            name="王奶奶",
            place_id=a_place(session, path),
            needs=frozenset(needs),
            joined_at=now,
            **more,
        )
        session.add(resident)
        session.flush()
        return resident.id

    return make


def test_an_empty_audience_means_everybody_who_is_not_erased(
    store: Store, now: datetime, live: Callable[..., uuid.UUID]
) -> None:
    with store.begin() as session:
        here = live(session, "/1/")
        live(session, "/2/", erased_at=now)
        assert list(session.scalars(people.select(session, Audience()))) == [here]


def test_a_place_means_everybody_below_it_and_not_its_namesakes(
    store: Store, live: Callable[..., uuid.UUID]
) -> None:
    with store.begin() as session:
        ours = live(session, "/3/2/501/")
        live(session, "/30/2/501/")
        live(session, "/_/2/501/")
        found = list(session.scalars(people.select(session, Audience(("/3/", "/4/")))))
        assert found == [ours]
        assert people.count(session, Audience(("/_/",))) == 1


def test_needs_and_languages_narrow_an_audience(
    store: Store, live: Callable[..., uuid.UUID]
) -> None:
    with store.begin() as session:
        live(session, "/1/", Need.DEAF)
        live(session, "/2/", Need.ELDERLY, Need.BLIND, written=Written.ENGLISH)
        assert people.count(session, Audience(needs=frozenset({Need.DEAF, Need.BLIND}))) == 2
        assert people.count(session, Audience(languages=frozenset({Written.ENGLISH}))) == 1


def test_who_needs_time_or_help_comes_first(store: Store, live: Callable[..., uuid.UUID]) -> None:
    with store.begin() as session:
        live(session, "/1/", Need.NO_SMARTPHONE)
        frail = live(session, "/2/", Need.LIVES_ALONE)
        order = select(Resident.id, people.vulnerable).order_by(people.vulnerable)
        assert session.execute(order).first() == (frail, 0)


def test_an_audience_survives_json() -> None:
    audience = Audience(("/3/",), frozenset({Need.DEAF}), frozenset({Written.HANT}))
    assert Audience.from_json(audience.to_json()) == audience


def test_adding_an_address_twice_adds_it_once(store: Store, now: datetime) -> None:
    owner = uuid.uuid4()
    with store.begin() as session:
        first = people.add_address(session, OwnerKind.RESIDENT, owner, Kind.SMS, MOBILE, now)
        again = people.add_address(session, OwnerKind.RESIDENT, owner, Kind.SMS, MOBILE, now)
        assert first == again
        assert people.value(session, first) == MOBILE


def test_addresses_come_by_rank_and_do_not_show_the_number(store: Store, now: datetime) -> None:
    owner = uuid.uuid4()
    with store.begin() as session:
        for rank, kind in ((2, Kind.SMS), (1, Kind.CALL)):
            people.add_address(session, OwnerKind.RESIDENT, owner, kind, MOBILE, now, rank=rank)
        found = people.addresses(session, [owner])[owner]
        assert [view.kind for view in found] == [Kind.CALL, Kind.SMS]
        assert MOBILE not in repr(found)


def test_an_opt_out_holds_for_everybody_who_shares_the_number(store: Store, now: datetime) -> None:
    first, second, third = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    with store.begin() as session:
        for owner in (first, second):
            people.add_address(session, OwnerKind.RESIDENT, owner, Kind.SMS, MOBILE, now)
        withdrawn = people.set_consent(
            session, Kind.SMS, MOBILE, Consent.WITHDRAWN, "sms", HOUSE, now
        )
        people.add_address(session, OwnerKind.CONTACT, third, Kind.SMS, MOBILE, now)
        views = people.addresses(session, [first, second, third])
        assert withdrawn == 2
        assert {view.consent for [view] in views.values()} == {Consent.WITHDRAWN}


def test_a_change_of_consent_is_an_event_without_the_number(store: Store, now: datetime) -> None:
    with store.begin() as session:
        people.add_address(session, OwnerKind.RESIDENT, uuid.uuid4(), Kind.SMS, MOBILE, now)
        people.set_consent(session, Kind.SMS, MOBILE, Consent.GRANTED, "sms", HOUSE, now)
    with store.read() as session:
        [event] = session.scalars(select(Event))
        assert event.kind == "consent.granted"
        assert MOBILE[3:] not in str(event.data)


def test_a_number_nobody_owns_stands_for_itself(store: Store, now: datetime) -> None:
    with store.begin() as session:
        mine = bare.address(session, Kind.SMS, MOBILE, now)
        assert bare.address(session, Kind.SMS, MOBILE, now) == mine
        assert people.owners(session, Kind.SMS, MOBILE) == [(OwnerKind.BARE, mine, mine)]


def test_contacts_come_by_rank(store: Store, live: Callable[..., uuid.UUID]) -> None:
    with store.begin() as session:
        resident = live(session, "/1/")
        for rank, name in ((2, "王强"), (1, "王芳")):
            session.add(
                Contact(community_id=store.community_id, resident_id=resident, name=name, rank=rank)
            )
        session.flush()
        found = people.contacts(session, [resident])[resident]
        assert [contact.name for contact in found] == ["王芳", "王强"]
        assert "王" not in repr(found)


@pytest.mark.parametrize(
    ("text", "e164", "mobile"),
    [
        ("138 0013 8000", "+8613800138000", True),
        ("１３８００１３８０００", "+8613800138000", True),
        ("+86 138-0013-8000", "+8613800138000", True),
        ("010-62345678", "+861062345678", False),
        ("(0755) 8234 5678", "+8675582345678", False),
        ("+852 9123 4567", "+85291234567", True),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, e164: str, mobile: bool) -> None:
    assert people.number(text, "CN") == people.Number(e164, mobile)


@pytest.mark.parametrize("text", ["12345", "62345678", "无", "1380013800", "010-62345678转801"])
def test_a_number_that_cannot_be_dialled_is_refused_without_naming_it(text: str) -> None:
    with pytest.raises(NumberError) as refused:
        people.number(text, "CN")
    assert text not in str(refused.value)
