import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from channels.base import SendError, State
from channels.speaker import Speaker
from content.message import Message, Spoken

SAID = "暴雨红色预警，请待在家里。"
TEXTS = {
    Spoken.MANDARIN: SAID,
    Spoken.CANTONESE: "暴雨紅色預警，請留喺屋企。",
    Spoken.ENGLISH: "Red rainstorm warning. Please stay at home.",
}


async def test_an_announcement_is_a_sound_with_its_text_beside_it(
    tmp_path: Path, message: Message
) -> None:
    receipt = await Speaker(tmp_path / "3号楼").send("", message, "r1")
    assert (receipt.provider_id, receipt.state) == ("r1", State.SENT)
    assert sorted(path.name for path in (tmp_path / "3号楼").iterdir()) == ["r1.txt", "r1.wav"]
    assert (tmp_path / "3号楼" / "r1.txt").read_text(encoding="utf-8") == message.speech.script


@pytest.mark.parametrize("language", list(Spoken))
def test_every_language_has_a_voice(tmp_path: Path, language: Spoken) -> None:
    seconds = Speaker(tmp_path).render(TEXTS[language], language, tmp_path / "a.wav")
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert any(file.readframes(file.getnframes()))
        assert file.getnframes() / file.getframerate() == seconds
    assert 2 < seconds < 8


def test_cantonese_is_not_read_as_mandarin(tmp_path: Path) -> None:
    speaker, heard = Speaker(tmp_path), []
    for language in (Spoken.MANDARIN, Spoken.CANTONESE):
        speaker.render(SAID, language, tmp_path / "a.wav")
        heard.append((tmp_path / "a.wav").read_bytes())
    assert heard[0] != heard[1]


def test_a_slower_rate_takes_longer(tmp_path: Path) -> None:
    lengths = [
        Speaker(tmp_path, rate).render(SAID, Spoken.MANDARIN, tmp_path / "a.wav")
        for rate in (300, 200, 150, 100)
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 2 * lengths[0]


def test_each_file_keeps_its_own_rate_and_text_when_many_are_made_at_once(tmp_path: Path) -> None:
    jobs = [(rate, text) for rate in (100, 150, 250) for text in (SAID, SAID * 3)] * 3

    def render(at: int) -> float:
        rate, text = jobs[at]
        return Speaker(tmp_path, rate).render(text, Spoken.MANDARIN, tmp_path / f"{at}.wav")

    alone = [render(at) for at in range(6)] * 3
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(render, range(len(jobs))))
    # espeak glides from one utterance into the next: some milliseconds differ
    assert together == pytest.approx(alone, rel=0.02)


def test_the_whole_text_is_said(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path)
    once = speaker.render(SAID, Spoken.MANDARIN, tmp_path / "a.wav")
    many = speaker.render(SAID * 40, Spoken.MANDARIN, tmp_path / "b.wav")
    assert many == pytest.approx(once * 40, rel=0.1)


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    speaker, path = Speaker(tmp_path), tmp_path / "a.wav"
    first = speaker.render(SAID, Spoken.MANDARIN, path)
    second = speaker.render(SAID * 2, Spoken.MANDARIN, path)
    assert second > first
    assert [one.name for one in tmp_path.iterdir()] == ["a.wav"]


async def test_a_folder_that_cannot_be_written_may_be_tried_again(
    tmp_path: Path, message: Message
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SendError) as caught:
        await Speaker(tmp_path / "file").send("", message, "r1")
    assert not caught.value.permanent


@pytest.mark.parametrize("ref", ["../r1", "", "a/b", "r" * 65])
async def test_a_ref_names_a_file_in_the_folder_only(
    tmp_path: Path, message: Message, ref: str
) -> None:
    with pytest.raises(SendError):
        await Speaker(tmp_path / "in").send("", message, ref)
    assert not (tmp_path / "in").exists()


async def test_a_message_without_speech_is_not_announced(tmp_path: Path, message: Message) -> None:
    with pytest.raises(SendError) as caught:
        await Speaker(tmp_path).send("", replace(message, speech=None), "r1")
    assert caught.value.permanent
