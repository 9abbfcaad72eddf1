"""Where a Runge-Kutta step of a neuron model holds: as long as nothing falls back too fast for it.

What falls back at a rate r, as a leak or a gate does, is followed by a step h where r h is not far
above 1; from 2.8 on the step overshoots ever further, and where a reset or a gate then catches what
ran away, nothing shows it. How fast a model falls back depends on the potential and on the
conductances of its synapses: within `Calm` a step is one step, outside it is divided.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

# Potentials that are tried, by their distance from rest; beyond the last no step is divided.
_AWAY_MV = np.geomspace(1.0, 1e5, 240)
_HALVINGS = 60
_DIFFERENCE = 1e-4  # of a variable, in mV or in shares of its size
_AMPLE = 1e9  # a conductance beside which all else is nothing


@dataclass(frozen=True)
class Calm:
    """Potentials (mV) and conductances within which one step holds; arrays of shape (size,)."""

    low: np.ndarray
    high: np.ndarray
    conductance: np.ndarray


def steps_needed(population: Any, dt_ms: float) -> int:
    """Of how many equal Runge-Kutta steps a step of the grid is made, wherever v is.

    As many as the model asks for, and as make none longer than the shortest time constant at the
    resting potential.
    """
    fastest = float(np.max(population.fall_rates(_rest(population)), initial=0.0))
    asked = max(dt_ms / population.longest_step_ms, dt_ms * fastest)
    return int(max(1, math.ceil(asked - 1e-9)))


def calm(population: Any, step_ms: float) -> Calm:
    """Where one Runge-Kutta step of this length holds.

    Parameters
    ----------
    population : NeuronModel
    step_ms : float
        Of the grid's step, or of the equal ones of which it is made.

    Returns
    -------
    Calm
    """
    rest = _rest(population)
    low, high = np.full(population.size, -np.inf), np.full(population.size, np.inf)
    sides = [(low, -1.0)]
    if not population.has_peak:  # where v counts as its peak, nothing lies above
        sides.append((high, 1.0))
    with np.errstate(all="ignore"):
        for border, sign in sides:

            def holds(v: np.ndarray) -> np.ndarray:
                return population.fall_rates(v) * step_ms <= 1.0  # false where it is no number

            inside, outside = rest.copy(), border.copy()
            for away in _AWAY_MV:
                v = rest + sign * away
                calm_there, open_still = holds(v), np.isinf(outside)
                inside[open_still & calm_there] = v[open_still & calm_there]
                outside[open_still & ~calm_there] = v[open_still & ~calm_there]
            bounded = np.isfinite(outside)
            for _ in range(_HALVINGS if bounded.any() else 0):
                middle = (inside + np.where(bounded, outside, inside)) / 2.0
                calm_there = holds(middle)
                inside[bounded & calm_there] = middle[bounded & calm_there]
                outside[bounded & ~calm_there] = middle[bounded & ~calm_there]
            border[bounded] = inside[bounded]
        share = population.fall_rates(rest, _AMPLE) / _AMPLE
        conductance = np.where(share > 1e-3 / _AMPLE, 1.0 / (step_ms * share), np.inf)
    return Calm(low, high, conductance)


def fall_rates_of_slopes(population: Any, v_mv: np.ndarray, conductance: float) -> np.ndarray:
    """How fast v and the variables fall back by the model's `slopes`, by differences.

    Parameters
    ----------
    population : NeuronModel
    v_mv : array of shape (size,)
    conductance : float
        In the unit of the slopes.

    Returns
    -------
    array of shape (size,)
        The fastest of them, in 1/ms; 0 where the model has no `slopes`.
    """
    slopes = population.slopes
    if slopes is None:
        return np.zeros(population.size)
    variables = list(population.grid_variables(v_mv))
    columns = [v_mv, *population.grid_variables(v_mv).values()]
    columns += population.grid_parameters().values()
    rows = np.stack([np.broadcast_to(np.asarray(c, float), v_mv.shape) for c in columns], axis=1)
    alike, which = np.unique(rows, axis=0, return_inverse=True)
    names = ["v", *variables, *population.grid_parameters()]
    taken = inspect.signature(slopes).parameters
    if not set(taken) <= {*names, "drive", "conductance"}:
        return np.zeros(population.size)  # the engine says what is wrong with them
    rates = []
    for row in alike:
        values = {**dict(zip(names, row.tolist(), strict=True)), "drive": 0.0}
        values["conductance"] = conductance
        rates.append(_fastest(slopes, {k: values[k] for k in values if k in taken}, variables))
    return np.array(rates)[which.ravel()]


def _fastest(slopes: Any, values: dict[str, float], variables: list[str]) -> float:
    """Of v and the variables, how fast one falls back by itself; infinite where slopes are none."""
    fastest = 0.0
    for index, name in enumerate(["v", *variables]):
        if name not in values:
            continue
        by = _DIFFERENCE * max(1.0, abs(values[name]))
        try:
            before = slopes(**{**values, name: values[name] - by})[index]
            after = slopes(**{**values, name: values[name] + by})[index]
        except (OverflowError, ZeroDivisionError, ValueError):
            return math.inf
        fastest = max(fastest, (before - after) / (2.0 * by))
    return fastest


def _rest(population: Any) -> np.ndarray:
    return np.array(np.broadcast_to(np.asarray(population.rest_mv, float), (population.size,)))
