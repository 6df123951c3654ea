"""The plots of the report after an alert: how the reach grew, over all, by kind and by grid."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.cli import plots
from content import phrase
from content.curve import Curve, Curves
from content.message import Kind, Written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = {
    "contacted": ("联系过 contacted", "#7a828c", (0, (1, 1.2))),
    "reached": ("送到 reached", "#3d6fb6", (0, (5, 1.5))),
    "confirmed": ("本人确认 confirmed", "#1b7f5c", "-"),
    "settled": ("有着落 settled", "#a85b00", (0, (6, 1.5, 1, 1.5))),
}
_KINDS = {
    Kind.CHAT: "#3d6fb6",
    Kind.SMS: "#a85b00",
    Kind.CALL: "#1b7f5c",
    Kind.DOOR: "#7b4fa3",
    Kind.SPEAKER: "#7a828c",
}
_COLOURS = ("#b3261e", "#a85b00", "#7b4fa3", "#3d6fb6", "#1b7f5c")
_STYLES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)))
_BOTH = (Written.HANS, Written.ENGLISH)
_POINTS = 240
"""Steps of one line: more are finer than a pixel."""


def total(curves: Curves) -> str:
    """Draw which share had been contacted, reached, had confirmed and was settled by when."""
    with plots.drawing(3.4, "total") as (figure, (axes,)):
        for step, (label, colour, style) in STEPS.items():
            _line(axes, curves.total, step, curves.total.end, label=label, color=colour, ls=style)
        _frame(axes, curves.total.end)
        plots.legend(figure, axes)
        return plots.svg(figure)


def kinds(curves: Curves) -> str:
    """Draw for each kind whom it had contacted (dotted) and who had confirmed by it."""
    with plots.drawing(3.2, "kinds") as (figure, (axes,)):
        for one in curves.kinds:
            word = " ".join(phrase.say(f"kind.{one.name}", each) for each in _BOTH)
            colour = _KINDS[Kind(one.name)]
            if one.minutes["contacted"]:
                dots = STEPS["contacted"][2]
                _line(axes, one, "contacted", curves.total.end, color=colour, ls=dots)
            _line(axes, one, "confirmed", curves.total.end, label=word, color=colour)
        _frame(axes, curves.total.end)
        plots.legend(figure, axes)
        return plots.svg(figure)


def grids(curves: Curves) -> str:
    """Draw which share was settled in each grid; the slowest are named, the others are grey."""
    slow = slowest(curves.grids, len(_COLOURS))
    with plots.drawing(3.4, "grids") as (figure, (axes,)):
        for one in curves.grids:
            if one not in slow:
                _line(axes, one, "settled", curves.total.end, color="#c4c9d0", linewidth=0.6)
        label = "全部 all"
        _line(axes, curves.total, "settled", curves.total.end, label=label, color="#24292f", lw=2)
        for one, colour, style in zip(slow, _COLOURS, _STYLES, strict=False):
            label = one.name or phrase.say("live.no_grid", Written.HANS)
            _line(axes, one, "settled", curves.total.end, label=label, color=colour, ls=style)
        _frame(axes, curves.total.end)
        plots.legend(figure, axes)
        return plots.svg(figure)


def slowest(found: Sequence[Curve], most: int) -> list[Curve]:
    """Return the grids of which the smallest share was settled in the end, or took longest."""

    def order(one: Curve) -> tuple[float, float]:
        half = one.until("settled", 90)
        return one.share("settled", one.end), -(half if half is not None else float("inf"))

    return sorted(found, key=order)[:most]


def sampled(one: Curve, step: str, end: float, points: int = _POINTS) -> list[tuple[float, float]]:
    """Return the curve as (minute, share) at so many minutes, the last at its end."""
    times = sorted({0.0, end, *(end * at / points for at in range(points))})
    return [(minute, one.share(step, minute)) for minute in times]


def _line(axes: "Axes", one: Curve, step: str, end: float, **look: object) -> None:
    found = sampled(one, step, max(end, 1.0))
    axes.step([at for at, _ in found], [to for _, to in found], where="post", **look)  # type: ignore[arg-type]


def _frame(axes: "Axes", end: float) -> None:
    plots.percent(axes.set_ylim, axes.set_yticks)
    axes.set_xlim(0, max(end, 1.0))
    axes.set_xlabel("发布后的分钟 minutes after publication")
    axes.grid(color=plots.FAINT, linewidth=0.6)
