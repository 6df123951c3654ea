"""The figures of one process and of the whole house, as Prometheus reads them."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot import installed
from bot.web.intake import Intake
from channels.meter import BUCKETS, Meter, Timing
from content import gauge
from content.base import new_number
from content.clock import Clock
from content.gauge import Gauges
from content.message import Kind
from content.store import Store
from verification import leftover

log = structlog.get_logger("metrics")

Key = TypeVar("Key", bound=tuple[str, ...])

_FRESH = 2.0
"""Real seconds for which one look at the database serves every reader."""
_PATIENCE = 2.0
"""Real seconds that a reader waits for the database; then it gets what this process knows."""
_ROUTER = "router"


class Metrics:
    """What this process shows; figures that begin with `linxun_house_` are the same in all."""

    def __init__(self, meter: Meter, store: Store, clock: Clock) -> None:
        self.meter = meter
        self.store = store
        self.clock = clock
        self.gauges: Gauges | None = None
        """The last look at the house; None while the database cannot be read."""
        self.leftovers = 0
        """Recordings that could not be fetched, or deleted at their provider, so far."""
        self.intake: Intake | None = None
        """What takes the webhooks' events in, in a process that has a web."""
        self.acts: Counter[str] = Counter()
        self._cursor = new_number()
        self._looked = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._registry = CollectorRegistry()
        self._registry.register(_Own(self))
        self._registry.register(_House(self))
        ProcessCollector(registry=self._registry)

    async def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return the figures and their media type; never waits long for the database."""
        if self._looking is None and self.meter.ticks() - self._looked >= _FRESH:
            self._looking = asyncio.create_task(self._look())
        if (looking := self._looking) is not None:
            await asyncio.wait({looking}, timeout=_PATIENCE)
            if not looking.done():
                # what is old must not be taken for what is
                self.gauges = None
        encode, media = choose_encoder(accept)
        return encode(self._registry), media

    async def _look(self) -> None:
        try:
            self.gauges, acts, self._cursor, self.leftovers = await self.store.query(self._read)
            self.acts.update(acts)
        except SQLAlchemyError:
            self.gauges = None
            log.exception("metrics.look_failed")
        finally:
            self._looked, self._looking = self.meter.ticks(), None

    def _read(self, session: Session) -> tuple[Gauges, list[str], int, int]:
        acts, cursor = gauge.acts(session, self._cursor, new_number())
        stand = gauge.look(session, self.clock.now())
        return stand, acts, cursor, leftover.waiting(session)


class _Own(Collector):
    """What this process has done itself."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._meter = metrics.meter
        self._usage = metrics.store.usage

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        meter = self._meter
        yield InfoMetricFamily("linxun_build", "The version.", {"version": installed.version()})
        yield _count(
            "linxun_attempts",
            "Requests to providers by how they ended.",
            ("sender", "outcome", "reason"),
            {(sender, end.value, why): n for (sender, end, why), n in meter.attempts.items()},
        )
        yield _count(
            "linxun_settled",
            "Attempts without a clear end, by what became of them.",
            ("sender", "state"),
            {(sender, state.value): n for (sender, state), n in meter.settlements.items()},
        )
        claimed = {(name,): count for name, count in meter.claimed.items()}
        yield _count("linxun_claimed", "Deliveries taken from the outbox.", ("sender",), claimed)
        yield _count("linxun_expanded", "Rows made by expansions.", (), {(): meter.expanded})
        found = {(name,): count for name, count in meter.findings.items()}
        yield _count("linxun_swept", "What sweeps found, each thing once.", ("finding",), found)
        standing = {(name,): count for name, count in meter.found.items()}
        yield _gauge("linxun_sweep", "What the last sweep found.", ("finding",), standing)
        yield _gauge(
            "linxun_last_success_timestamp_seconds",
            "When a loop last went round without an error.",
            ("loop", "sender"),
            {key: beat.at.timestamp() for key, beat in meter.beats.items() if beat.at},
        )
        ago = {(name,): meter.ticks() - tick for name, tick in meter.last_taken.items()}
        yield _gauge("linxun_last_taken_age_seconds", "Since one was taken.", ("sender",), ago)
        yield from _durations(meter)
        if self._metrics.intake is not None:
            yield from _journal(self._metrics.intake)
        used = self._usage
        yield _count("linxun_database_writes", "Writing transactions.", (), {(): used.writes})
        busy = {(): used.busy}
        yield _count("linxun_database_busy_seconds", "Seconds spent in them.", (), busy)
        waits = {(): used.waits}
        yield _count("linxun_database_waits", "Times it was locked or gone.", (), waits)


