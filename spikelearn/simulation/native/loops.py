"""The native engine's plainest loops: decay, deliver, find who spikes.

They are plain arithmetic on contiguous arrays, which the compiler turns into vector instructions.
"""

from __future__ import annotations

import numpy as np

from spikelearn.simulation.native.compiled import inner
from spikelearn.simulation.native.prefetch import prefetch

# Neurons whose thresholds are moved and compared before any is looked at by itself: few enough to
# be still at hand.
_CHUNK, _FEW = 256, 32
_TINY = 1e-200  # decaying quantities below are set to 0: processors are slow with denormal numbers


# By loops: a slice assigned to another brings code for messages about shapes that do not fit, which
# takes longer to compile than all the rest.
@inner
def copy(given: np.ndarray, to: np.ndarray) -> None:  # pragma: no cover - compiled
    """Copy one array to the beginning of another."""
    for j in range(given.size):
        to[j] = given[j]


@inner
def flush(values: np.ndarray) -> None:  # pragma: no cover - compiled
    """Set what has almost vanished to 0."""
    for j in range(values.size):
        if abs(values[j]) < _TINY:
            values[j] = 0.0


@inner
def scale(v: np.ndarray, beta: np.ndarray, alike: bool) -> None:  # pragma: no cover - compiled
    """Potentials fall towards rest.

    Parameters
    ----------
    v : array of shape (size,)
        Potentials of a population, which change.
    beta : array of shape (size,)
        What is left of each after a step.
    alike : bool
        Whether `beta` is one number.
    """
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
    """A step of what has been added to the threshold, and where the threshold now is.

    Parameters
    ----------
    theta : array of shape (size,)
        What has been added to the thresholds, which decays.
    theta_decay : array of shape (size,)
        What is left of it after a step.
    threshold : array of shape (size,)
    limit : array of shape (size,)
        Where the sum of both is written.
    """
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
    """The commonest case, excitation and inhibition, in one pass.

    Parameters
    ----------
    v : array of shape (size,)
        Potentials of a population, which change.
    beta : float
        What is left of them after a step.
    gain, other_gain : float
        What a current of 1 adds in a step.
    alpha, other_alpha : float
        What is left of the currents after a step.
    current, other : arrays of shape (size,)
        The currents, which decay.
    """
    for j in range(v.size):
        v[j] = v[j] * beta + gain * current[j] + other_gain * other[j]
        current[j] *= alpha
        other[j] *= other_alpha


@inner
def add_current(
    v: np.ndarray, current: np.ndarray, kappa: np.ndarray, alpha: float, alike: bool
) -> None:  # pragma: no cover - compiled
    """What a channel adds to the potentials in a step.

    Parameters
    ----------
    v : array of shape (size,)
        Potentials of a population, which change.
    current : array of shape (size,)
        A channel's current at each neuron, which then decays.
    kappa : array of shape (size,)
        What a current of 1 adds in a step.
    alpha : float
        What is left of the current after a step.
    alike : bool
        Whether `kappa` is one number.
    """
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
    """What a current from outside adds in a step.

    Parameters
    ----------
    v : array of shape (size,)
        Potentials of a population, which change.
    beta : array of shape (size,)
        What is left of them after a step.
    shown : array of shape (size,) or (1,)
        The current from outside, as the potential that it drives towards.
    """
    for j in range(v.size):
        v[j] += (1.0 - beta[j]) * shown[j if shown.size > 1 else 0]


@inner
def add_background(
    goal: np.ndarray, weight: np.ndarray, counts: np.ndarray, alike: bool
) -> None:  # pragma: no cover - compiled
    """What Poisson inputs add.

    Parameters
    ----------
    goal : array of shape (n_target,)
        What arrivals add to.
    weight : array of shape (n_target,)
    counts : array of shape (n_target,)
        Spikes that reach each neuron.
    alike : bool
        Whether `weight` is one number.
    """
    if alike:
        each = weight[0]
        for j in range(goal.size):
            goal[j] += each * counts[j]
    else:
        for j in range(goal.size):
            goal[j] += weight[j] * counts[j]


@inner
def deliver(
    goal: np.ndarray,
    spiking: np.ndarray,
    rows: np.ndarray,
    n_delays: int,
    which: int,
    post: np.ndarray,
    weight: np.ndarray,
    first: int,
) -> None:  # pragma: no cover - compiled
    """Spikes arrive by synapses that are listed.

    Parameters
    ----------
    goal : array of shape (n_target,)
        What arrivals add to.
    spiking : array of int
        Source neurons that spiked.
    rows : array of int
        First synapse of each source neuron and delay, and the end.
    n_delays, which : int
        Of how many delays this is the one.
    post : array of int
        Target neuron of each synapse.
    weight : array
        Of each synapse, from synapse `first` on.
    first : int
    """
    for k in range(spiking.size):
        if k + 1 < spiking.size:
            row = spiking[k + 1] * n_delays + which
            start, end = rows[row], rows[row + 1]
            prefetch(post, start, end)
            prefetch(weight, start - first, end - first)
        row = spiking[k] * n_delays + which
        start, end = rows[row], rows[row + 1]
        for s in range(start, end):
            goal[post[s]] += weight[s - first]


