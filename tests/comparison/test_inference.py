"""Tests of models against zero and each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rsa_examples import made_up_recording, response
from scipy.stats import false_discovery_control

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_rsa,
    difference_table,
    holm,
    mean_table,
    rdm,
    zero_table,
)
from spikelearn.comparison.intervals import bootstrap_spearman, jackknife_variance


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others() -> None:
    recording = made_up_recording(16)
    models = {"m": response(np.random.default_rng(6).normal(size=(16, 8)))}
    first, again = (compare_rsa(models, recording, 60, seed, over="both") for seed in (3, 3))
    assert first.equals(again)
    one, same, other = (zero_table(models, recording, 60, seed) for seed in (3, 3, 4))
    assert one.equals(same)
    assert not np.allclose(one.p, other.p)
    assert np.array_equal(one.score, other.score)


def test_a_difference_is_that_of_the_scores_and_of_its_resamples() -> None:
    recording = made_up_recording(18)
    generator = np.random.default_rng(7)
    models = {(name, "h"): response(generator.normal(size=(18, 10))) for name in "ab"}
    table = difference_table(models, recording, [(("a", "h"), ("b", "h"))], 400, seed=2)
    scores = compare_rsa(models, recording, 0)
    a, b = (scores[scores.model == name].score.to_numpy() for name in "ab")
    np.testing.assert_allclose(table.difference, a - b)
    vectors = np.stack([rdm(models[name, "h"]).get_vectors()[0] for name in "ab"])
    resampled = bootstrap_spearman(
        vectors,
        recording.groups["monkey IT"].dissimilarities[None],
        1 - np.eye(18, dtype=int),
    )
    monkey = table[table.region == "monkey IT"].iloc[0]
    error = np.sqrt(jackknife_variance(resampled[0, 0] - resampled[1, 0]))
    half = (monkey.ci_upper - monkey.ci_lower) / 2
    assert monkey.ci_lower + half == pytest.approx(monkey.difference)
    # What pairs of stimuli contribute is taken off.
    assert 0.7 * 2.1 * error < half < 2.1 * 1.01 * error
    assert (monkey.p < 0.05) == (monkey.ci_lower > 0 or monkey.ci_upper < 0)


def test_the_interval_of_a_mean_is_that_of_its_resamples_not_the_mean_interval() -> None:
    recording = made_up_recording(18)
    random = np.random.default_rng(7)
    several = [response(random.normal(size=(18, 10))) for _ in range(3)]
    each = pd.concat(compare_rsa({"m": one}, recording, 400, seed=2) for one in several)
    one = mean_table({"m": several[:1]}, recording, 400, seed=2)
    np.testing.assert_allclose(
        one[["score", "ci_lower", "ci_upper"]], each[: len(one)][["score", "ci_lower", "ci_upper"]]
    )
    table = mean_table({"m": several}, recording, 400, seed=2)
    by_row = each.groupby(["region", "subject", "level"], sort=False)[
        ["score", "ci_lower", "ci_upper"]
    ]
    np.testing.assert_allclose(table.score, by_row.mean().score)
    averaged = by_row.mean().ci_upper - by_row.mean().ci_lower
    narrower = (table.ci_upper - table.ci_lower).to_numpy() / averaged.to_numpy()
    # The instances are unrelated, so the error of their mean is that of one over the root of 3.
    np.testing.assert_allclose(narrower, 3**-0.5, atol=0.2)


def test_a_model_differs_by_nothing_from_itself() -> None:
    recording = made_up_recording(10)
    models = {"m": response(np.random.default_rng(8).normal(size=(10, 6)))}
    table = difference_table(models, recording, [("m", "m")], 50)
    assert (table[["difference", "ci_lower", "ci_upper"]] == 0).all(axis=None)
    assert (table.p == 1).all()


def test_a_better_model_differs_from_noise_and_shared_stimuli_are_counted() -> None:
    recording = made_up_recording(40, seed=9)
    common = np.random.default_rng(9).normal(size=(40, 20))  # what its subjects have in common
    noise = np.abs(np.random.default_rng(10).normal(size=(40, 20)))
    noise[0] = 0
    models = {"true": response(common), "noise": response(noise)}
    table = difference_table(models, recording, [("true", "noise")], 500)
    assert (table.ci_lower > 0).all()
    assert (table.p < 0.01).all()
    assert table.n_stimuli.eq(39).all()


def test_a_difference_with_an_unknown_model_is_refused() -> None:
    models = {"m": response(np.eye(8))}
    with pytest.raises(SpikelearnError, match="no model 'n'"):
        difference_table(models, made_up_recording(8), [("m", "n")], 5)


def test_a_related_model_is_found_and_an_unrelated_one_is_not() -> None:
    recording = made_up_recording(24, seed=9, n_subjects=4)
    common = np.random.default_rng(9).normal(size=(24, 20))
    models = {
        "true": response(common),
        "noise": response(np.random.default_rng(1).normal(size=(24, 9))),
    }
    for test in ("permutation", "subjects"):
        table = zero_table(models, recording, 199, test=test)
        mean = table[table.level == "mean"].set_index("model")
        assert mean.p["true"] < 0.01
        assert mean.p_holm["true"] == pytest.approx(min(1, 2 * mean.p["true"]))
        assert mean.p["noise"] > 0.05
    with pytest.raises(SpikelearnError, match="there are permutation, subjects"):
        zero_table(models, recording, test="bootstrap")


def test_all_pairs_of_models_are_compared_and_corrected_together() -> None:
    recording = made_up_recording(16)
    random = np.random.default_rng(2)
    models = {name: response(random.normal(size=(16, 8))) for name in "abc"}
    table = difference_table(models, recording, n_bootstrap=100)
    monkey = table[table.region == "monkey IT"]
    assert list(zip(monkey.model_a, monkey.model_b, strict=True)) == [
        ("a", "b"), ("a", "c"), ("b", "c"),
    ]  # fmt: skip
    np.testing.assert_allclose(monkey.p_holm, holm(monkey.p.to_numpy()))
    np.testing.assert_allclose(monkey.p_fdr, false_discovery_control(monkey.p))


def test_tables_of_tests_say_what_was_left_out_and_why_there_is_none() -> None:
    recording = made_up_recording(12)
    patterns = np.random.default_rng(1).normal(size=(12, 6))
    silent = np.where(np.arange(12)[:, None] == 3, 0.0, np.abs(patterns))
    models = {"whole": response(patterns), "silent": response(silent), "same": response(silent * 0)}
    one, none = "1 silent stimulus", "12 silent stimuli; no score: 0 of 12 stimuli left"
    scores = compare_rsa(models, recording, 0).groupby("model").flag
    assert scores.first()["silent"] == one
    assert scores.first()["same"].startswith(none)
    for table in (zero_table(models, recording, 60), mean_table(models, recording, 10)):
        flags = table.groupby("model").flag.unique()
        assert [*flags["whole"], *flags["silent"]] == ["", one]
        assert flags["same"].tolist() == [none]
    pairs = difference_table(models, recording, [("whole", "silent"), ("silent", "same")], 10)
    assert pairs.groupby("model_a").flag.unique().str[0].to_dict() == {
        "whole": one, "silent": f"{one}; {none}"
    }  # fmt: skip
    few = zero_table({"whole": response(patterns)}, recording, 9)
    assert set(few.flag) == {"of 9 relabellings: no p below 0.1"}
