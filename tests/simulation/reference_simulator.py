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
class Neuron:
    """State and parameters of one neuron."""

    tau_m: float
    rest: float
    threshold: float
    reset_to: float
    subtract: bool
    refractory_steps: int
    v: float
    population: Any = None
    index: int = 0
    conducting: bool = False  # whether any synapse onto its population is a conductance
    variables: dict[str, float] = field(default_factory=dict)
    was_above: bool = False
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
    delay_steps: int | None = None
    traces: Traces = field(default_factory=lambda: Traces(math.nan))


@dataclass
class Trial:
    """Everything that changes in the course of a trial."""

    number: int
    cells: dict[str, list[Neuron]]
    synapses: list[list[Synapse]]
    emitted: dict[str, list[set[int]]]
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
                    _neuron(population, i, dt_ms, _conducting(network, name))
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
                v = _leaky(cell, mine, drive, index, dt_ms)
                if not cell.refractory(step):
                    cell.v = v
            else:
                cell.was_above = cell.v > cell.threshold
                parts = 1
                if cell.population.model == "hodgkin_huxley":
                    parts = math.ceil(dt_ms / 0.025 - 1e-9)
                for part in range(parts):
                    now = {s: _later(s, state, dt_ms * part / parts) for s, state in mine.items()}
                    _runge_kutta(cell, now, drive, index, cell.refractory(step), dt_ms / parts)
            for synapse, state in mine.items():
                state[:] = _later(synapse, state, dt_ms)
            if cell.tau_theta is not None:
                cell.theta *= math.exp(-dt_ms / cell.tau_theta)


def _later(synapse: Any, state: Sequence[float], after_ms: float) -> tuple[float, float]:
    """A current or conductance, and what feeds it, some time later."""
    value, feeding = state
    decay = math.exp(-after_ms / synapse.tau_ms)
    return (value + feeding * after_ms / synapse.tau_ms) * decay, feeding * decay


def _mean(synapse: Any, state: Sequence[float], dt_ms: float) -> float:
    """Its average over a step, by Gauss's quadrature."""
    at, weights = np.polynomial.legendre.leggauss(8)
    moments = (at + 1) / 2 * dt_ms
    return sum(w / 2 * _later(synapse, state, t)[0] for w, t in zip(weights, moments, strict=True))


def _of(value: Any, index: int) -> float:
    return float(value[index]) if np.ndim(value) else float(value)


def _leaky(
    cell: Neuron, currents: dict[Any, list[float]], drive: float, index: int, dt_ms: float
) -> float:
    """The potential after a step of a leaky membrane."""
    beta = math.exp(-dt_ms / cell.tau_m)
    leak = 1.0 if cell.population.leak_ns is None else _of(cell.population.leak_ns, index)
    if cell.conducting:
        conductance, pull = 1.0, drive
        for synapse, state in currents.items():
            mean = _mean(synapse, state, dt_ms)
            if synapse.reversal_mv is None:
                pull += mean
            else:
                conductance += mean / leak
                pull += mean / leak * (synapse.reversal_mv - cell.rest)
        goal = cell.rest + pull / conductance
        return goal + (cell.v - goal) * math.exp(-dt_ms / cell.tau_m * conductance)
    v = cell.rest + beta * (cell.v - cell.rest) + (1 - beta) * drive
    for synapse, (value, feeding) in currents.items():
        tau = synapse.tau_ms
        alpha = math.exp(-dt_ms / tau)
        if tau == cell.tau_m:
            v += value * dt_ms / tau * beta
        else:
            v += value * tau / (tau - cell.tau_m) * (alpha - beta)
        at, weights = np.polynomial.legendre.leggauss(8)
        for w, t in zip(weights / 2, (at + 1) / 2 * dt_ms, strict=True):
            rising = feeding * t / tau * math.exp(-t / tau)
            v += w * rising * dt_ms / cell.tau_m * math.exp((t - dt_ms) / cell.tau_m)
    return v


