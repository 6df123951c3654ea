"""The door-knock list on paper: a sheet for each grid, in type that is read at arm's length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli import page as pages
from content import area, card, notice, phrase, store
from content.alert import Alert, Status
from content.cap import zone
from content.knock import Found
from content.message import Written
from content.notice import Notice
from content.place import Place
from content.staff import Staff
from content.visit import Card

_BOXES = (Found.DONE, Found.HELP, Found.AWAY, Found.REFUSED)
_SAYS = ("headline", "description", "instruction")


@dataclass(frozen=True, slots=True)
class Entry:
    """One resident as the paper shows them."""

    place: str
    name: str
    needs: str
    needs_english: str
    tried: str
    reason: str
    been: tuple[str, ...]
    needs_help: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One grid: who goes there, and whom to see."""

    grid: str
    workers: str
    homes: int
    entries: tuple[Entry, ...]


def page(session: Session, alert: Alert, made: Notice, cards: Sequence[Card], now: datetime) -> str:
    """Return the list as one HTML page that loads nothing; a new sheet begins at each grid."""
    fields = notice.texts(session, made.id)[Written.HANS]
    where = zone(session)
    marks = {Status.EXERCISE: "mark.exercise", Status.TEST: "mark.test"}
    return pages.render(
        "doors.html",
        title=_word("door.title", code=alert.code),
        empty=_word("door.empty"),
        empty_english=_word("door.empty", Written.ENGLISH),
        mark=phrase.say(marks[made.status], Written.HANS) if made.status in marks else "",
        says=[str(fields[name]) for name in _SAYS if fields.get(name)],
        until=card.clock(made.expires_at, where),
        printed=card.clock(now, where),
        sheets=list(_sheets(session, cards)),
        boxes=[(_word(f"door.{box}"), _word(f"door.{box}", Written.ENGLISH)) for box in _BOXES],
        word=_word,
        english=Written.ENGLISH,
    )


def ordered(cards: Sequence[Card]) -> list[Card]:
    """Return cards as the sheets show them: grid by grid, in the order of a round."""
    return sorted(cards, key=lambda one: area.natural(one.grid))


def _sheets(session: Session, cards: Sequence[Card]) -> Iterator[Sheet]:
    where, names = zone(session), _workers(session)
    for grid, some in groupby(ordered(cards), key=lambda one: one.grid):
        here = list(some)
        yield Sheet(
            grid=grid or _word("live.no_grid"),
            workers="、".join(names.get(grid, ())),
            homes=len({one.home for one in here}),
            entries=tuple(
                Entry(
                    place=one.place,
                    name=one.name,
                    needs=card.needs(one),
                    needs_english=card.needs(one, Written.ENGLISH),
                    tried=card.tried(one, skips=False),
                    reason=_word(f"reason.{one.reason}") if one.reason else "",
                    been=tuple(card.been(been, where) for been in one.been),
                    needs_help=one.needs_help,
                )
                for one in here
            ),
        )


def _workers(session: Session) -> dict[str, list[str]]:
    """Return the names of who looks after each grid."""
    query = (
        select(Place.name, Staff.name)
        .join(Staff, (Staff.community_id == Place.community_id) & (Staff.place_id == Place.id))
        .where(Place.community_id == store.community(session), Staff.left_at.is_(None))
        .order_by(Staff.id)
    )
    found: dict[str, list[str]] = {}
    for grid, name in session.execute(query):
        found.setdefault(grid, []).append(name)
    return found


def _word(key: str, language: Written = Written.HANS, **values: object) -> str:
    return phrase.say(key, language, **values)
