"""What a description's `gaps` does with stimuli, units and subjects that were not observed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from spikelearn.recordings.gaps import complete_stimuli, observed_stimuli, some_of
from tests.recordings.examples import random_rdm
from tests.recordings.user_examples import LABELS, describe, random_responses


def of(subject: str, file: str | None = None, **changes) -> dict:
    kind = {"kind": "responses", "file": file or f"{subject}.npy", "region": "IT"}
    return {**kind, "subject": subject, **changes}


@pytest.fixture
def gappy(folder):
    """Subject a is complete, b lacks cat_2, one of c's units lacks dog_1, and one is dead."""
    for seed, subject in enumerate("abc"):
        values = random_responses(seed, n_repeats=2, n_units=6)
        if subject == "b":
            values[1] = np.nan
        if subject == "c":
            values[3, :, 2] = np.nan
            values[:, :, 5] = np.nan
        np.save(folder / f"{subject}.npy", values)
    return folder


def test_missing_stimuli_stay_nan_and_units_are_left_out_and_both_are_named(gappy) -> None:
    recording = load_recording(describe(gappy, of("a"), of("b"), of("c")))
    a, b, c = recording.responses
    assert (a.n_units, b.n_units, c.n_units) == (6, 6, 4)
    assert c.unit_names == ("0", "1", "3", "4")
    assert np.isnan(b.values).all(axis=(1, 2)).tolist() == [False, True, False, False, False]
    notes = "\n".join(recording.notes)
    assert "b.npy, IT: 1 stimulus was not observed: cat_2" in notes
    assert "c.npy, IT: 1 of 6 units were never observed and are left out: 5" in notes
    assert "1 of 6 units are left out; unit 2 was never observed while dog_1 was shown" in notes
    assert "IT, subject b, lacks 1 of 5 stimuli (cat_2)" in notes


def test_stimuli_that_anybody_lacks_are_left_out_on_request(gappy) -> None:
    recording = load_recording(describe(gappy, of("a"), of("b"), of("c"), gaps="stimuli"))
    assert recording.labels == ("cat_1", "cat_10", "dog_2")
    assert [r.n_units for r in recording.responses] == [6, 6, 5]
    assert all(observed_stimuli(r.values).all() for r in recording.responses)
    assert any("2 of 5 stimuli (cat_2, dog_1)" in note for note in recording.notes)
    whole = np.load(gappy / "a.npy")[[0, 2, 4]]
    np.testing.assert_array_equal(recording.responses[0].values, whole)


def test_subjects_that_lack_a_stimulus_are_left_out_on_request(gappy) -> None:
    recording = load_recording(describe(gappy, of("a"), of("b"), of("c"), gaps="subjects"))
    assert [r.subject for r in recording.responses] == ["a", "c"]
    assert [r.subject for r in recording.rdms] == ["a", "c"]
    assert any("left out: IT, subject b, by `gaps: subjects`" in n for n in recording.notes)
    with pytest.raises(SpikelearnError, match="every subject lacks a stimulus"):
        load_recording(describe(gappy, of("b"), gaps="subjects"))


def test_gaps_can_be_refused_and_each_is_named(gappy) -> None:
    load_recording(describe(gappy, of("a"), gaps="refuse"))
    with pytest.raises(SpikelearnError, match=r"b\.npy, IT: 1 stimulus was not observed: cat_2"):
        load_recording(describe(gappy, of("b"), gaps="refuse"))
    with pytest.raises(
        SpikelearnError,
        match=r"1 of 6 units were never observed: 5; 1 of 6 units lack a stimulus.*`gaps: r",
    ):
        load_recording(describe(gappy, of("c"), gaps="refuse"))


