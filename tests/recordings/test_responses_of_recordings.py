"""Recorded responses become RDMs as in NumPy; selections keep what belongs together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import squareform

from spikelearn._errors import SpikelearnError
from spikelearn.recordings import (
    ImageRecording,
    RecordedRDM,
    RecordedResponses,
    RecordedTimecourse,
)
from spikelearn.recordings._stimuli import image_set, natural
from tests.recordings.examples import random_images, random_rdm


def responses(n_stimuli: int = 6, seed: int = 0, **changes) -> RecordedResponses:
    values = np.random.default_rng(seed).standard_normal((n_stimuli, 3, 5))
    fields = {"subject": "a", "region": "V1", "session": "", "values": values, "unit": "Hz"}
    return RecordedResponses(**(fields | changes))


def timecourse(n_stimuli: int = 6) -> RecordedTimecourse:
    means = np.random.default_rng(9).standard_normal((4, n_stimuli, 5))
    return RecordedTimecourse.of_responses("a", "V1", "", np.arange(4.0), means)


def recording(n_stimuli: int = 6, **changes) -> ImageRecording:
    labels = [f"s{i}" for i in range(n_stimuli)]
    rdm = random_rdm(n_stimuli, 3)[np.triu_indices(n_stimuli, k=1)]
    fields = {
        "name": "r",
        "citation": "c",
        "licence": "l",
        "stimuli": image_set("r", random_images(n_stimuli), labels, "random"),
        "rdms": (),
        "groups": {"IT": RecordedRDM("group", "IT", "", rdm, "1 - Pearson r")},
        "categories": {"even": np.arange(n_stimuli) % 2 == 0},
        "responses": (responses(n_stimuli),),
        "timecourses": (timecourse(n_stimuli),),
    }
    return ImageRecording(**(fields | changes))


def test_the_rdm_of_responses_is_one_minus_the_correlation_of_their_means() -> None:
    recorded = responses()
    expected = 1 - np.corrcoef(recorded.values.mean(axis=1))
    np.testing.assert_allclose(recorded.rdm().matrix, expected, atol=1e-12)


def test_missing_repeats_are_left_out_of_the_mean() -> None:
    recorded = responses()
    gappy = recorded.values.copy()
    gappy[::2, 2] = np.nan
    expected = recorded.values.mean(axis=1)
    expected[::2] = recorded.values[::2, :2].mean(axis=1)
    np.testing.assert_allclose(responses(values=gappy).mean, expected)


def test_a_recording_of_responses_has_their_rdms() -> None:
    made = recording()
    assert [r.region for r in made.rdms] == ["V1"]
    assert made.regions == ("V1", "IT")
    array = made.responses[0].to_xarray(made.labels)
    assert array.dims == ("stimulus", "repeat", "unit")
    assert array.attrs["units"] == "Hz"


def test_more_than_a_thousand_stimuli_have_no_rdms() -> None:
    many = np.zeros((1001, 1, 1), dtype=np.uint8)
    big = ImageRecording(
        "r", "c", "l", image_set("r", many, [str(i) for i in range(1001)], "none"), (), {}, {},
        responses=(responses(1001),),
    )  # fmt: skip
    assert big.rdms == ()
    assert len(big.select(np.arange(50)).rdms) == 1


def test_a_selection_keeps_images_labels_rdms_responses_and_categories_together() -> None:
    whole = recording()
    which = np.array([4, 0, 3])
    part = whole.select(which)
    assert part.labels == ("s4", "s0", "s3")
    np.testing.assert_array_equal(part.images, whole.images[which])
    for before, after in ((whole.groups["IT"], part.groups["IT"]), (whole.rdms[0], part.rdms[0])):
        np.testing.assert_array_equal(after.matrix, before.matrix[np.ix_(which, which)])
    np.testing.assert_array_equal(part.responses[0].values, whole.responses[0].values[which])
    courses = (r.timecourses[0].dissimilarities[2] for r in (whole, part))
    before, after = (squareform(course) for course in courses)
    np.testing.assert_array_equal(after, before[np.ix_(which, which)])
    assert part.categories["even"].tolist() == [True, True, False]
    assert whole.select(np.arange(6) < 4).labels == whole.labels[:4]


@pytest.mark.parametrize("which", [[0, 0, 1], [0, 1, 6], [0, 1], [0.0, 1.0, 2.0], [True] * 5])
def test_a_selection_that_is_none_is_refused(which) -> None:
    with pytest.raises(SpikelearnError, match=r"numbers from 0 to 5|at least 3 stimuli"):
        recording().select(np.array(which))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"values": np.zeros((3, 4))}, "n_stimuli, n_repeats, n_units"),
        ({"values": np.full((2, 3, 4), np.nan)}, "in every repeat"),
        ({"values": np.full((2, 3, 4), np.inf)}, "infinite"),
        ({"unit_names": ("a", "b")}, "5 units, but 2 are named"),
    ],
)
def test_responses_that_are_none_are_refused(changes, sentence) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        responses(**changes)


def test_patterns_without_a_correlation_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="at least 2 units"):
        responses(values=np.ones((3, 1, 1))).rdm()
    with pytest.raises(SpikelearnError, match="respond alike to stimulus"):
        responses(values=np.ones((3, 1, 4))).rdm()


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


def test_pieces_of_different_numbers_of_stimuli_are_refused() -> None:
    with pytest.raises(SpikelearnError, match=r"has 6 stimuli, but the (RDM|response) of V1"):
        recording(responses=(responses(5),))
    with pytest.raises(SpikelearnError, match="category 'even'"):
        recording(categories={"even": np.zeros(5, dtype=bool)})
    with pytest.raises(SpikelearnError, match="two stimuli have the label 'a'"):
        image_set("r", random_images(2), ["a", "a"], "none")


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["image10.png", "image9.png", "image2b.png", "image2.png", "a1"]
    assert sorted(names, key=natural) == [
        "a1", "image2.png", "image2b.png", "image9.png", "image10.png",
    ]  # fmt: skip
