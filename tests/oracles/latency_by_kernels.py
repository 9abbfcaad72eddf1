"""Networks of spike times once more: potentials as sums of kernels, crossings by bisection.

The implicit function theorem is left to automatic differentiation.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq

from spikelearn.networks.latency_mlp import LatencyClassifier, LatencyMLP

# Arrivals at a neuron: of each its time in ms, and its weight in mV.
Arrivals = list[tuple[Any, Any]]


def by_kernels(
    net: LatencyClassifier, x: torch.Tensor, y: torch.Tensor
) -> tuple[list[torch.Tensor], int]:
    """Gradients, and the number of spikes of hidden neurons."""
    d = net.description
    weights = [w.detach().clone().requires_grad_() for w in net.weights]
    n_spikes = 0
    losses = []
    for sample, label in zip(x, y, strict=True):
        volley = input_volley(d, sample)
        for weight in weights[:-1]:
            fired = []
            for neuron in range(len(weight)):
                arrived = [(t, weight[neuron, source]) for t, source in volley]
                fired += [(t, neuron) for t in spikes_of(d, arrived, d.max_spikes)]
            volley, n_spikes = fired, n_spikes + len(fired)
        scores = [score(d, [(t, row[source]) for t, source in volley]) for row in weights[-1]]
        losses.append(torch.nn.functional.cross_entropy(torch.stack(scores)[None], label[None]))
    return list(torch.autograd.grad(torch.stack(losses).mean(), weights)), n_spikes


def input_volley(d: LatencyMLP, sample: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
    """Spike times of the input, and whose they are."""
    volley = []
    for pixel, intensity in enumerate(sample.tolist()):
        if intensity >= d.min_intensity:
            steps = round((1.0 - intensity) * d.latency_ms / d.dt_ms)
            volley.append((torch.tensor(steps * d.dt_ms, dtype=torch.float64), pixel))
    return volley


def score(d: LatencyMLP, arrived: Arrivals) -> torch.Tensor:
    """What an output neuron answers."""
    if d.readout == "potential":
        return highest(d, arrived)
    first = spikes_of(d, arrived, 1)
    if first:
        return -first[0]
    return highest(d, arrived) / d.v_threshold_mv - 1.0 - d.duration_ms


def number(value: Any) -> float:
    return float(value.detach()) if isinstance(value, torch.Tensor) else float(value)


def as_floats(arrived: Arrivals) -> list[tuple[float, float]]:
    return [(number(t), number(w)) for t, w in arrived]


def v_at(d: LatencyMLP, t: Any, arrived: Arrivals, fired: list[Any], exp: Any) -> Any:
    """Potential at t, in mV, by arrivals and by the neuron's spikes before."""
    total = 0.0
    for t_i, w in arrived:
        if number(t_i) < number(t):
            total = total + w * (exp((t_i - t) / d.tau_m_ms) - exp((t_i - t) / (d.tau_m_ms / 2.0)))
    for t_s in fired:
        if number(t_s) < number(t):
            total = total - d.v_threshold_mv * exp((t_s - t) / d.tau_m_ms)
    return total


def spikes_of(d: LatencyMLP, arrived: Arrivals, limit: int) -> list[torch.Tensor]:
    """Times of a neuron's first spikes."""
    plain, fired = as_floats(arrived), []
    inputs = [t for t, _ in plain]
    grid = np.unique(np.concatenate([np.linspace(0.0, d.duration_ms, 3001), inputs]))
    last = 0.0
    while len(fired) < limit:
        fixed = [number(t) for t in fired]

        def above(t: float, fixed: list[float] = fixed) -> float:
            return v_at(d, t, plain, fixed, math.exp) - d.v_threshold_mv

        points = [t for t in grid if t > last + 1e-9]
        pairs = itertools.pairwise([last + 1e-9, *points])
        crossing = next(((a, b) for a, b in pairs if above(b) > 0.0), None)
        if crossing is None:
            break
        last = brentq(above, *crossing, xtol=1e-14, rtol=1e-15)
        t = torch.tensor(last, dtype=torch.float64)
        free = t.clone().requires_grad_()
        v = v_at(d, free, arrived, fired, torch.exp)
        (slope,) = torch.autograd.grad(v, free, retain_graph=True)
        lead = v_at(d, t, arrived, fired, torch.exp) - d.v_threshold_mv
        fired.append(t - lead / slope.detach())
    return fired


def highest(d: LatencyMLP, arrived: Arrivals) -> torch.Tensor:
    """The highest potential of a neuron that does not spike, in mV."""
    plain = as_floats(arrived)
    ends = sorted({t for t, _ in plain} | {d.duration_ms})
    best = torch.zeros((), dtype=torch.float64)
    for start, end in itertools.pairwise(ends):
        v = v_at(d, time_of_peak(d, arrived, start, end), arrived, [], torch.exp)
        if number(v) > number(best):
            best = v
    return best


def time_of_peak(d: LatencyMLP, arrived: Arrivals, start: float, end: float) -> Any:
    """When the potential is highest between two arrivals, in ms."""
    plain = as_floats(arrived)
    grid = np.linspace(start, end, 200)
    best = int(np.argmax([v_at(d, t, plain, [], math.exp) for t in grid]))
    if best in (0, len(grid) - 1):
        t: Any = torch.tensor(grid[best], dtype=torch.float64)
        for t_i, _ in arrived:  # at a kink the time is that of an input
            t = t_i if abs(number(t_i) - grid[best]) < 1e-12 else t
        return t

    def slope(at: float) -> float:
        e = [(w, math.exp((s - at) / d.tau_m_ms)) for s, w in plain if s < at]
        return sum(w * (2.0 * r * r - r) for w, r in e)

    root = brentq(slope, grid[best - 1] + 1e-12, grid[best + 1], xtol=1e-14)
    return torch.tensor(root, dtype=torch.float64)
