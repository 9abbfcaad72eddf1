"""Noise ceilings of the methods that compare responses: how well any model could score.

Lower ceiling of a subject: what the responses of all others together score as a model (leave one
subject out). Each subject counts as much as every other, whatever the unit it was measured in:
responses are centred and scaled to a total variance of 1 before they are joined.

Upper ceiling: what the noiseless response of the subject would score with the mean over its
repeats, from the agreement of its repeats (without their baselines, see
`spikelearn.recordings.repeats`). It is an estimate, and so is a score: of two that are near each
other, either may be higher. CCA has none, for how much its directions weigh depends on the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spikelearn.comparison.cka import hsic, kernel
from spikelearn.comparison.encoding import unit_ceilings
from spikelearn.comparison.held_out_scores import Fold
from spikelearn.comparison.neural_responses import NeuralResponses
from spikelearn.recordings.repeats import noise_of_halves

Scores = Callable[[np.ndarray, np.ndarray, np.ndarray, list[Fold]], np.ndarray]


def response_ceilings(
    method: str, scores_of: Scores, ones: Sequence[NeuralResponses], folds: list[Fold]
) -> np.ndarray:
    """Lower and upper ceiling of each subject, array of shape (n_subjects, 2).

    Parameters
    ----------
    method : {"cka", "cca", "procrustes", "encoding"}
    scores_of : callable
        Of the method, see `response_methods.RESPONSE_METHODS`.
    ones : sequence of NeuralResponses
        The subjects of a region.
    folds : list of (train, test)
        Those of the scores.

    Returns
    -------
    array of shape (n_subjects, 2)
        NaN where there is no other subject whose response varies, or no repeat.
    """
    whole = np.ones((1, len(ones[0].repeats)), dtype=int)
    bounds = np.full((len(ones), 2), np.nan)
    for i, one in enumerate(ones):
        others = joined_subjects([other.mean for j, other in enumerate(ones) if j != i])
        if others.size:
            bounds[i, 0] = scores_of(others, one.mean, whole, folds)[0]
        bounds[i, 1] = _upper(method, scores_of, one, whole, folds)
    return bounds


def joined_subjects(responses: Sequence[np.ndarray]) -> np.ndarray:
    """Units of several subjects side by side, each subject centred and of a total variance of 1.

    Parameters
    ----------
    responses : sequence of arrays of shape (n_stimuli, n_units)
        One that does not vary over stimuli is left out.
    """
    parts = []
    for values in responses:
        if np.ptp(values, axis=0).any():
            centred = values - values.mean(axis=0)
            parts.append(centred / np.sqrt((centred**2).mean(axis=0).sum()))
    return np.concatenate(parts, axis=1) if parts else np.zeros((0, 0))


def stepped_up(agreement: float, noise: tuple[float, float, float]) -> float:
    """Correlation of the noiseless response with the mean, from that between its halves.

    With a signal variance of 1, noise variances v and w of the halves and u of the mean, the halves
    correlate as 1 / sqrt((1 + v) (1 + w)), and the mean with the signal as 1 / sqrt(1 + u). For
    equal halves, v = w = 2 u, this is Spearman's and Brown's sqrt(2 r / (1 + r)) (1910).

    Parameters
    ----------
    agreement : float
        The correlation of the halves.
    noise : (float, float, float)
        Proportional to v, w and u.

    Returns
    -------
    float
        NaN where the halves do not agree.
    """
    if not agreement > 0:
        return float("nan")
    first, second, mean = noise
    product, half_sum = first * second, (first + second) / 2
    # The noise-to-signal ratio x solves (1 + first x) (1 + second x) = 1 / agreement^2.
    rest = min(1.0 - agreement**-2, 0.0)
    ratio = (np.sqrt(half_sum**2 - product * rest) - half_sum) / product
    return float(1.0 / np.sqrt(1.0 + mean * ratio))


def _upper(
    method: str, scores_of: Scores, one: NeuralResponses, whole: np.ndarray, folds: list[Fold]
) -> float:
    """What the noiseless response would score with the mean over repeats."""
    if method == "cca":
        return float("nan")
    if method == "encoding":
        scored = np.ptp(one.mean, axis=0) > 0  # of the same units as the score
        return float(unit_ceilings(one.repeats)[scored].mean()) if scored.any() else float("nan")
    halves = one.halves
    if halves is None:
        return float("nan")
    if method == "cka":
        # The noise of the halves is independent: their HSIC is that of the noiseless response.
        signal = hsic(kernel(halves[0]), kernel(halves[1]), whole)[0]
        total = hsic(kernel(one.mean), kernel(one.mean), whole)[0]
        return float(np.sqrt(min(signal / total, 1.0))) if signal > 0 and total > 0 else np.nan
    return stepped_up(float(scores_of(*halves, whole, folds)[0]), noise_of_halves(one.repeats))
