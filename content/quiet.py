"""Quiet hours: from when to when which kinds wait, by the community's wall clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from content.alert import Severity
from content.message import Kind

KINDS = (Kind.CHAT, Kind.SMS, Kind.CALL, Kind.SPEAKER)
"""What can be heard at night; nobody is sent to a door by a clock."""
_DAY = timedelta(days=1)
_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Quiet:
    """Between `start` and `end` of the wall clock these kinds wait.

    What is at least as severe as `severity` is told all the same. `end` before `start` is the next
    morning's.
    """

    start: time
    end: time
    kinds: frozenset[Kind]
    severity: Severity

    def hushes(self, kind: Kind, severity: Severity) -> bool:
        """Say whether these hours hold such a thing back."""
        return kind in self.kinds and severity.rank > self.severity.rank

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the hours that `now` lies in are over, in UTC; None outside of them."""
        today = now.astimezone(zone).date()
        for day in (today - _DAY, today):
            begin, finish = _night(self.start, self.end, day, zone)
            if begin <= now < finish:
                return finish
        return None


def until(
    hours: Iterable[Quiet], kind: Kind, severity: Severity, now: datetime, zone: ZoneInfo
) -> datetime | None:
    """Return when such a thing may be told; None: now. Hours that follow each other add up."""
    mine = [one for one in hours if one.hushes(kind, severity)]
    at = now
    while ends := [end for one in mine if (end := one.until(at, zone)) is not None]:
        at = max(ends)
    return None if at == now else at


def loudest(hours: Iterable[Quiet], kind: Kind, now: datetime, zone: ZoneInfo) -> Severity | None:
    """Return the mildest severity that may be told now by this kind; None: no quiet hours now."""
    found = [one.severity for one in hours if kind in one.kinds and one.until(now, zone)]
    return min(found, key=lambda severity: severity.rank, default=None)


def always(hours: Iterable[Quiet]) -> Kind | None:
    """Return a kind for which no minute of the day is left."""
    free = {kind: [True] * _MINUTES for kind in KINDS}
    for one in hours:
        begin, end = _minute(one.start), _minute(one.end)
        for minute in range(begin, end if end > begin else end + _MINUTES):
            for kind in one.kinds:
                free[kind][minute % _MINUTES] = False
    return next((kind for kind in KINDS if not any(free[kind])), None)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


@lru_cache(maxsize=64)
def _night(start: time, end: time, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the quiet hours that begin on `day`.

    A time that summer time skips is when the clock jumps. Of one that comes twice the first begins
    and the last ends: nobody is called in between.
    """
    until_ = day if start < end else day + _DAY
    return _instant(day, start, zone, last=False), _instant(until_, end, zone, last=True)


def _instant(day: date, at: time, zone: ZoneInfo, *, last: bool) -> datetime:
    first, second = (
        datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)
    )
    if second < first:
        return _jump(second, first, zone)
    return second if last else first


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second at which the clock jumps, between two instants."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
