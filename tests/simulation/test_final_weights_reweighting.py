"""Weights come out of a simulation synapse by synapse, and a simulation goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import QUICK, having

from spikelearn import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.rules.stdp import weight_after
from spikelearn.simulation import simulate
from spikelearn.simulation.simulate import load_backend
from spikelearn.stimuli.stimulus import Stimulus

RULE = PairSTDP(a_plus=0.08, a_minus=0.06, tau_plus_ms=11.0, tau_minus_ms=17.0, w_max=0.9)
N_INPUTS, DT_MS, DURATION_MS, SEED = 9, 0.5, 100.0, 3
TWICE = {"pre": [0, 4, 0, 8, 4, 4], "post": [1, 2, 1, 0, 0, 2]}
# Connectivity, neurons that it ends on.
CONNECTIVITY: dict[str, tuple[dict[str, Any], int]] = {
    "all to all": ({"kind": "all_to_all"}, 3),
    "one to one": ({"kind": "one_to_one"}, N_INPUTS),
    "two synapses on a pair": ({"kind": "pairs", **TWICE}, 3),
    "random": ({"kind": "fixed_probability", "probability": 0.4}, 4),
    "in-degree": ({"kind": "fixed_in_degree", "in_degree": 3}, 4),
    "total number, several on a pair": ({"kind": "fixed_total_number", "number": 40}, 3),
    "by distance": ({"kind": "distance_dependent", "scale": 0.2}, 5),
    "convolution": (
        {"kind": "convolution", "input_shape": [1, 3, 3], "channels": 2, "kernel_size": 2},
        8,
    ),
}
PLASTIC = [name for name in QUICK if name in having("plasticity")]
CASES = [(name, engine) for name in CONNECTIVITY for engine in PLASTIC]
CASES += [(name, "brian2") for name in ("random", "total number, several on a pair")]


def network(name: str, **changes: Any) -> SpikingNetwork:
    """Neurons that spike when their teacher does, whatever the weights that learn."""
    connectivity, size = CONNECTIVITY[name]
    plastic = {
        "source": "in", "target": "n", "connectivity": connectivity, "plasticity": RULE,
        "weight_mv": {"distribution": "uniform", "low": 0.2, "high": 0.7}, **changes,
    }  # fmt: skip
    teach = {
        "source": "teacher", "target": "n", "connectivity": {"kind": "one_to_one"},
        "weight_mv": 900.0,
    }  # fmt: skip
    return SpikingNetwork(
        name=name,
        populations={
            "in": {"model": "spike_source", "size": N_INPUTS},
            "teacher": {"model": "spike_source", "size": size},
            "n": {"model": "lif", "size": size, "v_threshold_mv": 500.0},
        },
        projections=(teach, plastic),
    )


def times(seed: int, size: int) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    steps = int(DURATION_MS / DT_MS)
    return [sorted((rng.choice(steps, 9, replace=False) * DT_MS).tolist()) for _ in range(size)]


def shown(net: SpikingNetwork, seed: int) -> tuple[Stimulus, list[list[float]], list[list[float]]]:
    pre, post = times(seed, N_INPUTS), times(seed + 1, net.populations["n"].size)
    spikes = {
        name: Stimulus.from_spike_times(name, of).spikes[name]
        for name, of in (("in", pre), ("teacher", post))
    }
    return Stimulus(spikes=spikes), pre, post


def expected(synapses: Any, weights: np.ndarray, pre: Any, post: Any) -> np.ndarray:
    """Each synapse on its own, pair of spikes by pair of spikes."""
    return np.array(
        [
            weight_after(RULE, w, np.array(pre[i]), np.array(post[j]))
            for i, j, w in zip(synapses.pre, synapses.post, weights, strict=True)
        ]
    )


def by_synapse(weights: Any) -> np.ndarray:
    return weights.values if isinstance(weights, SynapticWeights) else weights.ravel()


@pytest.mark.parametrize(("name", "engine"), CASES)
def test_each_synapse_learns_by_itself_and_goes_on_from_where_it_was(
    name: str, engine: str, tmp_path: Path
) -> None:
    net = network(name)
    synapses = net.connections(net.projections[1], generator(SEED, "connections", 1))
    stimulus, pre, post = shown(net, 10)
    first = simulate(net, stimulus, DURATION_MS, DT_MS, engine, seed=SEED)
    assert [spikes.tolist() for spikes in _by_neuron(first["n"])] == post
    want = expected(synapses, synapses.weight, pre, post)
    np.testing.assert_allclose(by_synapse(first.weights["in->n"]), want, rtol=1e-9)
    # Another seed draws other pairs, but those that have learned are there.
    after = net.with_weights(first.weights, first.weight_units)
    again = SpikingNetwork.from_yaml(after.save(tmp_path / "after"))
    stimulus, pre, post = shown(net, 20)
    for then in (after, again):
        second = simulate(then, stimulus, DURATION_MS, DT_MS, engine, seed=SEED + 1)
        gone_on = expected(synapses, want, pre, post)
        np.testing.assert_allclose(by_synapse(second.weights["in->n"]), gone_on, rtol=1e-9)
    assert np.abs(gone_on - want).max() > 0.05


def _by_neuron(spikes: Any) -> list[np.ndarray]:
    return [spikes.times_ms[spikes.senders == neuron] for neuron in range(spikes.size)]


@pytest.mark.parametrize("name", CONNECTIVITY)
def test_weights_put_back_give_the_spikes_of_their_synapses(name: str) -> None:
    """Against the same pairs and weights told one by one, on neurons that they drive."""
    net = network(name).changed("populations.n.v_threshold_mv", 0.7)
    stimulus, _, _ = shown(net, 10)
    done = simulate(net, stimulus, DURATION_MS, DT_MS, seed=SEED)
    found = done.weights["in->n"]
    synapses = net.connections(net.projections[1], generator(SEED, "connections", 1))
    told = net.changed({
        "projections[in->n].connectivity": {
            "kind": "pairs", "pre": synapses.pre.tolist(), "post": synapses.post.tolist()
        },
        "projections[in->n].weight_mv": by_synapse(found),
    })  # fmt: skip
    runs = [
        simulate(n, stimulus, DURATION_MS, DT_MS, seed=seed)["n"]
        for n, seed in ((told, SEED), (net.with_weights(done.weights), SEED + 1))
    ]
    assert len(runs[0]) > 20
    np.testing.assert_array_equal(runs[0].times_ms, runs[1].times_ms)
    np.testing.assert_array_equal(runs[0].senders, runs[1].senders)


@pytest.mark.parametrize("engine", ["snntorch", "norse"])
def test_weights_at_a_bound_can_be_put_back_from_32_bits(engine: str) -> None:
    rule = RULE.changed({"w_max": 0.1, "a_plus": 1.0, "a_minus": 0.0})
    net = network("random", plasticity=rule, weight_mv=0.1)
    stimulus, _, _ = shown(net, 10)
    run: dict[str, Any] = {"duration_ms": DURATION_MS, "dt_ms": DT_MS, "backend": engine}
    done = simulate(net, stimulus, **run, precision="float32")
    assert by_synapse(done.weights["in->n"]).max() == 0.1
    simulate(net.with_weights(done.weights), stimulus, **run)


def test_delays_that_are_drawn_stay_with_their_synapses() -> None:
    """Of a projection that does not learn: its weights are put back with those of all others."""
    spread = {"distribution": "uniform", "low": 0.0, "high": 20.0}
    net = network("random", plasticity=None, delay_ms=spread)
    net = net.changed("populations.n.v_threshold_mv", 0.7)
    synapses = net.connections(net.projections[1], generator(SEED, "connections", 1))
    weights = SynapticWeights(synapses.pre, synapses.post, synapses.weight, (N_INPUTS, 4))
    stimulus, _, _ = shown(net, 10)
    runs = [
        simulate(n, stimulus, DURATION_MS, DT_MS, seed=SEED)["n"].times_ms
        for n in (net, net.with_weights({"in->n": weights}))
    ]
    assert len(runs[0]) > 20
    np.testing.assert_array_equal(*runs)


def test_a_matrix_is_taken_where_it_says_which_synapses_there_are() -> None:
    matrix = np.diag(np.arange(1.0, 10.0)) / 20
    changed = network("one to one").with_weights({"in->n": matrix})
    np.testing.assert_array_equal(changed.projections[1].weight_mv, np.arange(1.0, 10.0) / 20)
    once = network("one to one", connectivity={"kind": "pairs", "pre": [0, 2], "post": [1, 0]})
    matrix = np.zeros((N_INPUTS, 9))
    matrix[2, 0] = 0.5
    changed = once.with_weights({"in->n": matrix})
    assert changed.projections[1].weight_mv.tolist() == [0.0, 0.5]


@pytest.mark.parametrize(
    ("name", "weights", "sentence"),
    [
        ("random", np.ones((9, 4)), "the seed decides who is connected, and a matrix does not"),
        ("two synapses on a pair", np.ones((9, 3)), "several synapses join one pair"),
        ("one to one", np.ones((9, 9)), "weights where there are no synapses"),
        ("convolution", np.ones((9, 8)), r"takes its kernel, of shape \(2, 1, 2, 2\)"),
        ("random", np.ones(5), "with fixed_probability connectivity the seed decides"),
        ("random", SynapticWeights([0], [0], [0.5], (9, 3)), "of 9 and 4 neurons, but these"),
        ("all to all", SynapticWeights([0], [0], [0.5], (9, 3)), "27 synapses, which are others"),
        ("one to one", SynapticWeights([1], [0], [0.5], (9, 9)), "9 synapses, which are others"),
    ],
)
def test_weights_of_other_synapses_are_refused(name: str, weights: Any, sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        network(name).with_weights({"in->n": weights})


def test_a_backend_that_gives_something_else_is_told() -> None:
    class Summing:
        FEATURES = load_backend("native").FEATURES

        @staticmethod
        def run(grid: Any, progress: Any, precision: str) -> Any:
            spikes, states, _ = load_backend("native").run(grid, progress, precision)
            return spikes, states, {"in->n": np.zeros((9, 3))}

    net = network("two synapses on a pair")
    with pytest.raises(SpikelearnError, match=r"shape \(9, 3\) .* one for each of its 6 synapses"):
        simulate(net, shown(net, 10)[0], DURATION_MS, DT_MS, Summing())  # type: ignore[arg-type]