@inner
def deliver_full(
    goal: np.ndarray, spiking: np.ndarray, rows: np.ndarray, weight: np.ndarray, first: int
) -> None:  # pragma: no cover - compiled
    """Spikes arrive where every source neuron has a synapse on every target neuron.

    Parameters
    ----------
    goal : array of shape (n_target,)
        What arrivals add to.
    spiking : array of int
        Source neurons that spiked.
    rows : array of int
        First synapse of each source neuron, and the end.
    weight : array
        Of each synapse, from synapse `first` on: a row of n_target a source neuron.
    first : int
    """
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
    goal: np.ndarray,
    spiking: np.ndarray,
    rows: np.ndarray,
    n_delays: int,
    which: int,
    post: np.ndarray,
    weight: float,
) -> None:  # pragma: no cover - compiled
    """Spikes arrive by synapses that are listed and have one weight.

    Parameters
    ----------
    goal : array of shape (n_target,)
        What arrivals add to.
    spiking : array of int
        Source neurons that spiked.
    rows : array of int
        First synapse of each source neuron and delay, and the end.
    n_delays, which : int
        Of how many delays this is the one.
    post : array of int
        Target neuron of each synapse.
    weight : float
        Of every synapse.
    """
    for k in range(spiking.size):
        if k + 1 < spiking.size:
            row = spiking[k + 1] * n_delays + which
            prefetch(post, rows[row], rows[row + 1])
        row = spiking[k] * n_delays + which
        for target in post[rows[row] : rows[row + 1]]:
            goal[target] += weight


@inner
def deliver_to_all(goal: np.ndarray, n: int, weight: float) -> None:  # pragma: no cover - compiled
    """So many spikes arrive at every target neuron, by synapses that have one weight.

    Parameters
    ----------
    goal : array of shape (n_target,)
        What arrivals add to.
    n : int
        Spikes.
    weight : float
        Of every synapse.
    """
    for _ in range(n):  # one after the other, as they would be added by any other synapses
        for j in range(goal.size):
            goal[j] += weight


@inner
def deliver_to_others(
    goal: np.ndarray, spiking: np.ndarray, first: int, weight: float
) -> None:  # pragma: no cover - compiled
    """Spikes arrive at every target neuron but that of the source neuron's own number.

    Parameters
    ----------
    goal : array of shape (n_target,)
        What arrivals add to.
    spiking : array of int
        Source neurons that spiked.
    first : int
        The number of the first target.
    weight : float
        Of every synapse.
    """
    for neuron in spiking:
        own = int(np.int64(neuron)) - first
        for j in range(min(max(own, 0), goal.size)):
            goal[j] += weight
        for j in range(max(own + 1, 0), goal.size):
            goal[j] += weight


@inner
def any_above(v: np.ndarray, limit: np.ndarray, alike: bool) -> bool:  # pragma: no cover - compiled
    """Whether any neuron is above its threshold.

    Parameters
    ----------
    v, limit : arrays of shape (size,)
        Potentials and thresholds.
    alike : bool
        Whether `limit` is one number.
    """
    above = False  # by "or": a count would not be computed several at once
    if alike:
        one = limit[0]
        for j in range(v.size):
            above |= v[j] > one
    else:
        for j in range(v.size):
            above |= v[j] > limit[j]
    return above


@inner
def fire(
    v: np.ndarray,
    threshold: np.ndarray,
    limit: np.ndarray,
    alike: bool,
    adaptive: bool,
    theta: np.ndarray,
    theta_decay: np.ndarray,
    reset: np.ndarray,
    subtract: bool,
    refractory: int,
    held: np.ndarray,
    last: np.ndarray,
    step: int,
    spiking: np.ndarray,
) -> int:  # pragma: no cover - compiled
    """Threshold and reset of one population; who spikes is written to `spiking`.

    Parameters
    ----------
    v : array of shape (size,)
        Potentials of a population, which change.
    threshold : array of shape (size,)
    limit : array of shape (size,)
        Thresholds as they now are: the same where they are not adaptive.
    alike : bool
        Whether `threshold` is one number.
    adaptive : bool
    theta, theta_decay : arrays of shape (size,)
        What has been added to adaptive thresholds, and what is left of it after a step.
    reset : array of shape (size,)
        Potentials after a spike.
    subtract : bool
        Whether a reset takes the threshold off instead.
    refractory : int
        Steps.
    held : array of shape (size,)
        Where potentials after a spike are kept.
    last : array of shape (size,)
        Step of the last spike.
    step : int
        The step that is made.
    spiking : array of int
        Where the neurons that spike are written.
    """
    n = 0
    for start in range(0, v.size, _CHUNK):
        end = min(start + _CHUNK, v.size)
        if adaptive:
            follow_threshold(
                theta[start:end], theta_decay[start:end], threshold[start:end], limit[start:end]
            )
        if not any_above(v[start:end], limit[start:end], alike and not adaptive):
            continue
        for first in range(start, end, _FEW):
            some = slice(first, min(first + _FEW, end))
            if not any_above(v[some], limit[some], alike and not adaptive):
                continue
            for j in range(some.start, some.stop):
                if v[j] > limit[j] and step - last[j] >= refractory:
                    v[j] = v[j] - limit[j] if subtract else reset[j]
                    held[j], last[j] = v[j], step
                    spiking[n] = j
                    n += 1
    return n
