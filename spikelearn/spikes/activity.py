"""`Activity`: what a simulation leaves behind, in the shape every later room reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import neo


@dataclass(frozen=True)
class PopulationSpikes:
    """Spikes of one population over all trials, sorted by trial, then time, then sender.

    Parameters
    ----------
    size : int
        Number of neurons.
    times_ms : array of shape (n_spikes,), float64
        Spike times in ms from the start of their trial.
    senders : array of shape (n_spikes,), int64
        Index of the neuron within the population, 0 to size - 1.
    trials : array of shape (n_spikes,), int64
        Index of the trial.
    """

    size: int
    times_ms: np.ndarray
    senders: np.ndarray
    trials: np.ndarray

    @classmethod
    def from_unsorted(
        cls, size: int, times_ms: np.ndarray, senders: np.ndarray, trials: np.ndarray | int = 0
    ) -> PopulationSpikes:
        """Sort spikes given in any order.

        Raises
        ------
        SpikelearnError
            If the arrays differ in length, or a sender lies outside the population.
        """
        times = np.asarray(times_ms, dtype=np.float64).ravel()
        who = np.asarray(senders, dtype=np.int64).ravel()
        which = np.broadcast_to(np.asarray(trials, dtype=np.int64), times.shape)
        if who.shape != times.shape:
            raise SpikelearnError(f"{times.size} spike times but {who.size} senders were given")
        if who.size and not (0 <= who.min() and who.max() < size):
            raise SpikelearnError(
                f"senders must lie in 0 to {size - 1}, found {who.min()} to {who.max()}"
            )
        order = np.lexsort((who, times, which))
        return cls(size, times[order], who[order], which[order].copy())

    def __len__(self) -> int:
        return int(self.times_ms.size)

    def counts(self, n_trials: int) -> np.ndarray:
        """Spike counts, array of shape (n_trials, size)."""
        flat = np.bincount(self.trials * self.size + self.senders, minlength=n_trials * self.size)
        return flat.reshape(n_trials, self.size)

    def trains(self, trial: int) -> list[np.ndarray]:
        """One array of spike times (ms) per neuron, for one trial."""
        first, last = np.searchsorted(self.trials, [trial, trial + 1])
        times, senders = self.times_ms[first:last], self.senders[first:last]
        order = np.argsort(senders, kind="stable")
        bounds = np.searchsorted(senders[order], np.arange(self.size + 1))
        times = times[order]
        return [times[a:b] for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


@dataclass(frozen=True)
class Activity:
    """Spikes, recorded state and provenance of one call of `simulate`.

    Parameters
    ----------
    populations : mapping of str to PopulationSpikes
        Spikes of every recorded population.
    duration_ms : float
        Duration of each trial in ms.
    dt_ms : float
        Time step of the grid in ms.
    n_trials : int
        Number of trials (stimuli).
    labels : sequence of str
        One label per trial: which stimulus it was.
    states : mapping of str to array of shape (n_trials, n_steps, size)
        Recorded state by "population.variable" (`v_mv`: membrane potential in mV).
    weights : mapping of str to array of shape (source size, target size)
        Final weights in mV of plastic projections, by "source->target".
    provenance : mapping
        What was run: network, stimulus, backend and its version, seed. Plain YAML values.
    """

    populations: Mapping[str, PopulationSpikes]
    duration_ms: float
    dt_ms: float
    n_trials: int = 1
    labels: Sequence[str] = ()
    states: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labels:
            object.__setattr__(self, "labels", tuple(str(i) for i in range(self.n_trials)))
        if len(self.labels) != self.n_trials:
            raise SpikelearnError(
                f"{len(self.labels)} stimulus labels were given for {self.n_trials} trials"
            )

    def __getitem__(self, population: str) -> PopulationSpikes:
        try:
            return self.populations[population]
        except KeyError:
            known = ", ".join(self.populations) or "none"
            raise SpikelearnError(
                f"no population called '{population}' was recorded; recorded are: {known}"
            ) from None

    @property
    def n_spikes(self) -> int:
        """Number of spikes over all recorded populations and trials."""
        return sum(len(spikes) for spikes in self.populations.values())

    def rate_hz(self, population: str) -> float:
        """Mean firing rate of a population in Hz, over neurons and trials."""
        spikes = self[population]
        neuron_seconds = spikes.size * self.n_trials * self.duration_ms / 1000.0
        return len(spikes) / neuron_seconds

    def to_neo(self) -> neo.Block:
        """The activity as a Neo block; see `spikelearn.spikes.neo_conversion`."""
        from spikelearn.spikes.neo_conversion import to_neo

        return to_neo(self)

    def save(self, path: str | Path) -> Path:
        """Write the activity; the suffix chooses the format (see `spikelearn.spikes.FORMATS`)."""
        from spikelearn.spikes import save

        return save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Activity:
        """Read what `save` wrote."""
        from spikelearn.spikes import load

        return load(path)
