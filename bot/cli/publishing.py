"""`linxun facts publish`, `return`, `replay`: the second half of a fact's review."""

import uuid
from dataclasses import dataclass
from typing import Any

import typer
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.context import put, say
from bot.cli.facts import All, AsJson, Code, Codes, acting, chosen
from bot.cli.progress import bar
from content.event import Actor
from verification import facts, replay, settlement, shelf, standing
from verification.agreement import Contradicts
from verification.replay import Past, Replay

app = typer.Typer()

_EXAMPLES = 5
_AT_ONCE = 20
"""Facts that are published in one transaction, so that nobody else waits long."""
Rows = list[dict[str, Any]]


@app.command()
def publish(codes: Codes = None, *, every: All = False, as_json: AsJson = False) -> None:
    """Publish what an expert has signed; who waits for it or was told otherwise is told.

    With --all, what contradicts a published fact is left out and named.
    """
    rows: Rows = []
    done = Replay(0)
    try:
        with context.store() as kept, bar("facts") as progress:
            with kept.begin() as session:
                begun = _begin(session, codes, every=every)
            for at in range(0, len(begun.wanted), _AT_ONCE):
                with kept.begin() as session:
                    some = begun.wanted[at : at + _AT_ONCE]
                    more, tried = _publish(session, begun, some, every=every)
                rows, done = rows + more, replay.both(done, tried)
                progress(len(rows), len(begun.wanted))
    except ValueError as error:
        context.fail(str(error))
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


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a publication begins with: who acts, which facts, and what is known and was asked."""

    actor: Actor
    wanted: list[uuid.UUID]
    base: shelf.Base
    questions: list[Past]


def _begin(session: Session, codes: list[str] | None, *, every: bool) -> _Begun:
    actor = context.actor(session)
    facts.require_publisher(session, actor)
    wanted = facts.waiting(session) if every else chosen(session, codes)
    return _Begun(actor, [fact.id for fact in wanted], shelf.base(session), replay.past(session))


def _publish(
    session: Session, begun: _Begun, some: list[uuid.UUID], *, every: bool
) -> tuple[Rows, Replay]:
    """Publish some facts and replay them over past questions, before anybody is answered."""
    now = context.now()
    rows: Rows = []
    for fact in [facts.get(session, one) for one in some]:
        try:
            told = settlement.publish(session, fact, begun.actor, now, base=begun.base)
        except Contradicts as clash:
            if not every:
                raise
            rows.append({"id": fact.code, "refused": str(clash)})
        else:
            rows.append({"id": fact.code, "told": told})
    shelf.refresh(session, begun.base)
    ids = [str(one) for one in some]
    done = replay.run(begun.base.index, ids, begun.questions, standing.zone(session))
    replay.note(session, some[0] if len(some) == 1 else None, done, begun.actor, now)
    return rows, done
