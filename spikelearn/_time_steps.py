"""The grid of time steps on which everything happens."""

from __future__ import annotations

import numpy as np

from spikelearn._errors import SpikelearnError


def in_steps(time_ms: float, dt_ms: float, what: str) -> int:
    """A time in steps of the grid; `what` names it where it is refused.

    Raises
    ------
    SpikelearnError
        Where it is no multiple of the step.
    """
    if not np.isfinite(time_ms):
        raise SpikelearnError(f"{what} must be finite, found {time_ms:g} ms")
    steps = round(time_ms / dt_ms)
    if abs(steps * dt_ms - time_ms) > 1e-9 * max(1.0, abs(time_ms)):
        raise SpikelearnError(
            f"{what} must be a multiple of the time step {dt_ms:g} ms, found {time_ms:g} ms"
        )
    return steps
