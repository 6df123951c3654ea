"""An expert's ruling in chat: the verdict, the truth, who says so; on the case until signed."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from bot.commands import dialogue
from bot.turn import Effect, Rows, Say, Turn
from content import phrase
from content.message import Action, Button, Written
from verification import case, errand, facts, settlement, standing
from verification.case import Case
from verification.fact import Fact, FactState, FactVersion, Refused, Statement
from verification.index import Verdict

_CANDIDATES = 3
_TEXTS = ("truth", "source", "claim")


def step(turn: Turn, what: str, matter: Case, value: str) -> list[Effect]:
    """Take a button of the dialogue: settle, a verdict, the own title as source, use, sign."""
    facts.require_expert(turn.session, turn.actor())
    case.require_open(matter)
    match what:
        case "settle":
            return _begin(turn, matter)
        case "verdict":
            return _keep(turn, matter, "verdict", Verdict(value).value)
        case "source":
            return _keep(turn, matter, "source", _title(turn))
        case "claim":
            return _ask(turn, matter, "claim")
        case "sign":
            return _sign(turn, matter)
        case "use":
            return _settle(turn, matter, facts.get(turn.session, uuid.UUID(value)))
    return []


def answer(turn: Turn, what: str, said: str, data: dict[str, Any]) -> list[Effect]:
    """Take a text of the dialogue: the truth, the source or the claim."""
    try:
        facts.require_expert(turn.session, turn.actor())
        matter = case.numbered(turn.session, int(data["number"]))
        case.require_open(matter)
        if what == "verdict":
            return _begin(turn, matter)
        if not any(map(str.isalnum, said)):
            return _ask(turn, matter, what)
        return _keep(turn, matter, what, said)
    except Refused as refused:
        return [Say(turn.chat, str(refused))]


def candidates(session: Session, matter: Case) -> list[FactVersion]:
    """Return the published facts that may settle a case, as its first questions saw them."""
    found: dict[uuid.UUID, FactVersion] = {}
    for heard in case.askers(session, matter)[:_CANDIDATES]:
        for one in heard.decision.get("candidates", ())[:_CANDIDATES]:
            fact = facts.get(session, uuid.UUID(one["fact_id"]))
            if fact.state is FactState.PUBLISHED:
                found.setdefault(fact.id, facts.current(session, fact))
    return list(found.values())[:_CANDIDATES]


def _begin(turn: Turn, matter: Case) -> list[Effect]:
    """Take the case if nobody has, and ask for the verdict."""
    errand.take(turn.session, matter, turn.actor(), turn.now)
    matter.ruling = {}
    dialogue.ask(turn, "ruling.verdict", number=matter.number)
    rows: Rows = tuple(
        (_button(f"verdict.{one}", f"verdict.{matter.number}.{one}"),)
        for one in Verdict
        if one is not Verdict.UNKNOWN
    )
    return [Say(turn.chat, _word("ruling.verdict", number=matter.number), rows)]


def _keep(turn: Turn, matter: Case, what: str, said: str) -> list[Effect]:
    """Keep one answer on the case, and ask for what is still missing."""
    written = {**(matter.ruling or {}), what: said}
    if "claim" not in written and case.quotable(matter):
        written["claim"] = matter.matter.strip()
    matter.ruling = written
    if "verdict" not in written:
        return _begin(turn, matter)
    missing = next((one for one in _TEXTS if one not in written), None)
    return _ask(turn, matter, missing) if missing else _preview(turn, matter)


def _ask(turn: Turn, matter: Case, what: str) -> list[Effect]:
    dialogue.ask(turn, f"ruling.{what}", number=matter.number)
    title = _title(turn)
    rows: Rows = ()
    if what == "source" and title:
        rows = ((Button(title, Action.CASE, f"source.{matter.number}"),),)
    return [Say(turn.chat, _word(f"ruling.{what}"), rows)]


def _preview(turn: Turn, matter: Case) -> list[Effect]:
    """Show what residents will read, with the last button."""
    dialogue.settle(turn)
    said = _statement(turn, matter)
    verdict = _word(f"verdict.{said.verdict}")
    lines = (
        _word("ruling.preview"),
        said.truth,
        _word("answer.claim", claim=said.claim, verdict=verdict),
        _word("answer.source", source=said.source),
        _word("answer.expert", expert=said.expert) if said.expert else "",
    )
    rows: Rows = (
        (_button("ruling.sign", f"sign.{matter.number}"),),
        (
            _button("ruling.again", f"settle.{matter.number}"),
            _button("ruling.other_claim", f"claim.{matter.number}"),
        ),
    )
    return [Say(turn.chat, "\n".join(filter(None, lines)), rows)]


def _sign(turn: Turn, matter: Case) -> list[Effect]:
    if not all(matter.ruling and one in matter.ruling for one in ("verdict", *_TEXTS)):
        return _begin(turn, matter)
    return _settle(turn, matter, _statement(turn, matter))


def _settle(turn: Turn, matter: Case, ruling: Fact | Statement) -> list[Effect]:
    done = settlement.settle(turn.session, matter, turn.actor(), ruling, turn.now)
    matter.ruling = None
    dialogue.settle(turn)
    key = "ruling.waits" if done.waits else "ruling.told"
    return [Say(turn.chat, _word(key, number=matter.number, count=done.told))]


def _statement(turn: Turn, matter: Case) -> Statement:
    written = matter.ruling or {}
    return Statement(
        claim=written["claim"],
        truth=written["truth"],
        verdict=Verdict(written["verdict"]),
        source=written["source"],
        expert=_title(turn),
        date=turn.now.astimezone(standing.zone(turn.session)).date(),
    )


def _title(turn: Turn) -> str:
    member = turn.staff()
    return member.title if member else ""


def _button(key: str, value: str) -> Button:
    return Button(_word(key), Action.CASE, value)


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
