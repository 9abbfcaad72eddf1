"""Resamples against rsatoolbox, and the intervals that are made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rsa_examples import made_up_recording, response
from rsatoolbox.rdm import RDMs, compare
from rsatoolbox.util.inference_util import _dual_bootstrap
from scipy.stats import spearmanr, t, ttest_1samp

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    COMPARATORS,
    compare_rsa,
    intervals,
)
from spikelearn.comparison.intervals import (
    bootstrap_scores,
    bootstrap_spearman,
    dual_variance,
    p_by_t,
    sampled,
    stimulus_resamples,
)


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_resample_scores_what_rsatoolbox_gives_for_it(seed, tied) -> None:
    generator = np.random.default_rng(seed)
    n = 9
    model, recorded = generator.uniform(size=(2, n * (n - 1) // 2))
    if tied:
        model, recorded = np.round(4 * model), np.round(3 * recorded)
    counts = stimulus_resamples(n, 6, seed)
    scores = bootstrap_spearman(model[None], recorded[None], counts)[0, 0]
    for drawn, of_resample in zip(counts, scores, strict=True):
        resample = np.repeat(np.arange(n), drawn)
        pair = [
            RDMs(vector[None]).subsample_pattern("index", resample) for vector in (model, recorded)
        ]
        vectors = [one.get_vectors()[0] for one in pair]
        kept = ~np.isnan(vectors[0])
        if min(np.ptp(v[kept]) for v in vectors) == 0:
            assert np.isnan(of_resample)
            continue
        assert of_resample == pytest.approx(compare(*pair, method="spearman").item(), abs=1e-10)
        assert of_resample == pytest.approx(
            spearmanr(vectors[0][kept], vectors[1][kept]).statistic, abs=1e-10
        )


def test_without_resampling_the_bootstrap_gives_rsatoolboxs_score() -> None:
    generator = np.random.default_rng(0)
    models, recorded = generator.poisson(4, (5, 66)), generator.uniform(size=(3, 66))
    scores = bootstrap_spearman(models, recorded, np.ones((1, 12), dtype=int))[:, :, 0]
    expected = compare(RDMs(models.astype(float)), RDMs(recorded), "spearman")
    np.testing.assert_allclose(scores, expected, atol=1e-12)


def test_resamples_draw_as_many_stimuli_as_there_are_each_equally_often() -> None:
    counts = stimulus_resamples(10, 5000, seed=1)
    assert (counts.sum(axis=1) == 10).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.07)
    np.testing.assert_allclose(counts.var(axis=0), 0.9, atol=0.09)


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
    error = scores.std(ddof=1) / np.sqrt(7) / (1 - scores.mean() ** 2)
    expected = np.tanh(t.interval(0.95, 6, np.arctanh(scores.mean()), error))
    assert (value.low, value.high) == pytest.approx(tuple(expected))
    one_sided = ttest_1samp(scores, 0.0, alternative="greater").pvalue
    assert p_by_t(value, two_sided=False) == pytest.approx(one_sided)
    assert p_by_t(value) == pytest.approx(ttest_1samp(scores, 0.0).pvalue)


def test_an_interval_over_both_is_wider_than_over_one() -> None:
    recording = made_up_recording(20, n_subjects=4)
    models = {"m": response(np.random.default_rng(1).normal(size=(20, 8)))}
    widths = {}
    for over in ("stimuli", "subjects", "both"):
        table = compare_rsa(models, recording, 200, over=over)
        mean = table[table.level == "mean"].iloc[0]
        widths[over] = mean.ci_upper - mean.ci_lower
        single = table[table.subject == "S0"].iloc[0]
        assert single.ci_lower < single.score < single.ci_upper
    assert widths["both"] >= max(widths["stimuli"], widths["subjects"]) * 0.9
    with pytest.raises(SpikelearnError, match="not made over 'pairs'; there are stimuli, sub"):
        compare_rsa(models, recording, 10, over="pairs")


@pytest.mark.parametrize("comparator", COMPARATORS)
def test_a_resample_by_any_comparator_scores_what_rsatoolbox_gives_for_it(comparator) -> None:
    random = np.random.default_rng(0)
    models, data = random.uniform(0.1, 1, (2, 36)), random.uniform(0.1, 1, (3, 36))
    counts = stimulus_resamples(9, 4, seed=0)
    scores = bootstrap_scores(models, data, counts, comparator)
    method = COMPARATORS[comparator][0]
    for b, drawn in enumerate(counts):
        resample = np.repeat(np.arange(9), drawn)
        a, c = (RDMs(v.copy()).subsample_pattern("index", resample) for v in (models, data))
        np.testing.assert_allclose(scores[:, :, b], compare(a, c, method=method), atol=1e-10)


def test_of_many_pairs_each_resample_is_ranked_by_itself_to_the_same_bits(monkeypatch) -> None:
    generator = np.random.default_rng(0)
    n = 150  # 11,175 pairs, of which no two resamples are ranked together
    models, data = generator.normal(size=(2, 2, n * (n - 1) // 2))
    data[1] = np.round(data[1])  # some are equal
    counts = stimulus_resamples(n, 20, 0)
    alone = bootstrap_spearman(models, data, counts)
    monkeypatch.setattr(intervals, "_FEW_PAIRS", 2**40)
    assert np.array_equal(bootstrap_spearman(models, data, counts), alone)
