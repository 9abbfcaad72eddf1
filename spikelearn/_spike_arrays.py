"""Spikes of one population as flat arrays: what stimuli feed in and simulations give back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError


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
        if not np.isfinite(times).all():
            raise SpikelearnError("spike times must be finite, found NaN or infinity")
        if who.size and not (who.min() >= 0 and who.max() < size):
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
        return [times[a:b] for a, b in itertools.pairwise(bounds)]
