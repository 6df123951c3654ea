"""How a draft sounds on the phone: a WAV file for each language, played where it can be."""

import asyncio
from pathlib import Path

from bot import aloud, config
from bot.cli import context, foresee
from bot.sounds import recorded
from channels import _voice
from channels._player import Player
from content import alert as alerts
from content import sound as sounds
from content.store import Store


def write(opened: Store, code: str, folder: Path) -> None:
    """Write `<code>-<language>.wav` into the folder, say so on standard error, and play it."""
    with opened.read() as session:
        readings = aloud.readings(session, alerts.current(session, alerts.get(session, code)))
        lines = {
            one.speech.language: aloud.lines(one, readings)
            for one in foresee.of(session, code).forms().values()
            if one.speech
        }
    folder.mkdir(parents=True, exist_ok=True)
    for language, said in lines.items():
        made = aloud.sound(said, recorded(opened))
        path = folder / f"{code.upper()}-{language}.wav"
        _voice.write(path, sounds.wav(made))
        how = "录音 read out" if language in readings else "机器念 spoken"
        context.errors.print(f"{path} {made.seconds:.0f} s {how}", markup=False, soft_wrap=True)
        asyncio.run(Player(config.settings().speaker_player).play(path, made.seconds))
