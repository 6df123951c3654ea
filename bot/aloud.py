"""Aloud: how a draft sounds on the phone: who calls, the message once, the keys."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from bot.sounds import recorded
from channels import _voice
from channels._voice import Recorded
from content import call, recording
from content.alert import Revision
from content.call import Line
from content.message import Message, Spoken
from content.store import Store

if TYPE_CHECKING:
    from content.sound import Sound

_PAUSE = 0.6
"""Seconds between two sentences."""


def readings(session: Session, revision: Revision) -> dict[Spoken, str]:
    """Return the recordings that fit the text, accepted or not: who approves it hears them."""
    return {one.language: one.id.hex for one in recording.of(session, revision) if one.valid}


def lines(message: Message, readings: Mapping[Spoken, str]) -> tuple[Line, ...]:
    """Return what a call about this message says until it waits for a key."""
    if message.speech is None:
        return ()
    name = readings.get(message.speech.language, "")
    speech = replace(message.speech, recording=name)
    return (
        *call.lines(speech.foreword_language, speech.foreword),
        *call.lines(speech.language, speech.opening),
        *call.told(speech),
        *call.lines(speech.language, speech.prompt),
    )


def sound(lines: tuple[Line, ...], recorded: Recorded) -> "Sound":
    """Return it as sound, in a thread of its own; raises VoiceError, OSError, SoundError."""
    from content import sound as sounds

    made = [_voice.sound_of(line, recorded) for line in lines]
    rate = made[0].rate
    parts = [part for one in made for part in (one, sounds.silence(_PAUSE, rate))]
    return sounds.joined(*parts[:-1])


def message(lines: tuple[Line, ...], store: Store) -> tuple[float, bytes]:
    """Return it as a voice message and its seconds, in a thread; raises VoiceError, OSError."""
    from content import sound as sounds

    made = sound(lines, recorded(store))
    return made.seconds, sounds.opus(made)
