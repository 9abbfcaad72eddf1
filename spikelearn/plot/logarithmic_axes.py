"""Logarithmic axes with plain numbers at their ticks, where text is never mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axis import Axis


def set_logarithmic(axis: Axis, low: float, high: float) -> None:
    """Make an axis logarithmic; matplotlib's own labels of one would stand there as their source.

    Parameters
    ----------
    axis : matplotlib Axis
        `axes.xaxis` or `axes.yaxis`.
    low, high : float
        What is drawn: over few decades there are ticks within them.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    set_scale = axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale
    set_scale("log")
    axis.set_major_locator(LogLocator(subs=(1,) if high / low > 100 else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
