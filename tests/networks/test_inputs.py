"""Noise and background input as a simulation draws them."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn.networks.neurons import (
    LIF,
)
from spikelearn.networks.spiking import BackgroundInput, NoiseInput, SpikingNetwork
from spikelearn.simulation import simulate

SILENT = 1e6  # a threshold that is never reached, mV


def test_noise_has_the_mean_the_spread_and_the_interval_that_are_asked_for() -> None:
    # A leak so fast that the potential is the current.
    cell = LIF(size=200, tau_m_ms=0.001, v_threshold_mv=SILENT)
    network = SpikingNetwork(
        name="noise",
        populations={"n": cell},
        noise=(NoiseInput(target="n", unit="mv", mean=3.0, sd=2.0, interval_ms=0.5),),
    )
    v = simulate(network, None, 100.0, 0.1, "native", record=("n",)).states["n.v_mv"][0]
    blocks = v.reshape(200, 5, 200)
    np.testing.assert_array_equal(blocks, np.repeat(blocks[:, :1], 5, axis=1))
    assert blocks[:, 0].mean() == pytest.approx(3.0, abs=5 * 2.0 / np.sqrt(40_000))
    assert blocks[:, 0].std() == pytest.approx(2.0, rel=0.02)


def test_background_input_begins_and_ends_when_it_should() -> None:
    network = SpikingNetwork(
        name="kick",
        populations={"n": LIF(size=100, tau_m_ms=0.1, v_threshold_mv=1.0)},
        background=(
            BackgroundInput(target="n", rate_hz=2000.0, weight_mv=5.0, start_ms=20.0, stop_ms=40.0),
        ),
    )
    times = simulate(network, None, 100.0, 0.1, "native")["n"].times_ms
    assert 20.0 <= times.min() < 21.0
    assert 39.0 < times.max() < 40.0
    assert len(times) == pytest.approx(100 * 2000 * 0.02, rel=0.15)
