"""The page of the report after an alert: its figures in words, in the order of reading."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from bot.cli import after_plots
from bot.cli import page as pages
from bot.cli.after_plots import STEPS
from bot.cli.watch import STATES
from bot.prices import Prices
from content import phrase, stand
from content.aftermath import Failure, Help, Told, Units
from content.alert import Act, MsgType, Revision, Status
from content.coverage import Live, Reach
from content.curve import Curve, Curves
from content.message import Kind, Written
from content.place import Community
from content.reason import Reason

Row = tuple[str, str]
_ALL = 100
_GRIDS, _HELPS = 40, 100
"""Rows of a table on the page; the CSV files hold all."""
OUTCOMES = {
    "confirmed": "当面告知 told at the door",
    "away": "不在家 away",
    "refused": "拒绝 refused",
    "open": "还没有人去 nobody has been there",
}


@dataclass(frozen=True, slots=True)
class After:
    """Everything that the report is made from."""

    code: str
    row: Revision
    """The revision that residents were told last, a cancellation apart."""
    headline: str
    body: str
    community: Community
    now: datetime
    told: Sequence[Told]
    main: Told
    history: Sequence[tuple[Act, str]]
    """Each step of the review, with the name of who took it."""
    live: Live
    curves: Curves
    failures: Sequence[Failure]
    doors: Counter[str]
    wrong: Counter[tuple[Kind, Reason]]
    helps: Sequence[tuple[Help, str]]
    """Each task, with the building."""
    twice: dict[Kind, int]
    units: Sequence[Units]
    plan: Sequence[tuple[str, int, float | None, float]]
    """By sender: people whose first contact it was, planned and real minutes until the last."""
    prices: Prices | None
    personal: bool
    """The lists with names were written beside it."""

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which times are told."""
        return ZoneInfo(self.community.zone)

    def moment(self, at: datetime) -> str:
        """Return an instant as it is read: with its day where that is not the first one."""
        here, first = at.astimezone(self.zone), self.main.made_at.astimezone(self.zone)
        return f"{here:%H:%M:%S}" if here.date() == first.date() else f"{here:%m-%d %H:%M:%S}"


def page(one: After) -> str:
    """Return the report as one HTML page that needs nothing beside it."""
    slow = sorted_grids(one)
    costs, total = _costs(one)
    return pages.render(
        "after.html",
        code=one.code,
        headline=one.headline,
        body=one.body,
        community=one.community.name,
        severity=_both(f"severity.{one.row.severity}"),
        mark=_mark(one.live.status),
        start=one.main.made_at,
        ended=_ended(one),
        now=one.now,
        zone=one.community.zone,
        moment=one.moment,
        dated=lambda at: f"{at.astimezone(one.zone):%Y-%m-%d %H:%M}",
        tiles=_tiles(one),
        words=_say("live.words"),
        words_english=_say("live.words", Written.ENGLISH),
        earlier=one.live.earlier,
        plots={
            "total": after_plots.total(one.curves),
            "kinds": after_plots.kinds(one.curves),
            "grids": after_plots.grids(one.curves),
        },
        alt=_alt(one),
        steps=_steps(one.curves.total),
        kinds=one.live.kinds,
        kind=lambda kind: _both(f"kind.{kind}"),
        grids=slow[:_GRIDS],
        grids_left=max(0, len(slow) - _GRIDS),
        whys=list(_whys(one.live)),
        skips=list(_skips(one.live)),
        failures=[(*_word(f.kind, f.word), f.attempts, f.people) for f in one.failures],
        wrong=_wrong(one.wrong),
        doors=[(OUTCOMES.get(what, what), count) for what, count in one.doors.most_common()],
        helps=_helps(one.helps),
        plan=one.plan,
        costs=costs,
        sum=total,
        twice="、".join(f"{_both(f'kind.{kind}')} {count} 人" for kind, count in one.twice.items()),
        timeline=list(timeline(one)),
        personal=one.personal,
    )


def sorted_grids(one: After) -> list[tuple[Reach, dict[int, float | None]]]:
    """Return the grids with their minutes until settled, the slowest first."""
    curves = {curve.name: curve for curve in one.curves.grids}
    order = [curve.name for curve in after_plots.slowest(one.curves.grids, len(curves))]
    found = {grid.place: grid for grid in one.live.grids}
    return [(found[name], curves[name].all_until("settled")) for name in order if name in found]


def timeline(one: After) -> Iterator[tuple[datetime, str, str, str]]:
    """Give what happened in order: the review's steps, what was told, and how far it came."""
    lines = [
        (
            act.at,
            f"{_say(f'staff.step_{act.step}')}（第{act.revision}版）{act.reason}",
            f"{_say(f'staff.step_{act.step}', Written.ENGLISH)} (revision {act.revision})",
            name,
        )
        for act, name in one.history
    ]
    for told in one.told:
        lines.append(_told(told))
        if told.last_contact is not None:
            what = f"最后一个人第一次联系上（共{told.contacted}人）"
            english = f"the last first contact, {told.contacted} people"
            lines.append((told.last_contact, what, english, ""))
    for share in (50, 90, 100):
        minute = one.curves.total.until("settled", share)
        if minute is not None:
            at = one.main.made_at + timedelta(minutes=minute)
            lines.append((at, f"{share}% 有着落", f"{share} per cent settled", ""))
    yield from sorted(lines, key=lambda line: line[0])


def _told(told: Told) -> tuple[datetime, str, str, str]:
    what = {
        MsgType.ALERT: ("开始通知", "begin to tell"),
        MsgType.UPDATE: ("更新，开始通知", "update, begin to tell"),
        MsgType.CANCEL: ("解除，开始通知", "cancellation, begin to tell"),
    }[told.msg_type]
    return told.made_at, f"{what[0]} {told.expected} 人", f"{what[1]} {told.expected} people", ""


