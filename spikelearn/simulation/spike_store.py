"""The spikes of a run while it lasts: in memory, and beyond a limit on disk.

Spikes are kept as they come, 8 bytes each, in pieces that are in order of step and neuron within
their trial, so that nothing is sorted at the end: the arrays of `PopulationSpikes`, 24 bytes a
spike, are written one piece after another. Beyond a limit these lie in a file too. Both files are
in the folder for temporary ones (`tempfile.gettempdir`, which TMPDIR names) and have no name: the
system removes them with the last array that reads from them, or with the process. Room for the
arrays is taken as the spikes come, so that what was recorded can be given back when the disk is
full.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Mapping
from typing import IO

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes

SPIKES_IN_MEMORY_MB = 1000.0
"""Size of the arrays of all spikes of a simulation beyond which they are kept on disk."""

ARRAY_BYTES = 24  # of a spike in `PopulationSpikes`
RECORDED_BYTES = 8  # of a spike until then, where there are less than 2^31 steps
MB = 1e6


class DiskFull(Exception):
    """The temporary folder takes no more; everything recorded until then is there."""


class SpikeStore:
    """The spikes of all trials of a run; trials may be recorded by several threads at once.

    Parameters
    ----------
    first : mapping of str to int
        The first neuron of each recorded population, in increasing order.
    n_trials, n_steps : int
        Of the run.
    in_memory_mb : float
        How large the arrays of all spikes may become before they are kept on disk.
    ahead : int
        How many spikes may still come when the disk is full.
    """

    def __init__(
        self,
        first: Mapping[str, int],
        n_trials: int,
        n_steps: int,
        in_memory_mb: float,
        ahead: int = 0,
    ) -> None:
        self.names, self.first = list(first), np.array(list(first.values()), dtype=np.int64)
        self.step_type = np.int32 if n_steps < 2**31 else np.int64
        self.limit = in_memory_mb * MB / ARRAY_BYTES
        self.pieces: dict[str, list[list[_Piece]]] = {
            name: [[] for _ in range(n_trials)] for name in first
        }
        self.ahead = ahead
        self.n_spikes = 0
        self.in_memory: list[_Piece] = []
        self.recorded: IO[bytes] | None = None
        self.arrays: IO[bytes] | None = None
        self.arrays_room = self.arrays_end = 0
        self.full = False
        self.lock = threading.Lock()

    def add(self, trial: int, steps: np.ndarray, neurons: np.ndarray) -> None:
        """Record the next spikes of a trial: whole steps, all later than those before.

        Parameters
        ----------
        trial : int
        steps : array of shape (n,)
        neurons : array of shape (n,)
            Numbered through all populations.

        Raises
        ------
        DiskFull
            The first time that the spikes did not fit on the disk; they are recorded all the same.
        """
        if not steps.size:
            return
        if not _in_order(steps, neurons):
            order = np.lexsort((neurons, steps))
            steps, neurons = steps[order], neurons[order]
        of = np.searchsorted(self.first, neurons, side="right") - 1
        with self.lock:
            for index in np.flatnonzero(np.bincount(of)):
                mine = of == index
                piece = _Piece(
                    steps[mine].astype(self.step_type),
                    (neurons[mine] - self.first[index]).astype(np.int32),
                )
                self.pieces[self.names[index]][trial].append(piece)
                self.in_memory.append(piece)
            self.n_spikes += steps.size
            if self.n_spikes > self.limit and not self.full:
                try:
                    self._to_disk()
                except OSError as error:
                    self.full = True
                    raise DiskFull(self.sentence(error)) from error

    def _to_disk(self) -> None:
        if self.recorded is None or self.arrays is None:
            self.recorded, self.arrays = _temporary_file(self), _temporary_file(self)
        room = ARRAY_BYTES * (self.n_spikes + self.ahead)
        _reserve(self.arrays, self.arrays_room, room)
        self.arrays_room = room
        while self.in_memory:
            piece = self.in_memory[-1]
            place = self.recorded.seek(0, os.SEEK_END)
            write(self.recorded, place, piece.steps)
            write(self.recorded, place + piece.steps.nbytes, piece.neurons)
            piece.now_at(place)
            self.in_memory.pop()

    def sentence(self, error: OSError) -> str:
        return (
            f"the folder for temporary files, {_folder()}, takes no more spikes"
            f" ({error.strerror or error}) after {self.n_spikes:,} of them; name one with more room"
            " by the environment variable TMPDIR, or record fewer populations"
        )

    def read(self, piece: _Piece) -> tuple[np.ndarray, np.ndarray]:
        if self.recorded is None or piece.place is None:
            return piece.steps, piece.neurons
        width = np.dtype(self.step_type).itemsize
        self.recorded.seek(piece.place)
        return (
            np.frombuffer(self.recorded.read(piece.size * width), dtype=self.step_type),
            np.frombuffer(self.recorded.read(piece.size * 4), dtype=np.int32),
        )

    def columns(self, n_spikes: int) -> _Columns:
        if self.arrays is None or not self.arrays_room or not n_spikes:
            return _Columns(n_spikes)
        start = self.arrays_end
        self.arrays_end += ARRAY_BYTES * n_spikes
        return _ColumnsOnDisk(n_spikes, self.arrays, start)


class StoredSpikes:
    """The spikes of one population in a `SpikeStore`."""

    def __init__(self, store: SpikeStore, name: str) -> None:
        self.store, self.name = store, name

    def __len__(self) -> int:
        return sum(piece.size for pieces in self.store.pieces[self.name] for piece in pieces)

    def of(self, size: int, trials: np.ndarray, n_steps: int, dt_ms: float) -> PopulationSpikes:
        """The spikes before step `n_steps` of some trials, which are numbered anew.

        Parameters
        ----------
        size : int
            Neurons of the population.
        trials : array of int
            Those that are kept, in this order.
        n_steps : int
        dt_ms : float

        Raises
        ------
        SpikelearnError
            If the disk is full.
        """
        chosen = [self.store.pieces[self.name][trial] for trial in trials]
        try:
            cut = [[self._before(piece, n_steps) for piece in pieces] for pieces in chosen]
            columns = self.store.columns(sum(map(sum, cut)))
            at = 0
            for trial, (pieces, lengths) in enumerate(zip(chosen, cut, strict=True)):
                for piece, n in zip(pieces, lengths, strict=True):
                    steps, neurons = self.store.read(piece)
                    columns.fill(at, steps[:n] * dt_ms, neurons[:n], trial)
                    at += n
            return columns.spikes(size)
        except OSError as error:
            raise SpikelearnError(self.store.sentence(error)) from error

    def _before(self, piece: _Piece, n_steps: int) -> int:
        if piece.last < n_steps:
            return piece.size
        return int(np.searchsorted(self.store.read(piece)[0], n_steps))


class _Piece:
    """Spikes of a population in some steps of a trial; `place` is theirs in the file."""

    def __init__(self, steps: np.ndarray, neurons: np.ndarray) -> None:
        self.steps, self.neurons = steps, neurons
        self.size, self.last = steps.size, int(steps[-1])
        self.place: int | None = None

    def now_at(self, place: int) -> None:
        self.place = place
        self.steps, self.neurons = self.steps[:0].copy(), self.neurons[:0].copy()


class _Columns:
    """The arrays of `PopulationSpikes`, filled one piece after another."""

    def __init__(self, n_spikes: int) -> None:
        self.n_spikes = n_spikes
        self.times_ms = np.empty(n_spikes)
        self.senders = np.empty(n_spikes, dtype=np.int64)
        self.trials = np.empty(n_spikes, dtype=np.int64)

    def fill(self, at: int, times_ms: np.ndarray, senders: np.ndarray, trial: int) -> None:
        here = slice(at, at + times_ms.size)
        self.times_ms[here], self.senders[here], self.trials[here] = times_ms, senders, trial

    def spikes(self, size: int) -> PopulationSpikes:
        return PopulationSpikes(size, self.times_ms, self.senders, self.trials)


class _ColumnsOnDisk(_Columns):
    """Written, not filled through a map: a full disk would end the process there."""

    def __init__(self, n_spikes: int, file: IO[bytes], start: int) -> None:
        self.n_spikes, self.file, self.start = n_spikes, file, start

    def fill(self, at: int, times_ms: np.ndarray, senders: np.ndarray, trial: int) -> None:
        columns = (times_ms, senders.astype(np.int64), np.full(times_ms.size, trial))
        for index, values in enumerate(columns):
            write(self.file, self.start + 8 * (index * self.n_spikes + at), values)

    def spikes(self, size: int) -> PopulationSpikes:
        shape = (3, self.n_spikes)
        columns = np.memmap(self.file, np.int64, "r", offset=self.start, shape=shape)
        return PopulationSpikes(size, columns[0].view(np.float64), columns[1], columns[2])


def _in_order(steps: np.ndarray, neurons: np.ndarray) -> bool:
    later = np.diff(steps)
    return bool(((later > 0) | ((later == 0) & (np.diff(neurons) > 0))).all())


def _folder() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # no folder can be written to
        return os.environ.get("TMPDIR", "which is missing")


def _temporary_file(owner: SpikeStore) -> IO[bytes]:
    # Not buffered: what a full disk refused would be written again when the file is closed.
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - arrays go on reading from it
    weakref.finalize(owner, file.close)
    return file


def _reserve(file: IO[bytes], size: int, new_size: int) -> None:
    """Take the room on disk that makes a file longer."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), size, new_size - size)
    elif shutil.disk_usage(_folder()).free < new_size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def write(file: IO[bytes], place: int, values: np.ndarray) -> None:
    """Write all of an array at a place of a file.

    Parameters
    ----------
    file : binary file
        Not buffered.
    place : int
        In bytes, from the beginning.
    values : array of any shape
    """
    file.seek(place)
    left = memoryview(values.tobytes())
    while left:
        left = left[file.write(left) :]
