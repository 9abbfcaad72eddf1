"""Where the native engine takes a shorter way, it arrives where the long one does."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.native.state import aligned, empty
from spikelearn.stimuli.stimulus import Stimulus

SIZE = 200  # several parts of neurons that are looked at together, and a rest


def conducting(weights_ns: list[np.ndarray]) -> SpikingNetwork:
    """One source neuron onto SIZE cells, by a conductance for each entry of `weights_ns`."""
    kinds: list[dict[str, Any]] = [
        {"model": "exponential", "tau_ms": 4.0, "reversal_mv": 0.0},
        {"model": "exponential", "tau_ms": 9.0, "reversal_mv": -80.0},
    ]
    cells = LIF(size=SIZE, tau_m_ms=10.0, leak_ns=2.0, v_rest_mv=-65.0, v_threshold_mv=1e6)
    projections: list[Any] = [
        {"source": "in", "target": "n", "synapse": kind, "weight_ns": weight[None]}
        for kind, weight in zip(kinds, weights_ns, strict=False)
    ]
    source: Any = {"model": "spike_source", "size": 1}
    return SpikingNetwork(
        name="x", populations={"in": source, "n": cells}, projections=tuple(projections)
    )


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("weight_ns", [1e-17, 0.1, 2.0, 30.0, 1e4])
def test_conductances_of_every_size_give_the_closed_form(n_channels: int, weight_ns: float) -> None:
    rng = np.random.default_rng(0)
    drawn = [weight_ns * rng.random(SIZE) * (rng.random(SIZE) < 0.3) for _ in range(n_channels)]
    network = conducting(drawn)
    stimulus = Stimulus.from_spike_times("in", [[1.0, 3.5]])
    activity = simulate(network, stimulus, 30.0, 0.5, "native", record=("n",))
    v, g = np.full(SIZE, -65.0), [np.zeros(SIZE) for _ in drawn]
    taus, reversals, expected = (4.0, 9.0), (0.0, -80.0), []
    for step in range(60):
        means = [c * tau / 0.5 * -np.expm1(-0.5 / tau) for c, tau in zip(g, taus, strict=False)]
        total = 2.0 + sum(means)
        goal = (2.0 * -65.0 + sum(m * e for m, e in zip(means, reversals, strict=False))) / total
        v = goal + (v - goal) * np.exp(-0.5 / 10.0 * total / 2.0)
        g = [c * np.exp(-0.5 / tau) for c, tau in zip(g, taus, strict=False)]
        if step in (2, 7):
            g = [c + w for c, w in zip(g, drawn, strict=True)]
        expected.append(v)
    found = activity.states["n.v_mv"][0]
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-12, atol=1e-12)


def learning(connectivity: dict[str, Any], weights: np.ndarray) -> SpikingNetwork:
    """Twelve inputs onto five cells, by plastic synapses that are normalised every 20 ms."""
    projection: Any = {
        "source": "in",
        "target": "n",
        "connectivity": connectivity,
        "weight_mv": weights,
        "plasticity": {
            "rule": "stdp", "a_plus": 0.02, "a_minus": 0.01, "tau_plus_ms": 20.0,
            "tau_minus_ms": 20.0, "w_min": 0.0, "w_max": 9.0, "normalise_sum": 12.0,
            "normalise_every_ms": 20.0,
        },
    }  # fmt: skip
    populations: Any = {
        "in": {"model": "spike_source", "size": 12},
        "n": LIF(size=5, tau_m_ms=10.0, v_threshold_mv=3.0),
    }
    return SpikingNetwork(name="x", populations=populations, projections=(projection,))


def test_full_connectivity_learns_as_the_same_pairs_in_another_order() -> None:
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2.0, (12, 5))
    order = rng.permutation(60)
    pre, post = np.divmod(order, 5)
    pairs = {"kind": "pairs", "pre": pre, "post": post}
    times = [np.sort(rng.choice(2000, 40, replace=False)) / 10.0 for _ in range(12)]
    stimulus = Stimulus.from_spike_times("in", [t.tolist() for t in times])
    full = simulate(learning({"kind": "all_to_all"}, weights), stimulus, 200.0, 0.1, "native")
    listed = simulate(learning(pairs, weights[pre, post]), stimulus, 200.0, 0.1, "native")
    assert len(full["n"]) > 20
    np.testing.assert_array_equal(full["n"].times_ms, listed["n"].times_ms)
    np.testing.assert_allclose(full.weights["in->n"], listed.weights["in->n"], rtol=1e-12)
    assert not np.allclose(full.weights["in->n"], weights)


def test_spikes_out_of_order_are_the_same_input() -> None:
    network = conducting([np.full(SIZE, 40.0)])
    times = np.array([1.0, 2.0, 5.5, 9.0])
    found = [
        simulate(
            network, Stimulus.from_spike_times("in", [times[order].tolist()]), 20.0, 0.5, "native",
            record=("n",),
        ).states["n.v_mv"]
        for order in (np.arange(4), np.array([2, 0, 3, 1]))
    ]  # fmt: skip
    np.testing.assert_array_equal(found[0], found[1])


class Arrays(NamedTuple):
    """As the engine's tuples are: arrays, and what is none."""

    floats: np.ndarray
    flags: np.ndarray
    table: np.ndarray
    number: int


def test_aligned_arrays_keep_what_they_hold_and_begin_at_a_line() -> None:
    rng = np.random.default_rng(2)
    given = Arrays(rng.random(33)[3:], rng.random(9) < 0.5, rng.random((7, 5)), 4)
    found = aligned(given)
    assert found.number == 4
    for before, after in zip(given[:3], found[:3], strict=True):
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype
        assert after.ctypes.data % 64 == 0
        assert after.flags.c_contiguous
        assert after.flags.writeable
    assert empty(0).size == 0
    assert empty(5, np.uint32).ctypes.data % 64 == 0
