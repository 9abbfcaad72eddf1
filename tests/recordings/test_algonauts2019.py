"""Algonauts 2019 in files of the challenge's layout, made here."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.comparison import baselines, compare_rsa
from spikelearn.recordings import algonauts2019, at_hand, load
from tests.recordings.examples import random_images, random_rdm, write_images

N = 92


def targets(n: int, n_subjects: int = 3, n_times: int = 4) -> dict[str, dict[str, np.ndarray]]:
    def rdms(*shape: int, seed: int) -> np.ndarray:
        count = int(np.prod(shape))
        stack = np.stack([random_rdm(n, 1000 * seed + i) for i in range(count)])
        return stack.reshape(*shape, n, n)

    return {
        "target_fmri.mat": {
            "EVC_RDMs": rdms(n_subjects, seed=1),
            "IT_RDMs": rdms(n_subjects, seed=2),
        },
        "target_meg.mat": {
            "MEG_RDMs_early": rdms(n_subjects, n_times, seed=3),
            "MEG_RDMs_late": rdms(n_subjects, n_times, seed=4),
        },
    }


def write_mat73(path, arrays: dict[str, np.ndarray]) -> None:
    """As MATLAB's version 7.3 does: HDF5, axes in reverse."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = array.T
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")


@pytest.fixture
def written(data):
    folder = data / "algonauts2019" / "Training_Data" / "92_Image_Set"
    names = [f"image_{i}.png" for i in range(1, N + 1)]
    write_images(folder / "92images", names, random_images(N))
    made = targets(N)
    write_mat73(folder / "target_fmri.mat", made["target_fmri.mat"])
    savemat(folder / "target_meg.mat", made["target_meg.mat"])
    return folder, made


def test_fmri_and_meg_of_each_subject_come_in_the_order_of_the_images(written) -> None:
    _, made = written
    assert at_hand("algonauts2019")
    recording = load("algonauts2019")
    assert recording.labels[:2] == ("image_1", "image_2")
    assert recording.labels[9] == "image_10"
    np.testing.assert_array_equal(recording.images, random_images(N))
    by_key = {(r.region, r.subject): r.matrix for r in recording.rdms}
    assert len(by_key) == 4 * 3
    np.testing.assert_allclose(by_key["human IT", "02"], made["target_fmri.mat"]["IT_RDMs"][1])
    np.testing.assert_allclose(
        by_key["human MEG late", "03"], made["target_meg.mat"]["MEG_RDMs_late"][2].mean(axis=0)
    )

    late = next(
        t for t in recording.timecourses if (t.region, t.subject) == ("human MEG late", "03")
    )
    expected = made["target_meg.mat"]["MEG_RDMs_late"][2, 1][np.triu_indices(N, k=1)]
    np.testing.assert_allclose(late.dissimilarities[1], expected)
    # Nobody says when the interval of this set begins.
    np.testing.assert_array_equal(late.time_ms, [0, 1, 2, 3])


def test_the_test_set_and_fmri_alone_are_enough(data) -> None:
    folder = data / "algonauts2019" / "Test_Data"
    write_images(folder / "78images", [f"{i}.png" for i in range(78)], random_images(78))
    assert not at_hand("algonauts2019:78")
    savemat(folder / "target_fmri.mat", targets(78)["target_fmri.mat"])
    recording = load("algonauts2019:78")
    assert recording.n_stimuli == 78
    assert recording.regions == ("human EVC", "human IT")


def test_meg_of_the_test_set_is_timed_from_the_image(data) -> None:
    folder = data / "algonauts2019" / "Test_Data"
    write_images(folder / "78images", [f"{i}.png" for i in range(78)], random_images(78))
    for name, arrays in targets(78, n_subjects=1, n_times=21).items():
        savemat(folder / name, arrays)
    times = {t.region: t.time_ms for t in load("algonauts2019:78").timecourses}
    np.testing.assert_array_equal(times["human MEG early"], np.arange(70, 91))
    np.testing.assert_array_equal(times["human MEG late"], np.arange(140, 161))

    savemat(folder / "target_meg.mat", targets(78, 1, n_times=30)["target_meg.mat"])
    with pytest.raises(SpikelearnError, match="within 70 to 90 ms in samples of 1 ms, found 30"):
        load("algonauts2019:78")


