"""What the native engine compiles: the time loop, and the sorting of synapses into rows.

Numba compiles it once, keeps the machine code on disk, and lets go of Python's lock while it runs.
Loops over neurons are plain arithmetic on contiguous arrays, which the compiler turns into vector
instructions; what is rare (a spike, a neuron held after one) is done by walking through lists of
spikes instead of asking every neuron at every step.
"""

from __future__ import annotations

import numpy as np

from spikelearn.simulation.native.compiled import entry, inner, pasted
from spikelearn.simulation.native.deliver import (
    deliver_and_learn,
    deliver_background,
    deliver_spikes,
    emit_sources,
)
from spikelearn.simulation.native.fire import fire_populations
from spikelearn.simulation.native.integrate import integrate, integrate_linear
from spikelearn.simulation.native.learn import begin_learning
from spikelearn.simulation.native.loops import copy, flush
from spikelearn.simulation.native.meeting import meet
from spikelearn.simulation.native.models import Models
from spikelearn.simulation.native.plasticity import Plastic
from spikelearn.simulation.native.reward import deliver_rewards
from spikelearn.simulation.native.state import Inputs, Net, State

_FLUSH_EVERY = 256  # steps


@entry
def mark_delays(delays: np.ndarray, seen: np.ndarray) -> None:  # pragma: no cover - compiled
    """Set those of `seen` that occur among `delays`."""
    for synapse in range(delays.size):
        seen[delays[synapse]] = True


@entry
def count_rows(
    pre: np.ndarray,
    post: np.ndarray,
    low: int,
    high: int,
    delays: np.ndarray,
    place_of: np.ndarray,
    n_delays: int,
    counts: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Count synapses onto targets `low` to `high` - 1 by source and delay; added to `counts`.

    Parameters
    ----------
    pre, post : arrays of shape (n_synapses,)
        Source and target neuron of each synapse.
    low, high : int
    delays : array of shape (n_synapses,) or (1,)
        In steps, of each synapse or of all.
    place_of : array
        By delay, which of the `n_delays` it is.
    n_delays : int
    counts : array of shape (n_source * n_delays,)
    """
    each = delays.size > 1
    for synapse in range(pre.size):
        if low <= post[synapse] < high:
            place = place_of[delays[synapse if each else 0]]
            counts[np.int64(pre[synapse]) * n_delays + place] += 1


@entry
def fill_rows(
    pre: np.ndarray,
    post: np.ndarray,
    low: int,
    high: int,
    delays: np.ndarray,
    place_of: np.ndarray,
    n_delays: int,
    free: np.ndarray,
    shift: int,
    weights: np.ndarray,
    to_post: np.ndarray,
    to_weight: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Write targets and weights of the same synapses into their rows, in the order given.

    Parameters
    ----------
    pre, post, low, high, delays, place_of, n_delays
        As in `count_rows`.
    free : array of shape (n_source * n_delays,)
        The next free place of each source and delay; moves on.
    shift : int
        The number of target `low`.
    weights : array of shape (n_synapses,) or (0,)
        Empty, if no weights are to be written.
    to_post, to_weight : arrays
        Where they are written.
    """
    each, weighted = delays.size > 1, weights.size > 0
    for synapse in range(pre.size):
        if low <= post[synapse] < high:
            place = place_of[delays[synapse if each else 0]]
            row = np.int64(pre[synapse]) * n_delays + place
            at = free[row]
            free[row] = at + 1
            to_post[at] = np.int64(post[synapse]) - low + shift
            if weighted:
                to_weight[at] = weights[synapse]


@entry
def advance(  # noqa: PLR0912
    net: Net,
    state: State,
    models: Models | None,
    plastic: Plastic | None,
    inputs: Inputs | None,
    meeting: np.ndarray | None,
    first_step: int,
    start: int,
    stop: int,
    spike_steps: np.ndarray,
    spike_neurons: np.ndarray,
    trace: np.ndarray,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Steps `start` to `stop` - 1 of a block that began at `first_step`.

    Stops early where `spike_steps` and `spike_neurons`, of any part of the network, might not hold
    the spikes that come until it is asked again.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    models : Models or None
    plastic : Plastic or None
        Changes.
    inputs : Inputs or None
        Of this block. Where there are no `models`, nothing `plastic`, no `inputs` or no `meeting`,
        their code is not compiled.
    meeting : array or None
        Where parts of a network meet, if this is one of several.
    first_step, start, stop : int
    spike_steps, spike_neurons : arrays of one length
        Where the spikes of recorded populations are written, in the order of steps.
    trace : array of shape (recorded steps of the block * n_traced,)
        Where potentials are written that are recorded.

    Returns
    -------
    step : int
        The next step to be made.
    n_spikes : int
        How many were written to `spike_steps` and `spike_neurons`.
    """
    n_spikes = 0
    for step in range(start, stop):
        offset = step - first_step
        if meeting is None:
            if n_spikes + state.v.size > spike_steps.size:
                return step, n_spikes
        elif offset % net.phase == 0:
            full = n_spikes + net.phase * state.v.size > spike_steps.size
            if meet(meeting, net.part, net.n_parts, full):
                return step, n_spikes
        if offset % _FLUSH_EVERY == 0:
            _flush(state, plastic)
        if inputs is not None:
            emit_sources(net, state, inputs, step, offset)
        if plastic is not None:
            begin_learning(net, plastic, step)
        if models is None:
            integrate_linear(net, state, inputs, offset)
        else:
            integrate(net, state, models, inputs, step, offset)
        if plastic is None:
            deliver_spikes(net, state, step)
        else:
            deliver_and_learn(net, state, plastic, step)
        if inputs is not None:
            deliver_background(net, state, inputs, offset)
        if plastic is not None:
            deliver_rewards(net, state, plastic, step)
        n_spikes = fire_populations(
            net, state, models, plastic, step, spike_steps, spike_neurons, n_spikes
        )
        if step % net.trace_every == 0:
            row = step // net.trace_every - -(-first_step // net.trace_every)
            _trace_potentials(net.populations, state.v, trace[row * net.n_traced :])
    return stop, n_spikes


@pasted
def _flush(state: State, plastic: Plastic | None) -> None:  # pragma: no cover - compiled
    """Set what has almost vanished to 0."""
    flush(state.v)
    flush(state.currents)
    flush(state.theta)
    if plastic is not None:
        flush(plastic.x)
        flush(plastic.x2)
        flush(plastic.y)
        flush(plastic.y2)
        flush(plastic.dose)


@inner
def _trace_potentials(
    populations: np.ndarray, v: np.ndarray, trace: np.ndarray
) -> None:  # pragma: no cover - compiled
    """Write down the potentials that are recorded."""
    at = 0
    for population in populations:
        if population.traced:
            size = population.end - population.first
            copy(v[population.first : population.end], trace[at : at + size])
            at += size
