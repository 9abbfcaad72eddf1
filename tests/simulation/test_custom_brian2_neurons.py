"""Neurons with Brian2 equations of one's own, beside the package's neurons with the same."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brian2 import ms, mV, pF
from engines import having, lacking

from spikelearn._errors import SpikelearnError
from spikelearn.networks.spiking import LIF, Brian2Neurons, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.trusted_step import TimeStepWarning, warn_of_step
from spikelearn.stimuli.stimulus import Stimulus

TAUS = np.array([10.0, 20.0, 30.0])
LEAKY = """dv/dt = (v_rest - v) / tau + I / C : volt (unless refractory)
           tau : second (constant)"""
PLAIN: dict[str, Any] = {
    "size": 3, "equations": "dv/dt = -v / ms : volt", "threshold": "v > 1*mV", "v_init_mv": 0.0,
}  # fmt: skip


def own(method: str = "exact", **changes: Any) -> Brian2Neurons:
    fields: dict[str, Any] = {
        "size": 3, "equations": LEAKY, "threshold": "v > -50*mV", "reset": "v = -65*mV",
        "parameters": {"v_rest": -65 * mV, "C": 200 * pF}, "initial": {"tau": TAUS * ms},
        "v_init_mv": -65.0, "refractory_ms": 2.0, "method": method,
    }  # fmt: skip
    return Brian2Neurons(**{**fields, **changes})


def leaky() -> LIF:
    """The same by the package's own neurons."""
    return LIF(
        size=3, tau_m_ms=TAUS, leak_ns=200.0 / TAUS, v_rest_mv=-65.0, v_threshold_mv=-50.0,
        v_reset_mv=-65.0, refractory_ms=2.0,
    )  # fmt: skip


def network(cells: Any, conductances: bool) -> SpikingNetwork:
    onto: list[dict[str, Any]] = [{"source": "in", "target": "n", "weight_mv": 1.5}]
    synapse: dict[str, Any] = {"model": "exponential", "tau_ms": 5.0}
    again: dict[str, Any] = {"model": "alpha", "tau_ms": 3.0}
    if conductances:
        synapse["reversal_mv"], again["reversal_mv"] = 0.0, -80.0
    unit, weights = ("ns", (9.0, 6.0)) if conductances else ("pa", (400.0, 300.0))
    onto.append({"source": "in", "target": "n", f"weight_{unit}": weights[0], "synapse": synapse})
    onto.append(
        {"source": "n", "target": "n", f"weight_{unit}": weights[1], "delay_ms": 2.0,
         "synapse": again}
    )  # fmt: skip
    populations: dict[str, Any] = {"in": {"model": "spike_source", "size": 4}, "n": cells}
    background: list[Any] = [{"target": "n", "rate_hz": 200.0, "weight_mv": 0.4}]
    return SpikingNetwork(
        name="x", populations=populations, projections=tuple(onto), background=tuple(background)
    )


def shown() -> Stimulus:
    rng = np.random.default_rng(0)
    times = [np.unique(rng.integers(0, 1000, 60)) / 10.0 for _ in range(4)]
    return Stimulus.from_spike_times("in", [t.tolist() for t in times])


@pytest.mark.parametrize(
    "target",
    ["numpy", pytest.param("cython", marks=pytest.mark.slow)],  # which compiles
)
def test_the_leaky_neurons_equation_with_conductances_is_the_packages_neuron(target: str) -> None:
    # For constant conductances both are exact, so that they differ by rounding alone.
    expected = simulate(network(leaky(), True), shown(), 120.0, 0.1, "native", record=("n",))
    found = simulate(network(own(), True), shown(), 120.0, 0.1, f"brian2:{target}", record=("n",))
    assert len(expected["n"]) > 30
    np.testing.assert_array_equal(found["n"].times_ms, expected["n"].times_ms)
    np.testing.assert_array_equal(found["n"].senders, expected["n"].senders)
    np.testing.assert_allclose(found.states["n.v_mv"], expected.states["n.v_mv"], rtol=0, atol=1e-9)


