"""Comparators and their resamples against rsatoolbox; what leaves a score as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rsa_examples import made_up_recording, response
from rsatoolbox.inference import boot_noise_ceiling
from rsatoolbox.rdm import RDMs, compare
from scipy.spatial.distance import pdist
from scipy.stats import kendalltau, spearmanr

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import COMPARATORS, compare_rsa, noise_ceiling, repeat_ceiling
from spikelearn.comparison.comparators import compare_vectors
from spikelearn.comparison.intervals import PairInfluences, bootstrap_scores, stimulus_resamples


@pytest.mark.parametrize("comparator", COMPARATORS)
def test_a_resample_scores_what_rsatoolbox_gives_for_it(comparator) -> None:
    random = np.random.default_rng(0)
    models, data = random.uniform(0.1, 1, (2, 36)), random.uniform(0.1, 1, (3, 36))
    counts = stimulus_resamples(9, 4, seed=0)
    scores = bootstrap_scores(models, data, counts, comparator)
    method = COMPARATORS[comparator][0]
    for b, drawn in enumerate(counts):
        resample = np.repeat(np.arange(9), drawn)
        a, c = (RDMs(v.copy()).subsample_pattern("index", resample) for v in (models, data))
        np.testing.assert_allclose(scores[:, :, b], compare(a, c, method=method), atol=1e-10)


def test_scores_are_those_of_scipy() -> None:
    a, b = np.random.default_rng(1).uniform(size=(2, 66))
    assert compare_vectors(a[None], b[None], "kendall_tau_a").item() == pytest.approx(
        kendalltau(a, b).statistic  # without ties tau-a is tau-b
    )
    assert compare_vectors(a[None], b[None], "rho_a").item() == pytest.approx(
        spearmanr(a, b).statistic, abs=1e-3
    )
    assert compare_vectors(a[None], b[None], "pearson").item() == pytest.approx(
        np.corrcoef(a, b)[0, 1]
    )


@given(st.sampled_from(sorted(COMPARATORS)), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_stimuli_does_not_matter(comparator, seed) -> None:
    random = np.random.default_rng(seed)
    values, other = random.normal(size=(2, 10, 6))
    order = random.permutation(10)
    scores = [
        compare_vectors(pdist(values[o])[None], pdist(other[o])[None], comparator).item()
        for o in (np.arange(10), order)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)


@given(st.integers(0, 1000), st.floats(0.01, 100))
@settings(max_examples=25, deadline=None)
def test_rotation_and_scale_of_a_response_leave_its_euclidean_rdm_score(seed, scale) -> None:
    recording = made_up_recording(10)
    random = np.random.default_rng(seed)
    values = random.normal(size=(10, 7))
    rotation, _ = np.linalg.qr(random.normal(size=(7, 7)))
    one, other = (
        compare_rsa({"m": response(v, rdm_method="euclidean")}, recording, 0).score.to_numpy()
        for v in (values, scale * values @ rotation + 3.0)
    )
    np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("comparator", ["pearson", "cosine", "whitened_cosine", "kendall_tau_a"])
@pytest.mark.filterwarnings("ignore:Noise ceiling for tau")
def test_noise_ceilings_are_rsatoolboxs(comparator) -> None:
    subjects = np.random.default_rng(2).uniform(0.1, 1, (4, 45))
    lower, upper = boot_noise_ceiling(RDMs(subjects.copy()), method=COMPARATORS[comparator][0])
    ceiling = noise_ceiling(subjects, comparator)
    assert (ceiling.lower, ceiling.upper) == pytest.approx((lower, upper))


def test_the_ceiling_over_repeats_is_what_the_noiseless_rdm_scores() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(size=4950)
    for k in (2, 4):
        sessions = truth + 1.5 * random.normal(size=(k, 4950))
        lower, upper = repeat_ceiling(sessions, "pearson")
        scored = np.corrcoef(truth, sessions.mean(axis=0))[0, 1]
        assert upper == pytest.approx(scored, abs=0.03)
        assert lower < upper
    assert np.isnan(repeat_ceiling(sessions[:1])).all()


@pytest.mark.parametrize("comparator", COMPARATORS)
def test_influences_predict_the_score_without_a_pair(comparator) -> None:
    random = np.random.default_rng(4)
    common = random.normal(size=(1, 190))
    model, data = 3 + common + random.normal(size=(2, 1, 190)) * 0.7
    influences = PairInfluences(model, data, comparator).of(0, [0])
    assert influences.mean() == pytest.approx(0.0, abs=1e-9)
    if "whitened" in comparator:
        return  # its values are not those of pairs
    score = compare_vectors(model, data, comparator).item()
    without = [
        compare_vectors(np.delete(model, p, 1), np.delete(data, p, 1), comparator).item()
        for p in range(190)
    ]
    jackknife = (score - np.array(without)) * 189
    assert np.corrcoef(jackknife, influences)[0, 1] > 0.9


def test_an_unknown_comparator_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="comparators are spearman, rho_a"):
        compare_rsa({"m": response(np.eye(8))}, made_up_recording(8), comparator="r")
