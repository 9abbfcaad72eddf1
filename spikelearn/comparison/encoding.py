"""Encoding models: each recorded unit predicted from a model's responses by ridge regression.

Nested cross-validation: the regularisation of every recorded unit is chosen by folds of the
training stimuli (himalaya; Dupré la Tour et al. 2022, doi:10.1016/j.neuroimage.2022.119728), the
score is Pearson's correlation on held-out stimuli. The noise ceiling of a unit is the correlation
of its noiseless response with the mean of its k repeats,

    sqrt(signal variance / (signal variance + noise variance / k)),

with the noise variance from the differences between repeats (Allen et al. 2022,
doi:10.1038/s41593-021-00962-x), whose baselines are removed; where stimuli have other numbers of
repeats, it is the mean of each one's noise variance over its own number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.recordings.repeats import means_of_repeats, noise_of_means

ALPHAS = tuple(10.0**power for power in range(-5, 6))


def fit_ridge(
    x: np.ndarray, y: np.ndarray, alphas: Sequence[float] = ALPHAS, n_folds: int = 4
) -> Callable[[np.ndarray], np.ndarray]:
    """Ridge regression of every column of y, its regularisation chosen by cross-validation.

    Minimises ||y - X w||^2 + alpha ||w||^2, with X the responses less their mean, divided by their
    root mean square deviation over units and by the root of the number of units.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_features), (n_stimuli, n_targets)
        Training stimuli.
    alphas : sequence of float
        Candidates. One only: nothing is chosen.
    n_folds : int
        Folds of the training stimuli, in their order, to choose alpha by.

    Returns
    -------
    callable
        Takes responses of shape (n, n_features) to predictions of shape (n, n_targets).

    Raises
    ------
    SpikelearnError
        If there are fewer training stimuli than folds.
    """
    scaled, mean_y = _scaled_by(x), y.mean(axis=0)
    model = _fitted(scaled(x), y - mean_y, alphas, n_folds)

    def predict(values: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(scaled(values))) + mean_y

    return predict


class RidgeWithout:
    """Predictions of ridge regressions to all training stimuli but some.

    The regularisation of every column is the one that all training stimuli choose. With the kernel
    bordered by the offset, M = [[K + alpha, 1], [1', 0]]^-1 and the dual weights c = M y, those
    without the stimuli g are c - M_g (M_gg)^-1 c_g.

    Parameters
    ----------
    x, y : arrays of shape (n_train, n_features), (n_train, n_targets)
    new_x : array of shape (n_test, n_features)
        What is predicted from.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, new_x: np.ndarray) -> None:
        scaled = _scaled_by(x)
        a, b = scaled(x), scaled(new_x)
        chosen = np.asarray(_fitted(a, y - y.mean(axis=0), ALPHAS, 4).best_alphas_)
        n, n_test = len(a), len(b)
        self.shape = (n_test, y.shape[1])
        kernel, onto = a @ a.T, np.column_stack([b @ a.T, np.ones(n_test)])
        self.parts = []
        for alpha in np.unique(chosen):
            columns = np.flatnonzero(chosen == alpha)
            bordered = np.zeros((n + 1, n + 1))
            bordered[:n, :n] = kernel + alpha * np.eye(n)
            bordered[:n, n] = bordered[n, :n] = 1.0
            inverse = np.linalg.inv(bordered)
            dual = inverse[:, :n] @ y[:, columns]
            self.parts.append((columns, inverse, dual, onto @ dual, onto @ inverse))

    def predicted(self, without: np.ndarray) -> np.ndarray:
        """Predictions of shape (n_test, n_targets), without the training stimuli of a mask."""
        result = np.empty(self.shape)
        for columns, inverse, dual, whole, onto in self.parts:
            g = np.flatnonzero(without)
            change = onto[:, g] @ np.linalg.solve(inverse[np.ix_(g, g)], dual[g])
            result[:, columns] = whole - change
        return result


def _scaled_by(x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Takes responses to those less the mean of x, divided by its spread."""
    mean = x.mean(axis=0)
    scale = np.sqrt(((x - mean) ** 2).mean() * x.shape[1])
    scale = scale if scale > 0 else 1.0

    def scaled(values: np.ndarray) -> np.ndarray:
        centred: np.ndarray = (values - mean) / scale
        return centred

    return scaled


def _fitted(x: np.ndarray, y: np.ndarray, alphas: Sequence[float], n_folds: int) -> Any:
    """The kernel ridge regression of himalaya, of scaled responses and centred targets."""
    from himalaya.kernel_ridge import KernelRidge, KernelRidgeCV
    from sklearn.model_selection import KFold

    if len(x) < n_folds:
        raise SpikelearnError(
            f"{len(x)} training stimuli cannot be divided into {n_folds} folds to choose the"
            " regularisation by"
        )
    if len(alphas) == 1:
        model = KernelRidge(
            alpha=float(alphas[0]), kernel="linear", solver="eigenvalues", warn=False
        )
    else:
        model = KernelRidgeCV(
            alphas=np.asarray(alphas),
            kernel="linear",
            solver_params={"local_alpha": True},
            cv=KFold(n_folds),
            warn=False,
        )
    return model.fit(x, y)


def unit_ceilings(repeats: np.ndarray) -> np.ndarray:
    """The highest correlation that a prediction can have with each unit's mean response.

    What all responses of a repeat have in common (its baseline) is no noise: a prediction is
    correlated over stimuli.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
        NaN where a repeat is missing. The mean that is meant is that of `means_of_repeats`.

    Returns
    -------
    array of shape (n_units,)
        In [0, 1]; NaN where no stimulus was shown twice, or a unit never varies.
    """
    noise = noise_of_means(repeats)
    means = means_of_repeats(repeats)
    total = np.full(noise.shape, np.nan)
    varies = np.ptp(np.nan_to_num(means), axis=0) > 0
    total[varies] = np.nanvar(means[:, varies], axis=0, ddof=1)
    signal = np.maximum(total - noise, 0.0)
    return np.sqrt(np.divide(signal, total, out=np.full(total.shape, np.nan), where=total > 0))
