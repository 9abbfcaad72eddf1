"""Currents on the grid, and what a membrane makes of them, against closed forms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn.networks import load_model
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import simulate, stimulus_for
from spikelearn.stimuli import CurrentProtocol, Stimulus

ONE = {"n": 1}
SILENT = 1e6  # a threshold that is never reached, mV


def protocol(*currents: dict[str, Any], n_trials: int = 1) -> CurrentProtocol:
    return CurrentProtocol(kind="currents", name="c", currents=currents, n_trials=n_trials)  # type: ignore[arg-type]


def shown(
    *currents: dict[str, Any],
    duration_ms: float = 100.0,
    dt_ms: float = 0.1,
    size: int = 1,
    seed: int = 0,
    n_trials: int = 1,
) -> Stimulus:
    made = protocol(*currents, n_trials=n_trials)
    return made.realise({}, duration_ms, dt_ms, seed, {"n": size})


def membrane(stimulus: Stimulus, dt_ms: float, duration_ms: float, **fields: Any) -> np.ndarray:
    """Potential of a membrane from rest at 0 mV, array of shape (trials, steps)."""
    cell = LIF(**{"size": 1, "tau_m_ms": 20.0, "v_threshold_mv": SILENT, **fields})
    network = SpikingNetwork(name="alone", populations={"n": cell})
    activity = simulate(network, stimulus, duration_ms, dt_ms, "native", record=("n",))
    return activity.states["n.v_mv"][:, :, 0]


def test_a_step_covers_the_entries_after_its_start_up_to_its_stop() -> None:
    current = shown({"kind": "step", "amplitude_mv": 7.0, "start_ms": 0.3, "stop_ms": 0.7})
    expected = np.zeros(1000)
    expected[4:8] = 7.0  # entry k acts from (k - 1) dt to k dt
    np.testing.assert_array_equal(current.currents_mv["n"][0, :, 0], expected)


def test_a_step_that_starts_between_grid_points_has_its_charge_all_the_same() -> None:
    current = shown({"kind": "step", "amplitude_mv": 2.0, "start_ms": 0.25, "stop_ms": 1.32})
    values = current.currents_mv["n"][0, :, 0]
    assert values.sum() * 0.1 == pytest.approx(2.0 * (1.32 - 0.25))
    assert values[3] == pytest.approx(1.0)
    assert values[14] == pytest.approx(0.4)


@pytest.mark.parametrize("dt_ms", [0.1, 0.5, 1.0])
def test_a_membrane_answers_a_step_by_its_closed_form_whatever_the_time_step(dt_ms: float) -> None:
    step = {"kind": "step", "amplitude_mv": 8.0, "start_ms": 20.0, "stop_ms": 60.0}
    v = membrane(shown(step, dt_ms=dt_ms), dt_ms, 100.0)[0]
    t = np.arange(round(100 / dt_ms)) * dt_ms
    rising = 8.0 * (1 - np.exp(-(np.minimum(t, 60.0) - 20.0) / 20.0))
    expected = np.where(t > 20.0, rising * np.exp(-np.maximum(t - 60.0, 0.0) / 20.0), 0.0)
    np.testing.assert_allclose(v, expected, atol=1e-11)


def test_a_current_from_time_0_finds_the_membrane_at_rest_at_time_0() -> None:
    v = membrane(shown({"kind": "step", "amplitude_mv": 8.0}), 0.1, 100.0)[0]
    np.testing.assert_allclose(v, 8.0 * (1 - np.exp(-np.arange(1000) * 0.1 / 20.0)), atol=1e-11)


def test_a_batch_of_steps_gives_the_f_i_curve_of_the_leaky_integrate_and_fire_neuron() -> None:
    network = load_model("lif_neuron")
    assert isinstance(network, SpikingNetwork)
    stimulus = stimulus_for(network, "fi_curve", 1000.0, 0.1)
    assert list(stimulus.labels) == [f"{100 * i} pA" for i in range(11)]
    activity = simulate(network, stimulus, 1000.0, 0.1, "native")
    for trial in range(11):
        drive = 100.0 * trial / 10.0 - 70.0  # v_rest + I / leak
        times = activity["neuron"].trains(trial)[0]
        if trial <= 2:  # 200 pA lead to threshold, which is not enough
            assert not times.size
            continue
        interval = 2.0 + 20.0 * math.log((drive + 60.0) / (drive + 50.0))
        # A spike is seen at the next grid point, and so is the end of refractoriness.
        assert np.diff(times).mean() == pytest.approx(interval, abs=0.2)
        assert times[0] == pytest.approx(20.0 * math.log((drive + 70) / (drive + 50)), abs=0.1)


def test_a_ramp_has_the_mean_of_each_interval_and_the_membrane_follows_it() -> None:
    ramp = {"kind": "ramp", "from_mv": 0.0, "to_mv": 10.0, "start_ms": 0.0, "stop_ms": 100.0}
    values = shown(ramp).currents_mv["n"][0, :, 0]
    np.testing.assert_allclose(values[1:], 0.1 * (np.arange(999) + 0.5) * 0.1, rtol=1e-12)
    v = membrane(shown(ramp), 0.1, 100.0)[0]
    t = np.arange(1000) * 0.1
    exact = 0.1 * (t - 20.0 * (1 - np.exp(-t / 20.0)))
    np.testing.assert_allclose(v, exact, atol=1e-5)


def test_the_membrane_filters_a_sinusoid_as_its_transfer_function_says() -> None:
    wave = {"kind": "sinusoid", "mean_mv": 3.0, "amplitude_mv": 5.0, "frequency_hz": 20.0}
    v = membrane(shown(wave, duration_ms=400.0), 0.1, 400.0)[0][2000:]  # ten time constants on
    t = (np.arange(4000) * 0.1)[2000:]
    transfer = 1 / (1 + 2j * np.pi * 0.020 * 20.0)
    expected = 3.0 + 5.0 * np.imag(transfer * np.exp(2j * np.pi * 0.020 * t))
    np.testing.assert_allclose(v, expected, atol=2e-3)


@given(
    start=st.floats(0, 5), length=st.floats(0.5, 4), frequency=st.floats(1, 400),
    phase=st.floats(0, 360), dt=st.sampled_from([0.1, 0.25]),
)  # fmt: skip
def test_the_charge_of_a_sinusoid_is_its_integral(
    start: float, length: float, frequency: float, phase: float, dt: float
) -> None:
    wave = {
        "kind": "sinusoid", "mean_pa": 2.0, "amplitude_pa": 3.0, "frequency_hz": frequency,
        "phase_deg": phase, "start_ms": start, "stop_ms": start + length,
    }  # fmt: skip
    charge = shown(wave, duration_ms=10.0, dt_ms=dt).currents_pa["n"].sum() * dt
    omega, phi = 2 * math.pi * frequency / 1000, math.radians(phase)
    exact = 2.0 * length + 3.0 / omega * (math.cos(phi) - math.cos(omega * length + phi))
    assert charge == pytest.approx(exact, abs=1e-6)


def test_currents_add_up_and_keep_their_units() -> None:
    stimulus = shown(
        {"kind": "step", "amplitude_pa": [1.0, 2.0]},
        {"kind": "step", "amplitude_pa": 10.0, "start_ms": 50.0},
        {"kind": "step", "amplitude_mv": 3.0},
    )
    assert list(stimulus.labels) == ["1 pA", "2 pA"]
    assert stimulus.currents_pa["n"][:, [0, 100, 900], 0].tolist() == [[0, 1, 11], [0, 2, 12]]
    assert stimulus.currents_mv["n"].shape == (1, 1000, 1)
    v = membrane(stimulus, 0.1, 100.0, leak_ns=2.0)
    drive = np.array([[0.5], [1.0]]) + 3.0  # mV: pA / nS, and mV as they are
    since = np.arange(501) * 0.1
    np.testing.assert_allclose(v[:, :501], drive * (1 - np.exp(-since / 20.0)), atol=1e-10)


def test_a_current_flows_into_the_neurons_that_are_named() -> None:
    step = {"kind": "step", "amplitude_mv": 1.0, "neurons": [3, 1]}
    values = shown(step, size=5).currents_mv["n"]
    assert values[0, 1].tolist() == [0, 1, 0, 1, 0]


def test_white_noise_is_gaussian_and_independent_between_steps_neurons_and_trials() -> None:
    noise = {"kind": "noise", "mean_mv": 4.0, "sd_mv": 2.0}
    x = shown(noise, size=10, n_trials=5).currents_mv["n"][:, 1:]
    assert x.shape == (5, 999, 10)
    n = x.size
    assert abs(x.mean() - 4.0) < 5 * 2.0 / math.sqrt(n)
    assert abs(x.var() - 4.0) < 5 * 4.0 * math.sqrt(2 / n)
    z = (x - 4.0) / 2.0
    for a, b in ((z[:, 1:], z[:, :-1]), (z[1:], z[:-1]), (z[..., 1:], z[..., :-1])):
        assert abs((a * b).mean()) < 5 / math.sqrt(a.size)


@pytest.mark.parametrize("tau_ms", [2.0, 15.0])
def test_ornstein_uhlenbeck_noise_has_its_variance_and_autocorrelation(tau_ms: float) -> None:
    noise = {"kind": "noise", "mean_pa": -3.0, "sd_pa": 2.0, "tau_ms": tau_ms}
    x = shown(noise, dt_ms=0.5, size=2000, n_trials=2).currents_pa["n"][:, 1:] + 3.0
    # Over independent neurons and trials at one time, each moment has its textbook error.
    rows = x.transpose(0, 2, 1).reshape(4000, -1) / 2.0
    for at in (0, 1, 100, 198):
        assert abs(rows[:, at].mean()) < 5 / math.sqrt(4000)
        assert abs(rows[:, at].var() - 1.0) < 5 * math.sqrt(2 / 4000)
    for lag in (1, 4, 20, 60):
        expected = math.exp(-lag * 0.5 / tau_ms)
        error = math.sqrt((1 + expected**2) / 4000)
        assert abs((rows[:, 100] * rows[:, 100 + lag]).mean() - expected) < 5 * error
    # Markov: given the present, past and future are independent.
    decay = math.exp(-0.5 / tau_ms)
    steps = rows[:, 51:53] - decay * rows[:, 50:52]
    assert abs(np.corrcoef(steps.T)[0, 1]) < 5 / math.sqrt(4000)


def test_the_membrane_under_ornstein_uhlenbeck_noise_has_the_stationary_variance() -> None:
    # Var v = sd^2 tau / (tau + tau_m) for continuous noise; a small step comes close.
    noise = {"kind": "noise", "sd_mv": 3.0, "tau_ms": 5.0}
    stimulus = shown(noise, duration_ms=150.0, dt_ms=0.1, size=600, seed=1)
    cell = LIF(size=600, tau_m_ms=10.0, v_threshold_mv=SILENT)
    network = SpikingNetwork(name="many", populations={"n": cell})
    v = simulate(network, stimulus, 150.0, 0.1, "native", record=("n",)).states["n.v_mv"][0]
    expected = 9.0 * 5.0 / 15.0
    pooled = v[[900, 1200, 1499]].var()
    assert abs(pooled - expected) < 5 * expected * math.sqrt(2 / 600)


def test_noise_may_be_frozen_over_trials_and_shared_by_neurons() -> None:
    noise = {"kind": "noise", "sd_mv": 1.0, "tau_ms": 3.0}
    options = {"size": 4, "n_trials": 3}
    assert shown({**noise, "frozen": True}, **options).currents_mv["n"].shape == (1, 1000, 4)  # type: ignore[arg-type]
    assert shown({**noise, "shared": True}, **options).currents_mv["n"].shape == (3, 1000, 1)  # type: ignore[arg-type]


def test_one_seed_gives_one_noise_and_the_first_trials_do_not_depend_on_how_many_follow() -> None:
    noise = {"kind": "noise", "sd_mv": 1.0, "tau_ms": 3.0}
    few, many = (shown(noise, n_trials=n).currents_mv["n"] for n in (2, 5))
    np.testing.assert_array_equal(few, many[:2])
    assert not np.array_equal(few, shown(noise, n_trials=2, seed=1).currents_mv["n"])
    both = shown(noise, noise).currents_mv["n"]
    assert not np.array_equal(both, 2 * few[:1])  # two currents, two streams


def test_an_array_is_averaged_over_the_steps_or_held(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0, 4.0], [0.0, -1.0, 1.0]]))
    array = {
        "kind": "array", "file": tmp_path / "x.npy", "bin_ms": 1.0, "start_ms": 2.0,
        "gain_pa": 10.0, "offset_pa": 5.0,
    }  # fmt: skip
    values = shown(array, duration_ms=7.0, dt_ms=0.5, size=2).currents_pa["n"][0]
    assert values[:, 0].tolist() == [0, 5, 5, 5, 5, 15, 15, 25, 25, 45, 45, 5, 5, 5]
    coarse = shown(array, duration_ms=8.0, dt_ms=2.0, size=2).currents_pa["n"][0]
    assert coarse.tolist() == [[0, 0], [5, 5], [20, 0], [25, 10]]
    odd = shown(array, duration_ms=9.0, dt_ms=0.3, size=2).currents_pa["n"][0]
    assert ((odd[1:] - 5.0) * 0.3).sum(axis=0) == pytest.approx([70.0, 0.0])


def test_an_array_of_trials_is_a_batch(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(6.0).reshape(2, 1, 3), b=np.zeros(1))
    array = {
        "kind": "array", "file": tmp_path / "x.npz", "key": "a", "bin_ms": 1.0, "gain_mv": 1.0
    }  # fmt: skip
    stimulus = shown(array, duration_ms=4.0, dt_ms=1.0, n_trials=2)
    found = stimulus.currents_mv["n"][:, :, 0]
    np.testing.assert_array_equal(found, np.repeat([[0, 0, 1, 2], [0, 3, 4, 5]], 2, axis=0))


STEP = {"kind": "step", "amplitude_pa": 1.0}


@pytest.mark.parametrize(
    ("currents", "neurons", "words"),
    [
        ([STEP], {}, ["no population of neurons"]),
        ([STEP], {"a": 1, "b": 1}, ["one population", "2", "a, b", "target"]),
        ([{**STEP, "target": "c"}], {"a": 1, "b": 1}, ["'c'", "a, b"]),
        ([{**STEP, "neurons": [7]}], ONE, ["'n'", "1 neuron, ", "7"]),
        (
            [{**STEP, "amplitude_pa": [1.0, 2.0]}, {**STEP, "amplitude_pa": [1.0, 2.0, 3.0]}],
            ONE,
            ["equally many", "2 and 3"],
        ),
    ],
)
def test_currents_that_do_not_fit_the_network_are_refused(
    currents: list[dict[str, Any]], neurons: dict[str, int], words: list[str]
) -> None:
    from spikelearn._errors import SpikelearnError

    with pytest.raises(SpikelearnError) as raised:
        protocol(*currents).realise({}, 10.0, 1.0, 0, neurons)
    assert "\n" not in str(raised.value)
    for word in ["stimulus 'c'", *words]:
        assert word in str(raised.value)
