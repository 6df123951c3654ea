"""The books: what the database says beside what the stand-ins saw, and how far everybody came."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.story import Told
from bot.demo.world import World
from bot.sandbox.book import TOKEN, Call, Direction, Entry
from content import coverage, phrase, store
from content.coverage import Reach
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.inbound import Inbound
from content.message import Written
from content.notice import Notice
from content.people import OwnerKind
from content.place import PlaceKind

_REACHED = (DeliveryState.CONFIRMED, DeliveryState.PASSED_ON)


@dataclass(slots=True)
class Books:
    """What was counted, and every line that does not balance."""

    residents: int = 0
    confirmed: int = 0
    door: int = 0
    attempts: int = 0
    taken: int = 0
    seen: int = 0
    """Messages and calls with a reference of ours that the stand-ins took."""
    twice: int = 0
    lost: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def balance(self) -> bool:
        """Say whether everything adds up."""
        return not self.wrong


def check(world: World, told: Told) -> Books:
    """Compare the database with what the stand-ins saw."""
    books = Books()
    with world.store.read() as session:
        _residents(session, world, told, books)
        _attempts(session, world, books)
        _inbound(session, books)
    _story(told, books)
    return books


def report(world: World, told: Told) -> list[Reach]:
    """Return the reach of the update by grid, and in all in the last row."""
    if told.update is None:
        return []
    with world.store.read() as session:
        grids = coverage.reach(session, told.update, PlaceKind.GRID)
        return [*grids, *coverage.reach(session, told.update)]


def _residents(session: Session, world: World, told: Told, books: Books) -> None:
    """Every resident ends confirmed, or on the door-knock list with a reason.

    Contacts who were tried before the update are told of it too, and are no residents.
    """
    rows = session.execute(
        select(Delivery.recipient_id, Delivery.state, Delivery.reason)
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id == told.update)
        .where(Delivery.recipient_kind == OwnerKind.RESIDENT)
    ).all()
    books.residents = len(rows)
    books.confirmed = sum(row.state in _REACHED for row in rows)
    books.door = sum(row.state is DeliveryState.DOOR for row in rows)
    if len(rows) != len(world.people):
        books.wrong.append(f"{len(world.people)} residents, {len(rows)} deliveries")
    stray = [
        row
        for row in rows
        if row.state not in (*_REACHED, DeliveryState.DOOR, DeliveryState.REFUSED)
    ]
    if stray:
        books.wrong.append(f"{len(stray)} residents are neither confirmed nor on the list")
    if any(row.state is DeliveryState.DOOR and row.reason is None for row in rows):
        books.wrong.append("somebody is on the door-knock list without a reason")


def _attempts(session: Session, world: World, books: Books) -> None:
    """Every attempt that a provider took is in its book once, and nothing else is.

    Who shares a number has an attempt along with another's, which is the one that was made.
    """
    attempts = session.scalars(
        select(Attempt).where(
            Attempt.community_id == store.community(session), Attempt.along.is_(None)
        )
    ).all()
    seen = _seen(world, attempts)
    books.attempts, books.seen = len(attempts), sum(seen.values())
    books.by_kind = Counter(one.kind.value for one in attempts)
    taken = {one.ref for one in attempts if one.accepted_at is not None}
    books.taken = len(taken)
    books.lost = len(taken - set(seen))
    books.twice = sum(count - 1 for count in seen.values())
    unknown = [one for one in attempts if one.state is AttemptState.ATTEMPTING]
    unsolicited = set(seen) - {one.ref for one in attempts}
    for count, what in (
        (books.lost, "attempts that no provider has seen"),
        (books.twice, "messages or calls that were made twice"),
        (len(unknown), "attempts without an outcome"),
        (len(unsolicited), "messages that no attempt accounts for"),
    ):
        if count:
            books.wrong.append(f"{count} {what}")


def _seen(world: World, attempts: Sequence[Attempt]) -> Counter[str]:
    """Count what the stand-ins took, by our reference; where none shows, by the provider's id."""
    book = world.sandbox.book
    entries: list[Entry] = [*book.messages, *book.calls]
    by_id = {(one.kind.value, one.provider_id): one.ref for one in attempts if one.provider_id}
    out = [one for one in entries if one.direction is Direction.OUT]
    ours = {one.ref for one in attempts}
    # a message that was edited has other buttons: it is known by the provider's id
    refs = (_ref(one, ours) or by_id.get((_kind(one), one.sid)) or _ref(one) for one in out)
    return Counter(ref for ref in refs if ref)


def _kind(entry: Entry) -> str:
    return "call" if isinstance(entry, Call) else entry.kind.value


def _ref(entry: Entry, ours: Collection[str] | None = None) -> str:
    """Return the reference in a callback address or button: 32 hex digits; only one of `ours`."""
    words = TOKEN.findall(entry.trace)
    found = (word for word in words if len(word) == 32 and set(word) <= set("0123456789abcdef"))  # noqa: PLR2004 - 128 bits
    return next((word for word in found if ours is None or word in ours), "")


def _inbound(session: Session, books: Books) -> None:
    """Everything that arrived was handled."""
    here = Inbound.community_id == store.community(session)
    left = session.scalars(select(Inbound.id).where(here, Inbound.handled_at.is_(None))).all()
    broken = session.scalars(select(Inbound.id).where(here, Inbound.error != "")).all()
    if left:
        books.wrong.append(f"{len(left)} events that nobody has handled")
    if broken:
        books.wrong.append(f"{len(broken)} events that could not be handled")
    short = session.scalars(
        select(Notice.id).where(
            Notice.community_id == store.community(session), Notice.expanded < Notice.expected
        )
    ).all()
    if short:
        books.wrong.append(f"{len(short)} notices short of their audience")


def _story(told: Told, books: Books) -> None:
    verdict = phrase.say("verdict.false", Written.HANS)
    if verdict not in told.known:
        books.wrong.append("who forwarded the known rumor was not told that it is false")
    if told.known.splitlines()[:1] == told.reversed.splitlines()[:1] or not told.reversed:
        books.wrong.append("the reversed rumor got the answer of the rumor")
    if not told.settled:
        books.wrong.append("who asked something new was not told")
