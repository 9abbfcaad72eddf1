"""Spike times in closed form: against fine Euler steps of the neuron's equations."""

from __future__ import annotations

import math

import torch

from spikelearn.networks import spike_times

TAU_M_MS, THETA, END_MS = 10.0, 1.0, 30.0


def volley(times_ms: list[float]) -> spike_times.Volley:
    """Input neurons that spike once each, in this order, for one sample."""
    u = torch.tensor([[math.exp(-t / TAU_M_MS) for t in times_ms]], dtype=torch.float64)
    n = torch.arange(len(times_ms))
    return spike_times.Volley(u, math.exp(-END_MS / TAU_M_MS), n, n)


def by_steps(times_ms: list[float], weights_mv: list[float], dt_ms: float = 1e-4) -> list[float]:
    """Spike times of V' = (-V + I) / tau_m, I' = -I / tau_s by small steps."""
    v = current = 0.0
    spikes, arrivals = [], dict(zip((round(t / dt_ms) for t in times_ms), weights_mv, strict=True))
    for step in range(round(END_MS / dt_ms)):
        current += arrivals.get(step, 0.0)
        v += dt_ms / TAU_M_MS * (current - v)
        current *= math.exp(-dt_ms / (TAU_M_MS / 2))
        if v > THETA:
            v = 0.0
            spikes.append((step + 1) * dt_ms)
    return spikes


def test_spikes_are_those_of_small_steps() -> None:
    times_ms, weights_mv = [0.0, 2.0, 7.0, 15.0], [9.0, 4.0, -3.0, 12.0]
    state = spike_times.potential(volley(times_ms), torch.tensor([weights_mv], dtype=torch.float64))
    fired = spike_times.fire(state, THETA, 20)
    found = [-TAU_M_MS * math.log(part.u.item()) for part in fired]
    expected = by_steps(times_ms, weights_mv)
    assert len(found) == len(expected) >= 3
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), atol=5e-3, rtol=0)


def test_counts_and_first_spikes_and_the_next_volley_agree() -> None:
    weights = torch.tensor([[9.0, 4.0, -3.0, 12.0], [0.1, 0.1, 0.1, 0.1]], dtype=torch.float64)
    given = volley([0.0, 2.0, 7.0, 15.0])
    fired = spike_times.fire(spike_times.potential(given, weights), THETA, 8)
    like = weights
    counts = spike_times.counts(fired, (1, 2), like)
    assert counts[0, 1] == 0
    assert counts[0, 0] == len(fired)
    assert spike_times.first(fired, (1, 2), like)[0, 0] == fired[0].u.item()
    following, place = spike_times.volley_of(fired, 1, given)
    assert following.source.tolist() == [0] * len(fired)
    assert (following.u.diff() <= 0).all()
    assert sorted(place.tolist()) == place.tolist()


def test_running_sums_are_those_of_torch_in_both_directions() -> None:
    for n in (7, 100):
        values = torch.randn(3, n, 2, dtype=torch.float64)
        for backwards in (False, True):
            expected = values.flip(1).cumsum(1).flip(1) if backwards else values.cumsum(1)
            found = spike_times.running_sum(values.clone(), backwards)
            torch.testing.assert_close(found, expected)
