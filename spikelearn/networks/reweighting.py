"""A projection with other weights: of a simulation, an array, or a matrix, synapse by synapse."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.networks.connections import Connections
from spikelearn.networks.connectivity import AllToAll, Convolution, OneToOne, Pairs
from spikelearn.networks.projections import Projection, draw_synapses


def reweighted(
    projection: Projection, weights: np.ndarray | SynapticWeights, n_source: int, n_target: int
) -> Projection:
    """The projection with other weights; weights by synapse bring their pairs with them.

    Parameters
    ----------
    projection : Projection
    weights : array or SynapticWeights
        As the projection takes it; as a simulation gave them; or a matrix, where the description
        says which synapses there are.
    n_source, n_target : int
        Sizes of the populations at its ends.

    Raises
    ------
    SpikelearnError
        If they are of other synapses, or do not say of which.
    """
    field, connectivity = f"weight_{projection.unit}", projection.connectivity
    sizes = n_source, n_target
    if not isinstance(weights, SynapticWeights):
        array = np.asarray(weights, dtype=np.float64)
        if array.shape == sizes and connectivity.array_shape(*sizes) != sizes:
            array = _of_matrix(projection, array, _known_synapses(projection, *sizes))
        return projection.model_copy(update={field: array})
    known = _known_synapses(projection, *sizes)
    if weights.shape != sizes:
        raise SpikelearnError(
            f"projection {projection.name} joins populations of {n_source} and"
            f" {counted(n_target, 'neuron')},"
            f" but these weights are of {weights.shape[0]} and {weights.shape[1]}"
        )
    if known is not None and not (
        np.array_equal(known.pre, weights.pre) and np.array_equal(known.post, weights.post)
    ):
        raise SpikelearnError(
            f"projection {projection.name} has {counted(known.pre.size, 'synapse')}, which are"
            f" others than the {weights.n_synapses} that these weights are of"
        )
    if isinstance(connectivity, AllToAll):
        return projection.model_copy(update={field: weights.matrix()})
    changed: dict[str, Any] = {field: weights.values.copy()}
    one_each = isinstance(connectivity, OneToOne | Pairs)
    if not (one_each and connectivity.array_shape(*sizes) == weights.values.shape):
        # In the order in which they were drawn, so that delays that are drawn stay the same.
        changed["connectivity"] = Pairs(kind="pairs", pre=weights.pre, post=weights.post)
        if known is not None and known.delay_ms is not None:
            changed["delay_ms"] = known.delay_ms
    return projection.model_copy(update=changed)


def _known_synapses(projection: Projection, n_source: int, n_target: int) -> Connections | None:
    """The synapses, whatever their weights; None where the seed decides which there are."""
    if projection.connectivity.array_shape(n_source, n_target) is None:
        return None
    plain = projection.model_copy(update={f"weight_{projection.unit}": 0.0})
    return draw_synapses(plain, n_source, n_target, np.random.default_rng(0))


def _of_matrix(projection: Projection, matrix: np.ndarray, known: Connections | None) -> np.ndarray:
    """The weights of a matrix by synapse, as the projection takes them."""
    where = f"projection {projection.name}"
    if known is None:
        raise SpikelearnError(
            f"{where}: with {projection.connectivity.kind} connectivity the seed decides who is"
            " connected, and a matrix does not say which synapses there are; give the"
            " SynapticWeights that a simulation gives as activity.weights"
        )
    if isinstance(projection.connectivity, Convolution):
        raise SpikelearnError(
            f"{where}: a convolution takes its kernel, of shape"
            f" {projection.connectivity.kernel_shape}, or SynapticWeights, one for each synapse"
        )
    there = known.with_weight(np.ones(known.n_synapses)).dense()
    if there.max(initial=0.0) > 1.0:
        raise SpikelearnError(
            f"{where}: several synapses join one pair of neurons, and a matrix says only their"
            f" sum; give {counted(known.pre.size, 'weight')}, one for each synapse"
        )
    if matrix[there == 0].any():
        raise SpikelearnError(f"{where}: the matrix has weights where there are no synapses")
    return matrix[known.pre, known.post]
