"""`linxun facts publish`, `return`, `replay`: the second half of a fact's review."""

from collections.abc import Callable
from typing import Any

import typer
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.facts import All, AsJson, Code, Codes, acting, chosen, put, say
from bot.cli.progress import bar
from content.event import Actor
from verification import facts, replay, settlement, shelf, standing
from verification.agreement import Contradicts
from verification.fact import Fact
from verification.replay import Replay

app = typer.Typer()

_EXAMPLES = 5
Rows = list[dict[str, Any]]


@app.command()
def publish(codes: Codes = None, *, every: All = False, as_json: AsJson = False) -> None:
    """Publish what an expert has signed; who waits for it or was told otherwise is told.

    With --all, what contradicts a published fact is left out and named.
    """
    with acting() as (session, actor), bar("facts") as progress:
        facts.require_publisher(session, actor)
        wanted = facts.waiting(session) if every else chosen(session, codes)
        rows, done = _publish(session, wanted, actor, progress, every=every)
    if as_json:
        put({"facts": rows, "replay": plain(done)})
        return
    out = [row for row in rows if "told" in row]
    count = sum(row["told"] for row in out)
    say(f"发布 {len(out)} 条，告诉 {count} 人。 {len(out)} published; {count} people are told.")
    for row in rows:
        if "refused" in row:
            say(f"{row['id']}：{row['refused']}")
    if done.asked:
        tell(done)


@app.command("return")
def send_back(code: Code) -> None:
    """Give what is signed back to the experts, as the publisher who will not publish it."""
    with acting() as (session, actor):
        settlement.send_back(session, facts.named(session, code), actor, context.now())
    say(f"{code} 已退回专家。 It is back with the experts.")


@app.command("replay")
def again(code: Code, as_json: AsJson = False) -> None:
    """Show which past questions a fact would have answered, before it answers anybody."""
    with acting() as (session, actor):
        fact = facts.named(session, code)
        base = shelf.base(session)
        done = replay.trial(session, base, shelf.candidate(session, fact))
        replay.note(session, fact.id, done, actor, context.now())
    if as_json:
        put(plain(done))
    else:
        tell(done)


def tell(done: Replay) -> None:
    """Say what a replay has found, with the newest examples."""
    say(
        f"过去 {done.asked} 个提问里会回答 {done.answered} 个，{done.conflicts} 个有冲突只会反问，"
        f"{done.different} 个与当时的答复不同。 Of {done.asked} past questions it would have "
        f"answered {done.answered}; {done.conflicts} more had a conflict and would be asked back; "
        f"{done.different} were told another fact."
    )
    for hit in done.hits[:_EXAMPLES]:
        mark = (
            f"（{hit.conflict}）" if hit.conflict else "（当时另答 another）" if hit.other else ""
        )
        say(f"  {hit.number}{mark} {hit.text}")


def plain(done: Replay) -> dict[str, Any]:
    """Return a replay as plain values."""
    return {
        "asked": done.asked,
        "answered": done.answered,
        "conflicts": done.conflicts,
        "different": done.different,
        "hits": [
            {"number": hit.number, "text": hit.text, "conflict": hit.conflict, "other": hit.other}
            for hit in done.hits
        ],
    }


def _publish(
    session: Session,
    wanted: list[Fact],
    actor: Actor,
    progress: Callable[[int, int], None],
    *,
    every: bool,
) -> tuple[Rows, Replay]:
    """Publish facts and replay them over past questions, all before anybody is answered."""
    now, base = context.now(), shelf.base(session)
    rows: Rows = []
    for at, fact in enumerate(wanted, start=1):
        try:
            told = settlement.publish(session, fact, actor, now, base=base)
        except Contradicts as clash:
            if not every:
                raise
            rows.append({"id": fact.code, "refused": str(clash)})
        else:
            rows.append({"id": fact.code, "told": told})
        progress(at, len(wanted))
    shelf.refresh(session, base)
    ids = [str(fact.id) for fact in wanted]
    done = replay.run(base.index, ids, replay.past(session), standing.zone(session))
    if wanted:
        replay.note(session, wanted[0].id if len(wanted) == 1 else None, done, actor, now)
    return rows, done
