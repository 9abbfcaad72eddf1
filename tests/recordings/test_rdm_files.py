"""RDMs of a user's files: diagonals, gaps, and stacks of subjects or sessions."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from tests.recordings.examples import random_rdm
from tests.recordings.user_examples import LABELS, describe

RDM = {"kind": "rdm", "file": "rdm.npy", "region": "IT"}
UPPER = np.triu_indices(5, k=1)
STACK = np.stack([random_rdm(5, seed) for seed in range(3)])


def read(folder, array, **changes):
    np.save(folder / "rdm.npy", array)
    return load_recording(describe(folder, {**RDM, **changes}))


@pytest.mark.parametrize("measure", ["dissimilarity", "similarity"])
def test_a_diagonal_that_is_not_known_is_not_needed(folder, measure) -> None:
    rdm = random_rdm(5, 1)
    array = rdm if measure == "dissimilarity" else 1 - rdm
    np.fill_diagonal(array, np.nan)
    recording = read(folder, array, measure=measure)
    np.testing.assert_allclose(recording.rdms[0].dissimilarities, random_rdm(5, 1)[UPPER])
    array[2, 2] = 0.5
    with pytest.raises(SpikelearnError, match=r"found 0\.5"):
        read(folder, array, measure=measure)


@pytest.mark.parametrize(
    "array",
    [STACK, np.moveaxis(STACK, 0, 2), STACK[:, *UPPER], STACK[:, *UPPER].T],
    ids=["stack", "as of MATLAB", "triangles", "triangles in columns"],
)
def test_a_stack_of_rdms_is_one_for_each_subject(folder, array) -> None:
    recording = read(folder, array)
    assert [r.subject for r in recording.rdms] == ["1", "2", "3"]
    assert any("is a stack of 3 RDMs" in note for note in recording.notes)
    for one, matrix in zip(recording.rdms, STACK, strict=True):
        np.testing.assert_allclose(one.matrix, matrix)
    named = read(folder, array, members=["ann", "ben", "eve"])
    assert [r.subject for r in named.rdms] == ["ann", "ben", "eve"]
    assert not any("is a stack" in note for note in named.notes)


def test_a_stack_of_as_many_subjects_as_stimuli_is_told_by_its_symmetry(folder) -> None:
    stack = np.stack([random_rdm(5, seed) for seed in range(5)])
    for array in (stack, np.moveaxis(stack, 0, 2)):
        for one, matrix in zip(read(folder, array).rdms, stack, strict=True):
            np.testing.assert_allclose(one.matrix, matrix)


def test_a_stack_may_be_of_sessions_and_of_similarities(folder) -> None:
    recording = read(folder, 1 - STACK, measure="similarity", stack="sessions", subject="ann")
    assert [(r.subject, r.session) for r in recording.rdms] == [("ann", s) for s in "123"]
    np.testing.assert_allclose(recording.rdms[2].matrix, STACK[2], atol=1e-12)


def test_stacks_that_are_named_wrongly_are_refused(folder) -> None:
    for changes, sentence in (
        ({"members": ["ann"]}, "stack of 3 RDMs, but members names 1"),
        ({"subject": "ann"}, "subject names one, ann"),
        ({"members": ["ann", "ann", "ben"]}, "two entries for IT, subject ann"),
    ):
        with pytest.raises(SpikelearnError, match=sentence):
            read(folder, STACK, **changes)
    with pytest.raises(SpikelearnError, match="or a stack of such"):
        read(folder, np.zeros((3, 5, 6)))
    crooked = STACK.copy()
    crooked[1, 0, 3] += 1.0
    with pytest.raises(SpikelearnError, match="subject 2 must be symmetric"):
        read(folder, crooked)


def test_stimuli_and_pairs_without_values_are_nan_and_named(folder) -> None:
    rdm = random_rdm(5, 4)
    rdm[1] = rdm[:, 1] = np.nan
    rdm[3, 4] = rdm[4, 3] = np.nan
    recording = read(folder, rdm)
    np.testing.assert_array_equal(recording.rdms[0].dissimilarities, rdm[UPPER])
    notes = "\n".join(recording.notes)
    assert "1 stimulus was not observed: cat_2" in notes
    assert "1 pair has no dissimilarity, such as dog_1 and dog_2; 3 stimuli are left" in notes
    kept = load_recording(describe(folder, RDM, gaps="stimuli"))
    assert kept.labels == ("cat_1", "cat_10", "dog_2")
    assert np.isfinite(kept.rdms[0].dissimilarities).all()
    with pytest.raises(SpikelearnError, match="holds no dissimilarity"):
        read(folder, np.full((5, 5), np.nan))
    with pytest.raises(SpikelearnError, match="must be symmetric"):
        read(folder, np.where(np.triu(np.ones((5, 5)), 3) > 0, np.nan, random_rdm(5, 4)))


@pytest.mark.parametrize("triangle", [False, True])
def test_an_rdm_of_fewer_stimuli_needs_their_names(folder, triangle) -> None:
    rdm, order = random_rdm(5, 2), [4, 0, 3, 2]
    part = rdm[np.ix_(order, order)]
    array = part[np.triu_indices(4, k=1)] if triangle else part
    (folder / "names.txt").write_text("\n".join(LABELS[i] for i in order))
    recording = read(folder, array, stimulus_names="names.txt")
    expected = rdm.copy()
    expected[1] = expected[:, 1] = np.nan
    np.testing.assert_array_equal(recording.rdms[0].dissimilarities, expected[UPPER])
    with pytest.raises(SpikelearnError, match=r"stimulus_names|must be 5 x 5"):
        read(folder, array)