def test_currents_come_to_the_same_to_second_order_in_the_step() -> None:
    errors, stimulus = [], Stimulus.from_spike_times("in", [[0.4], [1.0], [2.2], [4.0]])
    for dt in (0.2, 0.1, 0.05):
        pair = [
            simulate(network(cells, False), stimulus, 6.0, dt, backend, record=("n",))
            for cells, backend in ((leaky(), "native"), (own(), "brian2"))
        ]
        errors.append(np.abs(pair[0].states["n.v_mv"] - pair[1].states["n.v_mv"]).max())
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_allclose(ratios, 4.0, rtol=0.15)


def test_a_current_from_outside_and_trials_side_by_side() -> None:
    current = np.array([100.0, 300.0])[:, None, None] * np.ones((2, 500, 1))
    networks = [SpikingNetwork(name="x", populations={"n": cells}) for cells in (leaky(), own())]
    stimulus = Stimulus(("weak", "strong"), currents_pa={"n": current})
    expected, found = (simulate(n, stimulus, 50.0, 0.1, record=("n",)) for n in networks)
    assert found.provenance["backend"] == "brian2"
    assert expected["n"].counts(2).sum(1).tolist() == found["n"].counts(2).sum(1).tolist()
    assert expected["n"].counts(2)[1].sum() > 5
    np.testing.assert_allclose(found.states["n.v_mv"], expected.states["n.v_mv"], rtol=0, atol=1e-9)


def test_an_oscillator_that_the_package_does_not_have() -> None:
    # FitzHugh and Nagumo's, whose limit cycle for these parameters lasts 39.0 times the unit.
    cells = Brian2Neurons(
        size=1,
        equations="""dv/dt = (v - v**3 / (3 * mV**2) - w + 0.5*mV) / ms : volt
                     dw/dt = 0.08 * (v + 0.7*mV - 0.8 * w) / ms : volt
                     above : 1""",
        threshold="v > 0*mV and above < 0.5",
        reset="above = 1",
        initial={"w": -0.5 * mV},
        v_init_mv=-1.0,
    )
    activity = simulate(
        SpikingNetwork(name="fhn", populations={"n": cells}), None, 40.0, 0.05, record=("n",)
    )
    from scipy.integrate import solve_ivp

    def slope(t: float, y: np.ndarray) -> list[float]:
        v, w = y
        return [v - v**3 / 3 - w + 0.5, 0.08 * (v + 0.7 - 0.8 * w)]

    times = np.arange(1, 801) * 0.05
    solved = solve_ivp(slope, (0, 40), [-1.0, -0.5], t_eval=times, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(activity.states["n.v_mv"][0, :, 0], solved.y[0], atol=1e-5)
    assert len(activity["n"]) == 1


@pytest.mark.parametrize("backend", [*lacking(Brian2Neurons.in_words), "brian2:standalone"])
def test_other_backends_refuse_before_the_run(backend: str) -> None:
    able = ", ".join(having(Brian2Neurons.in_words))
    with pytest.raises(SpikelearnError, match=rf"equations of one's own; .* have it: {able}$"):
        simulate(network(own(), False), shown(), 100.0, 0.1, backend)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"equations": "dv/dt = -v / tau : volt"}, "'tau' is not among the parameters"),
        ({"equations": "dw/dt = -w / ms : volt"}, "how the potential v changes, in volt"),
        ({"equations": "dv/dt = -v / ms volt"}, "equations: Parsing failed"),
        ({"method": "nope"}, "method must be one of Brian2's .*rk4.*, found 'nope'"),
        ({"initial": {"q": 1}}, "'q' is none of the other variables"),
        ({"initial": {"v": 1}}, "v starts at v_init_mv"),
        ({"parameters": {"I": 1}}, "'I' is a name that the simulation gives"),
        ({"parameters": {"tau_m": 1 * ms}}, "'tau_m' is named nowhere"),
        ({"equations": LEAKY, "parameters": {"v_rest": 0 * mV, "C": 1 * pF},
          "initial": {"tau": np.ones(2) * ms}}, "one for each of the 3 neurons, found 2"),
    ],
)  # fmt: skip
def test_equations_that_cannot_be_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        Brian2Neurons(**{**PLAIN, **changes})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"threshold": "v > 1"}, "[Uu]nits"),
        ({"reset": "v = q"}, "q"),
        ({"equations": "dv/dt = -v / ms + 1 : volt"}, "[Uu]nits"),
    ],
)
def test_what_brian2_does_not_take_is_told_in_one_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    cells = Brian2Neurons(**{**PLAIN, **changes})
    with pytest.raises(SpikelearnError, match=f"the equations of 'n': .*{sentence}") as raised:
        simulate(SpikingNetwork(name="y", populations={"n": cells}), None, 5.0, 0.1)
    assert "\n" not in str(raised.value)


