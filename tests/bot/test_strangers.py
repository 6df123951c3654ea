"""Who cries for help by phone is found: staff have the number, and the grid's worker the place."""

import uuid

import pytest
from sqlalchemy import select

from channels.base import Event, EventKind
from content import claim, identity, pager, people, place
from content.claim import Job
from content.message import Kind, Spoken, Written
from content.people import OwnerKind
from content.staff import Role
from content.task import Task, TaskKind
from tests.bot.street import STRANGER, WANG, Street

CALLER = "+8613800000401"


def calls(
    street: Street, number: str, *, key: str = "", text: str = "", step: str = "menu"
) -> Task:
    """Let a number call the hotline, name building 3 and press or say something."""
    kind = EventKind.KEY if key else EventKind.TEXT
    common = {"address": number, "called": True, "building": "b3", "provider_id": "CA1"}
    street.hear(Kind.CALL, Event(kind, key=key, text=text, step=step, **common))
    kinds = (TaskKind.HELP, TaskKind.EMERGENCY, TaskKind.SERVICE)
    (one,) = street.session.scalars(select(Task).where(Task.kind.in_(kinds)))
    return one


def building(street: Street) -> uuid.UUID | None:
    (path,) = place.paths(street.session, "3号楼")
    return place.by_path(street.session, path)


@pytest.mark.parametrize(
    ("key", "text", "step"),
    [("3", "", "menu"), ("", "救命", "menu"), ("", "家里着火了，快来人", "rumor")],
)
def test_a_stranger_is_found_by_their_number_and_building(
    street: Street, key: str, text: str, step: str
) -> None:
    one = calls(street, CALLER, key=key, text=text, step=step)
    assert "13800000401" in one.note.replace(" ", "")
    assert one.place_id == building(street)
    assert one.resident_id is None


def test_the_worker_of_the_grid_of_that_building_is_called(street: Street) -> None:
    worker = identity.add_staff(street.session, "网格员", [Role.GRID_WORKER], street.now)
    people.add_address(street.session, OwnerKind.STAFF, worker.id, Kind.CHAT, "9100", street.now)
    worker.place_id = building(street)
    calls(street, CALLER, key="3")
    assert pager.call_out(street.session, street.now) == 1


@pytest.mark.parametrize(("key", "text"), [("3", ""), ("", "我妈晕倒了，快来人")])
def test_a_contact_cries_for_whom_they_stand_for(street: Street, key: str, text: str) -> None:
    son = people.contacts(street.session, [street.wang.id])[street.wang.id][0]
    people.add_address(street.session, OwnerKind.CONTACT, son.id, Kind.CALL, CALLER, street.now)
    one = calls(street, CALLER, key=key, text=text, step="menu" if key else "rumor")
    assert (one.resident_id, one.place_id) == (street.wang.id, street.wang.place_id)
    assert street.wang.name in one.note
    assert "13800000401" in one.note.replace(" ", "")


def test_a_resident_who_calls_is_known_and_can_be_called_back(street: Street) -> None:
    one = calls(street, WANG, text="家里着火了，快来人", step="rumor")
    assert one.resident_id == street.wang.id
    assert WANG.removeprefix("+86") in one.note.replace(" ", "")


def _job(street: Street, kind: Kind, value: str) -> Job:
    ref = street.hand_over(kind, value)
    made = claim.job(street.session, ref)
    assert made is not None
    return made


def test_a_stranger_who_went_on_in_english_is_called_back_in_it(street: Street) -> None:
    asked = {"step": "rumor", "language": "en", "called": True, "provider_id": "CA1"}
    event = Event(EventKind.TEXT, address=CALLER, text="后山的水库要炸掉", **asked)
    street.hear(Kind.CALL, event)
    street.hear(Kind.CALL, Event(EventKind.ENDED, address=CALLER, called=True, step="end"))
    job = _job(street, Kind.CALL, CALLER)
    assert (job.written, job.spoken) == (Written.ENGLISH, Spoken.ENGLISH)
    # a key tells in what the call was told, which may be the Chinese text of a notice
    street.keys(CALLER, job.ref, "1", language="zh-hans")
    again = claim.job(street.session, job.ref)
    assert again is not None
    assert again.spoken is Spoken.ENGLISH


def test_a_stranger_in_a_chat_is_answered_in_the_language_of_their_app(street: Street) -> None:
    street.says(STRANGER, "后山的水库要炸掉", language="en")
    job = _job(street, Kind.CHAT, STRANGER)
    assert job.written is Written.ENGLISH
    street.says(STRANGER, "听说后山要修路", language="zh-hans")
    again = claim.job(street.session, job.ref)
    assert again is not None
    assert again.written is Written.HANS
