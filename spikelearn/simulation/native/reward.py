"""Reward: changes wait as eligibility, and a modulator's spikes turn it into weight.

Eligibility, as long as the synapses, decays by one factor that is common to all of a projection's:
what stands in the array is the eligibility over `scale`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn.simulation.native.compiled import inner, pasted

if TYPE_CHECKING:
    from spikelearn.simulation.native.plasticity import Plastic
    from spikelearn.simulation.native.state import Net, State

_SMALLEST_SCALE = 1e-100


@pasted
def deliver_rewards(
    net: Net, state: State, plastic: Plastic, step: int
) -> None:  # pragma: no cover - compiled
    """Rewards that arrive in this step: at once into the weights, or into the dose.

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
    for index in range(plastic.rules.size):
        rule = plastic.rules[index]
        sent = step - rule.modulator_delay
        if not rule.rewarded or sent < 0:
            continue
        slot = sent % net.n_slots
        reward = 0.0
        for outlet in range(rule.modulator, rule.modulator + rule.n_outlets):
            for place in range(state.n_ring[slot, outlet]):
                spiking = state.ring[slot, net.ring_start[outlet] + place]
                reward += plastic.rewards[rule.reward_start + spiking]
        if rule.instant and reward != 0.0:
            _pay(
                plastic.weight[rule.weight_start : rule.weight_end],
                plastic.eligibility[rule.mark_start : rule.mark_end],
                reward * plastic.scale[index], rule.w_min, rule.w_max,
            )  # fmt: skip
        plastic.dose[index] += reward * rule.jump


@pasted
def pay_dose(plastic: Plastic, index: int) -> None:  # pragma: no cover - compiled
    """What the rewards that still work do in a step to the weights of rule number `index`."""
    rule = plastic.rules[index]
    mark = plastic.eligibility[rule.mark_start : rule.mark_end]
    if plastic.dose[index] != 0.0:
        _pay(
            plastic.weight[rule.weight_start : rule.weight_end], mark,
            plastic.scale[index] * plastic.dose[index] * rule.share, rule.w_min, rule.w_max,
        )  # fmt: skip
    plastic.dose[index] *= rule.dose_decay
    plastic.scale[index] = _rescale(mark, plastic.scale[index] * rule.eligibility_decay)


@inner
def _pay(
    weight: np.ndarray, mark: np.ndarray, amount: float, w_min: float, w_max: float
) -> None:  # pragma: no cover - compiled
    """Eligibility becomes weight."""
    for s in range(weight.size):
        weight[s] = min(max(weight[s] + amount * mark[s], w_min), w_max)


@inner
def _rescale(mark: np.ndarray, scale: float) -> float:  # pragma: no cover - compiled
    """Bring the eligibility to a scale of 1 before its numbers grow too large."""
    if scale > _SMALLEST_SCALE:
        return scale
    for s in range(mark.size):
        mark[s] *= scale
    return 1.0


@inner
def mark_row(
    mark: np.ndarray, post: np.ndarray, y: np.ndarray, constant: float, factor: float
) -> None:  # pragma: no cover - compiled
    """What an arrival does to the eligibility of its neuron's synapses, which has no bounds.

    Parameters
    ----------
    mark : array of shape (n_synapses,)
        The eligibility of one source neuron's synapses, which changes.
    post : array of shape (n_synapses,)
        Their target neurons.
    y : array of shape (n_target,)
        The targets' traces.
    constant, factor : float
        The change is constant + factor * y.
    """
    for s in range(mark.size):
        mark[s] += constant + factor * y[post[s]]