def test_no_file_brings_equations(tmp_path: Path) -> None:
    described = {"name": "x", "populations": {"n": {**PLAIN, "model": "brian2"}}}
    with pytest.raises(SpikelearnError, match="equations are code, which no file may bring"):
        SpikingNetwork(**described)  # type: ignore[arg-type]
    (tmp_path / "x.yaml").write_text(
        "kind: spiking\nname: x\npopulations:\n  n: {model: brian2, size: 3, v_init_mv: 0,"
        " equations: 'dv/dt = -v / ms : volt', threshold: 'v > 1*mV'}\n"
    )
    with pytest.raises(SpikelearnError, match="equations are code"):
        SpikingNetwork.from_yaml(tmp_path / "x.yaml")
    made = SpikingNetwork(name="x", populations={"n": Brian2Neurons(**PLAIN)})
    with pytest.raises(SpikelearnError, match="'n' are code, which is not kept in files"):
        made.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_synapses_that_the_equations_do_not_take_up_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="its equations do not name I"):
        network(Brian2Neurons(**PLAIN), False)


def test_activity_says_what_was_simulated(tmp_path: Path) -> None:
    made = SpikingNetwork(name="x", populations={"n": own()})
    activity = simulate(made, None, 5.0, 0.1)
    told = activity.provenance["network"]["populations"]["n"]
    assert "unless refractory" in told["equations"]
    assert told["parameters"] == {"v_rest": "-65. mV", "C": "200. pF"}
    activity.save(tmp_path / "x.npz")
    assert (tmp_path / "x.npz").is_file()


@pytest.mark.parametrize(
    ("method", "tau", "dt_ms", "largest"),
    [
        ("euler", "(0.2*ms)", 0.5, "0.2 ms"),
        ("rk4", "(0.2*ms)", 0.5, "0.4 ms"),
        ("euler", "(0.2*ms)", 0.2, None),
        ("exact", "(0.2*ms)", 0.5, None),
        ("euler", "(20*ms) + I / (200*pF)", 0.5, None),
    ],
)
def test_a_step_too_long_for_the_equations_where_they_start_is_said(
    method: str, tau: str, dt_ms: float, largest: str | None
) -> None:
    cells = Brian2Neurons(
        size=2, equations=f"dv/dt = (-70*mV - v) / {tau} : volt (unless refractory)",
        threshold="v > -50*mV", v_init_mv=-90.0, method=method, refractory_ms=1.0,
    )  # fmt: skip
    alone = SpikingNetwork(name="own", populations={"cells": cells})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_step(alone, dt_ms)
    said = [str(w.message) for w in caught if w.category is TimeStepWarning]
    if largest is None:
        assert not said
    else:
        (sentence,) = said
        assert "'cells'" in sentence
        assert f"the largest is {largest}" in sentence
