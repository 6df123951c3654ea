"""A card of the door-knock list in words: where, who, what they need, why, who has been there."""

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

from content import phrase
from content.delivery import DeliveryState
from content.message import Written
from content.visit import Been, Card, Tried


def line(card: Card, zone: tzinfo, *, skips: bool = True) -> str:
    """Return a card as text: where, who, what they need, what was tried, why, who was there.

    skips: with the steps that were passed over, which say nothing to who stands at the door.
    """
    lines = about(card, skips=skips)
    return "\n".join((head(card), *lines, *(been(one, zone) for one in card.been)))


def head(card: Card) -> str:
    """Return where and who."""
    return f"{card.place} {card.name}".strip()


def about(card: Card, *, skips: bool = True) -> list[str]:
    """Return what a visitor must know: the needs, what was tried, why it did not reach them."""
    lines = []
    if card.needs:
        lines.append(f"{_word('door.needs')}：{needs(card)}")
    if tries := tried(card, skips=skips):
        lines.append(f"{_word('door.tried')}：{tries}")
    if card.reason is not None and card.state is DeliveryState.DOOR:
        lines.append(f"{_word('door.reason')}：{_word(f'reason.{card.reason}')}")
    return lines


def needs(card: Card, language: Written = Written.HANS) -> str:
    """Return the needs in words."""
    return _list((_word(f"need.{need}", language) for need in sorted(card.needs)), language)


def tried(card: Card, language: Written = Written.HANS, *, skips: bool = True) -> str:
    """Return what was tried and what became of it; with the steps that were passed over."""
    tries = (_tried(one, language) for one in card.tried)
    skipped = (
        _told(_rung(rung, language), _word(f"reason.{why}", language))
        for rung, why in (card.skips.items() if skips else ())
    )
    return _list((*tries, *skipped), language)


def been(one: Been, zone: tzinfo) -> str:
    """Return one knock: when, what was found, by whom, and the note."""
    said = _word(
        "door.been",
        at=clock(one.at, zone),
        found=_word(f"door.{one.found}"),
        name=one.by or _word("page.somebody"),
    )
    photos = _word("door.photos", count=one.photos) if one.photos else ""
    note = _word("door.noted_line", note=one.note) if one.note else ""
    return " ".join(filter(None, (said, note, photos)))


def again(card: Card, zone: tzinfo, now: datetime, after: timedelta) -> str:
    """Return when to go again to where nobody opened; "" for any other card."""
    if card.away_at is None:
        return ""
    at = card.away_at + after
    return _word("door.go_again") if at <= now else _word("door.again_at", at=clock(at, zone))


def settled(card: Card, zone: tzinfo) -> str:
    """Return why a press has changed nothing: who was faster with what, or the resident."""
    last = card.last
    if last is None:
        return _word("door.self")
    found, name = _word(f"door.{last.found}"), last.by or _word("page.somebody")
    return _word("door.settled", at=clock(last.at, zone), found=found, name=name)


def clock(at: datetime, zone: tzinfo) -> str:
    """Return an instant of today or yesterday as people say it: day and time."""
    local = at.astimezone(zone)
    return f"{local.month}月{local.day}日{local:%H:%M}"


def _tried(one: Tried, language: Written) -> str:
    kind = _word(f"kind.{one.kind}", language)
    if one.state == "attempting":
        return _told(kind, _word("call.wait", language))
    return _told(kind, _word(f"reason.{one.reason or 'no_reply'}", language))


def _told(what: str, why: str) -> str:
    return f"{what}（{why}）"


def _rung(rung: str, language: Written) -> str:
    names = {"second": "live.second", "contact": "door.contact"}
    return _word(names.get(rung, f"kind.{rung}"), language)


def _list(parts: Iterable[str], language: Written) -> str:
    return (", " if language is Written.ENGLISH else "、").join(parts)


def _word(key: str, language: Written = Written.HANS, **values: object) -> str:
    return phrase.say(key, language, **values)
