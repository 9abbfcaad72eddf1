"""Recordings and responses in the order of names, in which folds, resamples and noise are drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._names import is_sorted, order_of_names

if TYPE_CHECKING:
    import xarray


def by_names(recording: Any) -> Any:
    """The recording with its stimuli, units, subjects and sessions in the order of their names.

    Parameters
    ----------
    recording : ImageRecording, or anything with `name`, `labels`, and `responses` or `rdms`
    """
    if hasattr(recording, "in_order_of_names"):
        return recording.in_order_of_names()
    order = order_of_names(recording.labels)
    if is_sorted(order):
        return recording
    return _of_stimuli(recording, order)


def with_stimuli(recording: Any, rows: np.ndarray) -> Any:
    """The recording of some of its stimuli, by their numbers, in that order.

    Parameters
    ----------
    recording : ImageRecording, or anything as of `by_names`
    rows : int array of shape (n_chosen,)
    """
    if hasattr(recording, "select"):
        return recording.select(rows)
    return _of_stimuli(recording, rows.tolist())


def _of_stimuli(recording: Any, order: list[int]) -> Any:
    fields = ("responses", "rdms", "timecourses")
    return SimpleNamespace(
        name=recording.name,
        labels=tuple(recording.labels[i] for i in order),
        n_stimuli=len(order),
        groups={k: _rdm(one, order) for k, one in getattr(recording, "groups", {}).items()},
        categories={
            k: np.asarray(v)[order] for k, v in getattr(recording, "categories", {}).items()
        },
        kinds=getattr(recording, "kinds", ()),
        **{
            field: tuple(_MOVED[field](one, order) for one in getattr(recording, field, ()))
            for field in fields
        },
    )


def with_sorted_units(response: xarray.DataArray) -> xarray.DataArray:
    """A response with its units in the order of their names, where they have names."""
    if "unit" not in response.dims or "unit" not in response.coords:
        return response
    names = response["unit"].to_numpy()
    if names.dtype.kind in "iu":  # as networks number theirs: many
        if (np.diff(names) > 0).all():
            return response
        return response.isel(unit=np.argsort(names, kind="stable"))
    order = order_of_names(names.tolist())
    return response if is_sorted(order) else response.isel(unit=order)


def _responses(one: Any, order: list[int]) -> Any:
    values = one.values
    moved = values.isel(stimulus=order) if hasattr(values, "dims") else np.asarray(values)[order]
    return _changed(one, values=moved)


def _rdm(one: Any, order: list[int]) -> Any:
    return _changed(one, dissimilarities=_pairs(np.asarray(one.dissimilarities), order))


def _pairs(triangles: np.ndarray, order: list[int]) -> np.ndarray:
    """Upper triangles (last axis) of some of the stimuli, in another order."""
    n = round((1 + np.sqrt(1 + 8 * triangles.shape[-1])) / 2)
    number = np.zeros((n, n), dtype=int)
    number[np.triu_indices(n, k=1)] = np.arange(n * (n - 1) // 2)
    number += number.T
    first, second = (np.array(order)[i] for i in np.triu_indices(len(order), k=1))
    moved: np.ndarray = triangles[..., number[first, second]]
    return moved


def _changed(one: Any, **changes: Any) -> Any:
    names = ("subject", "region", "session", "unit", "unit_names", "numbered", "time_ms")
    kept = {name: getattr(one, name) for name in names if hasattr(one, name)}
    return SimpleNamespace(**{"session": "", **kept, **changes})


_MOVED = {"responses": _responses, "rdms": _rdm, "timecourses": _rdm}
