"""A draft can be heard before it goes out: as the machine says it, or as somebody has read it."""

import pytest

from bot import aloud
from bot.commands import preview
from bot.turn import Hear, Turn
from channels.base import Event, EventKind
from content import audible, call, recording
from content import sound as sounds
from content.call import Play, Say
from content.message import Kind, Spoken
from content.staff import Role
from content.store import Store
from tests.bot.street import CHATS, Street
from tests.content.test_recording import wav


@pytest.fixture
def turn(street: Street) -> Turn:
    event = Event(EventKind.TEXT, address=CHATS[Role.AUTHOR], text="/broadcast")
    return Turn(street.session, street.now, street.house, event, "telegram", Kind.CHAT)


def heard(turn: Turn, street: Street) -> Hear:
    _, row = street.drafted()
    return next(one for one in preview.show(turn, row) if isinstance(one, Hear))


def test_the_chat_preview_offers_the_call_as_a_voice_message(turn: Turn, street: Street) -> None:
    found = heard(turn, street)
    assert found.caption == "电话里这样听：普通话，机器念"
    assert "暴雨红色预警" in "".join(one.text for one in found.lines)
    assert all(isinstance(one, Say) for one in found.lines)
    assert "听明白请按一" in found.lines[-1].text


def test_who_approves_hears_the_reading_itself(turn: Turn, street: Street) -> None:
    _, row = street.drafted()
    kept = recording.keep(
        street.session, street.staff[Role.AUTHOR], row, Spoken.MANDARIN, wav(), street.now
    )
    found = next(one for one in preview.show(turn, row) if isinstance(one, Hear))
    assert found.caption == "电话里这样听：普通话，真人录音"
    assert [one.recording for one in found.lines if isinstance(one, Play)] == [kept.id.hex]


def test_a_voice_message_is_opus_and_as_long_as_the_call(store: Store) -> None:
    lines = call.lines(Spoken.MANDARIN, "您好，这里是幸福里社区。", "今晚停水，请存水。")
    seconds, body = aloud.message(lines, store)
    assert body.startswith(b"OggS")
    assert sounds.read(body).seconds == pytest.approx(seconds, abs=0.1)
    assert 3 < seconds < 9


def test_a_reading_is_heard_between_what_is_spoken() -> None:
    said = call.lines(Spoken.MANDARIN, "您好。")
    lines = (*said, Play(Spoken.MANDARIN, "停水", "1" * 32))
    alone = aloud.sound(said, lambda _: None).seconds
    both = aloud.sound(lines, lambda _: wav(6)).seconds
    assert both == pytest.approx(alone + 0.6 + 6, abs=0.1)
    assert audible.RATE == 16_000
