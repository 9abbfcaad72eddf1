"""What the recordings' loaders share: images from files, and where files must lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import cache_folder
from spikelearn._names import natural_key
from spikelearn.stimuli.image_files import (
    ImageReading,
    is_image,
    read_image,
    read_images,
)
from spikelearn.stimuli.image_scale import on_scale
from spikelearn.stimuli.images import ImageDataset


def image_set(name: str, images: np.ndarray, labels: Sequence[str], source: str) -> ImageDataset:
    """Images that were shown: the test images of a data set, each a class of its own.

    Parameters
    ----------
    name : str
        Of the recording.
    images : uint8 array of shape (n, height, width[, 3])
    labels : sequence of str
        One for each image.
    source : str
        Where they come from.

    Raises
    ------
    SpikelearnError
        If a label stands twice, or labels and images differ in number.
    """
    if len(images) != len(labels):
        raise SpikelearnError(
            f"{name}: {counted(len(images), 'image')} but {counted(len(labels), 'label')}"
        )
    seen: set[str] = set()
    for label in labels:
        if label in seen:
            raise SpikelearnError(f"{name}: two stimuli have the label '{label}'")
        seen.add(label)
    kind = np.min_scalar_type(max(len(images) - 1, 0))
    return ImageDataset(
        name=name,
        train_images=images[:0],
        train_labels=np.zeros(0, dtype=kind),
        test_images=images,
        test_labels=np.arange(len(images), dtype=kind),
        classes=tuple(labels),
        source=source,
    )


def image_files(folder: Path) -> list[Path]:
    """The images of a folder in the order that a person would give them: 2 before 10."""
    return sorted((p for p in folder.iterdir() if is_image(p)), key=lambda p: natural_key(p.name))


def read_resized(
    files: Sequence[Path], size: int, reading: ImageReading | None = None
) -> np.ndarray:
    """Images of any size, in colour, each resized to `size` x `size` by area averaging.

    Parameters
    ----------
    files : sequence of Path
    size : int
        In pixels.
    reading : ImageReading, optional
        Is told what was done besides.

    Returns
    -------
    uint8 array of shape (n, size, size, 3)
    """
    from PIL import Image

    reading = ImageReading() if reading is None else reading
    result = np.empty((len(files), size, size, 3), dtype=np.uint8)
    for row, file in enumerate(files):
        image = read_image(file, reading)
        if reading.image_range is not None:
            (image,) = on_scale({str(file): image}, reading.image_range)
        coloured = Image.fromarray(image).convert("RGB")
        result[row] = np.asarray(coloured.resize((size, size), Image.Resampling.BOX))
    return result


def read_all(
    folder: Path, files: Sequence[Path], reading: ImageReading | None = None
) -> tuple[np.ndarray, list[str]]:
    """Images of one size, below `folder`, in one array, and what was done to them.

    A few of another size are resized to that of most; see `spikelearn.stimuli.image_files`.

    Parameters
    ----------
    folder : Path
    files : sequence of Path
    reading : ImageReading, optional
    """
    reading = replace(reading or ImageReading(), few_resized=True)
    images = read_images(folder, files, reading)
    if reading.image_range is not None:
        (images,) = on_scale({str(folder): images}, reading.image_range)
    return images, reading.sentences


def place_by_hand(what: str, address: str, relative: str) -> DataUnavailableError:
    """What to say where files must be brought by hand: one sentence.

    Parameters
    ----------
    what : str
        Which files.
    address : str
        Where to get them.
    relative : str
        Where to put them, below the data folder.
    """
    return DataUnavailableError(
        f"{what} must be downloaded by hand: from {address} to {cache_folder() / relative}, or to"
        f" {relative} below a folder named by the environment variable SPIKELEARN_DATA"
    )
