"""A recording holds together what belongs together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import squareform

from spikelearn._errors import SpikelearnError
from spikelearn.recordings import (
    AuditoryRecording,
    ImageRecording,
    RecordedRDM,
    RecordedTimecourse,
    Sound,
)
from spikelearn.recordings._stimuli import image_set
from tests.recordings.examples import random_images, random_rdm, recorded_responses


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
        "responses": (recorded_responses(n_stimuli),),
        "timecourses": (timecourse(n_stimuli),),
    }
    return ImageRecording(**(fields | changes))


def test_spikes_outside_of_the_sound_are_refused() -> None:
    sound = Sound(np.zeros(100), 1000.0, "silence")
    with pytest.raises(SpikelearnError, match="0 to 100 ms"):
        AuditoryRecording("r", "c", "l", (sound,), (np.array([5.0, 101.0]),))
    with pytest.raises(SpikelearnError, match="1 sound but 0"):
        AuditoryRecording("r", "c", "l", (sound,), ())


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
        responses=(recorded_responses(1001),),
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


def test_pieces_of_different_numbers_of_stimuli_are_refused() -> None:
    with pytest.raises(SpikelearnError, match=r"has 6 stimuli, but the (RDM|response) of V1"):
        recording(responses=(recorded_responses(5),))
    with pytest.raises(SpikelearnError, match="category 'even'"):
        recording(categories={"even": np.zeros(5, dtype=bool)})
    with pytest.raises(SpikelearnError, match="two stimuli have the label 'a'"):
        image_set("r", random_images(2), ["a", "a"], "none")
