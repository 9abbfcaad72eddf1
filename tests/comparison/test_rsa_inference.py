"""Bootstrap, differences and noise ceilings against rsatoolbox, SciPy and plain NumPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rsa_examples import made_up_recording, response
from rsatoolbox.rdm import RDMs, compare
from scipy.stats import rankdata, spearmanr

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_rsa,
    difference_table,
    mean_table,
    noise_ceiling,
    rdm,
    subject_rdms,
)
from spikelearn.comparison.intervals import bootstrap_spearman, stimulus_resamples


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
    for drawn, found in zip(counts, scores, strict=True):
        resample = np.repeat(np.arange(n), drawn)
        pair = [
            RDMs(vector[None]).subsample_pattern("index", resample) for vector in (model, recorded)
        ]
        vectors = [one.get_vectors()[0] for one in pair]
        kept = ~np.isnan(vectors[0])
        if min(np.ptp(v[kept]) for v in vectors) == 0:
            assert np.isnan(found)
            continue
        assert found == pytest.approx(compare(*pair, method="spearman").item(), abs=1e-10)
        assert found == pytest.approx(
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


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others() -> None:
    recording = made_up_recording(16)
    models = {"m": response(np.random.default_rng(6).normal(size=(16, 8)))}
    first, again, other = (compare_rsa(models, recording, 60, seed) for seed in (3, 3, 4))
    assert first.equals(again)
    assert not np.allclose(first.ci_lower, other.ci_lower)
    assert np.array_equal(first.score, other.score)


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
        stimulus_resamples(18, 400, seed=2),
    )
    monkey = table[table.region == "monkey IT"].iloc[0]
    error = (resampled[0, 0] - resampled[1, 0]).std(ddof=1)
    half = (monkey.ci_upper - monkey.ci_lower) / 2
    assert monkey.ci_lower + half == pytest.approx(monkey.difference)
    assert error < half < 2.2 * error  # the bootstrap overestimates the error of small scores
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
    by_row = each.groupby(["region", "subject"], sort=False)[["score", "ci_lower", "ci_upper"]]
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


@given(st.integers(2, 6), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_noise_ceiling_is_leave_one_subject_out_in_plain_numpy(n_subjects, seed) -> None:
    generator = np.random.default_rng(seed)
    subjects = generator.normal(size=45) + generator.normal(size=(n_subjects, 45))
    ranks = np.array([s.argsort().argsort() for s in subjects], dtype=float)

    def spearman(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])

    lower = [
        spearman(ranks[i], ranks[np.arange(n_subjects) != i].mean(axis=0))
        for i in range(n_subjects)
    ]
    upper = [spearman(ranks[i], ranks.mean(axis=0)) for i in range(n_subjects)]
    ceiling = noise_ceiling(subjects)
    np.testing.assert_allclose(ceiling.lower_by_subject, lower, atol=1e-12)
    np.testing.assert_allclose(ceiling.upper_by_subject, upper, atol=1e-12)
    assert ceiling.lower == pytest.approx(np.mean(lower))
    assert ceiling.upper == pytest.approx(np.mean(upper))


def test_identical_subjects_leave_no_noise_and_one_subject_has_no_ceiling() -> None:
    one = np.random.default_rng(0).normal(size=45)
    alike = noise_ceiling(np.stack([one, one, one]))
    assert (alike.lower, alike.upper) == pytest.approx((1.0, 1.0))
    assert np.isnan(noise_ceiling(one[None]).lower)


def test_a_region_without_subjects_has_no_subject_rdms() -> None:
    with pytest.raises(SpikelearnError, match="regions with one are: human IT"):
        subject_rdms(made_up_recording(6), "monkey IT")
