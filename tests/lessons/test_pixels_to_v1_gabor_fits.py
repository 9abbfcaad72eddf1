"""Gabor functions are found again, and noise is told from them; what students answer is told."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.lessons.gabor_fits import fit_gabor, gabor


@pytest.mark.parametrize("orientation", [0.0, 35.0, 90.0, 160.0])
@pytest.mark.parametrize("phase", [0.0, 90.0, 200.0])
def test_a_gabor_function_is_found_again_below_noise(orientation: float, phase: float) -> None:
    true = gabor(12, orientation, 0.16, phase, 2.2)
    noise = np.random.default_rng(0).normal(size=true.shape)
    noise *= 0.2 * np.linalg.norm(true) / np.linalg.norm(noise)
    found = fit_gabor(3.0 * (true + noise))
    off = (found.orientation_deg - orientation + 90) % 180 - 90
    assert abs(off) < 5
    assert found.cycles_per_pixel == pytest.approx(0.16, rel=0.1)
    assert (found.x, found.y) == pytest.approx((5.5, 5.5), abs=0.4)
    assert (found.sigma_across, found.sigma_along) == pytest.approx((2.2, 2.2), rel=0.2)
    assert found.r2 == pytest.approx(1 / 1.04, abs=0.03)


def test_a_gabor_function_off_the_middle_is_found_where_it_is() -> None:
    moved = np.roll(gabor(12, 60.0, 0.2, 30.0, 1.5), (2, -1), axis=(0, 1))
    found = fit_gabor(moved)
    assert (found.x, found.y) == pytest.approx((4.5, 7.5), abs=0.05)
    assert found.r2 > 0.99


def test_noise_is_hardly_described() -> None:
    noise = np.random.default_rng(1).normal(size=(8, 12, 12))
    assert np.median([fit_gabor(one).r2 for one in noise]) < 0.3


def test_what_is_no_filter_is_refused() -> None:
    for wrong in (np.ones(9), np.ones((4, 5)), np.zeros((6, 6)), np.full((6, 6), np.nan)):
        with pytest.raises(sl.SpikelearnError, match="filter"):
            fit_gabor(wrong)


def _spectrum(one: np.ndarray) -> float:
    return fit_gabor(one).orientation_deg


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [(1, lambda w, x: (w @ x) * x, "That is Hebb's rule"), (1, lambda w, x: 0.0, "shape ()"),
     (1, lambda w: w, "other than 2 arguments"), (2, lambda p: p[:, :3], "keep their shape"),
     (2, lambda p: p**2, "Whitening is linear"),
     (2, lambda p: p / p.std(axis=0), "still correlated"),
     (2, lambda p: p @ np.linalg.inv(np.linalg.cholesky(np.cov(p.T, bias=True))).T, None),
     (3, _spectrum, None), (3, lambda one: 90.0, "bars that are horizontal")],
)  # fmt: skip
def test_answers_are_told_apart(exercise: int, answer: object, said: str | None) -> None:
    verdict = sl.lessons.check("pixels_to_v1", exercise, answer)
    assert verdict.right is (said is None), verdict
    assert (said or "") in verdict.text
