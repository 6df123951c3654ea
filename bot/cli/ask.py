"""`linxun ask`: what the desk would answer to a text, and why; nothing is sent or kept."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from bot.cli import context
from content import phrase, place
from content.message import Written
from content.place import PlaceError
from verification import judgement, shelf, standing
from verification.index import FactView, Index
from verification.judgement import Judgement
from verification.match import Outcome


def ask(
    text: Annotated[str, typer.Argument(help="what somebody has heard; - reads standard input")],
    area: Annotated[str, typer.Option(help="the asker's place: 3号楼, or a place path")] = "",
    why: Annotated[bool, typer.Option("--why/--no-why", help="show candidates and vetoes")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for a program")] = False,
) -> None:
    """Answer a text on the terminal as the desk would, and show why."""
    matter = sys.stdin.read() if text == "-" else text
    with context.store() as store, store.read() as session:
        base = shelf.base(session)
        where, zone = _area(session, area), standing.zone(session)
    judged = judgement.judge(base.index, matter.strip(), context.now(), zone, where)
    if as_json:
        told = {"facts": len(base.index), **judgement.explain(judged)}
        told["answer"] = [_plain(fact) for fact in _shown(base.index, judged)]
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in _lines(base.index, judged):
        context.console.print(line, markup=False, highlight=False, soft_wrap=True)
    if why:
        _explain(judged)


def _area(session: Session, area: str) -> str | None:
    if not area or area.startswith("/"):
        return area or None
    try:
        found = place.find(session, area)
    except PlaceError as error:
        context.fail(str(error))
    return found.path if found else area


def _shown(index: Index, judged: Judgement) -> list[FactView]:
    decisions = [part for _, part in judged.parts] or [judged.decision]
    ids = [
        found.fact.id
        for decision in decisions
        for found in decision.candidates
        if not judged.parts or decision.outcome is Outcome.ANSWER
    ]
    return [fact for one in dict.fromkeys(ids) if (fact := index.get(one)) is not None]


def _lines(index: Index, judged: Judgement) -> list[str]:
    lines = []
    if judged.emergency is not None:
        found = judged.emergency
        lines.append(f"紧急 Emergency: {found.kind}, {found.hotline}（{found.phrase}）")
    shown = _shown(index, judged)
    if judged.parts or judged.decision.outcome is Outcome.ANSWER:
        lines += [_answer(fact) for fact in shown]
        lines += [
            f"正在核实 Being checked: {claim}"
            for claim, part in judged.parts
            if part.outcome is not Outcome.ANSWER
        ]
    elif judged.decision.outcome is Outcome.ASK:
        lines.append(phrase.say("ask.question", Written.HANS))
        lines += [f"{number}. {fact.claim}" for number, fact in enumerate(shown, start=1)]
    else:
        lines.append(
            "没有对得上的事实，转专家核实。 No fact settles this: an expert will check it."
        )
    return lines


def _answer(fact: FactView) -> str:
    verdict = phrase.say(f"verdict.{fact.verdict}", Written.HANS)
    return f"{fact.truth}（“{fact.claim}”：{verdict}）"


def _explain(judged: Judgement) -> None:
    told = judgement.explain(judged)
    context.console.print(f"{told['intent']} | {told['why']}", style="dim", markup=False)
    for part in told["parts"]:
        context.console.print(f"  {part['text']} | {part['why']}", style="dim", markup=False)
    if not told["candidates"]:
        return
    table = Table("fact", "claim", "score", "probability", "against")
    for one in told["candidates"]:
        numbers = (f"{one['score']:.1f}", f"{one['probability']:.2f}")
        table.add_row(one["fact_id"][-8:], one["claim"], *numbers, one["conflict"])
    context.console.print(table)


def _plain(fact: FactView) -> dict[str, Any]:
    return {
        "fact_id": fact.id,
        "claim": fact.claim,
        "truth": fact.truth,
        "verdict": str(fact.verdict),
        "valid_until": fact.valid_until.isoformat() if fact.valid_until else "",
    }
