"""Checks of the lesson on the phase diagram of Brunel's network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.lessons.answers import number, require_close, values_of

THRESHOLD_HZ = 10.0  # of each outer synapse of the paper's network
DELAYS_MS = (0.1, 2.9)


def ordered_rate(answer: Any) -> str:
    """The g at which the paper's network settles at 20 Hz, noise aside."""
    right = 4.0 * (1.0 + THRESHOLD_HZ * (2.0 - 1.0) / 20.0)
    why = "What is above threshold, 10 Hz (η - 1), is held by 20 Hz (g / 4 - 1)."
    require_close(number(answer), right, why, 0.005)
    return "Stronger inhibition, lower rate: at g = 5 it would be 40 Hz."


def same_noise(answer: Any) -> str:
    """The weight that keeps the noise, where rates are multiples of the threshold's rate.

    The variance is C_E J^2 tau times a rate, and the rate goes with theta / (C_E J tau): J theta.
    """
    right = 0.1
    found = number(answer, "mV")
    why = (
        "Rates that are multiples of the threshold's fall as 1 / (C_E J): put that into the"
        " brackets before you compare C_E J²."
    )
    require_close(found, right, why, 0.01, "mV")
    return "The variance goes with J alone, once rates are counted in multiples of the threshold's."


def left_of_rhythm(answer: Any) -> str:
    """The size of the mean of exp(-i omega D) over delays that are drawn evenly."""
    hz = np.array([180.0, 30.0, 500.0, 90.0])
    found = values_of(answer, hz.tolist())
    delays_ms = np.linspace(*DELAYS_MS, 20_001)
    turned = np.exp(-2j * np.pi * hz[:, None] / 1000.0 * delays_ms)
    right = np.abs(np.trapezoid(turned, delays_ms, axis=1) / (DELAYS_MS[1] - DELAYS_MS[0]))
    why = "It is the size |sin(x) / x|, with x half the width of 2.8 ms times 2 π f / 1000."
    require_close(found, right, why, 0.005, at=[f"{one:g} Hz" for one in hz])
    return "Fast rhythms are blurred by delays that differ, slow ones are not."


CHECKS: dict[int, Callable[[Any], str]] = {1: ordered_rate, 2: same_noise, 3: left_of_rhythm}
