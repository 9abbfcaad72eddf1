"""Networks that are simulated from event to event, under audit."""

from __future__ import annotations

import pytest
import torch

from spikelearn.networks import spike_times
from spikelearn.plausibility.instruments.event_networks import (
    along_axes,
    input_slots,
    longer,
    other_slopes,
)
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate, effect


def test_a_longer_input_has_as_many_moments_as_were_asked_for() -> None:
    description = RepeatedUpdate("eventprop").model
    stretched = longer(description, 64)
    assert stretched.latency_ms == pytest.approx(64 * description.dt_ms)
    assert input_slots(stretched) == 65
    assert stretched.tau_m_ms / stretched.latency_ms == pytest.approx(
        description.tau_m_ms / description.latency_ms
    )


def test_sums_along_axes_and_slopes_are_put_back() -> None:
    short, root = spike_times._SHORT, spike_times._root
    with along_axes(), other_slopes(lambda fall: 2 * fall):
        assert spike_times._SHORT == 0
        assert spike_times._root is not root
    assert short == spike_times._SHORT
    assert spike_times._root is root


def test_other_slopes_at_spikes_change_the_update_of_hidden_layers() -> None:
    update = RepeatedUpdate("eventprop")
    base = update.run().updates
    with other_slopes(torch.clone):
        assert effect(update.run().updates, base, update.hidden_names()) == 0.0
    with other_slopes(lambda fall: 2 * fall):
        assert effect(update.run().updates, base, update.hidden_names()) > 0.1
