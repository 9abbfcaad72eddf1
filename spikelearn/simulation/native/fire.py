"""Who spikes: refractory neurons are held, thresholds compared, spikes written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        resting = state.resting[first:end]
        hold_refractory(
            v, state.held[first:end], state.last[first:end], population.refractory, step,
            resting, state.n_resting[index],
        )  # fmt: skip
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
        put_to_rest(spiking[:n], population.refractory, resting, state.n_resting[index])
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
def hold_refractory(
    v: np.ndarray,
    held: np.ndarray,
    last: np.ndarray,
    refractory: int,
    step: int,
    resting: np.ndarray,
    bounds: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Undo what reached refractory neurons.

    Parameters
    ----------
    v, held : arrays of shape (size,)
        Potentials of a population, which change, and those after the last spike.
    last : array of shape (size,)
        Step of the last spike.
    refractory, step : int
        Steps, and the one that is made.
    resting : array of shape (size,)
        Who is refractory, in the order of their spikes; goes on at its beginning.
    bounds : array of two int
        Where the first of them stands in it, and how many there are; those whose time is over go.
    """
    first, n = bounds[0], bounds[1]
    while n > 0 and step - last[resting[first]] >= refractory:
        first = first + 1 if first + 1 < resting.size else 0
        n -= 1
    bounds[0], bounds[1] = first, n
    until_end = min(n, resting.size - first)
    for neuron in resting[first : first + until_end]:
        v[neuron] = held[neuron]
    for neuron in resting[: n - until_end]:
        v[neuron] = held[neuron]


@inner
def put_to_rest(
    spiking: np.ndarray, refractory: int, resting: np.ndarray, bounds: np.ndarray
) -> None:  # pragma: no cover - compiled
    """Those who spike are refractory from now on; for none or one step there is nothing to hold.

    Parameters
    ----------
    spiking : array of int
        Who spikes.
    refractory : int
        Steps.
    resting, bounds : arrays
        As in `hold_refractory`; change.
    """
    if refractory <= 1:
        return
    at = bounds[0] + bounds[1]
    for neuron in spiking:
        resting[at if at < resting.size else at - resting.size] = neuron
        at += 1
    bounds[1] += spiking.size
