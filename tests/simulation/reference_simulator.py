"""The semantics of `spikelearn.simulation` once more: loops over trials, steps, neurons, synapses.

Written from the package's docstring and sharing no code with it, in absolute potentials where the
package counts from rest. Slow and plain on purpose: each line is a sentence of the docstring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


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
class Neuron:
    """State and parameters of one neuron."""

    tau_m: float
    rest: float
    threshold: float
    reset_to: float
    subtract: bool
    refractory_steps: int
    v: float
    theta: float = 0.0
    tau_theta: float | None = None
    theta_increment: float = 0.0
    last_spike: int | None = None

    def refractory(self, step: int) -> bool:
        """Whether it is refractory at this step: the r - 1 steps after a spike."""
        return self.last_spike is not None and step - self.last_spike < self.refractory_steps


@dataclass
class Synapse:
    """One synapse with its traces, as (value, step at which it had that value)."""

    pre: int
    post: int
    weight: float
    x: float = 0.0
    x_step: int = 0
    y: float = 0.0
    y_step: int = 0


@dataclass
class Trial:
    """Everything that changes in the course of a trial."""

    number: int
    cells: dict[str, list[Neuron]]
    synapses: list[list[Synapse]]
    emitted: dict[str, list[set[int]]]
    # Synaptic currents by population, neuron and time constant.
    currents: dict[tuple[str, int, float], float] = field(default_factory=dict)
    margin_mv: float = math.inf


def simulate_reference(
    network: Any,
    stimulus: Any,
    *,
    n_steps: int,
    dt_ms: float,
    connections: Sequence[Sequence[tuple[int, int, float]]],
    background: Sequence[np.ndarray] = (),
) -> Outcome:
    """Run `network`; `connections` lists (pre, post, weight in mV) for each projection.

    `background` holds spike counts of shape (n_trials, n_steps, size) for each background input.
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
                name: [_neuron(population, i, dt_ms) for i in range(population.size)]
                for name, population in neurons.items()
            },
            synapses=[[Synapse(*entry) for entry in drawn] for drawn in connections],
            emitted={name: [] for name in network.populations},
        )
        for step in range(n_steps):
            for name in network.sources:
                times = _input_spikes(stimulus.spikes[name], number, step, dt_ms)
                trial.emitted[name].append(times)
            integrate(trial, stimulus, step, dt_ms)
            deliver(trial, network, background, step, dt_ms)
            fired = threshold(trial, step)
            reset(trial, network, fired, step, dt_ms)
            for name, who in fired.items():  # 5. Propagate.
                trial.emitted[name].append(who)
            for name, members in trial.cells.items():
                outcome.potentials[name][number, step] = [cell.v for cell in members]
        for name, steps in trial.emitted.items():
            outcome.spikes[name] |= {(number, k, i) for k, who in enumerate(steps) for i in who}
        outcome.margin_mv = min(outcome.margin_mv, trial.margin_mv)
        for projection, members in zip(network.projections, trial.synapses, strict=True):
            if projection.plasticity is not None:
                outcome.weights[projection.name] = {(s.pre, s.post): s.weight for s in members}
    return outcome


def integrate(trial: Trial, stimulus: Any, step: int, dt_ms: float) -> None:
    """1. Integrate from t_(k-1) to t_k."""
    for name, members in trial.cells.items():
        for index, cell in enumerate(members):
            beta = math.exp(-dt_ms / cell.tau_m)
            drive = _stimulus_current(stimulus, name, trial.number, step, index)
            v = cell.rest + beta * (cell.v - cell.rest) + (1 - beta) * drive
            for key in [key for key in trial.currents if key[:2] == (name, index)]:
                tau = key[2]
                alpha = math.exp(-dt_ms / tau)
                if tau == cell.tau_m:
                    kappa = dt_ms / cell.tau_m * beta
                else:
                    kappa = tau / (tau - cell.tau_m) * (alpha - beta)
                v += kappa * trial.currents[key]
                trial.currents[key] *= alpha
            if not cell.refractory(step):
                cell.v = v
            if cell.tau_theta is not None:
                cell.theta *= math.exp(-dt_ms / cell.tau_theta)


def deliver(
    trial: Trial, network: Any, background: Sequence[np.ndarray], step: int, dt_ms: float
) -> None:
    """2. Deliver the spikes that arrive at t_k."""
    for projection, members in zip(network.projections, trial.synapses, strict=True):
        arriving = _arriving(network, projection, trial.emitted, step, dt_ms)
        for synapse in members:
            if synapse.pre in arriving:
                # It delivers the weight it has when the spike arrives; then it learns.
                _deliver(projection, synapse, trial, step)
                _presynaptic(projection.plasticity, synapse, step, dt_ms)
    for item, counts in zip(network.background, background, strict=True):
        for index, cell in enumerate(trial.cells[item.target]):
            if not cell.refractory(step):
                cell.v += item.weight_mv * counts[trial.number, step, index]