def _runge_kutta(
    cell: Neuron,
    currents: Mapping[Any, Sequence[float]],
    drive: float,
    index: int,
    held: bool,
    dt_ms: float,
) -> None:
    """A step of the classic method of fourth order; synapses as they are at its moments."""

    def slope(values: dict[str, float], after_ms: float) -> dict[str, float]:
        v = values["v"]
        if cell.population.model != "hodgkin_huxley":
            v = min(v, cell.threshold)
        current = drive
        for synapse, state in currents.items():
            now = _later(synapse, state, after_ms)[0]
            current += now if synapse.reversal_mv is None else now * (synapse.reversal_mv - v)
        found = DERIVATIVES[cell.population.model](cell.population, index, v, values, current)
        return found | {"v": 0.0} if held else found

    def moved(by: dict[str, float], times: float) -> dict[str, float]:
        return {name: value + times * by[name] for name, value in start.items()}

    start = {"v": cell.v, **cell.variables}
    k1 = slope(start, 0.0)
    k2 = slope(moved(k1, dt_ms / 2), dt_ms / 2)
    k3 = slope(moved(k2, dt_ms / 2), dt_ms / 2)
    k4 = slope(moved(k3, dt_ms), dt_ms)
    end = {
        name: start[name] + dt_ms / 6 * (k1[name] + 2 * k2[name] + 2 * k3[name] + k4[name])
        for name in start
    }
    cell.v = end.pop("v")
    cell.variables = end


def _adex(
    p: Any, index: int, v: float, values: dict[str, float], current: float
) -> dict[str, float]:
    """C v' and tau_w w', as in the paper, in pA and mV."""
    leak, onset = _of(p.leak_ns, index), _of(p.delta_t_mv, index)
    away = v - _of(p.v_rest_mv, index)
    into = leak * onset * math.exp((v - _of(p.v_threshold_mv, index)) / onset)
    return {
        "v": (into - leak * away - values["w"] + current) / _of(p.capacitance_pf, index),
        "w": (_of(p.a_ns, index) * away - values["w"]) / _of(p.tau_w_ms, index),
    }


def _izhikevich(
    p: Any, index: int, v: float, values: dict[str, float], current: float
) -> dict[str, float]:
    return {
        "v": 0.04 * v**2 + 5 * v + 140 - values["u"] + current,
        "u": _of(p.a_per_ms, index) * (_of(p.b_per_ms, index) * v - values["u"]),
    }


def _hodgkin_huxley(
    p: Any, index: int, v: float, values: dict[str, float], current: float
) -> dict[str, float]:
    m, h, n = values["m"], values["h"], values["n"]
    into = _of(p.sodium_ns, index) * m**3 * h * (_of(p.sodium_reversal_mv, index) - v)
    into += _of(p.potassium_ns, index) * n**4 * (_of(p.potassium_reversal_mv, index) - v)
    into += _of(p.leak_ns, index) * (_of(p.leak_reversal_mv, index) - v)
    found = {"v": (into + current) / _of(p.capacitance_pf, index)}
    for gate, (opening, closing) in _rates(v).items():
        found[gate] = opening * (1 - values[gate]) - closing * values[gate]
    return found


def _rates(v: float) -> dict[str, tuple[float, float]]:
    """Opening and closing rates of the gates, in 1/ms; equations 12 to 24 of the paper."""
    u = v + 65.0

    def over(distance: float) -> float:  # distance / (exp(distance / 10) - 1)
        return 10.0 if distance == 0 else distance / math.expm1(distance / 10)

    return {
        "m": (0.1 * over(25 - u), 4 * math.exp(-u / 18)),
        "h": (0.07 * math.exp(-u / 20), 1 / (math.exp((30 - u) / 10) + 1)),
        "n": (0.01 * over(10 - u), 0.125 * math.exp(-u / 80)),
    }


DERIVATIVES = {"adex": _adex, "izhikevich": _izhikevich, "hodgkin_huxley": _hodgkin_huxley}


def deliver(
    trial: Trial, network: Any, background: Sequence[np.ndarray], step: int, dt_ms: float
) -> None:
    """2. Deliver the spikes that arrive at t_k."""
    for index, (projection, members) in enumerate(
        zip(network.projections, trial.synapses, strict=True)
    ):
        for synapse in members:
            if synapse.pre in _arriving(network, projection, synapse, trial.emitted, step, dt_ms):
                # It delivers the weight it has when the spike arrives; then it learns.
                _deliver(projection, synapse.weight, synapse.post, trial, step)
                if projection.plasticity is not None:
                    at_arrival(projection.plasticity, synapse, step, trial.averages[index])
    for item, counts in zip(network.background, background, strict=True):
        for index in range(len(trial.cells[item.target])):
            arriving = item.weight * counts[trial.number, step, index]
            _deliver(item, arriving, index, trial, step)


