"""Curves drawn in letters, for a terminal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

WIDTH, HEIGHT = 60, 8


def drawn(x: Sequence[float], y: Sequence[float], name: str) -> str:
    """A curve in a few lines: its name and range, its points, and from where to where it goes.

    Parameters
    ----------
    x, y : sequence of float
        Its points, in order; those whose y is no finite number are left out. Where they are more
        than fit beside one another, means of neighbours are drawn.
    name : str
        What is drawn.

    Returns
    -------
    str
        Empty where there is nothing to draw.
    """
    points = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(b)]
    if not points:
        return ""
    heights = _means([b for _, b in points])
    low, high = min(heights), max(heights)
    span = high - low or 1.0
    levels = [round((value - low) / span * (HEIGHT - 1)) for value in heights]
    labels = {HEIGHT - 1: f"{high:.4g}", 0: f"{low:.4g}"}
    wide = max(map(len, labels.values()))
    lines = [f"{name}: {points[0][1]:.4g} to {points[-1][1]:.4g}"]
    for row in reversed(range(HEIGHT if high > low else 1)):
        marks = "".join("*" if level == row else " " for level in levels)
        lines.append(f"{labels.get(row, ''):>{wide}} |{marks}".rstrip())
    first, last = f"{points[0][0]:g}", f"{points[-1][0]:g}"
    gap = max(1, len(levels) - len(first) - len(last))
    lines.append(f"{'':>{wide}}  {first}{' ' * gap}{last}" if len(points) > 1 else f"   {first}")
    return "\n".join(lines)


def _means(values: Sequence[float]) -> list[float]:
    """As many values as fit: means of neighbours."""
    n = min(len(values), WIDTH)
    bounds = [round(at * len(values) / n) for at in range(n + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(bounds)]
