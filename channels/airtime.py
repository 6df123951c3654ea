"""Airtime: how long a call holds its line, by what is said in it."""

import re

from content.message import Speech

RING = 42.0
"""A call nobody takes: it rings 40 s, and takes a moment to be placed and reported."""
_PICK_UP = 12.0
_THINK = 3.0
"""Between the prompt and the key."""
_PAUSE = 1.0
"""After each sentence."""
_PACE = 0.85
"""Alerts are read slower than other texts."""
_CHARACTER, _WORD, _STOP = 0.28, 0.4, 0.3
"""What a Chinese character, a word and a stop take at the usual pace."""


def saying(*sentences: str) -> float:
    """Return how many seconds these sentences take, slowly and with a pause after each."""
    return sum(_seconds(one) / _PACE + _PAUSE for one in sentences if one)


def answered(speech: Speech) -> float:
    """Return for how long somebody holds the line who hears it all and presses 1."""
    recorded = saying(*speech.lead) + speech.seconds + _PAUSE
    told = recorded if speech.recording else saying(*speech.sentences)
    offers = speech.others[0].offer if speech.others else ""
    around = saying(speech.foreword, speech.opening, speech.prompt, offers)
    return _PICK_UP + 2 * told + around + _THINK + saying(speech.answers.get("1", ""))


def _seconds(text: str) -> float:
    characters = len(re.findall(r"[\u3400-\u9fff]", text))
    words = len(re.findall(r"[A-Za-z']+|\d", text))
    stops = len(re.findall(r"[,.;:!?，。；：！？、]", text))
    return characters * _CHARACTER + words * _WORD + stops * _STOP
