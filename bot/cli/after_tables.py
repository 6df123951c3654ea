"""The tables beside the report after an alert, as CSV; names stand in files of their own."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Self

from sqlalchemy.orm import Session

from bot.cli import after_page
from bot.cli.after_page import After
from bot.cli.after_plots import sampled
from bot.cli.watch import COLUMNS
from content import cap, phrase, place, sheet
from content.aftermath import Help, Visit, Wrong
from content.curve import STEPS, Curve
from content.message import Kind, Written
from content.reason import Reason

PERSONAL = ("numbers-to-correct.csv", "doors.csv", "help.csv")
_POINTS = 60
"""Points of time of each curve in the table."""
_SHARES = (50, 90, 100)
Row = Iterable[object]


class People:
    """Writes the lists with names, one row at a time, for nobody but their owner to read.

    Without a folder nothing is written, and the rows are only counted.
    """

    def __init__(self, session: Session, folder: Path | None) -> None:
        self._folder = folder
        self._tree = place.Tree(session) if folder else None
        self._zone = cap.zone(session)

    def wrong(self, found: Iterable[Wrong]) -> Iterator[tuple[Kind, Reason]]:
        """Write the numbers to correct; give what each is counted by."""
        head = ("编号 number", "姓名 name", "住处 home", "谁的 whose", "方式 kind", "原因 reason")
        with _Table(self._folder, PERSONAL[0], (*head, "末四位 last four", "试过 tries")) as table:
            for one in found:
                whose = f"联系人 contact {one.contact}" if one.contact else "本人 own"
                kind, why = _say(f"kind.{one.kind}"), _say(f"reason.{one.reason}")
                home = self._home(one.place_id)
                table.add(one.number, one.name, home, whose, kind, why, one.ending, one.tries)
                yield one.kind, one.reason

    def doors(self, found: Iterable[Visit]) -> Iterator[str]:
        """Write the door-knock list with its outcomes; give each outcome."""
        head = (
            "编号 number",
            "姓名 name",
            "住处 home",
            "注意 needs",
            "原因 reason",
            "结果 outcome",
        )
        more = ("上名单 listed", "时间 at", "谁去的 by", "求助 help", "备注 note")
        with _Table(self._folder, PERSONAL[1], (*head, *more)) as table:
            for one in found:
                kind, word = one.why
                why = f"{_say(f'kind.{kind}')}：{_say(word)}" if kind else _say(word)
                needs = "、".join(_say(f"need.{need}") for need in sorted(one.needs))
                outcome = after_page.OUTCOMES.get(one.outcome, one.outcome)
                who = (one.number, one.name, self._home(one.place_id), needs, why, outcome)
                times = (self._at(one.listed_at), self._at(one.at))
                table.add(*who, *times, one.by, "是 yes" if one.needs_help else "", one.note)
                yield one.outcome

    def helps(self, found: Sequence[Help]) -> None:
        """Write who asked for help, who took it when, and what came of it."""
        head = ("编号 number", "姓名 name", "住处 home", "求助 asked", "时限 due", "接手 taken")
        with _Table(
            self._folder, PERSONAL[2], (*head, "谁 by", "办完 done", "结果 outcome")
        ) as table:
            for one in found:
                times = map(self._at, (one.opened_at, one.due_at, one.taken_at))
                who = (one.number, one.name, self._home(one.place_id))
                table.add(*who, *times, one.taken_by, self._at(one.done_at), one.outcome)

    def _home(self, place_id: Any) -> str:
        home = self._tree.get(place_id) if self._tree and place_id else None
        return self._tree.line(home) if self._tree and home else ""

    def _at(self, at: datetime | None) -> str:
        return _moment(at, self._zone)


class _Table:
    """A CSV file that is written row by row; without a folder the rows go nowhere."""

    def __init__(self, folder: Path | None, name: str, head: Sequence[str]) -> None:
        self._path = folder / name if folder else None
        self._head = head
        self._out: Any = None

    def __enter__(self) -> Self:
        if self._path is not None:
            # made anew: a file that others could read stays readable for them
            self._path.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            handle = os.open(self._path, flags, 0o600)
            self._out = os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
            self.add(*self._head)
        return self

    def __exit__(self, *_: object) -> None:
        if self._out is not None:
            self._out.close()

    def add(self, *cells: object) -> None:
        if self._out is not None:
            csv.writer(self._out).writerow(_cells(cells))


def write(folder: Path, one: After) -> None:
    """Write the tables without names: reach, over time, failures, cost, timeline."""
    for name, head, rows in (
        (
            "reach.csv",
            ("网格 grid", *(one.replace("\n", " ") for one in COLUMNS.values()), *_MINUTES),
            _reach(one),
        ),
        ("over-time.csv", ("分组 group", "名称 name", "分钟 minute", *STEPS), _over_time(one)),
        ("failures.csv", ("方式 kind", "原因 reason", "次 tries", "人 people"), _failures(one)),
        ("cost.csv", ("方式 kind", "发出 sent", "计费 billed", "费用 cost"), _cost(one)),
        ("timeline.csv", ("时间 at", "什么 what", "what", "谁 who"), _timeline(one)),
    ):
        with (folder / name).open("w", encoding="utf-8-sig", newline="") as out:
            table = csv.writer(out)
            table.writerow(head)
            table.writerows(_cells(row) for row in rows)


_MINUTES = tuple(f"{share}% 有着落，分钟 minutes until {share}% settled" for share in _SHARES)


def _reach(one: After) -> Iterator[Row]:
    grids = after_page.sorted_grids(one)
    whole = (one.live.total, one.curves.total.all_until("settled"))
    for group, minutes in (whole, *grids):
        counts = [getattr(group, name) for name in COLUMNS]
        label = group.place if group is not one.live.total else "全部 all"
        yield (label, *counts, *(_number(minutes[share]) for share in _SHARES))


def _over_time(one: After) -> Iterator[Row]:
    end = one.curves.total.end
    groups: tuple[tuple[str, Sequence[Curve]], ...] = (
        ("全部 all", [one.curves.total]),
        ("方式 kind", one.curves.kinds),
        ("网格 grid", one.curves.grids),
    )
    for group, found in groups:
        for line in found:
            for minute, _ in sampled(line, STEPS[0], end, _POINTS):
                shares = (f"{line.share(step, minute):.4f}" for step in STEPS)
                yield (group, line.name, _number(minute), *shares)


def _failures(one: After) -> Iterator[Row]:
    for found in one.failures:
        yield _say(f"kind.{found.kind}"), _say(found.word), found.attempts, found.people


def _cost(one: After) -> Iterator[Row]:
    for used in one.units:
        cost = one.prices.of(used.kind, used.billed) if one.prices else None
        yield _say(f"kind.{used.kind}"), used.taken, used.billed, _number(cost)


def _timeline(one: After) -> Iterator[Row]:
    for at, what, english, who in after_page.timeline(one):
        yield _moment(at, one.zone), what, english, who


def _cells(row: Row) -> list[str]:
    return [sheet.safe(str(cell)) for cell in row]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _say(key: str) -> str:
    return phrase.say(key, Written.HANS)
