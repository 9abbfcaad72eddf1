"""1,797 handwritten digits of 8 x 8 pixels; they come with scikit-learn.

Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, doi:10.24432/C50P49 (its test part); CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli.images import ImageDataset, check_source, rank_within_class

CLASSES = tuple("0123456789")
SOURCES = ("embedded",)
_TEST_PER_CLASS = 36


def load(source: str = "auto") -> ImageDataset:
    """1,437 training and 360 test images, 8 x 8, grey; no download.

    The test images are the last 36 of each class, in the order of the file. The file's values, 0
    to 16, are scaled to 0 to 255.

    Raises
    ------
    SpikelearnError
        If scikit-learn is not installed.
    """
    check_source("digits", source, SOURCES)
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise SpikelearnError(
            "the 8 x 8 digits need the package scikit-learn; install it"
        ) from error
    content = load_digits()
    images = np.rint(content.images * (255 / 16)).astype(np.uint8)
    labels = content.target.astype(np.uint8)
    test = rank_within_class(labels) >= np.bincount(labels)[labels] - _TEST_PER_CLASS
    return ImageDataset(
        "digits",
        images[~test],
        labels[~test],
        images[test],
        labels[test],
        classes=CLASSES,
        source="1,797 digits of scikit-learn",
    )


def default_source() -> str:
    """What the source "auto" means on this machine: there is one only."""
    return "embedded"


def download(progress: Callable[[str], None] | None = None) -> None:
    """Say that there is nothing to download."""
    if progress is not None:
        progress("the digits come with scikit-learn; there is nothing to download")
