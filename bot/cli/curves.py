"""The plots of a simulation: who is reached by when, and what other limits make of it."""

from collections.abc import Sequence
from itertools import accumulate

from bot.cli import plots
from bot.simulate.compare import Case

_SERIES = {
    "tried": ("第一次联系 first contact", "#b9bec6"),
    "accounted": ("有着落 accounted for", "#e0a526"),
    "confirmed": ("已确认 confirmed", "#1b7f5c"),
}
_COLOURS = ("#1b7f5c", "#3d6fb6", "#e0a526", "#b5483a", "#7a5ea8", "#5b6470")


def reach(case: Case) -> str:
    """Draw the shares contacted, accounted for and confirmed over the minutes after the alert."""
    whole = max(1, case.figures.residents)
    with plots.drawing(3.0, "reach") as (figure, (axes,)):
        minutes = [point.minute for point in case.figures.curve]
        for name, (label, colour) in _SERIES.items():
            shares = [getattr(point, name) / whole for point in case.figures.curve]
            axes.step(minutes, shares, where="post", color=colour, label=label)
        plots.percent(axes.set_ylim, axes.set_yticks)
        axes.set_xlim(0, max(minutes, default=1))
        axes.set_xlabel("分钟 minutes")
        axes.grid(color=plots.FAINT, linewidth=0.6)
        plots.legend(figure, axes)
        return plots.svg(figure)


def what_if(cases: Sequence[Case]) -> str:
    """Draw who is accounted for over time in each case, with the same people in all of them."""
    with plots.drawing(3.0, "what-if") as (figure, (axes,)):
        for number, case in enumerate(cases):
            whole = max(1, case.figures.residents)
            minutes = [point.minute for point in case.figures.curve]
            shares = [point.accounted / whole for point in case.figures.curve]
            colour = _COLOURS[number % len(_COLOURS)]
            label = f"{case.chinese} {case.english}"
            axes.step(minutes, shares, where="post", color=colour, label=label)
        plots.percent(axes.set_ylim, axes.set_yticks)
        axes.set_xlim(left=0)
        axes.set_xlabel("分钟 minutes")
        axes.grid(color=plots.FAINT, linewidth=0.6)
        plots.legend(figure, axes)
        return plots.svg(figure)


def lines(case: Case) -> str:
    """Draw how many telephone lines are held at each minute."""
    changes = sorted(
        (at / 60, change)
        for start, end in case.figures.calls
        for at, change in ((start, 1), (end, -1))
    )
    with plots.drawing(2.0, "lines") as (figure, (axes,)):
        held = list(accumulate(change for _, change in changes))
        axes.step([at for at, _ in changes], held, where="post", color="#3d6fb6", linewidth=0.8)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("分钟 minutes")
        axes.set_ylabel("占用线路 lines held")
        axes.grid(color=plots.FAINT, linewidth=0.6)
        return plots.svg(figure)
