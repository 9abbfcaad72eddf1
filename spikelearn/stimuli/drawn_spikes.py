"""Spikes drawn at given rates: a Poisson process, and a Bernoulli process.

The number of Poisson spikes of a source in a step is drawn from the Poisson distribution of the
mean rate times the step, whatever the rate: there are steps with several spikes, the variance of a
count is its mean, and how fine the grid is makes no difference to how many spikes there are. A
Bernoulli process has one spike a step at most, and a variance that is smaller by the factor
1 - rate dt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, bounded, require_memory
from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn._time_steps import checked_steps
from spikelearn.stimuli.stimulus import silent

# Of numbers drawn by inversion: the mean, and a number that none reaches.
_LARGEST_MEAN, _LARGEST_NUMBER = 30.0, 200
_DRAWN_TOGETHER = 2**22  # numbers
# Of a spike as drawn, sorted and moved to the grid; of a trial, whatever it has.
SPIKE_BYTES, TRIAL_BYTES = 96, 600
_ROUNDING = 1e-15  # of probabilities


def poisson_spikes(
    size: int,
    rate_hz: float | np.ndarray,
    duration_ms: float,
    dt_ms: float,
    generator: np.random.Generator,
    n_trials: int = 1,
) -> PopulationSpikes:
    """Poisson spikes on the grid; several of a source in a step stand there as many times.

    Parameters
    ----------
    size : int
        Number of sources.
    rate_hz : float, or array that broadcasts to (n_conditions, n_steps, size)
        Their rates, at least 0. The rate of step k is that over the interval that begins at
        k * dt_ms.
    duration_ms, dt_ms : float
        Duration of a trial and time step.
    generator : numpy.random.Generator
    n_trials : int
        Trials of each condition, which follow one another.

    Raises
    ------
    SpikelearnError
        If a rate is negative or not finite, the array has another shape, or there would be more
        spikes than the free memory holds.
    """
    rates = np.asarray(rate_hz, dtype=np.float64)
    n_steps = checked_steps(duration_ms, dt_ms)
    rates = rates.reshape((1,) * (3 - rates.ndim) + rates.shape) if rates.ndim < 3 else rates
    if rates.ndim != 3 or rates.shape[1] not in (1, n_steps) or rates.shape[2] not in (1, size):
        raise SpikelearnError(
            f"rates must have shape (conditions, {counted(n_steps, 'step')},"
            f" {counted(size, 'source')}), or 1 in place"
            f" of a number, found {rates.shape}"
        )
    if not np.isfinite(rates).all():
        raise SpikelearnError("rate_hz must be finite, found NaN or infinity")
    if rates.min() < 0:
        raise SpikelearnError(f"rate_hz must be at least 0, found {rates.min():g}")
    if not rates.any():
        return silent(size)
    rows = (row * dt_ms / 1000.0 for row in rates for _ in range(n_trials))
    check_memory(rates.mean() * size * len(rates) * n_trials, duration_ms)
    return counted_spikes(rows, size, n_steps, dt_ms, generator)


def counted_spikes(
    means: Iterable[np.ndarray],
    size: int,
    n_steps: int,
    dt_ms: float,
    generator: np.random.Generator,
) -> PopulationSpikes:
    """Spikes whose number in a step has a Poisson distribution, independently of all others.

    Parameters
    ----------
    means : iterable of arrays that broadcast to (n_steps, size)
        Their mean number in each step; one array for each trial, drawn in turn, so that a trial's
        spikes do not depend on how many follow it.
    size : int
        Number of sources.
    n_steps : int
        Steps of a trial.
    dt_ms : float
        Time step.
    generator : numpy.random.Generator
    """
    parts = []
    for mean in means:
        if mean.ndim == 1 and mean.max(initial=0.0) <= 1:
            at, who, uniform = _candidates(mean, n_steps, generator)
            of_place = mean[who]
        else:
            # From means of about 1 on there are as many spikes as steps.
            at, who, uniform, of_place = _thinned(mean, size, n_steps, generator)
        number = _numbers(uniform, of_place, generator)
        parts.append((np.repeat(at, number), np.repeat(who, number)))
    return _in_trials(parts, size, dt_ms)


def bernoulli_spikes(
    probabilities: Iterable[np.ndarray],
    size: int,
    n_steps: int,
    dt_ms: float,
    generator: np.random.Generator,
) -> PopulationSpikes:
    """At most one spike a step and source, with the given probability, independently.

    Parameters
    ----------
    probabilities : iterable of arrays of shape (size,)
        One for each trial, drawn in turn, so that a trial's spikes do not depend on how many
        follow it.
    size : int
        Number of sources.
    n_steps : int
        Steps of a trial.
    dt_ms : float
        Time step.
    generator : numpy.random.Generator
    """
    parts = [_candidates(probability, n_steps, generator)[:2] for probability in probabilities]
    return _in_trials(parts, size, dt_ms)


def _in_trials(
    parts: list[tuple[np.ndarray, np.ndarray]], size: int, dt_ms: float
) -> PopulationSpikes:
    """Spikes of the steps and senders of one trial after another."""
    steps, senders = (np.concatenate(column) for column in zip(*parts, strict=True))
    trials = np.repeat(np.arange(len(parts)), [at.size for at, _ in parts])
    return PopulationSpikes.from_unsorted(size, steps * dt_ms, senders, trials)


def _thinned(
    mean: np.ndarray, size: int, n_steps: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where a uniform number lies below the mean: step, sender, the number, and the mean.

    Some steps at a time, which is the same and takes little memory.
    """
    columns: list[tuple[np.ndarray, ...]] = []
    means = np.broadcast_to(mean, (n_steps, size))
    for here in pieces(n_steps, length=max(1, _DRAWN_TOGETHER // size)):
        drawn = generator.random((here.stop - here.start, size))
        at, who = np.nonzero(drawn < means[here])
        columns.append((at + here.start, who, drawn[at, who], means[here][at, who]))
    at, who, uniform, of_place = (np.concatenate(part) for part in zip(*columns, strict=True))
    return at, who, uniform, of_place


def _candidates(
    probability: np.ndarray, n_steps: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps and senders of Bernoulli spikes, and for each a number uniform below its probability.

    By thinning: all that might spike do so with the highest probability, which a walk from one to
    the next finds, by gaps of a geometric distribution; then each is kept with what is left of its
    own. It costs as much as there are spikes, not as much as there are steps.
    """
    active = np.flatnonzero(probability > 0)
    n_places, place = n_steps * active.size, -1
    if not n_places:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    highest = float(probability[active].max())
    walks = []
    while place < n_places:
        more = (n_places - place) * highest
        gaps = generator.geometric(highest, int(more + 4.0 * math.sqrt(more)) + 8)
        # A gap of a tiny probability may be the largest integer there is.
        walks.append(place + np.cumsum(np.minimum(gaps, n_places + 1)))
        place = int(walks[-1][-1])
    places = np.concatenate(walks)
    at, who = np.divmod(places[places < n_places], active.size)
    who = active[who]
    uniform = generator.random(who.size) * highest
    kept = uniform < probability[who]
    return at[kept], who[kept], uniform[kept]


def _numbers(uniform: np.ndarray, mean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Poisson numbers by inversion: the largest n with P(N >= n) above the uniform number.

    P(N >= 1) is below the mean, so that where the uniform number is not, there is no spike and
    nothing to be done; and a low rate has the spikes of a Bernoulli process but for a few, those
    of the share mean / 2 that are none or several.

    Parameters
    ----------
    uniform, mean : arrays of shape (n,)
        Uniform numbers, and the means of the distributions.
    generator : numpy.random.Generator
        Draws those of large means another way.
    """
    numbers = np.zeros(mean.size, dtype=np.int64)
    large = mean > _LARGEST_MEAN
    if large.any():
        numbers[large] = generator.poisson(mean[large])
    left = -np.expm1(-mean)  # P(N > n) for n = 0
    some = uniform < left
    if large.any():
        some &= ~large
    numbers[some] = 1
    # Of a low rate few are left to look at: P(N > 1) is below half the mean squared.
    more = np.flatnonzero(some & (uniform < 0.5 * mean**2 + _ROUNDING))
    uniform, mean, left = uniform[more], mean[more], left[more]
    chance = np.exp(-mean)  # P(N = n)
    for n in range(1, _LARGEST_NUMBER):
        numbers[more] = n
        chance = chance * mean / n
        left = left - chance
        still = uniform < left
        if not still.any():
            break
        more, uniform, mean = more[still], uniform[still], mean[still]
        chance, left = chance[still], left[still]
    return numbers


def check_memory(rate_hz: float, duration_ms: float) -> None:
    """Refuse rates that make more spikes than the memory holds.

    Parameters
    ----------
    rate_hz : float
        Of all sources and trials together.
    duration_ms : float
        Duration of a trial.

    Raises
    ------
    NoRoomError
        Saying how much it would need.
    """
    n_spikes = bounded(rate_hz) * bounded(duration_ms) / 1000.0
    spikes = Part(
        f"about {counted(n_spikes, 'spike')}",
        n_spikes * SPIKE_BYTES,
        "lower rate_hz, or show fewer trials at once; Poisson input to neurons that is given as"
        " background of the network is counted as it comes",
    )
    require_memory("drawing it", [spikes])


def checked_probability(rate_hz: float, dt_ms: float) -> float:
    """Probability of a spike within one step of `dt_ms` at `rate_hz`, of a Bernoulli process.

    Raises
    ------
    SpikelearnError
        If it exceeds 1.
    """
    probability = rate_hz * dt_ms / 1000.0
    if not math.isfinite(probability) or probability > 1:
        raise SpikelearnError(
            f"a rate of {rate_hz:g} Hz needs more than one spike per {dt_ms:g} ms step, of which a"
            f" Bernoulli process has one at most; the most is {1000.0 / dt_ms:g} Hz"
        )
    return probability
