"""What somebody does who calls us: asks, cries for help, hears an answer to its end."""

import uuid
from datetime import timedelta

from bot.commands import ask, cry
from bot.hotline import number
from bot.turn import Effect, Turn, tell
from channels.base import EventKind
from content import call, callback, notice, reply
from content.call import Meaning
from verification import case
from verification.case import Attachment

HELP = "3"
RUMOR = "rumor"
MENU = frozenset({"menu", "again", "wrong", "stay", "alerts", "unheard", "nowhere", "words"})
HOLD = timedelta(minutes=6)
"""How long what is due to a caller waits for them to hear it, where nobody tells when they hang up:
the answer may be long, and so may the one before it."""


def take(turn: Turn, file: Attachment | None) -> list[Effect]:
    """Take what happened in a call; what is to be said goes to the outbox, held for a while.

    Whoever hides their number cannot be called back: they were offered a person instead.
    """
    event = turn.event
    if not number(event.address):
        return []
    if event.kind is EventKind.ENDED:
        # who has hung up without hearing it is called
        callback.hold(turn.session, event.address, turn.now)
        return []
    _heard(turn, file)
    waits = HOLD if event.called else callback.ON_THE_LINE
    callback.hold(turn.session, event.address, turn.now + waits)
    return []


def _heard(turn: Turn, file: Attachment | None) -> None:
    event = turn.event
    if event.subject:
        _told(turn)
    match event.kind:
        case EventKind.UNREACHED:
            cry.call_back(turn)
        case EventKind.MEDIA:
            ask.media(turn, file)
        case EventKind.TEXT:
            _said(turn)
        case EventKind.KEY if event.key == HELP and event.step in MENU and not event.subject:
            cry.by_phone(turn)


def _said(turn: Turn) -> None:
    """Take words: a cry for help anywhere, a question where one was asked for."""
    event = turn.event
    if event.step != RUMOR:
        # what else is said where a key is asked for is a mistake or a television
        if call.meaning(event.text) is Meaning.HELP:
            cry.by_phone(turn)
        return
    said = reply.read(event.text)
    if said is not None and said.meaning is reply.Meaning.HELP:
        cry.by_phone(turn)
        tell(turn, "confirm.help", urgent=True)
        return
    ask.question(turn)


def _told(turn: Turn) -> None:
    """Close what was heard; a key may choose among the facts that were asked back."""
    event = turn.event
    try:
        told = notice.get(turn.session, uuid.UUID(event.subject))
    except (KeyError, ValueError):
        return
    here = callback.Call(turn.sender, event.provider_id)
    callback.told(turn.session, told.id, event.address, here, turn.now)
    heard = case.by_notice(turn.session, told.id, turn.address_id())
    asks = heard is not None and heard.state is case.State.ASKED_BACK
    if heard is not None and asks and event.key:
        ask.chosen(turn, heard)
    elif event.key == HELP:
        cry.by_phone(turn)
