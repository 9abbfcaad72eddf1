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


@pytest.mark.parametrize("fields", [*CASES, {**CASES[2], "low": 2.9, "high": 3.0}], ids=str)
def test_values_are_the_same_however_many_are_drawn_at_a_time(fields, monkeypatch):
    made = distribution(fields)
    streams = [np.random.default_rng(4) for _ in range(3)]
    monkeypatch.setattr("spikelearn.networks.fields._BLOCK", 10_000)
    at_once = made.draw(1000, streams[0])
    monkeypatch.setattr("spikelearn.networks.fields._BLOCK", 7)
    few = made.draw_as(1000, streams[1], np.float32, lambda values: 2.0 * values)
    np.testing.assert_array_equal(few, (2.0 * at_once).astype(np.float32))
    if fields["distribution"] == "normal":  # all, and then all that lie outside, again and again
        wanted = streams[2].normal(made.mean, made.sd, 1000)
        low, high = fields.get("low", -np.inf), fields.get("high", np.inf)
        for _ in range(100):
            outside = (wanted < low) | (wanted > high)
            wanted[outside] = streams[2].normal(made.mean, made.sd, outside.sum())
        np.testing.assert_array_equal(at_once, np.clip(wanted, low, high))
    assert streams[0].random() == streams[1].random()
