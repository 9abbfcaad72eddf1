"""Synapses whose ends spike exactly when told: what the tests of STDP share.

The teacher makes each postsynaptic neuron fire at given times, so that a synapse sees nothing but
the pre- and postsynaptic spikes of the test. One run serves many synapses, one to one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikelearn.networks.plasticity import Plasticity
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

DT_MS = 0.5
START_MV = 0.5


def learnt(
    plasticity: Plasticity,
    pre: Sequence[Sequence[float]],
    post: Sequence[Sequence[float]],
    duration_ms: float,
    delay_ms: float = 0.0,
    rewards: Sequence[Sequence[float]] = (),
) -> np.ndarray:
    """Final weight of each synapse whose ends spiked as told, alike from both engines."""
    size = len(pre)
    network = SpikingNetwork(
        name="pairs",
        populations={
            "pre": SpikeSource(model="spike_source", size=size),
            "teacher": SpikeSource(model="spike_source", size=size),
            "post": LIF(size=size, tau_m_ms=0.1, v_threshold_mv=1e3),
            "reward": SpikeSource(model="spike_source", size=max(1, len(rewards))),
        },
        projections=(
            Projection(
                source="pre",
                target="post",
                connectivity={"kind": "one_to_one"},
                weight_mv=START_MV,
                delay_ms=delay_ms,
                plasticity=plasticity,
            ),
            Projection(
                source="teacher",
                target="post",
                connectivity={"kind": "one_to_one"},
                weight_mv=1e6,
            ),
        ),
    )
    stimulus = Stimulus(
        spikes={
            "pre": Stimulus.from_spike_times("pre", pre).spikes["pre"],
            "teacher": Stimulus.from_spike_times("teacher", post).spikes["teacher"],
            "reward": Stimulus.from_spike_times("reward", rewards or [[]]).spikes["reward"],
        }
    )
    activity = simulate(network, stimulus, duration_ms, DT_MS, "native")
    theirs = simulate(network, stimulus, duration_ms, DT_MS, "brian2").weights["pre->post"]
    np.testing.assert_allclose(activity.weights["pre->post"], theirs, rtol=1e-9, atol=1e-15)
    fired = activity["post"].trains(0)
    for found, told in zip(fired, post, strict=True):
        np.testing.assert_allclose(found, np.sort(told), atol=1e-9)
    weights = activity.weights["pre->post"]
    assert np.count_nonzero(weights - np.diag(np.diag(weights))) == 0
    return np.diag(weights)


def trains(
    rng: np.random.Generator, count: int, rate_hz: float, duration_ms: float
) -> list[np.ndarray]:
    """Random spike times on the grid."""
    n_steps = round(duration_ms / DT_MS)
    fired = rng.random((count, n_steps)) < rate_hz * DT_MS / 1000.0
    return [np.flatnonzero(row) * DT_MS for row in fired]
