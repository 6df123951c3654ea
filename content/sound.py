"""Sound: WAV files read and written, resampled, and as a telephone has them; pure.

A telephone carries 8,000 samples a second, each one byte of G.711 mu-law. numpy is there for the
fact base anyway and gives every Python the same codec; `audioop` left Python with 3.13, and its
resampling has no filter: what lies above 4 kHz would be heard as a hiss below it.
"""

import io
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

TELEPHONE = 8_000
"""Samples a second on the telephone."""
RATES = (4_000, 192_000)
"""Samples a second that a file may have."""
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_CODED = (b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_LONGEST = 600
"""Seconds of a coded file that are read: a small one may hold hours."""
_BIAS, _CLIP = 0x84, 32_635
_FULL = 32_768.0
_SILENT = -120.0
_STRETCH, _EDGE = 0.16, 0.02
"""Seconds that are resampled at a time, and that are done twice at either end of them."""

Samples = NDArray[np.float32]


class SoundError(Exception):
    """A sound file cannot be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One channel of samples from -1 to 1, `rate` of them a second."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """Return how long it takes to hear."""
        return len(self.samples) / self.rate

    @property
    def peak(self) -> float:
        """Return the loudest sample, from 0 to 1."""
        return float(np.abs(self.samples).max(initial=0.0))

    @property
    def loudness(self) -> float:
        """Return the root mean square in decibels of full scale; silence has -120."""
        count = max(1, len(self.samples))
        power = float(np.square(self.samples, dtype=np.float64).sum()) / count
        return max(_SILENT, 10 * math.log10(power)) if power else _SILENT


def read(body: bytes) -> Sound:
    """Read a sound file, its channels mixed down to one; raises SoundError.

    Of WAV, PCM of 8 to 32 bits, floating point, mu-law and A-law are known; FLAC, MP3 and Ogg,
    such as a voice message in a chat, are read by libsndfile.
    """
    if body.startswith(_CODED):
        return _coded(body)
    form, data = _chunks(body)
    try:
        kind, channels, rate = struct.unpack_from("<HHI", form)
        bits = struct.unpack_from("<H", form, 14)[0]
        if kind == _EXTENSIBLE:
            kind = struct.unpack_from("<H", form, 24)[0]
    except struct.error:
        raise _unreadable() from None
    if not 1 <= channels <= 8 or not RATES[0] <= rate <= RATES[1]:  # noqa: PLR2004 - a microphone's
        raise _unreadable()
    samples = _decoded(data, kind, bits)
    if channels > 1:
        whole = samples[: len(samples) - len(samples) % channels].reshape(-1, channels)
        samples = whole.mean(axis=1, dtype=np.float32)
    return Sound(samples, rate)


def wav(sound: Sound) -> bytes:
    """Return a WAV file of 16-bit samples, as every loudspeaker plays it."""
    form = struct.pack("<HHIIHH", _PCM, 1, sound.rate, sound.rate * 2, 2, 16)
    return _riff(form, b"", linear(sound).tobytes())


def telephone(sound: Sound) -> bytes:
    """Return a WAV file as telephones have it: 8 kHz, mono, mu-law."""
    body = mulaw(resampled(sound, TELEPHONE))
    form = struct.pack("<HHIIHHH", _MULAW, 1, TELEPHONE, TELEPHONE, 1, 8, 0)
    return _riff(form, struct.pack("<4sII", b"fact", 4, len(body)), body)


def opus(sound: Sound) -> bytes:
    """Return an Ogg file coded by Opus, as a voice message in a chat has it.

    It holds what a telephone lets through: that is how it will be heard, and coding the rest
    takes Opus four times as long.
    """
    import soundfile

    body, samples = io.BytesIO(), resampled(sound, TELEPHONE).samples
    soundfile.write(body, samples, TELEPHONE, format="OGG", subtype="OPUS")
    return body.getvalue()


def payload(body: bytes) -> bytes:
    """Return the mu-law bytes of a file made by `telephone`; raises SoundError."""
    form, data = _chunks(body)
    if form[:2] != struct.pack("<H", _MULAW):
        raise _unreadable()
    return data


def seconds(body: bytes) -> float:
    """Return the length of a WAV file whose samples need not be read; raises SoundError."""
    form, data = _chunks(body)
    each = struct.unpack_from("<I", form, 8)[0] if len(form) >= 16 else 0  # noqa: PLR2004 - its size
    if not each:
        raise _unreadable()
    return len(data) / float(each)


def linear(sound: Sound) -> NDArray[np.int16]:
    """Return 16-bit samples; what is too loud is cut."""
    made: NDArray[np.int16] = np.clip(np.rint(sound.samples * _FULL), -_FULL, _FULL - 1).astype(
        "<i2"
    )
    return made


def mulaw(sound: Sound) -> bytes:
    """Return one byte of G.711 mu-law for each sample."""
    return _encoder()[linear(sound).view(np.uint16)].tobytes()


def resampled(sound: Sound, rate: int) -> Sound:
    """Return a sound with `rate` samples a second; what that cannot carry is filtered out.

    Stretch by stretch the spectrum is cut off, with soft shoulders, or extended: no alias, and no
    change of pitch. Each stretch overlaps the next, so that its edges are not heard.
    """
    if sound.rate == rate:
        return sound
    common = math.gcd(sound.rate, rate)
    step, made = sound.rate // common, rate // common
    edge, hop = (max(1, math.ceil(part * sound.rate / step)) for part in (_EDGE, _STRETCH))
    frame, count = hop + 2 * edge, -(-len(sound.samples) // (hop * step))
    padded = np.zeros((count * hop + 2 * edge) * step, np.float32)
    padded[edge * step : edge * step + len(sound.samples)] = sound.samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame * step)[:: hop * step]
    kept = frame * min(step, made) // 2 + 1
    spectrum = np.fft.rfft(frames)[:, :kept] * (_shoulder(kept) * np.float32(made / step))
    made_frames = np.fft.irfft(spectrum, frame * made)[:, edge * made : -edge * made]
    length = -(-len(sound.samples) * made // step)
    return Sound(made_frames.reshape(-1)[:length].astype(np.float32), rate)


def louder(sound: Sound, peak: float) -> Sound:
    """Return a sound whose loudest sample is `peak`, from 0 to 1; silence stays."""
    return Sound(sound.samples * np.float32(peak / sound.peak), sound.rate) if sound.peak else sound


def softer(sound: Sound, decibels: float) -> Sound:
    """Return a sound so many decibels below what it was."""
    return Sound(sound.samples * np.float32(10 ** (-decibels / 20)), sound.rate)


def silence(seconds: float, rate: int) -> Sound:
    """Return so many seconds of nothing."""
    return Sound(np.zeros(round(seconds * rate), np.float32), rate)


def chime(hertz: Sequence[float], seconds: float, rate: int) -> Sound:
    """Return bells of these pitches, one after the other, each dying away; as loud as can be."""
    at = np.arange(round(seconds * rate), dtype=np.float32) / rate
    fading = np.exp(-3 * at / seconds) * np.minimum(1, at * 200)
    bells = [
        fading * (np.sin(2 * np.pi * pitch * at) + 0.3 * np.sin(4 * np.pi * pitch * at))
        for pitch in hertz
    ]
    return louder(Sound(np.concatenate(bells).astype(np.float32), rate), 1.0)


def siren(low: float, high: float, turns: int, rate: int) -> Sound:
    """Return a wail between two pitches, a second each way, as loud as can be."""
    at = np.arange(2 * turns * rate, dtype=np.float64) / rate
    pitch = low + (high - low) * (0.5 - 0.5 * np.cos(np.pi * at))
    wail = np.sin(2 * np.pi * np.cumsum(pitch) / rate)
    edge = np.minimum(1, np.minimum(at, at[::-1]) * 20)
    return Sound((wail * edge).astype(np.float32), rate)


def joined(*sounds: Sound) -> Sound:
    """Return sounds one after the other, at the rate of the first."""
    rate = sounds[0].rate
    return Sound(np.concatenate([resampled(one, rate).samples for one in sounds]), rate)


def _coded(body: bytes) -> Sound:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(body)) as file:
            rate = int(file.samplerate)
            if not RATES[0] <= rate <= RATES[1]:
                raise _unreadable()
            read = file.read(rate * _LONGEST, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise _unreadable() from error
    return Sound(np.clip(np.nan_to_num(read.mean(axis=1)), -1, 1).astype(np.float32), rate)


def _riff(form: bytes, fact: bytes, data: bytes) -> bytes:
    parts = struct.pack("<4sI", b"fmt ", len(form)) + form + fact
    parts += struct.pack("<4sI", b"data", len(data)) + data + b"\0" * (len(data) % 2)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(parts), b"WAVE") + parts


def _chunks(body: bytes) -> tuple[bytes, bytes]:
    """Return the `fmt ` and `data` chunks; a length that says more than there is is cut."""
    if body[:4] != b"RIFF" or body[8:12] != b"WAVE":
        raise _unreadable()
    found: dict[bytes, bytes] = {}
    for name, chunk in _parts(body):
        found.setdefault(name, chunk)
        if b"data" in found:
            break
    if not {b"fmt ", b"data"} <= set(found):
        raise _unreadable()
    return found[b"fmt "], found[b"data"]


def _parts(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        yield name, body[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _decoded(data: bytes, kind: int, bits: int) -> Samples:
    if kind == _PCM and bits in (8, 16, 24, 32):
        return _integers(data, bits // 8)
    if kind == _FLOAT and bits in (32, 64):
        width = bits // 8
        given = np.frombuffer(data[: len(data) // width * width], f"<f{width}")
        bounded: Samples = np.clip(np.nan_to_num(given), -1, 1).astype(np.float32)
        return bounded
    if kind in (_MULAW, _ALAW) and bits == 8:  # noqa: PLR2004 - of a byte
        table = _decoder() if kind == _MULAW else _alaw()
        return table[np.frombuffer(data, np.uint8)]
    raise _unreadable()


def _integers(data: bytes, width: int) -> Samples:
    if width == 2:  # noqa: PLR2004 - bytes of 16 bits
        plain: Samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32)
        return plain / np.float32(_FULL)
    raw = np.frombuffer(data[: len(data) // width * width], np.uint8).reshape(-1, width)
    if width == 1:
        low: Samples = raw[:, 0].astype(np.float32)
        return (low - np.float32(128)) / np.float32(128)
    # the high bytes carry what can be heard: two of them are 16 bits
    high: Samples = np.ascontiguousarray(raw[:, -2:]).view("<i2")[:, 0].astype(np.float32)
    return high / np.float32(_FULL)


@cache
def _shoulder(bins: int) -> Samples:
    """Return how much is kept of each frequency: all of it, but the last tenth fades."""
    fading = np.clip((np.arange(bins) / max(1, bins - 1) - 0.9) * 10, 0, 1)
    return (np.cos(fading * np.pi / 2) ** 2).astype(np.float32)


@cache
def _encoder() -> NDArray[np.uint8]:
    """Return the mu-law byte of every 16-bit sample, indexed by its two's complement."""
    sample = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    coded: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return coded


@cache
def _decoder() -> Samples:
    """Return the sample of every mu-law byte."""
    byte = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((byte & 0x0F) << 3) + _BIAS) << ((byte >> 4) & 7)) - _BIAS
    return (np.where(byte & 0x80, -magnitude, magnitude) / _FULL).astype(np.float32)


@cache
def _alaw() -> Samples:
    """Return the sample of every A-law byte."""
    byte = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (byte >> 4) & 7, (byte & 0x0F) << 4
    magnitude = np.where(
        exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0)
    )
    return (np.where(byte & 0x80, magnitude, -magnitude) / _FULL).astype(np.float32)


def _unreadable() -> SoundError:
    return SoundError(
        "这不是能用的录音：请存成WAV文件（PCM格式）再试。 "
        "This is no sound that can be used: save it as a WAV file (PCM) and try again."
    )
