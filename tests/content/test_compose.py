import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from content import compose, phrase
from content.claim import Job
from content.compose import Reader
from content.message import Kind, Spoken, Written
from content.notice import NoticeKind
from tests.content import outbox
from tests.content.outbox import CALL, CHAT

TEXTS = {
    Written.HANS: {"headline": "暴雨红色预警", "description": "今晚有暴雨。"},
    Written.ENGLISH: {"headline": "Red rainstorm warning", "description": "Heavy rain tonight."},
}


def _job(kind: Kind, written: Written, spoken: Spoken) -> Job:
    return Job(
        "0" * 32,
        uuid.UUID(int=1),
        uuid.UUID(int=2),
        "s",
        kind,
        "x",
        written,
        spoken,
        datetime(2026, 7, 20, tzinfo=UTC),
    )


def _reader(written: Written, spoken: Spoken = Spoken.MANDARIN, alone: str = "") -> Reader:
    return Reader(uuid.UUID(int=1), written, spoken, alone)


@pytest.mark.parametrize(
    ("kind", "written", "spoken", "read"),
    [
        (Kind.CHAT, Written.ENGLISH, Spoken.MANDARIN, Written.ENGLISH),
        (Kind.SMS, Written.HANT, Spoken.ENGLISH, Written.HANT),
        (Kind.CALL, Written.HANS, Spoken.ENGLISH, Written.ENGLISH),
        (Kind.CALL, Written.ENGLISH, Spoken.CANTONESE, Written.HANS),
        (Kind.CALL, Written.HANT, Spoken.CANTONESE, Written.HANT),
    ],
)
def test_on_the_phone_the_spoken_language_decides(
    kind: Kind, written: Written, spoken: Spoken, read: Written
) -> None:
    assert compose.reader(_job(kind, written, spoken)).written is read


def test_a_reader_gets_the_text_in_their_language() -> None:
    said = compose.of(NoticeKind.ALERT, TEXTS, _reader(Written.ENGLISH, Spoken.ENGLISH))
    assert "Red rainstorm warning" in said.chat
    assert "暴雨" not in said.chat


def test_a_missing_language_gets_a_phrase_in_it_and_the_chinese() -> None:
    chinese = {Written.HANS: TEXTS[Written.HANS]}
    said = compose.of(NoticeKind.ALERT, chinese, _reader(Written.ENGLISH, Spoken.ENGLISH))
    assert said.chat.startswith(phrase.say("missing.text", Written.ENGLISH))
    assert "暴雨红色预警" in said.chat


def test_traditional_characters_are_not_a_missing_language() -> None:
    chinese = {Written.HANS: TEXTS[Written.HANS]}
    said = compose.of(NoticeKind.ALERT, chinese, _reader(Written.HANT))
    assert "暴雨紅色預警" in said.chat


def test_a_contact_is_told_whom_it_is_about() -> None:
    said = compose.of(NoticeKind.ALERT, TEXTS, _reader(Written.HANS, alone="王奶奶"))
    assert "王奶奶" in said.chat
    assert "王奶奶" in said.sms


def test_equal_readers_get_the_same_message(session: Session, now: datetime) -> None:
    for chat in ("11", "12"):
        outbox.resident(session, now, chat=chat)
    outbox.tell(session, now)
    one, two = (compose.reader(job) for job in outbox.take(session, now, CHAT))
    assert one == two
    assert compose.message(session, one) == compose.message(session, two)


def test_a_call_says_the_text_of_the_notice(session: Session, now: datetime) -> None:
    outbox.resident(session, now, landlines=["+862100000001"])
    outbox.tell(session, now)
    (job,) = outbox.take(session, now, CALL)
    said = compose.message(session, compose.reader(job)).speech
    assert "暴雨红色预警" in said.script
    assert set(said.answers) == {"1", "3"}
