"""A network on the grid in the native engine's arrays and records."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.grid.network import GridNetwork, to_grid
from spikelearn.simulation.native.arrange import arrange, arranged_state
from spikelearn.simulation.native.feed import Counts, Feed, by_trial
from spikelearn.simulation.native.parts import whole
from spikelearn.simulation.native.plasticity import start
from spikelearn.stimuli.stimulus import Stimulus

CURRENT = {"model": "exponential", "tau_ms": 5.0}


def on_grid(plasticity: dict[str, Any] | None = None) -> GridNetwork:
    """Two populations, of which the second has two channels, and three projections."""
    network = SpikingNetwork(
        name="arranged",
        populations={
            "in": {"model": "spike_source", "size": 3},
            "a": {"model": "lif", "size": 2, "v_threshold_mv": 9.0, "refractory_ms": 1.0},
            "b": {"model": "lif", "size": 4, "v_threshold_mv": 9.0},
        },
        projections=(
            {
                "source": "in", "target": "a", "delay_ms": 1.5,
                "weight_mv": {"distribution": "uniform", "low": 1.0, "high": 2.0},
            },
            {"source": "in", "target": "b", "weight_mv": 3.0, "synapse": CURRENT},
            {
                "source": "a", "target": "b", "synapse": {"model": "exponential", "tau_ms": 9.0},
                "weight_mv": {"distribution": "uniform", "low": 0.0, "high": 1.0},
                "plasticity": plasticity,
                "connectivity": {"kind": "fixed_probability", "probability": 0.6},
            },
        ),
        record=("b",),
    )  # fmt: skip
    stimulus = Stimulus.from_spike_times("in", [[1.0, 4.0], [], [2.0]])
    return to_grid(network, stimulus, 10.0, 0.5, 4, ("a",))


def test_populations_channels_and_projections_lie_one_after_another() -> None:
    net = arrange(on_grid())
    populations, projections = net.populations, net.projections
    assert populations["first"].tolist() == [0, 2]
    assert populations["end"].tolist() == [2, 6]
    assert populations["outlet"].tolist() == [1, 2]
    assert populations["ring_start"].tolist() == [3, 5]
    assert populations["refractory"].tolist() == [2, 0]
    assert populations["recorded"].tolist() == [False, True]
    assert populations["traced"].tolist() == [True, False]
    assert populations["first_channel"].tolist() == [0, 0]
    assert populations["end_channel"].tolist() == [0, 2]
    assert net.channels["start"].tolist() == [0, 4]
    assert np.allclose(sorted(net.channels["alpha"]), np.exp([-0.5 / 5.0, -0.5 / 9.0]))
    assert projections["outlet"].tolist() == [0, 0, 1]
    assert projections["n_outlets"].tolist() == [1, 1, 1]
    assert projections["target"].tolist() == [0, 1, 1]
    assert projections["n_delays"].tolist() == [1, 1, 1]
    assert net.delays[projections["first_delay"]].tolist() == [3, 0, 1]
    assert projections["rule"].tolist() == [-1, -1, -1]
    assert np.isnan(projections["same_weight"]).tolist() == [True, False, True]
    assert projections["full"].tolist() == [True, True, False]
    assert net.n_slots == 4


def test_every_synapse_stands_in_the_row_of_its_source() -> None:
    grid = on_grid()
    net = arrange(grid)
    for record, synapses in zip(net.projections, grid.synapses, strict=True):
        c = synapses.connections
        matrix = np.zeros((c.n_source, c.n_target))
        rows = net.rows[record["first_row"] :]
        for source in range(c.n_source):
            for synapse in range(rows[source], rows[source + 1]):
                weight = record["same_weight"]
                if np.isnan(weight):
                    weight = net.weight[synapse - record["first_weight"]]
                full = record["full"]
                targets = net.near if record["near"] else net.post
                target = synapse - rows[source] if full else targets[synapse]
                matrix[source, target] += weight
        assert np.array_equal(matrix, c.dense())
    assert net.post.size == grid.synapses[2].connections.n_synapses  # of all pairs none is listed


def test_a_trial_starts_with_its_own_state_and_the_weights_of_what_is_plastic() -> None:
    grid = on_grid({"rule": "stdp", "w_min": 0.0, "w_max": 2.0, "a_plus": 0.25, "a_minus": 0.5})
    net = arrange(grid)
    state = arranged_state(net, whole(grid))
    assert state.v.shape == state.held.shape == (6,)
    assert state.ring.shape == (4, 9)
    assert not np.shares_memory(state.limit, net.threshold)
    plastic = start(grid, net)
    assert plastic is not None
    [rule] = plastic.rules
    assert net.projections["rule"].tolist() == [-1, -1, 0]
    assert (rule["projection"], rule["target"], rule["w_max"]) == (2, 1, 2.0)
    assert rule["post_constant"] == 0.25
    assert not rule["rewarded"]
    given = np.sort(grid.synapses[2].connections.weight)
    assert np.array_equal(np.sort(plastic.weight), given)
    assert start(on_grid(), arrange(on_grid())) is None


def test_what_comes_in_is_cut_into_blocks_without_loss() -> None:
    grid = on_grid()
    net, everything = arrange(grid), whole(grid)
    feed = Feed(grid, 0, [by_trial(grid.sources["in"], 1)[0]])
    counts = Counts(grid, everything, net, 0, 3)
    arrived = []
    for first in range(0, grid.n_steps, 3):
        end = min(first + 3, grid.n_steps)
        block = feed.into(feed.block(first, end), everything, counts)
        assert block is not None
        assert block.backgrounds.size == 0
        for offset in range(end - first):
            part = slice(block.spike_start[0, offset], block.spike_start[0, offset + 1])
            arrived += [(first + offset, int(sender)) for sender in block.senders[part]]
    assert arrived == [(2, 0), (4, 2), (8, 0)]
