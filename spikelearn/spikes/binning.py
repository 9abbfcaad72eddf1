"""Binned spikes through Neo and Elephant."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, bounded, in_number, require_memory
from spikelearn._spike_arrays import PopulationSpikes

if TYPE_CHECKING:
    import neo
    from elephant.conversion import BinnedSpikeTrain

# In bins. Spikes of a simulation lie on a grid, often on bin edges, give or take rounding errors.
_EDGE_TOLERANCE = 1e-6
_TRAIN_BYTES = 3_000  # of a Neo train


def binned_counts(
    spikes: PopulationSpikes, n_trials: int, duration_ms: float, bin_ms: float
) -> np.ndarray:
    """Spike counts in bins of `bin_ms`, int array of shape (n_trials, size, n_bins).

    Bins are closed on the left, open on the right; the last one is closed on both sides.

    Parameters
    ----------
    spikes : PopulationSpikes
    n_trials : int
    duration_ms : float
        Duration of a trial, a whole number of bins.
    bin_ms : float
        Width of a bin.

    Raises
    ------
    SpikelearnError
        If the bins do not fill the duration, or a spike lies outside of it.
    """
    n_bins = whole_bins(duration_ms, bin_ms)
    require_memory(
        "counting spikes in bins",
        [
            Part(
                f"{in_number(n_bins)} bins of {bin_ms:g} ms, {in_number(n_trials)} trials and"
                f" {in_number(spikes.size)} neurons",
                24 * bounded(n_bins + 2) * bounded(n_trials) * bounded(spikes.size)
                + _TRAIN_BYTES * bounded(spikes.size),
                "use wider bins (--bin), or a part of the trial (--start, --stop)",
            )
        ],
    )
    slack = _EDGE_TOLERANCE * bin_ms
    times = spikes.times_ms
    if times.size and not -slack <= times.min() <= times.max() <= duration_ms + slack:
        raise SpikelearnError(
            f"spike times must lie within the trial, 0 to {duration_ms:g} ms, found"
            f" {times.min():g} to {times.max():g} ms"
        )
    trains = session_trains(spikes, n_trials, duration_ms, bin_ms)
    n_slot = n_bins + 2
    binned = _elephant_bins(trains, n_trials * n_slot)
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

    Parameters
    ----------
    spikes : PopulationSpikes
    n_trials : int
    duration_ms, bin_ms : float
        Duration of a trial, and of the empty bins around it.
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


def population_counts(
    spikes: PopulationSpikes, n_trials: int, duration_ms: float, bin_ms: float
) -> np.ndarray:
    """Spike counts of all neurons together in bins, int array of shape (n_trials, n_bins).

    Parameters
    ----------
    spikes : PopulationSpikes
    n_trials : int
    duration_ms, bin_ms : float
        Duration of a trial and width of a bin; see `binned_counts`.
    """
    # One Neo train for all of them: their number does not matter.
    pooled = PopulationSpikes(1, spikes.times_ms, np.zeros_like(spikes.senders), spikes.trials)
    return binned_counts(pooled, n_trials, duration_ms, bin_ms)[:, 0]


def within_whole_bins(
    spikes: PopulationSpikes, duration_ms: float, bin_ms: float
) -> tuple[PopulationSpikes, float]:
    """The spikes within the bins that fit into a trial, and the duration of these bins in ms.

    What is left over of a trial at its end, shorter than a bin, is left out with its spikes.

    Parameters
    ----------
    spikes : PopulationSpikes
    duration_ms, bin_ms : float
        Duration of a trial and width of a bin.

    Raises
    ------
    SpikelearnError
        If not one bin fits, or the bins are not of positive width.
    """
    if not 0 < bin_ms <= duration_ms * (1 + _EDGE_TOLERANCE):
        raise SpikelearnError(
            f"a bin must be above 0 ms and no longer than the trial of {duration_ms:g} ms, found"
            f" {bin_ms:g} ms"
        )
    slack = _EDGE_TOLERANCE * bin_ms
    whole_ms = math.floor(duration_ms / bin_ms + _EDGE_TOLERANCE) * bin_ms
    if duration_ms - whole_ms <= slack:
        return spikes, duration_ms
    inside = spikes.times_ms < whole_ms - slack
    kept = PopulationSpikes(
        spikes.size, spikes.times_ms[inside], spikes.senders[inside], spikes.trials[inside]
    )
    return kept, whole_ms


def as_binned_spike_train(counts: np.ndarray, bin_ms: float) -> BinnedSpikeTrain:
    """Counts of shape (n_trains, n_bins) as what Elephant's functions of binned trains take."""
    import neo

    n_bins = counts.shape[1]
    centres_ms = (np.arange(n_bins) + 0.5) * bin_ms
    trains = [
        neo.SpikeTrain(np.repeat(centres_ms, row), units="ms", t_stop=n_bins * bin_ms)
        for row in counts
    ]
    return _elephant_bins(trains, n_bins)


@contextmanager
def outdated_arguments_allowed() -> Iterator[None]:
    """Let Elephant pass an argument that Quantities, and a type that NumPy, would do without."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'copy' argument", DeprecationWarning)
        warnings.filterwarnings("ignore", "the matrix subclass", PendingDeprecationWarning)
        yield


def _elephant_bins(trains: list[neo.SpikeTrain], n_bins: int) -> BinnedSpikeTrain:
    from elephant.conversion import BinnedSpikeTrain

    with outdated_arguments_allowed():
        return BinnedSpikeTrain(trains, n_bins=n_bins, tolerance=None)
