"""`linxun facts show`, `link`, `unlink`, `replace`: a fact and what stands beside it."""

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.context import put, say
from bot.cli.facts import AsJson, Code, Yes, acting, ask_first, told
from verification import agreement, facts, link, settlement
from verification.fact import Fact, LinkKind

app = typer.Typer()

Other = Annotated[str, typer.Argument(help="the id of the other fact")]


@app.command()
def show(code: Code, as_json: AsJson = False) -> None:
    """Show one fact: what it says, who signed and published it, what stands beside it."""
    with acting() as (session, _):
        row = _row(session, facts.named(session, code))
    if as_json:
        put(row)
        return
    for name, value in row.items():
        say(f"{name}: {'；'.join(map(str, value)) if isinstance(value, list) else value}")


@app.command("link")
def join(code: Code, other: Other) -> None:
    """Let two facts stand side by side, such as two publishers who disagree: both are told."""
    with acting() as (session, actor):
        here, there = facts.named(session, code), facts.named(session, other)
        link.beside(session, here, there, actor, context.now())
    say(f"{code} 和 {other} 并列。 Both stand, and both are told.")


@app.command()
def unlink(code: Code, other: Other) -> None:
    """Take a link or a replacement back; what was withdrawn by it stays withdrawn."""
    with acting() as (session, actor):
        here, there = facts.named(session, code), facts.named(session, other)
        link.undo(session, here, there, actor, context.now())
    say(f"{code} 和 {other} 不再关联。 They are linked no more.")


@app.command()
def replace(code: Code, other: Other, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let a fact take the place of another; who was told the other is corrected."""
    with acting() as (session, actor):
        here, there = facts.named(session, code), facts.named(session, other)
        ask_first(told(session, there), yes=yes or as_json)
        count = settlement.replace(session, here, there, actor, context.now())
        waits = not here.published
    if as_json:
        put({"id": code, "replaces": other, "waits": waits, "told": count})
    elif waits:
        say(f"{code} 发布时代替 {other}。 It takes the other's place when it is published.")
    else:
        say(f"{code} 代替了 {other}，更正 {count} 人。 Replaced; {count} people are corrected.")


def _row(session: Session, fact: Fact) -> dict[str, Any]:
    version = facts.current(session, fact, fact.latest)
    names = ("claim", "verdict", "truth", "explanation", "source", "publisher", "expert")
    return {
        "id": fact.code,
        "state": str(fact.state),
        "versions": {"latest": fact.latest, "signed": fact.signed, "published": fact.published},
        **{name: str(getattr(version, name)) for name in names},
        "date": version.date.isoformat() if version.date else "",
        "valid_until": version.valid_until.isoformat() if version.valid_until else "",
        "area": version.area,
        "variants": [one.text for one in facts.wordings(session, fact)],
        "told": settlement.told(session, fact),
        "waiting_cases": [matter.number for matter in settlement.waiting(session, fact)],
        "beside": _codes(session, fact, LinkKind.BESIDE),
        "replaces": _codes(session, fact, LinkKind.REPLACES),
        "near": _near(session, fact),
    }


def _codes(session: Session, fact: Fact, kind: LinkKind) -> list[str]:
    return sorted(facts.get(session, one).code for one in agreement.links(session, fact, kind))


def _near(session: Session, fact: Fact) -> list[str]:
    """Return what is published on the same matter, the contradictions marked."""
    nearby = agreement.near(session, fact, context.now())
    return [
        f"{facts.named(session, one.fact.id).code}"
        f"{'（矛盾 contradicts）' if one.contradicts else ''} {one.fact.claim}"
        for one in nearby
    ]
