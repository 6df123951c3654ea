"""A card of the door-knock list in words: where, who, what they need, what was tried and why."""

from content import phrase
from content.message import Written
from content.visit import Card


def line(card: Card) -> str:
    """Return a card as text: where, who, what they need, what was tried and why it failed."""
    place = "".join(filter(None, (card.building, card.unit, card.room)))
    needs = "、".join(_word(f"need.{need}") for need in sorted(card.needs))
    tried = "、".join(
        f"{_word(f'kind.{one.kind}')}（{_outcome(one.state, one.reason)}）" for one in card.tried
    )
    skipped = "、".join(
        f"{_rung(rung)}（{_word(f'reason.{why}')}）" for rung, why in card.skips.items()
    )
    lines = [f"{place} {card.name}"]
    if needs:
        lines.append(f"{_word('door.needs')}：{needs}")
    lines.append(f"{_word('door.tried')}：{'、'.join(filter(None, (tried, skipped))) or '-'}")
    if card.reason is not None:
        lines.append(f"{_word('door.reason')}：{_word(f'reason.{card.reason}')}")
    return "\n".join(lines)


def _outcome(state: str, reason: str | None) -> str:
    return _word(f"reason.{reason or 'no_reply'}") if state != "attempting" else _word("call.wait")


def _rung(rung: str) -> str:
    names = {"second": "kind.call", "contact": "door.contact"}
    return _word(names.get(rung, f"kind.{rung}"))


def _word(key: str) -> str:
    return phrase.say(key, Written.HANS)
