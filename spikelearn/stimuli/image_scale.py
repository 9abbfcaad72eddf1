"""The scale of a user's own images: what black and white are in them, and whether that fits.

Whole numbers are read from 0, black, to 255, white; other numbers from 0 to 1. Where nobody said
so by an `image_range`, training images that would be nearly black are refused, since a network
hardly learns from them, and what may hide such a scale is warned of: test images that are far
darker, and a few bright pixels among many dark ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from spikelearn._errors import SpikelearnError

ImageRange = tuple[float, float]
"""What black and white are in images."""

_FAR = 4.0  # times as bright
_FEW = 10  # images, of which fewer may well all be dark
_OUTLIERS = 1e-4  # share of the pixels that say nothing of the scale of the others


def on_scale(
    parts: Mapping[str, np.ndarray], image_range: ImageRange | None = None
) -> list[np.ndarray]:
    """8-bit images, black 0 and white 255.

    Parameters
    ----------
    parts : mapping of str to array of numbers
        Images for training, and behind them those for testing if they are apart, by what they are
        called in a sentence.
    image_range : (float, float), optional
        What black and white are; if absent 0 and 255 in whole numbers, 0 and 1 in others, and then
        some training image must be brighter than half of white.

    Raises
    ------
    SpikelearnError
        For values outside the range, and for training images that would be nearly black.

    Warns
    -----
    UserWarning
        Without an `image_range`: where 10 test images or more are less than a quarter as bright as
        training images, and where almost all pixels are less than a quarter as bright as the
        brightest.
    """
    scaled = [_scaled(images, what, image_range) for what, images in parts.items()]
    if image_range is None:
        _check_brightness(parts)
    return scaled


def _check_brightness(parts: Mapping[str, np.ndarray]) -> None:
    training, *tests = parts.items()
    what, images = training
    white, high = _usual(images)[1], float(images.max())
    if high < white / 2:
        raise SpikelearnError(
            f"{what} of type {images.dtype} are read from 0, black, to {white:g}, white, and hold"
            f" nothing above {high:g}, so that they would be nearly black; say what black and white"
            f" are, as image_range=[0,{high or white:g}], or [0,{white:g}] if they are so dark"
        )
    last = images.size - 1 - max(1, int(_OUTLIERS * images.size))
    most = float(np.partition(images, last, axis=None)[last]) if last >= 0 else high
    if most * _FAR < high:
        warnings.warn(
            f"{what} hold nothing above {most:g} but in a few pixels of up to {high:g}, and are"
            f" read from 0, black, to {white:g}, white, so that they may be nearly black; say what"
            " black and white are by image_range",
            stacklevel=4,
        )
    for name, shown in tests:
        test_white, test_high = _usual(shown)[1], float(shown.max())
        if len(shown) >= _FEW and 0 < test_high / test_white * _FAR < high / white:
            warnings.warn(
                f"{name} hold nothing above {test_high:g} of {test_white:g}, white, while {what}"
                f" reach {high:g} of {white:g}; if they are on different scales, put them on one,"
                " or say what black and white are by image_range",
                stacklevel=4,
            )


def _usual(images: np.ndarray) -> ImageRange:
    return (0.0, 1.0) if images.dtype.kind == "f" else (0.0, 255.0)


def _scaled(images: np.ndarray, what: str, image_range: ImageRange | None) -> np.ndarray:
    black, white = _usual(images) if image_range is None else image_range
    if black == white:
        raise SpikelearnError(f"image_range must name two numbers, found {black:g} twice")
    low, high = float(images.min()), float(images.max())
    if low < min(black, white) or high > max(black, white):
        raise SpikelearnError(
            f"{what} of type {images.dtype} must lie from {black:g} to {white:g}, found {low:g} to"
            f" {high:g}; say what black and white are there, as image_range=[{min(low, 0.0):g},"
            f"{high:g}]"
        )
    if images.dtype == np.uint8 and (black, white) == (0.0, 255.0):
        return images
    scaled: np.ndarray = np.rint((images - black) * (255.0 / (white - black))).astype(np.uint8)
    return scaled
