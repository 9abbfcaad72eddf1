"""What the native engine compiles for membranes that are not linear, and for alpha synapses.

A network of leaky integrate-and-fire neurons with delta and exponential currents needs none of it,
and does not wait for it to be compiled.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from spikelearn.simulation.native.compiled import inner, together

# Leaky membranes with currents and with conductances have closed forms; the others take steps.
LINEAR, CONDUCTING, STEPPED = range(3)
_SHORT, _SHORTER = 0.5, 1.0 / 16.0
_NOTHING = 1e-17
_PART, _FEW = 256, 64  # neurons that are looked at together; where most are silent


class Models(NamedTuple):
    """What a network has beside the arrays of `Net`; P populations, N neurons, C channels."""

    dt: float  # ms
    kind: np.ndarray  # (P,) one of the numbers above
    plain: np.ndarray  # (P,) how many channels, of leaky neurons with 1 or 2 that conduct; or 0
    step_per_tau: np.ndarray  # (N,) of leaky neurons with conductances
    slopes: np.ndarray  # (P,) address of the model's, see `native.slopes`; or 0
    n_variables: np.ndarray  # (P,) of the model beside v
    n_substeps: np.ndarray  # (P,)
    has_peak: np.ndarray  # (P,) whether v counts as the threshold where it lies above
    resets: np.ndarray  # (P,)
    jump_start: np.ndarray  # (P + 1,) in the next two: variables that grow at a spike
    jump_variable: np.ndarray  # row of the variable
    jump_parameter: np.ndarray  # row of what it grows by
    parameters: np.ndarray  # (most parameters, N) in the order of the population on the grid
    gains: np.ndarray  # (C, moments) of a channel within a step, see the channel on the grid
    mean: np.ndarray  # (C,)
    reversal: np.ndarray  # as long as the currents; NaN for a current
    feeds: np.ndarray  # (C,) channel that a channel feeds, or -1
    transfer: np.ndarray  # (C,)
    variables: np.ndarray  # (most variables, N) changes
    above: np.ndarray  # (N,) changes: 1 where v was above threshold, of neurons without reset
    crossed: np.ndarray  # (N,) changes: 1 where it came to lie above within the step
    watched: np.ndarray  # (P,) what may leave the range in which a step holds, see `runge_kutta`
    low: np.ndarray  # (N,) that range, of v
    high: np.ndarray  # (N,)
    most: np.ndarray  # (N,) and of the sum of conductances
    low_most: np.ndarray  # (P,) the narrowest of these limits
    high_least: np.ndarray  # (P,)
    most_least: np.ndarray  # (P,)
    drive: np.ndarray  # (moments, N) changes: currents, conductances times reversal potentials
    conductance: np.ndarray  # (moments, N) changes: sum of conductances
    scratch: np.ndarray  # changes, for `native.runge_kutta`


@inner
def feed(given: np.ndarray, to: np.ndarray, transfer: float) -> None:  # pragma: no cover - compiled
    """What rises in a step of an alpha synapse.

    Parameters
    ----------
    given, to : arrays of shape (size,)
        The state that feeds, and the one that is fed.
    transfer : float
        The share of the first that the second gets.
    """
    for j in range(given.size):
        to[j] += transfer * given[j]


# Below, parts of arrays are handed over rather than where they begin: an index that might be
# negative keeps the compiler from computing several neurons at once.
@inner
def clear(values: np.ndarray) -> None:  # pragma: no cover - compiled
    """Set to 0."""
    for j in range(values.size):
        values[j] = 0.0


@inner
def collect(
    current: np.ndarray,
    reversal: np.ndarray,
    gain: float,
    drive: np.ndarray,
    conductance: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Add a channel, as large as it is at one moment of the step, to what drives the neurons.

    Parameters
    ----------
    current, reversal : arrays of shape (size,)
        The channel at the start of the step; its reversal potential in mV, NaN for a current.
    gain : float
        How much of it there is at the moment.
    drive, conductance : arrays of shape (size,)
        Sums that it is added to.
    """
    if math.isnan(reversal[0]):
        for j in range(current.size):
            drive[j] += gain * current[j]
    else:
        for j in range(current.size):
            drive[j] += gain * current[j] * reversal[j]
        for j in range(current.size):
            conductance[j] += gain * current[j]


