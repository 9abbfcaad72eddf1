"""Intervals keep within what a score can be, and cover the truth in worlds of many sorts."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import KINDS, Experiments

from spikelearn.comparison import COMPARATORS, METHODS
from spikelearn.comparison.models_and_targets import PARTIAL_RSA

OF_KINDS = [kind for kind in KINDS if kind != "new kinds"]
N_SETS = 400


@pytest.mark.parametrize("kind", ["normal", "heavy", "runs"])
def test_a_few_experiments_are_covered_about_as_often_as_intervals_say(kind) -> None:
    assert 0.88 <= Experiments(kind, "rsa", 12).coverage(60) <= 1.0


@pytest.mark.parametrize("comparator", COMPARATORS)
@pytest.mark.parametrize("n_stimuli", [4, 5, 6, 12])
def test_bounds_of_rsa_are_correlations_however_few_the_stimuli(comparator, n_stimuli) -> None:
    for seed in range(3):
        table = Experiments("normal", "rsa", n_stimuli, comparator=comparator).table(seed)
        defined = table[np.isfinite(table.ci_lower)]
        assert (defined.ci_lower >= -1).all()
        assert (defined.ci_upper <= 1).all()
        assert (defined.ci_lower <= defined.score).all()
        assert (defined.score <= defined.ci_upper).all()
        assert table.flag[table.ci_lower.isna()].str.contains("too few stimuli").all()
        assert table.ci_lower.isna().all() == (n_stimuli == 4)


@pytest.mark.parametrize("method", ["cka", "cca", "procrustes", "encoding"])
def test_bounds_of_methods_on_responses_are_within_minus_1_and_1(method) -> None:
    for seed in range(2):
        table = Experiments("heavy", method, 20, noise=0.1).table(seed)
        assert table[["ci_lower", "ci_upper"]].abs().le(1).all(axis=None)
        assert (table.ci_lower <= table.score).all()


@pytest.mark.parametrize("method", ["rsa", "cka"])
def test_of_four_stimuli_there_are_scores_and_no_intervals_and_that_is_said(method) -> None:
    table = Experiments("normal", method, 4).table(0)
    assert table.score.notna().all()
    assert table[["ci_lower", "ci_upper"]].isna().all(axis=None)
    assert table.flag.str.contains("no interval: too few stimuli").all()
    assert Experiments("normal", method, 6).table(0).ci_lower.notna().all()


@pytest.mark.parametrize("method", ["rsa", "cka"])
def test_intervals_over_categories_cover_where_those_over_stimuli_do_not(method) -> None:
    """New images of new kinds: what intervals over stimuli do not promise."""
    world = Experiments("new kinds", method, 32)
    assert world.coverage(60, "categories") >= 0.87
    assert world.coverage(60, "stimuli") < 0.95


@pytest.mark.slow
@pytest.mark.parametrize("kind", OF_KINDS)
@pytest.mark.parametrize("n_stimuli", [12, 20, 36])
def test_intervals_of_rsa_cover_the_truth_in_95_percent_in_every_world(kind, n_stimuli) -> None:
    assert 0.93 <= Experiments(kind, "rsa", n_stimuli).coverage(N_SETS) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("method", ["rsa", "cka"])
@pytest.mark.parametrize("n_stimuli", [5, 8])
def test_intervals_of_very_few_stimuli_are_wider_than_they_need_be(method, n_stimuli) -> None:
    for kind in ("normal", "heavy", "same kinds"):
        assert 0.94 <= Experiments(kind, method, n_stimuli).coverage(N_SETS) <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize("comparator", [name for name in COMPARATORS if name != "spearman"])
def test_intervals_by_other_comparators_cover_in_heavy_tails_and_few_stimuli(comparator) -> None:
    for kind, n_stimuli in (("heavy", 20), ("normal", 12)):
        world = Experiments(kind, "rsa", n_stimuli, comparator=comparator)
        assert 0.925 <= world.coverage(300) <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("kind", OF_KINDS)
@pytest.mark.parametrize(
    ("method", "n_stimuli"),
    [("cka", 12), ("cka", 36), ("procrustes", 20), ("procrustes", 48), ("cca", 20), ("cca", 48),
     ("encoding", 20), ("encoding", 48)],
)  # fmt: skip
def test_intervals_of_responses_cover_the_truth_in_95_percent_in_every_world(
    method, n_stimuli, kind
) -> None:
    n_sets = N_SETS if method == "cka" else 200
    # Those of methods that rotate or fit maps are up to 99.5 %: wider than they need be.
    most = 0.985 if method in ("cka", "cca") else 0.996
    assert 0.92 <= Experiments(kind, method, n_stimuli).coverage(n_sets) <= most


@pytest.mark.slow
@pytest.mark.parametrize("method", [m for m in METHODS if m != PARTIAL_RSA])
@pytest.mark.parametrize("n_stimuli", [24, 48])
def test_intervals_over_categories_cover_the_truth_of_new_kinds(method, n_stimuli) -> None:
    """Those of methods that fit maps are wider than they need be."""
    n_sets, most = (N_SETS, 0.985) if method in ("rsa", "cka") else (150, 1.0)
    covered = Experiments("new kinds", method, n_stimuli).coverage(n_sets, "categories")
    assert 0.925 <= covered <= most
