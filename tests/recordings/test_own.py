"""Anyone's own recording by a YAML file: arrays, RDMs, NWB, Neo, BIDS; mistakes in one sentence."""

from __future__ import annotations

import datetime
import pickle

import h5py
import nibabel
import numpy as np
import pandas as pd
import pynwb
import pytest
from scipy.io import savemat

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.recordings import at_hand
from spikelearn.spikes.activity import Activity
from tests.recordings.examples import random_images, random_rdm, write_images

NAMES = ["cat_1.png", "cat_2.png", "cat_10.png", "dog_1.png", "dog_2.png"]
LABELS = [name.removesuffix(".png") for name in NAMES]


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path / "images", NAMES, random_images(5))
    return tmp_path


def describe(folder, *data: dict, **changes):
    content = {
        "name": "mine",
        "citation": "Doe (2026)",
        "stimuli": {"folder": "images"},
        "data": list(data),
    } | changes
    write_yaml(folder / "mine.yaml", content)
    return folder / "mine.yaml"


def responses(seed: int = 0, n_repeats: int = 3, n_units: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((5, n_repeats, n_units))


# --- Arrays and RDMs.


def test_responses_and_rdms_come_with_the_images_in_the_order_of_their_names(folder) -> None:
    values, rdm = responses(), random_rdm(5, 1)
    np.save(folder / "it.npy", values)
    np.savetxt(folder / "v1.csv", rdm, delimiter=",")
    path = describe(
        folder,
        {"kind": "responses", "file": "it.npy", "region": "IT", "subject": "a", "unit": "Hz"},
        {"kind": "rdm", "file": "v1.csv", "region": "V1", "subject": "b", "session": "2"},
        licence="CC0",
        species="mouse",
    )
    assert at_hand(path)
    recording = load_recording(path)
    assert list(recording.labels) == LABELS
    np.testing.assert_array_equal(recording.images, random_images(5))
    assert (recording.name, recording.licence, recording.species) == ("mine", "CC0", "mouse")
    np.testing.assert_array_equal(recording.responses[0].values, values)
    assert [(r.region, r.subject, r.session) for r in recording.rdms] == [
        ("IT", "a", ""),
        ("V1", "b", "2"),
    ]
    np.testing.assert_allclose(
        recording.rdms[0].matrix, 1 - np.corrcoef(values.mean(axis=1)), atol=1e-12
    )
    np.testing.assert_allclose(recording.rdms[1].matrix, rdm)


def write_in(folder, form: str, array: np.ndarray) -> dict:
    if form == "npy":
        np.save(folder / "a.npy", array)
        return {"file": "a.npy"}
    if form == "npz":
        np.savez(folder / "a.npz", it=array, other=np.zeros(2))
        return {"file": "a.npz", "key": "it"}
    if form == "mat":
        savemat(folder / "a.mat", {"it": array})
        return {"file": "a.mat"}
    if form == "mat73":
        with h5py.File(folder / "a.mat", "w") as file:
            file["it"] = array.T
        return {"file": "a.mat", "key": "it"}
    np.savetxt(folder / "a.tsv", array, delimiter="\t")
    return {"file": "a.tsv"}


@pytest.mark.parametrize("form", ["npy", "npz", "mat", "mat73", "tsv"])
def test_every_format_gives_the_same_numbers(folder, form) -> None:
    values = responses()[:, 0]
    where = write_in(folder, form, values)
    path = describe(folder, {"kind": "responses", "region": "IT", **where})
    np.testing.assert_allclose(load_recording(path).responses[0].values[:, 0], values)


def test_dims_can_be_in_another_order(folder) -> None:
    values = responses()
    np.save(folder / "a.npy", values.transpose(2, 1, 0))
    path = describe(
        folder,
        {
            "kind": "responses",
            "file": "a.npy",
            "region": "IT",
            "dims": ["unit", "repeat", "stimulus"],
        },
    )
    np.testing.assert_array_equal(load_recording(path).responses[0].values, values)


def test_an_rdm_may_be_a_triangle_or_similarities(folder) -> None:
    rdm = random_rdm(5, 2)
    np.save(folder / "t.npy", rdm[np.triu_indices(5, k=1)])
    savemat(folder / "s.mat", {"similarity": 1 - rdm})
    path = describe(
        folder,
        {"kind": "rdm", "file": "t.npy", "region": "IT"},
        {"kind": "rdm", "file": "s.mat", "region": "V1", "measure": "similarity"},
    )
    for recorded in load_recording(path).rdms:
        np.testing.assert_allclose(recorded.matrix, rdm, atol=1e-12)


def test_tables_with_names_are_brought_into_the_order_of_the_images(folder) -> None:
    shuffled = [3, 0, 4, 2, 1]
    rdm, values = random_rdm(5, 3), responses()[:, 0]
    names = [NAMES[i] for i in shuffled]
    pd.DataFrame(rdm[np.ix_(shuffled, shuffled)], names, names).to_csv(folder / "rdm.csv")
    pd.DataFrame(values[shuffled], [LABELS[i] for i in shuffled]).to_csv(folder / "r.csv")
    chosen = pd.DataFrame({"cat": [0, 1, 0, 1, 1]}, names)
    chosen.to_csv(folder / "categories.csv")
    path = describe(
        folder,
        {"kind": "rdm", "file": "rdm.csv", "region": "IT"},
        {"kind": "responses", "file": "r.csv", "region": "V1"},
        categories="categories.csv",
    )
    recording = load_recording(path)
    np.testing.assert_allclose(recording.rdms[1].matrix, rdm, atol=1e-12)
    np.testing.assert_allclose(recording.responses[0].values[:, 0], values)
    assert recording.categories["cat"].tolist() == [True, True, True, False, False]


def test_an_order_of_ones_own_and_a_size(folder) -> None:
    (folder / "order.txt").write_text("dog_2.png\ncat_1\ncat_10.png\n")
    values = np.random.default_rng(1).standard_normal((3, 6))
    np.save(folder / "a.npy", values)
    path = describe(
        folder,
        {"kind": "responses", "file": "a.npy", "region": "IT"},
        stimuli={"folder": "images", "order": "order.txt", "size": 4},
    )
    recording = load_recording(path)
    assert recording.labels == ("dog_2", "cat_1", "cat_10")
    first = random_images(5)[4].reshape(4, 2, 4, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(recording.images[0], first, atol=1)


# --- Spikes.


def write_nwb(path, names, starts, trains, electrodes=("V1", "V2")) -> None:
    file = pynwb.NWBFile("s", "i", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    group = file.create_electrode_group("g", "g", "brain", file.create_device("d"))
    for place in electrodes:
        file.add_electrode(location=place, group=group)
    file.add_unit_column("area", "where")
    for i, train in enumerate(trains):
        file.add_unit(spike_times=train, electrodes=[i % 2], area=electrodes[i % 2])
    file.add_trial_column("image", "what was shown")
    for name, start in zip(names, starts, strict=True):
        file.add_trial(start_time=start, stop_time=start + 0.5, image=name)
    with pynwb.NWBHDF5IO(str(path), "w") as writer:
        writer.write(file)


@pytest.fixture
def session():
    """What was shown when (a grey screen too), and the spikes of three units."""
    draw = np.random.default_rng(4)
    names = [*draw.permutation([f"stimuli/{name}" for name in NAMES] * 2), "grey"]
    starts = 1.0 + 0.6 * np.arange(len(names))
    return names, starts, [np.sort(draw.uniform(0, 9, 120)) for _ in range(3)]


@pytest.mark.parametrize("column", ["area", "location"])
def test_an_nwb_file_gives_rates_in_the_window_of_each_trial(folder, session, column) -> None:
    names, starts, trains = session
    write_nwb(folder / "s.nwb", names, starts, trains)
    entry = {"kind": "nwb", "file": "s.nwb", "column": "image", "window_ms": [50, 250]}
    recording = load_recording(describe(folder, {**entry, "region_column": column}))
    v1, v2 = recording.responses
    assert (v1.region, v1.n_units, v2.region, v2.n_units) == ("V1", 2, "V2", 1)
    for number, name in enumerate(NAMES):
        shown = [s for n, s in zip(names, starts, strict=True) if n == f"stimuli/{name}"]
        for repeat, start in enumerate(shown):
            for unit, train in enumerate((trains[0], trains[2])):
                inside = (train >= start + 0.05) & (train < start + 0.25)
                assert v1.values[number, repeat, unit] == pytest.approx(inside.sum() / 0.2)
    whole = load_recording(describe(folder, {**entry, "region": "visual cortex"}))
    assert whole.responses[0].n_units == 3


def simulated() -> Activity:
    """Three trials of each stimulus of 200 ms."""
    draw = np.random.default_rng(6)
    labels = [str(x) for x in draw.permutation(LABELS * 3)]
    spikes = PopulationSpikes.from_unsorted(
        4,
        draw.integers(0, 2000, 600) * 0.1,
        draw.integers(0, 4, 600),
        draw.integers(0, 15, 600),
    )
    return Activity({"out": spikes}, 200.0, 0.1, 15, labels)


@pytest.mark.parametrize("suffix", ["nix", "nwb"])
def test_neo_reads_what_others_or_we_wrote(folder, suffix) -> None:
    activity = simulated()
    activity.save(folder / f"s.{suffix}")
    entry = {"kind": "neo", "file": f"s.{suffix}", "region": "V4", "window_ms": [0, 100]}
    recorded = load_recording(describe(folder, entry)).responses[0]
    counts = np.zeros((15, 4))
    early = activity["out"].times_ms < 100 - 1e-6
    np.add.at(counts, (activity["out"].trials[early], activity["out"].senders[early]), 1)
    assert recorded.values.shape == (5, 3, 4)
    for number, label in enumerate(LABELS):
        trials = [i for i, name in enumerate(activity.labels) if name == label]
        np.testing.assert_allclose(
            recorded.values[number].mean(axis=0), counts[trials].mean(axis=0) / 0.1, atol=1e-9
        )


def test_our_own_nwb_files_are_recordings_too(folder) -> None:
    activity = simulated()
    activity.save(folder / "s.nwb")
    entry = {"kind": "nwb", "file": "s.nwb", "region_column": "population", "window_ms": [0, 200]}
    recorded = load_recording(describe(folder, entry)).responses[0]
    assert recorded.region == "out"
    assert np.nansum(recorded.values) * 0.2 == pytest.approx(len(activity["out"]), abs=3)


# --- BIDS.


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


# --- Mistakes.


def broken_yaml(folder) -> dict[str, object]:
    np.save(folder / "good.npy", responses())
    np.save(folder / "four.npy", responses()[:4])
    np.save(folder / "pickled.npy", np.array([{"a": 1}], dtype=object))
    np.save(folder / "complex.npy", responses() * 1j)
    np.save(folder / "similar.npy", 1 - random_rdm(5, 1))
    np.save(folder / "crooked.npy", np.random.default_rng(0).uniform(size=(5, 5)))
    np.save(folder / "six.npy", random_rdm(6, 1))
    np.savez(folder / "two.npz", a=responses(), b=responses())
    (folder / "order.txt").write_text("cat_1\nhorse\n")
    (folder / "block.pkl").write_bytes(pickle.dumps({"block": 1}))
    pd.DataFrame({"cat": [0, 2, 0, 1, 1]}, LABELS).to_csv(folder / "categories.csv")
    write_nwb(folder / "s.nwb", ["cat_1"], [1.0], [np.array([1.1])])
    good = {"kind": "responses", "file": "good.npy", "region": "IT"}
    nwb = {"kind": "nwb", "file": "s.nwb", "region": "V1", "window_ms": [0, 100]}
    rdm = {"kind": "rdm", "region": "IT"}
    bids = {"kind": "bids", "folder": "glm", "masks": {"V1": "m.nii.gz"}}
    return {
        "no data": ([], {}, "field 'data'"),
        "unknown field": ([{**good, "areas": "IT"}], {}, "areas"),
        "unknown kind": ([{**good, "kind": "eeg"}], {}, "kind"),
        "no citation": ([good], {"citation": ""}, "field 'citation'"),
        "no folder": ([good], {"stimuli": {"folder": "pictures"}}, "there is no folder of stimuli"),
        "bad order": (
            [good],
            {"stimuli": {"folder": "images", "order": "order.txt"}},
            "names horse, which is no image",
        ),
        "bad categories": ([good], {"categories": "categories.csv"}, "must hold 0 and 1 only"),
        "no file": ([{**good, "file": "none.npy"}], {}, "there is no file"),
        "bad suffix": ([{**good, "file": "a.xlsx"}], {}, r"arrays are read from \.npy"),
        "four stimuli": ([{**good, "file": "four.npy"}], {}, "responses to 4 stimuli"),
        "pickles": ([{**good, "file": "pickled.npy"}], {}, r"not a readable \.npy file of numbers"),
        "complex": ([{**good, "file": "complex.npy"}], {}, "must hold real numbers"),
        "which array": ([{**good, "file": "two.npz"}], {}, "holds the arrays a, b; choose one"),
        "no such array": ([{**good, "file": "two.npz", "key": "c"}], {}, "has no array 'c'"),
        "bad dims": (
            [{**good, "dims": ["stimulus", "stimulus"]}],
            {},
            "dims are stimulus and unit",
        ),
        "twice": ([good, good], {}, "two entries for IT, subject 1"),
        "similarity": ([{**rdm, "file": "similar.npy"}], {}, "is it a similarity"),
        "no similarity": (
            [{**rdm, "file": "six.npy", "measure": "similarity"}],
            {},
            "must be 5 x 5",
        ),
        "asymmetric": ([{**rdm, "file": "crooked.npy"}], {}, "must be symmetric"),
        "no trials of it": ([nwb], {}, "no column 'stimulus'; it has"),
        "never shown": ([{**nwb, "column": "image"}], {}, "never shows the stimulus cat_2 and 3"),
        "no table": ([{**nwb, "table": "scenes"}], {}, "no table 'scenes' of intervals; it has tr"),
        "no region": ([{k: v for k, v in nwb.items() if k != "region"}], {}, "one of region and"),
        "bad window": ([{**nwb, "window_ms": [100, 0]}], {}, "window_ms must begin before"),
        "no neo": (
            [{"kind": "neo", "file": "order.txt", "region": "V1", "window_ms": [0, 9]}],
            {},
            "found none|Neo (knows no reader of|cannot read)",
        ),
        "pickled neo": (
            [{"kind": "neo", "file": "block.pkl", "region": "V1", "window_ms": [0, 9]}],
            {},
            "is a pickle, which could run anything",
        ),
        "no derivative": ([bids], {}, "there is no folder"),
    }


def test_every_mistake_is_told_in_one_sentence(folder) -> None:
    for case, (data, changes, sentence) in broken_yaml(folder).items():
        with pytest.raises(SpikelearnError, match=sentence) as raised:
            load_recording(describe(folder, *data, **changes))
        assert "\n" not in str(raised.value), case


def test_yaml_runs_nothing(folder) -> None:
    path = folder / "mine.yaml"
    path.write_text("!!python/object/apply:os.system ['touch hacked']")
    with pytest.raises(SpikelearnError, match="mine"):
        load_recording(path)
    with pytest.raises(SpikelearnError, match="cannot read"):
        load_recording(folder / "none.yaml")


def test_the_same_image_twice_and_images_of_different_sizes_are_refused(folder) -> None:
    np.save(folder / "good.npy", responses())
    path = describe(folder, {"kind": "responses", "file": "good.npy", "region": "IT"})
    write_images(folder / "images", ["dog_2.png"], random_images(5)[:1])
    with pytest.raises(SpikelearnError, match=r"cat_1\.png and dog_2\.png are the same image"):
        load_recording(path)
    write_images(folder / "images", ["dog_2.png"], random_images(1, size=9))
    with pytest.raises(SpikelearnError, match="share one size"):
        load_recording(path)


def test_a_map_that_is_missing_is_named(folder, derivative) -> None:
    entry, _ = derivative
    for path in (folder / "glm" / "sub-02").rglob("*contrast-dog1*"):
        path.unlink()
    with pytest.raises(SpikelearnError, match="no map of subject 02 for dog_1"):
        load_recording(describe(folder, entry))
    with pytest.raises(SpikelearnError, match="has no maps called"):
        load_recording(describe(folder, {**entry, "statistic": "z"}))


def test_networks_are_compared_with_ones_own_recording(folder) -> None:
    from spikelearn.comparison import compare_rsa, pixels

    images = random_images(5)
    # Two brains that see pixels, each its own mixtures of them.
    entries = []
    for subject in ("1", "2"):
        mixtures = np.random.default_rng(int(subject)).standard_normal((192, 4000))
        np.save(folder / f"{subject}.npy", (images.reshape(5, -1) / 255 - 0.5) @ mixtures)
        entries.append(
            {"kind": "responses", "file": f"{subject}.npy", "region": "IT", "subject": subject}
        )
    path = describe(folder, *entries)
    recording = load_recording(path)
    table = compare_rsa({("pixels", ""): pixels(recording.images, recording.labels)}, recording, 10)
    assert table.query("subject == '1'")["score"].item() > 0.8
