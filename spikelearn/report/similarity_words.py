"""What a page says of whose representation is closest: no more than tests tell apart.

A network is said to come closest only where its best layer is told from that of the next network
and no control scores as high: the pixels, random features, the untrained networks. Else it is said
that nothing is told apart, with the interval of the difference, or that it was not tested. p-values
are Holm's, over all pairs of best layers in the panel, and allow for the choice of layers (see
`studies.significance`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.tables import checked, read_first
from spikelearn.plot.names import label
from spikelearn.plot.similarities import PANEL
from spikelearn.report.similarity_tables import (
    UNTRAINED,
    best_layers,
    heading,
    p_text,
    panels,
)

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.report.similarity_tables import Tests

LEVEL = 0.05  # of the tests that are told in words

# The controls that a network is measured by, by what a row of one is.
CONTROLS: dict[str, Callable[[Any], bool]] = {
    "the pixels": lambda row: row.model == "pixels",
    "the random features": lambda row: row.model == "random_features" and not row.network,
    "the best untrained network": lambda row: row.model in UNTRAINED,
    "the best other control network": lambda row: bool(row.network) and row.model not in UNTRAINED,
}


class Differences:
    """Differences between best layers, whichever of the two was subtracted."""

    def __init__(self, tests: Tests | None) -> None:
        self.found: dict[Any, tuple[float, float, float, float]] = {}
        if tests is None or not len(tests[1]):
            return
        table = read_first(tests[1])
        for row in _rows(checked(table[table["test"] == "best layers"])):
            place = *(getattr(row, name) for name in PANEL), row.level, row.resolution
            a = row.model_a, row.network_a, row.layer_a
            b = row.model_b, row.network_b, row.layer_b
            self.found[place, a, b] = row.difference, row.ci_lower, row.ci_upper, row.p_holm
            self.found[place, b, a] = -row.difference, -row.ci_upper, -row.ci_lower, row.p_holm

    def of(self, one: Any, other: Any) -> tuple[float, float, float, float] | None:
        """Difference, its bounds and its corrected p; None where it was not tested."""
        place = *(getattr(one, name) for name in PANEL), one.level, one.resolution
        names = [(row.model, row.network, row.layer) for row in (one, other)]
        return self.found.get((place, *names))

    def told(self, one: Any, other: Any) -> bool:
        """Whether a test tells that one scores more than the other."""
        found = self.of(one, other)
        return found is not None and found[0] > 0 and found[3] < LEVEL

    def words(self, one: Any, other: Any) -> str:
        """The difference of two rows, with its interval and p."""
        found = self.of(one, other)
        if found is None:
            return f"difference {one.score - other.score:+.3f}, not tested"
        difference, low, high, p = found
        return f"difference {difference:+.3f}, {low:+.3f} to {high:+.3f}, p {p_text(p)}"


def sentences(scores: pd.DataFrame, tests: Tests | None = None) -> list[str]:
    """Of each panel, which trained networks lead, from what they are told apart, and the ceiling.

    Parameters
    ----------
    scores : DataFrame
        Of `similarity_tables.summary`.
    tests : (DataFrame, DataFrame), optional
        Against zero, and differences, of a `Significance`; nothing is told apart without them.
    """
    differences = Differences(tests)
    told = []
    for part in panels(scores):
        best = list(_rows(best_layers(part)))
        trained = [row for row in best if row.family != "baseline"]
        if trained:
            text = f"{heading(part)}: {_leading(trained, best, differences)}."
            told.append(re.sub(r"(?<![\w.])-(?=\d)", "−", text))
    return told


def _leading(trained: list[Any], best: list[Any], differences: Differences) -> str:
    top, *others = sorted(trained, key=lambda row: -row.score)
    controls = controls_of(best)
    higher = {name: row for name, row in controls.items() if row.score >= top.score}
    if higher:
        said = " and ".join(
            f"{name} ({row.score:.3f}; {differences.words(top, row)})"
            for name, row in higher.items()
        )
        text = f"no trained network scores above {said}. Of the trained networks "
    else:
        text = ""
    text += _first(top, others, differences, praised=not higher)
    below = {name: row for name, row in controls.items() if name not in higher}
    tested = {name for name, row in below.items() if differences.of(top, row) is not None}
    for words, is_told in (("It is above", True), ("It is not told from", False)):
        said = " and ".join(
            f"{name} ({row.score:.3f}; {differences.words(top, row)})"
            for name, row in below.items()
            if name in tested and differences.told(top, row) is is_told
        )
        if said:
            text += f". {words} {said}"
    untested = [f"{name} ({row.score:.3f})" for name, row in below.items() if name not in tested]
    return text + f". Not tested: whether it is above {' and '.join(untested)}" * bool(untested)


def controls_of(best: Iterable[Any]) -> dict[str, Any]:
    """The row of each kind of control that scores highest, by what it is called.

    Parameters
    ----------
    best : iterable of rows
        Of one panel of `best_layers`.
    """
    baselines = [row for row in best if row.family == "baseline"]
    controls = {}
    for name, is_one in CONTROLS.items():
        rows = [row for row in baselines if is_one(row)]
        if rows:
            controls[name] = max(rows, key=lambda row: row.score)
    return controls


def _first(top: Any, others: list[Any], differences: Differences, praised: bool) -> str:
    """The trained network that scores highest, and how it stands to the others."""
    name = f"{label(str(top.model))} on {top.network} ({top.layer})"
    score = f"{top.score:.3f}"
    if np.isfinite(top.ci_lower):
        score += f" (95 %: {top.ci_lower:.3f} to {top.ci_upper:.3f})"
    if not others:
        return f"the one trained network, {name}, has {score}"
    following = others[0]
    after = (
        f"{label(str(following.model))} on {following.network} ({following.layer}),"
        f" {following.score:.3f} ({differences.words(top, following)})"
    )
    if differences.told(top, following):
        closest = "of the trained networks " if praised else ""
        verb = "comes closest, with" if praised else "has the highest score,"
        return f"{closest}{name} {verb} {score}; it is told from the next, {after}"
    tested = [row for row in others if differences.of(top, row) is not None]
    n_equal = sum(not differences.told(top, row) for row in tested)
    text = f"{name} has {score}, and the next, {after}"
    if following in tested:
        text = f"nothing is told apart at the top: {text}"
    if tested and len(others) > 1:
        text += f"; {n_equal} of {len(tested)} others are not told from it"
    return text


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()
