"""BOLD signals: neural responses seen through the haemodynamic response (see `hrf.py`).

    bold(response)                        one event for each stimulus: (stimulus, unit, time)
    design = event_design(...)            a run of an experiment: which stimulus, when, how long
    series = bold_run(response, design)   the run's signal: (time, unit), overlapping as it does
    betas(series, design)                 and what a general linear model finds: (stimulus, unit)

The model is linear: the signal is the convolution of the neural response with h. Times are in s
here, as everywhere in fMRI, and said in the names.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.responses._labels import check_dims, derived
from spikelearn.responses.hrf import haemodynamic_response

if TYPE_CHECKING:
    import xarray

_WINDOW_S = 32.0  # of an event of 1 s: the haemodynamic response is over then


@dataclass(frozen=True)
class EventDesign:
    """A run: events and scans. Arrays of shape (n_events,); onsets in s from the first scan.

    Scan k is taken at k * tr_s.
    """

    labels: tuple[str, ...]
    onsets_s: np.ndarray
    durations_s: np.ndarray
    tr_s: float
    n_scans: int

    @property
    def scan_times_s(self) -> np.ndarray:
        """Time of each scan in s, array of shape (n_scans,)."""
        return np.arange(self.n_scans) * self.tr_s

    @property
    def conditions(self) -> tuple[str, ...]:
        """The labels, each once, in order of first appearance."""
        return tuple(dict.fromkeys(self.labels))


def event_design(
    labels: Sequence[str],
    onsets_s: Sequence[float] | np.ndarray,
    durations_s: float | Sequence[float] | np.ndarray,
    tr_s: float = 2.0,
    n_scans: int | None = None,
) -> EventDesign:
    """A checked design.

    Parameters
    ----------
    labels : sequence of str
        What was shown in each event.
    onsets_s, durations_s : sequences of float
        When each event began and how long it lasted, in s; one duration may stand for all.
    tr_s : float
        Time between scans in s; the first is at 0 s.
    n_scans : int, optional
        If left out, scans go on for 32 s after the last event.

    Raises
    ------
    SpikelearnError
        If labels, onsets and durations differ in number, or a time is none.
    """
    onsets = np.asarray(onsets_s, dtype=np.float64).ravel()
    durations = np.asarray(durations_s, dtype=np.float64)
    if durations.ndim == 0:
        durations = np.full(onsets.shape, float(durations))
    if not (len(labels) == onsets.size == durations.size) or not len(labels):
        raise SpikelearnError(
            f"an event design needs one onset and one duration for each event, found {len(labels)}"
            f" labels, {onsets.size} onsets and {durations.size} durations"
        )
    if not (np.isfinite(onsets).all() and np.isfinite(durations).all() and (durations >= 0).all()):
        raise SpikelearnError("onsets must be finite, durations finite and at least 0 s")
    if not (np.isfinite(tr_s) and tr_s > 0):
        raise SpikelearnError(f"tr_s must be above 0 s, found {tr_s:g}")
    if n_scans is None:
        n_scans = int(np.ceil(((onsets + durations).max() + 32.0) / tr_s)) + 1
    if n_scans < 1:
        raise SpikelearnError(f"a run has at least 1 scan, found {n_scans}")
    return EventDesign(tuple(str(x) for x in labels), onsets, durations, float(tr_s), n_scans)


def bold(
    response: xarray.DataArray,
    tr_s: float = 2.0,
    event_s: float | None = None,
    window_s: float | None = None,
    hrf: str = "spm",
) -> xarray.DataArray:
    """The BOLD signal after one event of each stimulus.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit) or (stimulus, unit, time)
        Rates or activations during the event; over time (ms, evenly spaced, each the mean of its
        bin) it is convolved as it goes on, and the event lasts as long as it does.
    tr_s : float
        Time between scans in s; the first is at the event's onset.
    event_s : float, optional
        Duration in s of the event of a response without time; 1 if absent.
    window_s : float, optional
        How long the scans go on, in s; if left out for 32 s, or for 31 s behind the end of an event
        that lasts longer than 1 s.
    hrf : str
        One of `spikelearn.responses.HRFS`.

    Returns
    -------
    DataArray of shape (stimulus, unit, time)
        In units of the response (the haemodynamic response integrates to 1); time in ms.

    Raises
    ------
    SpikelearnError
        If a time is none, the response's times are not even, or the haemodynamic response unknown.

    Warns
    -----
    UserWarning
        Where the scans stop before the event ends.
    """
    import xarray

    check_dims(response, ("stimulus", "unit"), ("stimulus", "unit", "time"))
    haemodynamics = haemodynamic_response(hrf)
    ordered = response.transpose("stimulus", "unit", ..., missing_dims="ignore")
    if "time" in response.dims:
        if event_s is not None:
            raise SpikelearnError("a response over time has its own duration; leave event_s out")
        edges_s = bin_edges_ms(ordered) / 1000.0
        ends_s = float(edges_s[-1])
    else:
        ends_s = 1.0 if event_s is None else event_s
        if not (np.isfinite(ends_s) and ends_s > 0):
            raise SpikelearnError(f"event_s must be above 0 s, found {ends_s:g}")
    scans_s = _scan_times_s(tr_s, window_s, ends_s)
    if "time" in response.dims:
        since = haemodynamics.integral(scans_s[:, None] - edges_s[None, :])  # (n_scans, n_bins + 1)
        kernel = since[:, :-1] - since[:, 1:]
        values = ordered.to_numpy() @ kernel.T
    else:
        course = haemodynamics.integral(scans_s) - haemodynamics.integral(scans_s - ends_s)
        values = ordered.to_numpy()[..., None] * course
    coords = {name: c for name, c in ordered.coords.items() if "time" not in c.dims}
    result = xarray.DataArray(
        values, dims=("stimulus", "unit", "time"), coords={**coords, "time": 1000.0 * scans_s}
    )
    units = response.attrs.get("units", "not said")
    return derived(result, response, units=units, hrf=hrf, tr_s=tr_s).rename("bold")


def _scan_times_s(tr_s: float, window_s: float | None, ends_s: float) -> np.ndarray:
    """When the scans are, from the event's onset on; told where they stop before it ends."""
    said = window_s is not None
    window = _WINDOW_S + max(ends_s - 1.0, 0.0) if window_s is None else window_s
    if not (tr_s > 0 and window >= tr_s and np.isfinite([tr_s, window]).all()):
        raise SpikelearnError(
            f"tr_s must be above 0 s and window_s at least as long, found {tr_s:g} and {window:g}"
        )
    if said and window < ends_s - 1e-9:
        warnings.warn(
            f"the scans stop {window:g} s after the onset, but the event lasts {ends_s:g} s: what"
            " comes later is not seen; give a longer window_s, or none",
            stacklevel=3,
        )
    return np.asarray(np.arange(int(np.floor(window / tr_s + 1e-9)) + 1) * tr_s)


