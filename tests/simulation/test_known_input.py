"""What is known of a population's input, by the sums that are known of such processes."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from spikelearn import load_model, stimulus_for
from spikelearn.networks.inputs import BackgroundInput, NoiseInput
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.networks.synapses import ExponentialSynapse
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.simulation.given import time_step
from spikelearn.simulation.known_input import known_input, unknown_inhibition
from spikelearn.simulation.trusted_step import TimeStepWarning, trusted_step, warn_of_step
from spikelearn.stimuli.stimulus import Stimulus

CELL: dict[str, Any] = {
    "model": "lif", "size": 8, "tau_m_ms": 20.0, "leak_ns": 10.0, "v_rest_mv": -70.0,
    "v_threshold_mv": -55.0,
}  # fmt: skip
EXCITED = ExponentialSynapse(model="exponential", tau_ms=5.0, reversal_mv=0.0)


def fed(*background: BackgroundInput, noise: tuple[NoiseInput, ...] = ()) -> SpikingNetwork:
    return SpikingNetwork(
        name="fed", populations={"n": LIF(**CELL)}, background=background, noise=noise
    )


def test_conductances_have_the_mean_and_variance_of_shot_noise() -> None:
    given = known_input(
        fed(BackgroundInput(target="n", rate_hz=2000.0, weight_ns=4.0, synapse=EXCITED)),
        "n", Stimulus(), math.inf,
    )  # fmt: skip
    mean, variance = 4.0 * 2.0 * 5.0 / 10.0, (4.0 / 10.0) ** 2 * 2.0 * 5.0 / 2.0
    membrane_ms = 20.0 / (1.0 + mean + 0.4)
    assert given.conductance.mean() == pytest.approx(mean, rel=0.02)
    assert given.conductance.var() == pytest.approx(
        variance * 5.0 / (5.0 + membrane_ms), rel=0.1
    )  # fmt: skip
    assert not given.drive.any()  # its reversal potential is 0
    assert given.noisy


def test_jumps_have_a_drift_and_a_variance() -> None:
    given = known_input(
        fed(
            BackgroundInput(target="n", rate_hz=3000.0, weight_mv=0.5),
            BackgroundInput(target="n", rate_hz=1000.0, weight_mv=-1.0),
        ),
        "n", Stimulus(), math.inf,
    )  # fmt: skip
    np.testing.assert_allclose(given.drift, 3.0 * 0.5 - 1.0)
    np.testing.assert_allclose(given.variance, 3.0 * 0.25 + 1.0)
    np.testing.assert_allclose(given.lifts, 3.0)
    np.testing.assert_allclose(given.sinks, 1.0)


def test_background_counts_while_it_lasts() -> None:
    item = BackgroundInput(target="n", rate_hz=100.0, weight_mv=1.0, start_ms=50.0, stop_ms=100.0)
    given = known_input(fed(item), "n", Stimulus(), 200.0)
    assert set(np.unique(given.drift)) == {0.0, 0.1}
    assert given.drift.mean() == pytest.approx(0.025, rel=0.2)


def test_currents_and_noise_are_taken_up_as_the_membrane_follows_them() -> None:
    steps = np.repeat([0.0, 30.0], 500)[None, :, None]
    given = known_input(
        fed(noise=(NoiseInput(target="n", unit="mv", mean=2.0, sd=6.0, interval_ms=10.0),)),
        "n", Stimulus(currents_mv={"n": steps}), 1000.0,
    )  # fmt: skip
    assert given.drive.mean() == pytest.approx(2.0 + 15.0, rel=0.1)
    calm = known_input(fed(), "n", Stimulus(currents_mv={"n": np.full((1, 9, 1), 7.0)}), 9.0)
    assert not calm.noisy
    np.testing.assert_allclose(calm.drive, 7.0)


def between(weight_mv: Any, inhibited: float | None = None, **known: float) -> SpikingNetwork:
    back = () if inhibited is None else (Projection(source="n", target="n", weight_mv=inhibited),)
    return SpikingNetwork(
        name="between",
        populations={"in": SpikeSource(model="spike_source", size=3), "n": LIF(**CELL)},
        projections=(Projection(source="in", target="n", weight_mv=weight_mv), *back),
        rates_hz=known,
    )


def test_sources_are_known_by_the_stimulus_neuron_by_neuron() -> None:
    weights = np.zeros((3, 8))
    weights[0], weights[1, 4] = 1.0, -2.0
    spikes = Stimulus.from_spike_times("in", [[1.0, 2.0, 3.0], [5.0], []])
    given = known_input(between(weights), "n", spikes, 10.0)
    np.testing.assert_array_equal(given.which, np.arange(8))
    expected = np.where(np.arange(8) == 4, 0.3 - 0.2, 0.3)
    np.testing.assert_allclose(given.drift, np.broadcast_to(expected, given.drift.shape))
    np.testing.assert_allclose(given.variance[:, 4], 0.3 + 0.4)


def test_nothing_is_said_where_what_inhibits_is_not_known() -> None:
    trains = [np.arange(1.0, 400.0, 1.0).tolist()] * 3
    spikes = Stimulus.from_spike_times("in", trains)
    for inhibited, rates, told in ((None, {}, True), (-1.0, {}, False), (1.0, {}, True),
                                   (-1.0, {"n": 5.0}, True)):  # fmt: skip
        network = between(10.0, inhibited, **rates)
        assert unknown_inhibition(network, "n", spikes, 400.0) is not told
        step, because = trusted_step(network, "n", 1.0, spikes, 400.0)
        assert step is not None
        assert (step < 1.0) is told
        assert ("times a second by their input" in because) is told
        assert trusted_step(network, "n") == (1.0, "")  # without a stimulus it gets nothing


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_every_engine_says_it_once_and_names_the_same_step(backend: str) -> None:
    network = fed(BackgroundInput(target="n", rate_hz=5000.0, weight_mv=5.0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        simulate(network, None, 20.0, 1.0, backend)
    (said,) = [str(w.message) for w in caught if issubclass(w.category, TimeStepWarning)]
    assert "population 'n': the time step of 1 ms is larger than the largest" in said
    step, because = trusted_step(network, "n", 1.0, None, 20.0)
    assert f"{because}, {step:g} ms" in said
    assert step in (0.1, 0.05, 0.2)


SHOWN = {"lif_feedforward": "poisson", "competitive_stdp": "poisson", "lif_neuron": "step_current"}


@pytest.mark.parametrize("name", SHOWN)
def test_shipped_networks_are_not_warned_of_under_shipped_stimuli(name: str) -> None:
    network: Any = load_model(name)
    stimulus = stimulus_for(network, SHOWN[name], 200.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TimeStepWarning)
        warn_of_step(network, time_step(network), 2, stimulus, 200.0)
