"""`linxun speaker`: try the loudspeaker, as loud as an alert of that severity would be."""

import asyncio
from typing import Annotated

import typer

from bot import config
from bot.cli import context
from channels._player import AUTO, NONE
from channels.base import SendError, State
from channels.speaker import Speaker
from content import phrase
from content.alert import Severity
from content.base import new_id
from content.message import Message, Speech, Spoken
from content.speak import sentence


def speaker(
    severity: Annotated[Severity, typer.Option(help="how an alert of this severity sounds")] = (
        Severity.MODERATE
    ),
    language: Annotated[Spoken, typer.Option(help="the language that is spoken")] = Spoken.MANDARIN,
) -> None:
    """Announce a test on this machine's loudspeaker, or leave it in its folder."""
    settings = config.settings()
    if settings.speaker_folder is None:
        context.fail(
            "还没有设广播，请先设 LINXUN_SPEAKER_FOLDER。 "
            "No loudspeaker is set up: set LINXUN_SPEAKER_FOLDER."
        )
    opened = Speaker(settings.speaker_folder, settings.voice_rate, player=settings.speaker_player)
    name = f"test-{new_id()}"
    try:
        receipt = asyncio.run(opened.send("", _test(severity, language), name))
    except SendError:
        context.fail(
            "广播没有播成：请查文件夹的权限和 LINXUN_SPEAKER_PLAYER。 It could not be announced: "
            "look at the folder's permissions and at LINXUN_SPEAKER_PLAYER."
        )
    if receipt.state is State.COMPLETED:
        said = "已经播完。 It has been played."
    elif settings.speaker_player in (AUTO, NONE):
        said = "这台机器没有声音设备，文件在 {file}。 There is no sound device here, but this file."
    else:
        said = (
            "设好的程序没有播成，文件在 {file}；请看 LINXUN_SPEAKER_PLAYER。 The program that is "
            "set has not played it: the file is there; look at LINXUN_SPEAKER_PLAYER."
        )
    said = said.format(file=settings.speaker_folder / f"{name}.wav")
    context.say(said)


def _test(severity: Severity, language: Spoken) -> Message:
    written = phrase.written(language)
    opening, said = (sentence(key, language) for key in ("status.test", "announce.test"))
    speech = Speech(language, opening, (said,), "", {}, "", "", "")
    return Message(written, "", "", speech, severity=severity)
