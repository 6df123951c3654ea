"""What a publication would do: who is told first by what, when the last is, and what would help."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from channels import backlog, flow, router, spend, sweep
from channels.flow import Better, Limit, Line
from channels.router import Recipient, Standing, Step
from channels.spend import Spend
from content import cap, profile
from content.alert import Severity
from content.ladder import KINDS, Ladders, Rung
from content.message import Kind, Message, Spoken, Written
from content.pace import Sender
from content.people import AddressView, Audience, Consent
from content.profile import Profile


@dataclass(frozen=True, slots=True)
class Sending:
    """What would be told to whom; `message` renders it for a kind and a person's languages."""

    audience: Audience
    severity: Severity
    expires_at: datetime
    message: Callable[[Kind, Written, Spoken], Message]
    replaces: uuid.UUID | None = None
    """The alert of which it is an update: whoever was told of that is told too."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The first contacts of one sender."""

    sender: Sender
    count: int
    units: int
    """What they take of the rate: messages, calls or SMS segments."""
    ahead: int
    """What else is due there before them."""
    begins: datetime
    hushed: bool
    """It begins when the quiet hours end."""
    last: datetime
    """When the last first contact starts."""
    limit: Limit
    late: int
    """How many would start only when it is over."""
    better: Better | None = None

    @property
    def better_last(self) -> datetime | None:
        """Return when the last would start with a better limit."""
        return self.begins + timedelta(seconds=self.better.seconds) if self.better else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many recipients, by which kind first, in which languages, and how long it takes."""

    now: datetime
    recipients: int
    first: Mapping[Kind, int]
    """Recipients by the kind of their first contact; DOOR: no machine can reach them."""
    languages: Mapping[Written, int]
    spends: tuple[Spend, ...]
    """What the first contacts take, by kind and language."""
    queues: tuple[Queue, ...]
    """The one that takes longest comes first."""
    ends: datetime
    """When the longest ladder is at its end, if nobody confirms and no retry has to queue."""
    expires_at: datetime

    @property
    def segments(self) -> int:
        """Return the SMS segments of all first contacts by SMS."""
        return sum(one.units for one in self.spends if one.kind is Kind.SMS)

    @property
    def short(self) -> bool:
        """Say whether it is over before everybody's ladder is at its end."""
        return self.expires_at < self.ends


@dataclass(frozen=True, slots=True)
class _First:
    """The first contacts by one kind: to how many people, and what is made for them."""

    people: int
    made: Counter[Profile]
    """Messages or calls: who shares a number is called together."""
    apart: tuple[int, ...] = ()
    """Calls that wait for another number of their home, as `Line` has them."""


@dataclass(frozen=True, slots=True)
class _View:
    """All that does not change between two profiles."""

    sending: Sending
    ladders: Ladders
    kinds: frozenset[Kind]
    closed: Mapping[Kind, datetime]
    """Kinds whose providers have asked for a long rest, and until when."""
    now: datetime
    zone: ZoneInfo

    def open(self, at: datetime) -> frozenset[Kind]:
        """Return the kinds by which the router would send then."""
        return self.kinds - self._paused(at).keys()

    def step(self, who: Profile, at: datetime, rung: int = 0, tries: int = 0) -> Step:
        """Return what the router says of such a person."""
        standing = Standing(self.sending.severity, rung, tries, expires_at=self.sending.expires_at)
        given = standing, _recipient(who), self.ladders, self.open(at)
        return router.next_step(*given, at, self.zone, self._paused(at))

    def steps(self, who: Profile, last: Mapping[Kind, datetime]) -> Iterator[datetime]:
        """Return when each step of an unanswered ladder is over; none starts before `last`."""
        at, rung, tries = self.now, 0, 0
        # however late it is: how long it would have to live is asked
        endless = replace(self, sending=replace(self.sending, expires_at=_NEVER))
        while (step := endless.step(who, at, rung, tries)).kind is not Kind.DOOR:
            rung, tries = step.rung, step.tries + 1
            at = max(step.at, last.get(step.kind, step.at)) + timedelta(seconds=step.wait)
            yield at

    def _paused(self, at: datetime) -> dict[Kind, datetime]:
        rest = at + sweep.LONG_REST
        return {kind: until for kind, until in self.closed.items() if until > rest}


_NEVER = datetime.max.replace(tzinfo=UTC)


