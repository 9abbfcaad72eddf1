"""A user's own images: folders and arrays, and what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli import load_dataset
from spikelearn.stimuli import user_images as own
from spikelearn.stimuli.datasets import resolve_source


def write_folder(root: Path, n: int = 10, mode: str = "L", classes: str = "cat dog") -> Path:
    """Images of 5 x 6 pixels (height x width), each of one value: that of the class, plus i."""
    for label, name in enumerate(classes.split()):
        (root / name).mkdir(parents=True)
        for i in range(n):
            grey = (0, 130, 240)[label] + i
            colour: Any = grey if mode == "L" else (grey, 7, 9)
            Image.new(mode, (6, 5), colour).save(root / name / f"{i:02d}.png")
    return root


def all_values(root: Path) -> list[int]:
    data = own.load_folder(root)
    return sorted(np.concatenate([data.train_images, data.test_images])[:, 0, 0].tolist())


# --- Folders.


def test_a_folder_with_a_subfolder_for_each_class_is_a_data_set(tmp_path: Path) -> None:
    data = load_dataset(write_folder(tmp_path / "pets"))
    assert data.name == "pets"
    assert data.classes == ("cat", "dog")
    assert data.train_images.shape == (16, 5, 6)
    assert data.test_images.shape == (4, 5, 6)
    assert np.bincount(data.test_labels).tolist() == [2, 2]
    np.testing.assert_array_equal(data.train_images[:, 0, 0] // 130, data.train_labels)
    assert all_values(tmp_path / "pets") == [*range(10), *range(130, 140)]
    assert len(set(data.train_labels[:4])) == 2  # the first few are of all classes


def test_the_same_images_are_held_out_every_time_and_whatever_the_other_classes(
    tmp_path: Path,
) -> None:
    one = load_dataset(write_folder(tmp_path / "a"))
    same = load_dataset(write_folder(tmp_path / "b"))
    np.testing.assert_array_equal(one.test_images, same.test_images)
    more = load_dataset(write_folder(tmp_path / "c", classes="cat dog fox"))
    for label in (0, 1):
        np.testing.assert_array_equal(
            one.test_images[one.test_labels == label], more.test_images[more.test_labels == label]
        )


def test_a_folder_may_be_divided_already(tmp_path: Path) -> None:
    write_folder(tmp_path / "pets" / "train", 3)
    write_folder(tmp_path / "pets" / "test", 1, classes="cat")
    data = own.load(tmp_path / "pets")
    assert sorted(data.train_images[:, 0, 0].tolist()) == [0, 1, 2, 130, 131, 132]
    assert data.test_labels.tolist() == [0]
    assert data.classes == ("cat", "dog")


def test_one_image_in_colour_puts_all_in_colour(tmp_path: Path) -> None:
    write_folder(tmp_path / "pets" / "train", 3, mode="RGB")
    write_folder(tmp_path / "pets" / "test", 1)
    data = own.load(tmp_path / "pets")
    assert data.train_images.shape == (6, 5, 6, 3)
    assert data.train_images[0, 0, 0].tolist() == [0, 7, 9]
    assert data.test_images[1, 0, 0].tolist() == [130, 130, 130]


def test_other_files_are_left_aside(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "pets")
    (root / "cat" / "notes.txt").write_text("a cat")
    (root / "cat" / "._00.png").write_bytes(b"of another system")
    (root / "readme.md").write_text("pets")
    (root / ".cache").mkdir()
    assert len(all_values(root)) == 20


def test_a_photograph_stands_as_a_viewer_shows_it(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "pets", 2)
    for name in ("cat", "dog"):
        for i in range(2):
            turned = Image.new("RGB", (5, 6), (200, 0, 0))
            exif = turned.getexif()
            exif[0x0112] = 6  # turned by a quarter
            (root / name / f"{i:02d}.png").unlink()
            turned.save(root / name / f"{i:02d}.jpg", exif=exif)
    assert own.load(root).train_images.shape == (2, 5, 6, 3)


def save(root: Path, image: Image.Image, **options: Any) -> None:
    image.save(root / "dog" / "zz.png", **options)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: save(r, Image.new("L", (7, 8))), ["dog/zz.png is 8 x 7", "cat/00.png is 5 x 6"]),
        (lambda r: (r / "dog" / "zz.png").write_bytes(b"no"), ["zz.png is not a readable image"]),
        (
            lambda r: save(r, Image.new("I;16", (6, 5))),
            ["zz.png has more than 8 bits", "image_range=[0,65535]"],
        ),
        (lambda r: save(r, Image.new("RGBA", (6, 5))), ["zz.png is transparent"]),
        (lambda r: (r / "fox").mkdir(), ["fox holds no images"]),
        (lambda r: (r / "cat" / "old").mkdir(), ["one subfolder of images", "folders in cat"]),
        (lambda r: write_folder(r / "train"), ["train and test", "folders in train"]),
        (
            lambda r: (write_folder(r / "train"), write_folder(r / "test")),
            ["has cat, dog beside train and test"],
        ),
        (lambda r: [p.unlink() for p in (r / "cat").glob("0[1-9].png")], ["class cat has 1 image"]),
    ],
    ids=["size", "no_image", "16_bits", "alpha", "empty", "nested", "no_test", "beside", "single"],
)
def test_a_folder_that_cannot_be_used_gets_one_sentence(
    spoil: Any, words: list[str], tmp_path: Path
) -> None:
    root = write_folder(tmp_path / "pets")
    spoil(root)
    with pytest.raises(SpikelearnError) as raised:
        own.load(root)
    assert "\n" not in str(raised.value)
    for word in words:
        assert word in str(raised.value)


def test_an_opaque_alpha_channel_is_no_hindrance(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "pets")
    save(root, Image.new("RGBA", (6, 5), (1, 2, 3, 255)))
    assert own.load(root).train_images.shape[1:] == (5, 6, 3)


def test_a_test_class_without_training_images_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "pets" / "train")
    write_folder(tmp_path / "pets" / "test", classes="cat fox")
    with pytest.raises(SpikelearnError, match="has a class fox that"):
        own.load(tmp_path / "pets")


def test_a_folder_of_one_class_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "pets", classes="cat")
    with pytest.raises(SpikelearnError, match="at least 2 classes, found 1"):
        own.load(tmp_path / "pets")


# --- Arrays.

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 3, 4), dtype=np.uint8)
LABELS = np.arange(20) % 2


def write_arrays(tmp_path: Path, **arrays: Any) -> Path:
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


@pytest.mark.parametrize("images", [IMAGES, IMAGES.astype(int), IMAGES / 255.0, IMAGES[..., None]])
def test_arrays_of_any_kind_of_number_are_a_data_set(images: np.ndarray, tmp_path: Path) -> None:
    data = load_dataset(write_arrays(tmp_path, images=images, labels=LABELS[:, None]))
    assert data.name == "mine"
    assert data.classes == ("0", "1")
    assert data.train_images.dtype == data.train_labels.dtype == np.uint8
    assert np.bincount(data.test_labels).tolist() == [2, 2]
    label_of = {image.tobytes(): label for image, label in zip(IMAGES, LABELS, strict=True)}
    for part in ("train", "test"):
        pairs = zip(getattr(data, f"{part}_images"), getattr(data, f"{part}_labels"), strict=True)
        assert all(label_of.pop(image.tobytes()) == label for image, label in pairs)
    assert not label_of


def test_arrays_may_be_divided_already_and_labels_be_words(tmp_path: Path) -> None:
    names = np.array(["dog", "cat"])[LABELS]
    colours = np.repeat(IMAGES[..., None], 3, axis=3)
    path = write_arrays(
        tmp_path,
        train_images=colours,
        train_labels=names,
        test_images=colours[:3],
        test_labels=names[:3],
    )
    data = load_dataset(str(path))
    assert data.classes == ("cat", "dog")
    assert data.test_labels.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(data.train_images, colours)


def test_classes_may_be_named(tmp_path: Path) -> None:
    path = write_arrays(tmp_path, images=IMAGES, labels=LABELS, classes=np.array(["cat", "dog"]))
    assert load_dataset(path).classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": LABELS[:19]}, "there are 20 images, but labels has shape"),
        ({"labels": LABELS - 1}, "labels must be numbered from 0"),
        ({"labels": LABELS + 1}, "label 2 is out of range; there are 2 classes"),
        ({"labels": LABELS / 2}, "labels must be whole numbers or text"),
        ({"labels": np.zeros(20, int)}, "at least 2 classes, found 1"),
        ({"classes": np.array(["a", "b", "c"])}, "class c has no images for training"),
        ({"images": np.full((20, 3, 4), np.nan)}, r"not finite \(NaN\)"),
        ({"images": np.full((20, 3, 4), 2.0)}, "must lie from 0 to 1, found 2 to 2"),
        ({"images": np.full((20, 3, 4), 256)}, "must lie from 0 to 255, found 256 to 256"),
        ({"images": np.zeros((20, 3, 4), complex)}, "images must be numbers"),
        ({"images": np.zeros((20, 3, 3, 4), np.uint8)}, "images must have shape"),
        ({"images": np.zeros((20, 12), np.uint8)}, "images must have shape"),
        ({"images": np.array([{}] * 20, dtype=object)}, "not a readable .npz file"),
        ({"train_images": IMAGES}, "it has no train_labels"),
    ],
)
def test_arrays_that_cannot_be_used_get_one_sentence(
    changes: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    path = write_arrays(tmp_path, **({"images": IMAGES, "labels": LABELS} | changes))
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        own.load(path)
    assert "\n" not in str(raised.value)
    assert "mine.npz" in str(raised.value)


def test_parts_of_different_sizes_are_refused(tmp_path: Path) -> None:
    path = write_arrays(
        tmp_path,
        train_images=IMAGES,
        train_labels=LABELS,
        test_images=IMAGES[:, 1:],
        test_labels=LABELS,
    )
    with pytest.raises(SpikelearnError, match="images must share one shape"):
        own.load(path)


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").write_bytes(b"no arrays")
    with pytest.raises(SpikelearnError, match=r"not a readable \.npz file"):
        own.load(tmp_path / "mine.npz")
    with pytest.raises(SpikelearnError, match=r"neither a folder of images nor an \.npz file"):
        own.load(tmp_path / "nothing")


# --- Which images they were.


def test_the_source_is_a_digest_that_other_images_do_not_share(tmp_path: Path) -> None:
    root, path = (
        write_folder(tmp_path / "pets"),
        write_arrays(tmp_path, images=IMAGES, labels=LABELS),
    )
    sources = [resolve_source(root), resolve_source(path)]
    assert all(source.startswith("sha256:") for source in sources)
    assert [resolve_source(root), resolve_source(path)] == sources
    assert len(load_dataset(root, sources[0]).train_images) == 16
    (root / "cat" / "notes.txt").write_text("no image")
    assert resolve_source(root, sources[0]) == sources[0]
    (root / "cat" / "00.png").rename(root / "dog" / "zz.png")
    assert resolve_source(root) != sources[0]
    write_arrays(tmp_path, images=IMAGES, labels=LABELS[::-1])
    for changed, source in zip((root, path), sources, strict=True):
        with pytest.raises(SpikelearnError, match="the digest of the images that are there"):
            load_dataset(changed, source)


# --- Images on other scales.

SIXTEEN = (np.arange(20 * 12).reshape(20, 3, 4) % 17).astype(np.uint8)


@pytest.mark.parametrize(
    ("images", "found", "image_range"),
    [
        (SIXTEEN, "nothing above 16", (0, 16)),
        (SIXTEEN.astype(int), "nothing above 16", (0, 16)),
        ((SIXTEEN > 8).astype(np.uint8), "nothing above 1,", (0, 1)),
        (SIXTEEN / 255.0, "nothing above 0.06", (0, 16 / 255)),
        (SIXTEEN * 15.9375, "must lie from 0 to 1, found 0 to 255", (0, 255)),
        (SIXTEEN / 8.0 - 1.0, "must lie from 0 to 1, found -1 to 1", (-1, 1)),
        (SIXTEEN.astype(np.uint16) * 4095, "must lie from 0 to 255, found 0 to 65520", (0, 65520)),
    ],
)
def test_images_on_another_scale_are_refused_and_read_as_they_are_meant(
    images: np.ndarray, found: str, image_range: tuple[float, float], tmp_path: Path
) -> None:
    path = write_arrays(tmp_path, images=images, labels=LABELS)
    with pytest.raises(SpikelearnError, match=found) as raised:
        load_dataset(path)
    assert "image_range=[" in str(raised.value)
    assert "\n" not in str(raised.value)
    data = load_dataset(path, image_range=image_range)
    read = np.concatenate([data.train_images, data.test_images])
    assert (read.min(), read.max()) == (0, 255)
    meant = np.rint((images - image_range[0]) * (255 / (image_range[1] - image_range[0])))
    assert sorted(i.tobytes() for i in meant.astype(np.uint8)) == sorted(i.tobytes() for i in read)


def test_a_folder_of_dark_images_is_refused_unless_they_are_so_dark(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(3):
            image = Image.fromarray(SIXTEEN[number])
            image.save(tmp_path / "pets" / name / f"{number}.png")
    with pytest.raises(SpikelearnError, match="nothing above 16"):
        load_dataset(tmp_path / "pets")
    assert load_dataset(tmp_path / "pets", image_range=(0, 16)).train_images.max() == 255
    assert load_dataset(tmp_path / "pets", image_range=(0, 255)).train_images.max() == 16


def test_a_few_dark_images_among_others_are_as_dark_as_they_are(tmp_path: Path) -> None:
    path = write_arrays(
        tmp_path,
        train_images=IMAGES,
        train_labels=LABELS,
        test_images=SIXTEEN[:2],
        test_labels=LABELS[:2],
    )
    np.testing.assert_array_equal(load_dataset(path).test_images, SIXTEEN[:2])


def test_a_range_is_of_images_of_ones_own_and_has_two_ends(tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match="of one's own"):
        load_dataset("digits", image_range=(0, 16))
    path = write_arrays(tmp_path, images=IMAGES, labels=LABELS)
    with pytest.raises(SpikelearnError, match="found 3 twice"):
        load_dataset(path, image_range=(3, 3))


def test_a_folder_or_a_file_without_images_is_refused_before_anything_is_prepared(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "none.npz", labels=np.arange(3))
    for name in ("empty", "none.npz"):
        with pytest.raises(SpikelearnError, match=f"{name} holds no images"):
            own.preparation(tmp_path / name, (1, 28, 28))