def test_a_stimulus_that_another_session_shows_is_not_missing(folder) -> None:
    first, second = random_responses(1, 1), random_responses(2, 1)
    first[0], second[4] = np.nan, np.nan
    for name, values in (("m", first), ("t", second)):
        np.save(folder / f"{name}.npy", values)
    (folder / "units.txt").write_text("n1\nn2\nn3\nn4\n")
    entries = [of("a", f"{s}.npy", session=s, unit_names="units.txt") for s in "mt"]
    recording = load_recording(describe(folder, *entries, gaps="subjects"))
    assert len(recording.responses) == 2  # joined, nothing is missing
    assert not any("lacks" in note for note in recording.notes)
    numbered = [of("a", f"{s}.npy", session=s) for s in "mt"]  # other units each
    recording = load_recording(describe(folder, *numbered))
    assert any("lacks 2 of 5 stimuli (cat_1, dog_2)" in note for note in recording.notes)


@pytest.mark.parametrize("form", ["csv", "nc", "npz", "mat"])
def test_a_file_may_name_fewer_stimuli_than_were_shown(folder, form) -> None:
    import xarray
    from scipy.io import savemat

    values, rows = random_responses(3, 1)[:, 0], ["dog_2", "cat_1", "cat_10", "dog_1"]
    chosen = values[[LABELS.index(row) for row in rows]]
    entry = of("a", f"r.{form}")
    if form == "csv":
        pd.DataFrame(chosen, rows, list("uvwx")).to_csv(folder / "r.csv")
    elif form == "nc":
        array = xarray.DataArray(chosen, {"stimulus": rows, "unit": list("uvwx")})
        array.to_netcdf(folder / "r.nc", engine="h5netcdf")
    else:
        arrays = {"x": chosen, "names": np.array(rows, dtype=object if form == "mat" else None)}
        if form == "mat":
            savemat(folder / "r.mat", arrays)
        else:
            np.savez(folder / "r.npz", **arrays)
        entry |= {"key": "x", "stimulus_names": "names"}
    recording = load_recording(describe(folder, entry))
    expected = values.copy()
    expected[LABELS.index("cat_2")] = np.nan
    np.testing.assert_allclose(recording.responses[0].values[:, 0], expected)
    assert any("1 stimulus was not observed: cat_2" in note for note in recording.notes)


def test_rows_without_names_that_are_too_few_are_refused_and_what_to_say_is_told(folder) -> None:
    np.save(folder / "a.npy", random_responses()[:4])
    with pytest.raises(SpikelearnError, match=r"4 stimuli, but there are 5.*stimulus_names"):
        load_recording(describe(folder, of("a")))


def test_an_infinite_response_is_named(folder) -> None:
    values = random_responses()
    values[2, 1, 3] = np.inf
    np.save(folder / "a.npy", values)
    with pytest.raises(SpikelearnError, match="response of unit 3 to cat_10 is infinite"):
        load_recording(describe(folder, of("a")))


def test_the_fewest_stimuli_are_left_out_for_pairs_without_a_dissimilarity() -> None:
    matrix = random_rdm(6, 0)
    matrix[2] = matrix[:, 2] = np.nan
    matrix[0, 5] = matrix[5, 0] = np.nan
    kept = complete_stimuli(matrix[np.triu_indices(6, k=1)])
    assert kept.tolist() == [False, True, False, True, True, True]
    two = np.stack([matrix, random_rdm(6, 1)])[:, *np.triu_indices(6, k=1)]
    assert complete_stimuli(two).tolist() == kept.tolist()
    assert complete_stimuli(two[1]).all()


def test_long_lists_are_cut() -> None:
    assert some_of(["a", "b", "c"]) == "a, b, c"
    assert some_of(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_what_is_shown_of_a_recording_tells_its_gaps(gappy) -> None:
    from spikelearn.comparison.recording_summary import recording_summary

    summary = recording_summary(describe(gappy, of("a"), of("b"), of("c")))
    assert summary.measured["stimuli"].tolist() == [5, 4, 5]
    assert summary.stimuli["shown"].tolist() == [2, 0, 2, 2, 2]
    assert len(summary.ceilings) == 4
    assert "cat_2" in str(summary)
