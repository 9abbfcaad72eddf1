"""The small spiking network on which plasticity is audited, of which everything is told.

6 input neurons spike when they are told, a teacher makes each of 4 neurons fire when it says, the
synapses between them are plastic, and 3 neurons lie above. Where a rule has rewards, the spikes of
one more population are rewards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.networks.connectivity import OneToOne
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

N_PRE, N_POST, N_UPPER = 6, 4, 3
DURATION_MS, DT_MS = 300.0, 0.5
# Population whose spikes are rewards, whatever a description calls it; and when they come.
REWARDS, REWARD_MS = "rewards", (40.0, 120.0, 200.0)


@dataclass(frozen=True)
class Variant:
    """What one copy of the network is given.

    Attributes
    ----------
    pre, post : list of arrays
        Spike times of each neuron at either end, in ms.
    weights : array of shape (presynaptic, postsynaptic)
        Of the plastic synapses at the start, in mV.
    upper : array of shape (postsynaptic, upper)
        Of the synapses onto the neurons above, in mV.
    murmur : bool or None
        Input comes from neurons with a potential, that is moved below its threshold or is not;
        None where it comes from spike sources. The same for all copies, as far as it is None.
    """

    pre: list[np.ndarray]
    post: list[np.ndarray]
    weights: np.ndarray
    upper: np.ndarray
    murmur: bool | None = None


@dataclass(frozen=True)
class Simulated:
    """What the copies of the network did.

    Attributes
    ----------
    weights : array of shape (copies, presynaptic, postsynaptic)
        Plastic weights at the end, in mV.
    above : list of lists of arrays
        Spike times of the neurons above, by copy.
    potential : array of shape (copies, steps, postsynaptic)
        Of the neurons onto which weights learn, which each delivered weight moves.
    """

    weights: np.ndarray
    above: list[list[np.ndarray]]
    potential: np.ndarray


def run_side_by_side(
    plasticity: Any,
    variants: Sequence[Variant],
    duration_ms: float = DURATION_MS,
    reward_ms: Sequence[float] = REWARD_MS,
    together: bool = False,
    engine: str = "auto",
) -> Simulated:
    """Simulate copies of the network, which do not know of one another; rewards are common.

    Parameters
    ----------
    plasticity : description
        As a projection takes it; its modulator is `REWARDS`.
    variants : sequence of Variant
        What each copy is given.
    duration_ms : float
        Spikes that come later are left out.
    reward_ms : sequence of float
        When rewards come.
    together : bool
        Whether the neurons whose spikes are rewards spike at once, or one after another.
    engine : str
        Backend of the simulation.
    """
    n = len(variants)
    relayed = variants[0].murmur is not None
    trains = {
        ("call" if relayed else "pre"): [t for v in variants for t in v.pre],
        "teacher": [t for v in variants for t in v.post],
    }
    if relayed:
        often, silent = np.arange(3.5, duration_ms, 4.0), np.zeros(0)
        trains["murmur"] = [often if v.murmur else silent for v in variants for _ in v.pre]
    rewards = getattr(plasticity, "reward", None)
    if rewards is not None:
        lags = [0.0 if together else float(i % 20) for i in range(len(rewards))]
        trains[REWARDS] = [np.asarray(reward_ms) + lag for lag in lags]
    spikes = {
        name: Stimulus.from_spike_times(
            name, [t[t < duration_ms].tolist() for t in times]
        ).spikes[name]
        for name, times in trains.items()
    }  # fmt: skip
    network = _network(plasticity, variants, {name: len(t) for name, t in trains.items()})
    activity = simulate(
        network, Stimulus(spikes=spikes), duration_ms, DT_MS, engine, record=("post",)
    )
    blocks = np.asarray(activity.weights["pre->post"]).reshape(n, N_PRE, n, N_POST)
    up = activity["up"]
    above = [
        [np.asarray(up.times_ms[up.senders == i * N_UPPER + k]) for k in range(N_UPPER)]
        for i in range(n)
    ]
    potential = np.asarray(activity.states["post.v_mv"])[0].reshape(-1, n, N_POST)
    weights = blocks[np.arange(n), :, np.arange(n), :]
    return Simulated(weights, above, potential.transpose(1, 0, 2))


def _network(
    plasticity: Any, variants: Sequence[Variant], sources: dict[str, int]
) -> SpikingNetwork:
    """The copies as one network, with spike sources of these sizes."""
    n = len(variants)
    # However strong the plastic synapses are, only the teacher makes neurons fire.
    strongest = N_PRE * max(abs(plasticity.w_min), abs(plasticity.w_max))
    strength = max(1.0, strongest / 10.0)
    called: dict[str, Any] = {
        "weight_mv": 80.0 * strength, "connectivity": OneToOne(kind="one_to_one"),
    }  # fmt: skip
    # At potentials that a rule which reads them knows.
    neurons = {
        "tau_m_ms": 0.1, "v_rest_mv": -70.6, "v_threshold_mv": -70.6 + 40.6 * strength,
    }  # fmt: skip
    populations: dict[str, Any] = {
        name: SpikeSource(model="spike_source", size=size) for name, size in sources.items()
    }
    projections = [
        Projection(source="pre", target="post", connectivity=_blocks(n, N_PRE, N_POST),
                   weight_mv=np.concatenate([v.weights.ravel() for v in variants]),
                   plasticity=plasticity),
        Projection(source="teacher", target="post", **called),
        Projection(source="post", target="up", connectivity=_blocks(n, N_POST, N_UPPER),
                   weight_mv=np.concatenate([v.upper.ravel() for v in variants])),
    ]  # fmt: skip
    if "call" in sources:
        populations["pre"] = LIF(size=n * N_PRE, **neurons)
        projections += [
            Projection(source="call", target="pre", **called),
            Projection(source="murmur", target="pre", **called | {"weight_mv": 10.0}),
        ]
    populations |= {
        "post": LIF(size=n * N_POST, **neurons),
        "up": LIF(size=n * N_UPPER, tau_m_ms=10.0, v_threshold_mv=0.5),
    }
    return SpikingNetwork(
        name="audit", populations=populations, projections=tuple(projections), dt_ms=DT_MS
    )


def _blocks(n: int, n_source: int, n_target: int) -> Any:
    """All-to-all connections within each of n copies."""
    first = np.repeat(np.arange(n), n_source * n_target)
    pre, post = np.divmod(np.tile(np.arange(n_source * n_target), n), n_target)
    return {"kind": "pairs", "pre": pre + first * n_source, "post": post + first * n_target}
