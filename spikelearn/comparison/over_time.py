"""Comparison at each moment: which part of a response in time resembles which part of a recording.

RDMs are computed in every bin (Cichy, Pantazis & Oliva 2014, doi:10.1038/nn.3635). A model's time
course is compared with a recording that has none, or with every moment of one that has
(`time_generalisation`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.comparison.comparators import compare_vectors
from spikelearn.comparison.models_and_targets import MIN_STIMULI, Key, split_key
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.rdms import dissimilarities, stimulus_labels
from spikelearn.comparison.rsa import compare_rsa
from spikelearn.comparison.tables import checked, stacked
from spikelearn.recordings.gaps import complete_stimuli

if TYPE_CHECKING:
    import pandas
    import xarray

    from spikelearn.recordings import ImageRecording, RecordedRDM


def rdms_over_time(response: xarray.DataArray, method: str = "correlation") -> np.ndarray:
    """The RDM of every bin, array of shape (n_bins, n_pairs); NaN where a pattern has none.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit, time)
    method : {"correlation", "euclidean"}
        See `rdm`.

    Raises
    ------
    SpikelearnError
        If the response has no dimension "time".
    """
    stimulus_labels(response)
    return np.stack([dissimilarities(moment, method) for moment in _moments(response).values()])


def compare_over_time(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    **options: Any,
) -> pandas.DataFrame:
    """Score of every model in every bin of its response.

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray of (stimulus, unit, time)
    recording, n_bootstrap, seed, **options
        As in `compare_rsa`.

    Returns
    -------
    DataFrame
        The columns of `compare_rsa`, and time_ms: the middle of the bin, as the response says.

    Raises
    ------
    SpikelearnError
        If a response has no dimension "time".
    """
    moments: dict[Key, xarray.DataArray] = {}
    times: list[float] = []
    names: list[tuple[str, str]] = []
    for key, response in models.items():
        for time, moment in _moments(response).items():
            moments[f"{len(times)}", ""] = moment
            times.append(time)
            names.append(split_key(key))
    table = compare_rsa(moments, recording, n_bootstrap, seed, **options)
    number = table["model"].astype(int)
    table["model"] = [names[i][0] for i in number]
    table["layer"] = [names[i][1] for i in number]
    table.insert(2, "time_ms", [times[i] for i in number])
    return checked(table)


def compare_timecourses(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: Any,
    n_bootstrap: int = 1000,
    seed: int = 0,
    **options: Any,
) -> pandas.DataFrame:
    """Score of every model at every moment of a recording with a course in time (MEG, spikes).

    Parameters
    ----------
    models, n_bootstrap, seed, **options
        As in `compare_rsa`.
    recording : recording with `timecourses`
        RDMs at several moments of every region, subject and session.

    Returns
    -------
    DataFrame
        The columns of `compare_rsa`, and time_ms. At moments at which some patterns have no
        dissimilarity the other stimuli are compared; the flag says which were left out.

    Warns
    -----
    UserWarning
        Where at a moment too few stimuli have dissimilarities, and it is left out.

    Raises
    ------
    SpikelearnError
        If the recording has no course in time.
    """
    from spikelearn.recordings import RecordedRDM

    recording = by_names(recording)
    timecourses = getattr(recording, "timecourses", ())
    if not timecourses:
        raise SpikelearnError(
            f"{recording.name} has no course in time; compare it by the method rsa"
        )
    moments: dict[float, list[RecordedRDM]] = {}
    for one in timecourses:
        for time, values in zip(one.time_ms, one.dissimilarities, strict=True):
            at_time = RecordedRDM(one.subject, one.region, one.session, values, one.unit)
            moments.setdefault(float(time), []).append(at_time)
    tables = []
    for time, rdms in _without_empty(moments, recording.name).items():
        moment: Any = SimpleNamespace(
            name=recording.name,
            labels=recording.labels,
            n_stimuli=len(recording.labels),
            rdms=rdms,
            groups={},
            categories=getattr(recording, "categories", {}),
            kinds=getattr(recording, "kinds", ()),
        )
        table = compare_rsa(models, moment, n_bootstrap, seed, **options)
        table.insert(2, "time_ms", time)
        tables.append(table)
    return stacked(tables)


def _without_empty(
    moments: Mapping[float, Sequence[RecordedRDM]], name: str
) -> dict[float, tuple[RecordedRDM, ...]]:
    """The RDMs at each moment, of the regions in which enough stimuli have dissimilarities."""
    kept: dict[float, tuple[RecordedRDM, ...]] = {}
    left_out: dict[str, list[float]] = {}
    for time in sorted(moments):
        its: list[RecordedRDM] = []
        for region in dict.fromkeys(one.region for one in moments[time]):
            members = [one for one in moments[time] if one.region == region]
            vectors = np.stack([one.dissimilarities for one in members])
            if not np.isnan(vectors).any() or complete_stimuli(vectors).sum() >= MIN_STIMULI:
                its += members
            else:
                left_out.setdefault(region, []).append(time)
        if its:
            kept[time] = tuple(its)
    for region, times in left_out.items():
        warnings.warn(
            f"{name}, {region}: {counted(len(times), 'moment is', 'moments are')} left out, the"
            f" first at {times[0]:g} ms, at which fewer than {MIN_STIMULI} stimuli have"
            " dissimilarities in all subjects",
            stacklevel=3,
        )
    return kept


def time_generalisation(
    models: np.ndarray, recorded: np.ndarray, comparator: str = "spearman"
) -> np.ndarray:
    """Score of every moment of a model with every moment of a recording.

    Parameters
    ----------
    models, recorded : arrays of shape (n_model_bins, n_pairs), (n_recorded_bins, n_pairs)
        RDMs over time; pairs that are NaN in one of them are left out for all.
    comparator : str
        One of `COMPARATORS`.

    Returns
    -------
    array of shape (n_model_bins, n_recorded_bins)

    Raises
    ------
    SpikelearnError
        If they have not the same pairs, or none is left.
    """
    if models.shape[1] != recorded.shape[1]:
        raise SpikelearnError(
            f"RDMs of the same stimuli are needed, found {models.shape[1]} and"
            f" {recorded.shape[1]} pairs"
        )
    kept = np.isfinite(models).all(axis=0) & np.isfinite(recorded).all(axis=0)
    if kept.sum() < 3:
        raise SpikelearnError("fewer than 3 pairs of stimuli have dissimilarities at all times")
    return compare_vectors(models[:, kept], recorded[:, kept], comparator)


def _moments(response: xarray.DataArray) -> dict[float, xarray.DataArray]:
    if "time" not in response.dims:
        raise SpikelearnError(
            "a comparison over time needs a response with a dimension 'time' (see psth), found the"
            f" dimensions {', '.join(map(str, response.dims))}"
        )
    return {
        float(response["time"].values[i]): response.isel(time=i)
        for i in range(response.sizes["time"])
    }
