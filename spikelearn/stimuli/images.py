"""Images: labelled data sets, and the way from a photograph to a network's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._same_content import ComparedByContent

# Rec. 709 weights of red, green and blue in luminance.
LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
_PIECE = 4096


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset(ComparedByContent):
    """Labelled images with a fixed division into training and test images.

    Images are uint8 arrays of shape (n, height, width), or (n, height, width, 3) in colour; labels
    are uint8 arrays of shape (n,), uint16 where there are more than 256 classes. `source` says in
    words which copy of the data this is. Where images are windows of one sequence, in its order,
    `overlap` is how many on either side a window has letters in common with.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]
    source: str
    overlap: int = 0

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if len(images) != len(labels):
                raise SpikelearnError(
                    f"{self.name}: {len(images)} {part} images but {len(labels)} labels"
                )
            if labels.size and labels.max() >= len(self.classes):
                raise SpikelearnError(
                    f"{self.name}: label {labels.max()} is out of range; there are"
                    f" {len(self.classes)} classes, numbered from 0"
                )

        sizes = self.train_images.shape[1:], self.test_images.shape[1:]
        if sizes[0] != sizes[1]:
            raise SpikelearnError(
                f"{self.name}: images must share one shape, but those for training have {sizes[0]}"
                f" and those for testing {sizes[1]}"
            )

    def __repr__(self) -> str:
        return (
            f"<images '{self.name}': {len(self.train_images):,} for training,"
            f" {len(self.test_images):,} for testing,"
            f" {counted(len(self.classes), 'class', 'classes')};"
            f" {' x '.join(map(str, self.test_images.shape[1:]))} pixels>"
        )

    @property
    def n_pixels(self) -> int:
        """Number of values of an image: a pixel in colour counts three times."""
        return int(np.prod(self.train_images.shape[1:]))


def check_source(dataset: str, source: str, sources: tuple[str, ...]) -> None:
    """Refuse a `source` that is neither "auto" nor one of the data set's own.

    Parameters
    ----------
    dataset : str
        Name of the data set, for the sentence.
    source : str
        What the user asked for.
    sources : tuple of str
        The copies that the data set comes in.

    Raises
    ------
    SpikelearnError
        Naming those there are.
    """
    if source not in ("auto", *sources):
        known = " or ".join([", ".join(["auto", *sources[:-1]]), sources[-1]])
        raise SpikelearnError(f"the source of {dataset} must be {known}, found '{source}'")


def rank_within_class(labels: np.ndarray) -> np.ndarray:
    """How many images of the same class come before each, array of shape (n,)."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    rank = np.empty(len(labels), dtype=int)
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rank


def luminance(images: np.ndarray) -> np.ndarray:
    """Luminance in [0, 1] of uint8 images, (n, height, width, 3) or grey (n, height, width).

    The Rec. 709 weighting of the stored (gamma-encoded) values, known as luma.
    """
    images = _checked(images)
    return (images @ LUMINANCE_WEIGHTS if images.ndim == 4 else images) / 255.0


def network_input(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Images as a network's input: luminance, resized by area averaging, flattened.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w) or (n, h, w, 3)
    height, width : int
        Size in pixels that the network expects.

    Returns
    -------
    array of shape (n, height * width), float32, in [0, 1]
    """
    return network_images(images, (1, height, width))


