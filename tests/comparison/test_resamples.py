"""Which stimuli are drawn, and which left out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rsa_examples import made_up_recording, response
from scipy.stats import t

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import compare_rsa, difference_table, mean_table
from spikelearn.comparison.intervals import FACTORS, jackknife_variance, sampled
from spikelearn.comparison.resamples import Resamples, groups_of_stimuli, resamples_of


def labelled(n: int, **fields) -> SimpleNamespace:
    return SimpleNamespace(name="made up", labels=[f"s{i:03}" for i in range(n)], **fields)


def test_over_stimuli_each_is_left_out_once_and_none_is_drawn() -> None:
    resamples = resamples_of(labelled(7), 50, 0, "stimuli")
    np.testing.assert_array_equal(resamples.left_out, 1 - np.eye(7, dtype=int))
    assert resamples.drawn.shape == (0, 7)
    assert resamples_of(labelled(7), 50, 0, "both").drawn.shape == (50, 7)
    assert not resamples_of(labelled(7), 0, 0, "both").counts.size


def test_stimuli_that_are_not_there_are_neither_drawn_nor_left_out() -> None:
    valid = np.arange(8) != 2
    resamples = resamples_of(labelled(8), 20, 0, "both", valid)
    assert not resamples.counts[:, 2].any()
    assert len(resamples.left_out) == 7
    assert (resamples.left_out.sum(axis=1) == 6).all()


def test_of_many_stimuli_groups_are_left_out_the_same_for_the_same_seed() -> None:
    valid = np.ones(230, dtype=bool)
    groups = groups_of_stimuli(labelled(230), "stimuli", valid, 3)
    assert set(np.bincount(groups)) == {2, 3}
    np.testing.assert_array_equal(groups, groups_of_stimuli(labelled(230), "stimuli", valid, 3))
    assert len(resamples_of(labelled(230), 9, 0, "stimuli", most_groups=25).left_out) == 25


def test_over_categories_each_is_left_out_with_all_its_stimuli() -> None:
    kind = np.array([0, 1, 2, 3, 0, 1, 2, 3, 3])
    recording = labelled(9, categories={str(k): kind == k for k in range(4)})
    left_out = resamples_of(recording, 9, 0, "categories").left_out
    expected = [(kind != k).astype(int).tolist() for k in range(4)]
    assert sorted(left_out.tolist()) == sorted(expected)
    # Too few categories are left: nothing can be said.
    some = resamples_of(recording, 9, 0, "categories", kind != 0)
    assert not len(some.left_out)


def test_scores_are_parted_as_resamples_are_joined() -> None:
    resamples = Resamples(np.ones((3, 5)), np.ones((2, 5)), "both")
    drawn, left_out = resamples.parted(np.arange(10).reshape(2, 5))
    assert drawn.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert left_out.tolist() == [[3, 4], [8, 9]]
    assert Resamples(np.ones((3, 5)), np.ones((0, 5)), "both").parted(np.ones((2, 3)))[1] is None


def test_the_jackknife_variance_of_a_mean_is_that_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(size=30)
    left_out = np.array([np.delete(values, i).mean() for i in range(30)])
    assert jackknife_variance(left_out) == pytest.approx(values.var(ddof=1) / 30)


def test_of_the_variance_of_pairs_half_is_taken_off_but_never_more_than_half_of_all() -> None:
    left_out = np.random.default_rng(0).normal(size=30)
    whole = jackknife_variance(left_out)
    assert jackknife_variance(left_out, 0.1 * whole) == pytest.approx(0.95 * whole)
    assert jackknife_variance(left_out, 9 * whole) == pytest.approx(0.5 * whole)


def test_bounds_of_a_score_are_students_on_fishers_scale() -> None:
    left_out = 0.8 + 0.01 * np.random.default_rng(0).normal(size=(1, 12))
    value = sampled(np.array([0.8]), np.zeros((1, 0)), 12, "stimuli", 0, left_out=left_out)
    error = np.sqrt(jackknife_variance(left_out[0]))
    assert value.error == pytest.approx(error)
    half = t.ppf(0.975, 11) * error / (1 - 0.8**2)
    expected = np.tanh(np.arctanh(0.8) - half), np.tanh(np.arctanh(0.8) + half)
    assert (value.low, value.high) == pytest.approx(expected)
    difference = sampled(
        np.array([0.8]), np.zeros((1, 0)), 12, "stimuli", 0, left_out=left_out, limit=2.0
    )
    half = t.ppf(0.975, 11) * error
    assert (difference.low, difference.high) == pytest.approx((0.8 - half, 0.8 + half))


def test_a_perfect_score_has_bounds_within_its_range() -> None:
    same = sampled(np.ones(1), np.zeros((1, 0)), 9, "stimuli", 0, left_out=np.ones((1, 9)))
    assert (same.low, same.high) == (1.0, 1.0)
    left_out = np.array([[1.0, 1.0, 0.2, 1.0, 1.0]])
    value = sampled(np.ones(1), np.zeros((1, 0)), 5, "stimuli", 0, left_out=left_out)
    assert -1 <= value.low < value.high == 1.0


@pytest.mark.parametrize("over", FACTORS)
def test_every_table_takes_every_factor(over) -> None:
    recording = made_up_recording(20, n_subjects=3)
    kind = np.arange(20) % 5
    object.__setattr__(recording, "categories", {str(k): kind == k for k in range(5)})
    random = np.random.default_rng(0)
    models = {name: response(random.normal(size=(20, 7))) for name in "ab"}
    for table in (
        compare_rsa(models, recording, 40, over=over),
        mean_table(models, recording, 40, over=over),
        difference_table(models, recording, None, 40, over=over),
    ):
        mean = table[table.level == "mean"]
        assert mean[["ci_lower", "ci_upper"]].notna().all(axis=None)
        assert (mean.ci_lower < mean.ci_upper).all()


def test_more_resamples_change_no_interval_over_stimuli() -> None:
    recording = made_up_recording(15)
    models = {"m": response(np.random.default_rng(0).normal(size=(15, 7)))}
    one, other = (compare_rsa(models, recording, n, seed) for n, seed in ((10, 0), (200, 5)))
    assert one.equals(other)


def test_unknown_factors_are_refused() -> None:
    with pytest.raises(
        SpikelearnError, match="'pairs'; there are stimuli, subjects, both, categories"
    ):
        resamples_of(labelled(5), 9, 0, "pairs")
