"""Kernel-filtered firing rates: each spike becomes a kernel (Elephant's `instantaneous_rate`).

Elephant convolves with samples of the kernel, whose sum times their distance is 1 only for wide
kernels: an exponential one with a time constant of two bins gives 1.27 times the rate. Here the
samples are divided by that, so that every spike counts as one whatever the kernel and the bins. A
kernel narrower than a bin is sampled more finely, and the rate of a bin is the mean over it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.responses._labels import average_by_label, spike_source
from spikelearn.responses.psth import bin_centres_ms
from spikelearn.spikes.binning import outdated_arguments_allowed, whole_bins

if TYPE_CHECKING:
    import xarray

    from spikelearn.spikes.activity import Activity

# Name -> Elephant's class, and whether a spike counts only afterwards, as it does for a synapse.
KERNELS: dict[str, tuple[str, bool]] = {
    "gaussian": ("GaussianKernel", False),
    "laplacian": ("LaplacianKernel", False),
    "rectangular": ("RectangularKernel", False),
    "triangular": ("TriangularKernel", False),
    "epanechnikov": ("EpanechnikovLikeKernel", False),
    "exponential": ("ExponentialKernel", True),
    "alpha": ("AlphaKernel", True),
}
_REACH_SD = 5.0  # where Elephant cuts its kernels off by default, at least
_FINEST = 101  # samples in a bin
_LEAST_SHARE = 1e-3  # of the kernel, below which what is lost at the ends cannot be made good
_AT_ONCE = 2**23  # rates in memory together: 64 MB


def filtered_rates(
    activity: Activity,
    population: str,
    kernel: str = "gaussian",
    sigma_ms: float = 10.0,
    bin_ms: float = 1.0,
    edge_correction: bool = False,
) -> xarray.DataArray:
    """Firing rate over time of every neuron for every stimulus, spikes convolved with a kernel.

    Far from the ends of the trial a spike counts as one: the sum of the rates times the bin is the
    number of spikes. What the kernel spreads beyond the ends is lost, as in a recording that is cut
    there, and the rate near them reads low, unless it is corrected for.

    Parameters
    ----------
    activity : Activity
        Trials of the same label are trials of one stimulus: their rates are averaged.
    population : str
        Whose spikes.
    kernel : str
        One of `KERNELS`. Exponential and alpha kernels are causal, the others symmetric. They are
        cut off at 5 standard deviations.
    sigma_ms : float
        Standard deviation of the kernel (as Elephant has it: an exponential's time constant, an
        alpha function's times the square root of 2). At least a hundredth of a bin.
    bin_ms : float
        Distance of the samples; the trial must be a whole number of them.
    edge_correction : bool
        Whether to divide each rate by the share of the kernel that comes from within the trial:
        without bias where the rate is constant, but noisier near the ends. NaN where the share is
        below a thousandth, as in the very first bin for an alpha function.

    Returns
    -------
    DataArray of shape (stimulus, unit, time)
        Rates in Hz; time in ms is the middle of each bin.

    Raises
    ------
    SpikelearnError
        If the kernel is unknown, its width not above 0 or too narrow for the bins, or the bins do
        not fill the trial.
    """
    import xarray

    if kernel not in KERNELS:
        raise SpikelearnError(f"there is no kernel '{kernel}'; {nearest(kernel, KERNELS)}")
    if not (np.isfinite(sigma_ms) and sigma_ms > 0):
        raise SpikelearnError(f"sigma_ms must be above 0, found {sigma_ms:g}")
    spikes = activity[population]
    n_bins = whole_bins(activity.duration_ms, bin_ms)
    finer = _samples_in_a_bin(sigma_ms, bin_ms)
    labels = list(dict.fromkeys(str(label) for label in activity.labels))
    spikes.require_memory(8.0 * len(labels) * n_bins)
    rates = np.empty((len(labels), spikes.size, n_bins))
    # Elephant takes whole trains: some neurons at a time, all of their trials.
    together = max(1, _AT_ONCE // (activity.n_trials * n_bins * finer))
    by_neuron = np.argsort(spikes.senders, kind="stable")
    senders = spikes.senders[by_neuron]
    for first in range(0, spikes.size, together):
        last = min(first + together, spikes.size)
        mine = by_neuron[slice(*np.searchsorted(senders, [first, last]))]
        of_trials = _rates(
            (last - first, activity.n_trials, n_bins, finer),
            spikes.senders[mine] - first,
            spikes.trials[mine],
            spikes.times_ms[mine],
            kernel,
            sigma_ms,
            bin_ms / finer,
            edge_correction,
        )
        rates[:, first:last] = average_by_label(of_trials.transpose(1, 0, 2), activity.labels)[0]
    return xarray.DataArray(
        rates,
        dims=("stimulus", "unit", "time"),
        coords={
            "stimulus": labels,
            "unit": np.arange(spikes.size),
            "time": bin_centres_ms(activity.duration_ms, bin_ms),
            "population": population,
        },
        name="firing_rate",
        attrs={
            "units": "Hz",
            "source": spike_source(activity, population),
            "kernel": kernel,
            "sigma_ms": sigma_ms,
            "bin_ms": bin_ms,
            "ends": "corrected for" if edge_correction else "cut, rates near them read low",
        },
    )


def _samples_in_a_bin(sigma_ms: float, bin_ms: float) -> int:
    """How many samples a bin needs to resolve the kernel: an odd number, whose middle is the bin's.

    Raises
    ------
    SpikelearnError
        If they would be too many.
    """
    samples = max(1, math.ceil(bin_ms / sigma_ms - 1e-9))
    samples += 1 - samples % 2
    if samples > _FINEST:
        raise SpikelearnError(
            f"a kernel of {sigma_ms:g} ms is too narrow for bins of {bin_ms:g} ms, within which it"
            f" lies: sigma_ms must be at least {bin_ms / _FINEST:.3g} ms, or the bins be narrower;"
            " psth with sigma_ms=0 gives the histogram itself"
        )
    return samples


def _rates(
    shape: tuple[int, int, int, int],
    senders: np.ndarray,
    trials: np.ndarray,
    times_ms: np.ndarray,
    kernel: str,
    sigma_ms: float,
    bin_ms: float,
    edge_correction: bool,
) -> np.ndarray:
    """Rates in Hz of shape (size, n_trials, n_bins), the trials one after another, far apart.

    `shape` has the samples of a bin as its last number; `bin_ms` is their distance.
    """
    import elephant.kernels
    import neo
    import quantities as pq
    from elephant.statistics import instantaneous_rate

    size, n_trials, n_bins, finer = shape
    n_samples = n_bins * finer
    name, causal = KERNELS[kernel]
    made: Any = getattr(elephant.kernels, name)(sigma_ms * pq.ms)
    # A whole number of samples: Elephant would else stretch the kernel.
    reach = math.ceil(_REACH_SD * sigma_ms / bin_ms - 1e-9)
    gap = reach + 2
    slot = n_samples + 2 * gap
    # Elephant's sample k of a symmetric kernel holds for the middle of bin k; spikes lie in bins,
    # a hair beyond their beginning, where rounding would decide.
    hair = 1e-6 * bin_ms
    session_ms = (trials * slot + gap) * bin_ms + times_ms + hair
    stop_ms = (n_trials * slot + 0.5) * bin_ms  # Elephant rounds the number of bins down
    order = np.lexsort((session_ms, senders))
    bounds = np.searchsorted(senders[order], np.arange(1, size))
    one_spike = np.array([gap * bin_ms + hair])
    every_bin = (gap + np.arange(n_samples if edge_correction else 0)) * bin_ms + hair
    trains = [
        neo.SpikeTrain(times, units="ms", t_stop=stop_ms)
        for times in [*np.split(session_ms[order], bounds), one_spike, every_bin]
    ]
    with outdated_arguments_allowed():
        signal = instantaneous_rate(
            trains,
            sampling_period=bin_ms * pq.ms,
            kernel=made,
            cutoff=reach * bin_ms / sigma_ms,
            center_kernel=not causal,
            border_correction=False,
        )
    rates = np.asarray(signal.rescale("Hz").magnitude).T
    # What one spike counts as: the sum of the kernel's samples times their distance.
    rates /= rates[size].sum() * bin_ms / 1000.0
    inside = rates.reshape(size + 2, n_trials, slot)[:, :, gap : gap + n_samples]
    inside = inside.reshape(size + 2, n_trials, n_bins, finer).mean(axis=-1)
    found: np.ndarray = np.maximum(inside[:size], 0.0)  # the fast Fourier transform leaves -1e-14
    if not edge_correction:
        return found
    share = inside[size + 1, 0] * bin_ms / 1000.0
    known = share > _LEAST_SHARE
    return np.where(known, found / np.where(known, share, 1.0), np.nan)
