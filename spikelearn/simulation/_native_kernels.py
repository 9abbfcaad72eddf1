"""What the native engine compiles: the time loop, and the sorting of synapses by their source.

Numba compiles it once, keeps the machine code on disk, and lets go of Python's lock while it runs.
Loops over neurons are plain arithmetic on contiguous arrays, which the compiler turns into vector
instructions; what is rare (a spike, a neuron held after one) is done by walking through lists of
spikes instead of asking every neuron at every step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

_CHUNK = 256  # neurons whose thresholds are compared before any is looked at by itself
_TINY = 1e-280  # decaying quantities below are set to 0: processors are slow with denormal numbers


class Net(NamedTuple):
    """A lowered network as arrays; P populations, N neurons, C channels, Q projections.

    Emitters are the spike sources and then the populations. A channel is a synaptic current of a
    population; the currents of all channels lie one after another in one array.
    """

    first: np.ndarray  # (P + 1,) first neuron of each population
    alike: np.ndarray  # (P,) whether its neurons share every parameter
    beta: np.ndarray  # (N,)
    threshold: np.ndarray  # (N,)
    reset: np.ndarray  # (N,)
    subtract: np.ndarray  # (P,)
    refractory: np.ndarray  # (P,) steps
    adaptive: np.ndarray  # (P,)
    theta_decay: np.ndarray  # (N,)
    theta_increment: np.ndarray  # (N,)
    first_channel: np.ndarray  # (P + 1,)
    channel_start: np.ndarray  # (C,) in the array of currents
    alpha: np.ndarray  # (C,)
    kappa: np.ndarray  # as long as the currents
    source: np.ndarray  # (Q,) emitter
    target: np.ndarray  # (Q,) population
    delay: np.ndarray  # (Q,) steps
    channel: np.ndarray  # (Q,) or -1: into the potential
    first_row: np.ndarray  # (Q,) in `rows`
    rows: np.ndarray  # first synapse of each neuron of each projection's source, and the end
    post: np.ndarray  # (n synapses,) neuron within the target
    weight: np.ndarray  # (n synapses,)
    ring_start: np.ndarray  # (emitters + 1,) in a slot of the ring
    n_slots: int
    recorded: np.ndarray  # (P,)
    traced: np.ndarray  # (P,) whether the potential is recorded


class State(NamedTuple):
    """What changes, of one trial."""

    v: np.ndarray  # (N,) from rest
    held: np.ndarray  # (N,) the potential just after the last spike
    last: np.ndarray  # (N,) step of the last spike
    theta: np.ndarray  # (N,)
    currents: np.ndarray
    ring: np.ndarray  # (n_slots, all emitters' sizes) who spiked
    n_ring: np.ndarray  # (n_slots, emitters) how many


class Inputs(NamedTuple):
    """What comes from outside, for one block of steps of one trial."""

    spike_start: np.ndarray  # (sources, steps + 1) in `senders`
    senders: np.ndarray
    current_start: np.ndarray  # (P,) in `current`, or -1
    current_width: np.ndarray  # (P,) 1, or the population's size
    current: np.ndarray
    background_target: np.ndarray  # (B,) population
    background_weight: np.ndarray  # (B,)
    background_start: np.ndarray  # (B,) in `counts`
    counts: np.ndarray


@njit(cache=True, nogil=True)
def sort_by_source(
    pre: np.ndarray, post: np.ndarray, weight: np.ndarray, n_source: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # pragma: no cover - compiled
    """First synapse of each source neuron (and the end); targets; weights. The order is kept."""
    rows = np.zeros(n_source + 1, dtype=np.int64)
    for i in pre:
        rows[i + 1] += 1
    for i in range(n_source):
        rows[i + 1] += rows[i]
    place = rows[:-1].copy()
    sorted_post = np.empty(post.size, dtype=np.int32)
    sorted_weight = np.empty(post.size, dtype=np.float64)
    for s in range(pre.size):
        at = place[pre[s]]
        place[pre[s]] += 1
        sorted_post[at] = post[s]
        sorted_weight[at] = weight[s]
    return rows, sorted_post, sorted_weight


@njit(cache=True, nogil=True)
def advance(
    net: Net,
    state: State,
    inputs: Inputs,
    first_step: int,
    start: int,
    stop: int,
    spike_steps: np.ndarray,
    spike_neurons: np.ndarray,
    trace: np.ndarray,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Steps `start` to `stop` - 1 of a block that began at `first_step`.

    Stops early where `spike_steps` and `spike_neurons` might not hold the spikes of another step.

    Returns
    -------
    step : int
        The next step to be made.
    n_spikes : int
        How many were written to `spike_steps` and `spike_neurons`.
    """
    n_spikes = 0
    _flush(state.v)
    _flush(state.currents)
    _flush(state.theta)
    for step in range(start, stop):
        if n_spikes + state.v.size > spike_steps.size:
            return step, n_spikes
        t = step - first_step
        slot = step % net.n_slots
        _take_input_spikes(net, state, inputs, t, slot)
        _integrate(net, state, inputs, t)
        _deliver(net, state, step)
        for b in range(inputs.background_target.size):
            p = inputs.background_target[b]
            size = net.first[p + 1] - net.first[p]
            at = inputs.background_start[b] + t * size
            weight = inputs.background_weight[b]
            v = state.v[net.first[p] : net.first[p + 1]]
            counts = inputs.counts[at : at + size]
            for j in range(size):
                v[j] += weight * counts[j]
        _hold(net, state, step)
        n_spikes = _fire(net, state, step, slot, n_spikes, spike_steps, spike_neurons)
        at = t * _traced_size(net)
        for p in range(net.traced.size):
            if net.traced[p]:
                for j in range(net.first[p], net.first[p + 1]):
                    trace[at] = state.v[j]
                    at += 1
    return stop, n_spikes


