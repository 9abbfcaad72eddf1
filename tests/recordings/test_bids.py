"""Responses of a user from a BIDS derivative."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from tests.recordings.user_examples import LABELS, NAMES, describe


def write_map(path, values: np.ndarray, affine=None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(values.astype(np.float32), np.eye(4) if affine is None else affine)
    nibabel.save(image, path)


@pytest.fixture
def derivative(folder):
    """Two subjects, two runs each, maps of 4 x 3 x 2 voxels; one voxel outside of the brain."""
    draw = np.random.default_rng(8)
    maps = {}
    for subject in ("01", "02"):
        for run in (1, 2):
            for name in NAMES:
                label = name.removesuffix(".png").replace("_", "")
                values = draw.standard_normal((4, 3, 2))
                values[3, 2, 1] = np.nan
                maps[subject, run, label] = values
                stem = f"sub-{subject}_task-look_run-{run}_contrast-{label}"
                where = folder / "glm" / f"sub-{subject}" / "func"
                write_map(where / f"{stem}_stat-effect_statmap.nii.gz", values)
                write_map(where / f"{stem}_stat-variance_statmap.nii.gz", values**2)
        mask = np.zeros((4, 3, 2))
        mask[2:] = 1
        write_map(folder / "masks" / f"sub-{subject}_V1.nii.gz", mask)
    entry = {"kind": "bids", "folder": "glm", "masks": {"V1": "masks/sub-{subject}_V1.nii.gz"}}
    return entry, maps


def test_a_bids_derivative_gives_each_subjects_maps_within_the_masks(folder, derivative) -> None:
    entry, maps = derivative
    recording = load_recording(describe(folder, entry))
    assert [(r.subject, r.region, r.n_repeats, r.n_units) for r in recording.responses] == [
        ("01", "V1", 2, 11),
        ("02", "V1", 2, 11),
    ]
    second = recording.responses[1]
    expected = maps["02", 2, "cat10"][2:].ravel()[:-1]
    np.testing.assert_allclose(second.values[LABELS.index("cat_10"), 1], expected, rtol=1e-6)


def test_maps_and_masks_on_different_grids_are_refused(folder, derivative) -> None:
    entry, _ = derivative
    moved = np.eye(4)
    moved[0, 3] = 2.0
    write_map(folder / "masks" / "sub-02_V1.nii.gz", np.ones((4, 3, 2)), moved)
    with pytest.raises(SpikelearnError, match="do not share one grid"):
        load_recording(describe(folder, entry))


def test_a_stimulus_without_a_map_was_not_observed_and_is_named(folder, derivative) -> None:
    entry, _ = derivative
    for path in (folder / "glm" / "sub-02").rglob("*contrast-dog1*"):
        path.unlink()
    recording = load_recording(describe(folder, entry))
    lacking = [np.isnan(r.values).all(axis=(1, 2)).tolist() for r in recording.responses]
    assert lacking == [[False] * 5, [label == "dog_1" for label in LABELS]]
    assert any("subject 02: 1 stimulus was not observed: dog_1" in n for n in recording.notes)
    with pytest.raises(
        SpikelearnError, match=r"1 of 12 units were never observed: 3,2,1; `gaps: refuse`"
    ):
        load_recording(describe(folder, entry, gaps="refuse"))
    with pytest.raises(SpikelearnError, match="has no maps called"):
        load_recording(describe(folder, {**entry, "statistic": "z"}))


def run_of(folder, number: int):
    return (folder / "glm" / "sub-01").rglob(f"*run-{number}_*")


def test_runs_are_repeats_by_their_names_and_missing_maps_are_missing(folder, derivative) -> None:
    entry, maps = derivative
    for path in list(run_of(folder, 2)):
        # The tenth run comes after the second by its number, and before it by its characters.
        path.rename(path.with_name(path.name.replace("run-2", "run-10")))
    for path in (folder / "glm" / "sub-01").rglob("*run-1_*contrast-cat10*"):
        path.unlink()
    first = load_recording(describe(folder, entry)).responses[0]
    cat10 = LABELS.index("cat_10")
    assert np.isnan(first.values[cat10, 0]).all()
    np.testing.assert_allclose(
        first.values[cat10, 1], maps["01", 2, "cat10"][2:].ravel()[:-1], rtol=1e-6
    )
    np.testing.assert_allclose(first.values[0, 0], maps["01", 1, "cat1"][2:].ravel()[:-1], 1e-6)
    assert first.unit_names[:3] == ("2,0,0", "2,0,1", "2,1,0")


def test_maps_in_two_spaces_are_no_repeats_of_each_other(folder, derivative) -> None:
    entry, maps = derivative
    for path in list((folder / "glm").rglob("*_statmap.nii.gz")):
        other = path.with_name(path.name.replace("_contrast", "_space-MNI_contrast"))
        write_map(other, nibabel.load(path).get_fdata() * 2)
        path.rename(path.with_name(path.name.replace("_contrast", "_space-T1w_contrast")))
    with pytest.raises(SpikelearnError, match=r"one stimulus and run; choose by `entities: .space"):
        load_recording(describe(folder, entry))
    chosen = load_recording(describe(folder, {**entry, "entities": {"space": "MNI"}}))
    assert chosen.responses[0].n_repeats == 2
    expected = 2 * maps["01", 1, "cat1"][2:].ravel()[:-1]
    np.testing.assert_allclose(chosen.responses[0].values[0, 0], expected, rtol=1e-6)


def test_maps_over_all_runs_are_no_further_repeat(folder, derivative) -> None:
    entry, _ = derivative
    for path in list(run_of(folder, 1)):
        write_map(path.with_name(path.name.replace("_run-1", "")), np.ones((4, 3, 2)))
    recording = load_recording(describe(folder, entry))
    assert recording.responses[0].n_repeats == 2
    assert any("5 maps without a run are left out" in note for note in recording.notes)


def test_voxels_of_0_in_every_map_of_a_run_were_not_observed(folder, derivative) -> None:
    entry, _ = derivative
    for number, runs in (((2, 0, 0), (1,)), ((3, 0, 0), (1, 2))):
        for run in runs:
            for path in run_of(folder, run):
                values = nibabel.load(path).get_fdata()
                values[number] = 0.0
                write_map(path, values)
    recording = load_recording(describe(folder, entry))
    first = recording.responses[0]
    voxel = first.unit_names.index("2,0,0")
    assert np.isnan(first.values[:, 0, voxel]).all()
    assert np.isfinite(first.values[:, 1, voxel]).all()
    assert "3,0,0" not in first.unit_names
    assert any("2 of 12 units were never observed" in note for note in recording.notes)
