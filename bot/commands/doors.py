"""/doors: the door-knock list as cards, each with buttons that close it."""

import uuid

from bot.turn import Acknowledge, Effect, Rows, Say, Turn
from content import alert as alerts
from content import card as cards_
from content import confirmation, event, identity, notice, phrase, store, visit
from content.alert import ReviewError
from content.message import Action, Button, Written
from content.place import Place
from content.staff import Role, Staff
from content.visit import Card

_MOST = 20
"""Cards in one answer; the rest come when these are done."""
_FOUND = ("done", "help", "away", "refused")
_MAY = frozenset({Role.GRID_WORKER, Role.PUBLISHER, Role.ADMIN})


def show(turn: Turn, code: str) -> list[Effect]:
    """Send the cards of a grid worker's own grid, or of everywhere to the office."""
    member = turn.staff()
    if member is None or not identity.roles(turn.session, member.id) & _MAY:
        return [Say(turn.chat, _word("staff.not_allowed", role=_word("staff.role_grid_worker")))]
    try:
        cards = _cards(turn, member, code)
    except ReviewError as error:
        return [Say(turn.chat, str(error))]
    if not cards:
        return [Say(turn.chat, _word("door.empty"))]
    homes = len({(card.building, card.unit, card.room) for card in cards})
    lead = Say(turn.chat, _word("door.count", count=homes, people=len(cards)))
    shown = code or _newest(turn).code
    return [lead, *(_card(turn, shown, card) for card in cards[:_MOST])]


def press(turn: Turn, value: str) -> list[Effect]:
    """Take a card's button: `done`, `help`, `away` or `refused`, with the alert and the person."""
    what, code, person = (*value.split("."), "", "")[:3]
    if what not in _FOUND:
        return [Acknowledge(turn.event.callback_id)]
    member = turn.staff()
    if member is None or not identity.roles(turn.session, member.id) & _MAY:
        return [Acknowledge(turn.event.callback_id, _word("staff.unknown"))]
    try:
        made = notice.last(turn.session, alerts.get(turn.session, code).id)
        recipient = uuid.UUID(person)
    except (ReviewError, ValueError):
        return [Acknowledge(turn.event.callback_id, _word("confirm.closed"))]
    if made is not None:
        knock(turn, made.id, recipient, what)
    return [Acknowledge(turn.event.callback_id, _word(f"door.{what}"))]


def knock(turn: Turn, notice_id: uuid.UUID, recipient: uuid.UUID, what: str) -> None:
    """Write down what happened at a door; nobody home leaves the card on the list."""
    actor, now = turn.actor(), turn.now
    if what in ("done", "help"):
        asks = what == "help"
        confirmation.at_door(turn.session, notice_id, recipient, actor, now, help_=asks)
        return
    said = {"notice": str(notice_id), "found": what}
    event.add(turn.session, actor, "door.tried", recipient, now, **said)


def _cards(turn: Turn, member: Staff, code: str) -> list[Card]:
    alert = alerts.get(turn.session, code) if code else _newest(turn)
    made = notice.last(turn.session, alert.id)
    if made is None:
        return []
    area = None
    if Role.PUBLISHER not in identity.roles(turn.session, member.id) and member.place_id:
        area = turn.session.get(Place, (store.community(turn.session), member.place_id))
    cards = visit.cards(turn.session, made.id)
    return [card for card in cards if area is None or card.grid == area.name]


def _newest(turn: Turn) -> alerts.Alert:
    running = alerts.running(turn.session, turn.now)
    if not running:
        raise ReviewError(_word("staff.nothing_open"))
    return alerts.get(turn.session, running[0].alert_id)


def _card(turn: Turn, code: str, card: Card) -> Say:
    rows: Rows = tuple(
        (Button(_word(f"door.{what}"), Action.DOOR, f"{what}.{code}.{card.recipient_id.hex}"),)
        for what in _FOUND
    )
    return Say(turn.chat, cards_.line(card), rows)


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
