"""The plots of reports, as SVG whose text stays text."""

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from verification.report import Day, Period

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STATES = {
    "answered": ("自动答复 answered", "#1b7f5c"),
    "asked_back": ("请对方选 asked back", "#e0a526"),
    "waiting": ("请专家核实 being checked", "#3d6fb6"),
    "replied": ("不是传言 no rumor", "#b9bec6"),
}
INK, FAINT = "#24292f", "#d7dbe0"
_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "DejaVu Sans",
)
_TIMES = {
    1: "1秒 s",
    10: "10秒",
    60: "1分 min",
    600: "10分",
    3600: "1小时 h",
    21600: "6小时",
    86400: "1天 d",
    604800: "7天",
}
_WIDTH, _LABELS = 7.2, 12
"""Inches; and how many days are labelled at most."""


def days(now: Sequence[Day]) -> str:
    """Draw what became of each day's questions, in numbers and in shares, as stacked bars."""
    from matplotlib.ticker import MaxNLocator

    with drawing(3.8, "days", rows=2) as (figure, (counts, shares)):
        _stack(counts, now, [1] * len(now))
        _stack(shares, now, [max(1, day.total) for day in now])
        counts.yaxis.set_major_locator(MaxNLocator(integer=True))
        counts.set_ylim(0, max(4, *(day.total for day in now)) * 1.05)
        percent(shares.set_ylim, shares.set_yticks)
        step = max(1, -(-len(now) // _LABELS))
        shares.set_xticks(range(0, len(now), step), [f"{day.day:%m-%d}" for day in now[::step]])
        legend(figure, counts)
        return svg(figure)


def _stack(axes: "Axes", now: Sequence[Day], whole: Sequence[int]) -> None:
    """Draw each day's questions upon one another, as parts of `whole`."""
    below = [0.0] * len(now)
    for state, (label, colour) in STATES.items():
        heights = [getattr(day, state) / all_ for day, all_ in zip(now, whole, strict=True)]
        axes.bar(range(len(now)), heights, bottom=below, color=colour, label=label, width=0.8)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.grid(axis="y", color=FAINT, linewidth=0.6)


def speed(now: Period, before: Period) -> str:
    """Draw which share was answered within which time: by itself, and by experts."""
    with drawing(2.6, "speed") as (figure, (axes,)):
        for values, colour, style, label in (
            (now.automatic, "#1b7f5c", "-", "自动 automatic"),
            (now.experts, "#3d6fb6", "-", "专家 experts"),
            (before.automatic, "#1b7f5c", ":", "自动，上期 before"),
            (before.experts, "#3d6fb6", ":", "专家，上期 before"),
        ):
            if values:
                times = [max(1.0, value) for value in values]
                shares = [(place + 1) / len(times) for place in range(len(times))]
                axes.step(times, shares, style, where="post", color=colour, label=label)
        axes.set_xscale("log")
        axes.set_xlim(1, 1_000_000)
        axes.set_xticks(list(_TIMES), list(_TIMES.values()))
        axes.minorticks_off()
        percent(axes.set_ylim, axes.set_yticks)
        axes.grid(color=FAINT, linewidth=0.6)
        if axes.lines:
            legend(figure, axes)
        return svg(figure)


def precision(now: Period, before: Period) -> str:
    """Draw the share of right answers among the judged ones, with its interval."""
    with drawing(1.2, "precision") as (figure, (axes,)):
        for row, (one, colour) in enumerate(((before, "#8b949e"), (now, "#1b7f5c"))):
            found = one.precision
            if found.judged:
                low, high = found.interval
                spread = [[found.rate - low], [high - found.rate]]
                axes.errorbar(found.rate, row, xerr=spread, fmt="o", color=colour, capsize=4)
            said = f"{found.good}/{found.judged}" if found.judged else "—"
            axes.text(1.02, row, said, va="center", transform=axes.get_yaxis_transform())
            axes.axhline(row, color=FAINT, linewidth=0.4, zorder=0)
        axes.set_yticks([0, 1], ["上期 before", "本期 now"])
        axes.set_ylim(-0.6, 1.6)
        percent(axes.set_xlim, axes.set_xticks)
        return svg(figure)


@contextmanager
def drawing(
    height: float, name: str, rows: int = 1
) -> Iterator[tuple["Figure", "tuple[Axes, ...]"]]:
    """Open a figure; its texts stay texts, whose fonts are the reader's and not this machine's."""
    # heavy, and needed by this command only
    import matplotlib as mpl
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.family": list(_FONTS),
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # this machine may lack the characters; the reader's does not
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        below = tuple(figure.subplots(rows, sharex=True, squeeze=False)[:, 0])
        for axes in below:
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_axisbelow(True)
        yield figure, below


def percent(limits: Any, ticks: Any) -> None:
    limits(0, 1.02)
    ticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])


def legend(figure: "Figure", axes: "Axes") -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4, frameon=False, fontsize=8)


def svg(figure: "Figure") -> str:
    """Return the figure as an element to be set into a page."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return text[text.index("<svg") :]
