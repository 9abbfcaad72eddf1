"""Plastic networks: the engines against one another and against loops over synapses."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from engines import having
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import Case
from reference_simulator import Outcome

from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.neurons import REWARD_PLASTICITY, VOLTAGE_PLASTICITY
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli import mnist, poisson_spikes
from spikelearn.stimuli.encoders import RateEncoder
from spikelearn.stimuli.images import network_input
from spikelearn.stimuli.stimulus import Stimulus

KNIFE_EDGE_MV = 1e-9
DT_MS = 0.5

RULES: dict[str, dict[str, Any]] = {
    "pair, all to all": {"rule": "stdp", "a_plus": 0.4, "a_minus": 0.3, "tau_minus_ms": 34.0},
    "pair, nearest, towards bounds": {
        "rule": "stdp", "a_plus": 0.9, "a_minus": 0.7, "tau_plus_ms": 12.0,
        "pairing": "nearest", "mu_plus": 1.0, "mu_minus": 0.4,
    },
    "triplet": {
        "rule": "triplet_stdp", "a2_plus": 0.05, "a3_plus": 0.05, "a2_minus": 0.3, "a3_minus": 0.1,
    },
    "triplet, nearest": {
        "rule": "triplet_stdp", "a2_plus": 0.1, "a3_plus": 0.4, "a2_minus": 0.3, "a3_minus": 0.1,
        "tau_y_ms": 40.0, "pairing": "nearest",
    },
    "Diehl and Cook, power": {
        "rule": "diehl_cook_stdp", "eta_post": 0.2, "mu": 0.7, "x_target": 0.3,
    },
    "Diehl and Cook, exponential": {
        "rule": "diehl_cook_stdp", "variant": "exponential", "eta_post": 0.5, "beta": 0.4,
    },
    "Diehl and Cook, pre and post": {
        "rule": "diehl_cook_stdp", "variant": "pre_and_post", "eta_post": 0.2, "eta_pre": 0.05,
        "tau_post_ms": 30.0,
    },
    "Diehl and Cook, triplet": {
        "rule": "diehl_cook_stdp", "variant": "triplet", "eta_post": 0.15, "eta_pre": 0.3,
    },
    "inhibitory": {"rule": "inhibitory_stdp", "eta": 0.15, "target_rate_hz": 110.0},
    "inhibitory current": {
        "rule": "inhibitory_stdp", "eta": 0.3, "w_min": -6.0, "w_max": 0.0,
    },
    "voltage": {
        "rule": "clopath_stdp", "a_ltd": 0.02, "a_ltp": 0.004, "theta_minus_mv": -68.0,
        "theta_plus_mv": -63.0,
    },
    "voltage, homeostatic": {
        "rule": "clopath_stdp", "a_ltd": 0.02, "a_ltp": 0.004, "theta_minus_mv": -69.0,
        "theta_plus_mv": -64.0, "homeostasis_ms": 200.0, "u_reference_mv2": 20.0,
    },
    "reward, at once": {
        "rule": "dopamine_stdp", "a_plus": 0.5, "a_minus": 0.4, "modulator": "reward",
        "reward": [1.0, -0.7], "tau_eligibility_ms": 60.0, "tau_reward_ms": 0.0,
    },
    "reward, slow": {
        "rule": "dopamine_stdp", "a_plus": 0.5, "a_minus": 0.4, "modulator": "reward",
        "reward": [1.0, -0.7], "tau_eligibility_ms": 60.0, "tau_reward_ms": 25.0,
        "pairing": "nearest",
    },
    "reward by neurons": {
        "rule": "dopamine_stdp", "a_plus": 0.3, "a_minus": 0.5, "modulator": "other",
        "reward": [0.5, -0.4], "tau_eligibility_ms": 60.0, "tau_reward_ms": 10.0,
    },
}  # fmt: skip
SYNAPSES = {
    "delta": {"synapse": {"model": "delta"}},
    "current": {"synapse": {"model": "exponential", "tau_ms": 5.0}},
    "conductance": {"synapse": {"model": "exponential", "tau_ms": 5.0, "reversal_mv": 0.0}},
}
CONNECTIVITY = {
    "full": {"kind": "all_to_all"},
    "sparse": {"kind": "fixed_probability", "probability": 0.6},
}


def plastic_case(
    rule: str,
    seed: int,
    synapse: str = "delta",
    connectivity: str = "full",
    model: str = "lif",
    n_steps: int = 400,
    delay_ms: float | None = None,
    refractory_ms: float = 0.0,
    normalised: bool = False,
    several: bool = False,
) -> Case:
    """A recurrent network whose plastic synapses drive the neurons whose spikes change them."""
    rng = np.random.default_rng(seed)
    plasticity = {"w_min": 0.0, "w_max": 6.0, **RULES[rule]}
    inhibits = plasticity["w_max"] <= 0
    if normalised and not inhibits:
        plasticity |= {"normalise_sum": 9.0, "normalise_every_ms": 40.0}
    low, high = (-5.0, -0.5) if inhibits else (0.5, 5.5)
    unit = "weight_ns" if synapse == "conductance" else "weight_mv"
    if model == "adex" and synapse == "current":
        unit = "weight_pa"
    neurons: dict[str, Any] = {"size": 3, "refractory_ms": refractory_ms}
    if model == "adex":
        neurons |= {"model": "adex", "v_rest_mv": -70.0, "v_init_mv": -70.0}
        scale = {"delta": 1.0, "current": 60.0, "conductance": 4.0}[synapse]
        teacher: dict[str, Any] = {"weight_mv": 14.0}
    else:
        neurons |= {
            "model": "lif",
            "tau_m_ms": 10.0, "v_rest_mv": -70.0, "v_threshold_mv": -60.0, "leak_ns": 10.0,
        }  # fmt: skip
        scale = {"delta": 1.0, "current": 3.0, "conductance": 1.0}[synapse]
        teacher = {"weight_mv": 7.0}
    projection = {
        "source": "in", "target": "n", "connectivity": CONNECTIVITY[connectivity],
        unit: {"distribution": "uniform", "low": low * scale, "high": high * scale},
        "delay_ms": delay_ms, "plasticity": _scaled(plasticity, scale), **SYNAPSES[synapse],
    }  # fmt: skip
    network = SpikingNetwork(
        name="plastic",
        populations={
            "in": {"model": "spike_source", "size": 5},
            "teacher": {"model": "spike_source", "size": 3},
            "reward": {"model": "spike_source", "size": 2},
            "n": neurons,
            "other": {"model": "lif", "size": 2, "v_threshold_mv": 5.0},
        },
        projections=(
            {k: v for k, v in projection.items() if v is not None},
            {"source": "teacher", "target": "n", **teacher},
            {"source": "n", "target": "other", "weight_mv": 3.0},
            {"source": "other", "target": "n", "weight_mv": -2.0},
        ),
        record=("n", "other"),
    )
    duration = n_steps * DT_MS
    stimulus = Stimulus(
        spikes={
            "in": poisson_spikes(5, 60.0, duration, DT_MS, rng),
            "teacher": poisson_spikes(3, 70.0, duration, DT_MS, rng),
            "reward": poisson_spikes(2, 30.0, duration, DT_MS, rng),
        }
    )
    if several:  # every other spike comes twice, every sixth three times
        spikes = {}
        for name, given in stimulus.spikes.items():
            which = np.sort(np.concatenate([np.arange(len(given))[::n] for n in (1, 2, 6)]))
            spikes[name] = PopulationSpikes.from_unsorted(
                given.size, given.times_ms[which], given.senders[which]
            )
        stimulus = Stimulus(spikes=spikes)
    return Case(network, stimulus, DT_MS, n_steps, seed=seed % 1000)


def _scaled(rule: dict[str, Any], scale: float) -> dict[str, Any]:
    """Bounds and amplitudes for weights that are `scale` times as large."""
    grown = {"w_min", "w_max", "normalise_sum", "a_plus", "a_minus", "a_ltd", "a_ltp", "eta"}
    grown |= {f"a{n}_{sign}" for n in (2, 3) for sign in ("plus", "minus")}
    if scale != 1.0 and rule["rule"] == "diehl_cook_stdp":
        grown |= (
            {"eta_post", "eta_pre"} if rule.get("variant") in ("exponential", "triplet") else set()
        )
    return {k: v * scale if k in grown else v for k, v in rule.items()}


@functools.cache
def with_reference(rule: str, several: bool = False) -> tuple[Case, Outcome]:
    """A network that learns by a rule, with what the reference makes of it, for all engines."""
    delay_ms = 1.0 if several else 1.5
    case = plastic_case(
        rule, 5, delay_ms=None if RULES[rule].get("w_max", 1.0) <= 0 else delay_ms,
        refractory_ms=0.0 if several else 1.5, several=several,
    )  # fmt: skip
    return case, case.reference()


def check(case: Case, backend: str, expected: Outcome) -> Activity:
    """The run of an engine, which spikes and learns as the reference."""
    found = case.run(backend)
    if expected.margin_mv < KNIFE_EDGE_MV:
        return found
    for name in case.network.recorded:
        spikes = found[name]
        steps = np.rint(spikes.times_ms / DT_MS).astype(int)
        mine = set(
            zip(spikes.trials.tolist(), steps.tolist(), spikes.senders.tolist(), strict=True)
        )
        assert mine == expected.spikes[name]
    weights = found.weights["in->n"]
    for (pre, post), weight in expected.weights["in->n"].items():
        assert weights[pre, post] == pytest.approx(weight, rel=1e-9, abs=1e-12)
    return found


@pytest.mark.parametrize("backend", having(VOLTAGE_PLASTICITY, REWARD_PLASTICITY))
@pytest.mark.parametrize("rule", RULES)
def test_spikes_and_weights_are_the_references(rule: str, backend: str) -> None:
    case, expected = with_reference(rule)
    learnt = check(case, backend, expected).weights["in->n"]
    before = case.network.connections(case.network.projections[0], np.random.default_rng(0))
    assert learnt.std() > 0
    assert np.abs(np.sort(learnt.ravel()) - np.sort(before.weight)).max() > 0.05


@pytest.mark.parametrize("backend", having(VOLTAGE_PLASTICITY, REWARD_PLASTICITY, SEVERAL_SPIKES))
@pytest.mark.parametrize("rule", RULES)
def test_several_spikes_in_a_step_teach_as_many(rule: str, backend: str) -> None:
    case, expected = with_reference(rule, several=True)
    check(case, backend, expected)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rule=st.sampled_from(sorted(RULES)),
    seed=st.integers(0, 2**31),
    several=st.booleans(),
    synapse=st.sampled_from(sorted(SYNAPSES)),
    connectivity=st.sampled_from(sorted(CONNECTIVITY)),
    model=st.sampled_from(["lif", "adex"]),
    delay_ms=st.sampled_from([None, 0.5, 3.0]),
    refractory_ms=st.sampled_from([0.0, 2.0]),
    normalised=st.booleans(),
)
def test_native_learns_as_the_reference_in_random_networks(
    rule: str, synapse: str, **features: Any
) -> None:
    if RULES[rule].get("w_max", 1.0) <= 0 and synapse == "conductance":
        synapse = "current"
    case = plastic_case(rule, synapse=synapse, n_steps=150, **features)
    check(case, "native", case.reference())


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rule=st.sampled_from(sorted(RULES)),
    seed=st.integers(0, 2**31),
    synapse=st.sampled_from(sorted(SYNAPSES)),
    connectivity=st.sampled_from(sorted(CONNECTIVITY)),
    model=st.sampled_from(["lif", "adex"]),
    normalised=st.booleans(),
)
def test_native_and_brian2_learn_alike_in_random_networks(
    rule: str, synapse: str, **features: Any
) -> None:
    if RULES[rule].get("w_max", 1.0) <= 0 and synapse == "conductance":
        synapse = "current"
    case = plastic_case(rule, synapse=synapse, **features)
    if case.reference().margin_mv < KNIFE_EDGE_MV:
        return
    native, brian2 = case.run("native"), case.run("brian2")
    for name in case.network.recorded:
        np.testing.assert_allclose(native[name].times_ms, brian2[name].times_ms, atol=1e-9)
        np.testing.assert_array_equal(native[name].senders, brian2[name].senders)
    np.testing.assert_allclose(
        native.weights["in->n"], brian2.weights["in->n"], rtol=1e-9, atol=1e-12
    )


def test_native_and_brian2_learn_alike_from_twenty_digits() -> None:
    """Diehl and Cook's whole network: the same spikes, the same weights."""
    digits, present_ms, period_ms = 20, 350.0, 500.0
    images = network_input(mnist.load("auto").train_images[:digits], 28, 28)
    shown = RateEncoder(max_rate_hz=63.75).encode(
        images, present_ms, DT_MS, np.random.default_rng(0)
    )
    times_ms = shown.times_ms + shown.trials * period_ms
    stimulus = Stimulus(
        spikes={"input": PopulationSpikes.from_unsorted(784, times_ms, shown.senders)}
    )
    network = load_model("diehl_cook2015")
    native, brian2 = (
        simulate(network, stimulus, digits * period_ms, DT_MS, backend, seed=0)
        for backend in ("native", "brian2:numpy")
    )
    assert len(native["excitatory"]) > 10 * digits
    for name in ("excitatory", "inhibitory"):
        if name in native.populations:
            np.testing.assert_allclose(native[name].times_ms, brian2[name].times_ms, atol=1e-9)
            np.testing.assert_array_equal(native[name].senders, brian2[name].senders)
    name = "input->excitatory"
    np.testing.assert_allclose(native.weights[name], brian2.weights[name], rtol=1e-9, atol=1e-12)
    silence = Stimulus(spikes={"input": PopulationSpikes.from_unsorted(784, [], [])})
    start = simulate(network, silence, DT_MS, DT_MS, "native", seed=0).weights[name]
    assert np.abs(native.weights[name] - start).max() > 0.1
