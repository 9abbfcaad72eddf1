"""The table of RSA: known figures of the 92 images, scores, what cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest
from rsa_examples import made_up_recording, needs_images, response, score
from rsatoolbox.rdm import RDMs, compare
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata, spearmanr, t

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_regions,
    compare_rsa,
    mean_luminance,
    noise_ceiling,
    pixels,
    subject_rdms,
)
from spikelearn.comparison.intervals import (
    PairInfluences,
    bootstrap_spearman,
    stimulus_resamples,
    stimulus_variance,
)
from spikelearn.recordings import kriegeskorte92


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
    assert list(zip(table.region, table.subject, strict=True)) == [
        *(("human IT", subject) for subject in ("BE", "KO", "SN", "TI", "mean", "group")),
        ("monkey IT", "group"),
    ]
    assert set(table.model) == {"eye"}
    assert set(table.layer) == {"light"}
    assert table.score.notna().all()
    group = table.subject == "group"
    assert table.ceiling_lower[group].isna().all()
    assert table.flag[group].str.contains("no noise ceiling").all()
    assert (table.ceiling_lower[~group] < table.ceiling_upper[~group]).all()
    assert (table.flag[~group] == "").all()
    mean = table[table.subject == "mean"].iloc[0]
    subjects = table[~group & (table.subject != "mean")]
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


def test_stimuli_are_found_by_their_labels() -> None:
    recording = made_up_recording(12)
    values = np.random.default_rng(2).normal(size=(12, 9))
    order = np.random.default_rng(3).permutation(12)
    labels = np.array(recording.labels)
    in_order = compare_rsa({"m": response(values)}, recording, 30)
    shuffled = compare_rsa({"m": response(values[order], labels[order])}, recording, 30)
    assert in_order.equals(shuffled)


def test_a_response_without_a_stimulus_or_with_one_twice_is_refused() -> None:
    recording = made_up_recording(8)
    values = np.random.default_rng(0).normal(size=(8, 5))
    with pytest.raises(SpikelearnError, match=r"'net · h' lacks 1 of the 8 stimuli.*'s7'"):
        compare_rsa({("net", "h"): response(values[:7])}, recording, 0)
    twice = response(np.vstack([values, values[:1]]), [*recording.labels, "s0"])
    with pytest.raises(SpikelearnError, match="twice"):
        compare_rsa({"net": twice}, recording, 0)
    with pytest.raises(SpikelearnError, match="no model"):
        compare_rsa({}, recording, 0)
    with pytest.raises(SpikelearnError, match="at least 0"):
        compare_rsa({"net": response(values)}, recording, -1)


def test_silent_stimuli_are_left_out_and_counted() -> None:
    recording = made_up_recording(14)
    values = np.random.default_rng(4).poisson(3.0, (14, 25)).astype(float)
    values[[2, 9]] = 0
    values[5] = 1.0
    table = compare_rsa({"m": response(values)}, recording, 200)
    kept = np.setdiff1d(np.arange(14), [2, 5, 9])
    model = pdist(values[kept], "correlation")
    recorded = squareform(recording.groups["monkey IT"].matrix[np.ix_(kept, kept)])
    assert score(table, "monkey IT", "group") == pytest.approx(spearmanr(model, recorded).statistic)
    assert table.n_stimuli.eq(11).all()
    assert table.n_pairs.eq(55).all()
    assert table.flag.str.startswith("2 silent stimuli; 1 constant stimulus").all()
    _, subjects = subject_rdms(recording, "human IT")
    among_kept = np.stack([squareform(squareform(s)[np.ix_(kept, kept)]) for s in subjects])
    mean = table[table.subject == "mean"].iloc[0]
    assert mean.ceiling_lower == pytest.approx(noise_ceiling(among_kept).lower)
    monkey = table[table.region == "monkey IT"].iloc[0]
    among_all = stimulus_resamples(14, 200, seed=0)
    resampled = bootstrap_spearman(model[None], recorded[None], among_all[:, kept])
    influences = PairInfluences(model[None], recorded[None], "spearman")
    variance = stimulus_variance(
        resampled[0, 0].var(ddof=1), 11, influences.variance(influences.of(0, [0]))
    )
    half = t.ppf(0.975, 10) * np.sqrt(variance)
    assert (monkey.ci_lower, monkey.ci_upper) == pytest.approx(
        (monkey.score - half, monkey.score + half)
    )


def test_a_silent_stimulus_of_one_model_does_not_change_another() -> None:
    recording = made_up_recording(14)
    values = np.random.default_rng(5).poisson(3.0, (2, 14, 25)).astype(float)
    alone = compare_rsa({"b": response(values[1])}, recording, 100)
    values[0, 3] = 0
    models = {"a": response(values[0]), "b": response(values[1])}
    both = compare_rsa(models, recording, 100)
    assert alone.equals(both[both.model == "b"].reset_index(drop=True))
    assert list(dict.fromkeys(both.model)) == ["a", "b"]


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
    human = table[table.region == "human IT"].set_index("subject")
    assert human.loc["S0", "score"] == pytest.approx(human.loc["mean", "score"])
    assert human.loc["mean", ["ceiling_lower", "ceiling_upper"]].isna().all()
