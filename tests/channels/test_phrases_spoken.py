"""Every fixed sentence, in every language, is a sound of the right length without a hole in it."""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from channels import _voice
from content.message import Spoken, Written
from content.phrase import table, written
from content.sound import Sound
from content.speak import speak

VALUES = {
    "phone": "0571 8800 1234",
    "until": "2026年8月3日21:00",
    "date": "2026年8月3日",
    "at": "19:30",
    "last": "20:47",
    "ends": "8月4日07:05",
    "code": "A1234",
    "case": "17",
    "place": "3号楼2单元501室",
    "places": "3-2-501、12号楼",
    "area": "3/4号楼",
    "sender": "幸福里社区",
    "community": "幸福里社区",
    "alone": "王奶奶",
    "name": "李明",
    "headline": "12345热线通知：3号楼1201室停水",
    "instruction": "请在2026-08-03 09:05前打12320。",
    "verdict": "假",
    "old": "真",
}
"""What stands in a sentence's places, as difficult as it comes."""
COUNTS = {
    *("number", "count", "minutes", "total", "done", "help", "door", "open", "asked", "answered"),
    *("conflicts", "different", "left", "times", "hours", "askers", "contacted", "reached"),
    *("confirmed", "passed_on", "residents", "expected", "away", "refused", "lines", "rate"),
    *("segments", "people", "found", "chance"),
}
ENGLISH = {
    "until": "21:00 on 3 August 2026",
    "date": "2026-08-03",
    "ends": "07:05 on 4 August",
    "place": "building 3-2-501",
    "places": "Building 12, room 1201",
    "area": "Buildings 3 and 4",
    "sender": "Happiness Lane",
    "community": "Happiness Lane",
    "alone": "Granny Wang",
    "name": "Li Ming",
    "headline": "Call 12345: no water in room 1201",
    "instruction": "Call 12320 before 09:05 on 2026-08-03.",
    "verdict": "false",
    "old": "true",
}
PER_UNIT = {Spoken.MANDARIN: 0.27, Spoken.CANTONESE: 0.27, Spoken.ENGLISH: 0.40}
"""Seconds of a syllable of Chinese, of a word of English."""
CALLS = ("call.", "hotline.", "status.", "contact.", "emergency.", "verdict_said.")


def filled(key: str, language: Spoken) -> str:
    """The sentence with something in each of its places."""
    values = VALUES | (ENGLISH if language is Spoken.ENGLISH else {})
    text = table(written(language))[key]
    word = "notice" if language is Spoken.ENGLISH else "通知"

    def value(place: re.Match[str]) -> str:
        return "12" if place[1] in COUNTS else values.get(place[1], word)

    return re.sub(r"\{(\w+)\}", value, text)


def said(prefix: tuple[str, ...], language: Spoken) -> Iterator[tuple[str, str]]:
    for key in table(Written.HANS):
        text = speak(filled(key, language), language)
        if key.startswith(prefix) and re.search(r"\w", text):
            yield key, text


def expected(text: str, language: Spoken) -> float:
    """About how long a text takes."""
    syllables = len(re.findall(r"[\u3400-\u9fff]", text))
    words = len(re.findall(r"[A-Za-z]+|\d", text))
    return (syllables + 0.5) * PER_UNIT[language] + words * PER_UNIT[Spoken.ENGLISH]


def hole(made: Sound) -> float:
    """The longest silence in a sound, in seconds."""
    frame = made.rate // 50
    frames = made.samples[: len(made.samples) // frame * frame].reshape(-1, frame)
    loud = np.flatnonzero(np.abs(frames).max(axis=1) > 0.01)
    return float(np.diff(loud).max(initial=1)) / 50


def faults(prefix: tuple[str, ...], language: Spoken) -> list[str]:
    found = []
    for key, text in said(prefix, language):
        made = _voice.spoken(language, text)
        about = expected(text, language)
        if not 0.4 * about < made.seconds < 2.2 * about + 1:
            found.append(f"{key}: {made.seconds:.1f} s, not {about:.1f}")
        if made.loudness < -30 or hole(made) > 1.2:
            found.append(f"{key}: silence")
    return found


@pytest.mark.parametrize("language", list(Spoken))
def test_what_is_said_in_a_call_is_heard_whole(language: Spoken) -> None:
    assert len(list(said(CALLS, language))) > 60
    assert faults(CALLS, language) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", list(Spoken))
def test_every_sentence_is_heard_whole(language: Spoken) -> None:
    assert len(list(said(("",), language))) > 550
    assert faults(("",), language) == []


@pytest.mark.parametrize("language", [Spoken.MANDARIN, Spoken.CANTONESE])
def test_chinese_is_said_without_a_digit_and_without_a_number_made_an_amount(
    language: Spoken,
) -> None:
    wrong = [
        (key, text) for key, text in said(("",), language) if re.search(r"\d|[百千万萬]", text)
    ]
    assert wrong == []


def test_english_leaves_no_digits_longer_than_two() -> None:
    wrong = [(key, text) for key, text in said(("",), Spoken.ENGLISH) if re.search(r"\d{3}", text)]
    assert wrong == []
