"""The native engine's plainest loops: decay, deliver, find who spikes.

They are plain arithmetic on contiguous arrays, which the compiler turns into vector instructions.
"""

from __future__ import annotations

import numpy as np

from spikelearn.simulation.native.compiled import inner

_CHUNK = 256  # neurons whose thresholds are compared before any is looked at by itself
_TINY = 1e-200  # decaying quantities below are set to 0: processors are slow with denormal numbers


# By loops: a slice assigned to another brings code for messages about shapes that do not fit, which
# takes longer to compile than all the rest.
@inner
def copy(given: np.ndarray, to: np.ndarray) -> None:  # pragma: no cover - compiled
    for j in range(given.size):
        to[j] = given[j]


@inner
def flush(values: np.ndarray) -> None:  # pragma: no cover - compiled
    for j in range(values.size):
        if abs(values[j]) < _TINY:
            values[j] = 0.0


@inner
def scale(v: np.ndarray, beta: np.ndarray, alike: bool) -> None:  # pragma: no cover - compiled
    if alike:
        factor = beta[0]
        for j in range(v.size):
            v[j] *= factor
    else:
        for j in range(v.size):
            v[j] *= beta[j]


@inner
def follow_threshold(
    theta: np.ndarray, theta_decay: np.ndarray, threshold: np.ndarray, limit: np.ndarray
) -> None:  # pragma: no cover - compiled
    """A step of what has been added to the threshold, and where the threshold now is."""
    for j in range(theta.size):
        theta[j] *= theta_decay[j]
        limit[j] = threshold[j] + theta[j]


@inner
def integrate_two(
    v: np.ndarray,
    beta: float,
    gain: float,
    other_gain: float,
    alpha: float,
    other_alpha: float,
    current: np.ndarray,
    other: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """The commonest case, excitation and inhibition, in one pass."""
    for j in range(v.size):
        v[j] = v[j] * beta + gain * current[j] + other_gain * other[j]
        current[j] *= alpha
        other[j] *= other_alpha


@inner
def add_current(
    v: np.ndarray, current: np.ndarray, kappa: np.ndarray, alpha: float, alike: bool
) -> None:  # pragma: no cover - compiled
    if alike:
        gain = kappa[0]
        for j in range(v.size):
            v[j] += gain * current[j]
            current[j] *= alpha
    else:
        for j in range(v.size):
            v[j] += kappa[j] * current[j]
            current[j] *= alpha


@inner
def add_stimulus(
    v: np.ndarray, beta: np.ndarray, shown: np.ndarray
) -> None:  # pragma: no cover - compiled
    for j in range(v.size):
        v[j] += (1.0 - beta[j]) * shown[j if shown.size > 1 else 0]


@inner
def add_background(
    goal: np.ndarray, weight: np.ndarray, counts: np.ndarray
) -> None:  # pragma: no cover - compiled
    for j in range(goal.size):
        goal[j] += weight[j] * counts[j]


@inner
def deliver(
    goal: np.ndarray,
    spiking: np.ndarray,
    rows: np.ndarray,
    post: np.ndarray,
    weight: np.ndarray,
    first: int,
) -> None:  # pragma: no cover - compiled
    for neuron in spiking:
        targets = post[rows[neuron] : rows[neuron + 1]]
        weights = weight[rows[neuron] - first : rows[neuron + 1] - first]
        for s in range(targets.size):
            goal[targets[s]] += weights[s]


@inner
def deliver_full(
    goal: np.ndarray, spiking: np.ndarray, rows: np.ndarray, weight: np.ndarray, first: int
) -> None:  # pragma: no cover - compiled
    n = goal.size
    together = spiking.size // 4 * 4
    for s in range(0, together, 4):  # four spikes a time, for the goal to be fetched once
        a = weight[rows[spiking[s]] - first :][:n]
        b = weight[rows[spiking[s + 1]] - first :][:n]
        c = weight[rows[spiking[s + 2]] - first :][:n]
        d = weight[rows[spiking[s + 3]] - first :][:n]
        for j in range(n):
            goal[j] = (((goal[j] + a[j]) + b[j]) + c[j]) + d[j]
    for s in range(together, spiking.size):
        a = weight[rows[spiking[s]] - first :][:n]
        for j in range(n):
            goal[j] += a[j]


@inner
def deliver_same(
    goal: np.ndarray, spiking: np.ndarray, rows: np.ndarray, post: np.ndarray, weight: float
) -> None:  # pragma: no cover - compiled
    for neuron in spiking:
        for target in post[rows[neuron] : rows[neuron + 1]]:
            goal[target] += weight


@inner
def any_above(v: np.ndarray, limit: np.ndarray) -> bool:  # pragma: no cover - compiled
    above = False  # by "or": a count would not be computed several at once
    for j in range(v.size):
        above |= v[j] > limit[j]
    return above


@inner
def fire(
    v: np.ndarray,
    limit: np.ndarray,
    reset: np.ndarray,
    subtract: bool,
    refractory: int,
    held: np.ndarray,
    last: np.ndarray,
    step: int,
    spiking: np.ndarray,
) -> int:  # pragma: no cover - compiled
    """Threshold and reset of one population; who spikes is written to `spiking`."""
    n = 0
    for start in range(0, v.size, _CHUNK):
        end = min(start + _CHUNK, v.size)
        if not any_above(v[start:end], limit[start:end]):
            continue
        for j in range(start, end):
            if v[j] > limit[j] and step - last[j] >= refractory:
                v[j] = v[j] - limit[j] if subtract else reset[j]
                held[j], last[j] = v[j], step
                spiking[n] = j
                n += 1
    return n