def network_images(images: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Images as input of a network that takes images: in its colours and size, flattened.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w) or (n, h, w, 3)
    image_shape : (channels, height, width)
        What the network takes: 1 channel (luminance; see `luminance`) or 3 (red, green and blue;
        grey images are repeated). Other sizes are reached by area averaging.

    Returns
    -------
    array of shape (n, channels * height * width), float32, in [0, 1], channel by channel

    Raises
    ------
    SpikelearnError
        If the images are no batch of 8-bit images, or the channels neither 1 nor 3.
    """
    images = _checked(images)
    channels, height, width = image_shape
    if channels not in (1, 3):
        raise SpikelearnError(
            f"images become 1 channel (luminance) or 3 (red, green, blue), not {channels}"
        )
    inputs = np.empty((len(images), channels * height * width), dtype=np.float32)
    # In pieces: the whole of a large data set in double precision would not fit in memory.
    for start in range(0, len(images), _PIECE):
        piece = images[start : start + _PIECE]
        planes = luminance(piece)[:, None] if channels == 1 else _red_green_blue(piece)
        resized = _resized(planes, height, width)
        inputs[start : start + _PIECE] = resized.reshape(len(piece), -1)
    return inputs


def resized_images(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Images of another size by area averaging, in their own type of numbers.

    Parameters
    ----------
    images : array of shape (n, h, w) or (n, h, w, 3)
    height, width : int

    Returns
    -------
    array of shape (n, height, width) or (n, height, width, 3)
    """
    planes = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    rows, columns = _overlap(planes.shape[2], height), _overlap(planes.shape[3], width)
    means = rows @ planes.astype(np.float64) @ columns.T
    if images.dtype.kind in "iu":
        means = np.rint(means)
    resized: np.ndarray = means.astype(images.dtype)
    return resized[:, 0] if images.ndim == 3 else resized.transpose(0, 2, 3, 1)


def words_of_preparation(
    sizes: Sequence[tuple[int, int]], coloured: bool, image_shape: tuple[int, int, int]
) -> str:
    """What `network_images` does to images that differ from what a network takes, in words.

    Parameters
    ----------
    sizes : sequence of (int, int)
        Heights and widths of the images, each once.
    coloured : bool
        Whether they are in colour.
    image_shape : (channels, height, width)
        What the network takes.

    Returns
    -------
    str
        Empty, if nothing is done.
    """
    channels, height, width = image_shape
    done = []
    if coloured and channels == 1:
        done.append("turned from colour to grey (luminance, Rec. 709)")
    if not coloured and channels == 3:
        done.append("repeated from grey in red, green and blue")
    if set(sizes) != {(height, width)}:
        small, large = (f"{h} x {w}" for h, w in (min(sizes), max(sizes)))
        of = small if len(set(sizes)) == 1 else f"sizes between {small} and {large}"
        stretched = any(abs(h * width / (w * height) - 1) > 0.02 for h, w in sizes)
        done.append(
            f"resized from {of} to {height} x {width} pixels by area averaging"
            + (", which changes their proportions" if stretched else "")
        )
    return " and ".join(done)


def _checked(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise SpikelearnError(f"images must be 8-bit (uint8), found {images.dtype}")
    if images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3):
        return images
    raise SpikelearnError(
        f"images must have shape (n, height, width) or (n, height, width, 3), found {images.shape}"
    )


def _red_green_blue(images: np.ndarray) -> np.ndarray:
    """Values in [0, 1] of shape (n, 3, h, w)."""
    if images.ndim == 3:
        return np.repeat(images[:, None] / 255.0, 3, axis=1)
    return images.transpose(0, 3, 1, 2) / 255.0


def _resized(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Planes of shape (n, channels, h, w), averaged over areas to (n, channels, height, width)."""
    if planes.shape[2:] == (height, width):
        return planes
    rows, columns = _overlap(planes.shape[2], height), _overlap(planes.shape[3], width)
    return np.clip(rows @ planes @ columns.T, 0.0, 1.0)


def _overlap(n_in: int, n_out: int) -> np.ndarray:
    """Share of each of `n_in` pixels in the mean of each of `n_out`, shape (n_out, n_in)."""
    edges = np.arange(n_out + 1) * (n_in / n_out)
    pixels = np.arange(n_in)
    upper = np.minimum(edges[1:, None], pixels + 1)
    lower = np.maximum(edges[:-1, None], pixels)
    return np.maximum(upper - lower, 0.0) * (n_out / n_in)
