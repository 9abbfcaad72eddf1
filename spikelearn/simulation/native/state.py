"""What the native engine keeps: a network on the grid, one trial's state, and what comes in.

What a population, a channel or a projection is, is a record: compiled code reads
`net.projections[index].delay`. What there is by neuron or by synapse is an array of its own, whose
parts compiled loops take several at once. Where something lies in such an array is said by its
first place and the place after its last (`first` and `end`, `..._start` and `..._end`).

Arrays begin at the start of a cache line. NumPy's begin anywhere, and vector instructions take half
as long again, or longer, where what they load lies in two lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

POPULATION = np.dtype(
    [
        ("first", np.int64),  # neuron
        ("end", np.int64),
        ("alike", np.bool_),  # whether its neurons share every parameter
        ("subtract", np.bool_),  # whether a reset takes the threshold off
        ("adaptive", np.bool_),  # whether its thresholds move
        ("recorded", np.bool_),
        ("traced", np.bool_),  # whether the potential is recorded
        ("refractory", np.int64),  # steps
        ("first_channel", np.int64),
        ("end_channel", np.int64),
        ("before", np.int64),  # neurons of the population in the parts before this one
        ("outlet", np.int64),
        ("ring_start", np.int64),  # in a slot of the ring
    ],
    align=True,
)

CHANNEL = np.dtype(
    [
        ("start", np.int64),  # in the array of currents
        ("alpha", np.float64),  # what is left of it after a step
    ],
    align=True,
)

PROJECTION = np.dtype(
    [
        ("outlet", np.int64),  # the first, and how many: those of its source
        ("n_outlets", np.int64),
        ("target", np.int64),  # population, or -1: several, by places in all currents or potentials
        ("channel", np.int64),  # or -1: into the potential
        ("first_delay", np.int64),  # in `delays`
        ("n_delays", np.int64),
        ("first_row", np.int64),  # in `rows`
        ("first_weight", np.int64),  # synapse whose weight is the first in `weight` or `single`
        ("single", np.bool_),  # whether its weights are of 32 bits
        ("same_weight", np.float64),  # of all its synapses, or NaN where they differ
        ("near", np.bool_),  # whether its targets stand in `near`
        ("full", np.bool_),  # whether every source neuron has a synapse on every target neuron
        # Where one weight is for all targets but the one of the source neuron's own number: the
        # number of the first target here; else -1
        ("all_others_from", np.int64),
        ("rule", np.int64),  # by which it is plastic, or -1
    ],
    align=True,
)

BACKGROUND = np.dtype(
    [
        ("target", np.int64),  # population
        ("channel", np.int64),  # or -1: into the potential
        ("weight_start", np.int64),  # in `background_weight`
        ("alike", np.bool_),  # whether all its weights are one number
        ("counts_start", np.int64),  # in `counts`
        ("stride", np.int64),  # from one step to the next in `counts`
    ],
    align=True,
)

DRIVE = np.dtype(
    [
        ("start", np.int64),  # in `current`
        ("width", np.int64),  # 1, or the population's size; 0 where no current comes in
        ("stride", np.int64),  # from one step to the next
    ],
    align=True,
)


class Net(NamedTuple):
    """A part of a network as arrays; P populations, N neurons, C channels, Q projections.

    Spikes leave by outlets: one for each spike source, and then for each population as many as the
    network has parts, in the order of their neurons. A channel is a synaptic current of a
    population; the currents of all channels lie one after another in one array.
    """

    populations: np.ndarray  # (P,) of POPULATION
    channels: np.ndarray  # (C,) of CHANNEL
    projections: np.ndarray  # (Q,) of PROJECTION
    beta: np.ndarray  # (N,)
    threshold: np.ndarray  # (N,)
    reset: np.ndarray  # (N,)
    theta_decay: np.ndarray  # (N,)
    theta_increment: np.ndarray  # (N,)
    kappa: np.ndarray  # as long as the currents
    delays: np.ndarray  # of each projection, in steps, ascending
    rows: np.ndarray  # by projection, source neuron and delay, the first synapse, and the end
    post: np.ndarray  # (n synapses,) neuron within the target, unsigned: never from the end
    near: np.ndarray  # in 16 bits those of projections with one weight, where few can be reached
    weight: np.ndarray  # of projections whose weights differ
    single: np.ndarray  # those of 32 bits
    ring_start: np.ndarray  # (outlets + 1,) in a slot of the ring
    part: int  # the number of this part
    n_parts: int
    phase: int  # steps after which parts meet
    n_slots: int
    n_sources: int  # of spikes
    n_traced: int  # neurons of populations whose potential is recorded
    trace_every: int  # steps from one record to the next


class State(NamedTuple):
    """What changes, of one trial."""

    v: np.ndarray  # (N,) from rest, or as they are (see the population on the grid)
    held: np.ndarray  # (N,) the potential just after the last spike
    last: np.ndarray  # (N,) step of the last spike
    theta: np.ndarray  # (N,)
    limit: np.ndarray  # (N,) threshold, and theta where there is one
    currents: np.ndarray
    resting: np.ndarray  # (N,) who is refractory, of its population, in the order of spikes
    n_resting: np.ndarray  # (P, 2) where the first stands in its population's part, and how many
    ring: np.ndarray  # (n_slots, all outlets' widths) who spiked, of its population; of all parts
    n_ring: np.ndarray  # (n_slots, outlets) how many


class Inputs(NamedTuple):
    """What comes from outside, for one block of steps of one trial."""

    spike_start: np.ndarray  # (sources, steps + 1) in `senders`
    senders: np.ndarray
    drives: np.ndarray  # (P,) of DRIVE
    current: np.ndarray  # of each driven population, step by step
    backgrounds: np.ndarray  # of BACKGROUND
    background_weight: np.ndarray  # by target neuron of the part
    counts: np.ndarray  # of each background, step by step, of neurons of the part


def n_neurons(net: Net) -> int:
    """All neurons of a network."""
    return int(net.threshold.size)


def starting_state(
    net: Net, v_init: np.ndarray, theta_init: np.ndarray, rings: tuple[np.ndarray, np.ndarray]
) -> State:
    """The state before the first step.

    Parameters
    ----------
    net : Net
    v_init : array of shape (N,)
        Potentials in mV, as the populations on the grid count them.
    theta_init : array of shape (N,)
        What has been added to the thresholds, in mV.
    rings : pair of arrays
        Of `empty_rings`, which the parts of a network share.
    """
    size = n_neurons(net)
    return State(
        v=v_init,
        held=np.zeros(size),
        last=np.full(size, -(2**62)),
        theta=theta_init,
        limit=net.threshold.copy(),
        currents=np.zeros(net.kappa.size),
        resting=np.zeros(size, dtype=np.uint32),
        n_resting=np.zeros((net.populations.size, 2), dtype=np.int64),
        ring=rings[0],
        n_ring=rings[1],
    )


def empty_rings(net: Net) -> tuple[np.ndarray, np.ndarray]:
    """Room for the spikes of the last steps, and for their numbers, of all parts of a network."""
    shapes = (net.n_slots, int(net.ring_start[-1])), (net.n_slots, net.ring_start.size - 1)
    ring, n_ring = (empty(rows * row, np.int64).reshape(rows, row) for rows, row in shapes)
    ring[...], n_ring[...] = 0, 0
    return ring, n_ring


_LINE = 64  # bytes
_Tuple = TypeVar("_Tuple", bound=tuple[Any, ...])


def empty(size: int, dtype: Any = np.float64) -> np.ndarray:
    """An array of shape (size,), filled with whatever there is."""
    n_bytes = size * np.dtype(dtype).itemsize
    room = np.empty(n_bytes + _LINE, np.uint8)
    start = -room.ctypes.data % _LINE
    return room[start : start + n_bytes].view(dtype)


def copied(parts: Sequence[np.ndarray]) -> np.ndarray:
    """All numbers of all parts in one new array, written once where it stays."""
    array = empty(sum(part.size for part in parts))
    np.concatenate(parts, out=array)
    return array


def joined(parts: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    """All numbers of all parts in one array of shape (n,); empty where there are no parts."""
    return np.concatenate([np.zeros(0, dtype=dtype), *(np.ravel(p) for p in parts)]).astype(
        dtype, copy=False
    )


def aligned(given: _Tuple) -> _Tuple:
    """A named tuple's arrays, copied where they do not begin at the start of a line."""
    return type(given)(*(_moved(item) for item in given))


def _moved(item: Any) -> Any:
    if not isinstance(item, np.ndarray) or not item.size or item.ctypes.data % _LINE == 0:
        return item
    moved = empty(item.size, item.dtype).reshape(item.shape)
    moved[...] = item
    return moved
