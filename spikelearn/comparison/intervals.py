"""Resamples of the stimuli, and what they say of a score: confidence intervals and p-values.

Over stimuli (other images of the same kinds): Student's t with the standard error of the jackknife,
which leaves out each stimulus once. For what it overestimates it is put right: in RSA by the
influences of pairs of stimuli (`PairInfluences`), in CKA, CCA, Procrustes and ridge by factors that
simulations gave (`left_out`).

Over categories (images of other kinds): the same, leaving out each category with all its images;
see `categories`.

Over subjects: Student's t. Over both stimuli and subjects: resampling both counts the noise of
measurement twice, so the variance of the double bootstrap is corrected with those of the single
ones (Schütt, Kipnis, Diedrichsen & Kriegeskorte 2023, doi:10.7554/eLife.82566, eq. 12), and
Student's t has the degrees of freedom of Satterthwaite 1946 for the sum of the two.

Bounds of scores are made on Fisher's scale, arctanh(score), so that they stay within -1 and 1.

In simulations of the tests, with normal and heavy-tailed noise, categories, unequal repeats and
few stimuli, 95 % intervals over stimuli cover the mean score of other images of the same kinds in
93 to 98 %, below 20 stimuli in 93 to 99 %: there they are wider than they need be, and so are those
of Procrustes and ridge, which cover it in 93 to 99.5 %. Differences of
models that are worth the same are covered in 93 to 98 % too, and found in 1 to 6.5 %. Of fewer
than 5 stimuli there is no interval. Noise without a variance (Student's t with 2 degrees of
freedom) is covered less, by rotations of 80 stimuli in 90 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn._seeding import generator
from spikelearn.comparison.comparators import compare_resamples, known_comparator

GENERALISES = {
    "stimuli": "for other stimuli of the same kinds",
    "subjects": "for other subjects",
    "both": "for other subjects and other stimuli of the same kinds",
    "categories": "for stimuli of other kinds",
}
FACTORS = tuple(GENERALISES)
FEWEST_STIMULI = 5
TOO_FEW = "no interval: too few stimuli"
CATEGORY_VARIANCE = 0.75
_TINY = 1e-12
_CHUNK = 64  # resamples at a time: a few megabytes, which stay in the processor's cache
_FEW_PAIRS = 2**16  # numbers of resamples by pairs, of which ranking stays in the nearest cache


def stimulus_resamples(n_stimuli: int, n_bootstrap: int, seed: int) -> np.ndarray:
    """How often each stimulus was drawn, int array of shape (n_bootstrap, n_stimuli).

    Parameters
    ----------
    n_stimuli, n_bootstrap : int
        How many are drawn with replacement, and how many times.
    seed : int
        The same seed draws the same resamples.

    Raises
    ------
    SpikelearnError
        If the number of resamples is negative.
    """
    if n_bootstrap < 0:
        raise SpikelearnError(f"the number of resamples must be at least 0, found {n_bootstrap}")
    draws = generator(seed, "bootstrap over stimuli").integers(
        0, n_stimuli, (n_bootstrap, n_stimuli)
    )
    flat = (draws + n_stimuli * np.arange(n_bootstrap)[:, None]).ravel()
    return np.bincount(flat, minlength=n_bootstrap * n_stimuli).reshape(n_bootstrap, n_stimuli)


def bootstrap_spearman(models: np.ndarray, data: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Spearman correlation of every model RDM with every data RDM in every resample.

    A resample of the stimuli, with replacement, repeats pairs of stimuli: stimuli i and j drawn c_i
    and c_j times make c_i c_j pairs. (A stimulus drawn twice also makes a pair with itself, of no
    dissimilarity in any RDM; such pairs are left out.) So a resample is a weight for each pair, and
    its Spearman correlation is the weighted Pearson correlation of weighted mid-ranks,

        rank(v) = sum of weights of values below v  +  (sum of weights of values equal to v) / 2,

    which is what ranking the repeated pairs gives, up to a constant. The order of the values is the
    same in every resample, so each RDM is sorted once.

    Parameters
    ----------
    models : array of shape (n_models, n_pairs)
        Upper triangles. May be NaN in pairs whose weight is 0 in all resamples.
    data : array of shape (n_data, n_pairs)
    counts : array of shape (n_bootstrap, n_stimuli)
        How often each stimulus is in each resample; 0 throughout leaves a stimulus out.

    Returns
    -------
    array of shape (n_models, n_data, n_bootstrap)
        NaN where all dissimilarities of a resample are equal.
    """
    first, second = np.triu_indices(counts.shape[1], k=1)
    model_orders = [_Order.of(vector) for vector in models]
    data_orders = [_Order.of(vector) for vector in data]
    scores = np.full((len(models), len(data), len(counts)), np.nan)
    at_once = min(_FEW_PAIRS // max(len(first), 1), _CHUNK)
    at_once = at_once if at_once > 7 else 1  # a few rows cost more than each by itself
    for start in range(0, len(counts), at_once):
        chunk = counts[start : start + at_once].astype(np.float64)
        weights = chunk[:, first] * chunk[:, second]
        data_ranks = np.stack([order.centred_ranks(weights) for order in data_orders])
        data_norms = np.sqrt(np.einsum("dbp,dbp,bp->db", data_ranks, data_ranks, weights))
        data_ranks *= weights
        for m, order in enumerate(model_orders):
            ranks = order.centred_ranks(weights)
            norm = np.sqrt(np.einsum("bp,bp,bp->b", ranks, ranks, weights))
            covariance = np.einsum("dbp,bp->db", data_ranks, ranks)
            product = data_norms * norm
            found = scores[m, :, start : start + at_once]
            np.divide(covariance, product, out=found, where=product > 0)
    return scores


def bootstrap_vectors(
    models: np.ndarray, data: np.ndarray, counts: np.ndarray, centred: bool
) -> np.ndarray:
    """Pearson correlation or cosine of every pair of RDMs in every resample.

    Parameters
    ----------
    models, data, counts
        As in `bootstrap_spearman`.
    centred : bool
        Whether the mean dissimilarity is subtracted: correlation rather than cosine.

    Returns
    -------
    array of shape (n_models, n_data, n_bootstrap)
    """
    first, second = np.triu_indices(counts.shape[1], k=1)
    used = np.isfinite(models).all(axis=0)
    scores = np.full((len(models), len(data), len(counts)), np.nan)
    models, data = models[:, used], data[:, used]
    for start in range(0, len(counts), _CHUNK):
        chunk = counts[start : start + _CHUNK].astype(np.float64)
        weights = (chunk[:, first] * chunk[:, second])[:, used]
        products = np.einsum("mp,dp,bp->mdb", models, data, weights, optimize=True)
        squares = [(v**2) @ weights.T for v in (models, data)]
        if centred:
            total = weights.sum(axis=1)
            sums = [v @ weights.T for v in (models, data)]
            with np.errstate(invalid="ignore", divide="ignore"):
                products -= sums[0][:, None] * sums[1][None] / total
                squares = [q - s**2 / total for q, s in zip(squares, sums, strict=True)]
        norms = np.sqrt(np.maximum(np.nan_to_num(squares[0][:, None] * squares[1][None]), 0.0))
        defined = norms > _TINY * norms.max(initial=0.0)
        np.divide(products, norms, out=scores[:, :, start : start + _CHUNK], where=defined)
    return scores


def bootstrap_scores(
    models: np.ndarray, data: np.ndarray, counts: np.ndarray, comparator: str
) -> np.ndarray:
    """Scores in every resample of the stimuli.

    The commonest comparators are computed for many RDMs at once, the others one resample at a time
    by rsatoolbox.

    Parameters
    ----------
    models, data, counts
        As in `bootstrap_spearman`.
    comparator : str
        One of `COMPARATORS`.

    Returns
    -------
    array of shape (n_models, n_data, n_bootstrap)
    """
    known_comparator(comparator)
    if comparator == "spearman":
        return bootstrap_spearman(models, data, counts)
    if comparator in ("pearson", "cosine"):
        return bootstrap_vectors(models, data, counts, centred=comparator == "pearson")
    return compare_resamples(models, data, counts, comparator)


@dataclass(frozen=True)
class Sampled:
    """A score with what its resamples say: 95 % interval, standard error and degrees of freedom."""

    score: float
    low: float
    high: float
    error: float
    dof: float
    over: str = "stimuli"

    @property
    def has_no_interval(self) -> bool:
        """Whether there is a score without bounds."""
        return bool(np.isfinite(self.score) and np.isnan(self.low))

    def columns(self, ceiling: tuple[float, float] = (np.nan, np.nan)) -> dict[str, object]:
        """The columns of a table of scores that say how well, with the noise ceiling if any.

        `interval_over` is what the interval generalises to. `above_ceiling` flags a score above the
        upper ceiling, which no model is expected to reach: chance, or a ceiling that is estimated
        of too little.
        """
        return {
            "score": self.score,
            "ci_lower": self.low,
            "ci_upper": self.high,
            "ceiling_lower": ceiling[0],
            "ceiling_upper": ceiling[1],
            "above_ceiling": bool(self.score > ceiling[1] + _TINY),
            "interval_over": self.over,
        }


def generalises(interval_over: Iterable[str]) -> str:
    """What the intervals of some rows are for, in words."""
    return " and ".join(GENERALISES[known_factor(over)] for over in dict.fromkeys(interval_over))


def known_factor(over: str) -> str:
    """The name, if resamples can be made over it.

    Raises
    ------
    SpikelearnError
        Naming what there is.
    """
    if over not in FACTORS:
        raise SpikelearnError(
            f"resamples are not made over '{over}'; {nearest(str(over), FACTORS)}"
        )
    return over


def sampled(
    by_subject: np.ndarray,
    resampled: np.ndarray,
    n_stimuli: int,
    over: str,
    seed: int,
    pairs: float | None = None,
    left_out: np.ndarray | None = None,
    limit: float = 1.0,
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
    over : {"stimuli", "subjects", "both", "categories"}
        What would be another in a repetition of the experiment. With one subject, only stimuli, or
        categories.
    seed : int
        Of the resamples of subjects.
    pairs : float, optional
        The variance that pairs of stimuli contribute to a score between RDMs, `PairInfluences`.
    left_out : array of shape (n_subjects, n_groups), optional
        The scores without each stimulus, each of so many groups of as many stimuli, or (over
        categories) each category; see `resamples`.
    limit : float
        1 for scores, 2 for differences of two: bounds are not beyond.
    """
    n_subjects = len(by_subject)
    score = float(by_subject.mean())
    if known_factor(over) in ("subjects", "both") and n_subjects < 2:
        over = "stimuli"
    if over == "subjects":
        error = float(by_subject.std(ddof=1) / np.sqrt(n_subjects))
        return by_t(score, error, n_subjects - 1, limit, over)
    nothing = Sampled(score, np.nan, np.nan, np.nan, n_stimuli - 1, over)
    if n_stimuli < FEWEST_STIMULI:
        return nothing
    over_stimuli, dof = np.nan, n_stimuli - 1.0
    if left_out is not None and left_out.shape[1] > 1:
        dof = left_out.shape[1] - 1.0
        over_stimuli = jackknife_variance(left_out.mean(axis=0), pairs, over)
    if over != "both" and left_out is not None:
        return by_t(score, float(np.sqrt(over_stimuli)), dof, limit, over)
    finite = resampled[:, np.isfinite(resampled).all(axis=0)]
    if finite.shape[1] < 2:
        return nothing
    means = finite.mean(axis=0)
    if np.isnan(over_stimuli):
        over_stimuli = stimulus_variance(float(means.var(ddof=1)), n_stimuli, pairs)
    if over != "both":
        low, high = np.clip(np.percentile(means, [2.5, 97.5]), -limit, limit)
        return Sampled(score, float(low), float(high), np.sqrt(over_stimuli), dof, over)
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
    return by_t(score, np.sqrt(variance), max(dof, min(n_subjects, n_stimuli) - 1), limit, over)


def jackknife_variance(
    left_out: np.ndarray, pairs: float | None = None, over: str = "stimuli"
) -> float:
    """Variance of a score over new stimuli, from the scores without each of them.

    Of the part Q of the variance that is of pairs of stimuli the jackknife expects 2 Q (Efron &
    Stein 1981, doi:10.1214/aos/1176345462); half of the rest stays as an allowance for the noise of
    the estimate itself.

    Parameters
    ----------
    left_out : array of shape (n_groups,)
    pairs : float, optional
        Q, as for `sampled`.
    over : str
        As for `sampled`. Categories have many pairs each, of which Q says nothing; of their
        jackknife simulations left `CATEGORY_VARIANCE`.

    Returns
    -------
    float
        NaN where a score is.
    """
    variance = float((len(left_out) - 1) * left_out.var())
    if over == "categories":
        return CATEGORY_VARIANCE * variance
    if pairs is None:
        return variance
    return max(variance - 0.5 * pairs, 0.5 * variance)


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


def by_t(score: float, error: float, dof: float, limit: float, over: str) -> Sampled:
    """A score with its 95 % interval by Student's t.

    Parameters
    ----------
    score, error, dof, limit : float
        Its standard error and degrees of freedom; bounds are not beyond the limit.
    over : str
        What would be another in a repetition of the experiment.
    """
    from scipy.stats import t

    half = float(t.ppf(0.975, dof) * error)
    if half == 0:
        low = high = score
    elif limit == 1 and abs(score) < 1:
        # The slope of arctanh: an error at the score is so much larger on Fisher's scale.
        middle, half = np.arctanh(score), half / (1 - score**2)
        low, high = np.tanh(middle - half), np.tanh(middle + half)
    else:
        low, high = np.clip([score - half, score + half], -limit, limit)
    return Sampled(score, float(low), float(high), float(error), float(dof), over)


@dataclass(frozen=True)
class _Order:
    """The order of an RDM's values: `order` sorts them, `starts` begin the runs of equal ones,
    `run` says in which run each sorted value lies."""

    order: np.ndarray
    starts: np.ndarray
    run: np.ndarray

    @classmethod
    def of(cls, vector: np.ndarray) -> _Order:
        order = np.argsort(vector, kind="stable")
        new = np.r_[True, np.diff(vector[order]) != 0]
        return cls(order, np.flatnonzero(new), np.cumsum(new) - 1)

    def centred_ranks(self, weights: np.ndarray) -> np.ndarray:
        """Weighted mid-ranks less their weighted mean, shape (n_bootstrap, n_pairs)."""
        sorted_weights = weights[:, self.order]
        if len(self.starts) < len(self.order):
            sums = np.add.reduceat(sorted_weights, self.starts, axis=1)
            middles = (np.cumsum(sums, axis=1) - sums / 2)[:, self.run]
        else:
            middles = np.cumsum(sorted_weights, axis=1) - sorted_weights / 2
        # The weighted mean of mid-ranks is half the total weight.
        middles -= sorted_weights.sum(axis=1, keepdims=True) / 2
        ranks = np.empty_like(middles)
        ranks[:, self.order] = middles
        return ranks
