"""What an exponential current adds to a potential within a step: against its integral."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from spikelearn.networks.neurons.lif import decayed_gain


@pytest.mark.parametrize("tau_syn_ms", [0.5, 4.999_999, 5.0, 5.000_001, 80.0])
def test_the_gain_is_the_integral_of_both_decays(tau_syn_ms: float) -> None:
    tau_m_ms, dt_ms = 5.0, 1.5
    integral, _ = quad(
        lambda s: np.exp(-(dt_ms - s) / tau_m_ms) * np.exp(-s / tau_syn_ms) / tau_m_ms, 0, dt_ms
    )
    gain = decayed_gain(tau_syn_ms, np.array([tau_m_ms]), dt_ms)
    assert gain[0] == pytest.approx(integral, rel=1e-10)
