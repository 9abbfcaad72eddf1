"""Bootstrap over stimuli of correlations between RDMs, many RDMs at once.

A resample of the stimuli, with replacement, repeats pairs of stimuli: stimuli i and j drawn c_i
and c_j times make c_i c_j pairs. (A stimulus drawn twice also makes a pair with itself, of no
dissimilarity in any RDM; such pairs are left out.) So a resample is a weight for each pair, and
its Spearman correlation is the weighted Pearson correlation of weighted mid-ranks,

    rank(v) = sum of weights of values below v  +  (sum of weights of values equal to v) / 2,

which is what ranking the repeated pairs gives, up to a constant. The order of the values is the
same in every resample, so each RDM is sorted once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator

_TINY = 1e-12
_CHUNK = 64  # resamples at a time: a few megabytes, which stay in the processor's cache


def stimulus_resamples(n_stimuli: int, n_bootstrap: int, seed: int) -> np.ndarray:
    """How often each stimulus was drawn, int array of shape (n_bootstrap, n_stimuli).

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
    for start in range(0, len(counts), _CHUNK):
        chunk = counts[start : start + _CHUNK].astype(np.float64)
        weights = chunk[:, first] * chunk[:, second]
        data_ranks = np.stack([order.centred_ranks(weights) for order in data_orders])
        data_norms = np.sqrt(np.einsum("dbp,dbp,bp->db", data_ranks, data_ranks, weights))
        data_ranks *= weights
        for m, order in enumerate(model_orders):
            ranks = order.centred_ranks(weights)
            norm = np.sqrt(np.einsum("bp,bp,bp->b", ranks, ranks, weights))
            covariance = np.einsum("dbp,bp->db", data_ranks, ranks)
            product = data_norms * norm
            np.divide(
                covariance,
                product,
                out=scores[m, :, start : start + _CHUNK],
                where=product > 0,
            )
    return scores


def bootstrap_vectors(
    models: np.ndarray, data: np.ndarray, counts: np.ndarray, centred: bool
) -> np.ndarray:
    """Pearson correlation (`centred`) or cosine of every pair of RDMs in every resample.

    Everything else is as in `bootstrap_spearman`.
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
