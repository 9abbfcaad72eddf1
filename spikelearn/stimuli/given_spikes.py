"""Given spikes: times in the protocol itself, in a plain table, or in a file of spike trains.

A plain table is a .csv file whose first line is `neuron,time_ms` or `neuron,time_ms,trial`, or an
.npz file with arrays of these names. Every other file is read by the function that the caller
hands to `realise`: this room stands left of that of the formats.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._room import Part, require_memory
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.stimuli.drawn_spikes import TRIAL_BYTES
from spikelearn.stimuli.stimulus import File, ProtocolBase, Setting, Stimulus

_COLUMNS = ("neuron", "time_ms", "trial")
Table = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Neurons, times in ms and trials, each of shape (n_spikes,)."""


class SpikeProtocol(ProtocolBase):
    """Spikes at given times from one spike source."""

    kind: Literal["spikes"] = "spikes"
    source: str | None = Field(default=None, description="the only spike source if absent")
    times_ms: tuple[tuple[float, ...], ...] | None = Field(
        default=None, description="one list for each source neuron"
    )
    file: File | None = None
    population: str | None = Field(
        default=None, description="of the file; that named as the source, or the only one if absent"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> SpikeProtocol:
        if (self.times_ms is None) == (self.file is None):
            raise ValueError("either times_ms or file is required, and not both")
        if self.population is not None and self.file is None:
            raise ValueError("population belongs to a file")
        return self

    def draw(self, setting: Setting) -> Stimulus:
        """The spikes for the source."""
        source = setting.source(self.source)
        size = setting.sources[source]
        if self.times_ms is not None:
            if len(self.times_ms) != size:
                raise SpikelearnError(
                    f"times_ms must have one list for each of the {counted(size, 'neuron')} of"
                    f" '{source}', found {len(self.times_ms)}"
                )
            return Stimulus.from_spike_times(source, self.times_ms, self.name)
        path: Any = self.file  # checked: one of the two is given
        table = read_table(path)
        if table is None:
            return self._of_an_activity(path, source, setting)
        neurons, times, trials = table
        if neurons.size and (neurons.min() < 0 or neurons.max() >= size):
            raise SpikelearnError(
                f"{path}: neurons of '{source}' are 0 to {size - 1}, found {neurons.min()} to"
                f" {neurons.max()}"
            )
        n_trials = int(trials.max(initial=0)) + 1
        require_memory(
            str(path), [Part(f"its {counted(n_trials, 'trial')}", TRIAL_BYTES * n_trials)]
        )
        labels = [self.name] if n_trials == 1 else [f"trial {i}" for i in range(n_trials)]
        return Stimulus(labels, {source: _sorted(size, times, neurons, trials, path)})

    def _of_an_activity(self, path: Path, source: str, setting: Setting) -> Stimulus:
        if setting.read_spikes is None:
            raise SpikelearnError(
                f"{path} is no table of neuron,time_ms[,trial]; give realise a function that reads"
                " it: read_spikes=spikelearn.load_activity"
            )
        activity = setting.read_spikes(path)
        there = activity.populations
        name = self.population
        if name is None:
            name = source if source in there or len(there) != 1 else next(iter(there))
        if name not in there:
            raise SpikelearnError(
                f"{path} has no population '{name}'; name one as population: {nearest(name, there)}"
            )
        spikes: PopulationSpikes = there[name]
        if spikes.size != setting.sources[source]:
            raise SpikelearnError(
                f"population '{name}' of {path} has {counted(spikes.size, 'neuron')}, but the spike"
                f" source '{source}' has {setting.sources[source]}"
            )
        return Stimulus(activity.labels, {source: spikes})


def read_table(path: Path) -> Table | None:
    """A plain table of spikes; None where the file is of another form.

    Raises
    ------
    SpikelearnError
        If the file is empty, or a plain table with a mistake in it; the message names the line.
    """
    if not path.stat().st_size:
        raise SpikelearnError(f"{path} is empty")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_csv(path)
    return _read_npz(path) if suffix == ".npz" else None


def _read_csv(path: Path) -> Table | None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = tuple(name.strip() for name in next(rows, []))
            if header not in (_COLUMNS[:2], _COLUMNS):
                return None
            entries = []
            for row in rows:
                if not row:
                    continue
                try:
                    neuron, time_ms, trial = (*row, "0")[:3] if len(header) == 2 else row
                    if len(row) != len(header):
                        raise ValueError
                    entries.append((int(neuron), float(time_ms), int(trial)))
                except ValueError as error:
                    raise SpikelearnError(
                        f"{path}, line {rows.line_num}: expected {','.join(header)} as numbers,"
                        f" found {','.join(row):.80}"
                    ) from error
    except UnicodeDecodeError as error:
        raise SpikelearnError(f"{path} is not a readable .csv file") from error
    neurons, times, trials = zip(*entries, strict=True) if entries else ((), (), ())
    return _checked(
        np.array(neurons, dtype=np.int64),
        np.array(times, dtype=np.float64),
        np.array(trials, dtype=np.int64),
        path,
    )


def _read_npz(path: Path) -> Table | None:
    try:
        # An open file: NumPy leaves one of its own open when it finds the archive damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if not set(_COLUMNS[:2]) <= set(archive.files):
                return None
            neurons, times = archive["neuron"], archive["time_ms"]
            trials = archive["trial"] if "trial" in archive.files else np.zeros(times.shape, int)
    except Exception as error:  # NumPy raises many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable .npz file of plain arrays") from error
    whole = neurons.dtype.kind in "iu" and trials.dtype.kind in "iu"
    if not whole or times.dtype.kind not in "iuf":
        raise SpikelearnError(
            f"{path}: neuron and trial must be whole numbers and time_ms numbers, found"
            f" {neurons.dtype}, {trials.dtype} and {times.dtype}"
        )
    if not times.ndim == 1 or not neurons.shape == times.shape == trials.shape:
        raise SpikelearnError(
            f"{path}: neuron, time_ms and trial must be lists of one length, found shapes"
            f" {neurons.shape}, {times.shape} and {trials.shape}"
        )
    return _checked(neurons.astype(np.int64), times.astype(float), trials.astype(np.int64), path)


def _checked(neurons: np.ndarray, times: np.ndarray, trials: np.ndarray, path: Path) -> Table:
    if trials.min(initial=0) < 0:
        raise SpikelearnError(f"{path}: trials are numbered from 0, found {trials.min()}")
    return neurons, times, trials


def _sorted(
    size: int, times: np.ndarray, neurons: np.ndarray, trials: np.ndarray, path: Path
) -> PopulationSpikes:
    try:
        return PopulationSpikes.from_unsorted(size, times, neurons, trials)
    except SpikelearnError as error:
        raise SpikelearnError(f"{path}: {error}") from error
