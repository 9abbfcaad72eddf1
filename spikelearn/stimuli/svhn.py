"""SVHN: cropped digits of house numbers, photographed from the street.

Netzer, Wang, Coates, Bissacco, Wu & Ng 2011, "Reading Digits in Natural Images with Unsupervised
Feature Learning", NIPS Workshop on Deep Learning and Unsupervised Feature Learning;
http://ufldl.stanford.edu/housenumbers/. For non-commercial use only, by the page.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import fetch_data, local_data, require_digest
from spikelearn.stimuli.images import ImageDataset, check_source

_ADDRESS = "http://ufldl.stanford.edu/housenumbers/"
# SHA-256, training images first.
_FILES = {
    "train_32x32.mat": "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    "test_32x32.mat": "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
}
CLASSES = tuple("0123456789")
SOURCES = ("full",)


def load(source: str = "auto") -> ImageDataset:
    """73,257 training and 26,032 test images, 32 x 32, in colour (the "extra" ones are left out).

    From `SPIKELEARN_DATA`, the cache, or downloaded (246 MB).

    Raises
    ------
    DataUnavailableError
        If they are not at hand and cannot be downloaded.
    SpikelearnError
        If a file does not hold what it should.
    """
    check_source("svhn", source, SOURCES)
    (train_x, train_y), (test_x, test_y) = (_read(_path(name)) for name in _FILES)
    return ImageDataset(
        "svhn", train_x, train_y, test_x, test_y, CLASSES, source="full set, cropped digits"
    )


def default_source() -> str:
    """What the source "auto" means on this machine: there is one only."""
    return "full"


def full_set_at_hand() -> bool:
    """Whether both files can be read without a download."""
    return all(local_data(f"svhn/{name}") for name in _FILES)


def download(progress: Callable[[str], None] | None = None) -> None:
    """Bring both files into the cache, so that `load()` finds them from then on."""
    for name in _FILES:
        if progress is not None:
            progress(name)
        _path(name, progressbar=True)


def _path(name: str, progressbar: bool = False) -> Path:
    path = fetch_data(f"svhn/{name}", _ADDRESS + name, _FILES[name], progressbar)
    require_digest(path, _FILES[name])
    return path


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 of shape (n, 32, 32, 3), and labels, uint8 of shape (n,)."""
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=["X", "y"])
        x, y = content["X"], content["y"].ravel()
    except Exception as error:  # SciPy raises many kinds on broken files
        raise SpikelearnError(
            f"{path} is not a MATLAB file with X and y; delete it to download it again"
        ) from error
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[:3] != (32, 32, 3):
        raise SpikelearnError(
            f"{path}: X must be 8-bit of shape (32, 32, 3, n), found {x.dtype} of {x.shape}"
        )
    if not np.isin(y, np.arange(1, 11)).all():
        raise SpikelearnError(f"{path}: labels must be 1 to 10, where 10 means the digit 0")
    return np.ascontiguousarray(x.transpose(3, 0, 1, 2)), (y % 10).astype(np.uint8)
