"""Spikes counted in bins: as Elephant counts them (the tests hold it to that), all at once."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._arguments import check_numbers
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, bounded, require_memory
from spikelearn._spike_arrays import PIECE, PopulationSpikes, pieces

if TYPE_CHECKING:
    from elephant.conversion import BinnedSpikeTrain

# In bins. Spikes of a simulation lie on a grid, often on bin edges, give or take rounding errors.
_EDGE_TOLERANCE = 1e-6


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
                f"{counted(n_bins, 'bin')} of {bin_ms:g} ms, {counted(n_trials, 'trial')} and"
                f" {counted(spikes.size, 'neuron')}",
                16 * bounded(n_bins) * bounded(n_trials) * bounded(spikes.size),
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
    flat = np.zeros(n_trials * spikes.size * n_bins, dtype=np.int64)
    for here in pieces(len(spikes), length=max(PIECE, flat.size)):
        bins = np.floor(times[here] / bin_ms + _EDGE_TOLERANCE).astype(np.int64)
        trains = spikes.trials[here] * spikes.size + spikes.senders[here]
        flat += np.bincount(trains * n_bins + bins.clip(0, n_bins - 1), minlength=flat.size)
    return flat.reshape(n_trials, spikes.size, n_bins)


def whole_bins(duration_ms: float, bin_ms: float) -> int:
    """How many bins fill the duration.

    Raises
    ------
    SpikelearnError
        If they do not fill it, or are not of positive width.
    """
    check_numbers(bin_ms=bin_ms, duration_ms=duration_ms)
    if not (bin_ms > 0 and duration_ms > 0):
        raise SpikelearnError(
            f"bin width and duration must be above 0 ms, found {bin_ms:g} and {duration_ms:g}"
        )
    ratio = duration_ms / bin_ms
    n_bins = round(ratio) if math.isfinite(ratio) else 0
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
    from elephant.conversion import BinnedSpikeTrain

    n_bins = counts.shape[1]
    centres_ms = (np.arange(n_bins) + 0.5) * bin_ms
    trains = [
        neo.SpikeTrain(np.repeat(centres_ms, row), units="ms", t_stop=n_bins * bin_ms)
        for row in counts
    ]
    with outdated_arguments_allowed():
        return BinnedSpikeTrain(trains, n_bins=n_bins, tolerance=None)


@contextmanager
def outdated_arguments_allowed() -> Iterator[None]:
    """Let Elephant pass an argument that Quantities, and a type that NumPy, would do without."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'copy' argument", DeprecationWarning)
        warnings.filterwarnings("ignore", "the matrix subclass", PendingDeprecationWarning)
        yield
