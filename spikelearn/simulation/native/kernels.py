"""What the native engine compiles: the time loop, and the sorting of synapses by their source.

Numba compiles it once, keeps the machine code on disk, and lets go of Python's lock while it runs.
Loops over neurons are plain arithmetic on contiguous arrays, which the compiler turns into vector
instructions; what is rare (a spike, a neuron held after one) is done by walking through lists of
spikes instead of asking every neuron at every step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikelearn.simulation.native import plasticity as learning
from spikelearn.simulation.native.compiled import entry
from spikelearn.simulation.native.integrate import integrate
from spikelearn.simulation.native.loops import (
    add_background,
    copy,
    deliver,
    deliver_full,
    deliver_same,
    fire,
    flush,
)
from spikelearn.simulation.native.models import ADEX, HODGKIN_HUXLEY, IZHIKEVICH, Models, cross

_FLUSH_EVERY = 256  # steps


class Net(NamedTuple):
    """A network on the grid as arrays; P populations, N neurons, C channels, Q projections.

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
    post: np.ndarray  # (n synapses,) neuron within the target, unsigned: never from the end
    same_weight: np.ndarray  # (Q,) of all synapses of a projection, or NaN where they differ
    first_weight: np.ndarray  # (Q,) synapse whose weight is the first in `weight`
    weight: np.ndarray  # of projections whose weights differ
    full: np.ndarray  # (Q,) whether every source neuron has a synapse on every target neuron
    ring_start: np.ndarray  # (emitters + 1,) in a slot of the ring
    n_slots: int
    n_sources: int  # of spikes
    recorded: np.ndarray  # (P,)
    traced: np.ndarray  # (P,) whether the potential is recorded
    n_traced: int  # neurons of such populations


class State(NamedTuple):
    """What changes, of one trial."""

    v: np.ndarray  # (N,) from rest, or as they are (see the population on the grid)
    held: np.ndarray  # (N,) the potential just after the last spike
    last: np.ndarray  # (N,) step of the last spike
    theta: np.ndarray  # (N,)
    limit: np.ndarray  # (N,) threshold, and theta where there is one
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
    background_channel: np.ndarray  # (B,) or -1: into the potential
    background_weight: np.ndarray  # as long as `background_start` says, from there: (size,)
    background_weight_start: np.ndarray  # (B,) in `background_weight`
    background_start: np.ndarray  # (B,) in `counts`
    counts: np.ndarray