def bold_run(
    response: xarray.DataArray,
    design: EventDesign,
    hrf: str = "spm",
    noise_sd: float = 0.0,
    noise_ar1: float = 0.0,
    seed: int = 0,
) -> xarray.DataArray:
    """The signal of a whole run, events overlapping as they follow one another.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit)
        How strongly each unit (voxel) responds to the stimuli that the design names.
    design : EventDesign
    hrf : str
    noise_sd : float
        Standard deviation of Gaussian noise at each scan, in units of the response.
    noise_ar1 : float
        Its correlation from one scan to the next, above -1 and below 1.
    seed : int
        Of the noise.

    Returns
    -------
    DataArray of shape (time, unit)
        time in ms.

    Raises
    ------
    SpikelearnError
        If the design names a stimulus that has no response, or the noise is none.
    """
    import xarray

    check_dims(response, ("stimulus", "unit"))
    if not (np.isfinite(noise_sd) and noise_sd >= 0 and -1 < noise_ar1 < 1):
        raise SpikelearnError(
            f"noise_sd must be at least 0 and noise_ar1 between -1 and 1, found {noise_sd:g} and"
            f" {noise_ar1:g}"
        )
    ordered = response.transpose("stimulus", "unit")
    known = [str(label) for label in ordered["stimulus"].values]
    missing = [label for label in design.conditions if label not in known]
    if missing:
        raise SpikelearnError(
            f"the design shows '{missing[0]}', to which there is no response; responses are to"
            f" {', '.join(known[:5])}{' ...' if len(known) > 5 else ''}"
        )
    rows = [known.index(label) for label in design.conditions]
    values = regressors(design, hrf) @ ordered.to_numpy()[rows]
    if noise_sd:
        values = values + noise_sd * _ar1(values.shape, noise_ar1, seed)
    coords = {
        name: c for name, c in ordered.coords.items() if "stimulus" not in c.dims and name != "time"
    }
    result = xarray.DataArray(
        values, dims=("time", "unit"), coords={**coords, "time": 1000.0 * design.scan_times_s}
    )
    units = response.attrs.get("units", "not said")
    return derived(result, response, units=units, hrf=hrf, tr_s=design.tr_s).rename("bold")


