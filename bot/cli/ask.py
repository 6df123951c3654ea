"""`linxun ask`: what the desk would answer to a text, and why; nothing is sent or kept."""

import json
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli import context
from content import phrase, place, store
from content.message import Written
from content.place import Place, PlaceError
from verification import answer, facts, judgement, learning, reason, reply, shelf, standing
from verification.fact import Fact
from verification.gate import Intent
from verification.index import Candidate, FactView, Index
from verification.judgement import Course, Judgement
from verification.match import Decision

_NO_TEXT = "没有文字，请写出要问的话。 There is no text: write what somebody has heard."
_NO_PLACE = (
    "没有“{area}”这个地方，请写楼栋（3号楼）、网格（1网格）或“全部”。 "
    "There is no place {area}: write a building (3号楼), a grid (1网格) or 全部."
)


_SERVICE = "求办事，交给社区工作人员。 A request for service: it goes to the staff."


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The facts in memory, the code of each that may be shown, and who says otherwise of it."""

    index: Index
    codes: dict[str, str]
    voices: dict[str, list[dict[str, str]]]

    def code(self, fact_id: str) -> str:
        return self.codes.get(fact_id, fact_id)


def ask(
    text: Annotated[str, typer.Argument(help="what somebody has heard; - reads standard input")],
    area: Annotated[str, typer.Option(help="the asker's place: 3号楼, or a place path")] = "",
    why: Annotated[bool, typer.Option("--why/--no-why", help="say why, a line a claim")] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="show all candidates in a table")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for a program")] = False,
) -> None:
    """Answer a text on the terminal as the desk would, and say why."""
    matter = (sys.stdin.read() if text == "-" else text).strip()
    if not matter:
        context.fail(_NO_TEXT)
    with context.store() as opened, opened.read() as session:
        where, zone = _area(session, area), standing.zone(session)
        index = shelf.base(session).index
        learned = learning.lessons(session, context.now(), zone)
        judged = judgement.judge(index, matter, context.now(), zone, where, learned)
        voices = _voices(session, judged, context.now())
        known = _Shelf(index, _codes(session, judged), voices)
    if as_json:
        typer.echo(json.dumps(_told(known, judged), ensure_ascii=False))
        return
    for line in _lines(known, judged):
        context.say(line)
    if why:
        for line in _reasons(judged):
            context.console.print(line, style="dim", markup=False, soft_wrap=True)
    if verbose:
        context.console.print(_table(known, judged))


def _area(session: Session, area: str) -> str | None:
    """Return the path of the asker's place; one that is not there is refused."""
    if not area:
        return None
    if area.startswith("/"):
        wanted = area.rstrip("/") + "/"
        query = select(Place.path).where(Place.community_id == store.community(session))
        found = session.scalar(query.where(Place.path == wanted))
    else:
        try:
            at = place.find(session, area)
        except PlaceError as error:
            context.fail(str(error))
        found = at.path if at else None
    if found is None:
        context.fail(_NO_PLACE.format(area=area))
    return found


def _codes(session: Session, judged: Judgement) -> dict[str, str]:
    """Return the code of each fact that was looked at: what staff know it by."""
    ids = {found.fact.id for one in _decisions(judged) for found in one.ranked}
    query = select(Fact.id, Fact.code).where(
        Fact.community_id == store.community(session), Fact.id.in_([uuid.UUID(one) for one in ids])
    )
    return {str(fact_id): code for fact_id, code in session.execute(query)}


def _voices(session: Session, judged: Judgement, now: datetime) -> dict[str, list[dict[str, str]]]:
    """Return what publishers who disagree say, under the fact that would be answered."""
    found = {}
    for part in _decisions(judged):
        if judgement.course(part) is Course.ANSWER:
            fact = facts.get(session, uuid.UUID(part.candidates[0].fact.id))
            said = answer.fact(
                facts.current(session, fact), others=reply.others(session, fact, now)
            )
            found[str(fact.id)] = said["voices"]
    return found


def _decisions(judged: Judgement) -> list[Decision]:
    return [judged.decision, *(part for _, part in judged.parts)]


