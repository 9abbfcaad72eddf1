"""What is asked for before it is read, and targets in few bytes, change no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.grid.network import GridNetwork, to_grid
from spikelearn.simulation.native import engine, parts
from spikelearn.simulation.native.arrange import arrange
from spikelearn.simulation.native.compiled import entry
from spikelearn.simulation.native.loops import deliver, deliver_same
from spikelearn.simulation.native.prefetch import prefetch
from spikelearn.stimuli.stimulus import Stimulus

DT_MS, DURATION_MS = 0.5, 40.0
CURRENT = {"model": "exponential", "tau_ms": 5.0}


@entry
def read(numbers, start, end):
    prefetch(numbers, start, end)
    return numbers[start:end].sum()


@pytest.mark.parametrize("dtype", [np.uint16, np.float64])
def test_any_part_of_an_array_is_brought_near_and_stays_as_it_is(dtype: Any) -> None:
    numbers = np.arange(100).astype(dtype)
    for start, end in ((0, 100), (7, 8), (5, 5), (99, 300)):  # to ask for more does no harm
        assert read(numbers, start, end) == numbers[start:end].sum()
    assert np.array_equal(numbers, np.arange(100))


@entry
def delivered(goal, spiking, rows, which, near, post, weight, same):
    deliver_same(goal[0], spiking, rows, 3, which, near, same)
    deliver_same(goal[1], spiking, rows, 3, which, post, same)
    deliver(goal[2], spiking, rows, 3, which, post, weight, 0)


@pytest.mark.parametrize("n_spikes", [0, 1, 2, 9])
def test_every_row_of_a_spike_is_added_once(n_spikes: int) -> None:
    rng = np.random.default_rng(n_spikes)
    rows = np.cumsum([0, *rng.integers(0, 90, 30)])  # empty ones among them
    post = rng.integers(0, 40, rows[-1])
    spiking = rng.permutation(10)[:n_spikes]
    start = rng.normal(size=40)
    goal = np.tile(start, (3, 1))
    for which in range(3):
        delivered(
            goal, spiking, rows, which, post.astype(np.uint16), post.astype(np.uint32),
            np.full(post.size, 0.1), 0.1,
        )  # fmt: skip
        for row in spiking * 3 + which:
            for target in post[rows[row] : rows[row + 1]]:
                start[target] += 0.1
    assert np.array_equal(goal, np.tile(start, (3, 1)))


def network(*, with_a_weight_each: bool) -> SpikingNetwork:
    """Synapses of few weights, from two populations onto two, several of one pair among them."""
    rng = np.random.default_rng(5)

    def joined(source: str, target: str, weight: float, **fields: Any) -> dict[str, Any]:
        sizes = {"in": 40, "a": 150, "b": 70}
        pre, post = (rng.integers(0, sizes[name], 1500) for name in (source, target))
        return {
            "source": source, "target": target, "delay_ms": 0.5 * rng.integers(1, 5, 1500),
            "connectivity": {"kind": "pairs", "pre": pre, "post": post},
            "weight_mv": np.full(1500, weight) if with_a_weight_each else weight, **fields,
        }  # fmt: skip

    lif = {"model": "lif", "v_threshold_mv": 2.0, "refractory_ms": 1.0}
    return SpikingNetwork(
        name="few weights",
        populations={
            "in": {"model": "spike_source", "size": 40},
            "a": {**lif, "size": 150, "tau_m_ms": [10.0 + k for k in range(150)]},
            "b": {**lif, "size": 70},
        },
        projections=(
            joined("in", "a", 0.03),
            joined("in", "b", 0.03),
            joined("in", "b", 0.7, synapse=CURRENT),
            joined("a", "b", -0.05),
            joined("a", "a", -0.04),
            joined("in", "a", 0.03),
        ),
    )


def on_grid(made: SpikingNetwork) -> GridNetwork:
    times = 5.0 * np.arange(1, 8)
    shown = Stimulus.from_spike_times("in", [(times + 0.5 * (k % 2)).tolist() for k in range(40)])
    return to_grid(made, shown, DURATION_MS, DT_MS, 1, ("a", "b"))


def test_synapses_of_one_weight_add_up_as_those_that_have_a_weight_each(monkeypatch) -> None:
    monkeypatch.setattr(parts, "PIECE", 1)
    grid = on_grid(network(with_a_weight_each=False))
    projections = arrange(grid).projections
    # Projections of one source and weight stand together, but where an order of sums would change.
    assert projections["target"].tolist() == [-1, 1, 1, 0, 0]
    assert projections["near"].all()
    wanted = engine.run(on_grid(network(with_a_weight_each=True)), lambda fraction: None, "float64")
    assert sum(len(spikes) for spikes in wanted[0].values()) > 300
    for n_parts in (1, 2, 3):
        monkeypatch.setattr(engine, "worth_parts", lambda grid, n_threads, n=n_parts: n)
        found = engine.run(grid, lambda fraction: None, "float64")
        for name, v in wanted[1].items():
            np.testing.assert_array_equal(found[1][name], v)


def test_targets_stand_in_few_bytes_only_where_these_tell_all_of_them() -> None:
    def arranged(size: int) -> Any:
        ends = {"n": [0, size - 1, 5], "m": [0, 3, 1]}
        made = SpikingNetwork(
            name="large",
            populations={
                "in": {"model": "spike_source", "size": 3},
                "n": {"model": "lif", "size": size, "v_threshold_mv": 9.0},
                "m": {"model": "lif", "size": 4, "v_threshold_mv": 9.0},
            },
            projections=tuple(
                {"source": "in", "target": name, "weight_mv": 1.0,
                 "connectivity": {"kind": "pairs", "pre": [0, 1, 2], "post": post}}
                for name, post in ends.items()
            ),
        )  # fmt: skip
        shown = Stimulus.from_spike_times("in", [[1.0], [], []])
        return arrange(to_grid(made, shown, 2.0, 0.5, 0, ()))

    small, large = arranged(2**16 - 4), arranged(2**16 - 3)
    assert (small.near.size, small.post.size) == (6, 0)
    assert (large.near.size, large.post.size) == (0, 6)
    assert small.near.max() == 2**16 - 1
    assert large.post.max() == 2**16
