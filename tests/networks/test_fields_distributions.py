"""Named distributions: their means by theory, their limits, their scale."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from spikelearn.networks.fields import AnyDistribution, Distribution

CASES = [
    {"distribution": "uniform", "low": -1.0, "high": 3.0},
    {"distribution": "normal", "mean": 1.0, "sd": 2.0},
    {"distribution": "normal", "mean": 1.0, "sd": 2.0, "low": 0.0},
    {"distribution": "normal", "mean": 1.0, "sd": 0.0},
    {"distribution": "lognormal", "mean": 2.0, "sd": 1.0},
    {"distribution": "lognormal", "mean": -2.0, "sd": 1.0},
    {"distribution": "exponential", "mean": 3.0, "low": 1.0},
]
N = 200_000


def distribution(fields: dict) -> AnyDistribution:
    made: AnyDistribution = TypeAdapter(Distribution).validate_python(fields)
    return made


@pytest.mark.parametrize("fields", CASES, ids=str)
def test_the_mean_of_what_is_drawn_is_the_expected_one(fields: dict) -> None:
    made = distribution(fields)
    values = made.draw(N, np.random.default_rng(0))
    assert abs(values.mean() - made.expected) <= 5 * values.std() / np.sqrt(N)
    for limit, outside in (("low", np.less), ("high", np.greater)):
        if limit in fields:
            assert not outside(values, fields[limit]).any()


@pytest.mark.parametrize("fields", CASES, ids=str)
def test_a_scaled_distribution_draws_the_scaled_values(fields: dict) -> None:
    made = distribution(fields)
    one = made.draw(1000, np.random.default_rng(1))
    other = made.times(2.5).draw(1000, np.random.default_rng(1))
    np.testing.assert_allclose(other, 2.5 * one, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sd", [0.5, 1.0])
def test_a_log_normal_has_the_standard_deviation_of_its_values(sd: float) -> None:
    made = distribution({"distribution": "lognormal", "mean": 2.0, "sd": sd})
    assert made.draw(N, np.random.default_rng(2)).std() == pytest.approx(sd, rel=0.03)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"distribution": "uniform", "low": 1.0, "high": 0.0}, "low must not lie above high"),
        ({"distribution": "normal", "mean": 0.0, "sd": 1.0, "low": 7.0}, "leave nothing"),
        ({"distribution": "lognormal", "mean": 0.0, "sd": 1.0}, "cannot be 0"),
        ({"distribution": "exponential", "mean": 1.0, "low": 1.0}, "mean must lie above low"),
    ],
)
def test_a_distribution_of_nothing_is_refused(fields: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        distribution(fields)
