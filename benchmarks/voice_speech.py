"""How many times faster than it sounds each sentence of the house is spoken, for the telephone."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from channels._voice import Voice
from content.message import Spoken, Written
from content.phrase import table, written
from content.speak import speak

_PLACE = re.compile(r"\{\w+\}")
_VALUE = {Spoken.ENGLISH: "12 August"}


@dataclass(frozen=True, slots=True)
class Figures:
    """How many sentences were spoken, how long they sound, and how long this process worked (s)."""

    sentences: int
    sounded: float
    took: float

    @property
    def times(self) -> float:
        """Return how many times faster than real time that was."""
        return self.sounded / self.took


def measure(folder: Path, every: int = 1) -> Figures:
    """Speak every sentence (or each `every`th) in three languages into an empty folder."""
    said = [
        (language, speak(text, language))
        for language in Spoken
        for key in sorted(table(Written.HANS))[::every]
        if re.search(r"\w", text := _filled(key, language))
    ]
    voice = Voice(folder)
    voice.telephone(Spoken.MANDARIN, "喂。")  # the engine loads once in a process's life
    began = time.process_time()
    paths = [voice.telephone(language, text) for language, text in said]
    took = time.process_time() - began
    sounded = sum(voice.seconds(path) for path in paths)
    return Figures(len(said), sounded, took)


def _filled(key: str, language: Spoken) -> str:
    """Return a sentence with a date in each of its places."""
    return _PLACE.sub(_VALUE.get(language, "8月12日"), table(written(language))[key])
