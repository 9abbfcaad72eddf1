"""Rule against rule: a matrix of differences, each with its interval and what a test tells."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn.plot.names import label
from spikelearn.plot.similarities import panel_title
from spikelearn.plot.style import styled
from spikelearn.report.page import Picture, Section, svg_of, svg_picture
from spikelearn.report.page_tables import Table, as_table
from spikelearn.report.similarity_tables import best_layers, heading, p_text, panels
from spikelearn.report.similarity_words import LEVEL, Differences

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from spikelearn.report.accuracy_words import Difference
    from spikelearn.report.similarity_tables import Tests

HIGHER, LOWER = "#0072b2", "#d55e00"
_UNTOLD = "#e4e6e9"
_WITH_INTERVALS, _WITH_NUMBERS = 6, 12  # as many rules have room for so much in a cell
READING = (
    "Each cell is its row less its column. Blue: the row is told to be higher; orange: lower, the"
    " deeper the larger; grey: no difference was found, by p corrected with Holm over all pairs."
)


@dataclass(frozen=True)
class DifferenceMatrix:
    """Differences between rules, row less column.

    Attributes
    ----------
    title : str
        What they are differences of.
    names : list of str
        As they are printed, the highest first.
    difference, low, high, p : array of shape (n, n)
        With 95 % intervals and corrected p; NaN where nothing was tested.
    digits : int
        Decimals.
    """

    title: str
    names: list[str]
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    digits: int = 3

    @property
    def told(self) -> np.ndarray:
        """Where a test tells row and column apart."""
        return np.asarray(self.p < LEVEL)

    def number(self, value: float) -> str:
        """A difference as it is printed."""
        return f"{value:+.{self.digits}f}".replace("-", "−")

    def interval(self, row: int, column: int) -> str:
        """An interval as it is printed."""
        low, high = float(self.low[row, column]), float(self.high[row, column])
        return f"{self.number(low)} to {self.number(high)}"


def similarity_matrices(scores: pd.DataFrame, tests: Tests | None) -> list[DifferenceMatrix]:
    """Differences between the best layers of trained networks, of each region and method.

    Parameters
    ----------
    scores : DataFrame
        Of `similarity_tables.summary`.
    tests : (DataFrame, DataFrame) or None
        Against zero, and differences, of a `Significance`.
    """
    differences = Differences(tests)
    made = []
    for part in panels(scores):
        best = best_layers(part)
        rows: Any = list(best[best["family"] != "baseline"].itertuples())
        rows.sort(key=lambda row: -row.score)
        several = len({row.network for row in rows}) > 1
        names = [label(str(row.model)) + f" on {row.network}" * several for row in rows]
        cells = _cells(rows, differences.of)
        if np.isfinite(cells[0]).any():
            title = panel_title(part).replace("\n", ", ")
            made.append(DifferenceMatrix(title, names, *cells))
    return made


def accuracy_matrix(
    means: pd.Series, differences: dict[tuple[str, str], Difference]
) -> DifferenceMatrix:
    """Differences of test accuracies in points.

    Parameters
    ----------
    means : Series
        Test accuracy by rule.
    differences : dict
        Of `accuracy_words.differences_of_accuracy`.
    """
    rules = [str(rule) for rule in means.sort_values(ascending=False, kind="stable").index]

    def of(one: str, other: str) -> tuple[float, float, float, float]:
        found = differences[one, other]
        return found.points, found.low, found.high, found.p

    title = "accuracy on held-out images (points)"
    return DifferenceMatrix(title, [label(r) for r in rules], *_cells(rules, of), 1)


def _cells(rows: Sequence[Any], of: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Difference, bounds and p of all pairs, each of shape (n, n)."""
    cells = np.full((4, len(rows), len(rows)), np.nan)
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            if i != j and (found := of(one, other)) is not None and not np.isnan(found[3]):
                cells[:, i, j] = found
    difference, low, high, p = cells
    return difference, low, high, p


def rule_against_rule(scores: pd.DataFrame, tests: Tests | None) -> Section | None:
    """Trained networks against each other by similarity; None where there are no two, or no test.

    Parameters
    ----------
    scores : DataFrame
        Of `similarity_tables.summary`.
    tests : (DataFrame, DataFrame) or None
        Against zero, and differences, of a `Significance`.
    """
    made = similarity_matrices(scores, tests)
    if not made:
        return None
    headings = {panel_title(p).replace("\n", ", "): heading(p) for p in panels(scores)}
    return Section(
        "differences",
        "Rule against rule",
        f"Similarity of the best layer of each trained network, less that of each other. {READING}",
        [matrix_picture(one) for one in made],
        folded=[pairs_table(one, headings[one.title]) for one in made],
    )


