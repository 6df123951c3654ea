"""The books after the last restart: ours against the provider's, person by person."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from crash_provider import Posted, Provider, ref_of
from crash_town import OVER_TEXT, WAITS, Town
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.sandbox.book import Call, Entry
from content import store
from content.alert import MsgType, Severity
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.event import Event
from content.inbound import Inbound
from content.message import Kind
from content.notice import Notice, NoticeKind, NoticeState
from content.people import Address
from content.reason import Reason

URGENT = (Severity.EXTREME, Severity.SEVERE)
FINAL = {DeliveryState.CONFIRMED, DeliveryState.PASSED_ON, DeliveryState.DOOR}
OVER = {DeliveryState.SUPERSEDED, DeliveryState.CANCELLED, DeliveryState.EXPIRED}
SLACK = timedelta(seconds=0.5)

Key = tuple[uuid.UUID, uuid.UUID]
"""A notice and a recipient."""


@dataclass
class Books:
    """What the count has found; every list holds something to look at where it is not empty."""

    deliveries: int = 0
    requests: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    """How attempts became known: our own commit, a receipt, by asking, never taken, unknown."""
    lost: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    improper: list[str] = field(default_factory=list)
    """Doubles that may not be: not in a chat, not of an urgent alert, or without a word of it."""
    strangers_told: list[str] = field(default_factory=list)
    """Requests at the provider of which we know nothing."""
    order: list[str] = field(default_factory=list)
    """Update and cancellation: told too late, not at all, or overtaken."""
    inbound: int = 0
    inbound_lost: list[str] = field(default_factory=list)
    inbound_doubled: list[str] = field(default_factory=list)
    shared_ids: list[str] = field(default_factory=list)
    """Two attempts that are thought to be the same request at the provider."""


@dataclass
class _Ours:
    """Our side, read once."""

    notices: dict[uuid.UUID, Notice]
    deliveries: dict[Key, Delivery]
    attempts: dict[str, Attempt]
    tried: dict[Key, list[Attempt]]


def audit(session: Session, town: Town, posted: Iterable[Posted]) -> Books:
    """Count everything; the house has come to rest."""
    books, ours = Books(), _read(session)
    seen = _by_ref(town.provider)
    books.deliveries, books.requests = len(ours.deliveries), len(town.provider.entries())
    books.ends = Counter(one.state.value for one in ours.deliveries.values())
    books.settled = Counter(_how(one) for one in ours.attempts.values())
    books.lost = list(_lost(town, ours))
    _doubles(books, ours, seen)
    books.doubles += _repeated_texts(town)
    books.strangers_told = [ref for ref in seen if ref not in ours.attempts]
    books.order = [*_cancelled(town, ours), *_overtaken(ours, seen)]
    books.shared_ids = _shared(ours)
    _inbound(session, books, town, ours, list(posted))
    return books


def in_flight(session: Session) -> set[str]:
    """Return the urgent chat messages whose outcome is open now: a kill may double each of them."""
    query = (
        select(Attempt.ref)
        .join(Notice, Notice.id == Attempt.notice_id)
        .where(Attempt.community_id == store.community(session))
        .where(Attempt.state == AttemptState.ATTEMPTING, Attempt.kind == Kind.CHAT)
        .where(Notice.severity.in_(URGENT))
    )
    return set(session.scalars(query))


def _read(session: Session) -> _Ours:
    here = store.community(session)
    notices = session.scalars(select(Notice).where(Notice.community_id == here))
    rows = session.scalars(select(Delivery).where(Delivery.community_id == here))
    attempts = session.scalars(
        select(Attempt).where(Attempt.community_id == here).order_by(Attempt.id)
    ).all()
    tried: dict[Key, list[Attempt]] = defaultdict(list)
    for one in attempts:
        tried[one.notice_id, one.recipient_id].append(one)
    return _Ours(
        {one.id: one for one in notices},
        {(one.notice_id, one.recipient_id): one for one in rows},
        {one.ref: one for one in attempts},
        tried,
    )


def _by_ref(provider: Provider) -> dict[str, list[Entry]]:
    seen: dict[str, list[Entry]] = defaultdict(list)
    for one in provider.entries():
        if ref := ref_of(one):
            seen[ref].append(one)
    return seen


def _how(attempt: Attempt) -> str:
    if attempt.reason is Reason.NEVER_TAKEN:
        return "asked: never taken"
    if attempt.state is AttemptState.UNKNOWN:
        return "unknown"
    if attempt.state is AttemptState.ATTEMPTING:
        return "open"
    return "refused" if attempt.accepted_at is None else "taken"


def _lost(town: Town, ours: _Ours) -> Iterator[str]:
    """Yield residents whom an alert that is still running left without an end or an attempt."""
    for notice in ours.notices.values():
        if notice.kind is not NoticeKind.ALERT or notice.state is not NoticeState.LIVE:
            continue
        if not notice.confirms:
            continue
        for who in town.residents:
            row = ours.deliveries.get((notice.id, who))
            if row is None:
                yield f"{notice.id}/{who}: no delivery"
                continue
            tried = ours.tried.get((notice.id, who), [])
            if row.state not in FINAL and not _talks(row, tried):
                yield f"{notice.id}/{who}: {row.state} rung {row.rung} kind {row.kind}"
            elif not tried:
                yield f"{notice.id}/{who}: {row.state} without an attempt"


def _talks(row: Delivery, tried: list[Attempt]) -> bool:
    """Say whether the ladder stands still for a call that was picked up and whose end is not known.

    The sweep ends such a call after three minutes; a short run does not wait for that.
    """
    last = max(tried, key=lambda one: one.id, default=None)
    waits = row.next_at > datetime.now(UTC)
    return waits and last is not None and last.state is AttemptState.ANSWERED


def _doubles(books: Books, ours: _Ours, seen: dict[str, list[Entry]]) -> None:
    """Find requests of one step that came before the ladder's wait was over."""
    steps: dict[tuple[uuid.UUID, uuid.UUID, int], list[tuple[Entry, Attempt]]] = defaultdict(list)
    for ref, entries in seen.items():
        if (attempt := ours.attempts.get(ref)) is not None:
            step = (attempt.notice_id, attempt.recipient_id, attempt.rung)
            steps[step] += [(one, attempt) for one in entries]
    for taken in steps.values():
        taken.sort(key=lambda pair: pair[0].created_at)
        for (first, _), (second, attempt) in pairwise(taken):
            gap = second.created_at - first.created_at
            if attempt.kind is Kind.CALL and gap >= _wait(Kind.CALL) - SLACK:
                continue
            told = f"{attempt.kind} {attempt.ref} rung {attempt.rung} after {gap}"
            books.doubles.append(told)
            if not _proper(ours, attempt, first, second):
                books.improper.append(told)


