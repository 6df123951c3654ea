"""/doors: the door-knock list in chat, for who goes to the doors."""

import pytest
from sqlalchemy import select

from bot.turn import Effect
from content import alert as alerts
from content import identity, people, phrase, task
from content.delivery import DeliveryState
from content.event import Event
from content.message import Kind, Written
from content.notice import Notice
from content.people import OwnerKind
from content.reason import Reason
from content.staff import Role
from content.task import TaskKind
from tests.bot.street import CHATS, LI_CHAT, Street, buttons, said

WORKER = "9020"


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def unreached(street: Street) -> tuple[Notice, list[Effect]]:
    """Put 王奶奶 on the list, and let the grid worker ask for it."""
    member = identity.add_staff(street.session, "网格员", [Role.GRID_WORKER], street.now)
    people.add_address(street.session, OwnerKind.STAFF, member.id, Kind.CHAT, WORKER, street.now)
    made = street.publish()
    street.delivery(made, street.wang).state = DeliveryState.DOOR
    street.session.flush()
    return made, street.says(WORKER, "/doors")


def test_a_grid_worker_gets_a_card_with_buttons_for_each_person(street: Street) -> None:
    _, cards = unreached(street)
    assert "王奶奶" in said(cards)
    assert [one.split(":")[2].split(".")[0] for one in buttons(cards)] == [
        "done",
        "help",
        "away",
        "refused",
    ]
    assert max(len(one.encode()) for one in buttons(cards)) <= 64


def test_what_was_said_at_the_door_confirms(street: Street) -> None:
    made, cards = unreached(street)
    street.presses(WORKER, buttons(cards)[0])
    assert street.delivery(made, street.wang).reason is Reason.CONFIRMED_DOOR


def test_help_found_at_the_door_opens_a_task_even_for_who_confirmed_meanwhile(
    street: Street,
) -> None:
    made, cards = unreached(street)
    street.presses(WORKER, buttons(cards)[0])
    street.presses(WORKER, buttons(cards)[1])
    assert street.delivery(made, street.wang).needs_help
    assert TaskKind.HELP in {one.kind for one in task.waiting(street.session)}


def test_nobody_home_leaves_the_card_on_the_list(street: Street) -> None:
    made, cards = unreached(street)
    street.presses(WORKER, buttons(cards)[2])
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR
    tried = select(Event.data).where(Event.kind == "door.tried")
    assert [one["found"] for one in street.session.scalars(tried)] == ["away"]


@pytest.mark.parametrize("chat", [LI_CHAT, CHATS[Role.EDITOR]])
def test_the_list_is_for_who_goes_to_the_doors(street: Street, chat: str) -> None:
    made, cards = unreached(street)
    assert "王奶奶" not in said(street.says(chat, "/doors"))
    assert said(street.presses(chat, buttons(cards)[0])) == word("staff.unknown")
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR


@pytest.mark.parametrize("value", ["done", "done.A1", "done.A1.zz", f"done.A9.{'0' * 32}", "x.y.z"])
def test_a_card_of_nobody_changes_nothing(street: Street, value: str) -> None:
    made, _ = unreached(street)
    street.presses(WORKER, f"door::{value}")
    assert street.delivery(made, street.wang).state is DeliveryState.DOOR
    assert alerts.recent(street.session)
