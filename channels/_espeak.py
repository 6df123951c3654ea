"""A driver of pyttsx3 over espeak-ng that writes whole files, one after the other.

pyttsx3's own driver for Linux returns before a file is written and mixes up rates between files
(seen with 2.99). This one implements the same documented interface (`pyttsx3.drivers.dummy`) with
espeak's synchronous mode: when a command returns, its file is there.
"""

import ctypes
import sys
import wave
from functools import cache
from typing import Any, BinaryIO

import espeakng_loader

NAME = "linxun_espeak"
SYNCHRONOUS = 2
STAY = 0x8000
"""Have espeak return an error instead of ending the process."""
UTF8, END_PAUSE = 0x01, 0x1000
RATE = 1
RATES = (80, 450)
"""Words per minute that espeak takes."""
BUFFER = 200
"""Milliseconds of sound per call back."""

_Listener = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class EspeakError(Exception):
    """espeak-ng refused; the sentence says what was asked of it."""


class _Espeak:
    """The library, which has one state per process: a voice, a rate, a listener."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        path = espeakng_loader.get_data_path().encode()
        self.samples = int(self._library.espeak_Initialize(SYNCHRONOUS, BUFFER, path, STAY))
        if self.samples <= 0:
            raise EspeakError("espeak-ng does not start: its data files are missing.")
        self._sound = bytearray()
        self._voice = ""
        # kept here: ctypes does not keep a callback alive
        self._listener = _Listener(self._listen)
        self._library.espeak_SetSynthCallback(self._listener)

    def sound(self, text: str, voice: str, rate: int) -> bytes:
        """Return the text as 16-bit mono samples."""
        self._sound = bytearray()
        self._speak_as(voice)
        self._library.espeak_SetParameter(RATE, rate, 0)
        said = text.encode()
        end = ctypes.c_size_t(len(said) + 1)
        flags = ctypes.c_uint(UTF8 | END_PAUSE)
        if self._library.espeak_Synth(said, end, 0, 0, 0, flags, None, None):
            raise EspeakError("espeak-ng did not speak the text.")
        return bytes(self._sound)

    def _speak_as(self, voice: str) -> None:
        """Take a voice; its dictionary is read only when it is another one than before."""
        if voice == self._voice:
            return
        self._voice = ""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise EspeakError(f"espeak-ng has no voice {voice}.")
        self._voice = voice

    def _listen(self, samples: Any, count: int, events: int | None) -> int:
        del events
        if samples and count > 0:
            self._sound += ctypes.string_at(samples, count * 2)
        return 0


@cache
def _espeak() -> _Espeak:
    return _Espeak()


class Driver:
    """What pyttsx3 asks of a driver. It has no loudspeaker: `say` is not offered."""

    def __init__(self, proxy: Any) -> None:
        self._proxy = proxy
        self._properties: dict[str, Any] = {"voice": "sit/cmn", "rate": 150, "volume": 1.0}

    def startLoop(self) -> None:  # noqa: N802 - pyttsx3's name
        """Carry out everything that is queued; the last of it is pyttsx3's own `endLoop`."""
        self._proxy.setBusy(False)

    def endLoop(self) -> None:  # noqa: N802 - pyttsx3's name
        """Take no more commands until the next loop."""
        self._proxy.setBusy(True)

    def stop(self) -> None:
        """Tell pyttsx3 that nothing is being said: a file is finished when its command returns."""
        self._proxy.notify("finished-utterance", completed=True)

    def getProperty(self, name: str) -> Any:  # noqa: N802 - pyttsx3's name
        """Return a property; raises KeyError."""
        return self._properties[name]

    def setProperty(self, name: str, value: Any) -> None:  # noqa: N802 - pyttsx3's name
        """Set the voice or the rate from the next file on; raises KeyError, ValueError."""
        if name not in self._properties:
            raise KeyError(name)
        low, high = RATES
        self._properties[name] = min(high, max(low, int(value))) if name == "rate" else value

    def save_to_file(self, text: str, filename: str | BinaryIO) -> None:
        """Write the text as a WAV file, whole when this returns; raises EspeakError, OSError.

        filename: a path, or a file that is open for writing.
        """
        espeak = _espeak()
        sound = espeak.sound(text, self._properties["voice"], self._properties["rate"])
        with wave.open(filename, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(espeak.samples)
            file.writeframes(sound)


def buildDriver(proxy: Any) -> Driver:  # noqa: N802 - pyttsx3's name
    """Return a driver for pyttsx3's proxy."""
    return Driver(proxy)


def register() -> str:
    """Put this module where pyttsx3 looks for drivers and return the driver's name."""
    sys.modules[f"pyttsx3.drivers.{NAME}"] = sys.modules[__name__]
    return NAME
