"""Ridge against scikit-learn, and the ceilings of units against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    fit_ridge,
    unit_ceilings,
)
from spikelearn.comparison.encoding import ALPHAS


def regression(n=40, p=60, seed=0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, p)) * 3 + 1
    return x, x[:, :4] @ random.normal(size=(4, 3)) + random.normal(size=(n, 3))


def scaled(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=0)
    return centred / np.sqrt((centred**2).mean() * x.shape[1])


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
def test_ridge_is_scikit_learns(alpha) -> None:
    x, y = regression()
    expected = Ridge(alpha=alpha).fit(scaled(x), y).predict(scaled(x))
    np.testing.assert_allclose(fit_ridge(x, y, [alpha])(x), expected, atol=1e-6)


def test_the_regularisation_of_every_unit_is_scikit_learns_choice() -> None:
    x, y = regression(seed=1)
    predicted = fit_ridge(x, y)(x)
    for k in range(3):
        search = GridSearchCV(
            Ridge(fit_intercept=False),
            {"alpha": ALPHAS},
            cv=KFold(4),
            scoring="neg_mean_squared_error",
        )
        search.fit(scaled(x), y[:, k] - y[:, k].mean())
        expected = search.best_estimator_.predict(scaled(x)) + y[:, k].mean()
        np.testing.assert_allclose(predicted[:, k], expected, atol=1e-6)


def test_too_few_stimuli_to_choose_by_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="3 training stimuli"):
        fit_ridge(np.eye(3), np.eye(3))


def test_a_units_ceiling_is_what_its_noiseless_response_scores() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(3000, 1, 4)) * [0.0, 0.5, 1.0, 2.0]
    repeats = truth + random.normal(size=(3000, 3, 4))
    estimated = unit_ceilings(repeats)
    expected = [np.corrcoef(truth[:, 0, k], repeats[:, :, k].mean(1))[0, 1] for k in (1, 2, 3)]
    np.testing.assert_allclose(estimated[1:], expected, atol=0.02)
    assert estimated[0] < 0.3
    assert np.isnan(unit_ceilings(repeats[:, :1])).all()


def test_ceilings_are_of_stimuli_with_their_own_numbers_of_repeats() -> None:
    """Of 60 stimuli 59 were shown 20 times and one twice, or once."""
    random = np.random.default_rng(0)
    noise = 3.0
    truth = random.normal(size=(60, 1, 200))
    repeats = truth + noise * random.normal(size=(60, 20, 200))
    whole = unit_ceilings(repeats).mean()
    assert whole == pytest.approx(np.sqrt(1 / (1 + noise**2 / 20)), abs=0.02)
    for times in (2, 1):
        rare = repeats.copy()
        rare[7, times:] = np.nan
        noise_of_means = noise**2 * (59 / 20 + 1 / times) / 60
        expected = np.sqrt(1 / (1 + noise_of_means))
        assert unit_ceilings(rare).mean() == pytest.approx(expected, abs=0.03)