def _ended(one: After) -> str:
    over = [told for told in one.told if told.msg_type is MsgType.CANCEL]
    if over:
        return f"{over[-1].made_at.astimezone(one.zone):%m-%d %H:%M} 解除"
    until = f"{one.row.expires.astimezone(one.zone):%m-%d %H:%M}"
    return f"有效到 {until}" + ("（还在通知）" if not one.live.over else "")


def _mark(status: Status) -> str:
    marks = {Status.EXERCISE: "mark.exercise", Status.TEST: "mark.test"}
    return _say(marks[status]) if status in marks else ""


def _tiles(one: After) -> list[tuple[str, str, str, str]]:
    total = one.live.total
    half = one.curves.total.until("settled", 90)

    def of(count: int) -> tuple[str, str]:
        part = 100 * count / max(1, total.residents)
        share = f"{part:.1f}%" if 0 < part < 1 or _ALL - 1 < part < _ALL else f"{part:.0f}%"
        return f"{count:,}", share

    return [
        ("要通知", "people", f"{total.residents:,}", ""),
        ("联系过", "contacted", *of(total.contacted)),
        ("送到", "reached", *of(total.reached)),
        ("本人确认", "confirmed", *of(total.confirmed)),
        ("联系人转告", "passed on", *of(total.passed_on)),
        ("上门名单", "door-knock list", *of(total.door)),
        *([("拒绝", "refused at the door", *of(total.refused))] if total.refused else []),
        ("求助", "asked for help", *of(total.need_help)),
        ("还在联系", "still open", *of(total.open)),
        ("九成有着落", "90% settled", "—" if half is None else f"{half:.1f} 分钟 min", ""),
    ]


def _steps(total: Curve) -> list[tuple[str, int, dict[int, float | None]]]:
    return [
        (label, len(total.minutes[step]), total.all_until(step))
        for step, (label, _, _) in STEPS.items()
    ]


def _alt(one: After) -> dict[str, str]:
    """Return in words what each plot shows, for who does not see it."""
    total = one.curves.total
    end = f"{total.end:.0f}"
    shares = "，".join(
        f"{label} {100 * total.share(step, total.end):.0f}%"
        for step, (label, _, _) in STEPS.items()
    )
    by_kind = "，".join(
        f"{_both(f'kind.{kind.name}')} {len(kind.minutes['confirmed'])}"
        for kind in one.curves.kinds
    )
    slow = after_plots.slowest(one.curves.grids, 3)
    names = "，".join(
        f"{grid.name or '没有网格 no grid'} {100 * grid.share('settled', grid.end):.0f}%"
        for grid in slow
    )
    return {
        "total": f"折线图：{end} 分钟里各步骤的比例，最后 {shares}。 Shares over {end} minutes.",
        "kinds": f"折线图：各方式的联系和确认，确认人数 {by_kind}。 Shares by kind.",
        "grids": f"折线图：各网格有着落的比例。最慢的是 {names}。 Share settled by grid.",
    }


def _whys(live: Live) -> Iterator[tuple[str, str, str, int]]:
    for why in live.whys:
        state = STATES.get(why.state, str(why.state))
        yield why.said(), why.said(Written.ENGLISH), state, why.count


def _skips(live: Live) -> Iterator[tuple[str, str, int]]:
    for (step, reason), count in live.skips.items():
        said = [
            f"{stand.rung(step, language)}：{phrase.say(f'reason.{reason}', language)}"
            for language in (Written.HANS, Written.ENGLISH)
        ]
        yield said[0], said[1], count


def _wrong(found: Counter[tuple[Kind, Reason]]) -> dict[str, Any]:
    rows = [(*_word(kind, f"reason.{why}"), count) for (kind, why), count in found.most_common()]
    return {"total": found.total(), "rows": rows}


def _helps(found: Sequence[tuple[Help, str]]) -> dict[str, Any]:
    waits = [
        (one.taken_at - one.opened_at).total_seconds() / 60 for one, _ in found if one.taken_at
    ]
    rows = [
        {
            "opened_at": one.opened_at,
            "where": where or "—",
            "taken_at": one.taken_at,
            "taken_by": one.taken_by,
            "done_at": one.done_at,
        }
        for one, where in found[:_HELPS]
    ]
    return {
        "total": len(found),
        "taken": len(waits),
        "median": median(waits) if waits else None,
        "longest": max(waits, default=None),
        "late": sum(one.taken_at is None or one.taken_at > one.due_at for one, _ in found),
        "rows": rows,
        "left": max(0, len(found) - _HELPS),
    }


def _costs(one: After) -> tuple[list[tuple[str, int, str, str]], str]:
    words = {Kind.SMS: "段 segments", Kind.CALL: "分钟 minutes"}
    rows, total = [], 0.0
    for used in one.units:
        cost = one.prices.of(used.kind, used.billed) if one.prices else None
        total += cost or 0.0
        billed = f"{used.billed:,} {words.get(used.kind, '条 messages')}"
        money = f"{cost:,.2f} {one.prices.currency}" if one.prices and cost is not None else ""
        rows.append((_both(f"kind.{used.kind}"), used.taken, billed, money))
    return rows, f"{total:,.2f} {one.prices.currency}" if one.prices else ""


def _word(kind: Kind, key: str) -> Row:
    said = [
        f"{phrase.say(f'kind.{kind}', language)}：{phrase.say(key, language)}"
        for language in (Written.HANS, Written.ENGLISH)
    ]
    return said[0], said[1]


def _both(key: str) -> str:
    return f"{_say(key)} {_say(key, Written.ENGLISH)}"


def _say(key: str, language: Written = Written.HANS) -> str:
    return phrase.say(key, language)