def _points(judged: Judgement) -> list[Decision]:
    """Return the decisions that count: those on the points of a letter, else that on the whole."""
    return [part for _, part in judged.parts] or [judged.decision]


def _shown(index: Index, judged: Judgement) -> list[FactView]:
    ids = [
        found.fact.id
        for decision in _points(judged)
        for found in decision.candidates
        if not judged.parts or judgement.course(decision) is Course.ANSWER
    ]
    return [fact for one in dict.fromkeys(ids) if (fact := index.get(one)) is not None]


def _lines(known: _Shelf, judged: Judgement) -> list[str]:
    lines = []
    if judged.emergency is not None:
        found = judged.emergency
        lines.append(f"紧急 Emergency: {found.kind}, {found.hotline}（{found.phrase}）")
    if judged.parts:
        return lines + [_point(known, claim, part) for claim, part in judged.parts]
    aside = judgement.aside(judged)
    if aside is not None:
        talk = aside is not Intent.SERVICE_REQUEST
        return [*lines, phrase.say(f"intent.{aside}", Written.HANS) if talk else _SERVICE]
    course = judgement.course(judged.decision)
    shown = _shown(known.index, judged)
    if course is Course.ASK:
        lines.append(phrase.say("ask.question", Written.HANS))
        return lines + [f"{number}. {fact.claim}" for number, fact in enumerate(shown, start=1)]
    if course is Course.CASE:
        lines.append(
            "没有对得上的事实，转专家核实。 No fact settles this: an expert will check it."
        )
        return lines
    return [*lines, *(_answer(known, fact, course) for fact in shown[:1])]


def _point(known: _Shelf, claim: str, part: Decision) -> str:
    course = judgement.course(part)
    if course in (Course.ANSWER, Course.AS_OF):
        return _answer(known, part.candidates[0].fact, course)
    return f"正在核实 Being checked: {claim}"


def _answer(known: _Shelf, fact: FactView, course: Course) -> str:
    if course is Course.AS_OF:
        until = fact.valid_until.isoformat() if fact.valid_until else ""
        return f"{phrase.say('answer.as_of', Written.HANS, until=until)}{fact.truth}"
    voices = known.voices.get(fact.id)
    if voices:
        said = [f"{one['source']} {one['date']}：{one['truth']}" for one in voices]
        return "\n".join((f"“{fact.claim}”：{phrase.say('answer.disagree', Written.HANS)}", *said))
    verdict = phrase.say(f"verdict.{fact.verdict}", Written.HANS)
    return f"{fact.truth}（“{fact.claim}”：{verdict}）"


def _reasons(judged: Judgement) -> list[str]:
    """Return one line for each claim: in Chinese, then in English."""
    return [
        " ".join(
            reason.line(part, judgement.course(part), language)
            for language in (Written.HANS, Written.ENGLISH)
        )
        for part in _points(judged)
    ]


def _table(known: _Shelf, judged: Judgement) -> Table:
    table = Table("fact", "claim", "score", "probability", "against")
    for decision in _points(judged):
        for one in decision.ranked[:5]:
            table.add_row(*_row(known, one))
    return table


def _row(known: _Shelf, one: Candidate) -> tuple[str, ...]:
    numbers = (f"{one.score:.1f}", f"{one.probability:.2f}")
    return (known.code(one.fact.id), one.fact.claim, *numbers, one.conflict)


def _told(known: _Shelf, judged: Judgement) -> dict[str, Any]:
    told = {"facts": len(known.index), **judgement.explain(judged)}
    for part in (told, *told["parts"]):
        part["candidates"] = [
            {"code": known.code(one["fact_id"]), **one} for one in part["candidates"]
        ]
    told["aside"] = str(judgement.aside(judged) or "")
    told["answer"] = [_plain(known, fact) for fact in _shown(known.index, judged)]
    return told


def _plain(known: _Shelf, fact: FactView) -> dict[str, Any]:
    return {
        "fact_id": fact.id,
        "code": known.code(fact.id),
        "claim": fact.claim,
        "truth": fact.truth,
        "verdict": str(fact.verdict),
        "valid_until": fact.valid_until.isoformat() if fact.valid_until else "",
        "voices": known.voices.get(fact.id, []),
    }
