"""Poisson input whose rates differ between sources and vary in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.stimuli import PoissonProtocol, RateCourse, Stimulus, poisson_spikes

DT = 0.5


def shown(
    rate: Any, size: int = 50, duration_ms: float = 400.0, n_trials: int = 40, seed: int = 0
) -> Stimulus:
    protocol = PoissonProtocol(kind="poisson", name="p", rate_hz=rate, n_trials=n_trials)
    return protocol.realise({"in": size}, duration_ms, DT, seed)


def counts_in_bins(stimulus: Stimulus, n_bins: int, duration_ms: float = 400.0) -> np.ndarray:
    """Spikes of all trials, array of shape (n_bins, sources)."""
    spikes = stimulus.spikes["in"]
    bins = (spikes.times_ms * n_bins / duration_ms + 1e-9).astype(int)
    return np.histogram2d(
        bins, spikes.senders, [np.arange(n_bins + 1), np.arange(spikes.size + 1)]
    )[0]


def assert_poisson(counts: np.ndarray, expected: np.ndarray) -> None:
    """Each count within five standard errors, and all together as scattered as they must be."""
    expected = np.broadcast_to(expected, counts.shape)
    assert not counts[expected == 0].any()
    z = (counts - expected)[expected > 0] / np.sqrt(expected[expected > 0])
    assert np.abs(z).max() < 5.5
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs((z**2).mean() - 1) < 0.05 + 5 * np.sqrt(2 / z.size)


def test_every_source_fires_at_its_own_rate() -> None:
    rates = np.linspace(0.0, 100.0, 50)
    counts = counts_in_bins(shown(list(rates)), 4)
    assert_poisson(counts, rates * 0.1 * 40)


def test_a_piecewise_constant_rate_is_kept_in_each_piece() -> None:
    course = {"kind": "course", "times_ms": [0, 100, 200, 300], "rates_hz": [10, 80, 0, 40]}
    counts = counts_in_bins(shown(course), 4)
    assert_poisson(counts, np.array([[10.0], [80.0], [0.0], [40.0]]) * 0.1 * 40)


def test_a_linear_course_has_the_integral_of_its_line() -> None:
    course = {
        "kind": "course", "times_ms": [0, 200, 300], "rates_hz": [0, 100, 20],
        "interpolation": "linear",
    }  # fmt: skip
    counts = counts_in_bins(shown(course), 4)
    assert_poisson(counts, np.array([[25.0], [75.0], [60.0], [20.0]]) * 0.1 * 40)


def test_a_course_whose_times_lie_off_the_grid_keeps_its_number_of_spikes() -> None:
    course = RateCourse(times_ms=(0.0, 0.7, 1.9), rates_hz=(10.0, 100.0, 0.0))
    on_grid = course.on_grid(1, 10, 0.5)[0, :, 0]
    np.testing.assert_allclose(on_grid, [10, 64, 100, 80, 0, 0, 0, 0, 0, 0], atol=1e-9)
    ramp = RateCourse(times_ms=(0.0, 0.75), rates_hz=(0.0, 75.0), interpolation="linear")
    np.testing.assert_allclose(ramp.on_grid(1, 3, 0.5)[0, :, 0], [25, 68.75, 75], atol=1e-9)


def test_a_sinusoidal_rate_has_its_power_at_its_frequency_alone() -> None:
    wave = {"kind": "sinusoid", "mean_hz": 40.0, "amplitude_hz": 30.0, "frequency_hz": 25.0,
            "phase_deg": 90.0}  # fmt: skip
    stimulus = shown(wave, size=100, n_trials=50)
    steps = np.rint(stimulus.spikes["in"].times_ms / DT).astype(int)
    histogram = np.bincount(steps, minlength=800)
    spectrum = np.fft.rfft(histogram) / histogram.size
    scale = 5000 * DT / 1000
    # Means over a step begin half a step later than the step, and are damped by sinc(f dt).
    shift = np.exp(2j * np.pi * 0.025 * DT / 2) * np.sinc(0.025 * DT)
    noise = np.sqrt(40.0 * scale / histogram.size)  # standard error of a coefficient
    assert abs(spectrum[0].real - 40.0 * scale) < 5 * noise
    assert abs(spectrum[10] - 15.0 * scale * shift) < 5 * noise  # 25 Hz is the tenth of 2.5 Hz
    others = np.delete(np.abs(spectrum), [0, 10]) ** 2
    assert abs(others.mean() - noise**2) < 5 * noise**2 / np.sqrt(others.size)


@pytest.mark.parametrize("suffix", ["npy", "npz", "csv"])
def test_an_array_from_a_file_gives_each_source_its_course(suffix: str, tmp_path: Path) -> None:
    rates = np.array([[0.0, 10.0, 50.0, 100.0], [80.0, 0.0, 20.0, 40.0]]).repeat(10, axis=0)
    path = tmp_path / f"rates.{suffix}"
    if suffix == "csv":
        np.savetxt(path, rates, delimiter=",", header="20 sources, 4 bins")
    elif suffix == "npz":
        np.savez(path, rates=rates)
    else:
        np.save(path, rates)
    array = {"kind": "array", "file": path, "bin_ms": 100.0}
    assert_poisson(counts_in_bins(shown(array, size=20), 4), rates.T * 0.1 * 40)
    # After the last bin there is nothing.
    late = shown(array, size=20, duration_ms=800.0).spikes["in"].times_ms
    assert late.max() < 400.0


def test_sources_may_have_rates_of_their_own_and_the_others_stay_silent() -> None:
    protocol = PoissonProtocol(
        kind="poisson",
        name="p",
        sources={"a": {"rate_hz": 20.0}, "b": {"rate_hz": [5.0, 200.0]}},  # type: ignore[dict-item]
        n_trials=20,
    )
    stimulus = protocol.realise({"a": 30, "b": 2, "c": 4}, 500.0, DT, 0)
    assert list(stimulus.labels) == ["p"] * 20
    assert abs(len(stimulus.spikes["a"]) - 6000) < 5 * np.sqrt(6000)
    assert np.all(
        np.abs(stimulus.spikes["b"].counts(20).sum(axis=0) - [50, 2000]) < 5 * np.sqrt([50, 2000])
    )
    assert stimulus.spikes["c"].size == 4
    assert not len(stimulus.spikes["c"])


def test_a_source_that_is_not_named_takes_the_rate_for_all() -> None:
    named = {"rate_hz": 7.0, "sources": {"a": {"rate_hz": 0.0}}}
    stimulus = PoissonProtocol(kind="poisson", name="p", **named).realise(  # type: ignore[arg-type]
        {"a": 10, "b": 100}, 1000.0, DT, 0
    )
    assert not len(stimulus.spikes["a"])
    assert abs(len(stimulus.spikes["b"]) - 700) < 5 * np.sqrt(700)


def test_trials_are_independent_and_one_seed_gives_one_stimulus() -> None:
    wave = {"kind": "sinusoid", "mean_hz": 40.0, "amplitude_hz": 0.0, "frequency_hz": 5.0}
    a, b, c = shown(wave), shown(wave), shown(wave, seed=1)
    np.testing.assert_array_equal(a.spikes["in"].times_ms, b.spikes["in"].times_ms)
    assert not np.array_equal(a.spikes["in"].times_ms, c.spikes["in"].times_ms)
    counts = a.spikes["in"].counts(40)
    correlations = np.corrcoef(counts)[np.triu_indices(40, 1)]
    assert abs(correlations.mean()) < 5 / np.sqrt(correlations.size * 50)
    # A constant rate over time draws what a constant rate draws.
    constant = shown(40.0).spikes["in"]
    np.testing.assert_array_equal(constant.times_ms, a.spikes["in"].times_ms)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ([1.0, 2.0], ["rate_hz", "50", "'in'", "2"]),
        (1e15, ["rate_hz", "8e+17 spikes", "GB", "background"]),
        ({"kind": "course", "times_ms": [0, 5], "rates_hz": [0, 1e15]}, ["rate_hz", "background"]),
    ],
)
def test_rates_that_do_not_fit_are_refused(rate: Any, words: list[str]) -> None:
    with pytest.raises(SpikelearnError) as raised:
        shown(rate)
    assert "\n" not in str(raised.value)
    for word in ["stimulus 'p'", *words]:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("rates", "word"),
    [
        (np.ones((3, 7)), "shape"),
        (np.ones((1, 1, 1, 1)), "shape"),
        (np.array([1.0, np.nan]), "finite"),
        (np.array([1.0, -2.0]), "-2"),
    ],
)
def test_arrays_of_rates_that_make_no_sense_are_refused(rates: np.ndarray, word: str) -> None:
    with pytest.raises(SpikelearnError, match=word):
        poisson_spikes(2, rates, 10.0, 1.0, generator(0))
