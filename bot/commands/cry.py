"""A cry for help: a task for each whom it is about, with where they are and how to reach them."""

from bot.turn import Turn
from content import cry, phrase
from content.message import Written
from content.plain import dialled


def by_phone(turn: Turn) -> None:
    """Take the cry of who calls the hotline: staff are told whom to call back."""
    anybody(turn, _called(turn, "hotline.help_note"))


def call_back(turn: Turn) -> None:
    """Have somebody call who wanted a person and reached nobody."""
    anybody(turn, _called(turn, "call.unreached_note"))


def anybody(turn: Turn, note: str = "") -> None:
    """Open a task for each resident of this number or chat, or for the stranger who acts.

    Of a contact it is for whom they stand for; a stranger may have named their building.
    """
    if known(turn, note):
        return
    said, at = note + _building(turn), turn.place_id()
    mine = turn.address_id()
    cry.give_stranger(turn.session, mine, turn.actor(), turn.now, said, place_id=at)


def known(turn: Turn, note: str = "") -> bool:
    """Open a task for each resident whom a cry is about; False for a stranger."""
    about = cry.of(turn.session, turn.kind, turn.event.address)
    cry.give(turn.session, about, turn.actor(), turn.now, note)
    return bool(about)


def _called(turn: Turn, key: str) -> str:
    return phrase.say(key, Written.HANS, phone=dialled(turn.event.address))


def _building(turn: Turn) -> str:
    named = turn.event.building.removeprefix("b").lstrip("0")
    return phrase.say("hotline.building_note", Written.HANS, building=named) if named else ""
