"""Kernel-filtered firing rates: each spike becomes a kernel (Elephant's `instantaneous_rate`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
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
_REACH_SD = 5.0  # where Elephant cuts its kernels off by default
_AT_ONCE = 2**23  # rates in memory together: 64 MB


def filtered_rates(
    activity: Activity,
    population: str,
    kernel: str = "gaussian",
    sigma_ms: float = 10.0,
    bin_ms: float = 1.0,
) -> xarray.DataArray:
    """Firing rate over time of every neuron for every stimulus, spikes convolved with a kernel.

    What the kernel spreads beyond the ends of the trial is lost, as in a recording that is cut
    there; the rate far from them is Elephant's.

    Parameters
    ----------
    activity : Activity
        Trials of the same label are trials of one stimulus: their rates are averaged.
    population : str
        Whose spikes.
    kernel : str
        One of `KERNELS`. Exponential and alpha kernels are causal, the others symmetric.
    sigma_ms : float
        Standard deviation of the kernel (as Elephant has it: an exponential's time constant, an
        alpha function's times the square root of 2).
    bin_ms : float
        Distance of the samples; the trial must be a whole number of them.

    Returns
    -------
    DataArray of shape (stimulus, unit, time)
        Rates in Hz; time in ms is the middle of each bin.

    Raises
    ------
    SpikelearnError
        If the kernel is unknown, its width not above 0, or the bins do not fill the trial.
    """
    import xarray

    if kernel not in KERNELS:
        raise SpikelearnError(f"there is no kernel '{kernel}'; kernels are {', '.join(KERNELS)}")
    if not (np.isfinite(sigma_ms) and sigma_ms > 0):
        raise SpikelearnError(f"sigma_ms must be above 0, found {sigma_ms:g}")
    spikes = activity[population]
    n_bins = whole_bins(activity.duration_ms, bin_ms)
    labels = list(dict.fromkeys(str(label) for label in activity.labels))
    rates = np.empty((len(labels), spikes.size, n_bins))
    # Elephant takes whole trains: some neurons at a time, all of their trials.
    together = max(1, _AT_ONCE // (activity.n_trials * n_bins))
    by_neuron = np.argsort(spikes.senders, kind="stable")
    senders = spikes.senders[by_neuron]
    for first in range(0, spikes.size, together):
        last = min(first + together, spikes.size)
        mine = by_neuron[slice(*np.searchsorted(senders, [first, last]))]
        of_trials = _rates(
            (last - first, activity.n_trials, n_bins),
            spikes.senders[mine] - first,
            spikes.trials[mine],
            spikes.times_ms[mine],
            kernel,
            sigma_ms,
            bin_ms,
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
        },
    )


def _rates(
    shape: tuple[int, int, int],
    senders: np.ndarray,
    trials: np.ndarray,
    times_ms: np.ndarray,
    kernel: str,
    sigma_ms: float,
    bin_ms: float,
) -> np.ndarray:
    """Rates in Hz of shape (size, n_trials, n_bins), the trials one after another, far apart."""
    import elephant.kernels
    import neo
    import quantities as pq
    from elephant.statistics import instantaneous_rate

    size, n_trials, n_bins = shape
    name, causal = KERNELS[kernel]
    made: Any = getattr(elephant.kernels, name)(sigma_ms * pq.ms)
    gap = math.ceil(_REACH_SD * sigma_ms / bin_ms) + 2
    slot = n_bins + 2 * gap
    # Elephant's sample k of a symmetric kernel holds for the middle of bin k; spikes lie in bins,
    # a hair beyond their beginning, where rounding would decide.
    session_ms = (trials * slot + gap) * bin_ms + times_ms + 1e-6 * bin_ms
    stop_ms = n_trials * slot * bin_ms
    order = np.lexsort((session_ms, senders))
    bounds = np.searchsorted(senders[order], np.arange(1, size))
    trains = [
        neo.SpikeTrain(times, units="ms", t_stop=stop_ms)
        for times in np.split(session_ms[order], bounds)
    ]
    with outdated_arguments_allowed():
        signal = instantaneous_rate(
            trains,
            sampling_period=bin_ms * pq.ms,
            kernel=made,
            cutoff=_REACH_SD,
            center_kernel=not causal,
            border_correction=False,
        )
    rates = np.asarray(signal.rescale("Hz").magnitude).T
    inside = rates.reshape(size, n_trials, slot)[:, :, gap : gap + n_bins]
    return np.maximum(inside, 0.0)  # the fast Fourier transform leaves -1e-14
