"""A turn asks once whose the number or chat is, and again when an address has come or gone."""

from datetime import UTC, datetime

from sqlalchemy import event

from bot.turn import Turn
from channels.base import Event, EventKind
from content import people, privacy
from content.event import HOUSE
from content.message import Kind, Written
from content.people import OwnerKind
from tests.bot.street import LI_CHAT, SENDERS, Street

NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
NEW = "1777"


def _turn(street: Street, chat: str) -> Turn:
    said = Event(EventKind.TEXT, address=chat, text="你好", language="en")
    return Turn(street.session, NOW, street.house, said, SENDERS[Kind.CHAT].name, Kind.CHAT)


def test_it_is_asked_once_whose_the_chat_is(street: Street) -> None:
    asked = []

    def note(_conn: object, _cursor: object, sql: str, *_rest: object) -> None:
        asked.append(sql)

    connection = street.session.connection()
    event.listen(connection, "before_cursor_execute", note)
    turn = _turn(street, LI_CHAT)
    assert turn.actor().id == turn.residents()[0].id
    assert (turn.known_address(), turn.language()) == (turn.address_id(), Written.HANS)
    assert turn.staff() is None
    event.remove(connection, "before_cursor_execute", note)
    assert sum("FROM address" in one for one in asked) == 1


def test_who_has_just_joined_is_known_in_the_same_turn(street: Street) -> None:
    turn = _turn(street, NEW)
    assert (turn.residents(), turn.language()) == ([], Written.ENGLISH)
    own = (OwnerKind.RESIDENT, street.li.id, Kind.CHAT)
    people.add_address(street.session, *own, NEW, NOW)
    assert [one.id for one in turn.residents()] == [street.li.id]
    privacy.forget(street.session, Kind.CHAT, NEW, HOUSE, NOW)
    assert turn.residents() == []
    assert turn.address_id() == turn.known_address()
