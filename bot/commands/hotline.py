"""What somebody does who calls us: asks, cries for help, hears an answer to its end."""

import uuid
from datetime import timedelta

from bot import acts
from bot.commands import ask
from bot.hotline import NUMBER
from bot.turn import Effect, Turn
from channels.base import EventKind
from content import callback, notice, phrase, reply
from content.message import Written
from content.notice import NoticeKind
from content.plain import dialled
from verification import case, desk
from verification.case import Attachment

HELP, PERSON, RUMOR = "3", "person", "rumor"
MENU = frozenset({"menu", "again", "wrong", "stay", "alerts", "unheard", "nowhere"})
HOLD = timedelta(minutes=6)
"""How long what is due to a caller waits for them to hear it, where nobody tells when they hang up:
the answer may be long, and so may the one before it."""


def take(turn: Turn, file: Attachment | None) -> list[Effect]:
    """Take what happened in a call to us; what is to be said goes to the outbox, held for a while.

    Whoever hides their number cannot be called back: they were offered a person instead.
    """
    event = turn.event
    if not NUMBER.fullmatch(event.address):
        return []
    if event.kind is EventKind.ENDED:
        # who has hung up without hearing it is called
        callback.hold(turn.session, event.address, turn.now)
        return []
    if event.kind is EventKind.KEY:
        _key(turn)
    elif event.kind is EventKind.MEDIA:
        ask.media(turn, file)
    elif _cries(event.text):
        acts.cry(turn, _note(turn))
    elif event.step == RUMOR:
        # what is said at the menu is a mistake or a television
        ask.question(turn)
    callback.hold(turn.session, event.address, turn.now + HOLD)
    return []


def _key(turn: Turn) -> None:
    event = turn.event
    if event.subject:
        _told(turn)
    elif event.step == PERSON:
        acts.call_back(turn)
    elif event.key == HELP and event.step in MENU:
        acts.cry(turn, _note(turn))


def _told(turn: Turn) -> None:
    """Close what was heard; a key may choose among the facts that were asked back."""
    try:
        told = notice.get(turn.session, uuid.UUID(turn.event.subject))
    except (KeyError, ValueError):
        return
    event = turn.event
    callback.told(turn.session, told.id, event.address, turn.sender, event.provider_id, turn.now)
    heard = case.by_notice(turn.session, told.id, turn.address_id())
    if heard is None or not event.key or told.kind is not NoticeKind.ANSWER:
        return
    if heard.state is case.State.ASKED_BACK:
        base, limits = turn.house.base, turn.house.limits
        desk.choose(turn.session, base, heard.id, event.key, turn.now, limits)


def _cries(text: str) -> bool:
    said = reply.read(text)
    return said is not None and said.meaning is reply.Meaning.HELP


def _note(turn: Turn) -> str:
    phone = dialled(turn.event.address)
    return phrase.say("hotline.help_note", Written.HANS, phone=phone)
