"""A whole call by our own voice: Twilio fetches every sound, a reading among them, and says nothing."""

from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.sandbox.book import Call
from bot.sandbox.phones import PRESSES_1, REPEATS_THEN_1, Behaviour, OnCall, Phone
from content import alert, recording, review
from content import sound as sounds
from content.delivery import Delivery, DeliveryState
from content.message import Spoken
from content.notice import Notice, NoticeState
from content.staff import Role
from tests.bot.house import Town, lived_in
from tests.bot.street import CHATS, WANG
from tests.content.test_recording import wav


async def called(town: Town, does: OnCall, *, reads: bool = False) -> Call:
    """Publish an alert to 王奶奶, who does this with the call; return when the call is over."""
    phone = town.sandbox.phones.by_number(WANG)
    assert phone is not None
    phone.behaviour, phone.calls = Behaviour(calls=(does,)), 0
    before = len(town.sandbox.book.calls)

    def publish(session: Session) -> None:
        session.execute(update(Notice).values(state=NoticeState.CANCELLED))
        session.execute(update(Delivery).values(state=DeliveryState.CANCELLED, kind=None))
        made = town.street.publish(town.storm)
        if reads:
            row = session.get_one(alert.Revision, (made.community_id, made.revision_id))
            who = town.street.staff
            now = town.street.now
            recording.keep(session, who[Role.AUTHOR], row, Spoken.MANDARIN, wav(20), now)
            recording.accept(session, who[Role.PUBLISHER], row, Spoken.MANDARIN, now)

    town.with_session(publish)
    calls = town.sandbox.book.calls
    return await town.until(
        lambda: next((one for one in calls[before:] if one.to == WANG and one.ended_at), None)
    )


def confirmed(town: Town) -> bool:
    with town.store.read() as session:
        states = session.scalars(select(Delivery.state).where(Delivery.confirmed_at.is_not(None)))
        return DeliveryState.CONFIRMED in list(states)


async def test_twilio_plays_what_we_speak_and_says_nothing(tmp_path: Path) -> None:
    async with lived_in(tmp_path, twilio_voice="espeak") as town:
        call = await called(town, PRESSES_1)
        await town.until(lambda: confirmed(town))
        assert {one.verb for one in call.script} == {"Play", "Pause"}
        assert 20 < sum(one.seconds for one in call.script if one.verb == "Play") < 120
        assert town.sandbox.book.notes == []
    assert len(list((tmp_path / "linxun-voice").glob("*.wav"))) > 5


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["neural", "espeak"])
async def test_a_reading_is_played_in_place_of_the_sentences(tmp_path: Path, voice: str) -> None:
    async with lived_in(tmp_path, twilio_voice=voice) as town:
        call = await called(town, REPEATS_THEN_1, reads=True)
        await town.until(lambda: confirmed(town))
        read = [one.seconds for one in call.script if 19.9 < one.seconds < 20.1]
        said = [one.text for one in call.script if one.verb == "Say"]
        assert len(read) >= 2
        assert bool(said) is (voice == "neural")
        assert not any("请待在家里" in text for text in said)


def _drafted(session: Session, town: Town) -> alert.Revision:
    return review.draft(session, town.street.staff[Role.AUTHOR], town.storm, town.street.now)


@pytest.mark.slow
async def test_staff_read_an_alert_out_in_chat_and_hear_the_call(tmp_path: Path) -> None:
    chat = CHATS[Role.AUTHOR]
    async with lived_in(tmp_path) as town:
        author = town.sandbox.phones.add(Phone("作者", chat=int(chat)))
        row = town.with_session(lambda session: _drafted(session, town))
        code = "A1"
        town.sandbox.chats.says(author, f"/record {code}")
        await town.hears(chat, "当语音消息发过来")
        body = sounds.opus(sounds.read(wav(9)))
        town.sandbox.chats.sends(author, "voice", body, mime="audio/ogg")
        await town.hears(chat, "9秒")
        messages = town.sandbox.rooms.messages
        heard = await town.until(
            lambda: [
                one["voice"]
                for one in messages.values()
                if one["from"]["is_bot"] and "voice" in one
            ]
        )
        assert heard[0]["duration"] > 9
        with town.store.read() as session:
            assert [one.valid for one in recording.of(session, row)] == [True]
