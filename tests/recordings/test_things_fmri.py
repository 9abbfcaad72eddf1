"""THINGS-fMRI in files of the published table format, made here."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.recordings import at_hand, load, things_fmri
from tests.recordings.examples import random_images, write_images

N_VOXELS = 1300  # more than are read at once
OBJECTS = ("dog", "ice_cream", "mango")


def write_betas(path, betas: np.ndarray, layout: str) -> None:
    """As pandas does, in either of its formats; the pickled names of columns are garbage here."""
    with h5py.File(path, "w") as file:
        group = file.create_group("ResponseData")
        if layout == "fixed":
            group["axis1"] = np.arange(len(betas))
            kind = h5py.vlen_dtype(np.uint8)
            names = group.create_dataset("block0_items", (1,), dtype=kind)
            names[0] = np.frombuffer(b"not to be unpickled", dtype=np.uint8)
            group["block0_values"] = betas
            group["block1_items"] = np.array([b"voxel_id"])
            group["block1_values"] = np.arange(len(betas))[:, None]
        else:
            dtype = [
                ("index", "<i8"),
                ("values_block_0", "<f8", (betas.shape[1],)),
                ("values_block_1", "<i8", (1,)),
            ]
            table = np.zeros(len(betas), dtype=dtype)
            table["values_block_0"] = betas
            table["values_block_1"][:, 0] = np.arange(len(betas))
            group["table"] = table


@pytest.fixture(params=["fixed", "table"])
def written(request, data):
    """Two subjects, 3 objects x 2 images once, 4 images in each of 3 sessions."""
    folder = data / "things_fmri" / "betas_csv"
    folder.mkdir(parents=True)
    trains = [f"{name}_{k}s.jpg" for name in OBJECTS for k in (12, 2)]
    tests = [f"test_{k}s.jpg" for k in (14, 3, 5, 7)]
    made = {}
    for number, subject in enumerate(("01", "02")):
        draw = np.random.default_rng(number)
        shown = [(name, "train") for name in trains] + [(name, "test") for name in tests * 3]
        shown = [shown[i] for i in draw.permutation(len(shown))]
        betas = draw.standard_normal((N_VOXELS, len(shown)))
        regions = draw.integers(0, 8, N_VOXELS)
        pd.DataFrame(
            {
                "trial_type": [kind for _, kind in shown],
                "session": 1,
                "run": 1,
                "subject_id": number + 1,
                "trial_id": np.arange(len(shown)),
                "stimulus": [name for name, _ in shown],
            }
        ).to_csv(folder / f"sub-{subject}_StimulusMetadata.csv", index=False)
        columns = ["V1", "V2", "lLOC", "rLOC", "lFFA", "IT"]
        voxels = {name: (regions == i).astype(int) for i, name in enumerate(columns)}
        pd.DataFrame({"voxel_id": np.arange(N_VOXELS), "nc_testset": 0.0, **voxels}).to_csv(
            folder / f"sub-{subject}_VoxelMetadata.csv", index=False
        )
        write_betas(folder / f"sub-{subject}_ResponseData.h5", betas, request.param)
        made[subject] = [name for name, _ in shown], betas, regions
    for name in [*trains, *tests]:
        place = data / "things_fmri" / "images" / name.rpartition("_")[0]
        size = 40 + len(name)
        write_images(place, [name], random_images(1, size, seed=len(name)))
    return made


def test_repeated_images_come_with_every_repeat_of_each_region(written) -> None:
    assert at_hand("things_fmri")
    recording = load("things_fmri")
    assert recording.labels == ("test_3s", "test_5s", "test_7s", "test_14s")
    assert recording.images.shape == (4, 256, 256, 3)
    assert [(r.subject, r.region) for r in recording.responses[:4]] == [
        ("01", "human V1"), ("01", "human V2"), ("01", "human LOC"), ("01", "human FFA"),
    ]  # fmt: skip
    loc = next(r for r in recording.responses if (r.subject, r.region) == ("02", "human LOC"))
    shown, betas, regions = written["02"]
    either = np.isin(regions, (2, 3))
    assert loc.values.shape == (4, 3, either.sum())
    for number, label in enumerate(recording.labels):
        trials = [i for i, name in enumerate(shown) if name == f"{label}.jpg"]
        np.testing.assert_allclose(loc.values[number], betas[either][:, trials].T, rtol=1e-6)


def test_one_image_stands_for_each_object(written) -> None:
    recording = load("things_fmri:720")
    assert recording.labels == ("dog_2s", "ice_cream_2s", "mango_2s")
    v1 = recording.responses[0]
    assert v1.n_repeats == 1
    shown, betas, regions = written["01"]
    expected = betas[regions == 0][:, shown.index("mango_2s.jpg")]
    np.testing.assert_allclose(v1.values[2, 0], expected, rtol=1e-6)


def test_without_the_files_one_sentence_says_where_each_is(data) -> None:
    with pytest.raises(DataUnavailableError, match=r"plus\.figshare\.com.*things_fmri/betas_csv"):
        load("things_fmri")
    assert not at_hand("things_fmri")


def test_files_that_do_not_belong_together_are_refused(written, data) -> None:
    folder = data / "things_fmri" / "betas_csv"
    (data / "things_fmri" / "images" / "test" / "test_5s.jpg").unlink()
    with pytest.raises(SpikelearnError, match=r"lacks the image test_5s\.jpg"):
        load("things_fmri")
    with pytest.raises(SpikelearnError, match="1301 voxels, found 1300 rows"):
        things_fmri.read_betas(folder / "sub-01_ResponseData.h5", np.array([0, 5]), 1301)
    (folder / "sub-01_ResponseData.h5").write_bytes(b"no HDF5")
    with pytest.raises(SpikelearnError, match="not a readable HDF5 file"):
        load("things_fmri")
    pd.DataFrame({"stimulus": ["a"]}).to_csv(folder / "sub-01_StimulusMetadata.csv")
    with pytest.raises(SpikelearnError, match="columns trial_type, trial_id and stimulus"):
        load("things_fmri")


def test_voxels_are_joined_by_their_numbers(written, data) -> None:
    whole = {(r.subject, r.region): r for r in load("things_fmri").responses}
    path = data / "things_fmri" / "betas_csv" / "sub-01_VoxelMetadata.csv"
    table = pd.read_csv(path)
    table.sample(frac=1.0, random_state=0).to_csv(path, index=False)
    for one in load("things_fmri").responses:
        before = whole[one.subject, one.region]
        order = [one.unit_names.index(name) for name in before.unit_names]
        np.testing.assert_array_equal(one.values[:, :, order], before.values)
    table["voxel_id"] += 1
    table.to_csv(path, index=False)
    with pytest.raises(SpikelearnError, match="lacks the voxel 1300 of the table"):
        load("things_fmri")
