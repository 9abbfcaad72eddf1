"""What plastic synapses do in a step: they deliver by the weights as they are, and change.

The rules are those numbers of `spikelearn.simulation.grid.plasticity`. Traces belong to neurons,
not to synapses: an arrival looks at one row of weights, a target's spike at one column. What only
decays is multiplied once a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn.simulation.native.compiled import inner, pasted
from spikelearn.simulation.native.loops import deliver_full
from spikelearn.simulation.native.normalise import normalise, normalise_full
from spikelearn.simulation.native.reward import mark_row, pay_dose

if TYPE_CHECKING:
    from spikelearn.simulation.native.plasticity import Plastic
    from spikelearn.simulation.native.state import Net


@pasted
def begin_learning(net: Net, plastic: Plastic, step: int) -> None:  # pragma: no cover - compiled
    """What happens before anything arrives: normalisation, the dose of reward, decay of traces.

    Parameters
    ----------
    net : Net
    plastic : Plastic
        Changes.
    step : int
        The step that is made.
    """
    for index in range(plastic.rules.size):
        rule = plastic.rules[index]
        if rule.normalise_every > 0 and step % rule.normalise_every == 0:
            weight = plastic.weight[rule.weight_start : rule.weight_end]
            sums = plastic.sums[rule.post_start : rule.post_end]
            if rule.full:
                normalise_full(
                    weight, rule.normalise_sum, sums,
                    plastic.settled[rule.post_start : rule.post_end],
                    plastic.unsettled[rule.post_start : rule.post_end], rule.by_column,
                    rule.w_min, rule.w_max,
                )  # fmt: skip
            else:
                normalise(
                    weight, net.post[rule.first_synapse :], rule.normalise_sum, sums, rule.w_min,
                    rule.w_max,
                )  # fmt: skip
        if rule.rewarded:
            pay_dose(plastic, index)
        _fade(plastic.x[rule.pre_start : rule.pre_end], rule.x_decay)
        _fade(plastic.x2[rule.pre_start : rule.pre_end], rule.x2_decay)
        _fade(plastic.y[rule.post_start : rule.post_end], rule.y_decay)
        _fade(plastic.y2[rule.post_start : rule.post_end], rule.y2_decay)


@inner
def _fade(trace: np.ndarray, decay: float) -> None:  # pragma: no cover - compiled
    """One step of a trace; nothing where nothing reads it."""
    if decay != 0.0:
        for i in range(trace.size):
            trace[i] *= decay


@pasted
def arrive(
    plastic: Plastic,
    index: int,
    goal: np.ndarray,
    spiking: np.ndarray,
    rows: np.ndarray,
    post: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Spikes arrive by the synapses of rule number `index`, and change them.

    Several of one neuron come one right after the other: each finds the weights and traces as the
    one before has left them.

    Parameters
    ----------
    plastic : Plastic
    index : int
    goal : array of shape (n_target,)
        What arrivals add to.
    spiking : array of int
        Source neurons, in rounds: ascending but where a neuron comes again.
    rows : array of int
        First synapse of each source neuron, and further.
    post : array of int
        Target neurons, from the projection's first synapse on.
    """
    start = 0
    for stop in range(1, spiking.size + 1):
        if stop == spiking.size or spiking[stop] <= spiking[stop - 1]:
            _arrive_once(plastic, index, goal, spiking[start:stop], rows, post)
            start = stop


