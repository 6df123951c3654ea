import asyncio
import os
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from channels.base import SendError, State
from channels.speaker import LONGEST, MANNERS, Speaker
from content import sound
from content.message import Message, Speech, Spoken

SAID = "暴雨红色预警，请待在家里。"
TEXTS = {
    Spoken.MANDARIN: SAID,
    Spoken.CANTONESE: "暴雨紅色預警，請留喺屋企。",
    Spoken.ENGLISH: "Red rainstorm warning. Please stay at home.",
}


async def test_an_announcement_is_a_sound_with_its_text_beside_it(
    tmp_path: Path, message: Message
) -> None:
    receipt = await Speaker(tmp_path / "3号楼", player="none").send("", message, "r1")
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
        await Speaker(tmp_path / "file", player="none").send("", message, "r1")
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


def program(folder: Path, body: str) -> str:
    """A program that plays nothing: it does `body` with the file in $1."""
    path = folder / "player"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


async def test_what_is_played_here_is_not_left_in_the_folder(
    tmp_path: Path, message: Message
) -> None:
    player = program(tmp_path, f'cp "$1" {tmp_path}/heard.wav')
    receipt = await Speaker(tmp_path / "out", player=player).send("", message, "r1")
    assert receipt.state is State.COMPLETED
    assert sound.read((tmp_path / "heard.wav").read_bytes()).seconds > 5
    assert not (tmp_path / "out").exists()


async def test_without_a_sound_device_it_is_left_in_the_folder(
    tmp_path: Path, message: Message
) -> None:
    speaker = Speaker(tmp_path / "out", player=program(tmp_path, "exit 1"))
    assert (await speaker.send("", message, "r1")).state is State.SENT
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".txt", ".wav"]


async def test_two_announcements_are_not_played_over_each_other(
    tmp_path: Path, message: Message
) -> None:
    log = tmp_path / "log"
    player = program(tmp_path, f"echo begins >> {log}; sleep 0.2; echo ends >> {log}")
    speaker = Speaker(tmp_path, player=player)
    await asyncio.gather(*(speaker.send("", message, ref) for ref in ("r1", "r2")))
    assert log.read_text().split() == ["begins", "ends"] * 2


async def test_a_player_that_is_set_and_missing_is_noticed_by_the_link_test(tmp_path: Path) -> None:
    with pytest.raises(SendError) as caught:
        await Speaker(tmp_path, player="no-such-player -q").test()
    assert caught.value.code == "no_player"


def test_the_more_severe_the_louder_and_the_more_often(tmp_path: Path, message: Message) -> None:
    speaker = Speaker(tmp_path)
    heard = [speaker.announcement(replace(message, severity=one)) for one in MANNERS]
    levels, lengths = [one.peak for one in heard], [one.seconds for one in heard]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(1)
    assert lengths == sorted(lengths, reverse=True)


def test_each_severity_has_a_tone_of_its_own_before_the_words(
    tmp_path: Path, message: Message
) -> None:
    speaker = Speaker(tmp_path)
    heard = {
        speaker.announcement(replace(message, severity=one)).samples[2000:9000].tobytes()
        for one in MANNERS
    }
    assert len(heard) == len(MANNERS)


def test_a_drill_sounds_like_no_emergency(tmp_path: Path, message: Message) -> None:
    speaker = Speaker(tmp_path)
    plain, grave = (speaker.announcement(replace(message, severity=one)) for one in ("", "Extreme"))
    assert plain.peak < grave.peak / 2
    assert plain.seconds < grave.seconds


def test_a_long_text_is_not_repeated_for_ever(tmp_path: Path, message: Message) -> None:
    speech = replace(message.speech, sentences=("请大家留在家里等通知。" * 70,))
    made = Speaker(tmp_path).announcement(replace(message, speech=speech, severity="Extreme"))
    assert 100 < made.seconds < LONGEST


def test_a_reading_is_announced_after_who_speaks(tmp_path: Path, message: Message) -> None:
    read = replace(message, speech=replace(message.speech, recording="1" * 32))
    body = sound.wav(sound.chime((440,) * 30, 1.0, 16_000))
    heard = Speaker(tmp_path, recorded=lambda _: body).announcement(read)
    spoken = Speaker(tmp_path).announcement(message)
    gone = Speaker(tmp_path, recorded=lambda _: None).announcement(read)
    assert heard.seconds > 60
    assert gone.seconds == pytest.approx(spoken.seconds, rel=0.2)


def test_other_languages_are_announced_after_the_first(tmp_path: Path, message: Message) -> None:
    other = Speech(Spoken.ENGLISH, "Hello.", ("Please stay at home.",), "", {}, "", "", "")
    both = replace(message, speech=replace(message.speech, others=(other,)))
    speaker = Speaker(tmp_path)
    assert speaker.announcement(both).seconds > speaker.announcement(message).seconds + 1


def test_the_link_test_erases_what_is_a_month_old(tmp_path: Path) -> None:
    for name in ("old.wav", "old.txt", "new.wav", "notes.md"):
        (tmp_path / name).touch()
        if name != "new.wav":
            os.utime(tmp_path / name, (0, 0))
    asyncio.run(Speaker(tmp_path).test())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.wav", "notes.md"]