def matrix_picture(matrix: DifferenceMatrix, reading: str = "") -> Picture:
    """The matrix, drawn, with what it holds in words, and how it is read."""
    n_pairs = len(matrix.names) * (len(matrix.names) - 1) // 2
    n_told = int(np.triu(matrix.told, 1).sum())
    words = f"{n_told} of {n_pairs} pairs are told apart"
    return svg_picture(
        matrix_figure(matrix),
        f"Differences in {matrix.title} between {counted(len(matrix.names), 'network')}; {words}.",
        f"{matrix.title[0].upper()}{matrix.title[1:]}: {words}. {reading}".rstrip(),
    )


def pairs_table(matrix: DifferenceMatrix, title: str) -> Table:
    """Each pair once, the largest difference first.

    Parameters
    ----------
    matrix : DifferenceMatrix
    title : str
    """
    import pandas as pd

    rows = []
    for pair in zip(*np.triu_indices(len(matrix.names), 1), strict=True):
        i, j = sorted(pair, key=lambda at: matrix.difference[at, sum(pair) - at], reverse=True)
        known, told = not np.isnan(matrix.p[i, j]), bool(matrix.told[i, j])
        rows.append(
            {
                "one": matrix.names[i],
                "less": matrix.names[j],
                "difference": matrix.number(matrix.difference[i, j]) if known else "",
                "95 % interval": matrix.interval(i, j) if known else "",
                "p": p_text(float(matrix.p[i, j])),
                "": "told apart" if told else "no difference found" if known else "",
            }
        )
    caption = "p is corrected with Holm over all pairs."
    return as_table(pd.DataFrame(rows), title, caption, by="difference")


@styled()
def matrix_figure(matrix: DifferenceMatrix) -> bytes:
    """The matrix as SVG: what is told apart in colour, all else grey."""
    from matplotlib.figure import Figure

    n = len(matrix.names)
    cell = 1.05 if n <= _WITH_INTERVALS else 0.56 if n <= _WITH_NUMBERS else 0.3
    tall = 0.5 if n <= _WITH_INTERVALS else 0.34 if n <= _WITH_NUMBERS else 0.24
    wide_enough = n <= _WITH_INTERVALS
    names = [textwrap.fill(name, 15) for name in matrix.names] if wide_enough else matrix.names
    figure = Figure(figsize=(cell * n + 2.2, tall * n + 1.3), layout="constrained")
    axis = figure.subplots()
    _draw_cells(axis, matrix)
    axis.set_xlim(-0.5, n - 0.5)
    axis.set_ylim(n - 0.5, -0.5)
    axis.xaxis.tick_top()
    axis.set_xticks(range(n), names, rotation=0 if wide_enough else 90)
    axis.set_yticks(range(n), matrix.names)
    axis.tick_params(length=0, labelsize=8)
    for spine in axis.spines.values():
        spine.set_visible(False)
    return svg_of(figure)


def _draw_cells(axis: Axes, matrix: DifferenceMatrix) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    n = len(matrix.names)
    known = np.abs(matrix.difference[matrix.told])
    largest = float(known.max()) if known.size else 1.0
    for i, j in np.ndindex(n, n):
        if i == j or np.isnan(matrix.p[i, j]):
            continue
        difference, told = float(matrix.difference[i, j]), bool(matrix.told[i, j])
        depth = 0.3 + 0.6 * abs(difference) / largest
        shade = np.array(to_rgb(HIGHER if difference > 0 else LOWER))
        face = tuple(1 - depth * (1 - shade)) if told else _UNTOLD
        axis.add_patch(
            Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=face, edgecolor="white", linewidth=1.2)
        )
        if n > _WITH_NUMBERS:
            continue
        text = matrix.number(difference) + f"\n{matrix.interval(i, j)}" * (n <= _WITH_INTERVALS)
        dark = told and depth > 0.6  # behind light letters
        axis.text(j, i, text, ha="center", va="center", fontsize=7.5,
                  color="white" if dark else "#1c1c1c")  # fmt: skip
