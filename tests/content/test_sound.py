"""Sound is read, resampled and written so that a telephone plays what was said."""

import io
import math
import struct
import wave
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import sound
from content.sound import Sound, SoundError


def tone(hertz: float, rate: int, seconds: float = 1.0) -> Sound:
    at = np.arange(int(rate * seconds)) / rate
    return Sound((0.5 * np.sin(2 * np.pi * hertz * at)).astype(np.float32), rate)


def pcm(width: int, channels: int = 1) -> bytes:
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(16_000)
        half = {1: b"\xc0", 2: b"\x00\x40", 3: b"\x00\x00\x40", 4: b"\x00\x00\x00\x40"}[width]
        file.writeframes(half * channels * 1600)
    return body.getvalue()


def g711(kind: int, byte: int) -> bytes:
    form = struct.pack("<HHIIHH", kind, 1, 8000, 8000, 1, 8)
    head = struct.pack("<4sI4s4sI", b"RIFF", 0, b"WAVE", b"fmt ", len(form)) + form
    return head + struct.pack("<4sI", b"data", 800) + bytes([byte]) * 800


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 44_100, 44_101, 48_000])
def test_what_a_telephone_carries_keeps_its_pitch_and_its_length(rate: int) -> None:
    heard = sound.resampled(tone(1000, rate), 8000)
    wanted = tone(1000, 8000)
    assert len(heard.samples) == len(wanted.samples)
    assert np.abs(heard.samples - wanted.samples)[200:-200].max() < 1e-3


@pytest.mark.parametrize("rate", [11_025, 22_050, 48_000])
def test_what_a_telephone_cannot_carry_is_not_heard_as_something_else(rate: int) -> None:
    assert sound.resampled(tone(5000, rate), 8000).loudness < tone(5000, rate).loudness - 45


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_samples_of_any_width_and_of_many_microphones_are_read(width: int, channels: int) -> None:
    read = sound.read(pcm(width, channels))
    assert (read.rate, len(read.samples)) == (16_000, 1600)
    assert read.samples == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "byte", "level"), [(7, 0x80, 32124), (7, 0, -32124), (6, 0xAA, 32256)]
)
def test_the_codes_of_telephones_are_read(kind: int, byte: int, level: int) -> None:
    assert sound.read(g711(kind, byte)).samples == pytest.approx(level / 32768)


def test_floating_point_is_read_and_what_is_no_number_is_silence() -> None:
    form = struct.pack("<HHIIHH", 3, 1, 8000, 32_000, 4, 32)
    head = struct.pack("<4sI4s4sI", b"RIFF", 0, b"WAVE", b"fmt ", len(form)) + form
    body = struct.pack("<4sI4f", b"data", 16, 0.25, math.nan, math.inf, -9)
    assert sound.read(head + body).samples.tolist() == [0.25, 0, 1, -1]


def test_a_telephone_file_is_mulaw_and_its_payload_is_one_byte_a_sample() -> None:
    made = sound.telephone(tone(440, 22_050, 2))
    assert struct.unpack_from("<HHIIHH", made, 20) == (7, 1, 8000, 8000, 1, 8)
    assert len(sound.payload(made)) == 16_000
    assert sound.seconds(made) == 2


def test_mulaw_comes_back_within_its_own_step() -> None:
    ramp = Sound(np.linspace(-0.98, 0.98, 20_000).astype(np.float32), 8000)
    back = sound.read(sound.telephone(ramp)).samples
    assert (np.abs(back - ramp.samples) <= np.abs(ramp.samples) / 16 + 4 / 32768).all()


def test_a_loudspeakers_file_is_read_by_everybody() -> None:
    with wave.open(io.BytesIO(sound.wav(tone(440, 22_050)))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert file.getnframes() == 22_050


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"RIFF\0\0\0\0WAVE",
        pcm(2)[:30],
        pcm(2)[:20] + b"\x55\0" + pcm(2)[22:],
        pcm(2)[:22] + b"\0\0" + pcm(2)[24:],
        pcm(2)[:24] + b"\0\0\0\0" + pcm(2)[28:],
    ],
)
def test_what_is_no_sound_is_refused_with_what_to_do(body: bytes) -> None:
    with pytest.raises(SoundError, match="WAV"):
        sound.read(body)


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    assert len(sound.read(pcm(2)[:-101]).samples) == 1549


def test_loudness_is_decibels_of_full_scale() -> None:
    assert tone(440, 8000).loudness == pytest.approx(-9.03, abs=0.01)
    assert Sound(np.zeros(800, np.float32), 8000).loudness == -120
    assert sound.louder(tone(440, 8000), 1.0).peak == pytest.approx(1)


def test_a_voice_message_comes_back_as_it_was_said() -> None:
    body = sound.opus(tone(440, 22_050, 2))
    read = sound.read(body)
    assert (body[:4], b"OpusHead" in body[:100]) == (b"OggS", True)
    assert len(body) < len(sound.wav(tone(440, 22_050, 2))) / 4
    assert read.seconds == pytest.approx(2, abs=0.05)
    assert read.loudness == pytest.approx(-9, abs=1)


@pytest.mark.parametrize("form", ["FLAC", "MP3", "OGG"])
def test_other_recordings_of_a_phone_are_read(form: str) -> None:
    import soundfile

    body = io.BytesIO()
    soundfile.write(body, np.stack([tone(440, 44_100).samples] * 2, axis=1), 44_100, format=form)
    assert sound.read(body.getvalue()).seconds == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "body", [b"OggS" + bytes(99), b"fLaC", b"ID3" + bytes(2000), b"\xff\xfbxx"]
)
def test_a_broken_coded_file_is_refused(body: bytes) -> None:
    with pytest.raises(SoundError):
        sound.read(body)


@given(st.integers(0, 60), st.binary(min_size=1, max_size=8), st.sampled_from([1, 2, 3, 4]))
def test_whatever_is_wrong_in_a_file_it_is_read_or_refused(
    at: int, junk: bytes, width: int
) -> None:
    body = bytearray(pcm(width, 2))
    body[at : at + len(junk)] = junk
    with suppress(SoundError):
        read = sound.read(bytes(body))
        assert np.abs(read.samples).max(initial=0) <= 1
