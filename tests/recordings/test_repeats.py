"""Repeats with baselines, missing ones too, against closed forms and what was simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn.recordings import RecordedResponses
from spikelearn.recordings.repeats import (
    halves_of_repeats,
    means_of_repeats,
    noise_of_halves,
    noise_of_means,
    without_baselines,
)

N_UNITS = 1500


def shown(kind: str, n_stimuli: int = 24) -> np.ndarray:
    """Which stimulus was shown in which repeat, bool array of shape (n_stimuli, n_repeats)."""
    seen = np.ones((n_stimuli, 8), dtype=bool)
    if kind == "one twice":
        seen[0, 2:] = False
    elif kind == "one once":
        seen[0, 1:] = False
    elif kind == "one often":
        seen[1:, 2:] = False
    elif kind == "unequal":
        number = np.random.default_rng(3).integers(1, 9, n_stimuli)
        seen = np.arange(8) < number[:, None]
    elif kind == "two days":
        seen[: n_stimuli // 2, 4:] = seen[n_stimuli // 2 :, :4] = False
    return seen


def simulated(kind: str, baselines: float, noise=1.0) -> tuple[np.ndarray, np.ndarray]:
    """Signals of shape (n_stimuli, n_units), and repeats of them."""
    random = np.random.default_rng(1)
    seen = shown(kind)
    signal = random.normal(size=(len(seen), N_UNITS))
    repeats = signal[:, None] + noise * random.normal(size=(*seen.shape, N_UNITS))
    repeats += baselines * random.normal(size=(1, seen.shape[1], N_UNITS))
    repeats[~seen] = np.nan
    return signal, repeats


@pytest.mark.parametrize(
    ("kind", "baselines"),
    [(kind, b) for kind in ("all", "one twice", "one once", "one often", "unequal") for b in (0, 5)]
    + [("two days", 0)],
)
def test_the_noise_of_means_is_what_was_put_in_whatever_the_repeats_and_baselines(
    kind, baselines
) -> None:
    signal, repeats = simulated(kind, baselines)
    means = means_of_repeats(repeats)
    expected = (means - signal).var(axis=0, ddof=1).mean()
    assert noise_of_means(repeats).mean() == pytest.approx(expected, rel=0.05)
    first, second = halves_of_repeats(repeats)
    products = (first - first.mean(axis=0)) * (second - second.mean(axis=0))
    common = products.sum(axis=0).mean() / (len(signal) - 1)
    assert common == pytest.approx(signal.var(axis=0, ddof=1).mean(), rel=0.1)


@pytest.mark.parametrize("kind", ["all", "one twice", "one once", "one often", "unequal"])
def test_baselines_change_nothing_between_stimuli(kind) -> None:
    _, repeats = simulated(kind, 0)
    shifted = repeats + 100 * np.random.default_rng(2).normal(size=(1, repeats.shape[1], N_UNITS))
    one, other = means_of_repeats(repeats), means_of_repeats(shifted)
    np.testing.assert_allclose(one - one[0], other - other[0], atol=1e-9)
    np.testing.assert_allclose(
        without_baselines(repeats) - one[0], without_baselines(shifted) - other[0], atol=1e-9
    )
    np.testing.assert_allclose(noise_of_means(repeats), noise_of_means(shifted))


def test_complete_repeats_are_centred_and_their_means_stay() -> None:
    _, repeats = simulated("all", 3)
    adjusted = without_baselines(repeats)
    np.testing.assert_allclose(adjusted.mean(axis=1), repeats.mean(axis=1))
    expected = repeats - repeats.mean(axis=0) + repeats.mean(axis=(0, 1))
    np.testing.assert_allclose(adjusted, expected)
    # Two-way analysis of variance, by hand.
    rest = adjusted - adjusted.mean(axis=1, keepdims=True)
    by_hand = (rest**2).sum(axis=(0, 1)) / (23 * 7) / 8
    np.testing.assert_allclose(noise_of_means(repeats), by_hand)


def test_noise_of_each_stimulus_is_divided_by_its_own_number_of_repeats() -> None:
    """Where rarely shown stimuli are noisier, their noise is not that of the others."""
    noise = np.ones((24, 1, 1))
    noise[:4] = 4.0
    random = np.random.default_rng(0)
    repeats = noise * random.normal(size=(24, 8, N_UNITS))
    repeats[:4, 2:] = np.nan
    expected = (4 * 16 / 2 + 20 * 1 / 8) / 24
    assert noise_of_means(repeats).mean() == pytest.approx(expected, rel=0.05)


def test_units_with_repeats_of_their_own_are_fitted_by_themselves() -> None:
    _, repeats = simulated("all", 2)
    some = repeats[:, :, :40].copy()
    random = np.random.default_rng(5)
    some[1:, 1:][random.random((23, 7, 40)) < 0.3] = np.nan
    together = noise_of_means(some), means_of_repeats(some)
    for unit in range(0, 40, 7):
        alone = some[:, :, unit : unit + 1]
        np.testing.assert_allclose(noise_of_means(alone)[0], together[0][unit])
        np.testing.assert_allclose(means_of_repeats(alone)[:, 0], together[1][:, unit])
        # Least squares of stimuli and repeats as they are written in textbooks.
        stimulus, repeat = np.nonzero(~np.isnan(alone[:, :, 0]))
        design = np.hstack([np.eye(24)[stimulus], np.eye(8)[repeat]])
        fitted = np.linalg.lstsq(design, alone[stimulus, repeat, 0], rcond=None)[0][:24]
        means = means_of_repeats(alone)[:, 0]
        np.testing.assert_allclose(means - means.mean(), fitted - fitted.mean(), atol=1e-9)


@given(st.integers(0, 1000), st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
@settings(max_examples=25, deadline=None)
def test_an_offset_and_a_scale_of_a_unit_change_noise_by_the_square_of_the_scale(
    seed, offset, scale
) -> None:
    random = np.random.default_rng(seed)
    repeats = random.normal(size=(6, 3, 2))
    repeats[random.random(repeats.shape) < 0.2] = np.nan
    repeats[:, 0] = random.normal(size=(6, 2))
    expected = scale**2 * noise_of_means(repeats)
    np.testing.assert_allclose(noise_of_means(scale * repeats + offset), expected, rtol=1e-4)


def test_without_a_stimulus_shown_twice_there_is_no_noise_to_tell() -> None:
    repeats = np.random.default_rng(0).normal(size=(10, 3, 2))
    repeats[:, 1:, 0] = np.nan
    assert np.isnan(noise_of_means(repeats)[0])
    assert noise_of_means(repeats)[1] > 0
    assert np.isnan(noise_of_means(repeats[:, :1])).all()


@pytest.mark.parametrize(
    ("number", "expected"),
    [(2, (1, 1, 1 / 2)), (3, (1 / 2, 1, 1 / 3)), (4, (1 / 2, 1 / 2, 1 / 4)), (1, (2, 2, 1))],
)
def test_the_noise_of_halves_follows_their_numbers_of_repeats(number, expected) -> None:
    repeats = np.random.default_rng(0).normal(size=(30, number, 4))
    assert noise_of_halves(repeats) == pytest.approx(expected)


def test_the_mean_of_recorded_responses_is_free_of_the_baselines_of_missing_repeats() -> None:
    signal, repeats = simulated("unequal", 50, noise=0.0)
    mean = RecordedResponses("S", "V1", "", repeats, "").mean
    np.testing.assert_allclose(mean - mean[0], signal - signal[0], atol=1e-9)


def test_groups_of_repeats_without_a_common_stimulus_are_counted() -> None:
    from spikelearn.recordings.repeats import separate_repeats

    repeats = np.zeros((6, 4, 2))
    assert separate_repeats(repeats) == 1
    repeats[:3, 2:] = np.nan
    repeats[3:, :2] = np.nan
    assert separate_repeats(repeats) == 2
    repeats[0, 3] = 0.0
    assert separate_repeats(repeats) == 1
