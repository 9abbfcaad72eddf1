"""Labelled recordings of events: spike trains of a silicon cochlea, retina and the like.

An item is what tonic's data sets give, a structured array of events and a label, so that tonic's
transforms take it: fields `x`, `y` (where the sensor has two dimensions), `t` in microseconds and
`p`, the polarity. For networks the events are spikes of `n_units` sources, each in the time step
nearest to it, as `simulate` has it; several spikes of a source in a step count as many.

To add a data set, write its file with `load()` and `at_hand()`, and add its line here.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._same_content import ComparedByContent
from spikelearn._time_steps import nearest_steps
from spikelearn.stimuli.datasets import EVENT_DATASETS

if TYPE_CHECKING:
    import torch


_MOST = np.iinfo(np.uint8).max  # spikes of a source in a step


@dataclass(frozen=True, eq=False, repr=False)
class EventPart(ComparedByContent):
    """The training or the test recordings of a data set.

    Attributes
    ----------
    labels : array of shape (n,), int64
    sensor_size : (width, height, polarities)
    read : callable
        The events of the recording of an index: structured array with `x`, `t`, `p`, perhaps `y`.
    """

    labels: np.ndarray
    sensor_size: tuple[int, int, int]
    read: Callable[[int], np.ndarray]

    def __len__(self) -> int:
        """Number of recordings."""
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        """Events and label, as tonic gives them."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} recordings, found index {index}")
        return self.read(index % len(self)), int(self.labels[index])

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        """Every recording with its label."""
        return (self[i] for i in range(len(self)))

    @property
    def n_units(self) -> int:
        """Number of sources: a place counts once for each polarity."""
        return int(np.prod(self.sensor_size))

    def spikes(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Times in ms, and sources: polarity by polarity, row by row, from left to right."""
        events, _ = self[index]
        width, height, _ = self.sensor_size
        row = events["y"] if "y" in (events.dtype.names or ()) else 0
        polarity = events["p"] if self.sensor_size[2] > 1 else 0
        return events["t"] / 1000.0, (polarity * height + row) * width + events["x"]

    def binned(self, indices: Sequence[int] | np.ndarray, dt_ms: float, n_steps: int) -> np.ndarray:
        """Number of spikes of each source in each time step.

        A spike belongs to the step nearest to it. Those outside of the steps are left out, and a
        warning says how many they are.

        Parameters
        ----------
        indices : sequence of int
            Which recordings.
        dt_ms : float
            Time step.
        n_steps : int

        Returns
        -------
        array of shape (recordings, n_steps, n_units), uint8

        Raises
        ------
        SpikelearnError
            If a source has more than 255 spikes in one step.
        """
        counts = np.zeros((len(indices), n_steps, self.n_units), dtype=np.uint8)
        n_spikes = n_outside = 0
        for place, index in enumerate(indices):
            times_ms, units = self.spikes(int(index))
            step = nearest_steps(times_ms, dt_ms)
            kept = (step >= 0) & (step < n_steps)
            places, number = np.unique(step[kept] * self.n_units + units[kept], return_counts=True)
            if number.max(initial=0) > _MOST:
                raise SpikelearnError(
                    f"a source of recording {int(index)} has {counted(number.max(), 'spike')} in"
                    f" one step of {dt_ms:g} ms, where {_MOST} can be counted; use a smaller dt_ms"
                )
            counts[place].reshape(-1)[places] = number
            n_spikes, n_outside = n_spikes + kept.size, n_outside + int((~kept).sum())
        if n_outside:
            warnings.warn(
                f"{n_outside:,} of {counted(n_spikes, 'spike')} in"
                f" {counted(len(indices), 'recording')} lie outside of the"
                f" {counted(n_steps, 'step')} of {dt_ms:g} ms, and are left out",
                stacklevel=2,
            )
        return counts


@dataclass(frozen=True, eq=False, repr=False)
class EventDataset(ComparedByContent):
    """Labelled recordings of events with a fixed division into training and test recordings."""

    name: str
    train: EventPart
    test: EventPart
    classes: tuple[str, ...]
    source: str

    def __repr__(self) -> str:
        return (
            f"<events '{self.name}': {counted(len(self.train), 'recording')} for training,"
            f" {len(self.test):,} for testing, {counted(len(self.classes), 'class', 'classes')}>"
        )

    def __post_init__(self) -> None:
        for part in (self.train, self.test):
            labels = part.labels
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
                raise SpikelearnError(
                    f"{self.name}: a label is out of range; there are {len(self.classes)} classes,"
                    " numbered from 0"
                )


def load_events(name: str) -> EventDataset:
    """A data set of events by name, one of `EVENT_DATASETS`.

    Raises
    ------
    SpikelearnError
        If there is none of that name, or a file does not hold what it should.
    DataUnavailableError
        If its files are not at hand; the message says what to download and where to put it.
    """
    if name not in EVENT_DATASETS:
        raise SpikelearnError(
            f"there is no data set of events called '{name}'; {nearest(name, EVENT_DATASETS)}"
        )
    dataset: EventDataset = importlib.import_module(EVENT_DATASETS[name].module).load()
    return dataset


def as_spikes(part: EventPart, indices: np.ndarray, dt_ms: float, n_steps: int) -> torch.Tensor:
    """`EventPart.binned` as a tensor.

    Parameters
    ----------
    part : EventPart
    indices : array of int
        Which recordings.
    dt_ms : float
        Time step.
    n_steps : int
    """
    import torch

    return torch.from_numpy(part.binned(indices, dt_ms, n_steps))
