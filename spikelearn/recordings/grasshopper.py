"""A grasshopper auditory receptor hears two amplitude-modulated sounds (Rokem et al. 2006).

Both sounds are a 2.5 kHz tone whose amplitude is modulated by Gaussian noise (standard deviation
6 dB), with cut-off frequencies of 200 Hz and 800 Hz. The data come with the nitime package, which
reads the spike times in microseconds and the envelopes at 20 kHz.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.recordings._recording import AuditoryRecording, Sound

CITATION = (
    "Rokem A, Watzl S, Gollisch T, Stemmler M, Herz AVM, Samengo I (2006). Spike-timing precision"
    " underlies the coding efficiency of auditory receptor neurons."
    " Journal of Neurophysiology 95, 2541-2552. doi:10.1152/jn.00891.2005"
)
LICENCE = "distributed with nitime (BSD 3-clause), nitime/data"

LABELS = ("noise up to 200 Hz", "noise up to 800 Hz")


def at_hand() -> bool:
    """Whether the recording can be read: it comes with nitime."""
    return importlib.util.find_spec("nitime") is not None


def load(progressbar: bool = False) -> AuditoryRecording:
    """The recording: two sounds of 10 s, and the receptor's spikes during each.

    Parameters
    ----------
    progressbar : bool
        Of no effect: nothing is downloaded.

    Raises
    ------
    DataUnavailableError
        If nitime, or a file of it, is missing.
    SpikelearnError
        If a file does not hold what it should.
    """
    folder = _folder()
    numbers = range(1, len(LABELS) + 1)
    return AuditoryRecording(
        name="grasshopper",
        citation=CITATION,
        licence=LICENCE,
        sounds=tuple(
            read_sound(folder / f"grasshopper_stimulus{k}.txt", LABELS[k - 1]) for k in numbers
        ),
        spike_times_ms=tuple(
            _read_table(folder / f"grasshopper_spike_times{k}.txt", n_columns=1)[:, 0] / 1000.0
            for k in numbers
        ),
    )


def read_sound(path: Path, label: str) -> Sound:
    """An envelope from a text file of two columns: time in microseconds, amplitude.

    Raises
    ------
    DataUnavailableError
        If the file is missing.
    SpikelearnError
        If it has not two columns of numbers, or the samples are not evenly spaced from 0.
    """
    time_us, envelope = _read_table(path, n_columns=2).T
    step_us = time_us[1] - time_us[0] if len(time_us) > 1 else 0.0
    if step_us <= 0 or not np.allclose(time_us, np.arange(len(time_us)) * step_us):
        raise SpikelearnError(f"{path}: the samples must be evenly spaced in time, from 0 on")
    return Sound(np.ascontiguousarray(envelope), 1e6 / step_us, label)


def _read_table(path: Path, n_columns: int) -> np.ndarray:
    if not path.is_file():
        raise DataUnavailableError(
            f"{path} is missing; install nitime again (pip install --force-reinstall nitime)"
        )
    try:
        table = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise SpikelearnError(
            f"{path} must hold {n_columns} columns of numbers: {error}"
        ) from error
    if table.shape[1] != n_columns:
        raise SpikelearnError(
            f"{path} must hold {n_columns} columns of numbers, found {table.shape[1]}"
        )
    return table


def _folder() -> Path:
    # Found without importing nitime, which would import all of SciPy and matplotlib.
    spec = importlib.util.find_spec("nitime")
    if spec is None or not spec.submodule_search_locations:
        raise DataUnavailableError(
            "the grasshopper recording comes with the package nitime, which is not installed;"
            " run pip install nitime"
        )
    return Path(spec.submodule_search_locations[0]) / "data"
