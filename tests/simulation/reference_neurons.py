"""The neurons of the reference simulator: their state, and a step of their membranes.

Written from the package's docstring, like `reference_simulator`, and sharing no code with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


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
    crossed: bool = False  # came to lie above threshold within the step
    theta: float = 0.0
    tau_theta: float | None = None
    theta_increment: float = 0.0
    last_spike: int | None = None

    def refractory(self, step: int) -> bool:
        """Whether it is refractory at this step: the r - 1 steps after a spike."""
        return self.last_spike is not None and step - self.last_spike < self.refractory_steps


def make_neuron(population: Any, index: int, dt_ms: float, conducting: bool) -> Neuron:
    """A neuron of a population as it starts."""

    def mine(value: Any) -> float:
        return of(value, index)

    common: dict[str, Any] = {
        "population": population,
        "index": index,
        "conducting": conducting,
        "refractory_steps": round(population.refractory_ms / dt_ms),
        "subtract": False,
        "rest": 0.0,
        "tau_m": math.inf,
    }
    start = None if population.v_init_mv is None else mine(population.v_init_mv)
    if population.model in STARTS:
        return Neuron(**common | STARTS[population.model](population, mine, start))
    rest = mine(population.v_rest_mv)
    cell = Neuron(
        **common
        | {
            "tau_m": mine(population.tau_m_ms),
            "rest": rest,
            "subtract": population.reset == "subtract",
        },
        threshold=mine(population.v_threshold_mv),
        reset_to=rest if population.v_reset_mv is None else mine(population.v_reset_mv),
        v=rest if start is None else start,
    )
    if population.model == "adaptive_lif":
        cell.theta = mine(population.threshold_offset_mv)
        cell.tau_theta = mine(population.tau_threshold_ms)
        cell.theta_increment = mine(population.threshold_increment_mv)
    return cell


def _start_adex(p: Any, mine: Callable[[Any], float], start: float | None) -> dict[str, Any]:
    v = mine(p.v_rest_mv) if start is None else start
    at = {"threshold": mine(p.v_peak_mv), "reset_to": mine(p.v_reset_mv)}
    return {**at, "v": v, "variables": {"w": 0.0}}


def _start_izhikevich(p: Any, mine: Callable[[Any], float], start: float | None) -> dict[str, Any]:
    v = mine(p.c_mv) if start is None else start
    at = {"threshold": mine(p.v_peak_mv), "reset_to": mine(p.c_mv)}
    return {**at, "v": v, "variables": {"u": mine(p.b_per_ms) * v}}


def _start_qif(p: Any, mine: Callable[[Any], float], start: float | None) -> dict[str, Any]:
    v = mine(p.v_rest_mv) if start is None else start
    return {"threshold": mine(p.v_peak_mv), "reset_to": mine(p.v_reset_mv), "v": v}


def _start_hodgkin_huxley(
    p: Any, mine: Callable[[Any], float], start: float | None
) -> dict[str, Any]:
    v = -65.0 if start is None else start
    gates = {gate: a / (a + b) for gate, (a, b) in _rates(v).items()}
    return {"threshold": mine(p.v_threshold_mv), "reset_to": 0.0, "v": v, "variables": gates}


def later(synapse: Any, state: Sequence[float], after_ms: float) -> tuple[float, float]:
    """A current or conductance, and what feeds it, some time later."""
    value, feeding = state
    decay = math.exp(-after_ms / synapse.tau_ms)
    return (value + feeding * after_ms / synapse.tau_ms) * decay, feeding * decay


def _mean(synapse: Any, state: Sequence[float], dt_ms: float) -> float:
    """Its average over a step, by Gauss's quadrature."""
    at, weights = np.polynomial.legendre.leggauss(8)
    moments = (at + 1) / 2 * dt_ms
    return sum(w / 2 * later(synapse, state, t)[0] for w, t in zip(weights, moments, strict=True))


def of(value: Any, index: int) -> float:
    return float(value[index]) if np.ndim(value) else float(value)


def leaky(
    cell: Neuron, currents: dict[Any, list[float]], drive: float, index: int, dt_ms: float
) -> float:
    """The potential after a step of a leaky membrane."""
    beta = math.exp(-dt_ms / cell.tau_m)
    leak = 1.0 if cell.population.leak_ns is None else of(cell.population.leak_ns, index)
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


