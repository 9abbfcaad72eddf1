"""Checks of the lesson on filters that local rules learn from photographs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.lessons.answers import Hint, array_of, values_of
from spikelearn.lessons.gabor_fits import gabor

SIDE = 12
OFF_DEG = 6.0  # by which an orientation that is read from a spectrum may be off


def oja_change(answer: Any) -> str:
    """Oja's rule for one unit, by the toolkit's own."""
    import torch

    from spikelearn._seeding import generator
    from spikelearn.rules.hebbian import Oja

    draw = generator(0, "lesson", "oja")
    w, x = draw.normal(size=5) / 2, draw.normal(size=5)
    row, inputs = torch.tensor(w)[None], torch.tensor(x)[None]
    right = Oja().centred_increment(row, inputs, inputs @ row.T)[0].numpy()
    found = array_of(answer, "weights and an input of five numbers", w, x)
    if found.shape != right.shape:
        raise Hint(f"Five weights change by five numbers, found the shape {found.shape}.")
    if np.allclose(found, (w @ x) * x):
        raise Hint("That is Hebb's rule: what keeps the length is missing.")
    if not np.allclose(found, right, rtol=1e-4):
        raise Hint("With the answer y = w · x, the change is y (x - y w).")
    return "At weights of length 1 along a principal component it is 0 on average."


def whitened(answer: Any) -> str:
    """Patches whose covariance is the identity."""
    from spikelearn._seeding import generator

    draw = generator(0, "lesson", "whitening")
    patches = draw.normal(size=(400, 6)) @ draw.normal(size=(6, 6))
    patches -= patches.mean(axis=0)
    found = array_of(answer, "patches of shape (400, 6)", patches)
    if found.shape != patches.shape:
        raise Hint(f"Patches keep their shape, (400, 6), found {found.shape}.")
    covariance = found.T @ found / len(found)
    kept = np.linalg.lstsq(patches, found, rcond=None)[0]
    if not np.allclose(patches @ kept, found, atol=1e-6):
        raise Hint("Whitening is linear: each patch is multiplied with one and the same matrix.")
    if not np.allclose(np.diag(covariance), 1.0, atol=0.01):
        raise Hint(
            f"The variances after it lie between {np.diag(covariance).min():.3g} and"
            f" {np.diag(covariance).max():.3g}; all have to be 1. Divide by the square root."
        )
    if not np.allclose(covariance, np.eye(6), atol=0.01):
        raise Hint(
            "The variances are 1, but pixels are still correlated: divide along the components."
        )
    return "Its covariance is the identity; any rotation of it would do as well."


def preferred_orientation(answer: Any) -> str:
    """The orientation of Gabor functions."""
    degrees = (90.0, 0.0, 30.0, 60.0, 120.0, 150.0)
    filters = [gabor(SIDE, one, 0.17, 70.0, SIDE / 4) for one in degrees]
    found = values_of(answer, filters)
    for right, mine in zip(degrees, found, strict=True):
        off = (mine - right + 90.0) % 180.0 - 90.0
        if abs(off) > OFF_DEG:
            lie = {0.0: "horizontal", 90.0: "vertical"}.get(right, f"at {right:g} degrees")
            raise Hint(
                f"For bars that are {lie} it says {mine:.0f} degrees. Frequencies above a half are"
                " negative ones, and bars lie across the direction of the grating."
            )
    return "The peak of the spectrum says where the grating goes; the bars lie across."


CHECKS: dict[int, Callable[[Any], str]] = {
    1: oja_change,
    2: whitened,
    3: preferred_orientation,
}
