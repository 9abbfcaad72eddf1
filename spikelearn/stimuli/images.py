"""Images: labelled data sets, and the way from a photograph to a network's input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError

# Rec. 709 weights of red, green and blue in luminance.
LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class ImageDataset:
    """Labelled images with a fixed division into training and test images.

    Images are uint8 arrays of shape (n, height, width); labels uint8 arrays of shape (n,).
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]
    source: str

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

    @property
    def n_pixels(self) -> int:
        """Number of pixels of an image."""
        return int(np.prod(self.train_images.shape[1:]))


def luminance(images: np.ndarray) -> np.ndarray:
    """Luminance in [0, 1] of uint8 images, (n, height, width, 3) or grey (n, height, width).

    The Rec. 709 weighting of the stored (gamma-encoded) values, known as luma.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise SpikelearnError(f"images must be 8-bit (uint8), found {images.dtype}")
    if images.ndim == 4 and images.shape[-1] == 3:
        return images @ LUMINANCE_WEIGHTS / 255.0
    if images.ndim == 3:
        return images / 255.0
    raise SpikelearnError(
        f"images must have shape (n, height, width) or (n, height, width, 3), found {images.shape}"
    )


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
    grey = luminance(images)
    if grey.shape[1:] != (height, width):
        rows, columns = _overlap(grey.shape[1], height), _overlap(grey.shape[2], width)
        grey = np.clip(rows @ grey @ columns.T, 0.0, 1.0)
    return grey.reshape(len(grey), -1).astype(np.float32)


def _overlap(n_in: int, n_out: int) -> np.ndarray:
    """Share of each of `n_in` pixels in the mean of each of `n_out`, shape (n_out, n_in)."""
    edges = np.arange(n_out + 1) * (n_in / n_out)
    pixels = np.arange(n_in)
    upper = np.minimum(edges[1:, None], pixels + 1)
    lower = np.maximum(edges[:-1, None], pixels)
    return np.maximum(upper - lower, 0.0) * (n_out / n_in)
