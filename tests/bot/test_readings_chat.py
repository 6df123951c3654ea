"""/record: what staff read out in a voice message is what calls play."""

import pytest

from bot.turn import Effect, Hear
from channels.base import Event, EventKind, Media
from content import phrase, recording
from content import sound as sounds
from content.call import Play
from content.message import Kind, Spoken, Written
from content.staff import Role
from tests.bot.street import CHATS, LI_CHAT, Street, said
from tests.content.test_recording import voice
from verification import case
from verification.case import Attachment

AUTHOR, VERIFIER = CHATS[Role.AUTHOR], CHATS[Role.VERIFIER]


def word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)


def speaks(
    street: Street, chat: str, seconds: float = 8, level: float = 0.3, mime: str = "audio/ogg"
) -> list[Effect]:
    """Let somebody send a voice message."""
    body = sounds.opus(voice(seconds, level))
    event = Event(EventKind.MEDIA, address=chat, media=Media("f1", mime, size=len(body)))
    return street.hear(Kind.CHAT, event, Attachment(mime, "f1", data=body))


def test_a_voice_message_becomes_the_reading_of_the_alert(street: Street) -> None:
    code, row = street.drafted()
    assert "今晚8点起有大暴雨" in said(street.says(AUTHOR, f"/record {code.lower()}"))
    done = speaks(street, AUTHOR)
    (kept,) = recording.of(street.session, row)
    assert said(done) == word("staff.reading_kept", code=code, seconds=8)
    assert (kept.language, kept.valid, kept.accepted) == (Spoken.MANDARIN, True, False)
    (heard,) = [one for one in done if isinstance(one, Hear)]
    assert [one.recording for one in heard.lines if isinstance(one, Play)] == [kept.id.hex]


def test_a_dialect_is_named_behind_the_code(street: Street) -> None:
    code, row = street.drafted()
    street.says(AUTHOR, f"/record {code} 粤语")
    speaks(street, AUTHOR)
    assert [one.language for one in recording.of(street.session, row)] == [Spoken.CANTONESE]


def test_a_reading_that_nobody_could_follow_is_asked_for_again(street: Street) -> None:
    code, row = street.drafted()
    street.says(AUTHOR, f"/record {code}")
    assert "靠近话筒" in said(speaks(street, AUTHOR, level=0.001))
    assert recording.of(street.session, row) == []
    speaks(street, AUTHOR)
    assert len(recording.of(street.session, row)) == 1


def test_a_voice_message_that_was_not_asked_for_is_a_question(street: Street) -> None:
    _, row = street.drafted()
    speaks(street, AUTHOR)
    assert recording.of(street.session, row) == []
    assert len(case.open_cases(street.session)) == 1


@pytest.mark.parametrize(
    ("given", "key"),
    [("/record", "staff.reading_which"), ("/record A1 法语", "staff.reading_which")],
)
def test_what_is_missing_is_asked_for(street: Street, given: str, key: str) -> None:
    assert said(street.says(AUTHOR, given)) == word(key)


def test_what_cannot_be_read_is_said(street: Street) -> None:
    code, _ = street.drafted()
    assert said(street.says(AUTHOR, f"/record {code} en")) == word("staff.reading_no_text")
    assert "A99" in said(street.says(AUTHOR, "/record A99"))


def test_only_who_writes_or_publishes_reads(street: Street) -> None:
    code, _ = street.drafted()
    assert "权限" in said(street.says(VERIFIER, f"/record {code}"))
    assert said(street.says(LI_CHAT, f"/record {code}")) == word("staff.unknown")
