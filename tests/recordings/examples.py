"""Small images and RDMs that the tests of recordings share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikelearn.recordings import RecordedResponses


def random_images(n: int, size: int = 8, colour: bool = True, seed: int = 0) -> np.ndarray:
    """uint8 images, no two alike."""
    shape = (n, size, size, 3) if colour else (n, size, size)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_images(folder: Path, names: list[str], images: np.ndarray) -> None:
    """One lossless file an image."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(folder / name)


def random_rdm(n: int, seed: int) -> np.ndarray:
    """A symmetric matrix with a zero diagonal."""
    values = np.random.default_rng(seed).uniform(0.1, 1.9, (n, n))
    matrix = (values + values.T) / 2
    np.fill_diagonal(matrix, 0.0)
    return matrix


def recorded_responses(n_stimuli: int = 6, seed: int = 0, **changes) -> RecordedResponses:
    values = np.random.default_rng(seed).standard_normal((n_stimuli, 3, 5))
    fields = {"subject": "a", "region": "V1", "session": "", "values": values, "unit": "Hz"}
    return RecordedResponses(**(fields | changes))