@njit(cache=True, nogil=True)
def _traced_size(net: Net) -> int:  # pragma: no cover - compiled
    total = 0
    for p in range(net.traced.size):
        if net.traced[p]:
            total += net.first[p + 1] - net.first[p]
    return total


@njit(cache=True, nogil=True)
def _flush(values: np.ndarray) -> None:  # pragma: no cover - compiled
    for j in range(values.size):
        if abs(values[j]) < _TINY:
            values[j] = 0.0


@njit(cache=True, nogil=True)
def _take_input_spikes(
    net: Net, state: State, inputs: Inputs, t: int, slot: int
) -> None:  # pragma: no cover - compiled
    for e in range(inputs.spike_start.shape[0]):
        first, last = inputs.spike_start[e, t], inputs.spike_start[e, t + 1]
        at = net.ring_start[e]
        for s in range(first, last):
            state.ring[slot, at] = inputs.senders[s]
            at += 1
        state.n_ring[slot, e] = last - first


@njit(cache=True, nogil=True)
def _scale(v: np.ndarray, beta: np.ndarray, alike: bool) -> None:  # pragma: no cover - compiled
    if alike:
        factor = beta[0]
        for j in range(v.size):
            v[j] *= factor
    else:
        for j in range(v.size):
            v[j] *= beta[j]


@njit(cache=True, nogil=True)
def _add_current(
    v: np.ndarray, current: np.ndarray, kappa: np.ndarray, alpha: float, alike: bool
) -> None:  # pragma: no cover - compiled
    if alike:
        gain = kappa[0]
        for j in range(v.size):
            v[j] += gain * current[j]
            current[j] *= alpha
    else:
        for j in range(v.size):
            v[j] += kappa[j] * current[j]
            current[j] *= alpha


