"""Notes and photos from the door: a reply to a card, or what is sent right after a press."""

import uuid
from datetime import datetime, timedelta

from bot.commands import dialogue, doors, ids
from bot.turn import Effect, Say, Turn
from content import beat, doorstep, identity, knock, phrase, visit
from content.knock import Found, Knock
from content.message import Action, Kind, Written
from verification.case import Attachment

WINDOW = timedelta(minutes=10)
"""After so long what is sent is meant as something else."""


def taken(turn: Turn, text: str, file: Attachment | None = None) -> list[Effect] | None:
    """Keep a text or a file with the card it belongs to; None: it belongs to none."""
    if turn.kind is not Kind.CHAT or turn.event.group or turn.event.forwarded:
        return None
    member = turn.staff()
    if member is None or not identity.roles(turn.session, member.id) & beat.MAY:
        return None
    made, message = _replied(turn), turn.event.replied_id
    if made is None:
        made, message = _asked(turn)
    if made is None:
        return None
    _keep(turn, made, text, file)
    card = visit.card(turn.session, made.notice_id, made.recipient_id)
    if card is None:
        return []
    place = f"{card.place} {card.name}".strip()
    said = Say(turn.chat, phrase.say("door.noted", Written.HANS, place=place))
    return [said, *doors.redrawn(turn, card, message)]


def _keep(turn: Turn, made: Knock, text: str, file: Attachment | None) -> None:
    if text:
        doorstep.remark(turn.session, made, text)
    if file is not None:
        knock.attach(turn.session, made, file.kind, file.reference, file.data)
    elif not turn.event.replied:
        # a photo may be followed by a word; a word is the end of it
        dialogue.settle(turn)
    turn.session.flush()


def _asked(turn: Turn) -> tuple[Knock | None, str]:
    """Return the knock that this chat was asked about a moment ago, and the card's message."""
    what, data = dialogue.asked(turn)
    if what != doors.NOTE or turn.now > datetime.fromisoformat(data["at"]) + WINDOW:
        return None, ""
    return knock.get(turn.session, uuid.UUID(data["knock"])), str(data.get("message", ""))


def _replied(turn: Turn) -> Knock | None:
    """Return the knock of the card that was replied to; a remark where nobody has pressed yet."""
    action, _, rest = turn.event.replied.partition(":")
    if action != Action.DOOR:
        return None
    try:
        return _of_card(turn, rest.removeprefix(":"))
    except ValueError:
        return None


def _of_card(turn: Turn, value: str) -> Knock | None:
    what, first, second = (*value.split("."), "", "")[:3]
    if what == "undo":
        return knock.get(turn.session, ids.long(first))
    if what not in doors.PRESSED:
        return None
    key = (ids.long(first), ids.long(second))
    last, actor = knock.last(turn.session, *key), turn.actor()
    if last is not None and last.by == actor.id:
        return last
    card, member = visit.card(turn.session, *key), turn.staff()
    if card is None or member is None:
        return None
    if not beat.covers(beat.of(turn.session, member), card.path):
        return None
    return doorstep.press(turn.session, *key, Found.NOTE, actor, turn.now).knock
