"""Thresholds that rise at spikes and decay back."""

from __future__ import annotations

import numpy as np
import pytest
from under_current import under_current

from spikelearn.networks.neurons import (
    AdaptiveLIF,
)


def test_the_threshold_rises_at_each_spike_and_decays_back() -> None:
    # Without leak or reset to speak of: v is set, theta alone moves.
    cell = AdaptiveLIF(
        size=1, tau_m_ms=1e-3, v_threshold_mv=10.0, v_reset_mv=0.0, threshold_increment_mv=4.0,
        tau_threshold_ms=20.0,
    )  # fmt: skip
    times = under_current(cell, 20.0, "mv", 400.0, 0.1)["n"].times_ms
    # It spikes as soon as theta is below 10: before a spike 10, after it 14.
    interval = np.diff(times)[20:]
    assert interval.mean() == pytest.approx(20.0 * np.log(14.0 / 10.0), abs=0.1)
    assert len(times) > 30


def test_the_threshold_at_the_start_must_lie_above_the_reset() -> None:
    with pytest.raises(ValueError, match="v_threshold_mv and threshold_offset_mv together must"):
        AdaptiveLIF(
            size=1, v_threshold_mv=1.0, threshold_increment_mv=1.0, tau_threshold_ms=1.0,
            threshold_offset_mv=-2.0,
        )  # fmt: skip
