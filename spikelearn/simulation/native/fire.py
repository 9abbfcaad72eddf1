"""Who spikes: refractory neurons are held, thresholds compared, spikes written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.simulation.native.compiled import inner, pasted
from spikelearn.simulation.native.learn import learn_from_potentials, learn_from_spikes
from spikelearn.simulation.native.loops import fire
from spikelearn.simulation.native.models import Models, cross

if TYPE_CHECKING:
    from spikelearn.simulation.native.plasticity import Plastic
    from spikelearn.simulation.native.state import Net, State


@pasted
def fire_populations(
    net: Net,
    state: State,
    models: Models | None,
    plastic: Plastic | None,
    step: int,
    spike_steps: np.ndarray,
    spike_neurons: np.ndarray,
    n_spikes: int,
) -> int:  # pragma: no cover - compiled
    """Spikes of a step, which are learnt from; how many are now in `spike_steps`.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    models : Models or None
        Changes.
    plastic : Plastic or None
        Changes.
    step : int
        The step that is made.
    spike_steps, spike_neurons : arrays of one length
        Where the spikes of recorded populations are written.
    n_spikes : int
        How many are there already.
    """
    slot = step % net.n_slots
    for index in range(net.populations.size):
        population = net.populations[index]
        first, end = population.first, population.end
        v = state.v[first:end]
        _hold_refractory(v, state.held[first:end], population, step, state.ring, state.n_ring)
        spiking = state.ring[slot, population.ring_start : population.ring_start + v.size]
        if plastic is not None:
            learn_from_potentials(plastic, index, v)
        resets = True
        if models is not None:
            resets = models.resets[index]
        if resets:
            n = fire(
                v, net.threshold[first:end], state.limit[first:end], population.alike,
                population.adaptive, state.theta[first:end], net.theta_decay[first:end],
                net.reset[first:end], population.subtract, population.refractory,
                state.held[first:end], state.last[first:end], step, spiking,
            )  # fmt: skip
        elif models is not None:
            n = cross(
                v, net.threshold[first:end], models.above[first:end], models.crossed[first:end],
                spiking,
            )  # fmt: skip
        state.n_ring[slot, population.outlet] = n
        if plastic is not None and n:
            learn_from_spikes(plastic, index, spiking[:n])
        for place in range(n):
            neuron = first + spiking[place]
            if population.adaptive:
                state.theta[neuron] += net.theta_increment[neuron]
            if models is not None:
                for jump in range(models.jump_start[index], models.jump_start[index + 1]):
                    by = models.parameters[models.jump_parameter[jump], neuron]
                    models.variables[models.jump_variable[jump], neuron] += by
            if population.recorded:
                spike_steps[n_spikes] = step
                spike_neurons[n_spikes] = neuron
                n_spikes += 1
            spiking[place] += population.before
    return n_spikes


@inner
def _hold_refractory(
    v: np.ndarray,
    held: np.ndarray,
    population: Any,
    step: int,
    ring: np.ndarray,
    n_ring: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Undo what reached refractory neurons: those that spiked a short while ago."""
    n_slots = n_ring.shape[0]
    slot, start = step % n_slots, population.ring_start
    for ago in range(1, min(population.refractory, step + 1)):
        before = slot - ago if slot >= ago else slot - ago + n_slots
        for place in range(start, start + n_ring[before, population.outlet]):
            neuron = ring[before, place] - population.before
            v[neuron] = held[neuron]
