"""What comes from outside on the time grid: spikes of sources, background, noise and currents."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import counter_key, generator
from spikelearn._time_steps import in_steps, nearest_steps
from spikelearn.networks.projections import UNITS
from spikelearn.networks.spiking import BackgroundInput, NoiseInput, SpikingNetwork
from spikelearn.simulation.grid.neurons import gain_of
from spikelearn.simulation.grid.poisson import LARGEST_MEAN, PoissonNumbers, poisson_numbers
from spikelearn.stimuli.stimulus import Stimulus

# What a backend may lack of sources.
SEVERAL_SPIKES = "way to sum several spikes of a source neuron in one step"

_BACKGROUND_BLOCK = 64  # steps drawn at once, where each is asked for by itself


class LeftOutWarning(UserWarning):
    """Input that lies after the end of the run is no part of it."""


@dataclass(frozen=True)
class GridSpikes:
    """Spikes of one population on the grid; arrays of shape (n_spikes,).

    Several spikes of a neuron in a step stand there as many times. Those of a source are sorted by
    step, then by trial, and then come in rounds: the first spikes of all neurons, the second ones
    of those that have several, and so on, each round by neuron. Those that an engine found may be
    in any order.
    """

    size: int
    steps: np.ndarray
    trials: np.ndarray
    senders: np.ndarray
    rounds: np.ndarray | None = None  # of each spike, from 0; None where all are of the first

    @property
    def most(self) -> int:
        """Spikes of a source's neuron in a step, at most."""
        return 1 if self.rounds is None else int(self.rounds.max()) + 1

    @property
    def width(self) -> int:
        """Most spikes of a source in one step of one trial, or its size where that is more."""
        if self.rounds is None:
            return self.size
        begins = np.flatnonzero((np.diff(self.steps) != 0) | (np.diff(self.trials) != 0)) + 1
        bounds = np.concatenate([[0], begins, [self.steps.size]])
        return max(self.size, int(np.diff(bounds).max()))


@dataclass(frozen=True)
class Background:
    """Poisson spike counts for each neuron of a population, each drawn by its place alone."""

    target: str
    channel: int | None
    weight: np.ndarray  # (size,)
    mean_count: float
    size: int
    seed: int
    index: int
    start_step: int
    stop_step: int

    @property
    def numbers(self) -> PoissonNumbers:
        """What the counts are drawn from."""
        return poisson_numbers(self.mean_count, self.size)

    def fill(self, trial: int, first_step: int, low: int, counts: np.ndarray) -> None:
        """Write the counts of some steps and neurons of a trial.

        Parameters
        ----------
        trial : int
        first_step, low : int
            The first step, and the first neuron.
        counts : array of shape (n_steps, n_neurons)
            Where they are written; of integers in which those of `numbers` have room.
        """
        begin, end = (
            min(max(step - first_step, 0), len(counts))
            for step in (self.start_step, self.stop_step)
        )
        counts[:begin], counts[end:] = 0, 0
        if begin < end:
            key = counter_key(self.seed, "background", self.index, trial)
            self.numbers.draw(key, first_step + begin, low, counts[begin:end])

    def block(self, trial: int, first_step: int, n_steps: int) -> np.ndarray:
        """Counts of all neurons at some steps of a trial.

        Parameters
        ----------
        trial, first_step, n_steps : int

        Returns
        -------
        array of shape (n_steps, size)
        """
        counts = np.empty((n_steps, self.size), self.numbers.dtype)
        self.fill(trial, first_step, 0, counts)
        return counts

    def counts(self, first_trial: int, last_trial: int) -> Iterator[np.ndarray]:
        """For each step in turn, counts of shape (last_trial - first_trial, size), int64."""
        for first_step in itertools.count(0, _BACKGROUND_BLOCK):
            blocks = [
                self.block(trial, first_step, _BACKGROUND_BLOCK)
                for trial in range(first_trial, last_trial)
            ]
            yield from np.stack(blocks, axis=1).astype(np.int64)


@dataclass(frozen=True)
class Noise:
    """A current drawn anew every `interval_steps` for each neuron, trial by trial."""

    target: str
    mean: np.ndarray  # (size,), as the model's equation takes it
    sd: np.ndarray  # (size,)
    interval_steps: int
    seed: int
    index: int

    def values(self, first_trial: int, last_trial: int) -> Iterator[np.ndarray]:
        """For each step in turn, currents of shape (last_trial - first_trial, size)."""
        streams = [
            generator(self.seed, "noise", self.index, trial)
            for trial in range(first_trial, last_trial)
        ]
        while True:
            drawn = np.stack([stream.standard_normal(self.mean.size) for stream in streams])
            value = self.mean + self.sd * drawn
            for _ in range(self.interval_steps):
                yield value