@inner
def decay(current: np.ndarray, alpha: float) -> None:  # pragma: no cover - compiled
    """One step of a channel."""
    for j in range(current.size):
        current[j] *= alpha


@together
def _mean_decay(x: float) -> float:  # pragma: no cover - compiled
    """(exp(x) - 1) / x by its series, exact to the last bit or two for |x| up to `_SHORT`.

    Unlike the functions of the C library, it can be computed for several neurons at once.
    """
    # Written out: a loop over the coefficients would keep the compiler from that.
    y = x * (1.0 / 1307674368000.0) + 1.0 / 87178291200.0
    y = y * x + 1.0 / 6227020800.0
    y = y * x + 1.0 / 479001600.0
    y = y * x + 1.0 / 39916800.0
    y = y * x + 1.0 / 3628800.0
    y = y * x + 1.0 / 362880.0
    y = y * x + 1.0 / 40320.0
    y = y * x + 1.0 / 5040.0
    y = y * x + 1.0 / 720.0
    y = y * x + 1.0 / 120.0
    y = y * x + 1.0 / 24.0
    y = y * x + 1.0 / 6.0
    return (y * x + 1.0 / 2.0) * x + 1.0


@together
def _mean_decay_shorter(x: float) -> float:  # pragma: no cover - compiled
    """The same for |x| up to `_SHORTER`."""
    y = x * (1.0 / 362880.0) + 1.0 / 40320.0
    y = y * x + 1.0 / 5040.0
    y = y * x + 1.0 / 720.0
    y = y * x + 1.0 / 120.0
    y = y * x + 1.0 / 24.0
    y = y * x + 1.0 / 6.0
    return (y * x + 1.0 / 2.0) * x + 1.0


