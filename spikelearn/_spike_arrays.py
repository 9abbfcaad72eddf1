"""Spikes of one population as flat arrays: what stimuli feed in and simulations give back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._arguments import in_few
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, bounded, require_memory

PIECE = 2**20
"""Spikes looked at together where all of them might not fit into the memory."""


@dataclass(frozen=True, eq=False, repr=False)
class PopulationSpikes:
    """Spikes of one population over all trials, sorted by trial, then time, then sender.

    Several spikes of a neuron at one time stand there as many times.

    The arrays of long simulations are memory-mapped files, read only; whoever goes through them
    in `pieces` needs little memory.

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

        Parameters
        ----------
        size : int
            Number of neurons.
        times_ms, senders : arrays of shape (n_spikes,)
            Spike times in ms, and the neuron of each.
        trials : array of shape (n_spikes,), or int
            The trial of each, or of all.

        Raises
        ------
        SpikelearnError
            If the arrays differ in length, or a sender lies outside the population.
        """
        times = _array("times_ms", times_ms, np.float64).ravel()
        who = _array("senders", senders, np.int64).ravel()
        which = np.broadcast_to(_array("trials", trials, np.int64), times.shape)
        if who.shape != times.shape:
            raise SpikelearnError(f"{times.size} spike times but {who.size} senders were given")
        if not np.isfinite(times).all():
            raise SpikelearnError("spike times must be finite, found NaN or infinity")
        if who.size and not (who.min() >= 0 and who.max() < size):
            raise SpikelearnError(
                f"senders must lie in 0 to {size - 1}, found {who.min()} to {who.max()}"
            )
        if _is_sorted(which, times, who):
            return PopulationSpikes(size, times.copy(), who.copy(), which.copy())
        order = np.lexsort((who, times, which))
        return PopulationSpikes(size, times[order], who[order], which[order].copy())

    def __len__(self) -> int:
        return int(self.times_ms.size)

    def __eq__(self, other: object) -> bool:
        """Whether they are the same spikes of as many neurons."""
        if not isinstance(other, PopulationSpikes):
            return NotImplemented
        return (self.size, len(self)) == (other.size, len(other)) and all(
            np.array_equal(getattr(self, name)[here], getattr(other, name)[here])
            for here in pieces(len(self))
            for name in ("times_ms", "senders", "trials")
        )

    __hash__ = None  # type: ignore[assignment] # it holds arrays, which nobody keeps from changing

    def __repr__(self) -> str:
        return (
            f"<PopulationSpikes: {counted(len(self), 'spike')} of {counted(self.size, 'neuron')}>"
        )

    def counts(self, n_trials: int) -> np.ndarray:
        """Spike counts, array of shape (n_trials, size).

        Raises
        ------
        NoRoomError
            Where the memory does not hold a number for each neuron and trial.
        """
        self.require_memory(16 * bounded(n_trials))
        flat = np.zeros(n_trials * self.size, dtype=np.int64)
        for here in pieces(len(self), length=max(PIECE, flat.size)):
            neurons = self.trials[here] * self.size + self.senders[here]
            flat += np.bincount(neurons, minlength=flat.size)
        return flat.reshape(n_trials, self.size)

    def require_memory(self, of_neuron: float) -> None:
        """Refuse to take so many bytes for each neuron where the memory does not hold them.

        A file may claim any number of neurons.

        Raises
        ------
        NoRoomError
        """
        neurons = Part(
            f"{counted(self.size, 'neuron')} with {counted(len(self), 'spike')}",
            bounded(self.size) * of_neuron,
        )
        require_memory("what is told of a population by neuron", [neurons])

    def of_trial(self, trial: int) -> slice:
        """Where the spikes of a trial are."""
        first, last = np.searchsorted(self.trials, [trial, trial + 1])
        return slice(int(first), int(last))

    def trains(self, trial: int) -> list[np.ndarray]:
        """One array of spike times (ms) per neuron, for one trial."""
        return list(self.each_train(trial, at_once=len(self)))

    def each_train(self, trial: int, at_once: int = PIECE) -> Iterator[np.ndarray]:
        """The arrays of `trains` one after another, about `at_once` spikes in memory at a time."""
        self.require_memory(24)
        here = self.of_trial(trial)
        counts = np.zeros(self.size, dtype=np.int64)
        for piece in pieces(here.stop, here.start):
            counts += np.bincount(self.senders[piece], minlength=self.size)
        ends = np.cumsum(counts)
        first = 0
        while first < self.size:
            before = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + at_once, side="right")))
            yield from self._trains(here, counts, first, last)
            first = last

    def _trains(
        self, here: slice, counts: np.ndarray, first: int, last: int
    ) -> Iterator[np.ndarray]:
        """Trains of the neurons `first` to `last` - 1, of which there are `counts` spikes."""
        n_spikes = int(counts[first:last].sum())
        times, senders, at = np.empty(n_spikes), np.empty(n_spikes, dtype=np.int64), 0
        for piece in pieces(here.stop, here.start):
            who = self.senders[piece]
            mine = (who >= first) & (who < last)
            until = at + int(mine.sum())
            times[at:until], senders[at:until] = self.times_ms[piece][mine], who[mine]
            at = until
        times = times[np.argsort(senders, kind="stable")]
        bounds = np.cumsum([0, *counts[first:last]])
        for start, end in itertools.pairwise(bounds):
            yield times[start:end]


def pieces(stop: int, start: int = 0, length: int = PIECE) -> Iterator[slice]:
    """Slices that cover `start` to `stop` - 1, each of `length` items but the last.

    Parameters
    ----------
    stop, start : int
        Behind the last item, and the first.
    length : int
        Items of a slice.
    """
    for first in range(start, stop, length):
        yield slice(first, min(first + length, stop))


def _is_sorted(trials: np.ndarray, times: np.ndarray, senders: np.ndarray) -> bool:
    for piece in pieces(times.size - 1):
        here = slice(piece.start, piece.stop + 1)
        by_trial, by_time = np.diff(trials[here]), np.diff(times[here])
        by_sender = np.diff(senders[here])
        earlier = (by_time < 0) | ((by_time == 0) & (by_sender < 0))
        if ((by_trial < 0) | ((by_trial == 0) & earlier)).any():
            return False
    return True


def _array(name: str, given: Any, kind: Any) -> np.ndarray:
    """Numbers as an array, refused in a sentence where they are none."""
    try:
        return np.asarray(given, dtype=kind)
    except (TypeError, ValueError, OverflowError):
        wanted = "whole numbers" if kind is np.int64 else "numbers"
        raise SpikelearnError(f"{name} are {wanted}, found {in_few(given)}") from None
