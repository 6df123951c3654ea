import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import identity, people
from content import store as database
from content.event import HOUSE, Event
from content.identity import IdentityError
from content.message import Kind, Written
from content.people import Consent, Need, OwnerKind, Resident
from content.place import Place, PlaceKind
from content.staff import Credential, Role, Staff
from content.store import Store

CHAT = "700100200"


def a_worker(session: Session, now: datetime, *roles: Role) -> Staff:
    return identity.add_staff(session, "陈敏", roles or (Role.AUTHOR,), now)


def a_building(session: Session, code: str = "3") -> uuid.UUID:
    place = Place(
        community_id=database.community(session),
        kind=PlaceKind.BUILDING,
        code=code,
        name=f"{code}号楼",
        path=f"/{code}/",
    )
    session.add(place)
    session.flush()
    return place.id


def an_imported(session: Session, now: datetime) -> uuid.UUID:
    resident = Resident(
        community_id=database.community(session),
        number="R1",
        name="王奶奶",
        place_id=a_building(session, "8"),
        joined_at=now,
    )
    session.add(resident)
    session.flush()
    return resident.id


def test_a_token_proves_who_holds_it(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        token = identity.token(session, worker.id, now)
        assert identity.by_token(session, token, now) is worker
        assert identity.by_token(session, token[:-1] + "~", now) is None


def test_a_new_token_ends_the_old_one(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        old = identity.token(session, worker.id, now)
        identity.token(session, worker.id, now)
        assert identity.by_token(session, old, now) is None


@pytest.mark.parametrize(
    "text", ["", "lx__", "lx_1_2", "lx_" + "z" * 32 + "_x", "Bearer", "lx_" + "０" * 32 + "_x"]
)
def test_a_malformed_token_is_nobody(store: Store, now: datetime, text: str) -> None:
    with store.read() as session:
        assert identity.by_token(session, text, now) is None


def test_only_hashes_of_secrets_are_kept(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        secrets = {
            identity.token(session, worker.id, now).split("_", 2)[2],
            identity.invite(session, worker.id, now),
        }
        session.flush()
        kept = list(session.scalars(select(Credential.hash)))
        assert len(kept) == len(secrets)
        assert not any(secret in held for secret in secrets for held in kept)


def test_roles_can_be_changed_and_end_with_leaving(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now, Role.AUTHOR, Role.EXPERT)
        identity.set_roles(session, worker.id, {Role.EDITOR}, now)
        assert identity.roles(session, worker.id) == {Role.EDITOR}
        identity.leave(session, worker.id, now)
        assert identity.roles(session, worker.id) == frozenset()


def test_a_missing_role_is_refused_with_its_name(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        with pytest.raises(IdentityError, match="publisher"):
            identity.require(session, worker.id, Role.PUBLISHER)


def test_who_leaves_loses_token_and_chat(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        token = identity.token(session, worker.id, now)
        identity.bind(session, identity.invite(session, worker.id, now), CHAT, now)
        identity.leave(session, worker.id, now)
        assert identity.by_token(session, token, now) is None
        assert identity.by_chat(session, CHAT) is None


def test_an_invitation_binds_one_account_once(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        code = identity.invite(session, worker.id, now)
        typed = f" {code[:5].lower()}-{code[5:]} "
        assert identity.bind(session, typed, CHAT, now) is worker
        assert identity.bind(session, code, "999", now) is None
        assert identity.by_chat(session, CHAT) is worker


def test_an_invitation_lasts_48_hours(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        code = identity.invite(session, worker.id, now)
        late = now + timedelta(hours=48)
        assert identity.bind(session, code, CHAT, late) is None


def test_one_account_cannot_be_two_members_of_staff(store: Store, now: datetime) -> None:
    with store.begin() as session:
        first, second = a_worker(session, now), a_worker(session, now)
        identity.bind(session, identity.invite(session, first.id, now), CHAT, now)
        assert identity.bind(session, identity.invite(session, second.id, now), CHAT, now) is None
        assert identity.by_chat(session, CHAT) is first


def test_a_buildings_code_makes_an_unverified_resident_of_the_building(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        an_imported(session, now)
        building = a_building(session)
        code = identity.building_code(session, building, now)
        done = identity.redeem(session, code, CHAT, now)
        assert not done.verified
        resident = session.get_one(Resident, (store.community_id, done.owner_id))
        assert (resident.place_id, resident.verified) == (building, False)


def test_a_buildings_code_twice_makes_one_resident(store: Store, now: datetime) -> None:
    with store.begin() as session:
        code = identity.building_code(session, a_building(session), now)
        first = identity.redeem(session, code, CHAT, now)
        assert identity.redeem(session, code, CHAT, now) == first
        assert people.count(session, people.Audience()) == 1


def test_a_code_for_a_home_is_refused(store: Store, now: datetime) -> None:
    with store.begin() as session:
        home = a_building(session)
        session.get_one(Place, (store.community_id, home)).kind = PlaceKind.HOUSEHOLD
        with pytest.raises(IdentityError, match="Choose a building"):
            identity.building_code(session, home, now)


def test_a_personal_code_takes_over_from_the_unverified_resident(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        imported = an_imported(session, now)
        building = identity.building_code(session, a_building(session), now)
        stranger = identity.redeem(session, building, CHAT, now).owner_id
        told = session.get_one(Resident, (store.community_id, stranger))
        told.needs, told.written = frozenset({Need.DEAF}), Written.HANT
        code = identity.resident_code(session, imported, now)
        assert identity.redeem(session, code, CHAT, now).owner_id == imported
        linked = session.get_one(Resident, (store.community_id, imported))
        assert (linked.needs, linked.written) == ({Need.DEAF}, Written.HANT)
        assert list(session.scalars(people.select(session, people.Audience()))) == [imported]


def test_a_personal_code_works_once(store: Store, now: datetime) -> None:
    with store.begin() as session:
        code = identity.resident_code(session, an_imported(session, now), now)
        assert identity.redeem(session, code, CHAT, now).verified
        assert "wrong or has expired" in identity.redeem(session, code, "999", now).refusal


def test_two_relatives_may_share_one_chat(store: Store, now: datetime) -> None:
    with store.begin() as session:
        first = an_imported(session, now)
        second = Resident(
            community_id=store.community_id,
            name="李爷爷",
            place_id=session.get_one(Resident, (store.community_id, first)).place_id,
            joined_at=now,
        )
        session.add(second)
        session.flush()
        for resident in (first, second.id):
            identity.redeem(session, identity.resident_code(session, resident, now), CHAT, now)
        owners = people.owners(session, Kind.CHAT, CHAT)
        assert {owner for _, owner, _ in owners} == {first, second.id}


def test_typing_a_code_opts_in_again_after_an_opt_out(store: Store, now: datetime) -> None:
    with store.begin() as session:
        code = identity.building_code(session, a_building(session), now)
        resident = identity.redeem(session, code, CHAT, now).owner_id
        people.set_consent(session, Kind.CHAT, CHAT, Consent.WITHDRAWN, "chat", HOUSE, now)
        identity.redeem(session, code, CHAT, now)
        assert resident is not None
        [address] = people.addresses(session, [resident])[resident]
        assert address.consent is Consent.GRANTED


def test_after_five_wrong_codes_even_the_right_one_waits_an_hour(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        code = identity.building_code(session, a_building(session), now)
        for _ in range(5):
            identity.redeem(session, "WRONG2", CHAT, now)
        assert "in an hour" in identity.redeem(session, code, CHAT, now).refusal
        assert not identity.redeem(session, code, "another", now).refusal
        assert not identity.redeem(session, code, CHAT, now + timedelta(hours=1)).refusal


def test_refusals_are_counted_without_the_chat_id(store: Store, now: datetime) -> None:
    with store.begin() as session:
        identity.redeem(session, "WRONG2", CHAT, now)
    with store.read() as session:
        [kept] = session.scalars(select(Event).where(Event.kind == "code.refused"))
        assert CHAT not in f"{kept.subject_id} {kept.actor_id} {kept.data}"


def test_the_chat_of_staff_belongs_to_staff(store: Store, now: datetime) -> None:
    with store.begin() as session:
        worker = a_worker(session, now)
        identity.bind(session, identity.invite(session, worker.id, now), CHAT, now)
        [(kind, owner, _)] = people.owners(session, Kind.CHAT, CHAT)
        assert (kind, owner) == (OwnerKind.STAFF, worker.id)


def test_the_last_admin_cannot_go(store: Store, now: datetime) -> None:
    with store.begin() as session:
        admin = a_worker(session, now, Role.ADMIN)
        with pytest.raises(IdentityError, match="must be an admin"):
            identity.leave(session, admin.id, now)
        with pytest.raises(IdentityError, match="must be an admin"):
            identity.set_roles(session, admin.id, [Role.EXPERT], now)
        a_worker(session, now, Role.ADMIN)
        identity.leave(session, admin.id, now)
        assert identity.roles(session, admin.id) == frozenset()
