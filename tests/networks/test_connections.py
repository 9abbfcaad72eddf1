"""Drawn synapses: all pairs are what they would be if each were listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn._seeding import generator
from spikelearn.networks.connections import AllPairs, Connections
from spikelearn.networks.spiking import LIF, Projection, SpikingNetwork

WEIGHTS: dict[str, Any] = {
    "one": 0.7,
    "drawn": {"distribution": "normal", "mean": 1.0, "sd": 0.3},
    "given": "a matrix",
}


def drawn(weight: Any, n_source: int, n_target: int, itself: bool = False) -> Connections:
    if isinstance(weight, str):
        weight = np.random.default_rng(1).random((n_source, n_target))
    populations = {"a": LIF(size=n_source, v_threshold_mv=1.0)}
    if not itself:
        populations["b"] = LIF(size=n_target, v_threshold_mv=1.0)
    projection = Projection(source="a", target="a" if itself else "b", weight_mv=weight)
    network = SpikingNetwork(name="x", populations=populations, projections=(projection,))
    return network.connections(network.projections[0], generator(3, "connections", 0))


def listed(c: Connections) -> Connections:
    """The same with all ends as lists."""
    return Connections(c.pre.copy(), c.post.copy(), np.array(c.weight), c.n_source, c.n_target)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("itself", [False, True])
def test_all_pairs_are_those_that_a_list_would_name(name: str, itself: bool) -> None:
    n_source, n_target = (4, 4) if itself else (3, 5)
    found = drawn(WEIGHTS[name], n_source, n_target, itself)
    assert isinstance(found, AllPairs)
    assert found.n_synapses == n_source * n_target
    assert found.pre.tolist() == [i for i in range(n_source) for _ in range(n_target)]
    assert found.post.tolist() == list(range(n_target)) * n_source
    assert found.full
    assert listed(found).full
    assert found.density == listed(found).density == 1.0
    np.testing.assert_array_equal(found.dense(), listed(found).dense())
    assert found.same_weight == listed(found).same_weight == (0.7 if name == "one" else None)


@given(gain=st.floats(0.1, 9.0), each=st.booleans(), name=st.sampled_from(sorted(WEIGHTS)))
def test_weights_times_a_gain_are_the_same_numbers(gain: float, each: bool, name: str) -> None:
    found = drawn(WEIGHTS[name], 3, 4)
    factor = gain * np.array([1.0, 2.5, 0.3, 1.7]) if each else gain
    scaled, other = found.times(factor), listed(found).times(factor)
    np.testing.assert_array_equal(scaled.weight, other.weight)
    np.testing.assert_array_equal(other.weight, listed(found).weight * (
        factor[found.post] if isinstance(factor, np.ndarray) else factor))  # fmt: skip
    assert scaled.same_weight == other.same_weight


def test_one_weight_for_all_pairs_of_many_neurons_is_held_once() -> None:
    found = drawn(0.5, 200_000, 300_000).times(2.0)
    assert found.n_synapses == 60_000_000_000
    assert found.weights_once().tolist() == [1.0]
    assert found.same_weight == 1.0


def test_given_weights_are_read_and_not_written() -> None:
    weight = np.ones((2, 3))
    found = drawn(weight, 2, 3)
    with pytest.raises(ValueError, match="read-only"):
        found.weight[0] = 2.0


def test_delays_that_are_given_stay_with_all_pairs() -> None:
    delays = np.arange(6.0).reshape(2, 3)
    projection = Projection(source="a", target="b", weight_mv=1.0, delay_ms=delays)
    populations = {n: LIF(size=s, v_threshold_mv=1.0) for n, s in (("a", 2), ("b", 3))}
    network = SpikingNetwork(name="x", populations=populations, projections=(projection,))
    found = network.connections(network.projections[0], generator(3, "connections", 0))
    assert found.delay_ms is not None
    assert found.delay_ms.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    reweighted = found.with_weight(np.ones(6))
    assert reweighted.delay_ms is found.delay_ms