class _House(Collector):
    """What the database says: the same whoever is asked."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        seen = self._metrics.gauges
        yield _gauge("linxun_database_up", "Whether it could be read.", (), {(): seen is not None})
        acts = {(act,): count for act, count in self._metrics.acts.items()}
        yield _count("linxun_house_confirmed", "Confirmations since the start.", ("act",), acts)
        if seen is not None:
            yield from _queue(seen)
            left = {(): self._metrics.leftovers}
            yield _gauge("linxun_house_recordings_left", "Not fetched or deleted.", (), left)
            yield from _senders(seen)
            yield from _links(seen)


def _queue(seen: Gauges) -> Iterator[Metric]:
    due = {(kind.value if kind else _ROUTER,): one for kind, one in seen.due.items()}
    # a kind with nothing due is 0, not missing
    none = dict.fromkeys(
        [(_ROUTER,), *((kind.value,) for kind in Kind if kind is not Kind.DOOR)], 0
    )
    rows = none | {key: count for key, (count, _) in due.items()}
    ages = none | {key: (seen.at - since).total_seconds() for key, (_, since) in due.items()}
    yield _gauge("linxun_house_due_rows", "Deliveries due now.", ("kind",), rows)
    yield _gauge("linxun_house_due_age_seconds", "Age of the oldest due one.", ("kind",), ages)
    inbound = {("waiting",): seen.waiting, ("failed",): seen.failed}
    yield _gauge("linxun_house_inbound", "Events not handled, and given up.", ("state",), inbound)
    stuck = {(one.name, one.cause.value): 1 for one in seen.incidents}
    yield _gauge("linxun_house_incident", "What is held up now.", ("name", "cause"), stuck)
    copied = {(): seen.backed_up.timestamp()} if seen.backed_up else {}
    yield _gauge("linxun_house_backup_timestamp_seconds", "The last copy.", (), copied)


def _senders(seen: Gauges) -> Iterator[Metric]:
    open_ = {(sender,): count for sender, count in seen.open.items()}
    yield _gauge("linxun_house_open_attempts", "Attempts under way.", ("sender",), open_)
    ahead = {(one.sender,): max(0.0, one.free_at - seen.at.timestamp()) for one in seen.pace}
    yield _gauge("linxun_house_reserved_seconds", "Starts reserved ahead.", ("sender",), ahead)
    pauses = {
        (one.sender,): max(0.0, (one.paused_until - seen.at).total_seconds())
        for one in seen.pace
        if one.paused_until
    }
    yield _gauge("linxun_house_paused_seconds", "Pause still asked for.", ("sender",), pauses)


def _links(seen: Gauges) -> Iterator[Metric]:
    tested = [(one, one.tested_at) for one in seen.links if one.tested_at]
    up = {(one.sender,): one.ok for one, _ in tested}
    yield _gauge("linxun_house_link_up", "Whether the last link test went well.", ("sender",), up)
    at = {(one.sender,): when.timestamp() for one, when in tested}
    yield _gauge("linxun_house_link_test_timestamp_seconds", "When it was.", ("sender",), at)
    took = {(one.sender,): one.milliseconds / 1000 for one, _ in tested}
    yield _gauge("linxun_house_link_test_seconds", "How long it took.", ("sender",), took)


def _journal(intake: Intake) -> Iterator[Metric]:
    moved = {("shelved",): intake.shelved, ("replayed",): intake.replayed}
    moved[("refused",)] = intake.refused
    yield _count("linxun_journal_events", "Events around the journal.", ("what",), moved)
    waiting = {(): max(0, intake.shelved - intake.replayed)}
    yield _gauge("linxun_journal_waiting", "Events in it, of this process.", (), waiting)


def _durations(meter: Meter) -> Iterator[Metric]:
    for what in sorted({what for what, _ in meter.timings}):
        shown = HistogramMetricFamily(
            f"linxun_{what}_seconds", f"How long a {what} took.", labels=("sender",)
        )
        for (name, sender), timing in meter.timings.items():
            if name == what:
                shown.add_metric((sender,), _buckets(timing), timing.seconds)
        yield shown


def _buckets(timing: Timing) -> list[tuple[str, float]]:
    bounds, total = [*map(str, BUCKETS), "+Inf"], 0
    shown: list[tuple[str, float]] = []
    for bound, count in zip(bounds, timing.counts, strict=True):
        total += count
        shown.append((bound, float(total)))
    return shown


def _count(name: str, help_: str, labels: tuple[str, ...], values: Mapping[Key, float]) -> Metric:
    shown = CounterMetricFamily(name, help_, labels=labels)
    for key, value in values.items():
        shown.add_metric(key, value)
    return shown


def _gauge(name: str, help_: str, labels: tuple[str, ...], values: Mapping[Key, float]) -> Metric:
    shown = GaugeMetricFamily(name, help_, labels=labels)
    for key, value in values.items():
        shown.add_metric(key, float(value))
    return shown
