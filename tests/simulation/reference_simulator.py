"""The semantics of `spikelearn.simulation` once more: loops over trials, steps, neurons, synapses.

Written from the package's docstring and sharing no code with it, in absolute potentials where the
package counts from rest. Slow and plain on purpose: each line is a sentence of the docstring.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from reference_neurons import JUMPS, PEAKED, Neuron, later, leaky, make_neuron, of, runge_kutta
from reference_plasticity import (
    Averages,
    Dose,
    Traces,
    at_arrival,
    at_spike,
    normalise,
    pay_dose,
    read_potentials,
    set_depression,
    take_reward,
)


@dataclass
class Outcome:
    """Spikes as {population: {(trial, step, neuron)}}, potentials in mV as (trials, steps, size).

    `margin_mv` is the smallest distance between a potential and its threshold anywhere in the
    run: below about 1e-9 a spike hangs on how a sum was rounded, and proves nothing. `weights`
    holds {projection: {(pre, post): mV}} of the plastic projections after the last trial.
    """

    spikes: dict[str, set[tuple[int, int, int]]]
    potentials: dict[str, np.ndarray]
    margin_mv: float
    weights: dict[str, dict[tuple[int, int], float]]


@dataclass
class Synapse:
    """One synapse with its traces, as (value, step at which it had that value)."""

    pre: int
    post: int
    weight: float
    delay_steps: int | None = None
    traces: Traces = field(default_factory=lambda: Traces(math.nan))


@dataclass
class Trial:
    """Everything that changes in the course of a trial."""

    number: int
    cells: dict[str, list[Neuron]]
    synapses: list[list[Synapse]]
    emitted: dict[str, list[list[int]]]  # of each step, a neuron as often as it spikes
    # Currents and conductances by population, neuron and synapse: [value, what feeds it], in pA,
    # nS or mV as the synapses' weights are.
    currents: dict[tuple[str, int, Any], list[float]] = field(default_factory=dict)
    noise: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    margin_mv: float = math.inf
    doses: list[Dose] = field(default_factory=list)
    averages: list[list[Averages]] = field(default_factory=list)


def simulate_reference(
    network: Any,
    stimulus: Any,
    *,
    n_steps: int,
    dt_ms: float,
    connections: Sequence[Sequence[tuple[Any, ...]]],
    background: Sequence[np.ndarray] = (),
    noise: Sequence[np.ndarray] = (),
) -> Outcome:
    """Run `network`; `connections` lists (pre, post, weight in mV) for each projection.

    `connections` has a fourth entry where delays differ: the delay in steps. `background` holds
    spike counts of shape (n_trials, n_steps, size) for each background input, `noise` currents in
    the unit of each noise input, of the same shape.
    """
    neurons = network.neurons
    outcome = Outcome(
        spikes={name: set() for name in network.populations},
        potentials={
            name: np.zeros((stimulus.n_trials, n_steps, population.size))
            for name, population in neurons.items()
        },
        margin_mv=math.inf,
        weights={},
    )
    for number in range(stimulus.n_trials):
        trial = Trial(
            number,
            cells={
                name: [
                    make_neuron(population, i, dt_ms, _conducting(network, name))
                    for i in range(population.size)
                ]
                for name, population in neurons.items()
            },
            synapses=[[Synapse(*entry) for entry in drawn] for drawn in connections],
            emitted={name: [] for name in network.populations},
        )
        _start_learning(trial, network, dt_ms)
        for step in range(n_steps):
            _learn_between_steps(trial, network, step, dt_ms)
            for name in network.sources:
                times = _input_spikes(stimulus.spikes[name], number, step, dt_ms)
                trial.emitted[name].append(times)
            integrate(trial, network, stimulus, noise, step, dt_ms)
            deliver(trial, network, background, step, dt_ms)
            _learn_before_threshold(trial, network, step, dt_ms)
            fired = threshold(trial, step)
            reset(trial, network, fired, step, dt_ms)
            for name, who in fired.items():  # 5. Propagate.
                trial.emitted[name].append(sorted(who))
            for name, members in trial.cells.items():
                outcome.potentials[name][number, step] = [cell.v for cell in members]
        for name, steps in trial.emitted.items():
            outcome.spikes[name] |= {(number, k, i) for k, who in enumerate(steps) for i in who}
        outcome.margin_mv = min(outcome.margin_mv, trial.margin_mv)
        for projection, members in zip(network.projections, trial.synapses, strict=True):
            if projection.plasticity is not None:
                outcome.weights[projection.name] = {(s.pre, s.post): s.weight for s in members}
    return outcome


def integrate(
    trial: Trial, network: Any, stimulus: Any, noise: Sequence[np.ndarray], step: int, dt_ms: float
) -> None:
    """1. Integrate from t_(k-1) to t_k."""
    for name, members in trial.cells.items():
        for index, cell in enumerate(members):
            drive = _stimulus_current(stimulus, name, trial.number, step, index)
            for item, values in zip(network.noise, noise, strict=True):
                if item.target == name:
                    drive += values[trial.number, step, index]
            mine = {
                key[2]: state for key, state in trial.currents.items() if key[:2] == (name, index)
            }
            if cell.population.model in ("lif", "adaptive_lif"):
                v = leaky(cell, mine, drive, index, dt_ms)
                if not cell.refractory(step):
                    cell.v = v
            else:
                cell.was_above, cell.crossed = cell.v > cell.threshold, False
                parts = 1
                if cell.population.model == "hodgkin_huxley":
                    parts = math.ceil(dt_ms / 0.025 - 1e-9)
                for part in range(parts):
                    now = {s: later(s, state, dt_ms * part / parts) for s, state in mine.items()}
                    runge_kutta(cell, now, drive, index, cell.refractory(step), dt_ms / parts)
                    if part < parts - 1:
                        cell.crossed |= cell.v > cell.threshold and not cell.was_above
                        cell.was_above = cell.v > cell.threshold
            for synapse, state in mine.items():
                state[:] = later(synapse, state, dt_ms)
            if cell.tau_theta is not None:
                cell.theta *= math.exp(-dt_ms / cell.tau_theta)


def deliver(
    trial: Trial, network: Any, background: Sequence[np.ndarray], step: int, dt_ms: float
) -> None:
    """2. Deliver the spikes that arrive at t_k."""
    for index, (projection, members) in enumerate(
        zip(network.projections, trial.synapses, strict=True)
    ):
        for synapse in members:
            arriving = _arriving(network, projection, synapse, trial.emitted, step, dt_ms)
            for _ in range(arriving.count(synapse.pre)):  # one right after the other
                # It delivers the weight it has when the spike arrives; then it learns.
                _deliver(projection, synapse.weight, synapse.post, trial, step)
                if projection.plasticity is not None:
                    at_arrival(projection.plasticity, synapse, step, trial.averages[index])
    for item, counts in zip(network.background, background, strict=True):
        for index in range(len(trial.cells[item.target])):
            together = item.weight * counts[trial.number, step, index]
            _deliver(item, together, index, trial, step)


def threshold(trial: Trial, step: int) -> dict[str, set[int]]:
    """3. Threshold: which neurons spike. Every neuron is asked before any is reset."""
    fired: dict[str, set[int]] = {}
    for name, members in trial.cells.items():
        fired[name] = set()
        for index, cell in enumerate(members):
            if not cell.refractory(step):
                above = cell.v - (cell.threshold + cell.theta)
                trial.margin_mv = min(trial.margin_mv, abs(above))
                rises = above > 0
                if cell.population.model == "hodgkin_huxley":
                    rises = cell.crossed or (rises and not cell.was_above)
                if rises:
                    fired[name].add(index)
    return fired


def reset(trial: Trial, network: Any, fired: dict[str, set[int]], step: int, dt_ms: float) -> None:
    """4. Reset, and plasticity at the postsynaptic spikes."""
    for name, who in fired.items():
        for index in who:
            _reset(trial.cells[name][index], step)
    for projection, members in zip(network.projections, trial.synapses, strict=True):
        if projection.plasticity is not None:
            for synapse in members:
                if synapse.post in fired[projection.target]:
                    at_spike(projection.plasticity, synapse, step)


def _start_learning(trial: Trial, network: Any, dt_ms: float) -> None:
    for projection, members in zip(network.projections, trial.synapses, strict=True):
        rule = projection.plasticity
        trial.doses.append(Dose())
        cells = trial.cells[projection.target]
        trial.averages.append([Averages(cell.v, cell.v) for cell in cells])
        for synapse in members:
            synapse.traces = Traces(dt_ms)
        if rule is None:
            continue
        if rule.normalise_sum is not None:
            normalise(rule, members)
        if rule.rule == "clopath_stdp":
            set_depression(rule, trial.averages[-1])


def _learn_between_steps(trial: Trial, network: Any, step: int, dt_ms: float) -> None:
    for projection, members, dose in zip(
        network.projections, trial.synapses, trial.doses, strict=True
    ):
        rule = projection.plasticity
        if rule is None:
            continue
        if (
            rule.normalise_every_ms is not None
            and step % round(rule.normalise_every_ms / dt_ms) == 0
        ):
            normalise(rule, members)
        if rule.rule == "dopamine_stdp":
            pay_dose(rule, members, dose, step, dt_ms)


def _learn_before_threshold(trial: Trial, network: Any, step: int, dt_ms: float) -> None:
    for projection, members, dose, averages in zip(
        network.projections, trial.synapses, trial.doses, trial.averages, strict=True
    ):
        rule = projection.plasticity
        if rule is None:
            continue
        if rule.rule == "dopamine_stdp":
            late = 0 if rule.modulator in network.sources else 1
            sent = step - late
            who = trial.emitted[rule.modulator][sent] if sent >= 0 else []
            take_reward(rule, members, dose, sum(rule.reward[i] for i in who), step)
        if rule.rule == "clopath_stdp":
            cells = trial.cells[projection.target]
            peaked = cells[0].population.model in PEAKED
            u = [min(cell.v, cell.threshold) if peaked else cell.v for cell in cells]
            rest = [of(cell.population.rest_mv, cell.index) for cell in cells]
            read_potentials(rule, members, averages, u, rest, step, dt_ms)
            set_depression(rule, averages)


def _conducting(network: Any, name: str) -> bool:
    return any(
        item.target == name and getattr(item.synapse, "reversal_mv", None) is not None
        for item in (*network.projections, *network.background)
    )


def _input_spikes(spikes: Any, trial: int, step: int, dt_ms: float) -> list[int]:
    return [
        int(sender)
        for time, sender, which in zip(spikes.times_ms, spikes.senders, spikes.trials, strict=True)
        if which == trial and round(time / dt_ms) == step
    ]


def _stimulus_current(stimulus: Any, name: str, trial: int, step: int, index: int) -> float:
    total = 0.0
    for currents in (stimulus.currents_mv, stimulus.currents_pa, stimulus.currents_mv_per_ms):
        if name in currents:
            array = currents[name]
            which = trial if array.shape[0] > 1 else 0
            who = index if array.shape[2] > 1 else 0
            total += float(array[which, step, who])
    return total


def _arriving(
    network: Any,
    projection: Any,
    synapse: Synapse,
    emitted: dict[str, list[list[int]]],
    step: int,
    dt_ms: float,
) -> list[int]:
    least = 0 if projection.source in network.sources else 1
    delay = least if projection.delay_ms is None else synapse.delay_steps
    if delay is None:
        delay = round(projection.delay_ms / dt_ms)
    return emitted[projection.source][step - delay] if step >= delay else []


def _deliver(item: Any, weight: float, post: int, trial: Trial, step: int) -> None:
    """A spike's effect on its target, in the unit of its weight."""
    cell = trial.cells[item.target][post]
    if item.synapse.model == "delta":
        if not cell.refractory(step):
            cell.v += weight
        return
    state = trial.currents.setdefault((item.target, post, item.synapse), [0.0, 0.0])
    if item.synapse.model == "alpha":
        state[1] += weight * math.e
    else:
        state[0] += weight


def _reset(cell: Neuron, step: int) -> None:
    model = cell.population.model
    if model == "hodgkin_huxley":
        return
    if cell.subtract:
        cell.v -= cell.threshold + cell.theta - cell.rest
    else:
        cell.v = cell.reset_to
    if model in JUMPS:
        variable, by = JUMPS[model]
        cell.variables[variable] += of(getattr(cell.population, by), cell.index)
    cell.theta += cell.theta_increment
    cell.last_spike = step
