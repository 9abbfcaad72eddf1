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
    """A step of the classic method of fourth order; synapses as they are at its moments."""

    per_leak = cell.population.model in PER_LEAK

    def slope(values: dict[str, float], after_ms: float) -> dict[str, float]:
        v = values["v"]
        if cell.population.model in PEAKED:
            v = min(v, cell.threshold)
        current = drive
        for synapse, state in currents.items():
            now = later(synapse, state, after_ms)[0]
            if synapse.reversal_mv is not None:
                now *= synapse.reversal_mv - v
                now /= of(cell.population.leak_ns, index) if per_leak else 1.0
            current += now
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
