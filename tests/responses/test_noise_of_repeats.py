"""Variability between repeats, and responses that are as noisy."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.responses import (
    noise_matched,
    poisson_repeats,
    variability,
)
from tests.responses.examples import random_response


def recorded_units(seed: int, signal_sd, noise_sd, n_repeats: int, n_stimuli: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    signal = draw.standard_normal((n_stimuli, len(signal_sd))) * signal_sd
    shape = (n_stimuli, n_repeats, len(signal_sd))
    return signal[:, None] + draw.standard_normal(shape) * noise_sd


def test_poisson_repeats_have_the_variance_of_their_mean() -> None:
    means = np.abs(random_response(0, n_stimuli=3, n_units=4)) * 5.0
    repeats = poisson_repeats(means, 20_000, seed=1)
    assert repeats.dims == ("stimulus", "repeat", "unit")
    np.testing.assert_allclose(repeats.mean("repeat").values, means.values, rtol=0.05, atol=0.05)
    np.testing.assert_allclose(repeats.var("repeat").values, means.values, rtol=0.1, atol=0.05)
    with pytest.raises(SpikelearnError, match="at least 0"):
        poisson_repeats(random_response(0), 2)


def test_variability_is_estimated_without_bias() -> None:
    signal_sd, noise_sd = np.array([2.0, 1.0, 0.5]), np.array([1.0, 3.0, 1.0])
    estimates = [variability(recorded_units(s, signal_sd, noise_sd, 4, 60)) for s in range(200)]
    signal = np.mean([f.signal for f in estimates], axis=0)
    noise = np.mean([f.noise for f in estimates], axis=0)
    np.testing.assert_allclose(noise, noise_sd**2, rtol=0.03)
    np.testing.assert_allclose(signal[[0, 2]], signal_sd[[0, 2]] ** 2, rtol=0.06)
    # Naively, as the variance of the means, the second would be 1 + 9 / 4.
    assert signal[1] == pytest.approx(1.0, abs=0.25)


def test_missing_repeats_do_not_bias_the_variability() -> None:
    recorded = recorded_units(1, np.full(300, 1.5), np.full(300, 2.0), 6, 40)
    recorded[::2, 3:] = np.nan
    estimates = variability(recorded)
    assert estimates.noise.mean() == pytest.approx(4.0, rel=0.03)
    assert estimates.signal.mean() == pytest.approx(2.25, rel=0.06)


def test_a_noise_matched_population_is_as_reliable_as_the_recorded_one() -> None:
    recorded = recorded_units(2, np.full(80, 1.0), np.full(80, 2.0), 5, 400)
    model = random_response(3, n_stimuli=400, n_units=200)
    matched = noise_matched(model, recorded, n_repeats=5, seed=7)
    assert matched.dims == ("stimulus", "repeat", "unit")
    estimates = variability(matched.values)
    assert np.median(estimates.ratio) == pytest.approx(0.25, rel=0.1)
    # The signal underneath is the model's: the mean over many repeats shows it.
    many = noise_matched(model, recorded, n_repeats=100, seed=7).mean("repeat").values
    r = [np.corrcoef(many[:, u], model.values[:, u])[0, 1] for u in range(50)]
    assert min(r) > 0.95


def test_variability_needs_repeats() -> None:
    with pytest.raises(SpikelearnError, match="at least 2 repeats"):
        variability(np.zeros((5, 1, 3)))


def test_noise_belongs_to_names_and_not_to_places() -> None:
    response = np.abs(random_response(0, n_stimuli=6, n_units=5))
    response = response.assign_coords(
        stimulus=[f"s{i}" for i in range(6)], unit=[f"u{i}" for i in range(5)]
    )
    random = np.random.default_rng(2)
    moved = response.isel(stimulus=random.permutation(6), unit=random.permutation(5))
    recorded = recorded_units(0, np.array([2.0, 1.0, 0.5]), np.array([1.0, 3.0, 1.0]), 4, 20)
    for noisy, again in (
        (poisson_repeats(response, 3, seed=4), poisson_repeats(moved, 3, seed=4)),
        (
            noise_matched(response, recorded, 3, seed=4),
            noise_matched(moved, recorded[:, :, [2, 0, 1]], 3, seed=4),
        ),
    ):
        same = again.sel(stimulus=noisy["stimulus"], unit=noisy["unit"])
        np.testing.assert_allclose(noisy.values, same.values, atol=1e-12)
