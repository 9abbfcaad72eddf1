"""What a page says of whose accuracy is highest: no more than a test tells apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.report.names import BASELINES, in_order, label
from spikelearn.report.similarity_tables import NOT_TESTED, p_text

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05


@dataclass(frozen=True)
class _Difference:
    """Difference of two accuracies in points, its 95 % interval, and p corrected by Holm."""

    points: float
    low: float
    high: float
    p: float

    @property
    def told(self) -> bool:
        return self.points > 0 and self.p < LEVEL

    @property
    def words(self) -> str:
        if np.isnan(self.p):
            return f"difference {self.points:+.1f} points, {NOT_TESTED}"
        return (
            f"difference {self.points:+.1f} points, {self.low:+.1f} to {self.high:+.1f},"
            f" p {p_text(self.p)}"
        )


def accuracy_sentence(frame: pd.DataFrame) -> str:
    """Which trained rules lead on the test images, from what they are told apart, the controls.

    Intervals are for other test images and, where there are several, other seeds. Rules that saw
    the same images are taken to err independently, which makes intervals rather too wide. p-values
    are Holm's, over all pairs of rules.

    Parameters
    ----------
    frame : DataFrame
        Of `spikelearn.report.learning.learning`.
    """
    means = frame.groupby("rule")["test_accuracy"].mean()
    trained = means[[rule for rule in means.index if rule not in BASELINES]]
    chance = 100 * float(frame["chance"].iloc[0])
    if trained.empty:
        return f"No trained network is in this report; chance is {chance:.0f} %."
    differences = _differences(frame)
    first, *others = trained.sort_values(ascending=False, kind="stable").index
    text = _leading(str(first), [str(rule) for rule in others], means, differences)
    controls = [rule for rule in in_order(means.index) if rule in BASELINES]
    if controls:
        text += f". The controls: {', '.join(_named(rule, means) for rule in controls)}"
        equal = [rule for rule in controls if not differences[str(first), rule].told]
        if equal:
            said = " or ".join(f"{label(c)} ({differences[str(first), c].words})" for c in equal)
            text += f"; {label(str(first))} is not told to be above {said}"
    return f"{text}. Chance is {chance:.0f} %.".replace(" -", " −")


def _leading(
    first: str,
    others: list[str],
    means: pd.Series,
    differences: dict[tuple[str, str], _Difference],
) -> str:
    if not others:
        return f"On held-out images: {_named(first, means, ', ')}"
    following = differences[first, others[0]]
    after = f"{_named(others[0], means)} ({following.words})"
    if following.told:
        text = f"Highest on held-out images: {_named(first, means, ', ')}; then {after}"
    else:
        text = (
            "On held-out images nothing is told apart at the top:"
            f" {_named(first, means)} and {after}"
        )
    if len(others) > 1:
        text += "; then " + ", ".join(_named(rule, means) for rule in others[1:])
    return text


def _named(rule: str, means: pd.Series, between: str = " ") -> str:
    return f"{label(rule)}{between}{100 * means[rule]:.1f} %"


def _differences(frame: pd.DataFrame) -> dict[tuple[str, str], _Difference]:
    """Of all pairs of rules, in both directions."""
    from scipy.stats import t

    from spikelearn.comparison.multiplicity import holm

    by_rule = {str(rule): part for rule, part in frame.groupby("rule")}
    pairs = list(combinations(by_rule, 2))
    found = []
    for a, b in pairs:
        one, other = by_rule[a], by_rule[b]
        points = 100 * (one["test_accuracy"].mean() - other["test_accuracy"].mean())
        error, dof = 100 * np.sqrt(_variance(one)[0] + _variance(other)[0]), np.inf
        if error > 0:
            parts = [part for rule in (one, other) for part in _variance(rule)[1]]
            dof = (error / 100) ** 4 / max(sum(v**2 / d for v, d in parts), np.finfo(float).tiny)
        # Accuracies on other numbers of images or classes are no measure of each other.
        same = set(zip(one["n_test"], one["chance"], strict=True)) == set(
            zip(other["n_test"], other["chance"], strict=True)
        )
        p = 2 * t.sf(abs(points) / error, dof) if error > 0 else float(points == 0)
        half = t.ppf(0.975, dof) * error if error > 0 else 0.0
        found.append((points, points - half, points + half, p if same else np.nan))
    corrected = holm(np.array([p for *_, p in found]))
    result: dict[tuple[str, str], _Difference] = {}
    for (a, b), (points, low, high, _), p in zip(pairs, found, corrected, strict=True):
        result[a, b] = _Difference(points, low, high, float(p))
        result[b, a] = _Difference(-points, -high, -low, float(p))
    return result


def _variance(runs: pd.DataFrame) -> tuple[float, list[tuple[float, float]]]:
    """Of a rule's mean accuracy: the sum, and its parts with their degrees of freedom.

    All seeds are tested on the same images, so these do not average out over seeds.
    """
    mean, n_images = float(runs["test_accuracy"].mean()), int(runs["n_test"].iloc[0])
    # A rule that errs on none of n images may still err on others: Agresti & Coull 1998.
    shrunk = (mean * n_images + 2) / (n_images + 4)
    parts = [(shrunk * (1 - shrunk) / (n_images + 4), float(n_images - 1))]
    if len(runs) > 1:
        parts.append((float(runs["test_accuracy"].var(ddof=1)) / len(runs), float(len(runs) - 1)))
    return sum(v for v, _ in parts), parts
