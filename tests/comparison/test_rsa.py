"""Intervals and corrected tests against closed forms, rsatoolbox and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from rsa_examples import made_up_recording, needs_images, response, score
from rsatoolbox.rdm import RDMs, compare
from scipy.spatial.distance import pdist
from scipy.stats import rankdata, spearmanr

from spikelearn.comparison import (
    compare_regions,
    compare_rsa,
    mean_luminance,
    pixels,
)
from spikelearn.recordings import RecordedRDM, kriegeskorte92


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


@needs_images
def test_pixels_correlate_with_human_and_monkey_it_as_known() -> None:
    recording = kriegeskorte92.load()
    table = compare_rsa(
        {"pixels": pixels(recording.images, recording.labels)}, recording, n_bootstrap=0
    )
    assert score(table, "human IT", "group") == pytest.approx(0.10645, abs=1e-5)
    assert score(table, "monkey IT", "group") == pytest.approx(0.14478, abs=1e-5)
    assert table.n_stimuli.eq(92).all()
    assert table.n_pairs.eq(4186).all()


@needs_images
def test_rows_are_subjects_mean_and_groups_with_ceilings_where_there_are_subjects() -> None:
    recording = kriegeskorte92.load()
    table = compare_rsa(
        {("eye", "light"): mean_luminance(recording.images, recording.labels)}, recording, 50
    )
    assert list(zip(table.region, table.level, table.subject, strict=True)) == [
        *(("human IT", "subject", subject) for subject in ("BE", "KO", "SN", "TI")),
        ("human IT", "mean", ""),
        ("human IT", "group", ""),
        ("monkey IT", "group", ""),
    ]
    assert set(table.model) == {"eye"}
    assert set(table.layer) == {"light"}
    assert table.score.notna().all()
    group = table.level == "group"
    assert table.ceiling_lower[group].isna().all()
    assert table.flag[group].str.contains("no noise ceiling").all()
    assert (table.ceiling_lower[~group] < table.ceiling_upper[~group]).all()
    assert (table.flag[~group] == "").all()
    mean = table[table.level == "mean"].iloc[0]
    subjects = table[~group & (table.level != "mean")]
    assert mean.score == pytest.approx(subjects.score.mean())
    assert mean.ceiling_lower == pytest.approx(subjects.ceiling_lower.mean())
    assert mean.ceiling_upper == pytest.approx(subjects.ceiling_upper.mean())


@needs_images
def test_monkey_it_as_a_model_of_human_it_scores_as_known() -> None:
    recording = kriegeskorte92.load()
    human, monkey = (recording.groups[r].dissimilarities for r in ("human IT", "monkey IT"))
    assert compare(RDMs(human[None]), RDMs(monkey[None]), "spearman").item() == pytest.approx(
        0.43892, abs=1e-5
    )


def test_scores_are_scipys_spearman_correlations() -> None:
    recording = made_up_recording(20)
    values = np.random.default_rng(1).normal(size=(20, 15))
    table = compare_rsa({"m": response(values)}, recording, n_bootstrap=0)
    model = pdist(values, "correlation")
    for region, recorded in recording.groups.items():
        expected = spearmanr(model, recorded.dissimilarities).statistic
        assert score(table, region, "group") == pytest.approx(expected)
    one, two = (rankdata(r.dissimilarities) for r in recording.rdms[:2])
    assert score(table, "human IT", "S0") == pytest.approx(spearmanr(model, one + two).statistic)


def test_a_model_with_the_recorded_rdm_scores_one() -> None:
    recording = made_up_recording(15)
    recorded = recording.groups["monkey IT"].matrix
    # Classical scaling of square-rooted distances: squared distances are the dissimilarities.
    centred = recorded - recorded.mean(0) - recorded.mean(1)[:, None] + recorded.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    assert values.min() > -1e-9  # correlation distances are squared Euclidean ones
    model = response(vectors * np.sqrt(np.maximum(values, 0)), rdm_method="euclidean")
    table = compare_rsa({"copy": model}, recording, n_bootstrap=20)
    assert score(table, "monkey IT", "group") == pytest.approx(1.0)
    monkey = table[table.region == "monkey IT"].iloc[0]
    assert (monkey.ci_lower, monkey.ci_upper) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        (np.zeros((8, 5)), "8 silent stimuli; no score: 0 of 8 stimuli left"),
        (np.ones((8, 1)) * np.arange(1, 9)[:, None], "8 constant stimuli; no score"),
        (np.eye(8), "no score: all dissimilarities equal"),
    ],
)
def test_a_model_without_dissimilarities_scores_nan_and_says_why(values, flag) -> None:
    table = compare_rsa({"m": response(values)}, made_up_recording(8), 20)
    assert table[["score", "ci_lower", "ci_upper"]].isna().all(axis=None)
    assert table.flag.str.contains(flag).all()


def test_regions_are_as_alike_as_their_published_matrices() -> None:
    recording = made_up_recording(14)
    table = compare_regions(recording, n_bootstrap=100)
    vectors = [recording.groups[name].dissimilarities for name in ("human IT", "monkey IT")]
    np.testing.assert_allclose(table["score"], spearmanr(*vectors).statistic, rtol=1e-12)
    assert list(table["model"]) == ["human IT", "monkey IT"]
    assert list(table["region"]) == ["monkey IT", "human IT"]
    assert (table["ci_lower"] < table["score"]).all()
    assert (table["score"] < table["ci_upper"]).all()


@needs_images
def test_human_and_monkey_it_are_as_alike_as_known() -> None:
    table = compare_regions(kriegeskorte92.load(), n_bootstrap=0)
    np.testing.assert_allclose(table["score"], 0.43892, atol=1e-5)


def test_a_recording_of_one_subject_is_compared_without_a_ceiling_over_subjects() -> None:
    recording = made_up_recording(20, n_subjects=1)
    values = np.random.default_rng(1).normal(size=(20, 15))
    table = compare_rsa({"m": response(values)}, recording, n_bootstrap=50)
    human = table[table.region == "human IT"].set_index("level")
    assert human.loc["subject", "score"] == pytest.approx(human.loc["mean", "score"])
    assert human.loc["mean", ["ceiling_lower", "ceiling_upper"]].isna().all()
