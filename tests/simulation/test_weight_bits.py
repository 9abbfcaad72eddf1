"""Weights of 32 bits: rounded once for all engines, and told wherever a network is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engines import QUICK

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.content import content, difference
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.grid.network import to_grid

WEIGHTS = {"distribution": "normal", "mean": 0.9, "sd": 0.4}
KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "all pairs": ({"kind": "all_to_all"}, WEIGHTS),
    "all but oneself": ({"kind": "all_to_all", "allow_self": False}, WEIGHTS),
    "some": ({"kind": "fixed_probability", "probability": 0.5}, WEIGHTS),
    "a number": ({"kind": "fixed_total_number", "number": 50}, 0.1),
    "array": ({"kind": "all_to_all"}, np.random.default_rng(0).normal(0.9, 0.4, (8, 8))),
    "pairs": ({"kind": "pairs", "pre": [0, 5], "post": [1, 2]}, [0.1, 0.7]),
    "kernel": (
        {"kind": "convolution", "input_shape": [2, 2, 2], "channels": 2, "kernel_size": 1}, WEIGHTS,
    ),
}  # fmt: skip


def network(connectivity: Any = None, weight: Any = WEIGHTS, **more: Any) -> SpikingNetwork:
    connectivity = connectivity or KINDS["some"][0]
    lif = {"model": "lif", "size": 8, "v_threshold_mv": 1.5, "leak_ns": 3.0, "tau_m_ms": 10.0}
    return SpikingNetwork(**{
        "name": "rounded",
        "populations": {"n": lif},
        "projections": ({"source": "n", "target": "n", "connectivity": connectivity,
                         "weight_mv": weight, "delay_ms": 1.0},),
        "background": ({"target": "n", "rate_hz": 900.0, "weight_mv": 0.5},),
        **more,
    })  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_those_of_64_bits_rounded(kind):
    made = network(*KINDS[kind])
    few = made.changed("weight_bits", 32)
    one, other = (n.connections(n.projections[0], generator(2, "c")) for n in (made, few))
    assert (one.weight.dtype, other.weight.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(one.pre, other.pre)
    np.testing.assert_array_equal(one.post, other.post)
    np.testing.assert_array_equal(one.weight.astype(np.float32), other.weight)
    assert not np.array_equal(one.weight, other.weight)


def test_on_the_grid_they_are_rounded_again_after_the_resistance():
    synapse = {"model": "exponential", "tau_ms": 2.0}
    made = network().changed("projections", [
        {"source": "n", "target": "n", "synapse": synapse, "weight_pa": WEIGHTS, "delay_ms": 1.0},
    ])  # fmt: skip
    few = made.changed("weight_bits", 32)
    drawn = few.connections(few.projections[0], generator(4, "connections", 0)).weight
    (synapses,) = to_grid(few, sl.Stimulus(), 10.0, 0.5, 4, ()).synapses
    found = synapses.connections.weight
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, (drawn.astype(float) / 3.0).astype(np.float32))


@pytest.mark.parametrize("engine", [*QUICK, "brian2:numpy"])
def test_all_engines_take_the_rounded_weights(engine):
    """They give what a network gives whose weights of 64 bits are those numbers."""
    few = network(weight_bits=32)
    drawn = few.connections(few.projections[0], generator(3, "connections", 0))
    pairs = {"kind": "pairs", "pre": drawn.pre, "post": drawn.post}
    by_hand = network(pairs, drawn.weight.astype(float))
    wanted = sl.simulate(by_hand, None, 60.0, 0.5, "native", 3, record="n")
    found = sl.simulate(few, None, 60.0, 0.5, engine, 3, record="n")
    assert wanted.n_spikes > 20
    assert found["n"] == wanted["n"]
    exact = sl.simulate(network(), None, 60.0, 0.5, engine, 3, record="n")
    apart = np.abs(found.states["n.v_mv"] - exact.states["n.v_mv"])
    assert 0.0 < apart[0, :20].max() < 1e-5  # it does change what happens
    np.testing.assert_allclose(found.states["n.v_mv"], wanted.states["n.v_mv"], atol=1e-9)


def test_a_network_says_it_only_where_it_is_so(tmp_path):
    made, few = network(), network(weight_bits=32)
    assert made.weight_bits == 64
    assert "weight_bits" not in made.model_dump() | content(made)
    assert few.model_dump()["weight_bits"] == content(few)["weight_bits"] == 32
    assert difference(content(few), made) == "weight_bits is 32 there and absent here"
    assert difference(content(few), few) is None
    assert SpikingNetwork.from_yaml(few.save(tmp_path / "few")) == few != made
    full = network({"kind": "all_to_all"}, weight_bits=32)
    assert full.with_weights({"n->n": np.ones((8, 8))}).weight_bits == 32
    for given in (16, "32", None, True):
        with pytest.raises(SpikelearnError, match="'weight_bits': Input should be 32 or 64"):
            made.changed("weight_bits", given)


def test_what_learns_starts_at_rounded_weights_within_its_bounds():
    rule = {"rule": "stdp", "a_plus": 0.01, "a_minus": 0.01, "w_min": 0.0, "w_max": 0.1}
    made = network({"kind": "all_to_all"}, 0.1, weight_bits=32)
    made = made.changed("projections[n->n].plasticity", rule)
    (synapses,) = to_grid(made, sl.Stimulus(), 10.0, 0.5, 0, ()).synapses
    assert float(np.float32(0.1)) > 0.1  # of which it must not be said that it is beyond the bound
    assert synapses.connections.weight.dtype == np.float64
    assert synapses.connections.weight.max() == 0.1
    with pytest.raises(SpikelearnError, match="start within w_min"):
        sl.simulate(made.changed("projections[n->n].weight_mv", 0.2), None, 10.0, 0.5)