def _proper(ours: _Ours, attempt: Attempt, first: Entry, second: Entry) -> bool:
    """Say whether it may be repeated: an urgent alert in a chat, with a word that says so."""
    urgent = ours.notices[attempt.notice_id].severity in URGENT
    if attempt.kind is not Kind.CHAT or isinstance(first, Call) or isinstance(second, Call):
        return False
    return urgent and first.body != second.body


def _repeated_texts(town: Town) -> list[str]:
    """Return answers and cancellations in chats, which have no button, that came twice."""
    said = Counter(
        (one.to, one.body)
        for one in town.provider.sandbox.book.texts()
        if one.kind.value == "chat" and not ref_of(one)
        # who writes 收到 is thanked in the same words each time
        if one.to in town.strangers[Kind.CHAT] or OVER_TEXT in one.body
    )
    return [f"chat {to} the same text" for (to, _), count in said.items() if count > 1]


def _wait(kind: Kind) -> timedelta:
    return timedelta(seconds=int(WAITS[kind.value].removesuffix("s")))


def _cancelled(town: Town, ours: _Ours) -> Iterator[str]:
    """Yield who was tried and not told that it is over, and who was tried after it was over."""
    for alert_id, at in town.cancelled.items():
        mine = [one for one in ours.notices.values() if one.alert_id == alert_id]
        ends = {one.id for one in mine if one.msg_type is MsgType.CANCEL}
        first = [one.id for one in mine if one.id not in ends]
        told = {who for notice_id, who in ours.deliveries if notice_id in ends}
        tried = {who for notice_id in first for who in _tried(ours, notice_id)}
        yield from (f"{who}: tried and not told of the cancellation" for who in tried - told)
        yield from (f"{who}: told of it although never tried" for who in told - tried)
        late = (one for key, many in ours.tried.items() if key[0] in first for one in many)
        yield from (
            f"{one.ref}: begun after the cancellation" for one in late if one.started_at > at
        )


def _tried(ours: _Ours, notice_id: uuid.UUID) -> set[uuid.UUID]:
    return {who for (notice, who), many in ours.tried.items() if notice == notice_id and many}


