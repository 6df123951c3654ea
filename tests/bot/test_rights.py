"""The rights of a person reach over every room that remembers them."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import rights
from content import inbound, people, roster, sheet
from content.event import HOUSE
from content.inbound import Inbound
from content.message import Kind
from content.people import Resident
from content.store import Store
from verification import case
from verification.case import Heard, Question

LIST = "编号,姓名,地址,手机\nR1,王奶奶,3-2-501,13800138000\n"


def asked(session: Session, now: datetime) -> Resident:
    """Import 王奶奶, who has asked something by SMS."""
    roster.load(session, sheet.parse(LIST.encode()), now, HOUSE)
    [(_, who, address)] = people.owners(session, Kind.SMS, "+8613800138000")
    case.record(session, Question("明天停水吗", address, channel=Kind.SMS), "d", now)
    return session.get_one(Resident, (session.info["community_id"], who))


def test_what_is_held_includes_the_questions(store: Store, now: datetime) -> None:
    with store.begin() as session:
        held = rights.held(session, asked(session, now).id)
        assert [question["text"] for question in held["questions"]] == ["明天停水吗"]


def test_an_erased_person_leaves_no_question(store: Store, now: datetime) -> None:
    with store.begin() as session:
        rights.erase(session, asked(session, now).id, HOUSE, now)
        heard = session.scalars(select(Heard)).one()
        assert (heard.text, heard.address_id) == ("", None)


def test_once_a_day_what_is_old_is_redacted_everywhere(store: Store, now: datetime) -> None:
    with store.begin() as session:
        asked(session, now)
        inbound.keep(session, "sms", "1", "", {"Body": "明天停水吗"}, now)
        session.scalars(select(Inbound)).one().handled_at = now
        session.flush()
        assert rights.redact(session, now + timedelta(days=31)) == 2
        assert rights.redact(session, now + timedelta(days=32)) == 0


def test_a_forgotten_number_leaves_no_question_and_the_imported_person_stays(
    store: Store, now: datetime
) -> None:
    with store.begin() as session:
        who = asked(session, now)
        assert rights.forget(session, Kind.SMS, "+8613800138000", HOUSE, now) == 1
        assert session.scalars(select(Heard)).one().text == ""
        assert [one.kind for one in people.addresses(session, [who.id])[who.id]] == [Kind.CALL]
