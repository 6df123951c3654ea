"""What residents wrote is shown to them, forgotten at their wish, and redacted with time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from content.store import Store
from verification import case, desk, facts, memory, shelf, telling
from verification.case import Attachment, Question
from verification.fact import Fact

RUMOR = "自来水厂被人投毒，水不能喝了"
NEWS = "听说下周三小区要拆掉所有电动车棚"


@pytest.fixture
def asked(store: Store, water: Fact, cast: Any, now: datetime) -> list[desk.Reply]:
    """王奶奶 asks something known, something new, and sends a photo."""
    assert water.signed
    photo = Attachment("photo", "file-1")
    with store.begin() as session:
        base = shelf.base(session)
        return [
            desk.hear(session, base, question, now)
            for question in (
                Question(RUMOR, cast.wang),
                Question(NEWS, cast.wang),
                Question("", cast.wang, attachment=photo),
            )
        ]


@pytest.mark.usefixtures("asked")
def test_a_person_is_shown_what_they_asked(store: Store, cast: Any) -> None:
    with store.read() as session:
        shown = memory.export(session, [cast.wang])
        assert [row["text"] for row in shown] == [RUMOR, NEWS, ""]
        assert memory.export(session, [cast.li]) == []


def test_a_person_is_forgotten(store: Store, asked: list[desk.Reply], cast: Any) -> None:
    with store.begin() as session:
        assert memory.erase(session, [cast.wang]) == 3
    with store.read() as session:
        heard = case.get(session, asked[0].question_id)
        assert (heard.text, heard.address_id) == ("", None)
        assert telling.told(session, facts.named(session, "water").id) == 0


def test_what_waits_for_an_expert_is_not_redacted(
    store: Store, asked: list[desk.Reply], now: datetime
) -> None:
    with store.begin() as session:
        assert memory.redact(session, now + timedelta(days=90)) == 1
    with store.read() as session:
        texts = [case.get(session, reply.question_id).text for reply in asked]
    assert texts == ["", NEWS, ""]


def test_who_was_told_is_still_corrected_after_redaction(
    store: Store, asked: list[desk.Reply], now: datetime
) -> None:
    assert len(asked) == 3
    with store.begin() as session:
        memory.redact(session, now + timedelta(days=90))
        assert telling.told(session, facts.named(session, "water").id) == 1


def test_a_forgotten_wording_leaves_the_open_cases_in_memory(
    store: Store, asked: list[desk.Reply], cast: Any
) -> None:
    with store.begin() as session:
        matter = case.numbered(session, asked[1].number)
        before = matter.stamp
        memory.erase(session, [cast.wang])
        session.refresh(matter)
        assert matter.stamp != before
