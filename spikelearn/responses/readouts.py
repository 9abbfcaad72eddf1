"""All readouts of spikes by name, for the command line and for configurations.

A readout takes an activity and a population, and options; it gives an `xarray.DataArray`. To add
one, write its file and its line here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.responses.bold import bold
from spikelearn.responses.counts import firing_rates_hz, spike_counts
from spikelearn.responses.filtered import filtered_rates
from spikelearn.responses.latency import first_spike_latencies
from spikelearn.responses.lfp import lfp
from spikelearn.responses.population_vectors import population_vectors
from spikelearn.responses.psth import psth
from spikelearn.responses.subsample import pooled
from spikelearn.responses.time_resolved import sensors, time_resolved_rdms

if TYPE_CHECKING:
    import xarray

    from spikelearn.spikes.activity import Activity


@dataclass(frozen=True)
class Readout:
    """How to come by a response.

    Parameters
    ----------
    function : callable
        `(activity, population, **options) -> DataArray`.
    description : str
        One line: what it is, and its units.
    needs_network : bool
        Whether the option `network` must hold the SpikingNetwork that was simulated.
    """

    function: Callable[..., xarray.DataArray]
    description: str
    needs_network: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The options and what they are if not given; the network is none of them."""
        parameters = list(inspect.signature(self.function).parameters.values())[2:]
        return {p.name: p.default for p in parameters if p.name != "network"}


def respond(
    activity: Activity,
    population: str,
    readout: str = "rates",
    options: Mapping[str, Any] | None = None,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> xarray.DataArray:
    """The response of a population by the readout of a name.

    Parameters
    ----------
    activity : Activity
    population : str
    readout : str
        One of `READOUTS`.
    options : mapping, optional
        The readout's own.
    start_ms, stop_ms : float
        The part of each trial that is read; all of it if left out. Latencies, and the event of a
        BOLD signal, begin at `start_ms`; the times of all others are those of the trial. A readout
        that needs the network needs all spikes: of those only what it gives is cut.

    Raises
    ------
    SpikelearnError
        If there is no such readout, or it has no such option (the message lists those there are),
        or the part lies outside the trial.
    """
    if readout not in READOUTS:
        raise SpikelearnError(f"there is no readout '{readout}'; {nearest(readout, READOUTS)}")
    entry, given = READOUTS[readout], dict(options or {})
    for name, value in given.items():
        if name not in entry.options and not (name == "network" and entry.needs_network):
            known = ", ".join(entry.options) or "none"
            close = f" ({hint})" if (hint := nearest(name, entry.options)).endswith("?") else ""
            raise SpikelearnError(
                f"readout {readout} has no option '{name}'{close}; it has {known}"
            )
        if name != "network":
            _check_option(readout, name, value, entry.options[name])
    if entry.needs_network and "network" not in given:
        raise SpikelearnError(f"readout {readout} needs the network that was simulated")
    part = activity.between(start_ms, stop_ms)
    if entry.needs_network:
        response = entry.function(activity, population, **given)
        inside = (response["time"] >= start_ms) & (response["time"] < start_ms + part.duration_ms)
        response = response.isel(time=inside.to_numpy().nonzero()[0])
    else:
        response = entry.function(part, population, **given)
        if "time" in response.dims and response.name != "bold":
            response = response.assign_coords(time=response["time"] + start_ms)
    if part is activity:
        return response
    return response.assign_attrs(window_ms=f"{start_ms:g} to {start_ms + part.duration_ms:g}")


def _check_option(readout: str, name: str, value: Any, default: Any) -> None:
    """Refuse a value of another kind than the one that stands there if none is given."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    whole = number and float(value).is_integer()
    if default is None:
        fits, kind = number, "a number"
    elif isinstance(default, bool):
        fits, kind = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        fits, kind = whole and value >= 0, "a whole number of at least 0"
    elif isinstance(default, float):
        fits, kind = number, "a number"
    else:
        fits, kind = isinstance(value, str), "text"
    if not fits:
        raise SpikelearnError(f"option {name} of readout {readout} must be {kind}, found {value!r}")


def _population_vectors(
    activity: Activity, population: str, bin_ms: float = 10.0, sigma_ms: float = 0.0
) -> xarray.DataArray:
    return population_vectors(psth(activity, population, bin_ms, sigma_ms))


def _bold(
    activity: Activity,
    population: str,
    tr_s: float = 2.0,
    window_s: float | None = None,
    hrf: str = "spm",
    bin_ms: float = 10.0,
    n_voxels: int = 0,
    seed: int = 0,
) -> xarray.DataArray:
    """`n_voxels` pools of neurons drawn by the seed; 0 leaves each neuron by itself."""
    rates = psth(activity, population, bin_ms, sigma_ms=0.0)
    if n_voxels:
        rates = pooled(rates, n_voxels, seed)
    return bold(rates, tr_s, window_s=window_s, hrf=hrf)


def _rdms(
    activity: Activity,
    population: str,
    distance: str = "correlation",
    bin_ms: float = 1.0,
    sigma_ms: float = 10.0,
    n_sensors: int = 0,
    seed: int = 0,
) -> xarray.DataArray:
    """`n_sensors` random mixtures of the neurons; 0 takes the neurons themselves."""
    rates = psth(activity, population, bin_ms, sigma_ms)
    if n_sensors:
        rates = sensors(rates, n_sensors, seed)
    return time_resolved_rdms(rates, distance)


def _lfp(
    activity: Activity, population: str, network: Any, seed: int | None = None
) -> xarray.DataArray:
    return lfp(activity, network, population, seed)


READOUTS: dict[str, Readout] = {
    "counts": Readout(spike_counts, "spikes per trial"),
    "rates": Readout(firing_rates_hz, "firing rates (Hz)"),
    "latency": Readout(first_spike_latencies, "time to the first spike (ms)"),
    "psth": Readout(psth, "firing rates over time by counts in bins, smoothed if asked (Hz)"),
    "filtered": Readout(filtered_rates, "firing rates over time by a kernel of Elephant's (Hz)"),
    "population_vector": Readout(
        _population_vectors, "all neurons' rates over time as vectors of unit length"
    ),
    "bold": Readout(_bold, "BOLD signal by the canonical haemodynamic response (Hz)"),
    "lfp": Readout(
        _lfp,
        "local field potential's proxy by the reference weighted sum (standard deviations)",
        needs_network=True,
    ),
    "rdms": Readout(_rdms, "MEG-like dissimilarity matrices over time"),
}
