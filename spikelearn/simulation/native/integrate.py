"""The membranes of all populations, one step on.

Leaky integrate-and-fire neurons with currents by their closed form; what is not linear by the
models in `spikelearn.simulation.native.models`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.simulation.native.compiled import pasted
from spikelearn.simulation.native.loops import (
    add_current,
    add_stimulus,
    follow_threshold,
    integrate_two,
    scale,
)
from spikelearn.simulation.native.models import (
    CONDUCTING,
    HODGKIN_HUXLEY,
    LINEAR,
    clear,
    collect,
    conduct_one,
    conduct_two,
    decay,
    feed,
    step_conducting,
    step_hodgkin_huxley,
    step_two_variables,
)

if TYPE_CHECKING:
    from spikelearn.simulation.native.kernels import Inputs, Net, State
    from spikelearn.simulation.native.models import Models


@pasted
def integrate(
    net: Net, state: State, models: Models | None, inputs: Inputs | None, step: int, offset: int
) -> None:  # pragma: no cover - compiled
    """Step `step`, which is number `offset` of its block."""
    for p in range(net.alike.size):
        first, last = net.first[p], net.first[p + 1]
        linear = True
        if models is not None:  # told apart when compiled: None costs nothing
            linear = models.model[p] == LINEAR
        if linear:
            _integrate_linear(net, state, models, inputs, offset, p)
        elif models is not None:
            _integrate_nonlinear(net, state, models, inputs, step, offset, p)
        if net.adaptive[p]:
            follow_threshold(
                state.theta[first:last], net.theta_decay[first:last],
                net.threshold[first:last], state.limit[first:last],
            )  # fmt: skip


@pasted
def _integrate_linear(
    net: Net, state: State, models: Models | None, inputs: Inputs | None, offset: int, p: int
) -> None:  # pragma: no cover - compiled
    first, last = net.first[p], net.first[p + 1]
    v = state.v[first:last]
    c = net.first_channel[p]
    if models is None and net.alike[p] and net.first_channel[p + 1] == c + 2:
        at, other = net.channel_start[c], net.channel_start[c + 1]
        integrate_two(
            v, net.beta[first], net.kappa[at], net.kappa[other], net.alpha[c],
            net.alpha[c + 1], state.currents[at : at + v.size],
            state.currents[other : other + v.size],
        )  # fmt: skip
    else:
        scale(v, net.beta[first:last], net.alike[p])
        for c in range(net.first_channel[p], net.first_channel[p + 1]):
            at = net.channel_start[c]
            current = state.currents[at : at + v.size]
            kappa = net.kappa[at : at + v.size]
            if models is not None and models.feeds[c] >= 0:
                at = net.channel_start[models.feeds[c]]
                feed(current, state.currents[at : at + v.size], models.transfer[c])
            add_current(v, current, kappa, net.alpha[c], net.alike[p])
    if inputs is not None:
        width = inputs.current_width[p]
        at = inputs.current_start[p] + offset * width
        if width:
            add_stimulus(v, net.beta[first:last], inputs.current[at : at + width])


@pasted
def _integrate_nonlinear(  # noqa: PLR0912
    net: Net, state: State, models: Models, inputs: Inputs | None, step: int, offset: int, p: int
) -> None:  # pragma: no cover - compiled
    first, last = net.first[p], net.first[p + 1]
    v = state.v[first:last]
    width = 0
    if inputs is not None:
        width = inputs.current_width[p]
        at = inputs.current_start[p] + offset * width
        shown = inputs.current[at : at + width]
    averaged = models.model[p] == CONDUCTING
    n_moments = 1 if averaged else 2 * models.n_substeps[p] + 1
    c = net.first_channel[p]
    at = net.channel_start[c]
    if models.plain[p] == 1 and not width:
        conduct_one(
            v, state.currents[at : at + v.size], models.reversal[at : at + v.size],
            models.mean[c], net.alpha[c], net.beta[first:last],
            models.step_per_tau[first:last],
        )  # fmt: skip
    elif models.plain[p] == 2 and not width:
        other = net.channel_start[c + 1]
        conduct_two(
            v, state.currents[at : at + v.size],
            state.currents[other : other + v.size],
            models.reversal[at : at + v.size],
            models.reversal[other : other + v.size], models.mean[c],
            models.mean[c + 1], net.alpha[c], net.alpha[c + 1],
            models.step_per_tau[first:last],
        )  # fmt: skip
    else:
        for k in range(n_moments):
            clear(models.drive[k, first:last])
            clear(models.conductance[k, first:last])
        for c in range(net.first_channel[p], net.first_channel[p + 1]):
            at = net.channel_start[c]
            current = state.currents[at : at + v.size]
            reversal = models.reversal[at : at + v.size]
            for k in range(n_moments):
                collect(
                    current, reversal,
                    models.mean[c] if averaged else models.gains[c, k],
                    models.drive[k, first:last], models.conductance[k, first:last],
                )  # fmt: skip
            if models.feeds[c] >= 0:
                at = net.channel_start[models.feeds[c]]
                feed(current, state.currents[at : at + v.size], models.transfer[c])
            decay(current, net.alpha[c])
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
        elif models.model[p] != HODGKIN_HUXLEY:
            step_two_variables(
                models.model[p], first, last, state.v, net.threshold, state.last,
                step - net.refractory[p], models,
            )  # fmt: skip
        else:
            step_hodgkin_huxley(first, last, state.v, net.threshold, models.n_substeps[p], models)