def threshold(trial: Trial, step: int) -> dict[str, set[int]]:
    """3. Threshold: which neurons spike. Every neuron is asked before any is reset."""
    fired: dict[str, set[int]] = {}
    for name, members in trial.cells.items():
        fired[name] = set()
        for index, cell in enumerate(members):
            if not cell.refractory(step):
                above = cell.v - (cell.threshold + cell.theta)
                trial.margin_mv = min(trial.margin_mv, abs(above))
                if above > 0:
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
                    _postsynaptic(projection.plasticity, synapse, step, dt_ms)


def _neuron(population: Any, index: int, dt_ms: float) -> Neuron:
    def of(value: Any) -> float:
        return float(value[index]) if np.ndim(value) else float(value)

    rest = of(population.v_rest_mv)
    cell = Neuron(
        tau_m=of(population.tau_m_ms),
        rest=rest,
        threshold=of(population.v_threshold_mv),
        reset_to=rest if population.v_reset_mv is None else of(population.v_reset_mv),
        subtract=population.reset == "subtract",
        refractory_steps=round(population.refractory_ms / dt_ms),
        v=rest if population.v_init_mv is None else of(population.v_init_mv),
    )
    if population.model == "adaptive_lif":
        cell.theta = of(population.threshold_offset_mv)
        cell.tau_theta = of(population.tau_threshold_ms)
        cell.theta_increment = of(population.threshold_increment_mv)
    return cell


def _input_spikes(spikes: Any, trial: int, step: int, dt_ms: float) -> set[int]:
    return {
        int(sender)
        for time, sender, which in zip(spikes.times_ms, spikes.senders, spikes.trials, strict=True)
        if which == trial and round(time / dt_ms) == step
    }


def _stimulus_current(stimulus: Any, name: str, trial: int, step: int, index: int) -> float:
    current: Mapping[str, np.ndarray] = stimulus.currents_mv
    if name not in current:
        return 0.0
    array = current[name]
    which = trial if array.shape[0] > 1 else 0
    who = index if array.shape[2] > 1 else 0
    return float(array[which, step, who])


def _arriving(
    network: Any, projection: Any, emitted: dict[str, list[set[int]]], step: int, dt_ms: float
) -> set[int]:
    least = 0 if projection.source in network.sources else 1
    delay = least if projection.delay_ms is None else round(projection.delay_ms / dt_ms)
    return emitted[projection.source][step - delay] if step >= delay else set()


def _deliver(projection: Any, synapse: Synapse, trial: Trial, step: int) -> None:
    cell = trial.cells[projection.target][synapse.post]
    if projection.synapse.model == "exponential":
        key = (projection.target, synapse.post, projection.synapse.tau_ms)
        trial.currents[key] = trial.currents.get(key, 0.0) + synapse.weight
    elif not cell.refractory(step):
        cell.v += synapse.weight


def _reset(cell: Neuron, step: int) -> None:
    if cell.subtract:
        cell.v -= cell.threshold + cell.theta - cell.rest
    else:
        cell.v = cell.reset_to
    cell.theta += cell.theta_increment
    cell.last_spike = step


def _traces(rule: Any, synapse: Synapse, step: int, dt_ms: float) -> tuple[float, float]:
    x = synapse.x * math.exp(-(step - synapse.x_step) * dt_ms / rule.tau_plus_ms)
    y = synapse.y * math.exp(-(step - synapse.y_step) * dt_ms / rule.tau_minus_ms)
    return x, y


def _presynaptic(rule: Any, synapse: Synapse, step: int, dt_ms: float) -> None:
    if rule is None:
        return
    x, y = _traces(rule, synapse, step, dt_ms)
    synapse.x, synapse.x_step = (x + 1 if rule.pairing == "all_to_all" else 1.0), step
    changed = synapse.weight - rule.a_minus_mv * y
    synapse.weight = min(max(changed, rule.w_min_mv), rule.w_max_mv)


def _postsynaptic(rule: Any, synapse: Synapse, step: int, dt_ms: float) -> None:
    x, y = _traces(rule, synapse, step, dt_ms)
    synapse.y, synapse.y_step = (y + 1 if rule.pairing == "all_to_all" else 1.0), step
    changed = synapse.weight + rule.a_plus_mv * x
    synapse.weight = min(max(changed, rule.w_min_mv), rule.w_max_mv)