def background_on_grid(
    index: int,
    item: BackgroundInput,
    network: SpikingNetwork,
    channel: int | None,
    n_steps: int,
    dt_ms: float,
    seed: int,
) -> Background:
    """Background input, drawn from Poisson distributions during the run.

    Parameters
    ----------
    index : int
        Its place among the network's background inputs, which names its random numbers.
    item : BackgroundInput
    network : SpikingNetwork
        The description that it belongs to.
    channel : int or None
        The target's channel that its spikes jump; None for the potential itself.
    n_steps : int
        Steps of a trial, at whose end it stops unless it says when.
    dt_ms : float
        Time step of the grid, in ms.
    seed : int
        Of the random numbers.

    Raises
    ------
    SpikelearnError
        Where its start or stop is no multiple of the step, or its rate is out of all proportion.
    """
    what = f"background input of '{item.target}'"
    target = network.neurons[item.target]
    mean = item.rate_hz * dt_ms / 1000.0
    if mean > LARGEST_MEAN:
        raise SpikelearnError(
            f"{what}: rate_hz must be at most {1000.0 * LARGEST_MEAN / dt_ms:g} at a time step of"
            f" {dt_ms:g} ms, found {item.rate_hz:g}; so many spikes are a constant current"
        )
    stop = n_steps if item.stop_ms is None else in_steps(item.stop_ms, dt_ms, f"{what}: stop_ms")
    return Background(
        target=item.target,
        channel=channel,
        weight=np.broadcast_to(item.weight * gain_of(item, network), (target.size,)).copy(),
        mean_count=mean,
        size=target.size,
        seed=seed,
        index=index,
        start_step=in_steps(item.start_ms, dt_ms, f"{what}: start_ms"),
        stop_step=stop,
    )


def noise_on_grid(
    index: int, item: NoiseInput, network: SpikingNetwork, dt_ms: float, seed: int
) -> Noise:
    """Noise, drawn from normal distributions during the run.

    Parameters
    ----------
    index : int
        Its place among the network's noises, which names its random numbers.
    item : NoiseInput
    network : SpikingNetwork
        The description that it belongs to.
    dt_ms : float
        Time step of the grid, in ms.
    seed : int
        Of the random numbers.

    Raises
    ------
    SpikelearnError
        Where its interval is no multiple of the step.
    """
    target = network.neurons[item.target]
    gain = target.gains()[item.unit]
    interval = in_steps(item.interval_ms, dt_ms, f"noise of '{item.target}': interval_ms")
    if interval < 1:
        raise SpikelearnError(
            f"noise of '{item.target}': interval_ms must be at least the time step {dt_ms:g} ms,"
            f" found {item.interval_ms:g} ms"
        )

    def each(value: Any) -> np.ndarray:
        return np.broadcast_to(value * np.asarray(gain), (target.size,)).copy()

    return Noise(item.target, each(item.mean), each(item.sd), interval, seed, index)


def sources_on_grid(
    network: SpikingNetwork, stimulus: Stimulus, n_steps: int, dt_ms: float
) -> dict[str, GridSpikes]:
    """The stimulus's spikes of every source, moved to the nearest grid points.

    Parameters
    ----------
    network : SpikingNetwork
        Its sources are what must be given, with their sizes.
    stimulus : Stimulus
    n_steps : int
        Steps of a trial.
    dt_ms : float
        Time step of the grid, in ms.

    Returns
    -------
    dict of GridSpikes
        By source.

    Raises
    ------
    SpikelearnError
        Where sources differ, or a spike lies before the trial.

    Warns
    -----
    LeftOutWarning
        Where spikes lie after the last step, as those of a longer recording do.
    """
    for name in stimulus.spikes:
        if name not in network.sources:
            known = ", ".join(network.sources) or "none"
            raise SpikelearnError(
                f"the stimulus has spikes for '{name}', which is no spike source of network"
                f" '{network.name}'; its sources are: {known}"
            )
    sources: dict[str, GridSpikes] = {}
    left_out: list[str] = []
    for name, size in network.sources.items():
        spikes = stimulus.spikes.get(name)
        if spikes is None:
            raise SpikelearnError(
                f"network '{network.name}' has a spike source '{name}', for which the stimulus"
                " gives no spikes"
            )
        if spikes.size != size:
            raise SpikelearnError(
                f"the stimulus has {spikes.size} input neurons for '{name}', the network {size}"
            )
        steps = nearest_steps(spikes.times_ms, dt_ms)
        early = steps < 0
        if early.any():
            raise SpikelearnError(
                f"input spikes of '{name}' must not lie before 0 ms, found {int(early.sum())} of"
                f" {early.size} that do, the first at {spikes.times_ms.min():g} ms"
            )
        who, trials = spikes.senders, spikes.trials
        within = steps < n_steps
        if not within.all():
            late = float(spikes.times_ms.max())
            left_out.append(
                f"{within.size - int(within.sum())} of {within.size} of '{name}'"
                + _way_in(int(steps.max()), late, n_steps, dt_ms)
            )
            steps, who, trials = steps[within], who[within], trials[within]
        sources[name] = _in_rounds(steps, trials, who, stimulus.n_trials, size)
    if left_out:
        warnings.warn(
            f"input spikes after the end of the run, whose last step is at"
            f" {(n_steps - 1) * dt_ms:g} ms, are left out: {'; '.join(left_out)}",
            LeftOutWarning,
            stacklevel=4,
        )
    return sources