@njit(cache=True, nogil=True)
def _integrate(
    net: Net, state: State, inputs: Inputs, t: int
) -> None:  # pragma: no cover - compiled
    for p in range(net.alike.size):
        first, last = net.first[p], net.first[p + 1]
        size = last - first
        v, beta = state.v[first:last], net.beta[first:last]
        _scale(v, beta, net.alike[p])
        for c in range(net.first_channel[p], net.first_channel[p + 1]):
            at = net.channel_start[c]
            current, kappa = state.currents[at : at + size], net.kappa[at : at + size]
            _add_current(v, current, kappa, net.alpha[c], net.alike[p])
        width = inputs.current_width[p]
        if width:
            at = inputs.current_start[p] + t * width
            for j in range(size):
                shown = inputs.current[at] if width == 1 else inputs.current[at + j]
                v[j] += (1.0 - beta[j]) * shown
        if net.adaptive[p]:
            theta, decay = state.theta[first:last], net.theta_decay[first:last]
            for j in range(size):
                theta[j] *= decay[j]


@njit(cache=True, nogil=True)
def _deliver(net: Net, state: State, step: int) -> None:  # pragma: no cover - compiled
    for q in range(net.source.size):
        sent = step - net.delay[q]
        if sent < 0:
            continue
        slot, emitter = sent % net.n_slots, net.source[q]
        at = net.ring_start[emitter]
        spiking = state.ring[slot, at : at + state.n_ring[slot, emitter]]
        if net.channel[q] < 0:
            first = net.first[net.target[q]]
            goal = state.v[first : net.first[net.target[q] + 1]]
        else:
            first = net.channel_start[net.channel[q]]
            size = net.first[net.target[q] + 1] - net.first[net.target[q]]
            goal = state.currents[first : first + size]
        for neuron in spiking:
            row = net.first_row[q] + neuron
            for s in range(net.rows[row], net.rows[row + 1]):
                goal[net.post[s]] += net.weight[s]


@njit(cache=True, nogil=True)
def _hold(net: Net, state: State, step: int) -> None:  # pragma: no cover - compiled
    # Who is refractory is who spiked a short while ago: whatever reached it is undone.
    n_sources = state.n_ring.shape[1] - net.alike.size
    for p in range(net.alike.size):
        first, emitter = net.first[p], n_sources + p
        for ago in range(1, min(net.refractory[p], step + 1)):
            slot = (step - ago) % net.n_slots
            at = net.ring_start[emitter]
            for s in range(at, at + state.n_ring[slot, emitter]):
                j = first + state.ring[slot, s]
                state.v[j] = state.held[j]


@njit(cache=True, nogil=True)
def _n_above(
    net: Net, state: State, p: int, first: int, last: int
) -> int:  # pragma: no cover - compiled
    above = 0
    if net.adaptive[p]:
        for j in range(first, last):
            above += state.v[j] > net.threshold[j] + state.theta[j]
    elif net.alike[p]:
        limit = net.threshold[first]
        for j in range(first, last):
            above += state.v[j] > limit
    else:
        for j in range(first, last):
            above += state.v[j] > net.threshold[j]
    return above


@njit(cache=True, nogil=True)
def _fire(
    net: Net,
    state: State,
    step: int,
    slot: int,
    n_spikes: int,
    spike_steps: np.ndarray,
    spike_neurons: np.ndarray,
) -> int:  # pragma: no cover - compiled
    n_sources = state.n_ring.shape[1] - net.alike.size
    for p in range(net.alike.size):
        emitter = n_sources + p
        start = net.ring_start[emitter]
        fired = 0
        for first in range(net.first[p], net.first[p + 1], _CHUNK):
            last = min(first + _CHUNK, net.first[p + 1])
            above = _n_above(net, state, p, first, last)
            if not above:
                continue
            for j in range(first, last):
                limit = net.threshold[j]
                if net.adaptive[p]:
                    limit += state.theta[j]
                if not state.v[j] > limit or step - state.last[j] < net.refractory[p]:
                    continue
                state.v[j] = state.v[j] - limit if net.subtract[p] else net.reset[j]
                state.held[j], state.last[j] = state.v[j], step
                if net.adaptive[p]:
                    state.theta[j] += net.theta_increment[j]
                state.ring[slot, start + fired] = j - net.first[p]
                fired += 1
                if net.recorded[p]:
                    spike_steps[n_spikes], spike_neurons[n_spikes] = step, j
                    n_spikes += 1
        state.n_ring[slot, emitter] = fired
    return n_spikes
