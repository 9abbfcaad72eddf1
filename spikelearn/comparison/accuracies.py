"""Differences of accuracies: for other test examples and, where there are several, other seeds.

All seeds are tested on the same examples, so what these happen to be does not average out over
seeds. Accuracies on the same examples are taken to err independently, which makes intervals rather
too wide. With one seed that is the comparison of two binomial shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# Columns of what a readout reaches where nothing below it has learned; `training.controls`.
CONTROLS = ("linear_readout", "random_features")


@dataclass(frozen=True)
class AccuracyDifference:
    """A difference of two accuracies, fractions; its 95 % interval, and p, two-sided."""

    difference: float
    ci_lower: float
    ci_upper: float
    p: float
    n_seeds: int


def accuracy_difference(
    one: Mapping[int, float], other: Mapping[int, float], n_test: int, paired: bool = False
) -> AccuracyDifference:
    """The mean accuracy of one over seeds, less that of the other.

    Parameters
    ----------
    one, other : mapping of int to float
        Accuracies by seed, fractions; NaN is none.
    n_test : int
        Examples that both were tested on.
    paired : bool
        Whether runs of one seed belong together, as with a control that starts from the same
        weights and learns the same examples: seeds that only one of them has are left out.
    """
    one, other = ({s: v for s, v in given.items() if v == v} for given in (one, other))  # noqa: PLR0124 - NaN alone differs
    if paired:
        shared = [seed for seed in one if seed in other]
        one = {seed: one[seed] for seed in shared}
        other = {seed: other[seed] for seed in shared}
    a, b = (np.array(list(accuracies.values())) for accuracies in (one, other))
    if not len(a) or not len(b):
        return AccuracyDifference(np.nan, np.nan, np.nan, np.nan, 0)
    parts = [_of_examples(float(v.mean()), n_test) for v in (a, b)]
    over_seeds = [a - b] if paired else [a, b]
    parts += [(float(v.var(ddof=1)) / len(v), len(v) - 1.0) for v in over_seeds if len(v) > 1]
    return _tested(float(a.mean() - b.mean()), parts, min(len(a), len(b)))


def control_table(runs: pd.DataFrame, by: Sequence[str] = ("rule",)) -> pd.DataFrame:
    """Each network's accuracy less that of its controls, paired by seed.

    Parameters
    ----------
    runs : DataFrame
        A row a run: the columns of `by`, `seed`, `test_accuracy`, `n_test`, and those of
        `CONTROLS`, which are NaN where a control was not run.
    by : sequence of str
        Columns that tell networks apart; their seeds are instances of one.

    Returns
    -------
    DataFrame
        A row a network and control: `control`, `control_accuracy` (mean over the seeds that have
        it), `difference`, `ci_lower`, `ci_upper`, `p`, `n_seeds`. A network is above its controls
        where each test tells it so: that errs less often than one test, and each network stands
        for itself, so that p is not corrected.
    """
    import pandas as pd

    rows = []
    for key, part in runs.groupby(list(by), sort=False, dropna=False):
        own = dict(zip(part["seed"], part["test_accuracy"], strict=True))
        for control in CONTROLS:
            its = dict(zip(part["seed"], part[control].astype(float), strict=True))
            found = accuracy_difference(own, its, int(part["n_test"].iloc[0]), paired=True)
            mean = float(part[control].astype(float).mean())
            rows.append(
                {**dict(zip(by, key, strict=True)), "control": control, "control_accuracy": mean}
                | vars(found)
            )
    return pd.DataFrame(rows)


def above_share(accuracy: float, n_test: int, share: float) -> float:
    """p of so high an accuracy, or a higher one, by answers that are right with a given chance.

    Parameters
    ----------
    accuracy : float
    n_test : int
    share : float
        The chance of a right answer, such as the share of the largest class.
    """
    from scipy.stats import binom

    return float(binom.sf(round(accuracy * n_test) - 1, n_test, share))


def _of_examples(mean: float, n_test: int) -> tuple[float, float]:
    """Variance of a mean accuracy over other test examples, and its degrees of freedom."""
    # What errs on none of n examples may still err on others: Agresti & Coull 1998.
    shrunk = (mean * n_test + 2) / (n_test + 4)
    return shrunk * (1 - shrunk) / (n_test + 4), float(n_test - 1)


def _tested(
    difference: float, parts: list[tuple[float, float]], n_seeds: int
) -> AccuracyDifference:
    """By t, with the degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    from scipy.stats import t

    error = float(np.sqrt(sum(variance for variance, _ in parts)))
    tiny = np.finfo(float).tiny
    dof = error**4 / max(sum(v**2 / d for v, d in parts if d > 0), tiny)
    half = float(t.ppf(0.975, dof)) * error
    p = float(2 * t.sf(abs(difference) / error, dof))
    return AccuracyDifference(difference, difference - half, difference + half, p, n_seeds)
