import json
import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import identity, inbound, people, privacy, roster, sheet, task
from content import store as database
from content.alert import Severity
from content.delivery import Delivery, DeliveryState
from content.event import HOUSE, Event
from content.inbound import Inbound
from content.message import Kind
from content.people import Address, Contact, OwnerKind, PeopleError, Resident
from content.place import Place, PlaceKind
from content.reason import Reason
from content.store import Store
from content.task import TaskKind

LIST = (
    "编号,姓名,地址,手机,联系人姓名,联系人关系,联系人电话\n"
    "R1,王奶奶,3-2-501,13800138000,王强,儿子,13900139000\n"
)
MOBILE, CHAT = "+8613800138000", "700100200"


def wang(session: Session, now: datetime) -> uuid.UUID:
    """Import 王奶奶 with a chat, a delivery, a task and a message of hers."""
    roster.load(session, sheet.parse(LIST.encode()), now, HOUSE)
    who = session.scalars(select(Resident)).one()
    identity.redeem(session, identity.resident_code(session, who.id, now), CHAT, now)
    session.add(
        Delivery(
            community_id=database.community(session),
            notice_id=uuid.uuid4(),
            recipient_id=who.id,
            recipient_kind=OwnerKind.RESIDENT,
            place_id=who.place_id,
            priority=Severity.SEVERE.rank * 10,
            state=DeliveryState.OPEN,
            next_at=now,
        )
    )
    task.add(session, TaskKind.HELP, HOUSE, now, resident_id=who.id, note="我摔倒了")
    inbound.keep(session, "telegram", "1", "", {"chat": {"id": int(CHAT)}, "text": "你好"}, now)
    inbound.keep(session, "telegram", "2", "", {"chat": {"id": 7001002001}}, now)
    session.flush()
    return who.id


def test_an_export_holds_everything_about_one_person(store: Store, now: datetime) -> None:
    with store.begin() as session:
        held = privacy.export(session, wang(session, now))
        text = json.dumps(held, ensure_ascii=False)
        assert all(
            word in text
            for word in ("王奶奶", "3号楼2单元501室", MOBILE, CHAT, "王强", "我摔倒了", "你好")
        )
        assert len(held["inbound"]) == len(held["deliveries"]) == 1


def test_erasing_leaves_no_name_number_contact_note_or_message(store: Store, now: datetime) -> None:
    with store.begin() as session:
        who = wang(session, now)
        privacy.erase(session, who, HOUSE, now)
        resident = session.get_one(Resident, (store.community_id, who))
        assert (resident.name, resident.number != "R1") == ("", True)
        assert session.scalars(select(Address)).all() == []
        assert session.scalars(select(Contact)).all() == []
        assert session.scalars(select(task.Task)).one().note == ""
        kept = {row.event_id: row.data for row in session.scalars(select(Inbound))}
        assert (kept["1"], kept["2"]) == (None, {"chat": {"id": 7001002001}})


def test_statistics_stay_by_building_without_the_home(store: Store, now: datetime) -> None:
    with store.begin() as session:
        who = wang(session, now)
        privacy.erase(session, who, HOUSE, now)
        delivery = session.scalars(select(Delivery)).one()
        place = session.get_one(Place, (store.community_id, delivery.place_id))
        assert place.kind is PlaceKind.BUILDING


def test_open_deliveries_end_with_the_reason_erased(store: Store, now: datetime) -> None:
    with store.begin() as session:
        privacy.erase(session, wang(session, now), HOUSE, now)
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.state, delivery.reason) == (DeliveryState.CANCELLED, Reason.ERASED)
        assert delivery.closed_at == now


def test_who_is_erased_is_in_no_audience_and_cannot_be_erased_again(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        who = wang(session, now)
        privacy.erase(session, who, HOUSE, now)
        assert people.count(session, people.Audience()) == 0
        with pytest.raises(PeopleError, match="no such resident"):
            privacy.erase(session, who, HOUSE, now)


def test_an_erasure_is_an_event_without_personal_data(store: Store, now: datetime) -> None:
    with store.begin() as session:
        privacy.erase(session, wang(session, now), HOUSE, now)
    with store.read() as session:
        kept = session.scalars(select(Event).where(Event.kind == "resident.erased")).one()
        assert kept.data == {"raw": 1}


def test_a_chat_can_be_forgotten_and_the_imported_person_stays(store: Store, now: datetime) -> None:
    with store.begin() as session:
        who = wang(session, now)
        assert privacy.forget(session, Kind.CHAT, CHAT, HOUSE, now) == 1
        assert people.owners(session, Kind.CHAT, CHAT) == []
        assert people.addresses(session, [who])[who]


def test_who_is_known_by_a_chat_alone_is_forgotten_with_it(store: Store, now: datetime) -> None:
    with store.begin() as session:
        wang(session, now)
        building = session.scalars(select(Place).where(Place.kind == PlaceKind.BUILDING)).one()
        code = identity.building_code(session, building.id, now)
        stranger = identity.redeem(session, code, "555", now).owner_id
        privacy.forget(session, Kind.CHAT, "555", HOUSE, now)
        assert session.get_one(Resident, (store.community_id, stranger)).erased_at == now


def test_raw_messages_are_redacted_after_thirty_days_once_handled(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        for number in ("1", "2"):
            inbound.keep(session, "telegram", number, "", {"text": "你好"}, now)
        session.scalars(select(Inbound)).first().handled_at = now  # type: ignore[union-attr]
        session.flush()
        assert privacy.redact(session, now + timedelta(days=29)) == 0
        assert privacy.redact(session, now + timedelta(days=31)) == 1


def test_what_a_task_says_is_erased_a_month_after_it_was_done(store: Store, now: datetime) -> None:
    with store.begin() as session:
        done, open_ = (
            task.add(session, TaskKind.HELP, HOUSE, now, subject_id=uuid.uuid4(), note="138")
            for _ in range(2)
        )
        task.done(session, done.id, "helped", HOUSE, now)
        privacy.redact(session, now + timedelta(days=29))
        assert (done.note, open_.note) == ("138", "138")
        privacy.redact(session, now + timedelta(days=31))
        assert (done.note, open_.note) == ("", "138")
