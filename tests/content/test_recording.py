"""A reading of an alert is heard when it is good, when its text stands, and when another accepts it."""

import io
import wave
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from content import alert, audible, call, compose, notice, privacy, recording, review
from content import sound as sounds
from content.alert import ReviewError, Revision, Stage
from content.call import Play
from content.compose import Reader
from content.draft import Draft
from content.event import Event
from content.message import Spoken, Written
from content.sound import Sound
from content.store import Store
from tests.content.office import BODY, Office, at_stage, said, staffed, through

MANDARIN, ENGLISH = Spoken.MANDARIN, Spoken.ENGLISH


def voice(seconds: float = 6.0, level: float = 0.3, rate: int = 22_050) -> Sound:
    """Something that sounds like talking: bursts and pauses."""
    at = np.arange(int(seconds * rate)) / rate
    bursts = (np.sin(2 * np.pi * 2 * at) > -0.3) * np.sin(2 * np.pi * 220 * at)
    return Sound((level * bursts).astype(np.float32), rate)


def wav(seconds: float = 6.0, level: float = 0.3) -> bytes:
    return sounds.wav(voice(seconds, level))


def read(store: Store, now: datetime) -> tuple[Office, Revision]:
    """An alert that waits for its publisher, read out by its author."""
    with store.begin() as session:
        office = staffed(session, now)
        row = through(session, office, now)
        recording.keep(session, office.author, row, MANDARIN, wav(), now)
    return office, row


def told(store: Store, row: Revision, **who: object) -> str:
    """The recording that a call about this revision plays."""
    with store.begin() as session:
        found = notice.last(session, row.alert_id)
        made = compose.message(session, Reader(found.id, Written.HANS, MANDARIN, **who))
    return made.speech.recording


def test_publishing_accepts_what_somebody_else_has_read(store: Store, now: datetime) -> None:
    office, row = read(store, now)
    with store.begin() as session:
        assert recording.playable(session, row.id) == {}
        review.publish(session, office.publisher, row, now)
    with store.read() as session:
        (found,) = recording.of(session, row)
        assert (found.accepted, found.valid) == (True, True)
        assert recording.playable(session, row.id) == {MANDARIN: (found.id.hex, found.seconds)}
    assert told(store, row) == found.id.hex


def test_nobody_accepts_their_own_reading(store: Store, now: datetime) -> None:
    with store.begin() as session:
        office = staffed(session, now)
        row = through(session, office, now)
        recording.keep(session, office.publisher, row, MANDARIN, wav(), now)
        review.publish(session, office.publisher, row, now)
        with pytest.raises(ReviewError, match="Another publisher"):
            recording.accept(session, office.publisher, row, MANDARIN, now)
        assert recording.playable(session, row.id) == {}
        recording.accept(session, office.everything, row, MANDARIN, now)
        assert MANDARIN in recording.playable(session, row.id)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: said(content, "今晚8点起3号楼停电。请别外出。"),
        lambda content: said(content, BODY, headline="暴雨红色警报"),
        lambda content: said(content, BODY, instruction="请留在家里。"),
        lambda content: replace(content, expires=content.expires + timedelta(hours=1)),
        lambda content: replace(content, status=alert.Status.EXERCISE),
    ],
)
def test_an_edited_text_makes_its_reading_void(
    store: Store, now: datetime, change: Callable[[Draft], Draft]
) -> None:
    office, row = read(store, now)
    with store.begin() as session:
        review.edit(session, office.author, row, change(office.draft), now)
        (found,) = recording.of(session, row)
        assert not found.valid
        with pytest.raises(ReviewError, match="no recording"):
            recording.accept(session, office.publisher, row, MANDARIN, now)


def test_the_words_of_a_cancellation_do_not_touch_it(store: Store, now: datetime) -> None:
    office, row = read(store, now)
    with store.begin() as session:
        changed = said(office.draft, BODY, cancel_text="雨停了。")
        review.edit(session, office.author, row, changed, now)
        assert [one.valid for one in recording.of(session, row)] == [True]


