"""What resamples say of a score: confidence intervals and p-values.

Over stimuli, percentiles of the bootstrap; over subjects and over both, Student's t with the
variance of the bootstrap. Resampling both counts the noise of measurement twice, so the variance of
the double bootstrap is corrected with those of the single ones (Schütt, Kipnis, Diedrichsen &
Kriegeskorte 2023, doi:10.7554/eLife.82566, eq. 12).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator

FACTORS = ("stimuli", "subjects", "both")


@dataclass(frozen=True)
class Sampled:
    """A score with what its resamples say: 95 % interval, standard error and degrees of freedom."""

    score: float
    low: float
    high: float
    error: float
    dof: int


def known_factor(over: str) -> str:
    """The name, if resamples can be made over it.

    Raises
    ------
    SpikelearnError
        Naming what there is.
    """
    if over not in FACTORS:
        raise SpikelearnError(f"resamples are made over {', '.join(FACTORS)}, not '{over}'")
    return over


def sampled(
    by_subject: np.ndarray, resampled: np.ndarray, n_stimuli: int, over: str, seed: int
) -> Sampled:
    """What the resamples say of a mean over subjects (or of the one subject there is).

    Parameters
    ----------
    by_subject : array of shape (n_subjects,)
        The scores.
    resampled : array of shape (n_subjects, n_bootstrap)
        The scores in every resample of the stimuli.
    n_stimuli : int
        How many stimuli were resampled.
    over : {"stimuli", "subjects", "both"}
        What would be another in a repetition of the experiment. With one subject, only stimuli.
    seed : int
        Of the resamples of subjects.
    """
    n_subjects = len(by_subject)
    score = float(by_subject.mean())
    known_factor(over)
    if over == "stimuli" or n_subjects < 2:
        means = resampled.mean(axis=0)
        means = means[np.isfinite(means)]
        if means.size < 2:
            return Sampled(score, np.nan, np.nan, np.nan, n_stimuli - 1)
        low, high = np.percentile(means, [2.5, 97.5])
        error = float(np.sqrt(means.var(ddof=1) * n_stimuli / (n_stimuli - 1)))
        return Sampled(score, float(low), float(high), error, n_stimuli - 1)
    over_subjects = by_subject.var(ddof=0) / n_subjects  # of the bootstrap, without resampling
    if over == "subjects":
        error = np.sqrt(over_subjects * n_subjects / (n_subjects - 1))
        return _by_t(score, float(error), n_subjects - 1)
    finite = resampled[:, np.isfinite(resampled).all(axis=0)]
    if finite.shape[1] < 2:
        return Sampled(score, np.nan, np.nan, np.nan, n_subjects - 1)
    drawn = generator(seed, "bootstrap over subjects").integers(
        0, n_subjects, (n_subjects, finite.shape[1])
    )
    both = np.take_along_axis(finite, drawn, axis=0).mean(axis=0).var(ddof=1)
    over_stimuli = finite.mean(axis=0).var(ddof=1)
    variance = dual_variance(both, over_subjects, over_stimuli, n_subjects, n_stimuli)
    return _by_t(score, float(np.sqrt(variance)), min(n_subjects, n_stimuli) - 1)


def dual_variance(
    both: float, over_subjects: float, over_stimuli: float, n_subjects: int, n_stimuli: int
) -> float:
    """Variance of a score over new subjects and new stimuli, from three bootstraps.

    Parameters
    ----------
    both, over_subjects, over_stimuli : float
        Variances of the score when both, subjects only and stimuli only are resampled.
    n_subjects, n_stimuli : int
        How many were resampled.
    """
    a, b = n_subjects / (n_subjects - 1), n_stimuli / (n_stimuli - 1)
    variance = a * over_subjects + b * over_stimuli - a * b * (both - over_subjects - over_stimuli)
    return min(max(variance, a * over_subjects, b * over_stimuli), both)


def p_two_sided(resampled: np.ndarray) -> float:
    """Two-sided p-value for no difference, from resamples of the difference."""
    resampled = resampled[np.isfinite(resampled)]
    if not resampled.size:
        return np.nan
    # One is added so that no finite number of resamples makes a p-value of 0.
    rarer = min((resampled <= 0).sum(), (resampled >= 0).sum())
    return float(min(1.0, 2.0 * (rarer + 1) / (resampled.size + 1)))


def p_by_t(value: Sampled, two_sided: bool = True) -> float:
    """p-value of a score or a difference for the null hypothesis that it is 0, by Student's t.

    One-sided: for the alternative that it is larger.
    """
    from scipy.stats import t

    if not value.error > 0:
        return np.nan if np.isnan(value.error) or value.score == 0 else float(value.score < 0)
    statistic = value.score / value.error
    return float(2 * t.sf(abs(statistic), value.dof) if two_sided else t.sf(statistic, value.dof))


def _by_t(score: float, error: float, dof: int) -> Sampled:
    from scipy.stats import t

    half = float(t.ppf(0.975, dof)) * error
    return Sampled(score, score - half, score + half, error, dof)