def _overtaken(ours: _Ours, seen: dict[str, list[Entry]]) -> Iterator[str]:
    """Yield addresses at which an older revision arrived after a newer one."""
    came: dict[tuple[Any, str], list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for ref, entries in seen.items():
        if (attempt := ours.attempts.get(ref)) is None:
            continue
        notice = ours.notices[attempt.notice_id]
        for one in entries:
            came[notice.alert_id, one.to].append((one.created_at, notice.made_at, ref))
    for many in came.values():
        ordered = sorted(many)
        for (_, made, _), (_, before, ref) in pairwise(ordered):
            if before < made:
                yield f"{ref}: an older revision after a newer one"


def _shared(ours: _Ours) -> list[str]:
    ids = Counter(one.provider_id for one in ours.attempts.values() if one.kind is not Kind.CHAT)
    return [
        f"{name} stands for {count} attempts" for name, count in ids.items() if name and count > 1
    ]


def _inbound(session: Session, books: Books, town: Town, ours: _Ours, posted: list[Posted]) -> None:
    rows = session.scalars(
        select(Inbound).where(Inbound.community_id == town.store.community_id)
    ).all()
    books.inbound = len(rows)
    books.inbound_lost += [f"{one.id}: not handled" for one in rows if one.handled_at is None]
    kept = {(one.sender, one.event_id) for one in rows}
    books.inbound_lost += [
        f"{' '.join(event)}: answered with 200 and not kept"
        for one in posted
        if (event := _event(one)) is not None and event not in kept
    ]
    books.inbound_lost += _unanswered(session, town, posted)
    books.inbound_doubled += _answered_twice(session, town)
    books.inbound_lost += _ignored_acts(town, ours, posted)
    books.inbound_doubled += _confirmed_twice(session)


def _event(one: Posted) -> tuple[str, str] | None:
    """Return under which sender and event id a webhook must have been kept; None for a script."""
    parts = one.url.partition("/hooks/")[2].split("/")
    sender, what = parts[0], parts[1]
    sid = one.params.get("MessageSid") or one.params.get("CallSid") or ""
    if what == "status":
        return sender, f"{sid}:{one.params.get('MessageStatus') or one.params.get('CallStatus')}"
    if what == "machine":
        return sender, f"{sid}:machine"
    if what == "key":
        return sender, f"{sid}:key:{parts[3]}:{one.params.get('Digits', '')}"
    return (sender, sid) if what == "inbound" else None


def _strangers(session: Session, town: Town, kind: Kind) -> dict[str, int]:
    """Return how often each stranger was answered."""
    counts = dict(
        session.execute(
            select(Delivery.recipient_id, func.count()).group_by(Delivery.recipient_id)
        ).all()
    )
    found = {}
    for value in town.strangers[kind]:
        digest = store.digest(session, value)
        ids = session.scalars(select(Address.id).where(Address.digest == digest))
        found[value] = sum(counts.get(one, 0) for one in ids)
    return found


def _unanswered(session: Session, town: Town, posted: list[Posted]) -> Iterator[str]:
    ours = {one.params.get("From") for one in posted if one.url.endswith("/inbound")}
    for kind in town.strangers:
        for value, count in _strangers(session, town, kind).items():
            if not count and (kind is Kind.CHAT or value in ours):
                yield f"{kind} {value}: asked and not answered"


def _answered_twice(session: Session, town: Town) -> Iterator[str]:
    for kind in town.strangers:
        for value, count in _strangers(session, town, kind).items():
            if count > 1:
                yield f"{kind} {value}: answered {count} times"


def _ignored_acts(town: Town, ours: _Ours, posted: list[Posted]) -> Iterator[str]:
    """Yield keys and buttons that were ours to take and confirmed nothing."""
    pressed = [
        one.url.partition("/key/")[2].split("/")[0]
        for one in posted
        if "/key/" in one.url and one.params.get("Digits") == "1"
    ]
    pressed += [
        one.data.partition(":")[2].split(":")[0] for one in town.provider.sandbox.book.presses
    ]
    for ref in pressed:
        if (attempt := ours.attempts.get(ref)) is None:
            yield f"{ref}: pressed, unknown to us"
            continue
        row = ours.deliveries[attempt.notice_id, attempt.recipient_id]
        asks = ours.notices[attempt.notice_id].confirms
        if asks and row.state not in OVER | {DeliveryState.CONFIRMED}:
            yield f"{ref}: pressed, and the delivery is {row.state}"


def _confirmed_twice(session: Session) -> list[str]:
    events = session.scalars(select(Event).where(Event.kind == "delivery.confirmed"))
    counts = Counter((one.subject_id, one.data.get("notice")) for one in events)
    return [f"{who}: confirmed {count} times" for (who, _), count in counts.items() if count > 1]
