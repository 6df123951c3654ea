"""How long a call holds its line, beside what the stand-in for Twilio plays."""

from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from bot.sandbox.player import PERCENT, speech_seconds
from channels import _twiml, airtime, twilio_voice
from channels.base import Request
from content import render
from content.call import script
from content.message import Message, Spoken, Written
from content.notice import NoticeKind

FIELDS = {
    "sender": "幸福里社区",
    "headline": "暴雨红色预警",
    "description": "今晚20点到23点有大暴雨，低洼地方可能积水。",
    "instruction": "请不要出门，把车开到高处。",
    "expires": "2026-07-20T23:00:00+08:00",
}


def _message(written: Written, spoken: Spoken, **more: str) -> Message:
    return render.render(NoticeKind.ALERT, FIELDS | more, written, spoken)


def _played(document: str) -> float:
    """What a document takes to be heard to its end, by the stand-in's own reckoning."""
    return sum(_verb(verb) for verb in fromstring(document).iter() if verb.tag in ("Say", "Pause"))


def _verb(verb: Element) -> float:
    if verb.tag == "Pause":
        return float(verb.get("length", "1"))
    rates = [PERCENT.fullmatch(one.get("rate", "100%")) for one in verb.iter("prosody")]
    pace = int(rates[0][1]) / 100 if rates and rates[0] else 1.0
    return speech_seconds("".join(verb.itertext())) / pace


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        (Written.HANS, Spoken.MANDARIN),
        (Written.HANT, Spoken.CANTONESE),
        (Written.ENGLISH, Spoken.ENGLISH),
    ],
)
def test_a_call_is_as_long_as_what_is_played_in_it(written: Written, spoken: Spoken) -> None:
    message = _message(written, spoken)
    voice = twilio_voice.TwilioVoice("AC1", "secret", "+861000", "https://example.org")
    assert message.speech is not None
    told = script(message.speech)
    key = Request(f"key/abc/{told.start}.0", {"Digits": "1", "CallSid": "CA1"})
    heard = _played(voice.twiml(told, Request("script/abc"))) + _played(voice.twiml(told, key))
    assert airtime.answered(message.speech) == pytest.approx(heard + 15, rel=0.05)


def test_a_longer_text_holds_the_line_longer() -> None:
    short, long = (
        _message(Written.HANS, Spoken.MANDARIN, description="停水。" * many).speech
        for many in (1, 20)
    )
    assert short is not None
    assert long is not None
    assert airtime.answered(long) > airtime.answered(short) + 30


def test_a_call_that_nobody_takes_is_shorter_than_one_that_is_heard() -> None:
    speech = _message(Written.HANS, Spoken.MANDARIN).speech
    assert speech is not None
    assert _twiml.RING <= airtime.RING < airtime.answered(speech)


def test_a_recording_holds_the_line_for_as_long_as_it_is() -> None:
    speech = _message(Written.HANS, Spoken.MANDARIN).speech
    assert speech is not None
    short, long = (
        airtime.answered(replace(speech, recording="r", seconds=length)) for length in (10.0, 40.0)
    )
    # it is heard twice
    assert long - short == pytest.approx(60.0)
