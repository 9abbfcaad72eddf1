"""Poisson input is Poisson: at any rate, on any grid, however the rate is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import nearest_steps
from spikelearn.stimuli import PoissonProtocol, RateEncoder, poisson_spikes
from spikelearn.stimuli.drawn_spikes import counted_spikes

SIZE, DURATION_MS = 40, 200.0
LEAST_P = 1e-4  # of tests with fixed seeds, of which there are about a hundred


def counts_a_step(spikes: PopulationSpikes, n_steps: int, dt_ms: float) -> np.ndarray:
    """Spikes of each source in each step of each trial, flat."""
    places = (spikes.trials * n_steps + nearest_steps(spikes.times_ms, dt_ms)) * spikes.size
    n = (int(spikes.trials.max(initial=0)) + 1) * n_steps * spikes.size
    return np.bincount(places + spikes.senders, minlength=n)


def assert_poisson(counts: np.ndarray, mean: float) -> None:
    """Chi-squared over the numbers, rare ones together, and the exact law of their sum."""
    numbers = np.arange(int(stats.poisson.isf(1e-9, mean)) + 2)
    found = np.bincount(counts, minlength=numbers.size)
    assert found.size == numbers.size, f"{counts.max()} spikes where {mean} are the mean"
    below = counts.size * stats.poisson.cdf(numbers, mean)
    cuts, last = [], 0.0
    for number, until in zip(numbers.tolist(), below.tolist(), strict=True):
        if until - last >= 5 and counts.size - until >= 5:
            cuts, last = [*cuts, number + 1], until
    expected = np.diff([0.0, *below[np.array(cuts, dtype=int) - 1], counts.size])
    together = np.add.reduceat(found, [0, *cuts])
    assert stats.chisquare(together, expected).pvalue > LEAST_P
    assert stats.poisson.cdf(counts.sum(), counts.size * mean) > LEAST_P
    assert stats.poisson.sf(counts.sum() - 1, counts.size * mean) > LEAST_P


RATES = [20.0, 500.0, 5_000.0, 10_000.0, 80_000.0, 800_000.0]


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("given", ["number", "list", "course", "sinusoid", "image"])
def test_the_counts_of_a_step_are_poisson(given: str, rate_hz: float, dt_ms: float) -> None:
    size, duration = (4, 20.0) if rate_hz > 1e5 else (SIZE, DURATION_MS)
    n_steps = round(duration / dt_ms)
    rates: dict[str, Any] = {
        "number": rate_hz,
        "list": [rate_hz] * size,
        "course": {"kind": "course", "times_ms": [0.0], "rates_hz": [rate_hz]},
        "sinusoid": {
            "kind": "sinusoid", "mean_hz": rate_hz, "amplitude_hz": 0.0, "frequency_hz": 7.0
        },
    }  # fmt: skip
    if given == "image":
        encoder = RateEncoder(max_rate_hz=2 * rate_hz)
        spikes = encoder.encode(np.full((1, size), 0.5), duration, dt_ms, generator(1, "image"))
    else:
        protocol = PoissonProtocol(kind="poisson", name="p", rate_hz=rates[given])
        spikes = protocol.realise({"in": size}, duration, dt_ms, seed=1).spikes["in"]
    assert_poisson(counts_a_step(spikes, n_steps, dt_ms), rate_hz * dt_ms / 1000.0)


@pytest.mark.parametrize("rate_hz", [20.0, 5_000.0, 10_000.0])
def test_the_fano_factor_of_trials_is_one_on_every_grid(rate_hz: float) -> None:
    for dt_ms in (0.1, 0.5, 2.0):
        spikes = poisson_spikes(300, rate_hz, 20.0, dt_ms, generator(2), n_trials=8)
        counts, mean = spikes.counts(8).ravel(), rate_hz * 0.02
        # Of a sum of squares over the mean: chi-squared with as many degrees of freedom.
        statistic = ((counts - mean) ** 2).sum() / mean
        sd = np.sqrt((2 + 1 / mean) * counts.size)
        assert abs(statistic - counts.size) < 4.5 * sd


def test_sources_and_steps_of_different_rates_keep_their_own() -> None:
    rates = np.array([0.0, 3.0, 400.0, 5_000.0, 60_000.0])
    for rate in (rates, np.tile(rates, (1, 400, 1))):
        counts = poisson_spikes(5, rate, 400.0, 1.0, generator(4)).counts(1)[0]
        for count, mean in zip(counts, rates * 0.4, strict=True):
            assert stats.poisson.cdf(count, mean) > LEAST_P
            assert stats.poisson.sf(count - 1, mean) > LEAST_P
    image = RateEncoder(max_rate_hz=60_000.0).encode(
        rates[None] / 60_000.0, 400.0, 1.0, generator(5)
    )
    assert (np.abs(image.counts(1)[0] - rates * 0.4) <= 5 * np.sqrt(rates * 0.4)).all()
    assert not image.counts(1)[0, 0]


def test_a_low_rate_keeps_the_spikes_of_a_bernoulli_process_but_for_a_few() -> None:
    probability = np.full((1, 1), 0.01)
    found = counts_a_step(counted_spikes([probability], 50, 20_000, 1.0, generator(6)), 20_000, 1.0)
    one = generator(6).random((20_000, 50)).ravel() < 0.01
    assert not found[~one].any()
    # Of the spikes, the share p / 2 comes to nothing, and another comes several times.
    assert np.mean(found[one] == 0) == pytest.approx(0.005, abs=0.003)
    assert np.mean(found[one] > 1) == pytest.approx(0.005, abs=0.003)


def test_large_means_do_not_end_at_a_number() -> None:
    means = np.array([[29.0, 30.0, 31.0, 700.0, 5000.0]])
    counts = counted_spikes([means] * 400, 5, 1, 1.0, generator(7)).counts(400)
    z = (counts.mean(axis=0) - means[0]) / np.sqrt(means[0] / 400)
    assert np.abs(z).max() < 4.5
    assert np.abs(counts.var(axis=0) / means[0] - 1).max() < 4.5 * np.sqrt(2 / 400)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_rates_that_are_none_are_refused_however_they_are_given(
    value: float, tmp_path: Path
) -> None:
    with pytest.raises(SpikelearnError, match=r"rate_hz must be (at least 0|finite)"):
        poisson_spikes(2, value, 10.0, 1.0, generator(0))
    with pytest.raises(ValueError, match="rate_hz"):
        PoissonProtocol(kind="poisson", name="p", rate_hz=value)
    path = tmp_path / "rates.npy"
    np.save(path, np.array([1.0, value]))
    protocol = PoissonProtocol(
        kind="poisson", name="p",
        rate_hz={"kind": "array", "file": path, "bin_ms": 1.0},  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(SpikelearnError, match=r"negative rate|finite"):
        protocol.realise({"in": 2}, 10.0, 1.0, 0)