def test_without_the_files_one_sentence_says_what_to_download_and_where_to_put_it(data) -> None:
    with pytest.raises(DataUnavailableError) as raised:
        load("algonauts2019:118")
    message = str(raised.value)
    for word in ("118", "algonauts.csail.mit.edu", "118_Image_Set", "SPIKELEARN_DATA"):
        assert word in message
    assert "\n" not in message


def test_files_that_do_not_belong_together_are_refused(written) -> None:
    folder, made = written
    savemat(folder / "target_fmri.mat", {"EVC_RDMs": made["target_fmri.mat"]["EVC_RDMs"]})
    with pytest.raises(SpikelearnError, match="must hold IT_RDMs, found EVC_RDMs"):
        load("algonauts2019")
    savemat(folder / "target_fmri.mat", targets(91)["target_fmri.mat"])
    with pytest.raises(SpikelearnError, match="must be subjects x 92 x 92, found 3 x 91 x 91"):
        load("algonauts2019")
    (folder / "target_fmri.mat").write_bytes(b"no MATLAB file")
    with pytest.raises(SpikelearnError, match="not a readable MATLAB file"):
        load("algonauts2019")
    (folder / "92images" / "image_5.png").unlink()
    with pytest.raises(SpikelearnError, match="must hold 92 images, found 91"):
        load("algonauts2019")


def test_variants_that_are_none_are_answered_with_those_there_are() -> None:
    with pytest.raises(SpikelearnError, match="has the variants 92, 118, 78, not '100'"):
        load("algonauts2019:100")
    with pytest.raises(SpikelearnError, match="has no variants"):
        load("grasshopper:2")


def test_images_that_are_a_pixel_smaller_are_resized_and_named(data) -> None:
    folder = data / "algonauts2019" / "Training_Data" / "92_Image_Set"
    names = [f"image_{i}.png" for i in range(1, N + 1)]
    images = random_images(N, 100)
    write_images(folder / "92images", names, images)
    write_images(folder / "92images", ["image_7.png"], images[6:7, :, :99])
    write_mat73(folder / "target_fmri.mat", targets(N)["target_fmri.mat"])
    recording = load("algonauts2019")
    assert recording.images.shape == (N, 100, 100, 3)
    np.testing.assert_array_equal(np.delete(recording.images, 6, 0), np.delete(images, 6, 0))
    (note,) = recording.notes
    assert "image_7.png of 100 x 99 pixels of 92 images is resized to 100 x 100" in note


@pytest.mark.slow
@pytest.mark.skipif(
    not algonauts2019.at_hand(),
    reason="the files of algonauts2019 are neither in SPIKELEARN_DATA nor placed by hand",
)
def test_categories_are_in_it_and_edges_in_early_visual_cortex() -> None:
    recording = load("algonauts2019:92")
    animate = recording.categories["animate"]
    models = {
        "animate": baselines.category_model(animate, recording.labels),
        "gabor": baselines.gabor_energy(recording.images, recording.labels),
    }
    mean = compare_rsa(models, recording, 0).query("level == 'mean'").set_index(["model", "region"])
    known = {
        ("animate", "human IT"): 0.255, ("animate", "human EVC"): 0.020,
        ("gabor", "human IT"): 0.149, ("gabor", "human EVC"): 0.211,
    }  # fmt: skip
    for place, score in known.items():
        assert mean.score[place] == pytest.approx(score, abs=5e-4)
    for region, low, high in (("human EVC", 0.25, 0.39), ("human IT", 0.46, 0.54)):
        one = mean.loc["gabor", region]
        assert (one.ceiling_lower, one.ceiling_upper) == pytest.approx((low, high), abs=0.01)
    subjects = {one.subject for one in recording.rdms}
    assert len(subjects) == algonauts2019.N_SUBJECTS
