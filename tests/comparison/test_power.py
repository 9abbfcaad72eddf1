"""How small a difference is found: a closed form, what moves it, and studies that plant it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from power_examples import recording, studies
from scipy.stats import norm

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.power import (
    found,
    planted,
    power_table,
    smallest_difference,
    smallest_found,
)
from spikelearn.comparison.simulated_studies import studies_like
from spikelearn.recordings import algonauts2019, load


def test_with_a_known_error_it_is_that_of_the_closed_form() -> None:
    error = 0.03
    difference = error * norm.ppf((np.arange(2000) + 0.5) / 2000)
    critical = norm.ppf(0.975)
    tested = np.column_stack([difference, *np.full((2, 2000), [[error], [critical]])])
    assert smallest_found(tested) == pytest.approx((critical + norm.ppf(0.8)) * error, rel=2e-3)
    assert smallest_found(tested, 0.5) == pytest.approx(critical * error, rel=2e-3)
    of_ten = norm.ppf(1 - 0.05 / 20)
    expected = (of_ten + norm.ppf(0.8)) * error
    assert smallest_found(tested, n_tests=10) == pytest.approx(expected, rel=2e-3)


def test_models_that_are_alike_and_stimuli_that_are_many_show_smaller_differences() -> None:
    usual = smallest_found(studies().tested(0, 8))
    assert smallest_found(studies(alike=0.9).tested(0, 8)) < usual
    assert smallest_found(studies(n_stimuli=40).tested(0, 8)) < usual
    less = planted(studies(), 0.1, 0, 10)
    first, second = studies().scores(0, less, 10)
    assert first - second == pytest.approx(0.1, abs=0.01)
    with pytest.raises(SpikelearnError, match=r"no model scores 0\.900 less than one of"):
        planted(studies(), 0.9, 0, 3)


def test_where_even_the_signal_itself_is_not_told_from_nothing_it_is_said() -> None:
    few = studies(n_stimuli=6, noise=3.0)
    smallest, error = smallest_difference(few, 6)
    assert np.isnan(smallest)
    assert error > 0


def test_noise_that_is_not_known_is_said_in_the_table() -> None:
    table = power_table(recording(n_subjects=1), n_studies=2)
    assert np.isnan(table.smallest_difference.item())
    assert table.flag.item() == "one subject without repeats: its noise is not known"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"method": "partial_rsa"}, "power is known of the methods rsa"), ({"method": "x"}, "'x'"),
     ({"over": "categories"}, "over stimuli, subjects, both"), ({"alike": 1.0}, "alike"),
     ({"n_studies": 1}, "n_studies"), ({"share": 1.0}, "share"), ({"n_tests": 0}, "n_tests")],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(wrong, words) -> None:
    with pytest.raises(SpikelearnError, match=words):
        power_table(recording(), **wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "over"), [("rsa", "stimuli"), ("rsa", "both"), ("cka", "stimuli")]
)
def test_a_planted_difference_of_that_size_is_found_in_80_percent(method, over) -> None:
    one = replace(studies(n_stimuli=30), method=method, over=over)
    smallest, _ = smallest_difference(one, 400)
    assert 0.75 <= found(one, smallest, 400) <= 0.85


@pytest.mark.slow
@pytest.mark.skipif(
    not algonauts2019.at_hand(),
    reason="the files of algonauts2019 are neither in SPIKELEARN_DATA nor placed by hand",
)
def test_so_it_is_with_the_noise_of_a_recording() -> None:
    for region in ("human EVC", "human IT"):
        one, _ = studies_like(load("algonauts2019:92"), region, "rsa", "stimuli", 0.0)
        assert one is not None
        smallest, _ = smallest_difference(one, 200)
        assert 0.75 <= found(one, smallest, 300) <= 0.85
