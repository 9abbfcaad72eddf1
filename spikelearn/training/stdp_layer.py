"""The layer of a spiking network that STDP trains: what carries over from image to image."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
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


def initial_weights(network: SpikingNetwork, layer: Projection, seed: int) -> np.ndarray:
    """Initial weights of the plastic projection, normalised.

    Parameters
    ----------
    network : SpikingNetwork
    layer : Projection
    seed : int
        Of the draw.

    Returns
    -------
    float array of shape (inputs, neurons)
        In the unit of the projection; 0 where there is no synapse.
    """
    drawn = network.connections(layer, generator(seed, "weights"))
    weights = np.zeros((drawn.n_source, drawn.n_target))
    weights[drawn.pre, drawn.post] = drawn.weight
    return normalised(weights, layer)


def normalised(weights: np.ndarray, layer: Projection) -> np.ndarray:
    """Weights scaled to the sum onto each neuron that the projection keeps, if it keeps one."""
    rule = layer.plasticity
    if rule is None or rule.normalise_sum is None:
        return weights
    return np.clip(weights * (rule.normalise_sum / weights.sum(0)), rule.w_min, rule.w_max)


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
    learned : float array of shape (inputs, neurons)
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
    weights : float array of shape (inputs, neurons)
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
