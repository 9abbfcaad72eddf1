"""Weights onto each neuron are scaled to one sum.

Most neurons of a large layer learn nothing between two normalisations, and to read and write all
their weights would take longer than all else. A sum that is what it shall be to the last bit stays
so until a weight changes; such neurons are settled, and left out. The numbers are the same.
"""

from __future__ import annotations

import numpy as np

from spikelearn.simulation.native.compiled import inner

_FEW = 4  # of so many neurons one: then they are looked at one by one, and not all in a row


@inner
def normalise(
    weight: np.ndarray,
    post: np.ndarray,
    total: float,
    sums: np.ndarray,
    w_min: float,
    w_max: float,
) -> None:  # pragma: no cover - compiled
    """Scale the weights onto each target to `total`, where synapses are listed.

    Parameters
    ----------
    weight, post : arrays
        Weight and target neuron of each synapse, from the projection's first on.
    total : float
    sums : array of shape (n_target,)
        Room.
    w_min, w_max : float
        Bounds of the weights.
    """
    for j in range(sums.size):
        sums[j] = 0.0
    for s in range(weight.size):
        sums[post[s]] += weight[s]
    _to_factors(sums, total)
    for s in range(weight.size):
        weight[s] = min(max(weight[s] * sums[post[s]], w_min), w_max)


@inner
def normalise_full(
    weight: np.ndarray,
    total: float,
    sums: np.ndarray,
    settled: np.ndarray,
    unsettled: np.ndarray,
    by_column: bool,
    w_min: float,
    w_max: float,
) -> None:  # pragma: no cover - compiled
    """The same where every source neuron has a synapse on every target neuron.

    Parameters
    ----------
    weight : array of shape (n_source * n_target,)
    total : float
    sums : array of shape (n_target,)
        Room.
    settled : array of bool of shape (n_target,)
        Whose weights add up to the total and have not changed since they did; changes.
    unsettled : array of int of shape (n_target,)
        Room.
    by_column : bool
        Whether all that changes weights unsettles their target.
    w_min, w_max : float
        Bounds of the weights.
    """
    n = _unsettled(settled, unsettled) if by_column else sums.size
    if n * _FEW < sums.size:
        _scale_some(weight, total, sums[:n], settled, unsettled[:n], w_min, w_max)
    else:
        _scale_all(weight, total, sums, settled, w_min, w_max)


@inner
def _unsettled(settled: np.ndarray, unsettled: np.ndarray) -> int:  # pragma: no cover - compiled
    """Write down who is not settled; how many they are."""
    n = 0
    for j in range(settled.size):
        unsettled[n] = j  # and another one there, if this one is
        n += not settled[j]
    return n


@inner
def _scale_some(
    weight: np.ndarray,
    total: float,
    sums: np.ndarray,
    settled: np.ndarray,
    chosen: np.ndarray,
    w_min: float,
    w_max: float,
) -> None:  # pragma: no cover - compiled
    """Scale the weights onto the chosen targets; `sums` is room for these."""
    for k in range(sums.size):
        sums[k] = 0.0
    for first in range(0, weight.size, settled.size):
        row = weight[first : first + settled.size]
        for k in range(sums.size):
            sums[k] += row[chosen[k]]
    _to_factors(sums, total)
    for first in range(0, weight.size, settled.size):
        row = weight[first : first + settled.size]
        for k in range(sums.size):
            j = chosen[k]
            row[j] = min(max(row[j] * sums[k], w_min), w_max)
    for k in range(sums.size):
        settled[chosen[k]] = sums[k] == 1.0


@inner
def _scale_all(
    weight: np.ndarray,
    total: float,
    sums: np.ndarray,
    settled: np.ndarray,
    w_min: float,
    w_max: float,
) -> None:  # pragma: no cover - compiled
    """Scale the weights onto all targets."""
    n = sums.size
    for j in range(n):
        sums[j] = 0.0
    for first in range(0, weight.size, n):
        row = weight[first : first + n]
        for j in range(n):
            sums[j] += row[j]
    _to_factors(sums, total)
    for first in range(0, weight.size, n):
        row = weight[first : first + n]
        for j in range(n):
            row[j] = min(max(row[j] * sums[j], w_min), w_max)
    for j in range(n):
        settled[j] = sums[j] == 1.0


@inner
def _to_factors(sums: np.ndarray, total: float) -> None:  # pragma: no cover - compiled
    """What brings each sum to the total; 1 where there is nothing to be scaled."""
    for j in range(sums.size):
        sums[j] = total / sums[j] if sums[j] > 0.0 else 1.0
