"""Checks of the lesson on learning rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.lessons.answers import Hint, array_of, choice, require_close, values_of


def hidden_error(answer: Any) -> str:
    """The errors of a hidden layer of tanh units, by automatic differentiation."""
    import torch

    from spikelearn._seeding import generator

    draw = generator(0, "lesson", "hidden error")
    error, feedback, u = (draw.normal(size=shape) for shape in ((5, 4), (4, 3), (5, 3)))
    drive = torch.tensor(u, requires_grad=True)
    above = torch.tanh(drive) @ torch.tensor(feedback).T
    right = torch.autograd.grad((above * torch.tensor(error)).sum(), drive)[0].numpy()
    shapes = "arrays of shapes (5, 4), (4, 3) and (5, 3)"
    found = array_of(answer, shapes, error, feedback, np.tanh(u))
    if found.shape != right.shape:
        raise Hint(f"The errors have shape {right.shape}, those of your function {found.shape}.")
    if np.allclose(found, error @ feedback):
        raise Hint("The errors have come down; the slope of tanh is missing.")
    if not np.allclose(found, right, rtol=1e-4):
        raise Hint("Errors times feedback, and each times the slope 1 - h² of its unit.")
    return "It is the derivative, with the matrix in the place of the weights."


def control(answer: Any) -> str:
    """The control that a Hebbian rule with a trained readout needs."""
    from spikelearn.rules import RULES

    words: dict[str, tuple[str, ...]] = {name: () for name in RULES}
    if isinstance(answer, str) and answer.strip().lower() in ("untrained", "random"):
        raise Hint(
            "The untrained network has an untrained readout, too. What if only the readout learns?"
        )
    if not isinstance(answer, str) or answer.strip().lower().replace(" ", "_") not in RULES:
        raise Hint(f"Answer by the name of a row of the table, found {answer!r:.60}.")
    if choice(answer, words) != "random_features":
        raise Hint("It has to be one whose hidden layers learn nothing, and whose readout does.")
    return "What it reaches, the readout reaches alone."


def directions(answer: Any) -> str:
    """How many directions are averaged for a cosine with the gradient."""
    points = [(171, 0.5), (1_000_000, 0.5), (100, 0.1), (10, 0.9)]
    found = values_of(answer, points)
    right = np.array([(d + 1) * c**2 / (1 - c**2) for d, c in points])
    at = [f"{d:,} weights and a cosine of {c:g}" for d, c in points]
    require_close(found, right, "Square both sides, then bring K to one side.", 0.02, at=at)
    return "It grows with the number of weights: one number for all of them is little."


CHECKS: dict[int, Callable[[Any], str]] = {1: hidden_error, 2: control, 3: directions}
