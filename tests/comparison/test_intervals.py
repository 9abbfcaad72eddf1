"""Intervals and corrected tests against closed forms, rsatoolbox and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rsa_examples import made_up_recording, response
from rsatoolbox.util.inference_util import _dual_bootstrap
from scipy.stats import false_discovery_control, t, ttest_1samp

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_regions,
    compare_rsa,
    difference_table,
    false_discovery_rate,
    holm,
    zero_table,
)
from spikelearn.comparison.intervals import dual_variance, p_by_t, sampled
from spikelearn.recordings import RecordedRDM


@given(st.lists(st.floats(1e-4, 1), min_size=3, max_size=3), st.integers(2, 30), st.integers(2, 99))
@settings(max_examples=60, deadline=None)
def test_the_variance_over_stimuli_and_subjects_is_rsatoolboxs(
    parts, n_subjects, n_stimuli
) -> None:
    expected = _dual_bootstrap(np.array(parts), n_rdm=n_subjects, n_pattern=n_stimuli)
    assert dual_variance(*parts, n_subjects, n_stimuli) == pytest.approx(float(expected))


def test_over_subjects_the_interval_is_students() -> None:
    scores = np.random.default_rng(0).normal(0.3, 0.2, 7)
    value = sampled(scores, np.zeros((7, 0)), 20, "subjects", 0)
    expected = t.interval(0.95, 6, scores.mean(), scores.std(ddof=1) / np.sqrt(7))
    assert (value.low, value.high) == pytest.approx(expected)
    one_sided = ttest_1samp(scores, 0.0, alternative="greater").pvalue
    assert p_by_t(value, two_sided=False) == pytest.approx(one_sided)
    assert p_by_t(value) == pytest.approx(ttest_1samp(scores, 0.0).pvalue)


def test_an_interval_over_both_is_wider_than_over_one() -> None:
    recording = made_up_recording(20, n_subjects=4)
    models = {"m": response(np.random.default_rng(1).normal(size=(20, 8)))}
    widths = {}
    for over in ("stimuli", "subjects", "both"):
        table = compare_rsa(models, recording, 200, over=over)
        mean = table[table.subject == "mean"].iloc[0]
        widths[over] = mean.ci_upper - mean.ci_lower
        single = table[table.subject == "S0"].iloc[0]
        assert single.ci_lower < single.score < single.ci_upper
    assert widths["both"] >= max(widths["stimuli"], widths["subjects"]) * 0.9
    with pytest.raises(SpikelearnError, match="stimuli, subjects, both, not 'pairs'"):
        compare_rsa(models, recording, 10, over="pairs")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_false_discovery_rates_are_scipys(p) -> None:
    np.testing.assert_allclose(false_discovery_rate(np.array(p)), false_discovery_control(p))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.2))
@settings(max_examples=60, deadline=None)
def test_holm_rejects_step_by_step(p, level) -> None:
    rejected = np.zeros(len(p), dtype=bool)
    for step, i in enumerate(np.argsort(p, kind="stable")):
        if p[i] > level / (len(p) - step):
            break
        rejected[i] = True
    corrected = holm(np.array(p))
    clear = np.abs(corrected - level) > 1e-9
    np.testing.assert_array_equal((corrected <= level)[clear], rejected[clear])


def test_corrections_leave_out_what_was_not_tested() -> None:
    p = np.array([0.01, np.nan, 0.04])
    np.testing.assert_allclose(holm(p), [0.02, np.nan, 0.04])
    np.testing.assert_allclose(false_discovery_rate(p), [0.02, np.nan, 0.04])


def test_a_related_model_is_found_and_an_unrelated_one_is_not() -> None:
    recording = made_up_recording(24, seed=9, n_subjects=4)
    common = np.random.default_rng(9).normal(size=(24, 20))
    models = {
        "true": response(common),
        "noise": response(np.random.default_rng(1).normal(size=(24, 9))),
    }
    for test in ("permutation", "subjects"):
        table = zero_table(models, recording, 199, test=test)
        mean = table[table.subject == "mean"].set_index("model")
        assert mean.p["true"] < 0.01
        assert mean.p_holm["true"] == pytest.approx(min(1, 2 * mean.p["true"]))
        assert mean.p["noise"] > 0.05
    with pytest.raises(SpikelearnError, match="tests are permutation, subjects"):
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


def test_regions_of_one_subject_are_compared_over_different_sessions_only() -> None:
    recording = made_up_recording(30, n_subjects=1)
    shared = np.random.default_rng(5).uniform(size=(2, 435))  # noise of each session
    rdms = tuple(
        RecordedRDM("S0", region, str(k), shared[k], "dissimilarity")
        for region in ("V1", "IT")
        for k in range(2)
    )
    object.__setattr__(recording, "rdms", rdms)
    table = compare_regions(recording, 50)
    row = table[(table.subject == "S0") & (table.model == "V1")].iloc[0]
    assert abs(row.score) < 0.15  # though each session's regions are the same
    assert row.flag == "sessions crossed"