@inner
def conduct_one(
    v: np.ndarray,
    current: np.ndarray,
    reversal: np.ndarray,
    mean: float,
    alpha: float,
    beta: np.ndarray,
    step_per_tau: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """A step of a leaky membrane with one conductance, its average, which then decays.

    Parameters
    ----------
    v, current, reversal : arrays of shape (size,)
        Potential and reversal potential in mV from rest, conductance in units of the leak.
    mean, alpha : float
        Of the conductance over a step, and by its end, as shares of that at the start.
    beta, step_per_tau : arrays of shape (size,)
        exp(-dt / tau_m) and dt / tau_m.
    """
    for start in range(0, v.size, _FEW):
        part = slice(start, min(start + _FEW, v.size))
        u, now = v[part], current[part]
        conducts = False  # by "or": a count would not be computed several at once
        for j in range(u.size):
            conducts |= mean * now[j] > _NOTHING
        if conducts:
            _conduct(u, now, now, reversal[part], reversal[part], mean, 0.0, step_per_tau[part])
        else:  # 1 + conductance is 1
            decays = beta[part]
            for j in range(u.size):
                u[j] *= decays[j]
        decay(now, alpha)


@inner
def conduct_two(
    v: np.ndarray,
    current: np.ndarray,
    other: np.ndarray,
    reversal: np.ndarray,
    other_reversal: np.ndarray,
    mean: float,
    other_mean: float,
    alpha: float,
    other_alpha: float,
    step_per_tau: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """The commonest case, excitation and inhibition.

    Parameters
    ----------
    v : array of shape (size,)
        Potential in mV from rest.
    current, other, reversal, other_reversal : arrays of shape (size,)
        Conductances in units of the leak, and reversal potentials in mV from rest.
    mean, other_mean, alpha, other_alpha : float
        Of the conductances over a step, and by its end, as shares of those at the start.
    step_per_tau : array of shape (size,)
        dt / tau_m.
    """
    for start in range(0, v.size, _PART):
        part = slice(start, min(start + _PART, v.size))
        _conduct(
            v[part], current[part], other[part], reversal[part], other_reversal[part], mean,
            other_mean, step_per_tau[part],
        )  # fmt: skip
        decay(current[part], alpha)
        decay(other[part], other_alpha)


@together
def _conduct(
    v: np.ndarray,
    current: np.ndarray,
    other: np.ndarray,
    reversal: np.ndarray,
    other_reversal: np.ndarray,
    mean: float,
    other_mean: float,
    step_per_tau: np.ndarray,
) -> None:  # pragma: no cover - compiled
    # One question a loop, and one array written: the compiler asks in advance whether arrays
    # overlap, and gives up where there are many pairs to ask about.
    longer = long = False
    for j in range(v.size):
        total = 1.0 + (mean * current[j] + other_mean * other[j])
        longer |= step_per_tau[j] * total > _SHORTER
    if not longer:
        for j in range(v.size):
            one, two = mean * current[j], other_mean * other[j]
            total = 1.0 + (one + two)
            away = one * reversal[j] + two * other_reversal[j] - v[j] * total
            v[j] += away * step_per_tau[j] * _mean_decay_shorter(-step_per_tau[j] * total)
        return
    for j in range(v.size):
        total = 1.0 + (mean * current[j] + other_mean * other[j])
        long |= step_per_tau[j] * total > _SHORT
    if not long:
        for j in range(v.size):
            one, two = mean * current[j], other_mean * other[j]
            total = 1.0 + (one + two)
            away = one * reversal[j] + two * other_reversal[j] - v[j] * total
            v[j] += away * step_per_tau[j] * _mean_decay(-step_per_tau[j] * total)
        return
    for j in range(v.size):
        one, two = mean * current[j], other_mean * other[j]
        total = 1.0 + (one + two)
        away = one * reversal[j] + two * other_reversal[j] - v[j] * total
        v[j] -= away / total * math.expm1(-step_per_tau[j] * total)


@inner
def step_conducting(
    v: np.ndarray, step_per_tau: np.ndarray, drive: np.ndarray, conductance: np.ndarray
) -> None:  # pragma: no cover - compiled
    """The same where there are more conductances, alpha synapses or currents.

    Parameters
    ----------
    v, step_per_tau : arrays of shape (size,)
        Potential in mV from rest, dt / tau_m.
    drive, conductance : arrays of shape (size,)
        Sums of currents and of conductances times reversal potentials, in mV; of conductances, in
        units of the leak.
    """
    for j in range(v.size):
        total = 1.0 + conductance[j]
        v[j] -= (drive[j] / total - v[j]) * math.expm1(-step_per_tau[j] * total)


@inner
def mark_above(
    v: np.ndarray, limit: np.ndarray, above: np.ndarray
) -> None:  # pragma: no cover - compiled
    """Write 1 to `above` where v lies above its threshold, 0 elsewhere.

    Parameters
    ----------
    v, limit, above : arrays of shape (size,)
        Potential and threshold in mV; what is written to.
    """
    for j in range(v.size):
        above[j] = 1.0 if v[j] > limit[j] else 0.0


@inner
def cross(
    v: np.ndarray,
    limit: np.ndarray,
    above: np.ndarray,
    crossed: np.ndarray,
    spiking: np.ndarray,
) -> int:  # pragma: no cover - compiled
    """Who has come to lie above its threshold spikes; nobody is reset.

    Parameters
    ----------
    v, limit, above, crossed : arrays of shape (size,)
        Potential and threshold in mV; 1 where v was above when last looked at; 1 where it came to
        lie above within the step.
    spiking : int array of shape (size,)
        Who spikes is written to it, from its start.

    Returns
    -------
    int
        How many spike.
    """
    n = 0
    for j in range(v.size):
        if crossed[j] > 0.0 or (v[j] > limit[j] and above[j] == 0.0):
            spiking[n] = j
            n += 1
    return n
