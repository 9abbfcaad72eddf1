"""What resamples say of a score: confidence intervals and p-values.

Scores of RSA: Student's t with the standard error of the bootstrap over stimuli, put right for
what it overestimates (see `_influence`). Half of the variance of pairs is left in as an allowance
for the noise of the estimate itself; simulations in the tests hold intervals to 95 % and tests to
5 %.

CKA and CCA: Student's t with the standard error of the jackknife, which leaves out each stimulus
once and so repeats none; CCA's maps are fitted anew each time. Procrustes and ridge: percentiles of
the bootstrap over stimuli, with an allowance for other maps (see `response_methods`). The tests
hold the intervals of all four to 95 % too.

Over subjects: Student's t. Over both: resampling both counts the noise of measurement twice, so
the variance of the double bootstrap is corrected with those of the single ones (Schütt, Kipnis,
Diedrichsen & Kriegeskorte 2023, doi:10.7554/eLife.82566, eq. 12), and Student's t has the degrees
of freedom of Satterthwaite 1946 for the sum of the two.
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
    dof: float


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
    by_subject: np.ndarray,
    resampled: np.ndarray,
    n_stimuli: int,
    over: str,
    seed: int,
    pairs: float | None = None,
    left_out: np.ndarray | None = None,
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
    pairs : float, optional
        The variance that pairs of stimuli contribute to a score between RDMs, `PairInfluences`.
    left_out : array of shape (n_subjects, n_groups), optional
        The scores without each stimulus, or each of so many groups of as many stimuli, of a score
        whose jackknife is to be trusted.
    """
    n_subjects = len(by_subject)
    score = float(by_subject.mean())
    known_factor(over)
    if over == "subjects" and n_subjects > 1:
        return _by_t(score, float(by_subject.std(ddof=1) / np.sqrt(n_subjects)), n_subjects - 1)
    finite = resampled[:, np.isfinite(resampled).all(axis=0)]
    if finite.shape[1] < 2:
        return Sampled(score, np.nan, np.nan, np.nan, n_stimuli - 1)
    means = finite.mean(axis=0)
    over_stimuli = stimulus_variance(float(means.var(ddof=1)), n_stimuli, pairs)
    dof: float = n_stimuli - 1
    if left_out is not None and np.isfinite(left_out).all():
        dof = left_out.shape[1] - 1
        over_stimuli = dof * float(left_out.mean(axis=0).var())
    if over == "stimuli" or n_subjects < 2:
        if pairs is not None or left_out is not None:
            return _by_t(score, np.sqrt(over_stimuli), dof)
        low, high = np.percentile(means, [2.5, 97.5])
        return Sampled(score, float(low), float(high), np.sqrt(over_stimuli), n_stimuli - 1)
    drawn = generator(seed, "bootstrap over subjects").integers(
        0, n_subjects, (n_subjects, finite.shape[1])
    )
    both = float(np.take_along_axis(finite, drawn, axis=0).mean(axis=0).var(ddof=1))
    over_subjects = float(by_subject.var(ddof=1)) / n_subjects
    variance = dual_variance(
        both, float(by_subject.var()) / n_subjects, float(means.var(ddof=1)), n_subjects, n_stimuli
    )
    # What the bootstrap over stimuli overestimates is in the double bootstrap too.
    excess = float(means.var(ddof=1)) * n_stimuli / (n_stimuli - 1) - over_stimuli
    variance = max(variance - max(excess, 0.0), over_subjects, over_stimuli)
    parts = over_subjects**2 / (n_subjects - 1) + over_stimuli**2 / (n_stimuli - 1)
    dof = variance**2 / parts if parts > 0 else min(n_subjects, n_stimuli) - 1
    return _by_t(score, np.sqrt(variance), max(dof, min(n_subjects, n_stimuli) - 1))


def stimulus_variance(bootstrap: float, n_stimuli: int, pairs: float | None = None) -> float:
    """Variance of a score over new stimuli, from that of the bootstrap over stimuli.

    Parameters
    ----------
    bootstrap : float
        Variance of the resampled score.
    n_stimuli : int
    pairs : float, optional
        As for `sampled`.
    """
    if pairs is None:
        return bootstrap * n_stimuli / (n_stimuli - 1)
    of_stimuli = max(bootstrap - 3 * pairs, 0.0) * n_stimuli / max(n_stimuli - 5, 1)
    return of_stimuli + 1.5 * pairs


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


def p_by_t(value: Sampled, two_sided: bool = True) -> float:
    """p-value of a score or a difference for the null hypothesis that it is 0, by Student's t.

    One-sided: for the alternative that it is larger.
    """
    from scipy.stats import t

    if np.isnan(value.error):
        return np.nan
    if value.error == 0:
        return float(value.score == 0 if two_sided else value.score <= 0)
    statistic = value.score / value.error
    return float(2 * t.sf(abs(statistic), value.dof) if two_sided else t.sf(statistic, value.dof))


def _by_t(score: float, error: float, dof: float) -> Sampled:
    from scipy.stats import t

    half = float(t.ppf(0.975, dof) * error)
    return Sampled(score, score - half, score + half, float(error), float(dof))
