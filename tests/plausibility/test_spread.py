"""Findings of several seeds: values, intervals, and the verdict that they allow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn.plausibility.criterion import Finding, Graded, absent, by_equations, untold
from spikelearn.plausibility.spread import interval_of_mean, pooled, ratio_interval


def exact(met: bool, value: float = 0.0, **known: Any) -> Finding:
    return Finding(value, f"{value:.1g}", "-", None, met, f"It is {value:g}.", **known)


def graded(value: float, at_least: bool = True) -> Finding:
    grade = Graded(value, 0.9, at_least, "of accuracy")
    return Finding(value, f"{value:.2f}", "-", None, grade.meets(value), f"It is {value:.2f}.",
                   graded=grade)  # fmt: skip


def over_seeds(*findings: Finding) -> Finding:
    return pooled(dict(enumerate(findings)))


def test_the_interval_of_a_mean_is_student_s() -> None:
    # By hand: mean 3, s.d. 1.5811, t(4) = 2.7764.
    lower, upper = interval_of_mean([1, 2, 3, 4, 5])
    assert (lower, upper) == pytest.approx((3 - 1.96325, 3 + 1.96325), abs=1e-4)
    assert all(math.isnan(end) for end in interval_of_mean([1.0]))


def test_intervals_of_means_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    ends = [interval_of_mean(rng.normal(0.9, 0.05, 5).tolist()) for _ in range(1000)]
    assert 0.93 < np.mean([low <= 0.9 <= high for low, high in ends]) < 0.97


def test_the_interval_of_a_ratio_on_the_same_images_covers_the_truth() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for index in range(200):
        below = rng.random(360) < 0.8
        above = np.where(below, rng.random(360) < 0.9, rng.random(360) < 0.2)
        low, high = ratio_interval([torch.tensor(above)], torch.tensor(below), index)
        held += low <= (0.8 * 0.9 + 0.2 * 0.2) / 0.8 <= high
    assert 0.91 < held / 200 < 0.99


def test_a_ratio_of_a_run_with_itself_has_no_spread_and_that_of_nothing_is_none() -> None:
    right = torch.arange(100) % 3 == 0
    assert ratio_interval([right], right) == (1.0, 1.0)
    assert all(math.isnan(end) for end in ratio_interval([right], torch.zeros(100).bool()))


def test_an_exact_criterion_has_the_verdict_on_which_all_seeds_agree() -> None:
    one = over_seeds(exact(False, 0.2), exact(False, 0.4))
    assert one.verdict == "fail"
    assert one.counts == "2 fail"
    assert (one.value, one.shown) == (pytest.approx(0.3), "0.2 … 0.4")
    assert one.interval_of == "seeds"
    assert over_seeds(by_equations(True, "dw = 0"), by_equations(True, "dw = 0")).met is True
    assert over_seeds(absent("no"), absent("no")).verdict == "does not apply"


def test_where_the_seeds_do_not_agree_it_is_undecided_with_the_counts() -> None:
    one = over_seeds(exact(True), exact(False, 0.4), exact(True))
    assert one.verdict == "undecided"
    assert one.met is None
    assert one.counts == "2 pass, 1 fail"
    assert "fail of seed 1: It is 0.4." in one.sentence
    mixed = over_seeds(absent("no such layer"), exact(True))
    assert mixed.verdict == "undecided"
    told = over_seeds(by_equations(True, "dw = 0"), by_equations(False, "dw = 1"))
    assert told.verdict == "undecided"


def test_a_contradiction_of_one_seed_is_one_of_all() -> None:
    one = over_seeds(exact(True), exact(True, contradiction="it cannot be"))
    assert one.verdict == "contradicted"
    assert one.counts == "1 pass, 1 contradicted"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((0.86, 0.93, 0.90, 0.94), "undecided"),  # the interval holds 0.9
        ((0.95, 0.96, 0.94, 0.95), "pass"),
        ((0.80, 0.81, 0.82, 0.80), "fail"),
        ((0.9, 0.9, 0.9), "pass"),
    ],
)
def test_a_graded_criterion_is_judged_by_its_interval(
    values: tuple[float, ...], verdict: str
) -> None:
    one = over_seeds(*map(graded, values))
    assert one.verdict == verdict
    assert one.lower <= one.value <= one.upper
    assert f"{one.value:.2f} of accuracy ({one.lower:.2f} to {one.upper:.2f})" == one.shown
    downwards = over_seeds(*(graded(v, at_least=False) for v in values))
    assert downwards.verdict == {"pass": "fail", "fail": "pass"}.get(verdict, verdict) or (
        values == (0.9, 0.9, 0.9) and downwards.verdict == "pass"
    )


def test_of_a_graded_criterion_no_seed_is_left_out() -> None:
    little = untold("Accuracy 0.20.", "It would take 0.30.")
    one = over_seeds(graded(0.99), little, graded(0.98))
    assert one.verdict == "cannot be told"
    assert one.needed == "It would take 0.30."
    assert one.counts == "2 pass, 1 cannot be told"
    assert over_seeds(little, little).verdict == "cannot be told"


def test_one_seed_is_what_it_is() -> None:
    one = graded(0.95)
    assert pooled({3: one}) is one