def threshold(trial: Trial, step: int) -> dict[str, set[int]]:
    """3. Threshold: which neurons spike. Every neuron is asked before any is reset."""
    fired: dict[str, set[int]] = {}
    for name, members in trial.cells.items():
        fired[name] = set()
        for index, cell in enumerate(members):
            if not cell.refractory(step):
                above = cell.v - (cell.threshold + cell.theta)
                trial.margin_mv = min(trial.margin_mv, abs(above))
                if above > 0 and not (cell.was_above and cell.population.model == "hodgkin_huxley"):
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
        if rule.rule == "reward_stdp":
            pay_dose(rule, members, dose, step, dt_ms)


def _learn_before_threshold(trial: Trial, network: Any, step: int, dt_ms: float) -> None:
    for projection, members, dose, averages in zip(
        network.projections, trial.synapses, trial.doses, trial.averages, strict=True
    ):
        rule = projection.plasticity
        if rule is None:
            continue
        if rule.rule == "reward_stdp":
            late = 0 if rule.modulator in network.sources else 1
            sent = step - late
            who = trial.emitted[rule.modulator][sent] if sent >= 0 else set()
            take_reward(rule, members, dose, sum(rule.reward[i] for i in who), step)
        if rule.rule == "clopath_stdp":
            cells = trial.cells[projection.target]
            peaked = cells[0].population.model in ("adex", "izhikevich")
            u = [min(cell.v, cell.threshold) if peaked else cell.v for cell in cells]
            rest = [_of(cell.population.rest_mv, cell.index) for cell in cells]
            read_potentials(rule, members, averages, u, rest, step, dt_ms)
            set_depression(rule, averages)


def _conducting(network: Any, name: str) -> bool:
    return any(
        item.target == name and getattr(item.synapse, "reversal_mv", None) is not None
        for item in (*network.projections, *network.background)
    )


def _neuron(population: Any, index: int, dt_ms: float, conducting: bool) -> Neuron:
    def of(value: Any) -> float:
        return _of(value, index)

    common: dict[str, Any] = {
        "population": population,
        "index": index,
        "conducting": conducting,
        "refractory_steps": round(population.refractory_ms / dt_ms),
        "subtract": False,
        "rest": 0.0,
        "tau_m": math.inf,
    }
    start = None if population.v_init_mv is None else of(population.v_init_mv)
    if population.model == "adex":
        return Neuron(
            **common,
            threshold=of(population.v_peak_mv),
            reset_to=of(population.v_reset_mv),
            v=of(population.v_rest_mv) if start is None else start,
            variables={"w": 0.0},
        )
    if population.model == "izhikevich":
        v = of(population.c_mv) if start is None else start
        return Neuron(
            **common,
            threshold=of(population.v_peak_mv),
            reset_to=of(population.c_mv),
            v=v,
            variables={"u": of(population.b_per_ms) * v},
        )
    if population.model == "hodgkin_huxley":
        v = -65.0 if start is None else start
        gates = {gate: a / (a + b) for gate, (a, b) in _rates(v).items()}
        return Neuron(
            **common, threshold=of(population.v_threshold_mv), reset_to=0.0, v=v, variables=gates
        )
    rest = of(population.v_rest_mv)
    cell = Neuron(
        **common
        | {
            "tau_m": of(population.tau_m_ms),
            "rest": rest,
            "subtract": population.reset == "subtract",
        },
        threshold=of(population.v_threshold_mv),
        reset_to=rest if population.v_reset_mv is None else of(population.v_reset_mv),
        v=rest if start is None else start,
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
    emitted: dict[str, list[set[int]]],
    step: int,
    dt_ms: float,
) -> set[int]:
    least = 0 if projection.source in network.sources else 1
    delay = least if projection.delay_ms is None else synapse.delay_steps
    if delay is None:
        delay = round(projection.delay_ms / dt_ms)
    return emitted[projection.source][step - delay] if step >= delay else set()


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
    if model == "adex":
        cell.variables["w"] += _of(cell.population.b_pa, cell.index)
    if model == "izhikevich":
        cell.variables["u"] += _of(cell.population.d_mv_per_ms, cell.index)
    cell.theta += cell.theta_increment
    cell.last_spike = step