@pasted
def _arrive_once(
    plastic: Plastic,
    index: int,
    goal: np.ndarray,
    spiking: np.ndarray,
    rows: np.ndarray,
    post: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """At most one spike of each source neuron."""
    rule = plastic.rules[index]
    weight = plastic.weight[rule.weight_start : rule.weight_end]
    y = plastic.y[rule.post_start : rule.post_end]
    first = rows[0]
    if rule.full and rule.plain:
        deliver_full(goal, spiking, rows, weight, first)
    else:
        gain = plastic.gain[rule.post_start : rule.post_end]
        _deliver_rows(goal, spiking, rows, post, weight, gain)
    if rule.reads_potential:
        _set_depressions(
            y, plastic.u_minus[rule.post_start : rule.post_end],
            plastic.theta_minus[rule.post_start : rule.post_end],
            plastic.u_slow[rule.post_start : rule.post_end], rule.reference,
        )  # fmt: skip
    for neuron in spiking:
        start, end = rows[neuron] - first, rows[neuron + 1] - first
        trace = rule.pre_start + neuron
        if rule.at_pre:
            constant = rule.pre_constant
            factor = rule.pre_y
            factor += rule.pre_y_x2 * plastic.x2[trace]
            if rule.rewarded:
                mark = plastic.eligibility[rule.mark_start :]
                over = 1.0 / plastic.scale[index]
                mark_row(mark[start:end], post[start:end], y, constant * over, factor * over)
            else:
                _change_row(
                    weight[start:end], post[start:end], y, constant, factor, rule.w_min,
                    rule.w_max, rule.mu_pre, rule.full,
                )  # fmt: skip
        if rule.nearest:
            plastic.x[trace] = plastic.x2[trace] = 1.0
        else:
            plastic.x[trace] += 1.0
            plastic.x2[trace] += 1.0


@inner
def _deliver_rows(
    goal: np.ndarray,
    spiking: np.ndarray,
    rows: np.ndarray,
    post: np.ndarray,
    weight: np.ndarray,
    gain: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """What arrives, by the weights as they are; `post` begins with the first synapse."""
    first = rows[0]
    for neuron in spiking:
        for s in range(rows[neuron] - first, rows[neuron + 1] - first):
            goal[post[s]] += gain[post[s]] * weight[s]


@inner
def _change_row(
    weight: np.ndarray,
    post: np.ndarray,
    y: np.ndarray,
    constant: float,
    factor: float,
    w_min: float,
    w_max: float,
    mu: float,
    full: bool,
) -> None:  # pragma: no cover - compiled
    """What an arrival does to the synapses of its neuron."""
    if full and mu == 0.0:
        for j in range(weight.size):
            weight[j] = min(max(weight[j] + (constant + factor * y[j]), w_min), w_max)
    else:
        over = 1.0 / (w_max - w_min)
        for s in range(weight.size):
            change = constant + factor * y[post[s]]
            if mu == 1.0:
                change *= min(max((weight[s] - w_min) * over, 0.0), 1.0)
            elif mu != 0.0:
                change *= min(max((weight[s] - w_min) * over, 0.0), 1.0) ** mu
            weight[s] = min(max(weight[s] + change, w_min), w_max)


@inner
def learn_from_spikes(
    plastic: Plastic, population: int, spiking: np.ndarray
) -> None:  # pragma: no cover - compiled
    """What a population's spikes do to the plastic synapses onto it, and to their traces.

    Parameters
    ----------
    plastic : Plastic
        Changes.
    population : int
    spiking : array of int
        Its neurons that spike.
    """
    for index in range(plastic.rules.size):
        rule = plastic.rules[index]
        if rule.target == population:
            for neuron in spiking:
                trace = rule.post_start + neuron
                if rule.at_post:
                    _learn_column(plastic, index, neuron)
                    plastic.settled[trace] = False
                if rule.nearest:
                    plastic.y[trace] = plastic.y2[trace] = 1.0
                else:
                    plastic.y[trace] += 1.0
                    plastic.y2[trace] += 1.0


@pasted
def _learn_column(plastic: Plastic, index: int, neuron: int) -> None:  # pragma: no cover - compiled
    """What a spike of target number `neuron` does to the synapses onto it."""
    rule = plastic.rules[index]
    weight = plastic.weight[rule.weight_start : rule.weight_end]
    mark = plastic.eligibility[rule.mark_start : rule.mark_end]
    x = plastic.x[rule.pre_start : rule.pre_end]
    factor = rule.post_constant + rule.post_y2 * plastic.y2[rule.post_start + neuron]
    if rule.full:
        n_target = rule.post_end - rule.post_start
        if rule.rewarded:
            _mark_column(
                mark, x, n_target, neuron, 1.0 / plastic.scale[index] * factor, rule.x_target
            )
        else:
            _change_column(
                weight, x, n_target, neuron, factor, rule.x_target, rule.w_min, rule.w_max,
                rule.mu_post, rule.beta,
            )  # fmt: skip
        return
    column = plastic.columns[rule.column_start :]
    part = slice(rule.entry_start + column[neuron], rule.entry_start + column[neuron + 1])
    synapses, sources = plastic.column_synapse[part], plastic.column_pre[part]
    if rule.rewarded:
        _mark_entries(
            mark, x, synapses, sources, 1.0 / plastic.scale[index] * factor, rule.x_target
        )
    else:
        _change_entries(
            weight, x, synapses, sources, factor, rule.x_target, rule.w_min, rule.w_max,
            rule.mu_post, rule.beta,
        )  # fmt: skip


@inner
def _mark_column(
    mark: np.ndarray, x: np.ndarray, n_target: int, neuron: int, factor: float, x_target: float
) -> None:  # pragma: no cover - compiled
    """A target's spike and the eligibility, where every source neuron has a synapse on it."""
    for source in range(x.size):
        mark[source * n_target + neuron] += factor * (x[source] - x_target)


@inner
def _change_column(
    weight: np.ndarray,
    x: np.ndarray,
    n_target: int,
    neuron: int,
    factor: float,
    x_target: float,
    w_min: float,
    w_max: float,
    mu: float,
    beta: float,
) -> None:  # pragma: no cover - compiled
    """A target's spike and the weights, where every source neuron has a synapse on it."""
    for source in range(x.size):
        synapse = source * n_target + neuron
        weight[synapse] = _change_at(
            weight[synapse], x[source], factor, x_target, w_min, w_max, mu, beta
        )


@inner
def _mark_entries(
    mark: np.ndarray,
    x: np.ndarray,
    synapses: np.ndarray,
    sources: np.ndarray,
    factor: float,
    x_target: float,
) -> None:  # pragma: no cover - compiled
    """A target's spike and the eligibility of the synapses onto it, which are listed."""
    for entry in range(synapses.size):
        mark[synapses[entry]] += factor * (x[sources[entry]] - x_target)


@inner
def _change_entries(
    weight: np.ndarray,
    x: np.ndarray,
    synapses: np.ndarray,
    sources: np.ndarray,
    factor: float,
    x_target: float,
    w_min: float,
    w_max: float,
    mu: float,
    beta: float,
) -> None:  # pragma: no cover - compiled
    """A target's spike and the weights of the synapses onto it, which are listed."""
    for entry in range(synapses.size):
        synapse = synapses[entry]
        weight[synapse] = _change_at(
            weight[synapse], x[sources[entry]], factor, x_target, w_min, w_max, mu, beta
        )


@inner
def _change_at(
    w: float,
    x: float,
    factor: float,
    x_target: float,
    w_min: float,
    w_max: float,
    mu: float,
    beta: float,
) -> float:  # pragma: no cover - compiled
    """A weight after a spike of its target."""
    if not np.isnan(beta):
        change = factor * (x * np.exp(-beta * w) - x_target * np.exp(-beta * (w_max - w)))
    else:
        change = factor * (x - x_target)
        if mu == 1.0:
            change *= min(max((w_max - w) / (w_max - w_min), 0.0), 1.0)
        elif mu != 0.0:
            change *= min(max((w_max - w) / (w_max - w_min), 0.0), 1.0) ** mu
    return min(max(w + change, w_min), w_max)


@inner
def learn_from_potentials(
    plastic: Plastic, population: int, v: np.ndarray
) -> None:  # pragma: no cover - compiled
    """The voltage-based rule at the synapses onto a population, whose potentials are `v`.

    Parameters
    ----------
    plastic : Plastic
        Changes.
    population : int
    v : array of shape (size,)
        Its potentials after the step's deliveries and before the reset.
    """
    for index in range(plastic.rules.size):
        rule = plastic.rules[index]
        if rule.reads_potential and rule.target == population:
            _read_potential(plastic, index, v)


@pasted
def _read_potential(
    plastic: Plastic, index: int, v: np.ndarray
) -> None:  # pragma: no cover - compiled
    """Potentiation in this step, and the averages of the potential."""
    rule = plastic.rules[index]
    weight = plastic.weight[rule.weight_start : rule.weight_end]
    x = plastic.x[rule.pre_start : rule.pre_end]
    for neuron in range(v.size):
        place = rule.post_start + neuron
        u = min(v[neuron], plastic.peak[place])
        gate = _potentiation(place, u, plastic.u_plus, plastic.theta_minus, plastic.theta_plus)
        if gate > 0.0:
            gate *= rule.voltage_gain
            if rule.full:
                for source in range(x.size):
                    synapse = source * v.size + neuron
                    weight[synapse] = min(
                        max(weight[synapse] + gate * x[source], rule.w_min), rule.w_max
                    )
            else:
                column = plastic.columns[rule.column_start :]
                start = rule.entry_start
                for entry in range(start + column[neuron], start + column[neuron + 1]):
                    synapse = plastic.column_synapse[entry]
                    grown = weight[synapse] + gate * x[plastic.column_pre[entry]]
                    weight[synapse] = min(max(grown, rule.w_min), rule.w_max)
        plastic.u_minus[place] += rule.follow_minus * (u - plastic.u_minus[place])
        plastic.u_plus[place] += rule.follow_plus * (u - plastic.u_plus[place])
        above = u - plastic.rest[place]
        plastic.u_slow[place] += rule.follow_slow * (above - plastic.u_slow[place])


@inner
def _set_depressions(
    y: np.ndarray,
    u_minus: np.ndarray,
    theta: np.ndarray,
    u_slow: np.ndarray,
    reference: float,
) -> None:  # pragma: no cover - compiled
    """What an arrival takes off, for an amplitude of 1; it stands where others have a trace."""
    for neuron in range(y.size):
        above = max(u_minus[neuron] - theta[neuron], 0.0)
        homeostatic = not np.isnan(reference)
        y[neuron] = above * u_slow[neuron] ** 2 / reference if homeostatic else above


@inner
def _potentiation(
    place: int, u: float, u_plus: np.ndarray, theta_minus: np.ndarray, theta_plus: np.ndarray
) -> float:  # pragma: no cover - compiled
    """What a step adds at a target neuron, for a gain and a trace of 1."""
    return max(u - theta_plus[place], 0.0) * max(u_plus[place] - theta_minus[place], 0.0)
