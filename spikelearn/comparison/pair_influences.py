"""What single pairs of stimuli contribute to the variance of a score between RDMs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikelearn.comparison.comparators import COMPARATORS, RANKS


class PairInfluences:
    """What single pairs of stimuli contribute to the variance of scores of models with data.

    A score between RDMs is a mean over pairs. Over new stimuli its variance has a part L of the
    stimuli, each in many pairs, and a part Q of the pairs themselves, all that there is where model
    and recording are unrelated. A bootstrap over n stimuli expects (1 - 5 / n) L + 3 Q where it
    should be L + Q: stimuli drawn twice repeat their pairs. (Counts c of a multinomial have var(c_i
    c_j) = 3 and cov(c_i c_j, c_i c_k) = 1 for large n.) Q is the variance of the pairs' influences
    over their number, so the bootstrap can be put right.

    The influence of a pair with standardised dissimilarities x and y on a correlation r is
    x y - r (x^2 + y^2) / 2; on a rank correlation that of its ranks; on a cosine that of
    dissimilarities divided by their root mean square; on a whitened comparator that of the whitened
    values. Kendall's tau is about two thirds of Spearman's rho.

    Parameters
    ----------
    models, data : arrays of shape (n_models, n_pairs), (n_data, n_pairs)
        Upper triangles without NaN.
    comparator : str
        One of `COMPARATORS`.
    """

    def __init__(self, models: np.ndarray, data: np.ndarray, comparator: str) -> None:
        n_pairs = models.shape[1]
        n_stimuli = (1 + np.sqrt(1 + 8 * n_pairs)) / 2
        self.degrees = max(n_pairs - n_stimuli, 1.0)
        self.factor = 2.0 / 3.0 if comparator == "kendall_tau_a" else 1.0
        self.models, self.data = (_standardised(v, comparator) for v in (models, data))

    def of(self, model: int, rdms: Sequence[int]) -> np.ndarray:
        """Influence of every pair on a model's mean score with some of the data, (n_pairs,)."""
        x = self.models[model]
        total = np.zeros(x.shape)
        for d in rdms:
            y = self.data[d]
            total += x * y - (x * y).mean() * (x**2 + y**2) / 2
        return total * (self.factor / len(rdms))

    def variance(self, influences: np.ndarray) -> float:
        """Q: the variance of a score that its pairs contribute."""
        # As many degrees of freedom as stimuli went into the fit that a correlation is.
        return float((influences**2).mean() / self.degrees)


def _standardised(vectors: np.ndarray, comparator: str) -> np.ndarray:
    from scipy.stats import rankdata

    values: Any = vectors
    if comparator in RANKS:
        values = rankdata(values, axis=1)
    elif "whitened" in comparator:
        from rsatoolbox.rdm.compare import _cov_weighting

        centred = values
        if comparator == "whitened_pearson":
            centred = values - values.mean(axis=1, keepdims=True)
        values = _cov_weighting(centred, np.ones(values.shape[1], dtype=bool))
    if not COMPARATORS[comparator][0].startswith("cos") and "whitened" not in comparator:
        values = values - values.mean(axis=1, keepdims=True)
    scale = np.sqrt((values**2).mean(axis=1, keepdims=True))
    return np.asarray(np.divide(values, scale, out=np.zeros(values.shape), where=scale > 0))
