"""Recorded sounds and arrays as they are shown: in bins, or as sampled signals on the grid."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, bounded, require_memory
from spikelearn._time_steps import fractional_steps, in_steps
from spikelearn.stimuli.signals import ARRAYS, read_array, read_sound, resampled
from spikelearn.stimuli.stimulus import File
from spikelearn.stimuli.time_courses import pieces

_OF_VALUE = 60  # bytes of a value in a step, while it is made


class RecordedSignal(Description):
    """A signal from a file, resampled to the grid; 0 before `start_ms` and after its end.

    A .wav file is one signal for all neurons, full scale being from -1 to 1. An array has shape
    (samples,), (neurons, samples) or (trials, neurons, samples). The value of an interval is that
    of the signal, cut off at the Nyquist frequency of the grid, at the interval's beginning.
    """

    kind: Literal["recording"] = "recording"
    file: File
    sampling_rate_hz: float | None = Field(default=None, gt=0)
    channel: int | None = Field(default=None, ge=0, description="of a sound, from 0")
    key: str | None = Field(default=None, description="which array of an .npz file")
    start_ms: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _check_file(self) -> RecordedSignal:
        suffix = self.file.suffix.lower()
        sound = suffix == ".wav"
        if not sound and suffix not in ARRAYS:
            raise ValueError(f"file: recordings are read from .wav, {', '.join(ARRAYS)}")
        if sound and (self.sampling_rate_hz is not None or self.key is not None):
            raise ValueError("a .wav file says its sampling_rate_hz itself, and has no key")
        if not sound and self.sampling_rate_hz is None:
            raise ValueError("sampling_rate_hz is required for an array")
        if not sound and self.channel is not None:
            raise ValueError("a channel belongs to a .wav file")
        return self

    def signal(self, size: int, n: int, dt_ms: float) -> np.ndarray:
        """The signal in each of `n` intervals, array of shape (n_trials, n, size or 1).

        Parameters
        ----------
        size : int
            Number of neurons or sources.
        n : int
            Number of intervals.
        dt_ms : float
            Length of an interval, the time step.
        """
        if self.sampling_rate_hz is None:
            samples, rate_hz = read_sound(self.file, self.channel)
        else:
            samples, rate_hz = read_array(self.file, self.key), self.sampling_rate_hz
            if samples.ndim == 2 and self.file.suffix.lower() == ".csv" and samples.shape[1] == 1:
                samples = samples[:, 0]  # a column is one signal
        start = in_steps(self.start_ms, dt_ms, "start_ms of a recording")
        samples = in_trials(samples, size, self.file)
        _check_memory(samples, n, self.file)
        on_grid = resampled(samples, rate_hz, dt_ms)
        placed = np.zeros((*on_grid.shape[:2], n))
        kept = on_grid[..., : max(0, n - start)]
        placed[..., start : start + kept.shape[-1]] = kept
        return placed.transpose(0, 2, 1)


def array_pieces(
    values: np.ndarray,
    size: int,
    file: Path,
    bin_ms: float,
    start_ms: float,
    n: int,
    dt_ms: float,
) -> np.ndarray:
    """Means of an array of bins over `n` intervals, shape (n_trials, n, size or 1).

    Parameters
    ----------
    values : array of shape (n_bins,), (size or 1, n_bins) or (n_trials, size or 1, n_bins)
    size : int
        Number of neurons or sources.
    file : Path
        Where the values are from, for the sentence.
    bin_ms, start_ms : float
        Width of a bin, and where the first begins.
    n : int
        Number of intervals.
    dt_ms : float
        Length of an interval, the time step.
    """
    values = in_trials(values, size, file)
    _check_memory(values, n, file)
    ended = np.concatenate([values, np.zeros((*values.shape[:2], 1))], axis=-1)
    knots = fractional_steps(start_ms + bin_ms * np.arange(ended.shape[-1]), dt_ms)
    return pieces(knots, ended, n).transpose(0, 2, 1)


def _check_memory(values: np.ndarray, n: int, file: Path) -> None:
    """Refuse a signal of more intervals than the memory holds."""
    part = Part(
        f"its values in {counted(n, 'step')}",
        _OF_VALUE * values.shape[0] * values.shape[1] * bounded(n),
        "show a shorter time, or use a larger dt_ms",
    )
    require_memory(f"the signal of {file}", [part])


def in_trials(values: np.ndarray, size: int, file: Path) -> np.ndarray:
    """Values of shape (n_trials, size or 1, n_bins).

    Parameters
    ----------
    values : array of shape (n_bins,), (size or 1, n_bins) or (n_trials, size or 1, n_bins)
    size : int
        Number of neurons or sources.
    file : Path
        Where the values are from, for the sentence.

    Raises
    ------
    SpikelearnError
        If the array has other dimensions, or is for another number of neurons.
    """
    if values.ndim > 3 or (values.ndim > 1 and values.shape[-2] not in (1, size)):
        raise SpikelearnError(
            f"{file} must have shape (time,), ({counted(size, 'neuron')}, time) or (trials,"
            f" {counted(size, 'neuron')},"
            f" time), found {values.shape}"
        )
    return values.reshape((1,) * (3 - values.ndim) + values.shape)
