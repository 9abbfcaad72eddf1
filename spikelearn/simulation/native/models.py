"""What the native engine compiles for membranes that are not linear, and for alpha synapses.

A network of leaky integrate-and-fire neurons with delta and exponential currents needs none of it,
and does not wait for it to be compiled.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from spikelearn.simulation.native.compiled import inner, together

LINEAR, CONDUCTING, ADEX, IZHIKEVICH, HODGKIN_HUXLEY = range(5)
N_PARAMETERS = 7  # of the model that has most
N_VARIABLES = 4
_SHORT, _SHORTER = 0.5, 1.0 / 16.0
_NOTHING = 1e-17
_PART, _FEW = 256, 64  # neurons that are looked at together; where most are silent


class Models(NamedTuple):
    """What a network has beside the arrays of `Net`; P populations, N neurons, C channels."""

    dt: float  # ms
    model: np.ndarray  # (P,) one of the numbers above
    plain: np.ndarray  # (P,) how many channels, of leaky neurons with 1 or 2 that conduct; or 0
    step_per_tau: np.ndarray  # (N,) of leaky neurons with conductances
    parameters: np.ndarray  # (N_PARAMETERS, N) in the order of the populations'; for AdEx
    # and Izhikevich neurons the first is the jump of the adaptation at a spike
    n_substeps: np.ndarray  # (P,)
    gains: np.ndarray  # (C, moments) of a channel within a step, see the channel on the grid
    mean: np.ndarray  # (C,)
    reversal: np.ndarray  # as long as the currents; NaN for a current
    feeds: np.ndarray  # (C,) channel that a channel feeds, or -1
    transfer: np.ndarray  # (C,)
    variables: np.ndarray  # (N_VARIABLES, N) changes: w, or m, h, n and whether v was above
    drive: np.ndarray  # (moments, N) changes: currents, conductances times reversal potentials
    conductance: np.ndarray  # (moments, N) changes: sum of conductances


@inner
def feed(given: np.ndarray, to: np.ndarray, transfer: float) -> None:  # pragma: no cover - compiled
    """What rises in a step of an alpha synapse."""
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
    """Add a channel, as large as it is at one moment of the step, to what drives the neurons."""
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
    """A step of a leaky membrane with one conductance, its average, which then decays."""
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
    decay(current, alpha)


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
    """The commonest case, excitation and inhibition."""
    for start in range(0, v.size, _PART):
        part = slice(start, min(start + _PART, v.size))
        _conduct(
            v[part], current[part], other[part], reversal[part], other_reversal[part], mean,
            other_mean, step_per_tau[part],
        )  # fmt: skip
    decay(current, alpha)
    decay(other, other_alpha)


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
    """The same where there are more conductances, alpha synapses or currents."""
    for j in range(v.size):
        total = 1.0 + conductance[j]
        v[j] -= (drive[j] / total - v[j]) * math.expm1(-step_per_tau[j] * total)


@inner
def step_two_variables(
    model: int,
    first: int,
    last: int,
    v: np.ndarray,
    peak: np.ndarray,
    last_spike: np.ndarray,
    active_before: int,
    models: Models,
) -> None:  # pragma: no cover - compiled
    """A Runge-Kutta step of AdEx or Izhikevich neurons, of v and of what adapts.

    Neurons that spiked after `active_before` are held.
    """
    p, dt = models.parameters, models.dt
    for j in range(first, last):
        free = 1.0 if last_spike[j] <= active_before else 0.0
        x, w = v[j], models.variables[0, j]
        dx, dw, sum_x, sum_w = 0.0, 0.0, 0.0, 0.0
        for stage in range(4):
            moment = (stage + 1) // 2
            ahead = dt * (0.0 if stage == 0 else 1.0 if stage == 3 else 0.5)
            u = min(x + ahead * dx, peak[j])
            now = w + ahead * dw
            dx = models.drive[moment, j] - models.conductance[moment, j] * u - now
            if model == ADEX:
                leak, away, delta_t = p[1, j], u - p[2, j], p[4, j]
                dx += leak * (delta_t * math.exp((u - p[3, j]) / delta_t) - away)
                dw = (p[6, j] * away - now) / p[5, j]
            else:
                dx += (0.04 * u + 5.0) * u + 140.0
                dw = p[1, j] * (p[2, j] * u - now)
            dx *= free
            share = 1.0 if stage in (0, 3) else 2.0
            sum_x += share * dx
            sum_w += share * dw
        v[j] = x + dt / 6.0 * sum_x
        models.variables[0, j] = w + dt / 6.0 * sum_w


@inner
def _exprel(x: float) -> float:  # pragma: no cover - compiled
    """(exp(x) - 1) / x."""
    return 1.0 if x == 0.0 else math.expm1(x) / x


@inner
def step_hodgkin_huxley(
    first: int, last: int, v: np.ndarray, threshold: np.ndarray, n_substeps: int, models: Models
) -> None:  # pragma: no cover - compiled
    """Runge-Kutta steps of v, m, h and n."""
    p, dt = models.parameters, models.dt / n_substeps
    for j in range(first, last):
        x = v[j]
        m, h, n = models.variables[0, j], models.variables[1, j], models.variables[2, j]
        models.variables[3, j] = 1.0 if x > threshold[j] else 0.0
        for substep in range(n_substeps):
            dx, dm, dh, dn = 0.0, 0.0, 0.0, 0.0
            sum_x, sum_m, sum_h, sum_n = 0.0, 0.0, 0.0, 0.0
            for stage in range(4):
                moment = 2 * substep + (stage + 1) // 2
                ahead = dt * (0.0 if stage == 0 else 1.0 if stage == 3 else 0.5)
                u = x + ahead * dx
                gate_m, gate_h, gate_n = m + ahead * dm, h + ahead * dh, n + ahead * dn
                dx = (
                    p[0, j] * gate_m**3 * gate_h * (p[3, j] - u)
                    + p[1, j] * gate_n**4 * (p[4, j] - u)
                    + p[2, j] * (p[5, j] - u)
                    + models.drive[moment, j]
                    - models.conductance[moment, j] * u
                )
                u += 65.0
                dm = (1.0 - gate_m) / _exprel((25.0 - u) / 10.0)
                dm -= gate_m * 4.0 * math.exp(-u / 18.0)
                dh = (1.0 - gate_h) * 0.07 * math.exp(-u / 20.0)
                dh -= gate_h / (math.exp((30.0 - u) / 10.0) + 1.0)
                dn = (1.0 - gate_n) * 0.1 / _exprel((10.0 - u) / 10.0)
                dn -= gate_n * 0.125 * math.exp(-u / 80.0)
                share = 1.0 if stage in (0, 3) else 2.0
                sum_x += share * dx
                sum_m += share * dm
                sum_h += share * dh
                sum_n += share * dn
            x += dt / 6.0 * sum_x
            m += dt / 6.0 * sum_m
            h += dt / 6.0 * sum_h
            n += dt / 6.0 * sum_n
        v[j] = x
        models.variables[0, j], models.variables[1, j], models.variables[2, j] = m, h, n


@inner
def cross(
    v: np.ndarray, limit: np.ndarray, above: np.ndarray, spiking: np.ndarray
) -> int:  # pragma: no cover - compiled
    """Who has come to lie above its threshold is written to `spiking`; nobody is reset."""
    n = 0
    for j in range(v.size):
        if v[j] > limit[j] and above[j] == 0.0:
            spiking[n] = j
            n += 1
    return n
