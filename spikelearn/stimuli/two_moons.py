"""1,000 points of two half circles that reach into each other; no straight line tells them apart.

The points of scikit-learn's `make_moons` with normal noise, each as an image of 1 x 2 pixels: how
far to the right, and how far up. For pictures of what a small network has learnt.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikelearn.stimuli.images import ImageDataset, check_source

CLASSES = ("upper", "lower")
SOURCES = ("embedded",)
N_TRAIN, N_TEST = 800, 200
LIMITS = ((-1.75, 2.75), (-1.25, 1.75))
"""What black and white are of both pixels, in the units of `make_moons`."""
_NOISE, _DRAWN, _SEED = 0.15, 1400, 0


def load(source: str = "auto") -> ImageDataset:
    """800 training and 200 test points of two classes; no download.

    Pixels have 256 values: of points that fall on the same place only the first is taken, so that
    no test point is a training point.
    """
    from sklearn.datasets import make_moons

    check_source("two_moons", source, SOURCES)
    points, labels = make_moons(_DRAWN, noise=_NOISE, random_state=_SEED)
    pixels = np.rint(255 * (points - np.array(LIMITS)[:, 0]) / np.ptp(LIMITS, axis=1))
    within = ((pixels >= 0) & (pixels <= 255)).all(axis=1)
    first = np.zeros(_DRAWN, dtype=bool)
    first[np.unique(pixels, axis=0, return_index=True)[1]] = True
    chosen = np.flatnonzero(within & first)[: N_TRAIN + N_TEST]
    images = pixels[chosen].astype(np.uint8).reshape(-1, 1, 2)
    classes = labels[chosen].astype(np.uint8)
    return ImageDataset(
        "two_moons",
        images[:N_TRAIN],
        classes[:N_TRAIN],
        images[N_TRAIN:],
        classes[N_TRAIN:],
        classes=CLASSES,
        source="make_moons of scikit-learn",
    )


def default_source() -> str:
    """What the source "auto" means on this machine: there is one only."""
    return "embedded"


def download(progress: Callable[[str], None] | None = None) -> None:
    """Say that there is nothing to download."""
    if progress is not None:
        progress("the two moons are made by scikit-learn; there is nothing to download")