def runge_kutta(
    cell: Neuron,
    currents: Mapping[Any, Sequence[float]],
    drive: float,
    index: int,
    held: bool,
    dt_ms: float,
) -> None:
    """A step of the classic method of fourth order; synapses as they are at its moments.

    Divided into 2, 4, 8 ... where anything falls back within it by more than 1 / e.
    """
    per_leak = cell.population.model in PER_LEAK
    peak = cell.threshold if cell.population.model in PEAKED else math.inf
    moments = []  # start, middle, end: what drives the neuron, and its conductance
    for after_ms in (0.0, dt_ms / 2, dt_ms):
        into, conductance = drive, 0.0
        for synapse, state in currents.items():
            now = later(synapse, state, after_ms)[0]
            if synapse.reversal_mv is None:
                into += now
            else:
                now /= of(cell.population.leak_ns, index) if per_leak else 1.0
                into, conductance = into + now * synapse.reversal_mv, conductance + now
        moments.append((into, conductance))

    def slope(values: np.ndarray, moment: tuple[float, float]) -> np.ndarray:
        v = min(float(values[0]), peak)
        named = dict(zip(names, (v, *values[1:].tolist()), strict=True))
        current = moment[0] - moment[1] * v
        found = DERIVATIVES[cell.population.model](cell.population, index, v, named, current)
        return np.array([0.0 if held and name == "v" else found[name] for name in names])

    names = ["v", *cell.variables]
    start = np.array([cell.v, *cell.variables.values()])
    end, visited, _ = _fourth_order(slope, start, dt_ms, moments)
    rates = [
        FALLS[cell.population.model](cell.population, index, min(float(v), peak))
        for v in (min(visited, key=lambda v: min(v, peak)), max(visited))
    ]
    if max(rates) * dt_ms > 1 or max(g for _, g in moments) > _most_conductance(cell, index, dt_ms):
        end = _divided(slope, start, dt_ms, moments, peak)
    cell.v = float(end[0])
    cell.variables = dict(zip(names[1:], end[1:].tolist(), strict=True))


Slope = Callable[[np.ndarray, tuple[float, float]], np.ndarray]
Moments = Sequence[tuple[float, float]]


def _fourth_order(
    slope: Slope, start: np.ndarray, dt_ms: float, moments: Moments
) -> tuple[np.ndarray, list[float], bool]:
    """The end of a step, the potentials that it visits, and whether it swings back too far."""
    k1 = slope(start, moments[0])
    k2 = slope(start + dt_ms / 2 * k1, moments[1])
    k3 = slope(start + dt_ms / 2 * k2, moments[1])
    k4 = slope(start + dt_ms * k3, moments[2])
    visited = [start, start + dt_ms / 2 * k1, start + dt_ms / 2 * k2, start + dt_ms * k3]
    one, other = k2 - k1, k3 - k2
    back = (one * other < 0) & (2 * abs(other) > abs(one))
    back &= dt_ms * abs(other) > 1e-4 * (1 + abs(start))
    end = start + dt_ms / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return end, [float(y[0]) for y in visited], bool(back.any())


def _divided(
    slope: Slope, start: np.ndarray, dt_ms: float, moments: Moments, peak: float
) -> np.ndarray:
    # The parabola through the three moments, from 0 to 1.
    through = [np.polyfit([0.0, 0.5, 1.0], values, 2) for values in zip(*moments, strict=True)]

    def at(s: float) -> tuple[float, float]:
        return float(np.polyval(through[0], s)), max(float(np.polyval(through[1], s)), 0.0)

    def in_parts(n: int) -> tuple[np.ndarray, bool]:
        y, swings = start, False
        for part in range(n):
            three = [at((part + ahead) / n) for ahead in (0.0, 0.5, 1.0)]
            y, _, back = _fourth_order(slope, y, dt_ms / n, three)
            swings |= back
        return y, swings

    def counted(y: np.ndarray) -> np.ndarray:
        return np.array([min(y[0], peak), *y[1:]])

    before, swung = in_parts(2)
    for power in range(2, 11):
        now, swings = in_parts(2**power)
        gap = abs(counted(now) - counted(before))
        if not swings and not swung and (gap <= 1e-4 * (1 + abs(counted(now)))).all():
            break
        before, swung = now, swings
    return now


