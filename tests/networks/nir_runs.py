"""Rasters of a network that came from NIR, or goes there."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

N_STEPS = 120
DELTA = {"model": "delta"}
EXPONENTIAL = {"model": "exponential", "tau_ms": 0.5}


def random_input(n_inputs: int, seed: int = 0, rate: float = 0.2) -> np.ndarray:
    return (np.random.default_rng(seed).random((N_STEPS, n_inputs)) < rate).astype(float)


def raster(spikes: PopulationSpikes, dt_ms: float, n_steps: int) -> np.ndarray:
    found = np.zeros((n_steps, spikes.size), dtype=int)
    found[np.rint(spikes.times_ms / dt_ms).astype(int), spikes.senders] = 1
    return found


def run(network: SpikingNetwork, x: np.ndarray, dt_ms: float, backend: str = "native") -> Any:
    """Rasters of the recorded populations, of the input's length from their first step on."""
    steps, senders = np.nonzero(x)
    (source,) = network.sources
    spikes = PopulationSpikes(x.shape[1], steps * dt_ms, senders, np.zeros_like(senders))
    n_steps = len(x) + 10
    activity = simulate(
        network,
        Stimulus(spikes={source: spikes}),
        duration_ms=n_steps * dt_ms,
        dt_ms=dt_ms,
        backend=backend,
    )
    late = delays(network)
    return {
        name: raster(activity[name], dt_ms, n_steps)[late.get(name, 0) :][: len(x)]
        for name in network.recorded
    }


def delays(network: SpikingNetwork) -> dict[str, int]:
    """Steps by which spikes come later, as the description says."""
    _, _, told = network.description.partition("without delays: ")
    pairs = [item.rsplit(" by ", 1) for item in told.rstrip(".").split(", ") if told]
    return {name: int(steps) for name, steps in pairs}


def norse_spikes(network: Any, x: np.ndarray) -> np.ndarray:
    state, found = None, []
    for row in x:
        out, state = network(torch.as_tensor(row, dtype=torch.float32)[None], state)
        found.append(out[0].detach().numpy())
    return np.array(found).astype(int)


def ours(synapse: dict[str, Any], seed: int = 0) -> SpikingNetwork:
    rng = np.random.default_rng(seed)
    cell = {"model": "lif", "tau_m_ms": 2.0, "v_rest_mv": -65.0, "v_threshold_mv": -50.0}
    scale = 20.0 if synapse["model"] == "delta" else 120.0
    return SpikingNetwork.model_validate(
        {
            "name": "ours",
            "populations": {
                "in": {"model": "spike_source", "size": 12},
                "one": {**cell, "size": 9},
                "two": {**cell, "size": 7},
            },
            "projections": [
                {
                    "source": source,
                    "target": target,
                    "synapse": synapse,
                    "weight_mv": scale * rng.normal(0.2, 1.0, shape),
                }
                for source, target, shape in (("in", "one", (12, 9)), ("one", "two", (9, 7)))
            ],
        }
    )
