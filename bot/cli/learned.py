"""`linxun rumors learned`: what residents have taught, for staff to accept, reject or undo."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from bot.cli import context, publishing
from bot.cli.context import put, say
from bot.cli.facts import acting
from verification import learning, shelf
from verification.fact import VariantState
from verification.learning import Learned, Lesson

app = typer.Typer(no_args_is_help=True, help="Decide on what residents' choices have taught.")

Lesson_ = Annotated[str, typer.Argument(help="its id, as `linxun rumors learned list` shows it")]
Ids = Annotated[list[str], typer.Argument(help="ids, as `linxun rumors learned list` shows them")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]
_SAYS = {Lesson.MEANS: "就是 means", Lesson.MEANS_NOT: "不是 is not"}


@app.command("list")
def show_all(
    state: Annotated[VariantState | None, typer.Option(help="only lessons in this state")] = None,
    as_json: AsJson = False,
) -> None:
    """List the wordings that mean a fact, or do not, with who decided on them and when."""
    with acting() as (session, _):
        rows = [_row(one) for one in learning.everything(session, state)]
    if as_json:
        put(rows)
        return
    for row in rows:
        said = _SAYS[row["lesson"]]
        say(f"{row['id']} {row['state']} ×{row['times']}")
        say(f"  “{row['text']}” {said} {row['fact']}: {row['claim']}")


@app.command("try")
def rehearse(lesson: Lesson_, as_json: AsJson = False) -> None:
    """Show which past questions a wording would have answered that its fact has not."""
    with acting() as (session, _):
        done = learning.tried(session, shelf.base(session), learning.get(session, lesson))
    if as_json:
        put(publishing.plain(done))
    else:
        publishing.tell(done)


@app.command()
def accept(
    ids: Ids,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Let wordings find their fact, or never be answered with it again; what changes is shown."""
    if not as_json:
        for name in ids:
            rehearse(name)
        if not yes and sys.stdin.isatty() and not typer.confirm("接受吗？ Accept?"):
            context.fail("没有改动。 Nothing was changed.")
    _decide(ids, learning.accept, "已接受。 Accepted.", as_json=as_json)


@app.command()
def reject(ids: Ids, as_json: AsJson = False) -> None:
    """Let wordings not count, and not be proposed again."""
    _decide(ids, learning.reject, "已拒绝。 Rejected.", as_json=as_json)


@app.command()
def undo(ids: Ids, as_json: AsJson = False) -> None:
    """Take decisions back: the wordings are proposals again."""
    _decide(
        ids, learning.undo, "已撤回，等您再决定。 Taken back: a proposal again.", as_json=as_json
    )


def _decide(ids: list[str], act: Callable[..., None], done: str, *, as_json: bool) -> None:
    now = context.now()
    with acting() as (session, actor):
        rows = [learning.get(session, name) for name in ids]
        for row in rows:
            act(session, row, actor, now)
        decided = [{"id": str(row.id), "state": str(row.state)} for row in rows]
    if as_json:
        put(decided)
    else:
        say(done)


def _row(one: Learned) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "lesson": one.lesson,
        "text": one.text,
        "fact": one.code,
        "claim": one.claim,
        "times": one.times,
        "state": one.state,
        "made": one.made_at.isoformat(),
        "accepted": one.accepted_at.isoformat() if one.accepted_at else "",
        "accepted_by": str(one.accepted_by or ""),
        "undone": one.undone_at.isoformat() if one.undone_at else "",
        "undone_by": str(one.undone_by or ""),
    }