@entry
def sort_by_source(
    pre: np.ndarray,
    values: np.ndarray,
    place: np.ndarray,
    found: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Move values of synapses to where those of their source begin, `place`, which moves on.

    The order of a source's synapses is kept.
    """
    for s in range(pre.size):
        found[place[pre[s]]] = values[s]
        place[pre[s]] += 1


@entry
def advance(  # noqa: PLR0912, PLR0915
    net: Net,
    state: State,
    models: Models | None,
    plastic: learning.Plastic | None,
    inputs: Inputs | None,
    first_step: int,
    start: int,
    stop: int,
    spike_steps: np.ndarray,
    spike_neurons: np.ndarray,
    trace: np.ndarray,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Steps `start` to `stop` - 1 of a block that began at `first_step`.

    Where there are no `models`, nothing `plastic` or no `inputs`, their code is not compiled. Stops
    early where `spike_steps` and `spike_neurons` might not hold the spikes of another step.

    Returns
    -------
    step : int
        The next step to be made.
    n_spikes : int
        How many were written to `spike_steps` and `spike_neurons`.
    """
    n_spikes = 0
    n_sources = net.n_sources
    for step in range(start, stop):
        if n_spikes + state.v.size > spike_steps.size:
            return step, n_spikes
        t = step - first_step
        if t % _FLUSH_EVERY == 0:
            flush(state.v)
            flush(state.currents)
            flush(state.theta)
            if plastic is not None:
                flush(plastic.x)
                flush(plastic.x2)
                flush(plastic.y)
                flush(plastic.y2)
                flush(plastic.dose)
        slot = step % net.n_slots
        if inputs is not None:
            for e in range(n_sources):
                first, last = inputs.spike_start[e, t], inputs.spike_start[e, t + 1]
                at = net.ring_start[e]
                copy(inputs.senders[first:last], state.ring[slot, at : at + last - first])
                state.n_ring[slot, e] = last - first
        if plastic is not None:
            for k in range(plastic.projection.size):
                number = plastic.numbers[k]
                a, b = plastic.weight_start[k], plastic.weight_start[k + 1]
                weight = plastic.weight[a:b]
                if plastic.normalise_every[k] > 0 and step % plastic.normalise_every[k] == 0:
                    q = plastic.projection[k]
                    learning.normalise(
                        weight, net.post[net.rows[net.first_row[q]] :], plastic.full[k],
                        number[learning.NORMALISE_SUM],
                        plastic.sums[plastic.post_start[k] : plastic.post_start[k + 1]],
                        number[learning.W_MIN], number[learning.W_MAX],
                    )  # fmt: skip
                if plastic.rewarded[k]:
                    a, b = plastic.mark_start[k], plastic.mark_start[k + 1]
                    mark = plastic.eligibility[a:b]
                    if plastic.dose[k] != 0.0:
                        learning.pay(
                            weight, mark,
                            plastic.scale[k] * plastic.dose[k] * number[learning.SHARE],
                            number[learning.W_MIN], number[learning.W_MAX],
                        )  # fmt: skip
                    plastic.dose[k] *= number[learning.DOSE_DECAY]
                    plastic.scale[k] = learning.rescale(
                        mark, plastic.scale[k] * number[learning.ELIGIBILITY_DECAY]
                    )
                a, b = plastic.pre_start[k], plastic.pre_start[k + 1]
                learning.fade(plastic.x[a:b], number[learning.X_DECAY])
                learning.fade(plastic.x2[a:b], number[learning.X2_DECAY])
                a, b = plastic.post_start[k], plastic.post_start[k + 1]
                learning.fade(plastic.y[a:b], number[learning.Y_DECAY])
                learning.fade(plastic.y2[a:b], number[learning.Y2_DECAY])
        integrate(net, state, models, inputs, step, t)
        for q in range(net.source.size):
            sent = step - net.delay[q]
            if sent < 0:
                continue
            at, then = net.ring_start[net.source[q]], sent % net.n_slots
            spiking = state.ring[then, at : at + state.n_ring[then, net.source[q]]]
            first, last = net.first[net.target[q]], net.first[net.target[q] + 1]
            if net.channel[q] < 0:
                goal = state.v[first:last]
            else:
                at = net.channel_start[net.channel[q]]
                goal = state.currents[at : at + last - first]
            rows = net.rows[net.first_row[q] :]
            if plastic is not None and plastic.which[q] >= 0:
                k = plastic.which[q]
                number = plastic.numbers[k]
                a, b = plastic.weight_start[k], plastic.weight_start[k + 1]
                weight, post = plastic.weight[a:b], net.post[rows[0] :]
                a, b = plastic.post_start[k], plastic.post_start[k + 1]
                y, u_minus = plastic.y[a:b], plastic.u_minus[a:b]
                if plastic.full[k] and plastic.plain[k]:
                    deliver_full(goal, spiking, rows, weight, rows[0])
                else:
                    learning.deliver_rows(goal, spiking, rows, post, weight, plastic.gain[a:b])
                if plastic.reads_potential[k]:
                    for j in range(y.size):  # what is taken off stands where others have a trace
                        y[j] = learning.depression(
                            j, u_minus, plastic.theta_minus[a:b], plastic.u_slow[a:b],
                            number[learning.REFERENCE],
                        )  # fmt: skip
                at = plastic.pre_start[k]
                for i in spiking:
                    first, last = rows[i] - rows[0], rows[i + 1] - rows[0]
                    if plastic.at_pre[k]:
                        constant = number[learning.PRE_0]
                        factor = number[learning.PRE_1]
                        factor += number[learning.PRE_2] * plastic.x2[at + i]
                        if plastic.rewarded[k]:
                            mark = plastic.eligibility[plastic.mark_start[k] :]
                            over = 1.0 / plastic.scale[k]
                            learning.mark_row(
                                mark[first:last], post[first:last], y, constant * over,
                                factor * over,
                            )  # fmt: skip
                        else:
                            learning.change_row(
                                weight[first:last], post[first:last], y, constant, factor,
                                number[learning.W_MIN], number[learning.W_MAX],
                                number[learning.MU_PRE], plastic.full[k],
                            )  # fmt: skip
                    if plastic.nearest[k]:
                        plastic.x[at + i] = plastic.x2[at + i] = 1.0
                    else:
                        plastic.x[at + i] += 1.0
                        plastic.x2[at + i] += 1.0
            elif net.full[q]:
                deliver_full(goal, spiking, rows, net.weight, net.first_weight[q])
            elif np.isnan(net.same_weight[q]):
                deliver(goal, spiking, rows, net.post, net.weight, net.first_weight[q])
            else:
                deliver_same(goal, spiking, rows, net.post, net.same_weight[q])
        if inputs is not None:
            for b in range(inputs.background_target.size):
                p = inputs.background_target[b]
                first, last = net.first[p], net.first[p + 1]
                if inputs.background_channel[b] < 0:
                    goal = state.v[first:last]
                else:
                    at = net.channel_start[inputs.background_channel[b]]
                    goal = state.currents[at : at + last - first]
                at = inputs.background_weight_start[b]
                weight = inputs.background_weight[at : at + last - first]
                at = inputs.background_start[b] + t * goal.size
                add_background(goal, weight, inputs.counts[at : at + goal.size])
        if plastic is not None:
            for k in range(plastic.projection.size):
                sent = step - plastic.modulator_delay[k]
                if not plastic.rewarded[k] or sent < 0:
                    continue
                e = plastic.modulator[k]
                reward = 0.0
                for s in range(state.n_ring[sent % net.n_slots, e]):
                    spiking_one = state.ring[sent % net.n_slots, net.ring_start[e] + s]
                    reward += plastic.rewards[plastic.reward_start[k] + spiking_one]
                if plastic.instant[k] and reward != 0.0:
                    learning.pay(
                        plastic.weight[plastic.weight_start[k] : plastic.weight_start[k + 1]],
                        plastic.eligibility[plastic.mark_start[k] : plastic.mark_start[k + 1]],
                        reward * plastic.scale[k], plastic.numbers[k, learning.W_MIN],
                        plastic.numbers[k, learning.W_MAX],
                    )  # fmt: skip
                plastic.dose[k] += reward * plastic.numbers[k, learning.JUMP]
        for p in range(net.alike.size):
            first, last = net.first[p], net.first[p + 1]
            v, held = state.v[first:last], state.held[first:last]
            at = net.ring_start[n_sources + p]
            # Who is refractory is who spiked a short while ago: what reached it is undone.
            for ago in range(1, min(net.refractory[p], step + 1)):
                before = slot - ago if slot >= ago else slot - ago + net.n_slots
                for s in range(at, at + state.n_ring[before, n_sources + p]):
                    v[state.ring[before, s]] = held[state.ring[before, s]]
            spiking = state.ring[slot, at : at + v.size]
            if plastic is not None:
                for k in range(plastic.projection.size):
                    if plastic.reads_potential[k] and net.target[plastic.projection[k]] == p:
                        learning.read_potential(k, v, plastic)
            resets = True
            if models is not None:
                resets = models.model[p] != HODGKIN_HUXLEY
            if resets:
                n = fire(
                    v, state.limit[first:last], net.reset[first:last], net.subtract[p],
                    net.refractory[p], held, state.last[first:last], step, spiking,
                )  # fmt: skip
            elif models is not None:
                above = models.variables[3, first:last]
                n = cross(v, net.threshold[first:last], above, spiking)
            state.n_ring[slot, n_sources + p] = n
            if plastic is not None and n:
                for k in range(plastic.projection.size):
                    if net.target[plastic.projection[k]] == p:
                        learning.learn_at_spikes(k, spiking[:n], plastic)
            for s in range(n):
                if net.adaptive[p]:
                    state.theta[first + spiking[s]] += net.theta_increment[first + spiking[s]]
                if models is not None and models.model[p] in (ADEX, IZHIKEVICH):
                    j = first + spiking[s]
                    models.variables[0, j] += models.parameters[0, j]
                if net.recorded[p]:
                    spike_steps[n_spikes] = step
                    spike_neurons[n_spikes] = first + spiking[s]
                    n_spikes += 1
        at = t * net.n_traced
        for p in range(net.traced.size):
            if net.traced[p]:
                size = net.first[p + 1] - net.first[p]
                copy(state.v[net.first[p] : net.first[p + 1]], trace[at : at + size])
                at += size
    return stop, n_spikes
