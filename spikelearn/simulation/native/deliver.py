"""Spikes on their way: from outside into the ring, and out of it to where they arrive.

The ring has a slot for each of the last steps; in a slot stands, outlet by outlet, who spiked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.simulation.native.compiled import pasted
from spikelearn.simulation.native.learn import arrive
from spikelearn.simulation.native.loops import (
    add_background,
    copy,
    deliver,
    deliver_full,
    deliver_same,
    deliver_to_all,
    deliver_to_others,
)

if TYPE_CHECKING:
    from spikelearn.simulation.native.plasticity import Plastic
    from spikelearn.simulation.native.state import Inputs, Net, State


@pasted
def emit_sources(
    net: Net, state: State, inputs: Inputs, step: int, offset: int
) -> None:  # pragma: no cover - compiled
    """Spikes of the sources in step `step`, which is number `offset` of its block.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    inputs : Inputs
        Of the block.
    step : int
        The step that is made.
    offset : int
        Its number within the block.
    """
    slot = step % net.n_slots
    for source in range(net.n_sources):
        first, end = inputs.spike_start[source, offset], inputs.spike_start[source, offset + 1]
        at = net.ring_start[source]
        copy(inputs.senders[first:end], state.ring[slot, at : at + end - first])
        state.n_ring[slot, source] = end - first


@pasted
def _goal(
    net: Net, state: State, target: int, channel: int
) -> np.ndarray:  # pragma: no cover - compiled
    """What arrivals at a population add to: one of its channels or, for -1, its potential.

    For population -1, the currents or the potentials of all.
    """
    first, end, at = 0, state.v.size, 0
    if target >= 0:
        first, end = net.populations[target].first, net.populations[target].end
    if channel < 0:
        goal = state.v[first:end]
    else:
        at, size = 0, state.currents.size
        if target >= 0:
            at, size = net.channels[channel].start, end - first
        goal = state.currents[at : at + size]
    return goal


@pasted
def deliver_spikes(net: Net, state: State, step: int) -> None:  # pragma: no cover - compiled
    """Spikes that arrive in this step, projection by projection, where nothing is plastic.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    step : int
        The step that is made.
    """
    for projection in net.projections:
        goal = _goal(net, state, projection.target, projection.channel)
        rows = net.rows[projection.first_row :]
        for which in range(projection.n_delays):
            sent = step - net.delays[projection.first_delay + which]
            if sent < 0:
                break
            slot = sent % net.n_slots
            for outlet in range(projection.outlet, projection.outlet + projection.n_outlets):
                n = state.n_ring[slot, outlet]
                if n > 0:
                    at = net.ring_start[outlet]
                    spiking = state.ring[slot, at : at + n]
                    _deliver(net, projection, which, goal, spiking, rows)


@pasted
def deliver_and_learn(
    net: Net, state: State, plastic: Plastic, step: int
) -> None:  # pragma: no cover - compiled
    """The same where some projections are plastic, which have one delay each.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    plastic : Plastic
        Changes.
    step : int
        The step that is made.
    """
    for projection in net.projections:
        goal = _goal(net, state, projection.target, projection.channel)
        rows = net.rows[projection.first_row :]
        for which in range(projection.n_delays):
            sent = step - net.delays[projection.first_delay + which]
            if sent < 0:
                break
            slot = sent % net.n_slots
            for outlet in range(projection.outlet, projection.outlet + projection.n_outlets):
                at = net.ring_start[outlet]
                spiking = state.ring[slot, at : at + state.n_ring[slot, outlet]]
                if projection.rule >= 0:
                    arrive(plastic, projection.rule, goal, spiking, rows, net.post[rows[0] :])
                else:
                    _deliver(net, projection, which, goal, spiking, rows)


@pasted
def _deliver(
    net: Net, projection: Any, which: int, goal: np.ndarray, spiking: np.ndarray, rows: np.ndarray
) -> None:  # pragma: no cover - compiled
    if projection.full and not np.isnan(projection.same_weight):
        deliver_to_all(goal, spiking.size, projection.same_weight)
    elif projection.all_others_from >= 0:
        deliver_to_others(goal, spiking, projection.all_others_from, projection.same_weight)
    elif projection.full:
        deliver_full(goal, spiking, rows, net.weight, projection.first_weight)
    elif projection.near:
        deliver_same(
            goal, spiking, rows, projection.n_delays, which, net.near, projection.same_weight
        )
    elif not np.isnan(projection.same_weight):
        deliver_same(
            goal, spiking, rows, projection.n_delays, which, net.post, projection.same_weight
        )
    elif projection.single:
        deliver(
            goal, spiking, rows, projection.n_delays, which, net.post, net.single,
            projection.first_weight,
        )  # fmt: skip
    else:
        deliver(
            goal, spiking, rows, projection.n_delays, which, net.post, net.weight,
            projection.first_weight,
        )  # fmt: skip


@pasted
def deliver_background(
    net: Net, state: State, inputs: Inputs, offset: int
) -> None:  # pragma: no cover - compiled
    """Poisson inputs, of which only the number matters that reaches each neuron.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    inputs : Inputs
        Of the block.
    offset : int
        Its number within the block.
    """
    for background in inputs.backgrounds:
        goal = _goal(net, state, background.target, background.channel)
        at = background.weight_start
        weight = inputs.background_weight[at : at + goal.size]
        at = background.counts_start + offset * background.stride
        add_background(goal, weight, inputs.counts[at : at + goal.size], background.alike)
