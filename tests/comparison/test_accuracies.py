"""Accuracies are told apart over test examples and seeds, and beside their controls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from spikelearn.comparison.accuracies import above_share, accuracy_difference, control_table


def test_with_one_seed_it_is_that_of_two_binomial_shares() -> None:
    found = accuracy_difference({0: 0.92}, {0: 0.90}, 10_000)
    error = np.sqrt(0.92 * 0.08 / 10_000 + 0.90 * 0.10 / 10_000)
    assert found.difference == pytest.approx(0.02)
    assert (found.ci_lower, found.ci_upper) == pytest.approx(
        (0.02 - 1.96 * error, 0.02 + 1.96 * error), abs=2e-4
    )
    assert found.p < 1e-5
    assert accuracy_difference({0: 0.92}, {0: 0.90}, 200).p > 0.3


def test_pairs_are_of_one_seed_and_what_seeds_share_does_not_count() -> None:
    base = {0: 0.80, 1: 0.85, 2: 0.90}
    better = {seed: value + 0.01 for seed, value in base.items()}
    assert accuracy_difference(better, base, 10**6, paired=True).p < 1e-6
    assert accuracy_difference(better, base, 10**6).p > 0.5
    some = accuracy_difference(better, {2: 0.90, 7: 0.1}, 10**6, paired=True)
    assert some.n_seeds == 1
    assert some.difference == pytest.approx(0.01)
    for nothing in ({}, {5: 0.9}, {0: np.nan}):
        assert np.isnan(accuracy_difference(better, nothing, 100, paired=True).p)


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_it_errs_no_more_than_it_says(n_seeds: int) -> None:
    # Two equal rules, on images and seeds of their own; what one seed hides, no test can tell.
    spread = 0.01 if n_seeds > 1 else 0.0
    draw = np.random.default_rng(n_seeds)
    n_test, told, n_worlds = 400, 0, 600
    for _ in range(n_worlds):
        truly = 0.9 + spread * draw.normal(size=(2, n_seeds))
        right = draw.binomial(n_test, truly) / n_test
        one, other = (dict(enumerate(accuracies)) for accuracies in right)
        told += accuracy_difference(one, other, n_test, paired=True).p < 0.05
    assert told / n_worlds < 0.08


def test_above_chance_is_a_binomial_tail() -> None:
    expected = binomtest(65, 100, 0.6, alternative="greater").pvalue
    assert above_share(0.65, 100, 0.6) == pytest.approx(expected)
    # With nine of ten in one class, 90 % is nothing.
    assert above_share(0.9, 1000, 0.9) > 0.4
    assert above_share(0.9, 1000, 0.1) < 1e-9


def test_each_network_stands_beside_its_own_controls() -> None:
    runs = pd.DataFrame(
        [
            {"rule": rule, "seed": seed, "test_accuracy": accuracy, "n_test": 10_000,
             "linear_readout": 0.924, "random_features": control}
            for rule, accuracy, control in (("oja", 0.918, 0.919), ("bcm", 0.9635, np.nan))
            for seed in range(3)
        ]
    )  # fmt: skip
    table = control_table(runs)
    assert list(table.rule) == ["oja", "oja", "bcm", "bcm"]
    assert list(table.control) == ["linear_readout", "random_features"] * 2
    own, control = (dict.fromkeys(range(3), accuracy) for accuracy in (0.918, 0.924))
    alone = accuracy_difference(own, control, 10_000, paired=True)
    assert table.p.iloc[0] == alone.p
    assert np.isnan(table.difference.iloc[3])
    assert table.difference.iloc[0] == pytest.approx(-0.006)
    assert control_table(runs.iloc[:0]).empty
