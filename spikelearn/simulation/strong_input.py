"""How many spikes a time step costs neurons under strong input, estimated from the description.

A spike and its reset wait for the end of the step. What is lost by it depends on how fast the input
drives the neurons, which their own time constants do not tell. For a few neurons of a population
and many moments of its input (`known_input`) there are estimated

- the time T from reset to spike: of leaky neurons in closed form (Siegert 1951 where there are
  jumps), of others the integral of dv / slope from reset to peak, with the adaptation that the rate
  keeps up. It is no shorter than the time between jumps where one reaches the threshold;
- how long conductances and currents keep a leaky neuron's drive above threshold, which a spike has
  to come within;
- the time on the grid: whole steps, half a step more on average where input is noisy. Between
  two points of the grid jumps may bring the potential above the threshold and back, which acts as
  a threshold that is higher by 0.583 s sqrt(dt), where s^2 is their variance a ms (Broadie,
  Glasserman & Kou 1997, doi:10.1111/1467-9965.00035), if they are many, small and of both signs.

Rates that are not known count as none where they excite; where they inhibit, nothing is said before
the run, whose own rates tell it then (`warn_of_measured_step`). Nothing is said of models without
a reset, whose spikes wait for no step.
"""

from __future__ import annotations

import functools
import inspect
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from spikelearn.networks.neurons import LIF, AdaptiveLIF, NeuronModel
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.known_input import KnownInput, each, known_input, unknown_inhibition
from spikelearn.stimuli.stimulus import Stimulus

_RIGHT = 0.125  # the share of spikes that a trusted step may cost, as of `accuracy`
_LADDER_MS = tuple(m * 10.0**e for e in (0, -1, -2) for m in (5.0, 2.5, 2.0, 1.0))
_POINTS, _HALVINGS = 120, 16
_SLOW = 3.0  # a drive too short for T by so much makes its spikes by chance: nothing is said
_LIKE = 0.5  # by how much of a rate that was measured the estimate of it may be wrong
_SILENT = 1e-4  # spikes a ms: of rarer ones the estimate knows too little
_SWING_MS = 6.0  # adaptation that swings with v faster than this is no constant between spikes
_OVERSHOOT = 0.5826  # -zeta(1/2) / sqrt(2 pi)


def bearable_step_ms(
    network: SpikingNetwork,
    name: str,
    dt_ms: float,
    stimulus: Stimulus | None = None,
    duration_ms: float = math.inf,
    fired_hz: float | None = None,
) -> tuple[float, float] | None:
    """The largest step, up to `dt_ms`, at which at most an eighth of the spikes is wrong.

    Parameters
    ----------
    network : SpikingNetwork
    name : str
        One of its populations of neurons.
    dt_ms : float
        The step that is asked about.
    stimulus : Stimulus, optional
        What the sources send, and currents; nothing if absent.
    duration_ms : float
        Of a trial. Where it is finite one spike more may be wrong, as in `accuracy`.
    fired_hz : float, optional
        The rate that the population had in a run with this step. Where the estimate does not come
        near it, the population is driven otherwise than by mean rates (it bursts, or its neurons
        silence each other), and nothing is said.

    Returns
    -------
    tuple of float or None
        The step in ms, and the estimated rate in spikes/s without a grid; None where nothing can
        be said: the input is not known, or the model is not reset.
    """
    population = network.neurons[name]
    if not population.resets or (not isinstance(population, LIF) and population.slopes is None):
        return None
    if unknown_inhibition(network, name, stimulus or Stimulus(), duration_ms):
        return None
    given = known_input(network, name, stimulus or Stimulus(), duration_ms)
    with np.errstate(all="ignore"):
        times = _Leaky(population, given) if isinstance(population, LIF) else _Sloped.of(
            population, given
        )  # fmt: skip
        if times is None:
            return None
        rate = _rate(times, 0.0)
        if not rate > _SILENT or _is_unlike(times, dt_ms, fired_hz):
            return None
        expected = rate * population.size * given.n_trials * duration_ms
        allowed = _RIGHT + 1.0 / expected
        for step in (dt_ms, *(rung for rung in _LADDER_MS if rung < dt_ms)):
            # No rate of the grid exceeds one spike a step.
            if abs(_rate(times, step) - rate) <= allowed * rate:
                return step, 1000.0 * rate
    return _LADDER_MS[-1], 1000.0 * rate


