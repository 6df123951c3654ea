"""Every text is spoken once, whole, for the telephone; and it does not stay."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from channels import _voice
from channels._voice import Voice, VoiceError
from content import sound
from content.message import Spoken

SAID = "暴雨红色预警，请待在家里。"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("language", list(Spoken))
def test_a_text_is_telephone_sound_in_every_language(tmp_path: Path, language: Spoken) -> None:
    voice = Voice(tmp_path / "voice")
    path = voice.telephone(language, "Please stay at home. 请待在家里。")
    assert len(voice.frames(path)) == voice.seconds(path) * 8000
    assert sound.read(path.read_bytes()).loudness > -30
    assert 2 < voice.seconds(path) < 8


def test_a_text_is_spoken_once(tmp_path: Path) -> None:
    voice = Voice(tmp_path)
    first = voice.telephone(Spoken.MANDARIN, SAID)
    written = first.stat().st_mtime_ns
    assert Voice(tmp_path).telephone(Spoken.MANDARIN, SAID) == first
    assert first.stat().st_mtime_ns == written


def test_a_language_a_rate_and_a_form_have_files_of_their_own(tmp_path: Path) -> None:
    voice = Voice(tmp_path)
    made = {
        voice.telephone(Spoken.MANDARIN, SAID),
        voice.telephone(Spoken.CANTONESE, SAID),
        Voice(tmp_path, 200).telephone(Spoken.MANDARIN, SAID),
        voice.loud(Spoken.MANDARIN, SAID),
    }
    assert len(made) == len(list(tmp_path.iterdir())) == 4


def test_only_the_owner_reads_what_was_spoken(tmp_path: Path) -> None:
    path = Voice(tmp_path / "deep" / "voice").telephone(Spoken.MANDARIN, SAID)
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)


def test_a_file_name_tells_nothing_without_the_key(tmp_path: Path) -> None:
    names = {Voice(tmp_path, key=key).name(Spoken.MANDARIN, SAID) for key in (b"", b"a", b"b" * 99)}
    assert len(names) == 3
    assert {len(name) for name in names} == {32}


@pytest.mark.parametrize("text", ["", " \n", "……"])
def test_what_has_no_sound_is_no_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(VoiceError):
        Voice(tmp_path).telephone(Spoken.MANDARIN, text)
    assert list(tmp_path.iterdir()) == []


def test_a_slower_rate_takes_longer_on_the_telephone(tmp_path: Path) -> None:
    lengths = []
    for rate in (300, 200, 150, 100):
        voice = Voice(tmp_path, rate)
        lengths.append(voice.seconds(voice.telephone(Spoken.MANDARIN, SAID)))
    assert lengths == sorted(lengths)
    assert lengths[-1] > 2 * lengths[0]


def test_many_at_once_get_the_lengths_that_they_have_alone(tmp_path: Path) -> None:
    jobs = [(rate, SAID * times) for rate in (100, 150, 250) for times in (1, 3)] * 3

    def length(job: tuple[int, str], folder: Path) -> float:
        voice = Voice(folder, job[0])
        return voice.seconds(voice.telephone(Spoken.MANDARIN, job[1]))

    alone = [length(job, tmp_path / "alone") for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: length(job, tmp_path / "together"), jobs))
    # espeak glides from one utterance into the next: some milliseconds differ
    assert together == pytest.approx(alone, rel=0.02)


@pytest.mark.slow
def test_processes_share_a_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from channels._voice import Voice;"
        "from content.message import Spoken; v = Voice(Path(sys.argv[1]));"
        "print(*[v.telephone(Spoken.MANDARIN, '请待在家里。' * n).name for n in range(1, 9)])"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    named = {one.communicate()[0] for one in running}
    assert [one.returncode for one in running] == [0, 0, 0]
    assert {*named.pop().split()} == {path.name for path in tmp_path.iterdir()}
    assert named == set()


def test_files_that_wait_in_one_queue_keep_their_rates_and_their_ends(tmp_path: Path) -> None:
    engine, errors = _voice._engine()
    paths = [tmp_path / f"{rate}.wav" for rate in (100, 150, 300)]
    with _voice._lock:
        engine.setProperty("voice", "sit/cmn")
        for path in paths:
            engine.setProperty("rate", int(path.stem))
            engine.save_to_file(SAID, str(path))
        engine.runAndWait()
    lengths = [sound.read(path.read_bytes()).seconds for path in paths]
    alone = [_voice.spoken(Spoken.MANDARIN, SAID, int(path.stem)).seconds for path in paths]
    assert lengths == pytest.approx(alone, rel=0.03)
    assert errors == []


def test_what_is_a_day_old_is_erased(tmp_path: Path) -> None:
    voice = Voice(tmp_path)
    old, new = (voice.telephone(Spoken.MANDARIN, text) for text in (SAID, SAID * 2))
    (tmp_path / ".crash.part.wav").touch()
    for path in (old, tmp_path / ".crash.part.wav"):
        os.utime(path, (0, 0))
    assert voice.tidy() == 2
    assert list(tmp_path.iterdir()) == [new]


def test_the_oldest_goes_where_there_is_too_much(tmp_path: Path) -> None:
    voice = Voice(tmp_path, room=60_000, kept=timedelta(days=99_999))
    made = [voice.telephone(Spoken.MANDARIN, SAID + "。" + "好" * times) for times in range(1, 4)]
    for age, path in enumerate(reversed(made)):
        os.utime(path, (10_000 - age, 10_000 - age))
    voice.tidy()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 60_000
    assert made[-1].exists()


def test_a_voice_that_is_not_there_is_a_sentence_without_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_voice.VOICES, Spoken.ENGLISH, "gmw/nowhere")
    with pytest.raises(VoiceError) as caught:
        Voice(tmp_path).telephone(Spoken.ENGLISH, "secret")
    assert "secret" not in str(caught.value)
