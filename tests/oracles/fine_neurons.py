"""Neuron models written anew from their papers, by small Runge-Kutta steps of plain NumPy.

They share no code with the package: neither its equations nor its integrators. Reset happens at the
end of the small step in which v passes its peak.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class FineModel:
    """dy/dt = slopes(y, current); y[0] is v. Reset where v > peak; without `reset` v goes on."""

    start: tuple[float, ...]
    peak: float
    slopes: Callable[[Array, Array], Array]
    reset: Callable[[Array], Array] | None


def leaky() -> FineModel:
    """20 ms, rest -70, threshold -55 mV; the current in mV."""
    return FineModel(
        (-70.0,), -55.0, lambda y, i: (-(y + 70.0) + i) / 20.0, lambda y: np.full_like(y, -70.0)
    )


def quadratic() -> FineModel:
    """10 ms, rest -65, critical -50 mV; the current in mV."""
    return FineModel(
        (-65.0,), 30.0, lambda y, i: ((y + 65.0) * (y + 50.0) / 15.0 + i) / 10.0,
        lambda y: np.full_like(y, -65.0),
    )  # fmt: skip


def izhikevich(a: float = 0.02, c: float = -65.0, d: float = 8.0, v: float = -65.0) -> FineModel:
    """The paper's equations 1 to 3 with b = 0.2, from `v` on; the current in mV/ms.

    Parameters
    ----------
    a, c, d : float
        As in the paper.
    v : float
        In mV.
    """

    def slopes(y: Array, i: Array) -> Array:
        v, u = np.minimum(y[0], 30.0), y[1]
        return np.stack([0.04 * v**2 + 5.0 * v + 140.0 - u + i, a * (0.2 * v - u)])

    return FineModel((v, 0.2 * v), 30.0, slopes, lambda y: np.stack([0 * y[0] + c, y[1] + d]))


def adex(v_reset: float = -70.6) -> FineModel:
    """Brette and Gerstner's cell; the current in pA."""

    def slopes(y: Array, i: Array) -> Array:
        v, w = np.minimum(y[0], 20.0), y[1]
        into = -30.0 * (v + 70.6) + 60.0 * np.exp((v + 50.4) / 2.0) - w + i
        return np.stack([into / 281.0, (4.0 * (v + 70.6) - w) / 144.0])

    return FineModel(
        (-70.6, 0.0), 20.0, slopes, lambda y: np.stack([0 * y[0] + v_reset, y[1] + 80.5])
    )


def _gates(v: Array) -> tuple[Array, Array]:
    """Steady states and time constants of m, h and n."""
    opening = np.stack(
        [
            0.1 * (v + 40.0) / (1.0 - np.exp(-(v + 40.0) / 10.0)),
            0.07 * np.exp(-(v + 65.0) / 20.0),
            0.01 * (v + 55.0) / (1.0 - np.exp(-(v + 55.0) / 10.0)),
        ]
    )
    closing = np.stack(
        [
            4.0 * np.exp(-(v + 65.0) / 18.0),
            1.0 / (1.0 + np.exp(-(v + 35.0) / 10.0)),
            0.125 * np.exp(-(v + 65.0) / 80.0),
        ]
    )
    return opening / (opening + closing), 1.0 / (opening + closing)


def hodgkin_huxley() -> FineModel:
    """The giant axon; the current in pA on 100 pF."""

    def slopes(y: Array, i: Array) -> Array:
        v, (m, h, n) = y[0], y[1:]
        steady, tau = _gates(v)
        into = 120.0 * m**3 * h * (50.0 - v) + 36.0 * n**4 * (-77.0 - v) + 0.3 * (-54.387 - v)
        return np.concatenate([(into + i / 100.0)[None], (steady - y[1:]) / tau])

    steady = _gates(np.array(-65.0))[0]
    return FineModel((-65.0, *steady.tolist()), 0.0, slopes, None)


def fine_run(
    model: FineModel, currents: Array, jumps: Array, every_ms: float, h_ms: float
) -> tuple[list[Array], Array]:
    """Spike times of each neuron since the start, and v at the end of each interval.

    Parameters
    ----------
    model : FineModel
    currents : array of shape (intervals, neurons)
        What flows in each interval.
    jumps : array of shape (intervals, neurons)
        What v jumps by at the end of each, in mV.
    every_ms, h_ms : float
        The interval, and the small step.
    """
    n = currents.shape[1]
    y = np.repeat(np.array(model.start)[:, None], n, axis=1)
    found: list[list[float]] = [[] for _ in range(n)]
    steps, v = round(every_ms / h_ms), np.empty(currents.shape)
    with np.errstate(over="ignore"):
        for k, current in enumerate(currents):
            for step in range(steps):
                before = y[0]
                one = model.slopes(y, current)
                two = model.slopes(y + h_ms / 2 * one, current)
                three = model.slopes(y + h_ms / 2 * two, current)
                four = model.slopes(y + h_ms * three, current)
                y = y + h_ms / 6 * (one + 2 * two + 2 * three + four)
                if step == steps - 1:
                    y[0] += jumps[k]
                above = y[0] > model.peak
                if model.reset is None:
                    above &= before <= model.peak
                elif above.any():
                    y = np.where(above, model.reset(y), y)
                for neuron in np.flatnonzero(above):
                    found[neuron].append((k * steps + step + 1) * h_ms)
            v[k] = y[0]
    return [np.array(times) for times in found], v
