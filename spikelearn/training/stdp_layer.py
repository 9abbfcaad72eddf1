"""The layer of a spiking network that STDP trains: what carries over from image to image.

Its weights are as the projection takes them: a matrix of inputs by neurons where all are connected,
and for any other connectivity one number for each synapse, whose pairs are drawn once and then stay
(`with_synapses`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.networks.connectivity import Pairs
from spikelearn.networks.spiking import LIF, AdaptiveLIF, Projection, SpikingNetwork


def plastic_projection(network: SpikingNetwork) -> Projection:
    """The one projection that learns.

    Raises
    ------
    SpikelearnError
        If there is not exactly one, from the one spike source to neurons with adaptive thresholds.
    """
    plastic = [p for p in network.projections if p.plasticity is not None]
    if len(plastic) != 1 or list(network.sources) != [plastic[0].source]:
        raise SpikelearnError(
            f"training by STDP needs one spike source and one plastic projection from it; network"
            f" '{network.name}' has {len(network.sources)} and {len(plastic)}"
        )
    if not isinstance(network.populations[plastic[0].target], AdaptiveLIF):
        raise SpikelearnError(
            f"training by STDP needs neurons with adaptive thresholds (model: adaptive_lif);"
            f" '{plastic[0].target}' of network '{network.name}' has none"
        )
    return plastic[0]


def with_synapses(
    network: SpikingNetwork, layer: Projection, seed: int
) -> tuple[SpikingNetwork, Projection]:
    """The network with the synapses of the layer as they are drawn, and the layer in it.

    All-to-all connectivity stays as it is. Any other becomes the pairs that there are, so that each
    synapse keeps its own weight: two on one pair of neurons stay two, and those of a convolution
    share a weight at the start and learn each by itself.

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
        That is trained.
    seed : int
        Of the draw.
    """
    if layer.joins_all:
        return network, layer
    drawn = network.connections(layer, generator(seed, "weights"))
    return with_pairs(network, layer, drawn.pre, drawn.post, drawn.weight)


def with_pairs(
    network: SpikingNetwork,
    layer: Projection,
    pre: np.ndarray,
    post: np.ndarray,
    weights: np.ndarray,
) -> tuple[SpikingNetwork, Projection]:
    """The network whose layer has these synapses, and the layer in it.

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
        That is trained.
    pre, post : int arrays of shape (n_synapses,)
        Input and neuron of each synapse.
    weights : float array of shape (n_synapses,)
        In the unit of the projection.
    """
    pairs = Pairs(kind="pairs", pre=pre, post=post)
    place = [p is layer for p in network.projections].index(True)
    changed = {"connectivity": pairs, f"weight_{layer.unit}": weights}
    if isinstance(
        layer.delay_ms, np.ndarray
    ):  # only where no seed decides which synapses there are
        changed["delay_ms"] = network.connections(layer, generator(0, "weights")).delay_ms
    network = _replaced(network, layer, network.populations[layer.target], changed)
    return network, network.projections[place]


def pair_names(layer: Projection) -> tuple[str, ...]:
    """Arrays that a run keeps beside the weights, by name: none where all are connected."""
    return () if layer.joins_all else ("synapses_pre", "synapses_post")


def pairs_of(layer: Projection) -> dict[str, np.ndarray]:
    """These arrays of a layer that `with_synapses` has given."""
    ends = (getattr(layer.connectivity, end) for end in ("pre", "post") if pair_names(layer))
    return dict(zip(pair_names(layer), ends, strict=True))


def initial_weights(network: SpikingNetwork, layer: Projection, seed: int) -> np.ndarray:
    """Initial weights of the plastic projection, normalised.

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
        As `with_synapses` gives it.
    seed : int
        Of the draw.

    Returns
    -------
    float array of shape (inputs, neurons) or (n_synapses,)
        In the unit of the projection.
    """
    drawn = network.connections(layer, generator(seed, "weights"))
    weights = drawn.weight.astype(np.float64, copy=False)
    if layer.joins_all:
        weights = weights.reshape(drawn.n_source, drawn.n_target)
    return normalised(weights, layer)


def normalised(weights: np.ndarray, layer: Projection) -> np.ndarray:
    """Weights scaled to the sum onto each neuron that the projection keeps, if it keeps one."""
    rule = layer.plasticity
    if rule is None or rule.normalise_sum is None:
        return weights
    if isinstance(layer.connectivity, Pairs):
        post = layer.connectivity.post
        sums = np.bincount(post, weights)
        scale = np.divide(rule.normalise_sum, sums, out=np.ones_like(sums), where=sums > 0)[post]
    else:
        scale = rule.normalise_sum / weights.sum(0)
    scaled = weights * scale
    return np.clip(scaled, rule.w_min, rule.w_max, out=scaled)


def learned_weights(weights: np.ndarray | SynapticWeights) -> np.ndarray:
    """Weights that came out of a simulation, as the layer takes them."""
    return weights.values if isinstance(weights, SynapticWeights) else weights


def weight_matrix(network: SpikingNetwork, name: str) -> np.ndarray:
    """Weights of a projection of a trained network, summed by pair; (inputs, neurons)."""
    projection = next(p for p in network.projections if p.name == name)
    return network.connections(projection, generator(0, "weights")).dense()


def check_sums(network: SpikingNetwork, layer: Projection) -> str:
    """What is to be said where neurons have too few synapses to learn; empty if none has.

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
        As `with_synapses` gives it.

    Raises
    ------
    SpikelearnError
        Where that is so of all neurons.
    """
    rule, size = layer.plasticity, network.populations[layer.target].size
    if rule is None or not isinstance(layer.connectivity, Pairs):
        return ""
    n_synapses = np.bincount(layer.connectivity.post, minlength=size)
    if not n_synapses.any():
        raise SpikelearnError(f"projection {layer.name} has no synapse; there is nothing to learn")
    if rule.normalise_sum is None:
        return ""
    bound = np.flatnonzero(n_synapses * rule.w_max <= rule.normalise_sum)
    if not bound.size:
        return ""
    most = rule.w_max * n_synapses[bound].max()
    words = (
        f"{bound.size} of {size} neurons have so few synapses (at most {n_synapses[bound].max()})"
        f" that their weights, up to w_max {rule.w_max:g}, do not exceed a sum of {most:g}, and"
        f" normalise_sum is {rule.normalise_sum:g}: all of them stay at w_max and learn nothing;"
        " lower normalise_sum, or raise w_max"
    )
    if bound.size == size:
        raise SpikelearnError(f"projection {layer.name}: {words}")
    return words


def carried(
    network: SpikingNetwork,
    layer: Projection,
    learned: np.ndarray,
    theta: np.ndarray,
    learns: bool,
) -> SpikingNetwork:
    """The network with the weights and thresholds it has by now.

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
        That is trained.
    learned : float array of shape (inputs, neurons) or (n_synapses,)
        In the unit of the projection.
    theta : float array of shape (neurons,)
        Rise of the thresholds, mV.
    learns : bool
        Whether its plasticity is kept.
    """
    neurons = network.populations[layer.target].model_copy(update={"threshold_offset_mv": theta})
    update: dict[str, Any] = {f"weight_{layer.unit}": learned}
    if not learns:
        update["plasticity"] = None
    return _replaced(network, layer, neurons, update)


def slowed(network: SpikingNetwork, layer: Projection, shown_ms: float) -> SpikingNetwork:
    """The network with thresholds that move as 1 / time, from their time constant on.

    A rise at each spike that is smaller by as much as the time constant is longer leaves the rate
    at which they balance as it is, and makes of the thresholds running averages over all that was
    shown (Robbins & Monro 1951, doi:10.1214/aoms/1177729586).

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
        Whose target has adaptive thresholds.
    shown_ms : float
        For how long the network has been shown images.
    """
    neurons = network.populations[layer.target]
    assert isinstance(neurons, AdaptiveLIF)  # noqa: S101 - for the type checker
    tau = np.asarray(neurons.tau_threshold_ms, dtype=float)
    factor = np.maximum(1.0, shown_ms / tau)
    slower = neurons.model_copy(
        update={
            "tau_threshold_ms": (tau * factor)[()],
            "threshold_increment_mv": (np.asarray(neurons.threshold_increment_mv) / factor)[()],
        }
    )
    return _replaced(network, layer, slower, {})


def _replaced(
    network: SpikingNetwork, layer: Projection, neurons: Any, update: dict[str, Any]
) -> SpikingNetwork:
    projections = tuple(
        p.model_copy(update=update) if p is layer else p for p in network.projections
    )
    populations = {**network.populations, layer.target: neurons}
    return SpikingNetwork(
        **{**dict(network), "populations": populations, "projections": projections}
    )


def theta_after(
    neurons: AdaptiveLIF,
    theta: np.ndarray,
    spikes: PopulationSpikes,
    duration_ms: float,
    dt_ms: float,
) -> np.ndarray:
    """Rise of the thresholds after a trial, from the spikes alone.

    Parameters
    ----------
    neurons : AdaptiveLIF
    theta : float array of shape (neurons,)
        Rise of the thresholds when the trial began, mV.
    spikes : PopulationSpikes
        Of one trial.
    duration_ms, dt_ms : float
        Of the trial and of its steps.

    Returns
    -------
    float array of shape (neurons,)
        In mV.
    """
    tau = np.broadcast_to(np.asarray(neurons.tau_threshold_ms, dtype=float), (neurons.size,))
    increment = np.broadcast_to(np.asarray(neurons.threshold_increment_mv), (neurons.size,))
    last_step_ms = duration_ms - dt_ms
    since = np.exp(-(last_step_ms - spikes.times_ms) / tau[spikes.senders])
    raised = np.bincount(spikes.senders, weights=since, minlength=neurons.size)
    return np.asarray(theta * np.exp(-duration_ms / tau) + increment * raised)


def displacement(initial: np.ndarray, final: np.ndarray) -> float:
    """Norm of the change over the norm at the start."""
    return float(np.linalg.norm(final - initial) / np.linalg.norm(initial))


def freeze(
    network: SpikingNetwork, layer: Projection, weights: np.ndarray, theta: np.ndarray
) -> SpikingNetwork:
    """The network as it is, that learns and adapts no more.

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
        That was trained.
    weights : float array of shape (inputs, neurons) or (n_synapses,)
        In the unit of the projection.
    theta : float array of shape (neurons,)
        By how much thresholds have risen, mV.
    """
    neurons = network.populations[layer.target]
    assert isinstance(neurons, AdaptiveLIF)  # noqa: S101 - for the type checker
    kept = {name: getattr(neurons, name) for name in LIF.model_fields if name != "model"}
    kept["v_threshold_mv"] = np.asarray(neurons.v_threshold_mv) + theta
    return _replaced(
        network, layer, LIF(**kept), {f"weight_{layer.unit}": weights, "plasticity": None}
    )