def _most_conductance(cell: Neuron, index: int, dt_ms: float) -> float:
    """Beyond which a step is divided, in the unit of the model's equation."""
    per_ms = of(cell.population.tau_m_ms, index) if cell.population.model in PER_LEAK else 1.0
    if cell.population.model in ("adex", "hodgkin_huxley"):
        per_ms = of(cell.population.capacitance_pf, index)  # there in nS
    return per_ms / dt_ms


def _adex(
    p: Any, index: int, v: float, values: dict[str, float], current: float
) -> dict[str, float]:
    """C v' and tau_w w', as in the paper, in pA and mV."""
    leak, onset = of(p.leak_ns, index), of(p.delta_t_mv, index)
    away = v - of(p.v_rest_mv, index)
    into = leak * onset * math.exp((v - of(p.v_threshold_mv, index)) / onset)
    return {
        "v": (into - leak * away - values["w"] + current) / of(p.capacitance_pf, index),
        "w": (of(p.a_ns, index) * away - values["w"]) / of(p.tau_w_ms, index),
    }


def _izhikevich(
    p: Any, index: int, v: float, values: dict[str, float], current: float
) -> dict[str, float]:
    return {
        "v": 0.04 * v**2 + 5 * v + 140 - values["u"] + current,
        "u": of(p.a_per_ms, index) * (of(p.b_per_ms, index) * v - values["u"]),
    }


def _hodgkin_huxley(
    p: Any, index: int, v: float, values: dict[str, float], current: float
) -> dict[str, float]:
    m, h, n = values["m"], values["h"], values["n"]
    into = of(p.sodium_ns, index) * m**3 * h * (of(p.sodium_reversal_mv, index) - v)
    into += of(p.potassium_ns, index) * n**4 * (of(p.potassium_reversal_mv, index) - v)
    into += of(p.leak_ns, index) * (of(p.leak_reversal_mv, index) - v)
    found = {"v": (into + current) / of(p.capacitance_pf, index)}
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


def _qif(
    p: Any, index: int, v: float, values: dict[str, float], current: float
) -> dict[str, float]:
    """tau_m v', in mV; a current in pA or through a conductance times the resistance."""
    low, critical = of(p.v_rest_mv, index), of(p.v_critical_mv, index)
    a = 1.0 / (critical - low) if p.a_per_mv is None else of(p.a_per_mv, index)
    return {"v": (a * (v - low) * (v - critical) + current) / of(p.tau_m_ms, index)}


def _falls_hodgkin_huxley(p: Any, index: int, v: float) -> float:
    conductances = 0.2 * (of(p.sodium_ns, index) + of(p.potassium_ns, index)) + of(p.leak_ns, index)
    gates = [opening + closing for opening, closing in _rates(v).values()]
    return max(conductances / of(p.capacitance_pf, index), *gates)


def _falls_qif(p: Any, index: int, v: float) -> float:
    low, critical = of(p.v_rest_mv, index), of(p.v_critical_mv, index)
    a = 1.0 / (critical - low) if p.a_per_mv is None else of(p.a_per_mv, index)
    return a * (low + critical - 2 * v) / of(p.tau_m_ms, index)


# How fast a potential falls back there, or a gate, in 1/ms.
FALLS: dict[str, Callable[[Any, int, float], float]] = {
    "adex": lambda p, index, v: of(p.leak_ns, index) / of(p.capacitance_pf, index),
    "izhikevich": lambda p, index, v: -(0.08 * v + 5.0),
    "qif": _falls_qif,
    "hodgkin_huxley": _falls_hodgkin_huxley,
}
DERIVATIVES = {
    "adex": _adex,
    "izhikevich": _izhikevich,
    "qif": _qif,
    "hodgkin_huxley": _hodgkin_huxley,
}
STARTS = {
    "adex": _start_adex,
    "izhikevich": _start_izhikevich,
    "qif": _start_qif,
    "hodgkin_huxley": _start_hodgkin_huxley,
}
# Whose currents are in mV, like those of leaky neurons.
PER_LEAK = {"qif"}
PEAKED = {"adex", "izhikevich", "qif"}
# What grows at a spike: variable, and field of the description.
JUMPS = {"adex": ("w", "b_pa"), "izhikevich": ("u", "d_mv_per_ms")}
