"""Comparators, noise ceilings and pooled RDMs against SciPy, rsatoolbox and plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rsa_examples import made_up_recording, response
from rsatoolbox.inference import boot_noise_ceiling
from rsatoolbox.rdm import RDMs
from scipy.spatial.distance import pdist
from scipy.stats import kendalltau, rankdata, spearmanr

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    COMPARATORS,
    compare_rsa,
    noise_ceiling,
    repeat_ceiling,
)
from spikelearn.comparison.comparators import compare_vectors


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


def test_an_unknown_comparator_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="there are spearman, rho_a"):
        compare_rsa({"m": response(np.eye(8))}, made_up_recording(8), comparator="r")
