"""`linxun alert record`: let a person's voice tell an alert on the phone."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.alert import AsJson, Code
from content import alert as alerts
from content import recording, store
from content.message import Spoken
from content.staff import Staff

Language = Annotated[Spoken, typer.Option(help="the language that is read")]


def record(
    code: Code,
    file: Annotated[Path, typer.Argument(help="a WAV file of the whole text, read out")],
    language: Language = Spoken.MANDARIN,
) -> None:
    """Have calls play a reading of an alert instead of speaking its text."""
    try:
        body = file.read_bytes()
    except OSError:
        context.fail(f"打不开 {file}。 The file {file} cannot be read.")
    with context.store() as opened, opened.begin() as session:
        row = alerts.current(session, alerts.get(session, code))
        actor = context.actor(session)
        kept = recording.keep(session, actor, row, language, body, context.now())
    _print(
        f"{code.upper()} 的录音已收下，{kept.seconds:.0f} 秒；发布时由发布人听过、一起生效。 "
        "The recording is kept; publishing the alert accepts it. After publication another "
        f"publisher accepts it: linxun alert recordings {code.upper()} --accept {language}"
    )


def recordings(
    code: Code,
    accept: Annotated[Spoken | None, typer.Option(help="let residents hear it")] = None,
    drop: Annotated[Spoken | None, typer.Option(help="take it back")] = None,
    as_json: AsJson = False,
) -> None:
    """Show an alert's readings; a publisher accepts those that somebody else has made."""
    with context.store() as opened, opened.begin() as session:
        row = alerts.current(session, alerts.get(session, code))
        actor = context.actor(session)
        if accept is not None:
            recording.accept(session, actor, row, accept, context.now())
        if drop is not None:
            recording.drop(session, actor, row, drop, context.now())
        found = recording.of(session, row)
        names = {one.id: _name(session, one) for one in found}
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], default=str))
        return
    if not found:
        _print("没有录音，电话里由机器念。 No recording: calls speak the text.")
        return
    table = Table("语言 language", "秒 seconds", "谁录的 by", "状态 state")
    for one in found:
        table.add_row(one.language, f"{one.seconds:.0f}", names[one.id], _state(one))
    context.console.print(table)


def _state(one: recording.Kept) -> str:
    if not one.valid:
        return "文字改过，作废 void: the text has changed"
    return "电话里播放 played" if one.accepted else "等发布人 waits for a publisher"


def _name(session: Session, one: recording.Kept) -> str:
    found = session.get(Staff, (store.community(session), one.made_by))
    return found.name if found else ""


def _print(text: str) -> None:
    context.console.print(text, highlight=False, markup=False, soft_wrap=True)
