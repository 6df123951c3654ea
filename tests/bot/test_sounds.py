"""What a call plays is fetched from a signed address that expires, by whoever has it and nobody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.config import Settings, Voices
from bot.sounds import Sounds, folder
from bot.web import app as web
from channels import _voice
from channels.base import Request
from channels.twilio_voice import TwilioVoice
from content import call, recording, sound
from content.call import Play, Say, Script, Step
from content.message import Speech, Spoken
from content.phrase import say
from content.store import Store
from tests.content.test_recording import read

PUBLIC = "https://linxun.example"
LINE = Say(Spoken.MANDARIN, "三号楼今晚停水，请存水。")
REF = "ab" * 16

SPEECH = Speech(
    Spoken.MANDARIN,
    opening="您好，这里是幸福里社区。",
    sentences=("暴雨红色预警。", "请待在家里。"),
    prompt="听明白请按一。",
    answers={"1": "谢谢，再见。"},
    no_key="没有听到您按键。",
    wrong_key="这个键没有用。",
    machine="我们没能和您说上话。",
    no_words="请按电话上的键。",
    goodbye="您随时可以回拨这个电话。再见。",
)


class Standing:
    """A clock that a test moves."""

    scale = 1.0

    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock(now: datetime) -> Standing:
    return Standing(now)


def kept(path: Path) -> list[Path]:
    return list(path.iterdir())


def given(path: Path, voice: Voices = Voices.ESPEAK) -> Settings:
    return Settings(twilio_voice=voice, voice_folder=path)


def opened(store: Store, clock: Standing, path: Path, voice: Voices = Voices.ESPEAK) -> Sounds:
    return Sounds(given(path, voice), store, clock, PUBLIC)


@asynccontextmanager
async def served(store: Store, clock: Standing, sounds: Sounds) -> AsyncIterator[httpx.AsyncClient]:
    channel = TwilioVoice("AC" + "0" * 32, "t" * 32, "+12025550100", PUBLIC)
    hooks = web.Hooks(store, clock, {channel.name: channel}, "", None, sounds)
    transport = httpx.ASGITransport(web.make(hooks))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as client:
        yield client
    sounds.close()
    await channel.close()


async def test_a_line_is_played_from_an_address_that_does_not_tell_it(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    sounds = opened(store, clock, tmp_path)
    async with served(store, clock, sounds) as client:
        url = sounds.url(LINE, REF)
        answer = await client.get(url)
    assert answer.headers["content-type"] == "audio/wav"
    assert len(sound.payload(answer.content)) > 2 * 8000
    assert url == httpx.URL(url).copy_with(query=None)
    assert LINE.text not in str(httpx.URL(url))


async def test_a_range_and_a_head_are_answered(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    sounds = opened(store, clock, tmp_path)
    async with served(store, clock, sounds) as client:
        url = sounds.url(LINE, REF)
        whole = await client.get(url)
        head = await client.head(url)
        part = await client.get(url, headers={"Range": "bytes=4-43"})
        beyond = await client.get(url, headers={"Range": "bytes=99999999-"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert (part.status_code, part.content) == (206, whole.content[4:44])
    assert beyond.status_code == 416


@pytest.mark.parametrize("wrong", [0, 1, 2, 3])
async def test_a_changed_address_is_refused_with_a_sentence(
    store: Store, clock: Standing, tmp_path: Path, wrong: int
) -> None:
    sounds = opened(store, clock, tmp_path)
    async with served(store, clock, sounds) as client:
        parts = sounds.url(LINE, REF).removesuffix(".wav").split("/")
        parts[4 + wrong] = parts[4 + wrong][:-1] + ("0" if parts[4 + wrong][-1] != "0" else "1")
        answer = await client.get("/".join(parts) + ".wav")
    assert answer.status_code == 403
    assert "signature" in answer.json()["detail"]


async def test_an_address_expires_when_every_call_is_over(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    sounds = opened(store, clock, tmp_path)
    async with served(store, clock, sounds) as client:
        url = sounds.url(LINE, REF)
        clock.at += timedelta(minutes=59)
        assert (await client.get(url)).status_code == 200
        clock.at += timedelta(minutes=61)
        late = await client.get(url)
    assert (late.status_code, late.json()["detail"]) == (403, "This address has expired.")


async def test_the_provider_may_keep_what_it_fetched_in_the_same_hour(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    sounds = opened(store, clock, tmp_path)
    urls = {sounds.url(LINE, REF) for _ in range(3)}
    sounds.close()
    assert len(urls) == 1


def test_twilios_own_voice_needs_no_address(store: Store, clock: Standing, tmp_path: Path) -> None:
    sounds = opened(store, clock, tmp_path, Voices.NEURAL)
    assert sounds.url(LINE, REF) == ""
    assert sounds.url(Play(Spoken.MANDARIN, "停水", "1" * 32), REF) != ""
    sounds.close()


async def test_a_web_without_the_file_makes_it_anew_from_the_call(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    first, second = opened(store, clock, tmp_path / "a"), opened(store, clock, tmp_path / "b")
    script = Script({"start": Step(say=(LINE,))})

    async def find(ref: str) -> Script | None:
        return script if ref == REF else None

    address = first.url(LINE, REF).removesuffix(".wav").split("/")[4:]
    path = await second.fetch(*address, find)
    assert path.parent == tmp_path / "b"
    first.close(), second.close()


@pytest.mark.parametrize(
    ("database", "path", "played"),
    [
        ("sqlite:///linxun.sqlite3", None, True),
        ("postgresql://h/linxun", None, False),
        ("postgresql://h/linxun", "shared", True),
    ],
)
def test_what_belongs_to_no_call_is_played_where_every_web_sees_the_folder(
    store: Store,
    clock: Standing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
    path: str | None,
    played: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(database_url=database, voice_folder=path, twilio_voice=Voices.ESPEAK)
    sounds = Sounds(settings, store, clock, PUBLIC)
    assert bool(sounds.url(LINE)) is played
    assert sounds.url(Say(Spoken.MANDARIN, say("call.wait", Spoken.MANDARIN))) != ""
    sounds.close()


async def test_a_reading_is_found_by_every_web_in_the_database(
    store: Store, clock: Standing, tmp_path: Path, now: datetime
) -> None:
    _, row = read(store, now)
    with store.read() as session:
        (kept_,) = recording.of(session, row)
    first, second = opened(store, clock, tmp_path / "a"), opened(store, clock, tmp_path / "b")
    address = first.url(Play(Spoken.MANDARIN, "停水", kept_.id.hex)).removesuffix(".wav")
    path = await second.fetch(*address.split("/")[4:], nothing)
    assert second.voice.seconds(path) == pytest.approx(kept_.seconds, abs=0.01)
    first.close(), second.close()


async def test_another_process_of_the_folder_waits_for_the_sound(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    first, second = opened(store, clock, tmp_path), opened(store, clock, tmp_path)
    address = first.url(LINE).removesuffix(".wav").split("/")[4:]
    assert (await second.fetch(*address, nothing)).parent == tmp_path
    first.close(), second.close()


async def test_what_cannot_be_spoken_is_left_to_twilio(
    store: Store, clock: Standing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_voice.VOICES, Spoken.MANDARIN, "sit/nowhere")
    sounds = opened(store, clock, tmp_path)
    async with served(store, clock, sounds) as client:
        assert (await client.get(sounds.url(LINE, REF))).status_code == 503
        assert sounds.url(LINE, REF) == ""


async def test_a_sound_that_was_erased_is_made_again(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    sounds = opened(store, clock, tmp_path)
    async with served(store, clock, sounds) as client:
        await client.get(sounds.url(LINE, REF))
        for path in kept(tmp_path):
            path.unlink()
        sounds.url(LINE, REF)
        assert (await client.get(sounds.url(LINE, REF))).status_code == 200


async def test_twiml_plays_every_line_and_says_none(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    sounds = opened(store, clock, tmp_path)
    channel = TwilioVoice("AC" + "0" * 32, "t" * 32, "+12025550100", PUBLIC)
    sounds.serve([channel])
    script = call.script(SPEECH)
    first = channel.twiml(script, Request(f"script/{REF}"))
    assert first.count("<Play>") == len(
        script.steps[script.start].say + script.steps[script.start].ask
    )
    assert "<Say" not in first
    assert SPEECH.sentences[0] not in first
    sounds.close()
    await channel.close()


async def nothing(ref: str) -> Script | None:
    del ref
    return None


async def test_everything_that_a_call_may_say_is_made_while_it_rings(
    store: Store, clock: Standing, tmp_path: Path
) -> None:
    sounds = opened(store, clock, tmp_path)
    lines = {*call.script(SPEECH).lines()}
    for line in lines:
        sounds.url(line, REF)
    for line in lines:
        address = sounds.url(line, REF).removesuffix(".wav").split("/")[4:]
        await sounds.fetch(*address, nothing)
    assert len(kept(tmp_path)) == len(lines)
    sounds.close()


def test_spoken_texts_lie_beside_the_database() -> None:
    assert folder(Settings(database_url="sqlite:///data/linxun.sqlite3")) == Path(
        "data/linxun-voice"
    )
    assert folder(Settings(database_url="postgresql://h/linxun")) == Path("linxun-voice")
