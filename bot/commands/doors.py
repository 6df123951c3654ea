"""/doors: the door-knock list as cards, each with buttons that say what was found there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands import dialogue, ids
from bot.turn import Acknowledge, Effect, Rewrite, Rows, Say, Turn
from content import alert as alerts
from content import beat, cap, doorstep, notice, phrase, visit
from content import card as cards_
from content.alert import Alert, ReviewError
from content.delivery import DeliveryState
from content.doorstep import Became, Pressed
from content.identity import IdentityError
from content.knock import Found, Knock
from content.message import Action, Button, Written
from content.notice import Notice
from content.staff import Staff
from content.visit import Card

PAGE = 20
"""Cards in one answer; the rest come page by page."""
NOTE = "door.note"
"""What the dialogue is about, once a card was pressed."""
_FOUND = ((Found.DONE, Found.HELP), (Found.AWAY, Found.REFUSED))
"""The buttons of a card, row by row."""
PRESSED = frozenset(one.value for row in _FOUND for one in row)
_SAYS = ("headline", "description", "instruction")
"""What of the alert is to be said at the door."""


@dataclass(frozen=True, slots=True)
class _List:
    """The list of one notice, as far as who acts may see it."""

    alert: Alert
    made: Notice
    mine: tuple[str, ...] | None


def show(turn: Turn, code: str) -> list[Effect]:
    """Send the cards of a grid worker's own grid, or of everywhere to the office.

    code: of an alert; "" for the most severe that has any, and a button for each of the others.
    """
    try:
        mine = beat.of(turn.session, _worker(turn))
        lists = [_List(one, made, mine) for one, made in _told(turn, code)]
    except (ReviewError, IdentityError) as error:
        return [Say(turn.chat, str(error))]
    if mine == ():
        return [Say(turn.chat, _word("door.no_grid"))]
    every = [(one, visit.cards(turn.session, one.made.id, mine)) for one in lists]
    filled = [(one, cards) for one, cards in every if cards]
    if not filled:
        return [Say(turn.chat, _word("door.empty"))]
    found, cards = filled[0]
    return [_lead(turn, found, cards), *_page(turn, cards), *_others(turn, filled[1:])]


def press(turn: Turn, value: str) -> list[Effect]:
    """Take a button of the list: what was found, a wrong press, the next page, the list itself."""
    what, first, second = (*value.split("."), "", "")[:3]
    if what == "list":
        return [Acknowledge(turn.event.callback_id), *show(turn, first)]
    try:
        if what == "undo":
            return _undo(turn, ids.long(first))
        if what == "more" or what in PRESSED:
            return _card(turn, what, ids.long(first), ids.long(second))
    except IdentityError:
        return [_note(turn, "staff.unknown")]
    except (ReviewError, ValueError):
        return [_note(turn, "confirm.closed")]
    return [Acknowledge(turn.event.callback_id)]


def _card(turn: Turn, what: str, notice_id: uuid.UUID, recipient_id: uuid.UUID) -> list[Effect]:
    found = _of_notice(turn, notice_id)
    card = visit.card(turn.session, notice_id, recipient_id)
    if card is None:
        return [_note(turn, "confirm.closed")]
    if not beat.covers(found.mine, card.path):
        return [_note(turn, "door.other_grid")]
    if what == "more":
        rest = visit.after(visit.cards(turn.session, found.made.id, found.mine), card)
        return [Acknowledge(turn.event.callback_id), *_page(turn, rest)]
    return _knock(turn, found, card, Found(what))


def _knock(turn: Turn, found: _List, card: Card, what: Found) -> list[Effect]:
    session, key = turn.session, (found.made.id, card.recipient_id)
    done = doorstep.press(session, *key, what, turn.actor(), turn.now)
    session.flush()
    if done.became is Became.NEW and done.knock is not None:
        _await_note(turn, done.knock)
    after = visit.card(session, *key) or card
    return [_said(turn, done, what, after), *redrawn(turn, after, turn.event.message_id)]


def _await_note(turn: Turn, made: Knock) -> None:
    """Take what is sent next for a note; not from who is asked something else just now."""
    if dialogue.asked(turn)[0] in ("", NOTE):
        asked = {"knock": made.id.hex, "at": turn.now.isoformat()}
        dialogue.ask(turn, NOTE, **asked, message=turn.event.message_id)


def _undo(turn: Turn, knock_id: uuid.UUID) -> list[Effect]:
    office = beat.office(turn.session, _worker(turn))
    done = doorstep.take_back(turn.session, knock_id, turn.actor(), turn.now, office=office)
    if dialogue.asked(turn)[0] == NOTE:
        dialogue.settle(turn)
    key = {
        Became.UNDONE: "door.undone",
        Became.HELPED: "door.undone_helped",
        Became.NOT_YOURS: "door.undo_not_yours",
        Became.SETTLED: "door.undo_late",
        Became.OVER: "confirm.stale",
    }.get(done.became, "confirm.closed")
    if done.knock is None:
        return [_note(turn, key)]
    card = visit.card(turn.session, done.knock.notice_id, done.knock.recipient_id)
    return [_note(turn, key), *(redrawn(turn, card, turn.event.message_id) if card else [])]


def _said(turn: Turn, done: Pressed, what: Found, card: Card) -> Acknowledge:
    """Return the short note over the button that was pressed."""
    if done.became in (Became.NEW, Became.AGAIN):
        return _note(turn, f"door.{what}")
    if done.became is Became.OVER:
        return _note(turn, "confirm.stale")
    return Acknowledge(turn.event.callback_id, cards_.settled(card, turn.zone))


def _told(turn: Turn, code: str) -> list[tuple[Alert, Notice]]:
    """Return an alert, or all that run, with what was told of each; raises ReviewError for none."""
    if code:
        alerts_ = [alerts.get(turn.session, code)]
    else:
        running = alerts.running(turn.session, turn.now)
        if not running:
            raise ReviewError(_word("staff.nothing_open"))
        alerts_ = [alerts.get(turn.session, one.alert_id) for one in running]
    found = ((one, notice.last(turn.session, one.id)) for one in alerts_)
    return [(one, made) for one, made in found if made is not None]


def _of_notice(turn: Turn, notice_id: uuid.UUID) -> _List:
    """Return the list that a card belongs to; raises IdentityError, and ValueError for none."""
    mine = beat.of(turn.session, _worker(turn))
    made = notice.find(turn.session, notice_id)
    if made is None or made.alert_id is None:
        raise ValueError(notice_id)
    return _List(alerts.get(turn.session, made.alert_id), made, mine)


def _worker(turn: Turn) -> Staff:
    member = turn.staff()
    if member is None:
        raise IdentityError(_word("staff.unknown"))
    return member


def _lead(turn: Turn, found: _List, cards: Sequence[Card]) -> Say:
    """Return what is said before the cards: how many, and what to say at the doors."""
    homes = len({card.home for card in cards})
    fields = notice.texts(turn.session, found.made.id)[Written.HANS]
    told = [str(fields[name]) for name in _SAYS if fields.get(name)]
    count = _word("door.count", count=homes, people=len(cards))
    title = _word("door.title", code=found.alert.code)
    return Say(turn.chat, "\n".join((f"{title}：{count}", _word("door.say"), *told)))


def _others(turn: Turn, lists: Sequence[tuple[_List, Sequence[Card]]]) -> list[Effect]:
    """Return a button for the list of each other alert that runs; nothing where there is none."""
    rows: list[tuple[Button, ...]] = []
    for one, cards in lists:
        homes = len({card.home for card in cards})
        count = _word("door.count", count=homes, people=len(cards))
        label = f"{one.alert.code}：{count}"
        rows.append((Button(label, Action.DOOR, f"list.{one.alert.code}"),))
    return [Say(turn.chat, _word("door.others"), tuple(rows))] if rows else []


def _page(turn: Turn, cards: Sequence[Card]) -> list[Effect]:
    """Return one page of cards; under the last stands how many are left."""
    shown, rest = cards[:PAGE], len(cards) - PAGE
    said: list[Effect] = [Say(turn.chat, _text(turn, card), _buttons(card)) for card in shown]
    if not shown:
        said.append(Say(turn.chat, _word("door.empty")))
    if rest > 0:
        more = _word("door.more", count=rest)
        said.append(Say(turn.chat, more, ((_button("more", more, shown[-1]),),)))
    return said


def redrawn(turn: Turn, card: Card, message_id: str) -> list[Effect]:
    """Change a card in the chat: it shows what was done, and how to take it back."""
    if not message_id:
        return []
    hint = _word("door.hint") if dialogue.asked(turn)[0] == NOTE and card.last else ""
    text = "\n".join(filter(None, (_text(turn, card), hint)))
    return [Rewrite(turn.chat, message_id, text, _buttons(card))]


def _text(turn: Turn, card: Card) -> str:
    zone = cap.zone(turn.session)
    again = cards_.again(card, zone, turn.now, turn.house.away)
    return "\n".join(filter(None, (cards_.line(card, zone, skips=False), again)))


def _buttons(card: Card) -> Rows:
    rows: Rows = tuple(
        tuple(_button(what, _word(f"door.{what}"), card) for what in row) for row in _left(card)
    )
    if card.last is not None:
        undo = Button(_word("door.undo"), Action.DOOR, f"undo.{ids.short(card.last.id)}")
        rows = (*rows, (undo,))
    return rows


def _left(card: Card) -> tuple[tuple[Found, ...], ...]:
    """Return what may still be found: who refused may be told, who was told may need help."""
    match card.state:
        case DeliveryState.DOOR:
            return _FOUND
        case DeliveryState.REFUSED:
            return _FOUND[:1]
        case DeliveryState.CONFIRMED if not card.needs_help:
            return ((Found.HELP,),)
    return ()


def _button(what: str, label: str, card: Card) -> Button:
    value = f"{what}.{ids.short(card.notice_id)}.{ids.short(card.recipient_id)}"
    return Button(label, Action.DOOR, value)


def _note(turn: Turn, key: str, **values: object) -> Acknowledge:
    return Acknowledge(turn.event.callback_id, _word(key, **values))


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
