"""Delays that are given synapse by synapse, and delays that are longer than the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import QUICK, having

from spikelearn import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.delays import delay_steps
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.rules.stdp import weight_after
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.simulation.grid.network import to_grid
from spikelearn.simulation.native.arrange import arrange
from spikelearn.stimuli.stimulus import Stimulus

DT_MS = 0.5
PAIRS = {"kind": "pairs", "pre": [0, 1, 0, 1], "post": [0, 1, 0, 0]}
CONV = {"kind": "convolution", "input_shape": [1, 1, 2], "channels": 2, "kernel_size": 1}
# Connectivity, delays, and for each synapse its ends and its delay.
GIVEN: dict[str, tuple[dict[str, Any], Any, int, list[tuple[int, int, float]]]] = {
    "all to all": (
        {"kind": "all_to_all"}, [[0.0, 3.0, 1.5], [7.0, 0.5, 3.0]], 3,
        [(0, 0, 0.0), (0, 1, 3.0), (0, 2, 1.5), (1, 0, 7.0), (1, 1, 0.5), (1, 2, 3.0)],
    ),
    "one to one": ({"kind": "one_to_one"}, [2.0, 5.5], 2, [(0, 0, 2.0), (1, 1, 5.5)]),
    "pairs": (
        PAIRS, [2.0, 0.0, 4.0, 9.5], 2, [(0, 0, 2.0), (1, 1, 0.0), (0, 0, 4.0), (1, 0, 9.5)]
    ),
    "convolution": (
        CONV, [[[[1.0]]], [[[6.0]]]], 4, [(0, 0, 1.0), (1, 1, 1.0), (0, 2, 6.0), (1, 3, 6.0)]
    ),
}  # fmt: skip


def network(connectivity: Any, delays: Any, size: int, **changes: Any) -> SpikingNetwork:
    projection = {
        "source": "in", "target": "n", "connectivity": connectivity, "delay_ms": delays,
        "weight_mv": 1.0, **changes,
    }  # fmt: skip
    return SpikingNetwork(
        name="late",
        populations={
            "in": {"model": "spike_source", "size": 2},
            "n": {"model": "lif", "size": size, "v_threshold_mv": 0.9, "tau_m_ms": 1e-2},
        },
        projections=(projection,),
    )


INPUT = Stimulus.from_spike_times("in", [[1.0, 12.0], [4.0]])


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("engine", BACKENDS)
def test_each_spike_arrives_after_the_delay_of_its_synapse(
    name: str, engine: str, tmp_path: Path
) -> None:
    *described, synapses = GIVEN[name]
    net = network(*described)
    # Neurons that forget within a step answer every arrival with a spike.
    sent = {0: [1.0, 12.0], 1: [4.0]}
    wanted = sorted({(t + delay, post) for pre, post, delay in synapses for t in sent[pre]})
    found = simulate(net, INPUT, 30.0, DT_MS, engine)["n"]
    assert sorted(zip(found.times_ms.tolist(), found.senders.tolist(), strict=True)) == wanted
    again = SpikingNetwork.from_yaml(net.save(tmp_path / "late"))
    np.testing.assert_array_equal(again.projections[0].delay_ms, net.projections[0].delay_ms)


def test_given_delays_stand_for_those_that_are_drawn() -> None:
    spread = {"distribution": "normal", "mean": 4.0, "sd": 2.0, "low": 0.0}
    weights = {"distribution": "uniform", "low": 0.0, "high": 1.2}
    connectivity = {"kind": "fixed_probability", "probability": 0.8}
    drawn = network(connectivity, spread, 6, weight_mv=weights)
    synapses = drawn.connections(drawn.projections[0], generator(5, "connections", 0))
    ms = drawn.projections[0].delay_ms.draw(synapses.pre.size, generator(5, "delays", 0))
    pairs = {"kind": "pairs", "pre": synapses.pre, "post": synapses.post}
    given = network(pairs, np.round(ms / DT_MS) * DT_MS, 6, weight_mv=synapses.weight)
    first, second = (simulate(n, INPUT, 30.0, DT_MS, seed=5)["n"] for n in (drawn, given))
    assert len(first) > 4
    np.testing.assert_array_equal(first.times_ms, second.times_ms)
    np.testing.assert_array_equal(first.senders, second.senders)


def test_delays_that_are_long_enough_are_cut_and_take_few_bytes() -> None:
    spread = {"distribution": "normal", "mean": 4.0, "sd": 2.0}
    drawn = network({"kind": "all_to_all"}, spread, 300)
    given = network({"kind": "one_to_one"}, [2.0, 5.5], 2)
    for made in (drawn, given):
        projection = made.projections[0]
        synapses = made.connections(projection, generator(5, "connections", 0))
        whole, cut = (
            delay_steps(projection, synapses, DT_MS, 1, generator(5, "delays", 0), *most)
            for most in ((), (8,))
        )
        assert isinstance(whole, np.ndarray)
        assert isinstance(cut, np.ndarray)
        assert (whole.dtype, cut.dtype) == (np.int64, np.uint16)
        assert whole.max() > 8
        np.testing.assert_array_equal(cut, np.minimum(whole, 8))


def test_delays_in_a_file_are_lists_or_arrays_beside_it(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        "kind: spiking\nname: x\npopulations:\n  in: {model: spike_source, size: 2}\n"
        "  n: {model: lif, size: 2, v_threshold_mv: 0.5}\nprojections:\n"
        "  - {source: in, target: n, weight_mv: 1.0, connectivity: {kind: one_to_one},\n"
        "     delay_ms: [1.0, 2.5]}\n"
    )
    read = SpikingNetwork.from_yaml(tmp_path / "net.yaml")
    assert read.projections[0].delay_ms.tolist() == [1.0, 2.5]
    times = simulate(read, INPUT, 20.0, DT_MS)["n"].times_ms
    assert times.tolist() == [2.0, 6.5, 13.0]


@pytest.mark.parametrize(
    ("connectivity", "delays", "sentence"),
    [
        ({"kind": "all_to_all"}, [1.0, 2.0], r"the delays must have shape \(2, 2\), found \(2,\)"),
        ({"kind": "one_to_one"}, [1.0, -2.0], "greater than or equal to 0, found -2"),
        ({"kind": "one_to_one"}, [1.0, float("nan")], "delays must be finite"),
        ({"kind": "fixed_in_degree", "in_degree": 1}, [1.0, 2.0], "an array of delays needs"),
        ({"kind": "one_to_one"}, [1.0, 0.3], "delay_ms must be a multiple of the time step 0.5"),
    ],
)
def test_delays_that_cannot_be_are_refused(connectivity, delays, sentence) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        simulate(network(connectivity, delays, 2), INPUT, 20.0, DT_MS)


def test_a_delay_from_neurons_takes_a_step_for_each_synapse() -> None:
    net = network({"kind": "one_to_one"}, 0.0, 2)
    back = {"source": "n", "target": "n", "weight_mv": 1.0, "delay_ms": [[0.5, 0.0], [1.0, 1.0]]}
    net = net.changed("projections", [*net.projections, back])
    with pytest.raises(SpikelearnError, match=r"at least one time step \(0.5 ms\), found 0 ms"):
        simulate(net, INPUT, 20.0, DT_MS)


def test_a_delay_longer_than_the_run_makes_no_longer_ring() -> None:
    net = network({"kind": "one_to_one"}, [1e5, 2.0], 2)
    net = net.changed("populations.n.refractory_ms", 1e6)
    grid = to_grid(net, INPUT, 20.0, DT_MS, 0, ())
    assert max(s.delay_steps for s in grid.synapses) == grid.n_steps == 40
    assert arrange(grid).n_slots == 41


@pytest.mark.parametrize("engine", [*QUICK, "brian2"])
def test_spikes_that_would_arrive_after_the_end_do_not(engine: str) -> None:
    for late in (19.0, 20.0, 500.0, 1e5):
        net = network({"kind": "one_to_one"}, [late, 2.0], 2)
        found = simulate(net, Stimulus.from_spike_times("in", [[0.0], [4.0]]), 20.0, DT_MS, engine)
        times = [6.0, 19.0] if late == 19.0 else [6.0]
        assert found["n"].times_ms.tolist() == times


@pytest.mark.parametrize("engine", having("plasticity"))
@pytest.mark.parametrize("name", ["given", "drawn"])
def test_synapses_learn_from_when_spikes_arrive_at_them(name: str, engine: str) -> None:
    """Each against pairs of spikes, whose presynaptic ones come after the synapse's own delay."""
    rule = PairSTDP(a_plus=0.08, a_minus=0.06, tau_plus_ms=11.0, tau_minus_ms=17.0, w_max=0.9)
    delays: Any = [2.0, 0.0, 4.0, 9.5]
    connectivity: dict[str, Any] = PAIRS
    if name == "drawn":
        delays = {"distribution": "uniform", "low": 0.0, "high": 12.0}
        connectivity = {"kind": "fixed_total_number", "number": 9}
    net = network(
        connectivity, delays, 2, plasticity=rule,
        weight_mv={"distribution": "uniform", "low": 0.2, "high": 0.7},
    )  # fmt: skip
    teach = {
        "source": "teacher", "target": "n", "connectivity": {"kind": "one_to_one"},
        "weight_mv": 900.0,
    }  # fmt: skip
    net = SpikingNetwork(
        name="taught",
        populations={
            "in": {"model": "spike_source", "size": 2},
            "teacher": {"model": "spike_source", "size": 2},
            "n": {"model": "lif", "size": 2, "v_threshold_mv": 500.0},
        },
        projections=(net.projections[0], teach),
    )
    sent, fired = [[1.0, 12.0, 30.0], [4.0, 21.5]], [[6.0, 14.5, 33.0], [3.0, 20.0, 38.0]]
    spikes = {
        n: Stimulus.from_spike_times(n, times).spikes[n]
        for n, times in (("in", sent), ("teacher", fired))
    }
    done = simulate(net, Stimulus(spikes=spikes), 60.0, DT_MS, engine, seed=5)
    synapses = net.connections(net.projections[0], generator(5, "connections", 0))
    steps = delay_steps(net.projections[0], synapses, DT_MS, 0, generator(5, "delays", 0))
    wanted = [
        weight_after(rule, w, np.add(sent[i], delay * DT_MS), np.array(fired[j]))
        for i, j, w, delay in zip(synapses.pre, synapses.post, synapses.weight, steps, strict=True)
    ]
    found = done.weights["in->n"]
    np.testing.assert_array_equal(found.pre, synapses.pre)
    np.testing.assert_array_equal(found.post, synapses.post)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-9)
    assert np.abs(found.values - synapses.weight).max() > 0.02


def test_weights_that_are_normalised_while_they_learn_have_one_delay() -> None:
    rule = {"rule": "stdp", "a_plus": 0.1, "a_minus": 0.1, "normalise_sum": 1.0}
    network(PAIRS, [2.0, 0.0, 4.0, 9.5], 2, plasticity=rule)
    with pytest.raises(SpikelearnError, match="need one delay_ms for all of their synapses"):
        network(PAIRS, [2.0, 0.0, 4.0, 9.5], 2, plasticity=rule | {"normalise_every_ms": 10.0})
