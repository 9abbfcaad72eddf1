"""Delays of a projection's synapses, in steps of a time grid: given, drawn, or the shortest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import in_steps, nearest_steps

if TYPE_CHECKING:
    from spikelearn.networks.connections import Connections
    from spikelearn.networks.projections import Projection


def delay_steps(
    projection: Projection,
    drawn: Connections,
    dt_ms: float,
    least: int,
    generator: np.random.Generator,
    most: int | None = None,
) -> int | np.ndarray:
    """Delays in steps: one for all synapses, or one for each, of shape (n_synapses,).

    Parameters
    ----------
    projection : Projection
    drawn : Connections
        Its synapses.
    dt_ms : float
        The time step.
    least : int
        Steps that a delay takes at least: 0 from spike sources, 1 from neurons.
    generator : numpy.random.Generator
        Draws delays from a distribution.
    most : int, optional
        Steps that are enough: longer delays become this one. Then delays stand in as few bytes as
        it needs.

    Raises
    ------
    SpikelearnError
        Where a delay that is given is no multiple of the step, or too short.
    """
    top = np.iinfo(np.int64).max if most is None else most
    narrow = (kind for kind in (np.uint16, np.uint32) if top <= np.iinfo(kind).max)
    dtype = next(narrow, np.int64)
    shared = shared_delay_steps(projection, dt_ms, least)
    if shared is not None:
        return min(shared, top)
    if drawn.delay_ms is None:
        distribution: Any = projection.delay_ms

        def in_few_steps(ms: np.ndarray) -> np.ndarray:
            return np.clip(nearest_steps(ms, dt_ms), least, top)

        return distribution.draw_as(drawn.n_synapses, generator, dtype, in_few_steps)
    values, which = np.unique(drawn.delay_ms, return_inverse=True)
    steps = [_given_steps(projection, delay, dt_ms, least) for delay in values.tolist()]
    return np.minimum(np.array(steps, dtype=np.int64), top).astype(dtype)[which]


def shared_delay_steps(projection: Projection, dt_ms: float, least: int) -> int | None:
    """The delay of all synapses in steps; None where it differs from synapse to synapse.

    Parameters
    ----------
    projection : Projection
    dt_ms : float
        The time step.
    least : int
        Steps that a delay takes at least.

    Raises
    ------
    SpikelearnError
        Where it is no multiple of the step, or too short.
    """
    if projection.delay_ms is None:
        return least
    if isinstance(projection.delay_ms, float):
        return _given_steps(projection, projection.delay_ms, dt_ms, least)
    return None


def _given_steps(projection: Projection, delay_ms: float, dt_ms: float, least: int) -> int:
    steps = in_steps(delay_ms, dt_ms, f"projection {projection.name}: delay_ms")
    if steps < least:
        raise SpikelearnError(
            f"projection {projection.name}: the delay from neurons must be at least one time"
            f" step ({dt_ms:g} ms), found {delay_ms:g} ms"
        )
    return steps