def test_a_new_reading_takes_the_place_of_the_old_and_must_be_accepted_again(
    store: Store, now: datetime
) -> None:
    office, row = read(store, now)
    with store.begin() as session:
        review.publish(session, office.publisher, row, now)
        recording.keep(session, office.author, row, MANDARIN, wav(8), now)
        (found,) = recording.of(session, row)
    assert (round(found.seconds), found.accepted) == (8, False)
    assert told(store, row) == ""


def test_a_reading_that_is_taken_back_leaves_the_call_to_the_machine(
    store: Store, now: datetime
) -> None:
    office, row = read(store, now)
    with store.begin() as session:
        review.publish(session, office.publisher, row, now)
        recording.drop(session, office.author, row, MANDARIN, now)
        mine = select(Event.kind).where(Event.subject_id == row.id).order_by(Event.id)
        kinds = list(session.scalars(mine))
    assert told(store, row) == ""
    assert [one for one in kinds if one.startswith("recording")] == [
        "recording.kept",
        "recording.accepted",
        "recording.dropped",
    ]


def test_what_a_reading_cannot_know_is_spoken_before_it(store: Store, now: datetime) -> None:
    office, row = read(store, now)
    with store.begin() as session:
        made = review.publish(session, office.publisher, row, now)
    with store.read() as session:
        who = Reader(made.id, Written.HANS, MANDARIN, alone="王奶奶", again=True)
        speech = compose.message(session, who).speech
    *lead, reading = call.told(speech)
    assert "您是王奶奶的紧急联系人" in lead[0].text
    assert "可能是重复通知" in lead[1].text
    assert isinstance(reading, Play)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "WAV"),
        (b"ID3" + bytes(4000), "WAV"),
        (wav(1.5), "2 to 180 s"),
        (wav(181), "2 to 180 s"),
        (wav(level=0.002), "nearer"),
        (wav(level=0), "nearer"),
        (sounds.wav(Sound(np.sign(voice(level=1).samples), 22_050)), "further"),
        (wav(2.1), "too short"),
    ],
)
def test_what_nobody_could_follow_is_refused_with_what_to_do(body: bytes, why: str) -> None:
    with pytest.raises(ReviewError, match=why):
        audible.checked(body, MANDARIN, "暴雨红色预警" * 10)


def test_a_stereo_file_of_a_studio_is_mixed_down_and_made_smaller() -> None:
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(np.repeat(sounds.linear(voice(rate=48_000)), 2).tobytes())
    kept = audible.checked(body.getvalue(), MANDARIN, "停水")
    assert (kept.rate, round(kept.seconds, 2)) == (16_000, 6)


def test_only_who_writes_or_publishes_reads(store: Store, now: datetime) -> None:
    with store.begin() as session:
        office = staffed(session, now)
        row = through(session, office, now)
        with pytest.raises(ReviewError, match="roles"):
            recording.keep(session, office.verifier, row, MANDARIN, wav(), now)
        with pytest.raises(ReviewError, match="no text in that language"):
            recording.keep(session, office.author, row, ENGLISH, wav(), now)
        with pytest.raises(ReviewError, match="roles"):
            recording.accept(session, office.author, row, MANDARIN, now)


def test_an_alert_that_is_over_is_not_read_any_more(store: Store, now: datetime) -> None:
    with store.begin() as session:
        office = staffed(session, now)
        row = at_stage(session, office, Stage.CANCELLED, now)
        with pytest.raises(ReviewError, match="over"):
            recording.keep(session, office.author, row, MANDARIN, wav(), now)


def test_a_reading_is_erased_a_month_after_its_alert(store: Store, now: datetime) -> None:
    _, row = read(store, now)
    with store.begin() as session:
        privacy.redact(session, now + timedelta(days=30))
        assert len(recording.of(session, row)) == 1
        privacy.redact(session, row.expires + timedelta(days=30, seconds=1))
        assert recording.of(session, row) == []


def test_a_reading_lies_encrypted_in_the_database(store: Store, now: datetime) -> None:
    _, row = read(store, now)
    with store.begin() as session:
        raw = session.connection().exec_driver_sql("SELECT sound FROM recording").scalar_one()
        (found,) = recording.of(session, row)
        assert b"RIFF" not in bytes(raw)
        assert recording.wav(session, found.id.hex)[:4] == b"RIFF"
        assert recording.wav(session, "0" * 32) is recording.wav(session, "../x") is None
