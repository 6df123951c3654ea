"""Audible: whether a recording can be played to residents, and why not, in words for a clerk."""

import numpy as np

from content import sound as sounds
from content.alert import ReviewError
from content.message import Spoken
from content.sound import Sound, SoundError

RATE = 16_000
"""Samples a second that are kept: more than a telephone carries, enough for a loudspeaker."""
LONGEST, SHORTEST = 180.0, 2.0
"""Seconds."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a file."""
_FRAME = 0.05
_QUIET, _HEARD = 10 ** (-42 / 20), 0.15
"""The level below which a frame counts as silence, and the share of frames that must be above."""
_FULL, _CUT = 0.998, 0.01
"""The level at which a sample is cut off, and the share of samples that may be."""
_PER_CHARACTER = 0.06
"""Seconds that the fastest reader takes for a character of Chinese, or for two of English."""


def checked(body: bytes, language: Spoken, text: str) -> Sound:
    """Return a file's sound as it is kept; raises ReviewError where nobody should hear it."""
    if len(body) > LARGEST:
        raise ReviewError(f"文件太大，最多{LARGEST >> 20} MB。 The file is too large.")
    try:
        heard = sounds.read(body)
    except SoundError as error:
        raise ReviewError(str(error)) from error
    if not SHORTEST <= heard.seconds <= LONGEST:
        raise ReviewError(
            f"录音长{heard.seconds:.0f}秒，要在{SHORTEST:.0f}到{LONGEST:.0f}秒之间。 "
            f"The recording takes {heard.seconds:.0f} s; {SHORTEST:.0f} to {LONGEST:.0f} s are "
            "possible."
        )
    _loud_enough(heard)
    least = len(text) * _PER_CHARACTER / (2 if language is Spoken.ENGLISH else 1)
    if heard.seconds < least:
        raise ReviewError(
            f"录音只有{heard.seconds:.0f}秒，念不完全文，请录完整。 The recording is too short for "
            "the whole text: read all of it."
        )
    return sounds.resampled(heard, RATE) if heard.rate > RATE else heard


def _loud_enough(heard: Sound) -> None:
    frame = int(heard.rate * _FRAME)
    samples = heard.samples[: len(heard.samples) // frame * frame].reshape(-1, frame)
    levels = np.sqrt(np.mean(np.square(samples), axis=1))
    if float((levels > _QUIET).mean()) < _HEARD:
        raise ReviewError(
            "录音几乎没有声音，请靠近话筒重录。 There is hardly anything to hear: record it again, "
            "nearer to the microphone."
        )
    if float((np.abs(heard.samples) >= _FULL).mean()) > _CUT:
        raise ReviewError(
            "声音太大，已经破音，请离话筒远一点重录。 It is too loud and distorted: record it "
            "again, further from the microphone."
        )