def _is_unlike(times: _Leaky | _Sloped, dt_ms: float, fired_hz: float | None) -> bool:
    """Whether a rate that was measured with this step is not what the estimate says of it."""
    if fired_hz is None:
        return False
    return not abs(1000.0 * _rate(times, dt_ms) - fired_hz) <= _LIKE * fired_hz


def _rate(times: _Leaky | _Sloped, dt_ms: float) -> float:
    """Spikes a ms and neuron, on a grid of this step; without a grid where it is 0."""
    jump, lasts = times.adaptation()
    if not np.any(jump):
        return float(np.mean(1.0 / times.between(dt_ms, 0.0)))
    # What a neuron's own spikes leave behind slows it: the rate is where both agree.
    low = np.zeros(jump.shape)
    high = np.mean(1.0 / times.between(dt_ms, 0.0), axis=0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        found = np.mean(1.0 / times.between(dt_ms, jump * lasts * middle), axis=0)
        low, high = np.where(found > middle, middle, low), np.where(found > middle, high, middle)
    return float(np.mean((low + high) / 2.0))


def _on_grid(
    integrated: np.ndarray, population: NeuronModel, given: KnownInput, dt_ms: float
) -> np.ndarray:
    """The time between spikes, of which all but the refractory period is given."""
    held = population.refractory_ms
    if not dt_ms:
        return np.maximum(integrated + held, 1e-6)
    steps = max(round(held / dt_ms) - 1, 0)  # it begins with the step of the spike
    if isinstance(population, LIF) and population.reset == "subtract":
        whole = np.maximum(integrated, dt_ms)  # what lies above the threshold is not lost
    elif given.noisy:
        whole = np.maximum(integrated + dt_ms / 2.0, dt_ms)
    else:
        whole = dt_ms * np.maximum(np.ceil(integrated / dt_ms - 1e-9), 1.0)
    return steps * dt_ms + whole


@functools.cache
def _points_of_gauss() -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of an integral from -1 to 1."""
    return np.polynomial.legendre.leggauss(40)


def _pairs(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pairs of numbers, each as one, flat."""
    pairs = np.empty(one.shape, complex)
    pairs.real, pairs.imag = one, other
    return pairs.ravel()


class _Leaky:
    """Leaky integrate-and-fire neurons under their input."""

    def __init__(self, population: LIF, given: KnownInput):
        def own(value: Any) -> np.ndarray:
            return each(value, population)[given.which]

        self.population, self.given = population, given
        rest, tau = own(population.v_rest_mv), own(population.tau_m_ms)
        self.tau = tau / (1.0 + given.conductance)
        self.ends = (rest + given.drive + tau * given.drift) / (1.0 + given.conductance)
        self.threshold = own(population.threshold_mv)
        self.start = own(population.reset_mv)
        if isinstance(population, AdaptiveLIF):
            self.threshold = self.threshold + own(population.threshold_offset_mv)
        if population.reset == "subtract":
            self.start = rest
        self.spread = np.sqrt(given.variance)
        self.lifted = [
            (rate, (rest + given.drive + drive) / (1.0 + given.conductance + open_), smooth)
            for rate, drive, open_, smooth in given.events
        ]

    def adaptation(self) -> tuple[np.ndarray, np.ndarray]:
        """What a spike adds to the threshold, and how long that lasts within a trial, in ms."""
        population = self.population
        if not isinstance(population, AdaptiveLIF):
            return np.zeros(1), np.zeros(1)
        which = self.given.which
        jump = each(population.threshold_increment_mv, population)[which]
        lasts = each(population.tau_threshold_ms, population)[which]
        return jump, np.minimum(lasts, self.given.duration_ms / 2.0)

    def between(self, dt_ms: float, raised: Any) -> np.ndarray:
        """From spike to spike in ms, with the threshold raised by so much; infinite if never."""
        given = self.given
        threshold = self.threshold + raised
        reached = np.maximum(threshold, self.start + 1e-9)
        if not given.variance.any():
            time = self.tau * np.log((self.ends - self.start) / (self.ends - reached))
            time = np.where(self.ends > reached, time, np.inf)
            lasts = self._above_ms(reached)
            if np.isfinite(lasts) and np.median(time[self.ends > reached]) > _SLOW * lasts:
                return np.full(time.shape, np.inf)
            whole = _on_grid(time, self.population, given, dt_ms)
            # Of a drive that lasts so long on average, and ends by chance.
            return lasts * np.expm1(whole / lasts) if np.isfinite(lasts) else whole
        lifts, sinks = given.lifts, given.sinks
        both = np.sqrt(4.0 * lifts * sinks) / np.maximum(lifts + sinks, 1e-12)
        together = (lifts + sinks) * dt_ms
        missed = 1.0 - np.where(together > 0, -np.expm1(-together) / together, 1.0)
        shift = _OVERSHOOT * self.spread * math.sqrt(dt_ms) * both * missed
        time = self._passage(reached + shift, dt_ms)
        # A potential of few and large jumps reaches the threshold with one of them at the earliest.
        size = np.where(lifts > 0, self.spread / np.sqrt(lifts + sinks), np.inf)
        jumps = np.maximum(np.ceil((reached - self.start) / size), 1.0)
        alone = self.ends - self.tau * given.drift <= reached
        time = np.where(alone, np.maximum(time, jumps / np.maximum(lifts, 1e-12)), time)
        return _on_grid(time, self.population, given, dt_ms)

    def _above_ms(self, threshold: np.ndarray) -> float:
        """How long the drive stays above threshold when it comes there; infinite if always.

        The longer of two: of large events, the share of time above by how often one leads there;
        of many small ones, by how often a Gaussian process crosses a level upwards (Rice 1944).
        """
        above = self.ends > threshold
        if above.all() or not above.any():
            return math.inf
        share = float(above.mean())
        rises = [rate * (~above & (after > threshold)) for rate, after, _ in self.lifted]
        often = float(sum(np.mean(rise) for rise in rises))
        if not often:
            return math.inf
        smooth = sum(float(np.mean(r * k)) for r, (_, _, k) in zip(rises, self.lifted, strict=True))
        level = NormalDist().inv_cdf(share)
        crossings = math.exp(-(level**2) / 2.0) / (2.0 * math.pi * smooth / often)
        return share / min(often, crossings)

    def _passage(self, threshold: np.ndarray, dt_ms: float) -> np.ndarray:
        """Mean time from reset to threshold, by Siegert's formula."""
        from scipy.special import erfcx

        # On the grid what comes within a step comes at its end, and has not decayed yet.
        x = np.maximum(dt_ms / self.tau, 1e-9)
        ends = self.ends + self.tau * self.given.drift * (x / -np.expm1(-x) - 1.0)
        sigma = np.sqrt(self.tau * 2.0 * x / -np.expm1(-2.0 * x))
        sigma = np.maximum(self.spread * sigma, 1e-6)
        low, high = (self.start - ends) / sigma, (threshold - ends) / sigma
        # Input that is constant is the same at all moments: each once.
        both, which = np.unique(_pairs(low, high), return_inverse=True)
        points, weights = _points_of_gauss()
        half = (both.imag - both.real) / 2.0
        u = both.real[:, None] + half[:, None] * (points + 1.0)
        integral = (half * (erfcx(-u) @ weights))[which].reshape(low.shape)
        return np.asarray(self.tau * math.sqrt(math.pi) * integral)


@dataclass
class _Sloped:
    """Neurons whose spike is a peak that is reached by the slope of their own equation.

    `slope` is that at `v`, (points, neurons), without input; `by_drive` and `by_adaptation` are by
    how much one unit changes it; `jump` and `lasts` are what a spike adds to the adaptation, and
    the time constant of that.
    """

    population: NeuronModel
    given: KnownInput
    v: np.ndarray
    slope: np.ndarray
    by_drive: np.ndarray
    by_adaptation: np.ndarray
    settled: np.ndarray
    jump: np.ndarray
    lasts: np.ndarray

    @classmethod
    def of(cls, population: NeuronModel, given: KnownInput) -> _Sloped | None:
        """None where the equations are of another form than drive, conductance and adaptation.

        Or where the adaptation follows v so fast that it is not what a mean rate keeps up.
        """
        slopes = population.slopes
        parameters = population.grid_parameters()
        start = each(population.reset_mv, population)
        known = {"v", "drive", "conductance", "adaptation", *parameters}
        taken = set(inspect.signature(slopes).parameters) if slopes else set()
        if slopes is None or not taken <= known or "drive" not in taken:
            return None
        peak = each(population.threshold_mv, population)
        columns: dict[str, list[Any]] = {k: [] for k in ("v", "slope", "drive", "by", "w", "t")}
        for k in given.which:
            own = {n: float(each(x, population)[k]) for n, x in parameters.items() if n in taken}

            def at(
                v: float, drive: float = 0.0, w: float = 0.0, own: dict[str, float] = own
            ) -> Any:
                now = {"drive": drive, "conductance": 0.0, "adaptation": w}
                return slopes(v=v, **{n: x for n, x in now.items() if n in taken}, **own)

            v = np.linspace(start[k], peak[k], _POINTS)
            columns["v"].append(v)
            columns["slope"].append([at(x)[0] for x in v])
            columns["drive"].append(at(v[0], 1.0)[0] - at(v[0])[0])
            columns["by"].append(at(v[0], w=1.0)[0] - at(v[0])[0])
            swing = (at(v[0] + 1.0)[-1] - at(v[0])[-1]) * columns["by"][-1]
            if "adaptation" in taken and abs(swing) * _SWING_MS**2 > 1.0 + 1e-9:
                return None
            rest = float(v[int(np.argmin(columns["slope"][-1]))])
            decay = at(rest)[-1] - at(rest, w=1.0)[-1] if "adaptation" in taken else 0.0
            columns["w"].append(at(rest)[-1] / decay if decay > 0 else 0.0)
            columns["t"].append(1.0 / decay if decay > 0 else 0.0)
        jump: Any = parameters.get(population.jumps.get("adaptation", ""), 0.0)
        jump = np.maximum(each(jump, population)[given.which], 0.0)
        v, slope, drive, by, settled, lasts = (np.array(column).T for column in columns.values())
        lasts = np.minimum(lasts, given.duration_ms / 2.0)
        return cls(population, given, v, slope, drive, by, settled, jump, lasts)

    def adaptation(self) -> tuple[np.ndarray, np.ndarray]:
        """What a spike adds to the adaptation, and how long that lasts within a trial, in ms."""
        return self.jump, self.lasts

    def between(self, dt_ms: float, raised: Any) -> np.ndarray:
        """From spike to spike in ms, with so much adaptation more; infinite if never."""
        given = self.given
        pull = given.drive * self.by_drive + given.drift
        pull = pull + (self.settled + raised) * self.by_adaptation
        conducted = self.by_drive * given.conductance * self.v[:, None]
        slope = self.slope[:, None] + pull - conducted
        spacing = (self.v[-1] - self.v[0]) / (_POINTS - 1)
        time = spacing * (np.sum(1.0 / slope, axis=0) - 0.5 / slope[0] - 0.5 / slope[-1])
        time = np.where((slope > 0).all(axis=0), time, np.inf)
        return _on_grid(time, self.population, given, dt_ms)
