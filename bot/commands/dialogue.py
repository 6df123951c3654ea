"""What somebody was asked last and has not answered yet: kept in the book, not in memory."""

from datetime import timedelta
from typing import Any

from bot.turn import Turn
from content import event

LASTS = timedelta(hours=6)
"""After so long a text is no answer any more: by then it is meant as something else."""
_KIND = "dialogue.asked"


def ask(turn: Turn, what: str, **data: Any) -> None:
    """Remember what this chat is asked; a later question replaces it."""
    event.add(turn.session, turn.actor(), _KIND, turn.address_id(), turn.now, what=what, **data)
    turn.session.flush()


def asked(turn: Turn) -> tuple[str, dict[str, Any]]:
    """Return what this chat was asked last, with its data; "" when nothing is open."""
    mine = turn.known_address()
    found = event.last(turn.session, _KIND, mine) if mine else None
    if found is None or found.at < turn.now - LASTS:
        return "", {}
    data = dict(found.data)
    return str(data.pop("what", "")), data


def settle(turn: Turn) -> None:
    """Note that the question is answered or given up."""
    if asked(turn)[0]:
        ask(turn, "")
