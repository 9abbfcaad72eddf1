"""The membranes of all populations, one step on.

Leaky integrate-and-fire neurons with currents by their closed form; what is not linear by the
models in `spikelearn.simulation.native.models`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn.simulation.native.compiled import pasted
from spikelearn.simulation.native.loops import (
    add_current,
    add_stimulus,
    integrate_two,
    scale,
)
from spikelearn.simulation.native.models import (
    CONDUCTING,
    LINEAR,
    clear,
    collect,
    conduct_one,
    conduct_two,
    decay,
    feed,
    mark_above,
    step_conducting,
)
from spikelearn.simulation.native.runge_kutta import runge_kutta
from spikelearn.simulation.native.slopes import pointer

if TYPE_CHECKING:
    from spikelearn.simulation.native.models import Models
    from spikelearn.simulation.native.state import Inputs, Net, State


@pasted
def integrate_linear(
    net: Net, state: State, inputs: Inputs | None, offset: int
) -> None:  # pragma: no cover - compiled
    """Step number `offset` of a block, where there are no `Models`.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    inputs : Inputs or None
        Of the block.
    offset : int
        Its number within the block.
    """
    for index in range(net.populations.size):
        population = net.populations[index]
        first, end = population.first, population.end
        v = state.v[first:end]
        channel = population.first_channel
        if population.alike and population.end_channel == channel + 2:
            one, other = net.channels[channel], net.channels[channel + 1]
            integrate_two(
                v, net.beta[first], net.kappa[one.start], net.kappa[other.start], one.alpha,
                other.alpha, state.currents[one.start : one.start + v.size],
                state.currents[other.start : other.start + v.size],
            )  # fmt: skip
        else:
            scale(v, net.beta[first:end], population.alike)
            for channel in range(population.first_channel, population.end_channel):
                at = net.channels[channel].start
                add_current(
                    v, state.currents[at : at + v.size], net.kappa[at : at + v.size],
                    net.channels[channel].alpha, population.alike,
                )  # fmt: skip
        _add_drive(net, inputs, offset, index, v)


@pasted
def integrate(
    net: Net, state: State, models: Models, inputs: Inputs | None, step: int, offset: int
) -> None:  # pragma: no cover - compiled
    """Step `step`, which is number `offset` of its block, population by population.

    Parameters
    ----------
    net : Net
    state : State
        Changes.
    models : Models
        Changes.
    inputs : Inputs or None
        Of the block.
    step : int
        The step that is made.
    offset : int
        Its number within the block.
    """
    for index in range(net.populations.size):
        population = net.populations[index]
        first, end = population.first, population.end
        if models.kind[index] == LINEAR:
            v = state.v[first:end]
            scale(v, net.beta[first:end], population.alike)
            for channel in range(population.first_channel, population.end_channel):
                at = net.channels[channel].start
                current = state.currents[at : at + v.size]
                kappa = net.kappa[at : at + v.size]
                if models.feeds[channel] >= 0:
                    at = net.channels[models.feeds[channel]].start
                    feed(current, state.currents[at : at + v.size], models.transfer[channel])
                add_current(v, current, kappa, net.channels[channel].alpha, population.alike)
            _add_drive(net, inputs, offset, index, v)
        else:
            _integrate_nonlinear(net, state, models, inputs, step, offset, index)


@pasted
def _add_drive(
    net: Net, inputs: Inputs | None, offset: int, index: int, v: np.ndarray
) -> None:  # pragma: no cover - compiled
    """What flows into linear membranes from outside."""
    if inputs is not None:
        width = inputs.drives[index].width
        at = inputs.drives[index].start + offset * inputs.drives[index].stride
        if width:
            first, end = net.populations[index].first, net.populations[index].end
            add_stimulus(v, net.beta[first:end], inputs.current[at : at + width])


@pasted
def _integrate_nonlinear(  # noqa: PLR0912
    net: Net, state: State, models: Models, inputs: Inputs | None, step: int, offset: int, p: int
) -> None:  # pragma: no cover - compiled
    first, last = net.populations[p].first, net.populations[p].end
    v = state.v[first:last]
    width = 0
    if inputs is not None:
        width = inputs.drives[p].width
        at = inputs.drives[p].start + offset * inputs.drives[p].stride
        shown = inputs.current[at : at + width]
    averaged = models.kind[p] == CONDUCTING
    n_moments = 1 if averaged else 2 * models.n_substeps[p] + 1
    c = net.populations[p].first_channel
    at = net.channels[c].start
    if models.plain[p] == 1 and not width:
        conduct_one(
            v, state.currents[at : at + v.size], models.reversal[at : at + v.size],
            models.mean[c], net.channels[c].alpha, net.beta[first:last],
            models.step_per_tau[first:last],
        )  # fmt: skip
    elif models.plain[p] == 2 and not width:
        other = net.channels[c + 1].start
        conduct_two(
            v, state.currents[at : at + v.size],
            state.currents[other : other + v.size],
            models.reversal[at : at + v.size],
            models.reversal[other : other + v.size], models.mean[c],
            models.mean[c + 1], net.channels[c].alpha, net.channels[c + 1].alpha,
            models.step_per_tau[first:last],
        )  # fmt: skip
    else:
        for k in range(n_moments):
            clear(models.drive[k, first:last])
            clear(models.conductance[k, first:last])
        for c in range(net.populations[p].first_channel, net.populations[p].end_channel):
            at = net.channels[c].start
            current = state.currents[at : at + v.size]
            reversal = models.reversal[at : at + v.size]
            for k in range(n_moments):
                collect(
                    current, reversal,
                    models.mean[c] if averaged else models.gains[c, k],
                    models.drive[k, first:last], models.conductance[k, first:last],
                )  # fmt: skip
            if models.feeds[c] >= 0:
                at = net.channels[models.feeds[c]].start
                feed(current, state.currents[at : at + v.size], models.transfer[c])
            decay(current, net.channels[c].alpha)
        if inputs is not None and width:
            for k in range(n_moments):
                drive = models.drive[k, first:last]
                for j in range(v.size):
                    drive[j] += shown[j if width > 1 else 0]
        if averaged:
            step_conducting(
                v, models.step_per_tau[first:last], models.drive[0, first:last],
                models.conductance[0, first:last],
            )  # fmt: skip
        else:
            if not models.resets[p]:
                mark_above(v, net.threshold[first:last], models.above[first:last])
                clear(models.crossed[first:last])
            held = net.populations[p].refractory
            runge_kutta(
                models.slopes[p], v.size, first, state.v.size, models.n_variables[p],
                models.n_substeps[p], models.dt / models.n_substeps[p], models.has_peak[p],
                models.resets[p], held > 1, step - held, models.watched[p],
                pointer(state.v, first), pointer(net.threshold, first),
                pointer(state.last, first), pointer(models.above, first),
                pointer(models.crossed, first), pointer(models.low, first),
                pointer(models.high, first), pointer(models.most, first), models.low_most[p],
                models.high_least[p], models.most_least[p],
                pointer(models.variables, 0), pointer(models.parameters, 0),
                pointer(models.drive, 0), pointer(models.conductance, 0),
                pointer(models.scratch, 0), models.scratch.shape[1],
            )  # fmt: skip
