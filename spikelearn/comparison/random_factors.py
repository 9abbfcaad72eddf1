"""How a mean over seeds, subjects and stimuli would vary, were all of these others.

Seeds, subjects and stimuli are crossed: every network of every seed sees the same stimuli, and so
does every subject. A difference between two learning rules differs from seed to seed, from subject
to subject and from stimulus to stimulus, and what a seed makes of single stimuli shows in its
spread over seeds and in that over stimuli alike. So the three variances are not to be added as they
are: the variance of the mean over crossed random factors is (Cornfield & Tukey 1956; for two
factors Schütt et al. 2023, doi:10.7554/eLife.82566)

    V = V_seeds + V_subjects + V_stimuli
        - V_seeds,subjects - V_seeds,stimuli - V_subjects,stimuli + V_seeds,subjects,stimuli,

in which V of a factor is the variance of the mean were it alone random, and V of several that of
what is left of them when their means are taken out. What stimuli contribute is the jackknife's,
with the correction for pairs of `intervals.jackknife_variance`. Student's t has the degrees of
freedom of Satterthwaite 1946 for that sum.

V is unbiased, and noisy where seeds and subjects are few: its expectation is never less than the
variance of one factor alone, its estimate may be, even below 0. Held above the largest of these
estimates, V is too large, for the largest of noisy numbers is: tests of 5 % find in 1 to 4 % what
is not there. So it is held above a share of it (`LEAST`). Where it is, a factor of few degrees of
freedom may have been underestimated behind one of many, as seeds are behind stimuli; the degrees
of freedom are then the geometric mean, with the weights 3 and 1, of Satterthwaite's for that V and
those of the largest. Share and weights were fitted to simulations: with those degrees of freedom
that many tests of one question, corrected, find something in 5 % as well. What tests find where
rules are truly alike is measured by `benchmarks/question_errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.comparison.intervals import Sampled, by_t

FACTORS = ("seeds", "subjects", "stimuli")
# Of the largest variance of one factor alone, what that of the mean is held above; and where a
# factor has few degrees of freedom, by which it is often much underestimated.
LEAST, LEAST_OF_FEW, FEW_DOF = 0.3, 0.5, 2
SATTERTHWAITE = 0.75  # weight of his degrees of freedom where it is held
# Of part of the seeds and subjects, weights of shape (n_seeds, n_subjects) of a sum over both: the
# variance over stimuli of that sum, were they alone random.
StimulusVariance = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class _Part:
    """One term of the sum: the variance that it estimates, its sign and its degrees of freedom."""

    variance: float
    sign: int
    dof: float


def check_random(random: Iterable[str]) -> tuple[str, ...]:
    """The factors that are random, in the order of `FACTORS`.

    Raises
    ------
    SpikelearnError
        If one is unknown, or there is none.
    """
    given = [random] if isinstance(random, str) else list(random)
    for name in given:
        if name not in FACTORS:
            raise SpikelearnError(f"there is no random factor '{name}'; {nearest(name, FACTORS)}")
    if not given:
        raise SpikelearnError(f"an interval needs a random factor: {', '.join(FACTORS)}")
    return tuple(name for name in FACTORS if name in given)


def crossed_mean(
    values: np.ndarray,
    over_stimuli: StimulusVariance | None,
    n_groups: int,
    random: Iterable[str] = FACTORS,
    limit: float = 1.0,
) -> Sampled:
    """The mean of a score or difference, with its interval over what is random.

    Parameters
    ----------
    values : array of shape (n_seeds, n_subjects)
        Over all stimuli.
    over_stimuli : callable or None
        Takes weights of that shape, and gives the variance over stimuli of the sum of the values so
        weighted; None where stimuli are too few to tell.
    n_groups : int
        How many stimuli, or groups of them, were left out in turn for the variances over stimuli.
    random : iterable of {"seeds", "subjects", "stimuli"}
        What would be another in a repetition of the experiment. A factor of which there is one is
        not random.
    limit : float
        Beyond which there is no value: 1 for scores, 2 for differences of two.

    Returns
    -------
    Sampled
        Its `over` names the factors that are random. Bounds are NaN where none is, and where
        stimuli ought to be and are too few.
    """
    n_seeds, n_subjects = values.shape
    wanted = check_random(random)
    if not values.size:
        return Sampled(np.nan, np.nan, np.nan, np.nan, np.nan, "")
    there = {"seeds": n_seeds > 1, "subjects": n_subjects > 1, "stimuli": True}
    used = tuple(name for name in wanted if there[name])
    over = _listed(used)
    mean = float(values.mean())
    nothing = Sampled(mean, np.nan, np.nan, np.nan, np.nan, over)
    if not used or ("stimuli" in used and over_stimuli is None):
        return nothing
    parts = _parts(values, over_stimuli, n_groups, used)
    if not all(np.isfinite(part.variance) for part in parts):
        return nothing
    alone = max(parts[: len(used)], key=lambda part: part.variance)
    variance = sum(part.sign * part.variance for part in parts)
    fewest = min(part.dof for part in parts)
    least = alone.variance
    if len(used) > 1:
        least *= LEAST if fewest > FEW_DOF else LEAST_OF_FEW
    is_held = variance <= least
    variance = least if is_held else variance
    spread = sum(part.variance**2 / part.dof for part in parts)
    dof = max(variance**2 / spread, fewest) if spread > 0 else alone.dof
    if is_held:
        dof = dof**SATTERTHWAITE * alone.dof ** (1 - SATTERTHWAITE)
    return by_t(mean, float(np.sqrt(variance)), float(dof), limit, over)


def _parts(
    values: np.ndarray,
    over_stimuli: StimulusVariance | None,
    n_groups: int,
    used: tuple[str, ...],
) -> list[_Part]:
    """The terms of the sum over the factors `used`: of single factors first."""
    n_seeds, n_subjects = values.shape
    sizes = {"seeds": n_seeds, "subjects": n_subjects}
    mean_of = {name: np.full((n, n), 1.0 / n) for name, n in sizes.items()}
    deviation = {name: np.eye(n) - mean_of[name] for name, n in sizes.items()}
    parts = []
    for names in _sets(used):
        degrees = 1.0
        # Rows of the weights of each seed (or of their mean), and of each subject, as wanted.
        rows = {}
        for name, n in sizes.items():
            rows[name] = deviation[name] if name in names else mean_of[name][:1]
            degrees *= (n - 1) if name in names else 1
        count = np.prod([sizes[name] for name in names if name in sizes], initial=1.0)
        weights = [np.outer(a, b) for a in rows["seeds"] for b in rows["subjects"]]
        if "stimuli" in names:
            assert over_stimuli is not None  # noqa: S101 - for the type checker
            squares = sum(over_stimuli(one) for one in weights)
            dof = degrees * (n_groups - 1)
        else:
            squares = sum(float((one * values).sum()) ** 2 for one in weights)
            dof = degrees
        parts.append(_Part(squares / (degrees * count), (-1) ** (len(names) + 1), dof))
    return parts


def _listed(names: tuple[str, ...]) -> str:
    *others, last = names or ("",)
    return f"{', '.join(others)} and {last}" if others else last


def _sets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    from itertools import combinations

    return [one for size in range(1, len(names) + 1) for one in combinations(names, size)]