def forecast(
    session: Session,
    sending: Sending,
    ladders: Ladders,
    senders: Sequence[Sender],
    now: datetime,
    *,
    answered: float | None = None,
) -> Forecast:
    """Route everybody in the audience for the first time, without sending anything.

    answered: the share of calls that are answered; None: as it was of late.
    """
    kinds = frozenset(sender.kind for sender in senders)
    sending = replace(sending, message=cache(sending.message))
    closed = sweep.closed(session, senders, now)
    view = _View(sending, ladders, kinds, closed, now, cap.zone(session))
    people = profile.count(session, sending.audience, sending.replaces)
    first: dict[Kind, Counter[Profile]] = defaultdict(Counter)
    for who, many in people.items():
        first[view.step(who, now).kind][who] = many
    told = {kind: some.total() for kind, some in first.items() if some}
    for who, many in profile.beside(session, sending.audience, sending.replaces).items():
        # no recipients themselves, but they take lines and money
        if kind := next(
            (one for one in KINDS[Rung.CONTACT] if one in view.open(now) & {*who.contacts}), None
        ):
            first[kind][who] += many
    waves = {kind: _wave(session, sending, kind, some) for kind, some in first.items()}
    share = backlog.answered(session) if answered is None else answered
    found = [
        _queue(session, view, one, waves[one.kind], share) for one in senders if one.kind in waves
    ]
    queues = sorted((one for one in found if one), key=lambda one: one.last, reverse=True)
    last = {one.sender.kind: one.last for one in queues}
    return Forecast(
        now=now,
        recipients=people.total(),
        first=told,
        languages=_languages(people),
        spends=spend.of(sending.message, {kind: one.made for kind, one in waves.items()}),
        queues=tuple(queues),
        ends=max((end for who in people for end in view.steps(who, last)), default=now),
        expires_at=sending.expires_at,
    )


def _wave(session: Session, sending: Sending, kind: Kind, people: Counter[Profile]) -> _First:
    """Return what is made for people whose first contact is of this kind."""
    own = {who: many for who, many in people.items() if kind in who.own}
    if kind is not Kind.CALL or sum(own.values()) < 2:  # noqa: PLR2004 - nobody to share with
        return _First(people.total(), people)
    rings = profile.rings(session, sending.audience, own, sending.replaces)
    made, seen, share = Counter(people), 0, rings.numbers / sum(own.values())
    for who in sorted(own, key=lambda one: not one.vulnerable):
        # each rounded by itself would not sum up
        made[who] = round((seen + own[who]) * share) - round(seen * share)
        seen += own[who]
    at_once = sending.severity is Severity.EXTREME
    return _First(people.total(), +made, () if at_once else rings.apart)


def _languages(people: Counter[Profile]) -> Counter[Written]:
    found: Counter[Written] = Counter()
    for who, many in people.items():
        found[who.written] += many
    return found


def _recipient(who: Profile) -> Recipient:
    """Return somebody of this profile, with addresses that stand for the real ones."""
    own = (_address(at, kind) for at, kind in enumerate(who.own))
    theirs = (_address(100 + at, kind) for at, kind in enumerate(who.contacts))
    return Recipient(who.needs, tuple(own), tuple(theirs))


@cache
def _address(number: int, kind: Kind) -> AddressView:
    some = uuid.UUID(int=number)
    return AddressView(some, some, kind, str(number), number, Consent.ASSUMED)


def _queue(
    session: Session, view: _View, sender: Sender, first: _First, share: float
) -> Queue | None:
    """Return the first contacts of one sender, behind what is due there; None: there are none."""
    ours = [
        flow.batch(sender, view.sending.message(sender.kind, who.written, who.spoken), many)
        for who, many in sorted(first.made.items(), key=_order)
    ]
    if not ours:
        return None
    severity = view.sending.severity
    hushed = view.ladders.hushed_until(sender.kind, severity, view.now, view.zone)
    begins = max(hushed or view.now, backlog.free(session, sender, view.now))
    given = view.ladders, sender, severity, share, ours[-1], begins
    ahead = list(backlog.ahead(session, *given, view.sending.replaces))
    before = flow.total(ahead)
    busy = backlog.busy(session, sender) if sender.lines and begins == view.now else 0
    line = Line(sender, (*ahead, *ours), share, busy, first.apart)
    end = flow.end(line, (view.sending.expires_at - begins).total_seconds(), before)
    return Queue(
        sender=sender,
        count=first.people,
        units=sum(one.count * one.units for one in ours),
        ahead=before,
        begins=begins,
        hushed=begins == hushed,
        last=begins + timedelta(seconds=end.seconds),
        limit=end.limit,
        late=end.late,
        better=flow.better(line),
    )


def _order(item: tuple[Profile, int]) -> bool:
    """Put the vulnerable first, as the outbox does."""
    return not item[0].vulnerable
