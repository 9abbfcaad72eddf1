"""What was recorded: RDMs, responses, RDMs over time."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.recordings import (
    RecordedRDM,
    RecordedTimecourse,
)
from tests.recordings.examples import recorded_responses


def test_an_rdm_that_is_no_triangle_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="upper triangle"):
        RecordedRDM("S1", "human IT", "1", np.zeros(4), "1 - Pearson r")
    with pytest.raises(SpikelearnError, match="not finite"):
        RecordedRDM("S1", "human IT", "1", np.array([1.0, np.inf, 2.0]), "1 - Pearson r")


def test_the_rdm_of_responses_is_one_minus_the_correlation_of_their_means() -> None:
    recorded = recorded_responses()
    expected = 1 - np.corrcoef(recorded.values.mean(axis=1))
    np.testing.assert_allclose(recorded.rdm().matrix, expected, atol=1e-12)


def test_missing_repeats_are_left_out_of_the_mean_with_their_baselines() -> None:
    signal = recorded_responses().values[:, 0]
    gappy = signal[:, None] + np.array([0.0, 10.0, -40.0])[:, None]
    gappy[::2, 2] = np.nan
    mean = recorded_responses(values=gappy).mean
    np.testing.assert_allclose(mean - mean[0], signal - signal[0], atol=1e-9)
    np.testing.assert_allclose(recorded_responses(values=gappy[:, :2]).mean, signal + 5.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"values": np.zeros((3, 4))}, "n_stimuli, n_repeats, n_units"),
        ({"values": np.full((2, 3, 4), np.inf)}, "infinite"),
        ({"unit_names": ("a", "b")}, "5 units, but 2 are named"),
    ],
)
def test_responses_that_are_none_are_refused(changes, sentence) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        recorded_responses(**changes)


def test_a_correlation_needs_two_units() -> None:
    with pytest.raises(SpikelearnError, match="at least 2 units"):
        recorded_responses(values=np.ones((3, 1, 1))).rdm()


def test_flat_and_missing_patterns_have_no_dissimilarity() -> None:
    values = np.random.default_rng(3).standard_normal((5, 2, 6))
    values[1] = 4.0
    values[3] = np.nan
    rdm = recorded_responses(values=values, n_stimuli=5).rdm()
    known = [0, 2, 4]
    expected = 1 - np.corrcoef(values.mean(axis=1)[known])
    np.testing.assert_allclose(rdm.matrix[np.ix_(known, known)], expected, atol=1e-12)
    without = rdm.matrix[[1, 3]]
    assert np.isnan(without[:, [0, 2, 4]]).all()


def test_a_flat_pattern_has_no_dissimilarity_over_time() -> None:
    means = np.random.default_rng(9).standard_normal((2, 4, 5))
    means[1, 0] = 3.0
    course = RecordedTimecourse.of_responses("a", "V1", "", np.arange(2.0), means)
    assert np.isnan(course.dissimilarities[1, :3]).all()
    assert np.isfinite(course.dissimilarities[1, 3:]).all()
    np.testing.assert_allclose(
        course.dissimilarities[0], (1 - np.corrcoef(means[0]))[np.triu_indices(4, k=1)]
    )


def test_rdms_over_time_that_are_none_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="upper triangles at ascending times"):
        RecordedTimecourse("a", "V1", "", np.zeros(2), np.zeros((2, 6)), "1 - r")
    with pytest.raises(SpikelearnError, match="upper triangles at ascending times"):
        RecordedTimecourse("a", "V1", "", np.arange(2), np.zeros((2, 4)), "1 - r")
    with pytest.raises(SpikelearnError, match="must not be infinite"):
        RecordedTimecourse("a", "V1", "", np.arange(2), np.full((2, 6), np.inf), "1 - r")
