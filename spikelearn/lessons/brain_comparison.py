"""Checks of the lesson on comparisons with brains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.lessons.answers import Hint, array_of, count, require_close, values_of


def dissimilarity_matrix(answer: Any) -> str:
    """A matrix of 1 minus correlation, by the toolkit's own."""
    from scipy.spatial.distance import squareform

    from spikelearn._seeding import generator
    from spikelearn.comparison.rdms import correlation_distances

    patterns = generator(0, "lesson", "patterns").normal(size=(6, 15))
    right = correlation_distances(patterns)
    right = squareform(right) if right.ndim == 1 else right
    found = array_of(answer, "patterns of shape (6, 15)", patterns)
    if found.shape == (15,):
        found = squareform(found)
    if found.shape != right.shape:
        raise Hint(
            f"Six stimuli give a matrix of shape (6, 6), found {found.shape}: rows are stimuli."
        )
    if np.allclose(1.0 - found, right):
        raise Hint("These are similarities, largest where a stimulus meets itself.")
    if not np.allclose(found, right, atol=1e-6):
        raise Hint("Each entry is 1 minus the correlation of two rows.")
    return "It is 0 on the diagonal, and 2 for patterns that are opposite."


def noise_ceiling(answer: Any) -> str:
    """The lower bound of the noise ceiling, by leaving each subject out."""
    from scipy.stats import rankdata, spearmanr

    from spikelearn._seeding import generator

    draw = generator(0, "lesson", "ceiling")
    common = draw.normal(size=60)
    subjects = [rankdata(common + draw.normal(size=(n, 60)), axis=1) for n in (4, 3)]
    right, upper = [], []
    for given in subjects:
        n, total = len(given), given.sum(axis=0)
        left_out = [spearmanr(one, (total - one) / (n - 1)).statistic for one in given]
        right.append(np.mean(left_out))
        upper.append(np.mean([spearmanr(one, total).statistic for one in given]))
    found = values_of(answer, subjects)
    if np.allclose(found, upper, rtol=1e-3):
        raise Hint("That is the upper bound: the mean must not hold the subject that it predicts.")
    why = "Correlate each subject with the mean of the others, by rank, and average."
    require_close(found, right, why, 0.002, at=["four subjects", "three subjects"])
    return "No model can be asked to predict a subject better than that, on average."


def pairs_of_an_image(answer: Any) -> str:
    """In how many pairs an image is."""
    right = 92 * 91 / 2 - 91 * 90 / 2
    require_close(count(answer, "pair"), right, "Count one with each other.", 1e-9)
    return "One in 46 of all pairs hangs on each image."


CHECKS: dict[int, Callable[[Any], str]] = {
    1: dissimilarity_matrix,
    2: noise_ceiling,
    3: pairs_of_an_image,
}
