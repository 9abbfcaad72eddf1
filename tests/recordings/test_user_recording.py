"""Anyone's own recording by a YAML file: arrays, RDMs, NWB, Neo, BIDS; mistakes in one sentence."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from spikelearn.recordings import at_hand
from tests.recordings.examples import random_images, random_rdm, write_images
from tests.recordings.user_examples import LABELS, NAMES, describe, random_responses, write_nwb


def broken_yaml(folder) -> dict[str, object]:
    np.save(folder / "good.npy", random_responses())
    np.save(folder / "four.npy", random_responses()[:4])
    np.save(folder / "pickled.npy", np.array([{"a": 1}], dtype=object))
    np.save(folder / "complex.npy", random_responses() * 1j)
    np.save(folder / "similar.npy", 1 - random_rdm(5, 1))
    np.save(folder / "crooked.npy", np.random.default_rng(0).uniform(size=(5, 5)))
    np.save(folder / "six.npy", random_rdm(6, 1))
    np.savez(folder / "two.npz", a=random_responses(), b=random_responses())
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
            "is of 6 stimuli, but there are 5 images",
        ),
        "asymmetric": ([{**rdm, "file": "crooked.npy"}], {}, "must be symmetric"),
        "no trials of it": ([nwb], {}, "no column 'stimulus'; there are"),
        "never shown": ([{**nwb, "column": "image"}], {}, "never shows the stimulus cat_2 and 3"),
        "no table": (
            [{**nwb, "table": "scenes"}],
            {},
            "no table 'scenes' of intervals; there are",
        ),
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


def test_responses_and_rdms_come_with_the_images_in_the_order_of_their_names(folder) -> None:
    values, rdm = random_responses(), random_rdm(5, 1)
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
    with pytest.raises(SpikelearnError, match="there is no file"):
        load_recording(folder / "none.yaml")


def test_the_same_image_twice_and_images_of_different_sizes_are_refused(folder) -> None:
    np.save(folder / "good.npy", random_responses())
    path = describe(folder, {"kind": "responses", "file": "good.npy", "region": "IT"})
    write_images(folder / "images", ["dog_2.png"], random_images(5)[:1])
    with pytest.raises(SpikelearnError, match=r"cat_1\.png and dog_2\.png are the same image"):
        load_recording(path)
    write_images(folder / "images", ["dog_2.png"], random_images(1, size=9)[:, :7])
    with pytest.raises(SpikelearnError, match="share one size"):
        load_recording(path)


def test_images_as_publishers_ship_them_are_read_by_an_option_and_said(folder) -> None:
    from PIL import Image

    np.save(folder / "good.npy", random_responses())
    entry = {"kind": "responses", "file": "good.npy", "region": "IT"}

    def read(**stimuli):
        given = {"folder": "images", "order": "natural", **stimuli}
        return load_recording(describe(folder, entry, stimuli=given))

    whole = read().images
    cut = np.concatenate([whole[4], np.full((8, 8, 1), 255, np.uint8)], axis=2)
    cut[:2, :, 3] = 0
    Image.fromarray(cut).save(folder / "images" / "dog_2.png")
    with pytest.raises(SpikelearnError, match=r"dog_2\.png is transparent; say what lies under it"):
        read()
    recording = read(background="grey")
    assert (recording.images[4, :2] == 128).all()
    np.testing.assert_array_equal(recording.images[4, 2:], whole[4, 2:])
    assert any("dog_2.png, and laid on grey" in n for n in recording.notes)
    assert recording.options["stimuli"]["background"] == "grey"
    with pytest.raises(SpikelearnError, match=r"stimuli\.background.*is no colour"):
        read(background="greyish")
    half = read(background="grey", size=4)
    assert half.images.shape == (5, 4, 4, 3)
    assert any("laid on grey" in n for n in half.notes)

    for number, name in enumerate(NAMES):
        deep = np.random.default_rng(number).integers(0, 4096, (8, 8)).astype(np.uint16)
        Image.fromarray(deep).save(folder / "images" / name)
    with pytest.raises(SpikelearnError, match="more than 8 bits a channel"):
        read()
    recording = read(image_range=[0, 4095])
    expected = np.rint(deep * (255 / 4095)).astype(np.uint8)
    np.testing.assert_array_equal(recording.images[4], expected)
    assert read(image_range=[0, 4095], size=4).images.shape == (5, 4, 4, 3)


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


def test_images_that_networks_would_see_nearly_black_are_noted(tmp_path) -> None:
    np.save(tmp_path / "a.npy", random_responses())
    path = describe(tmp_path, {"kind": "responses", "file": "a.npy", "region": "IT"})
    names = [f"{label}.png" for label in LABELS]
    write_images(tmp_path / "images", names, random_images(5) // 16)
    assert any("nothing above 15 of 255" in note for note in load_recording(path).notes)
    write_images(tmp_path / "images", names, random_images(5))
    assert not any("black" in note for note in load_recording(path).notes)


def test_regions_and_subjects_that_are_written_in_two_ways_are_said(folder) -> None:
    entries = []
    for number, (region, subject) in enumerate((("IT", "1"), ("it", "1"), ("IT", "01"))):
        np.save(folder / f"{number}.npy", random_responses(number))
        entries.append({"kind": "responses", "file": f"{number}.npy", "region": region,
                        "subject": subject})  # fmt: skip
    notes = load_recording(describe(folder, *entries)).notes
    assert "'IT' and 'it' are taken as two regions" in notes
    assert "'1' and '01' are taken as two subjects" in notes
