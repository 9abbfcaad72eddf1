"""Synapses that learn on snnTorch and Norse: the spikes and the weights of native."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_networks import Case
from test_plasticity import DT_MS, KNIFE_EDGE_MV, RULES, check, plastic_case, with_reference

from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.memory import Run, needed_bytes
from spikelearn.simulation.torch import norse, snntorch
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli import poisson_spikes
from spikelearn.stimuli.stimulus import Stimulus
from tests.rules.other_device import DEVICES, other_device

BACKENDS = ["snntorch", "norse"]
TARGETS = {"snntorch": snntorch.TARGETS["cpu"], "norse": norse.TARGETS["cpu"]}
TRACE_RULES = [
    name for name, rule in RULES.items() if rule["rule"] not in ("clopath_stdp", "dopamine_stdp")
]

amplitudes = st.floats(0.0, 1.0)
times_ms = st.floats(2.0, 60.0)
exponents = st.sampled_from([0.0, 1.0, 0.4])
pair_rules = st.fixed_dictionaries(
    {
        "rule": st.just("stdp"), "a_plus": amplitudes, "a_minus": amplitudes,
        "tau_plus_ms": times_ms, "tau_minus_ms": times_ms, "mu_plus": exponents,
        "mu_minus": exponents, "pairing": st.sampled_from(["all_to_all", "nearest"]),
    }
)  # fmt: skip
excitatory_rules = st.sampled_from(
    [RULES[name] for name in TRACE_RULES if RULES[name].get("w_max", 1.0) > 0]
)
bounds = st.fixed_dictionaries({"w_min": st.sampled_from([0.0, 0.3]), "w_max": st.just(6.0)})
normalisations = st.sampled_from(
    [{}, {"normalise_sum": 8.0}, {"normalise_sum": 8.0, "normalise_every_ms": 20.0}]
)
plasticity = st.builds(
    lambda *parts: {key: value for part in parts for key, value in part.items()},
    bounds, normalisations, st.one_of(pair_rules, excitatory_rules),
)  # fmt: skip
connectivity = st.sampled_from(
    [
        {"kind": "all_to_all"},
        {"kind": "fixed_probability", "probability": 0.6},
        {"kind": "fixed_in_degree", "in_degree": 3},
        # A pair may have several synapses, each of which learns on its own.
        {"kind": "fixed_total_number", "number": 30},
    ]
)
# Where a neuron may spare itself, or its partner in the other population.
all_others = {
    ("n", "n"): {"kind": "all_to_all", "allow_self": False},
    ("n", "last"): {"kind": "all_to_all", "allow_partner": False},
}
synapses = st.sampled_from(
    [{"model": "delta"}, {"model": "exponential", "tau_ms": 5.0}, {"model": "alpha", "tau_ms": 3.0}]
)


@st.composite
def learning_cases(draw: Any, folder: Path) -> Case:
    """Plastic synapses from a source, within a population and on to another, in a YAML file."""

    def projection(source: str, target: str, low: float, high: float) -> dict[str, Any]:
        synapse = draw(synapses)
        delta = synapse["model"] == "delta"
        others = all_others.get((source, target), {"kind": "all_to_all"})
        return {
            "source": source, "target": target, "synapse": synapse,
            "connectivity": draw(st.one_of(connectivity, st.just(others))),
            "plasticity": draw(plasticity),
            "weight_mv": {"distribution": "uniform", "low": low, "high": high}
            if delta else {"distribution": "uniform", "low": 2 * low, "high": high},
            "delay_ms": draw(st.sampled_from([DT_MS, 3.0, 7.5])),
        }  # fmt: skip

    cell = {
        "model": draw(st.sampled_from(["lif", "adaptive_lif"])), "size": 4, "tau_m_ms": 10.0,
        "v_rest_mv": -70.0, "v_threshold_mv": -62.0,
        "refractory_ms": draw(st.sampled_from([0.0, 2.0])),
        "reset": draw(st.sampled_from(["to_value", "subtract"])),
    }  # fmt: skip
    if cell["model"] == "adaptive_lif":
        cell |= {"threshold_increment_mv": 1.0, "tau_threshold_ms": 50.0}
    description = {
        "name": "learning",
        "populations": {
            "in": {"model": "spike_source", "size": 6},
            "teacher": {"model": "spike_source", "size": 4},
            "n": cell,
            "last": {"model": "lif", "size": 4, "v_threshold_mv": 4.0},
        },
        "projections": [
            projection("in", "n", 0.4, 5.0),
            projection("n", "n", 0.3, 1.5),
            projection("n", "last", 0.5, 5.0),
            {"source": "teacher", "target": "n", "weight_mv": 6.0,
             "connectivity": {"kind": "one_to_one"}},
            {"source": "last", "target": "n", "weight_mv": -1.5, "delay_ms": 1.0},
        ],
    }  # fmt: skip
    path = folder / "learning.yaml"
    path.write_text(yaml.safe_dump(description))
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    n_steps = 160
    spikes = {
        name: poisson_spikes(size, 60.0, n_steps * DT_MS, DT_MS, rng)
        for name, size in (("in", 6), ("teacher", 4))
    }
    network = SpikingNetwork.from_yaml(path)
    return Case(network, Stimulus(spikes=spikes), DT_MS, n_steps, seed=seed % 1000)


def assert_alike(found: Activity, expected: Activity) -> None:
    """Every spike, and every weight to 1e-9."""
    assert found.populations.keys() == expected.populations.keys()
    for name, spikes in expected.populations.items():
        np.testing.assert_array_equal(found[name].times_ms, spikes.times_ms)
        np.testing.assert_array_equal(found[name].senders, spikes.senders)
    assert found.weights.keys() == expected.weights.keys()
    for name, weights in expected.weights.items():
        np.testing.assert_allclose(found.weights[name], weights, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("backend", "n_files"),
    [("snntorch", 30), *(pytest.param(name, 60, marks=pytest.mark.slow) for name in BACKENDS)],
)
def test_one_file_learns_alike_on_native_and_on_torch(
    backend: str, n_files: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("networks")
    moved, spikes = [], []

    @settings(max_examples=n_files, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(case=learning_cases(folder))
    def compare(case: Case) -> None:
        assume(case.reference().margin_mv > KNIFE_EDGE_MV)
        expected = case.run("native")
        assert_alike(case.run(backend), expected)
        start = dataclasses.replace(case, n_steps=1, stimulus=_silence(case)).run("native")
        moved.extend(np.abs(w - start.weights[k]).max() for k, w in expected.weights.items())
        spikes.append(len(expected["n"]))

    compare()
    assert np.median(moved) > 0.05
    assert np.median(spikes) > 10


def _silence(case: Case) -> Stimulus:
    return Stimulus(
        spikes={
            name: PopulationSpikes.from_unsorted(size, np.zeros(0), np.zeros(0))
            for name, size in case.network.sources.items()
        }
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rule", TRACE_RULES)
def test_spikes_and_weights_are_those_of_loops_over_synapses(rule: str, backend: str) -> None:
    case, expected = with_reference(rule)
    learnt = check(case, backend, expected).weights["in->n"]
    before = case.network.connections(case.network.projections[0], np.random.default_rng(0))
    assert np.abs(np.sort(learnt.ravel()) - np.sort(before.weight)).max() > 0.05


@pytest.mark.parametrize("steps", [1, 7, 64])
def test_blocks_of_any_length_learn_alike(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = plastic_case("triplet", seed=3, delay_ms=3.0, normalised=True)
    expected = case.run("native")
    monkeypatch.setattr("spikelearn.simulation.torch.loop._BLOCK_STEPS", steps)
    assert_alike(case.run("norse"), expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interrupted_run_has_the_weights_of_the_time_it_reached(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikelearn.simulation.torch.loop._BLOCK_STEPS", 50)
    case = plastic_case("pair, all to all", seed=2)
    target = TARGETS[backend]
    made = []

    def cell(*args: Any) -> Any:
        inner = target.make_cell(*args)

        def step(*state: torch.Tensor) -> Any:
            made.append(1)
            if len(made) > 2 * 170:  # two populations; in the fourth block, not at its start
                raise KeyboardInterrupt
            return inner(*state)

        return step

    found = simulate(
        case.network, case.stimulus, case.n_steps * DT_MS, DT_MS,
        dataclasses.replace(target, make_cell=cell), case.seed, keep_partial=True,
    )  # fmt: skip
    assert found.duration_ms == 150 * DT_MS
    earlier = {
        name: dataclasses.replace(
            spikes,
            **{
                field: getattr(spikes, field)[spikes.times_ms < found.duration_ms]
                for field in ("times_ms", "senders", "trials")
            },
        )
        for name, spikes in case.stimulus.spikes.items()
    }
    whole = simulate(
        case.network, Stimulus(spikes=earlier), found.duration_ms, DT_MS, backend, case.seed
    )
    np.testing.assert_array_equal(found.weights["in->n"], whole.weights["in->n"])
    later = case.run(backend).weights["in->n"]
    assert np.abs(found.weights["in->n"] - later).max() > 0.01


@pytest.mark.parametrize("backend", BACKENDS)
def test_32_bits_learn_what_64_do_up_to_rounding(backend: str) -> None:
    case = plastic_case("pair, all to all", seed=4, n_steps=200)
    precise, short = (case.run(backend, precision) for precision in ("float64", "float32"))
    np.testing.assert_array_equal(short["n"].times_ms, precise["n"].times_ms)
    difference = np.abs(short.weights["in->n"] - precise.weights["in->n"]).max()
    assert 0 < difference < 1e-4


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("rule", ["pair, nearest, towards bounds", "Diehl and Cook, exponential"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_all_that_learns_is_on_its_device(backend: str, rule: str, device: torch.device) -> None:
    case = plastic_case(rule, seed=1, connectivity="sparse", normalised=True, n_steps=200)
    there = dataclasses.replace(TARGETS[backend], device=device.type)
    with other_device(device):
        found = case.run(there)  # type: ignore[arg-type]
    assert_alike(found, case.run("native"))


def test_memory_is_told_for_the_matrix_that_learning_needs() -> None:
    def told(plastic: bool, backend: str) -> float:
        sparse = {"kind": "fixed_probability", "probability": 0.01}
        rule = {"rule": "stdp", "a_plus": 0.1, "a_minus": 0.1}
        network = SpikingNetwork(
            name="sparse",
            populations={
                "in": {"model": "spike_source", "size": 3000},  # type: ignore[dict-item]
                "n": {"model": "lif", "size": 2000, "v_threshold_mv": 1.0},  # type: ignore[dict-item]
            },
            projections=(
                {
                    "source": "in", "target": "n", "weight_mv": 0.2, "connectivity": sparse,
                    "plasticity": rule if plastic else None,
                },
            ),  # type: ignore[arg-type]
        )  # fmt: skip
        return needed_bytes(Run(network, backend, 1, 10, 0.1))

    for backend in BACKENDS:
        assert told(plastic=True, backend=backend) > 3000 * 2000 * 17
        # Without learning it is a matrix, too, as long as that is small.
        assert 3000 * 2000 * 4 < told(plastic=False, backend=backend) < 3000 * 2000 * 40
    assert told(plastic=True, backend="native") < 3000 * 2000