def _way_in(last_step: int, last_ms: float, n_steps: int, dt_ms: float) -> str:
    """What would take up spikes after the last grid point."""
    advice = f" (a duration_ms of {(last_step + 1) * dt_ms:g} ms would take them up"
    if last_ms < n_steps * dt_ms:  # in the last half step, which is nearest to the trial's end
        finer_ms = n_steps * dt_ms - last_ms
        advice += f", or a dt_ms of at most {finer_ms:.3g} ms: a spike goes to the nearest step"
    return f"{advice})"


def _in_rounds(
    steps: np.ndarray, trials: np.ndarray, senders: np.ndarray, n_trials: int, size: int
) -> GridSpikes:
    """Spikes by step, then trial, then round, then sender."""
    order = _by_step(steps, trials, senders, n_trials, size)
    steps, trials, senders = steps[order], trials[order], senders[order]
    again = (np.diff(steps) == 0) & (np.diff(trials) == 0) & (np.diff(senders) == 0)
    if not again.any():
        return GridSpikes(size, steps, trials, senders)
    first = np.append(0, np.flatnonzero(~again) + 1)
    rounds = np.arange(steps.size) - np.repeat(first, np.diff(np.append(first, steps.size)))
    # Senders are in order already, and stay so within a round.
    order = _by_step(steps, trials, rounds, n_trials, int(rounds.max()) + 1)
    return GridSpikes(size, steps[order], trials[order], senders[order], rounds[order])


def _by_step(
    steps: np.ndarray, trials: np.ndarray, third: np.ndarray, n_trials: int, size: int
) -> np.ndarray:
    """The order by step, then trial, then a third number below `size`: sender or round."""
    highest = (int(steps.max(initial=0)) + 1) * n_trials * size
    if highest >= 2**63:
        return np.lexsort((third, trials, steps))
    # One number for all three: spikes mostly are in order, or nearly, and then are sorted at once.
    return np.argsort((steps * n_trials + trials) * size + third, kind="stable")


def currents_on_grid(
    network: SpikingNetwork, stimulus: Stimulus, n_steps: int
) -> dict[str, np.ndarray]:
    """The stimulus's currents, in the unit of each population's equation.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : Stimulus
    n_steps : int
        Steps of a trial.

    Returns
    -------
    dict of arrays of shape (n_trials or 1, n_steps, size or 1)
        By population: mV of R I for leaky integrate-and-fire neurons, mV/ms for the others.

    Raises
    ------
    SpikelearnError
        Where a population is unknown, or does not take the current's unit or shape.
    """
    drives: dict[str, np.ndarray] = {}
    for unit, currents in stimulus.currents.items():
        for name, current in currents.items():
            if name not in network.neurons:
                raise SpikelearnError(
                    f"the stimulus has a current into '{name}', which is no population of neurons"
                    f" of network '{network.name}'"
                )
            population = network.neurons[name]
            gains = {u: gain for u, gain in population.gains().items() if u != "ns"}
            if unit not in gains:
                raise SpikelearnError(
                    f"the current into '{name}' is in {UNITS[unit]}, but neurons of model"
                    f" {population.model} take {' or '.join(UNITS[u] for u in gains)}"
                    + (f" (pA where {scale} is set)" if (scale := population.scale_field) else "")
                )
            _check_current(name, current, stimulus.n_trials, n_steps, population.size)
            array = np.asarray(current, dtype=np.float64)
            array = np.broadcast_to(array, (array.shape[0], n_steps, array.shape[2]))
            if np.ndim(gains[unit]) or gains[unit] != 1.0:
                array = array * gains[unit]
            drives[name] = drives[name] + array if name in drives else array
    return drives


def _check_current(name: str, current: np.ndarray, n_trials: int, n_steps: int, size: int) -> None:
    allowed = ((1, n_trials), (1, n_steps), (1, size))
    for axis, (entries, possible) in enumerate(zip(current.shape, allowed, strict=True)):
        if entries not in possible:
            raise SpikelearnError(
                f"the current into '{name}' must have"
                f" {' or '.join(str(p) for p in sorted(set(possible)))} entries along"
                f" {('trials', 'steps', 'neurons')[axis]}, found {entries}"
            )
