"""`linxun alert doors --enter`: what was ticked on paper, typed in card by card."""

import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import typer
from sqlalchemy.orm import Session

from bot.cli import context
from bot.cli.context import say
from content import beat, card, doorstep, phrase, visit
from content.cap import zone
from content.doorstep import Became
from content.knock import Found
from content.message import Written
from content.store import Store
from content.visit import Card

_KEYS = {"1": Found.DONE, "2": Found.HELP, "3": Found.AWAY, "4": Found.REFUSED}
"""In the order of the boxes on the sheet."""
_BACK, _END = ("-", "q")


@dataclass(frozen=True, slots=True)
class Ticked:
    """What was typed for one card."""

    found: Found
    note: str = ""


def enter(opened: Store, cards: Sequence[Card]) -> None:
    """Ask for each card what was ticked; each answer is kept at once, so one may stop anywhere."""
    say(_word("door.enter_how"))
    made: dict[int, uuid.UUID] = {}
    at = 0
    while at < len(cards):
        said = _asked(f"{at + 1}/{len(cards)} {card.head(cards[at])}")
        if said is None or said == _END:
            return
        if said == _BACK:
            at = max(0, at - 1)
            _back(opened, made.pop(at, None))
            continue
        if said:
            ticked = read(said)
            if ticked is None:
                say(_word("door.enter_how"))
                continue
            if (kept := _keep(opened, cards[at], ticked)) is not None:
                made[at] = kept
        at += 1


def read(said: str) -> Ticked | None:
    """Read a key or the word of a box, and the note after it; None for anything else."""
    plain = unicodedata.normalize("NFKC", said).strip()
    words = {_word(f"door.{found}"): found for found in _KEYS.values()}
    for sign, found in (_KEYS | words).items():
        if plain.startswith(sign):
            rest = plain.removeprefix(sign)
            # 12 or 35 is no key, and no note either
            return None if rest[:1].isdigit() else Ticked(found, rest.strip(" ,，、。:："))
    return None


def _asked(prompt: str) -> str | None:
    try:
        return str(typer.prompt(prompt, default="", show_default=False)).strip().lower()
    except typer.Abort:
        return None


def _keep(opened: Store, one: Card, ticked: Ticked) -> uuid.UUID | None:
    """Write a press down; None where somebody was faster, which is said."""
    with opened.begin() as session:
        key, actor = (one.notice_id, one.recipient_id), context.actor(session)
        done = doorstep.press(session, *key, ticked.found, actor, context.now())
        if done.became is Became.NEW and done.knock is not None:
            doorstep.remark(session, done.knock, ticked.note)
            return done.knock.id
        if done.became is not Became.AGAIN:
            say(_stands(session, one, done.became))
    return None


def _stands(session: Session, one: Card, became: Became) -> str:
    now = visit.card(session, one.notice_id, one.recipient_id)
    if became is Became.OVER or now is None:
        return _word("confirm.stale")
    return card.settled(now, zone(session))


def _back(opened: Store, knock_id: uuid.UUID | None) -> None:
    """Take back what was typed for the card before; nothing where it was passed over."""
    if knock_id is None:
        return
    with opened.begin() as session:
        office = beat.office(session, context.staff(session))
        who, now = context.actor(session), context.now()
        done = doorstep.take_back(session, knock_id, who, now, office=office)
    helped = done.became is Became.HELPED
    say(_word("door.undone_helped" if helped else "door.undone"))


def _word(key: str) -> str:
    return phrase.say(key, Written.HANS)
