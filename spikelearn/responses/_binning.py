"""Binned spikes through Neo and Elephant, and averages over the trials of a stimulus."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes

if TYPE_CHECKING:
    import neo

# In bins. Spikes of a simulation lie on a grid, often on bin edges, give or take rounding errors.
_EDGE_TOLERANCE = 1e-6


def binned_counts(
    spikes: PopulationSpikes, n_trials: int, duration_ms: float, bin_ms: float
) -> np.ndarray:
    """Spike counts in bins of `bin_ms`, int array of shape (n_trials, size, n_bins).

    Bins are closed on the left, open on the right; the last one is closed on both sides.

    Raises
    ------
    SpikelearnError
        If the bins do not fill the duration, or a spike lies outside of it.
    """
    from elephant.conversion import BinnedSpikeTrain

    n_bins = whole_bins(duration_ms, bin_ms)
    slack = _EDGE_TOLERANCE * bin_ms
    times = spikes.times_ms
    if times.size and not -slack <= times.min() <= times.max() <= duration_ms + slack:
        raise SpikelearnError(
            f"spike times must lie within the trial, 0 to {duration_ms:g} ms, found"
            f" {times.min():g} to {times.max():g} ms"
        )
    trains = session_trains(spikes, n_trials, duration_ms, bin_ms)
    n_slot = n_bins + 2
    with warnings.catch_warnings():
        # Elephant still passes an argument that Quantities has given up.
        warnings.filterwarnings("ignore", "The 'copy' argument", DeprecationWarning)
        binned = BinnedSpikeTrain(trains, n_bins=n_trials * n_slot, tolerance=None)
    counts = binned.to_array().reshape(spikes.size, n_trials, n_slot).transpose(1, 0, 2)
    inside = counts[:, :, 1:-1].copy()
    inside[:, :, -1] += counts[:, :, -1]  # spikes at the very end of the trial
    return inside


def session_trains(
    spikes: PopulationSpikes, n_trials: int, duration_ms: float, bin_ms: float
) -> list[neo.SpikeTrain]:
    """One Neo spike train per neuron, the trials one after another as in a recording session.

    Each trial has one empty bin before and one after it. Making a Neo train takes 0.3 ms; one per
    neuron rather than one per neuron and trial keeps a hundred stimuli a matter of milliseconds.
    """
    import neo

    slot_ms = duration_ms + 2 * bin_ms
    start_ms = (1 + _EDGE_TOLERANCE) * bin_ms
    session_ms = spikes.trials * slot_ms + start_ms + spikes.times_ms
    order = np.lexsort((session_ms, spikes.senders))
    bounds = np.searchsorted(spikes.senders[order], np.arange(1, spikes.size))
    return [
        neo.SpikeTrain(times, units="ms", t_stop=n_trials * slot_ms, neuron=neuron)
        for neuron, times in enumerate(np.split(session_ms[order], bounds))
    ]


def whole_bins(duration_ms: float, bin_ms: float) -> int:
    """How many bins fill the duration.

    Raises
    ------
    SpikelearnError
        If they do not fill it, or are not of positive width.
    """
    if bin_ms <= 0 or duration_ms <= 0:
        raise SpikelearnError(
            f"bin width and duration must be above 0 ms, found {bin_ms:g} and {duration_ms:g}"
        )
    n_bins = round(duration_ms / bin_ms)
    if n_bins < 1 or abs(n_bins * bin_ms - duration_ms) > _EDGE_TOLERANCE * bin_ms:
        raise SpikelearnError(
            f"the duration must be a whole number of bins, found {duration_ms:g} ms in bins of"
            f" {bin_ms:g} ms"
        )
    return n_bins


def average_by_label(values: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Averages over the trials (first axis) of the same label, in order of first appearance."""
    names = list(dict.fromkeys(str(label) for label in labels))
    row = {name: i for i, name in enumerate(names)}
    stimulus = np.array([row[str(label)] for label in labels])
    means = np.zeros((len(names), *values.shape[1:]))
    np.add.at(means, stimulus, values)
    n_trials = np.bincount(stimulus, minlength=len(names))
    return means / n_trials.reshape(-1, *[1] * (values.ndim - 1)), names