def regressors(design: EventDesign, hrf: str = "spm") -> np.ndarray:
    """Predicted signal of each condition at strength 1, array of shape (n_scans, n_conditions).

    An event of duration 0 counts as an impulse of area 1 s.
    """
    haemodynamics = haemodynamic_response(hrf)
    since = design.scan_times_s[:, None] - design.onsets_s[None, :]
    lasting = design.durations_s > 0
    course = np.where(
        lasting,
        haemodynamics.integral(since) - haemodynamics.integral(since - design.durations_s),
        haemodynamics.density(since),
    )
    column = {label: i for i, label in enumerate(design.conditions)}
    which = np.array([column[label] for label in design.labels])
    result = np.zeros((design.n_scans, len(column)))
    np.add.at(result.T, which, course.T)
    return result


def betas(series: xarray.DataArray, design: EventDesign, hrf: str = "spm") -> xarray.DataArray:
    """Response to each condition by ordinary least squares, with a constant for the baseline.

    Parameters
    ----------
    series : DataArray of shape (time, unit)
        One value at each scan of the design.
    design : EventDesign
    hrf : str

    Returns
    -------
    DataArray of shape (stimulus, unit)

    Raises
    ------
    SpikelearnError
        If the scans differ in number, or the design cannot tell its conditions apart.
    """
    import xarray

    check_dims(series, ("time", "unit"))
    ordered = series.transpose("time", "unit")
    if len(ordered) != design.n_scans:
        raise SpikelearnError(
            f"the design has {design.n_scans} scans, but the signal {len(ordered)}"
        )
    matrix = np.column_stack([regressors(design, hrf), np.ones(design.n_scans)])
    strengths, _, rank, _ = np.linalg.lstsq(matrix, ordered.to_numpy(), rcond=None)
    if rank < matrix.shape[1]:
        raise SpikelearnError(
            f"the design cannot tell its {len(design.conditions)} conditions apart; show them at"
            " other times, or take more scans"
        )
    coords = {name: c for name, c in ordered.coords.items() if "time" not in c.dims}
    result = xarray.DataArray(
        strengths[:-1],
        dims=("stimulus", "unit"),
        coords={**coords, "stimulus": list(design.conditions)},
    )
    units = series.attrs.get("units", "not said")
    return derived(result, series, units=units, hrf=hrf).rename("beta")


def bin_edges_ms(response: xarray.DataArray) -> np.ndarray:
    """Edges of the bins whose middles are the response's times, array of shape (n_times + 1,).

    Raises
    ------
    SpikelearnError
        If there is one time only, or they are not even.
    """
    times = response["time"].to_numpy().astype(np.float64)
    if times.size < 2 or not np.allclose(np.diff(times), times[1] - times[0], rtol=1e-6, atol=0):
        raise SpikelearnError("the response's times must be at least 2, and evenly spaced")
    step = (times[-1] - times[0]) / (times.size - 1)
    return np.concatenate([times - step / 2, [times[-1] + step / 2]])


def _ar1(shape: tuple[int, ...], correlation: float, seed: int) -> np.ndarray:
    """Stationary noise of variance 1, correlated along the first axis."""
    from scipy.signal import lfilter

    white = generator(seed, "bold noise").standard_normal(shape)
    white[1:] *= np.sqrt(1 - correlation**2)
    noise: np.ndarray = lfilter([1.0], [1.0, -correlation], white, axis=0)
    return noise
