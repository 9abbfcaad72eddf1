"""A user's own labelled images: a folder with one subfolder for each class, or arrays in an .npz.

    my_images/cat/*.png  my_images/dog/*.png                    a fifth is held out for testing
    my_images/train/cat/*.png  ...  my_images/test/cat/*.png    divided as the folders say
    my_images.npz: images, labels                               a fifth is held out for testing
    my_images.npz: train_images, train_labels, test_images, test_labels

What is held out is drawn for each class with a fixed seed: the same in every run.

Whole numbers are read from 0, black, to 255, white; other numbers from 0 to 1. Images on another
scale (0 to 16, -1 to 1, 16 bits) need an `image_range`, which says what black and white are; see
`spikelearn.stimuli.image_scale`. Transparent images need a `background`. Networks take images of
any size, in colour or grey: they are turned to what the model takes, see `preparation`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._files import sha256
from spikelearn._seeding import generator
from spikelearn.stimuli.image_files import (
    SUFFIXES,
    ImageReading,
    is_image,
    read_images,
    sizes_and_colours,
)
from spikelearn.stimuli.image_scale import ImageRange, on_scale
from spikelearn.stimuli.images import ImageDataset, rank_within_class, words_of_preparation

_HELD_OUT = 0.2


def kind_of(path: str | Path) -> str | None:
    """Whether a "folder" or "arrays" (an .npz file) are at `path`; None where neither is."""
    path = Path(path)
    if path.is_dir():
        return "folder"
    return "arrays" if path.suffix == ".npz" and path.is_file() else None


def load(
    path: str | Path,
    source: str = "auto",
    image_range: ImageRange | None = None,
    background: str | None = None,
    size: tuple[int, int] | None = None,
) -> ImageDataset:
    """The images of a folder or of an .npz file.

    Parameters
    ----------
    path : str or Path
    source : str
        What `fingerprint` says of the images that are meant, or "auto" for those that are there.
    image_range : (float, float), optional
        What black and white are; as the file's docstring says if absent.
    background : str, optional
        The colour under transparent images; they are refused if absent.
    size : (int, int), optional
        Height and width to which images in files are resized if they have several sizes; else such
        images are refused.

    Raises
    ------
    SpikelearnError
        If there is neither at `path`, the images are not those of `source`, or they cannot be
        used; one sentence says why.
    """
    kind = kind_of(path)
    if kind is None:
        raise SpikelearnError(f"{path} is neither a folder of images nor an .npz file")
    if source != "auto":
        check_fingerprint(path, source)
    if kind == "arrays":
        return load_arrays(path, image_range)
    reading = ImageReading(background, image_range, size)
    data = load_folder(path, reading)
    for note in reading.sentences:
        warnings.warn(note, stacklevel=3)
    return data


def preparation(
    path: str | Path, shape: tuple[int, int, int], background: str | None = None
) -> str:
    """What is done to a user's images that a network takes as others, in words; empty if nothing.

    Parameters
    ----------
    path : str or Path
        Of a folder or of an .npz file.
    shape : (channels, height, width)
        What the network takes.
    background : str, optional
        As of `load`.

    Raises
    ------
    SpikelearnError
        If they cannot be read.
    """
    path = Path(path)
    if kind_of(path) == "folder":
        files = sorted(file for file in path.rglob("*") if is_image(file))
        sizes, coloured = sizes_and_colours(files, background)
    else:
        arrays = [a for name, a in _read_arrays(path).items() if name.endswith("images")]
        shaped = [_shaped(array, f"{path}") for array in arrays]
        sizes = Counter(array.shape[1:3] for array in shaped)
        coloured = any(array.ndim == 4 for array in shaped)
    if not sizes:
        raise SpikelearnError(
            f"{path} holds no images (in subfolders, as {', '.join(SUFFIXES)}; or arrays of them"
            " in an .npz file)"
        )
    return words_of_preparation(list(sizes), coloured, shape)


def fingerprint(path: str | Path) -> str:
    """The beginning of a digest of the images, "sha256:...": another one once they are changed.

    A run records it, so that one on other images of the same path is not taken for the same.
    """
    path = Path(path)
    if kind_of(path) != "folder":
        return f"sha256:{sha256(path)[:16]}"
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if is_image(p)):
        digest.update(f"{file.relative_to(path).as_posix()} {sha256(file)}\n".encode())
    return f"sha256:{digest.hexdigest()[:16]}"


def check_fingerprint(path: str | Path, source: str) -> None:
    """Refuse images that are not those that `source` means.

    Raises
    ------
    SpikelearnError
        Saying what is there.
    """
    actual = fingerprint(path)
    if source != actual:
        raise SpikelearnError(
            f"the source of {path} must be auto or {actual}, the digest of the images that are"
            f" there, found '{source}'"
        )


def load_folder(path: str | Path, reading: ImageReading | None = None) -> ImageDataset:
    """Images in one subfolder for each class, with `train` and `test` above them or without.

    Classes are the names of the subfolders, sorted. Images are grey if all files are, else all in
    colour. Files with other suffixes than `SUFFIXES`, and hidden ones, are left aside.

    Raises
    ------
    SpikelearnError
        If the folders are not laid out so, or the images cannot be read so; see
        `spikelearn.stimuli.image_files`.
    """
    path = Path(path)
    reading = ImageReading() if reading is None else reading
    image_range = reading.image_range
    folders = _subfolders(path)
    names = [folder.name for folder in folders]
    if not {"train", "test"} <= set(names):
        if any(_subfolders(folder) for folder in folders):
            raise SpikelearnError(
                f"{path} must have one subfolder of images for each class, or train and test with"
                " such subfolders in each; it has folders in "
                + ", ".join(folder.name for folder in folders if _subfolders(folder))
            )
        files, labels = _listed(path, names)
        images = read_images(path, files, reading)
        return _divided(path, images, labels, tuple(names), str(path), image_range)
    if len(names) > 2:
        others = ", ".join(name for name in names if name not in ("train", "test"))
        raise SpikelearnError(f"{path} has {others} beside train and test; take it elsewhere")
    classes = [folder.name for folder in _subfolders(path / "train")]
    unknown = {folder.name for folder in _subfolders(path / "test")} - set(classes)
    if unknown:
        raise SpikelearnError(
            f"{path / 'test'} has a class {min(unknown)} that {path / 'train'} has not"
        )
    train_files, train_labels = _listed(path / "train", classes)
    present = [name for name in classes if (path / "test" / name).is_dir()]
    test_files, test_labels = _listed(path / "test", classes, present)
    images, n = read_images(path, train_files + test_files, reading), len(train_files)
    parts = {str(path / "train"): images[:n], str(path / "test"): images[n:]}
    train_images, test_images = on_scale(parts, image_range)
    return ImageDataset(
        path.name,
        train_images,
        train_labels,
        test_images,
        test_labels,
        classes=tuple(classes),
        source=f"images of the folder {path.name}",
    )


def load_arrays(path: str | Path, image_range: ImageRange | None = None) -> ImageDataset:
    """Arrays of an .npz file: `images` and `labels`, or these with train_ and test_ before them.

    Images have shape (n, height, width), (n, height, width, 1) or (n, height, width, 3) and hold
    whole numbers from 0 to 255, or other numbers from 0 to 1. Labels are whole numbers from 0, or
    text. `classes`, where it is there, gives names to the whole numbers.

    Raises
    ------
    SpikelearnError
        If an array is missing, has another shape, values that are none of these or not finite, or
        a class has no images.
    """
    path = Path(path)
    arrays = _read_arrays(path)
    parts = ("train_", "test_") if "train_images" in arrays else ("",)
    for part in parts:
        for kind in ("images", "labels"):
            if part + kind not in arrays:
                raise SpikelearnError(
                    f"{path} must hold images and labels, or train_images, train_labels,"
                    f" test_images and test_labels; it has no {part + kind}"
                )
    names = [f"{part}images" for part in parts]
    given = [_shaped(arrays[name], f"{path}: {name}") for name in names]
    raw = [_flat(arrays[f"{part}labels"]) for part in parts]
    for part, x, y in zip(parts, given, raw, strict=True):
        if y.shape != (len(x),) or not len(y):
            raise SpikelearnError(
                f"{path}: there are {len(x)} {part}images, but {part}labels has shape {y.shape}"
            )
    classes, labels = _numbered(raw, arrays.get("classes"), path)
    if len(parts) == 1:
        return _divided(path, given[0], labels[0], classes, f"{path}: images", image_range)
    named = {f"{path}: {name}": part for name, part in zip(names, given, strict=True)}
    train_images, test_images = on_scale(named, image_range)
    return ImageDataset(
        path.stem,
        train_images,
        labels[0],
        test_images,
        labels[1],
        classes=classes,
        source=f"arrays of {path.name}",
    )


def _divided(
    path: Path,
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    named: str,
    image_range: ImageRange | None,
) -> ImageDataset:
    """The data set with a fifth of each class held out for testing, at least one image."""
    test = np.zeros(len(labels), dtype=bool)
    for number, name in enumerate(classes):
        members = np.flatnonzero(labels == number)
        if len(members) < 2:
            raise SpikelearnError(
                f"{path}: class {name} has {counted(len(members), 'image')}; at least 2 are needed,"
                " as a fifth is held out for testing"
            )
        drawn = generator(0, "held-out test images", name).permutation(members)
        test[drawn[: max(1, round(_HELD_OUT * len(members)))]] = True
    (images,) = on_scale({named: images}, image_range)
    what = "images of the folder" if path.is_dir() else "arrays of"
    return ImageDataset(
        path.stem if path.suffix == ".npz" else path.name,
        images[~test],
        labels[~test],
        images[test],
        labels[test],
        classes=classes,
        source=f"{what} {path.name}, a fifth of each class held out",
    )


def _subfolders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _listed(
    path: Path, classes: list[str], present: list[str] | None = None
) -> tuple[list[Path], np.ndarray]:
    """Files of the classes and their labels, the classes dealt out in turn."""
    if len(classes) < 2:
        raise SpikelearnError(
            f"{path} must have a subfolder of images for each of at least 2 classes, found"
            f" {len(classes)}"
        )
    files: list[Path] = []
    numbers: list[int] = []
    for number, name in enumerate(classes):
        if present is not None and name not in present:
            continue
        images = sorted(p for p in (path / name).iterdir() if is_image(p))
        if not images:
            raise SpikelearnError(f"{path / name} holds no images ({', '.join(SUFFIXES)})")
        files += images
        numbers += [number] * len(images)
    if not files:
        raise SpikelearnError(f"{path} has no subfolders of images")
    labels = _compact(np.array(numbers), len(classes))
    dealt = np.lexsort((labels, rank_within_class(labels)))
    return [files[i] for i in dealt], labels[dealt]


def _compact(labels: np.ndarray, n_classes: int) -> np.ndarray:
    return labels.astype(np.min_scalar_type(n_classes - 1))


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy raises many kinds on broken files
        raise SpikelearnError(
            f"{path} is not a readable .npz file of plain arrays (numbers or text)"
        ) from error


def _shaped(array: np.ndarray, what: str) -> np.ndarray:
    """Numbers of shape (n, h, w) or (n, h, w, 3)."""
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    shaped = array.ndim == 3 or (array.ndim == 4 and array.shape[-1] == 3)
    if not shaped or not array.size:
        raise SpikelearnError(
            f"{what} must have shape (n, height, width), or (n, height, width, 3) in colour, found"
            f" {array.shape}"
        )
    if array.dtype.kind not in "iuf":
        raise SpikelearnError(f"{what} must be numbers, found {array.dtype}")
    if not np.isfinite(array).all():
        raise SpikelearnError(f"{what} has values that are not finite (NaN)")
    return array


def _flat(labels: np.ndarray) -> np.ndarray:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _numbered(
    labels: list[np.ndarray], given: np.ndarray | None, path: Path
) -> tuple[tuple[str, ...], list[np.ndarray]]:
    """Names of the classes, and the labels of each part as numbers from 0."""
    kinds = {part.dtype.kind for part in labels}
    if kinds == {"U"}:
        names, numbers = np.unique(np.concatenate(labels), return_inverse=True)
        classes = tuple(str(name) for name in names)
        ends = np.cumsum([len(part) for part in labels])[:-1]
        labels = np.split(numbers, ends)
    elif kinds <= {"i", "u"}:
        top = max(int(part.max()) for part in labels)
        if min(int(part.min()) for part in labels) < 0:
            raise SpikelearnError(f"{path}: labels must be numbered from 0, found a negative one")
        count = len(np.unique(labels[0])) if given is None else given.size
        if given is None:
            classes = tuple(str(number) for number in range(count))
        else:
            classes = tuple(str(name) for name in given.ravel())
        if top >= count:
            raise SpikelearnError(
                f"{path}: label {top} is out of range; there are {count} classes, numbered from 0"
            )
    else:
        raise SpikelearnError(f"{path}: labels must be whole numbers or text")
    if len(classes) < 2:
        raise SpikelearnError(f"{path} must have at least 2 classes, found {len(classes)}")
    for number, name in enumerate(classes):
        if not np.any(labels[0] == number):
            raise SpikelearnError(f"{path}: class {name} has no images for training")
    return classes, [_compact(part, len(classes)) for part in labels]
