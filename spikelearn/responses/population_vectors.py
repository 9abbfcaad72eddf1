"""Population vectors: the direction of a population's response, in two senses.

`population_vectors`: all neurons' responses at one time (or to one stimulus) as a vector of unit
length, so that only the pattern counts, not how much the population responds.
`vector_average`: the movement or direction that the population stands for, the neurons' preferred
directions weighted by their responses (Georgopoulos, Schwartz & Kettner 1986,
doi:10.1126/science.3749885).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.responses._labels import check_dims, derived

if TYPE_CHECKING:
    import xarray

_DIMS = (("stimulus", "unit"), ("stimulus", "unit", "time"))


def population_vectors(response: xarray.DataArray) -> xarray.DataArray:
    """Responses divided by their length over the units; a silent population stays at zero.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit) or (stimulus, unit, time)

    Returns
    -------
    DataArray of the same shape
        Dimensionless; the sum of squares over the units is 1, or 0.

    Raises
    ------
    SpikelearnError
        If the dimensions are others.
    """
    check_dims(response, *_DIMS)
    length = (response**2).sum("unit") ** 0.5
    unit = (response / length.where(length > 0, 1.0)).transpose(*response.dims)
    return derived(unit, response, units="1 (unit length)").rename("population_vector")


def preferred_directions(response: xarray.DataArray, directions: np.ndarray) -> np.ndarray:
    """The direction that each unit responds to most, by cosine tuning: r = b0 + b . direction.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit)
    directions : array of shape (n_stimuli, n_axes)
        Where each stimulus points; made unit vectors.

    Returns
    -------
    array of shape (n_units, n_axes)
        Unit vectors; zero where a unit is not tuned at all.

    Raises
    ------
    SpikelearnError
        If there is not one direction for each stimulus, or they do not span the axes.
    """
    check_dims(response, _DIMS[0])
    axes = _unit_rows(directions, len(response["stimulus"]), "stimulus")
    design = np.column_stack([np.ones(len(axes)), axes])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise SpikelearnError(
            f"the {len(axes)} directions do not determine a tuning over {axes.shape[1]} axes; at"
            f" least {axes.shape[1] + 1} that differ are needed"
        )
    values = response.transpose("stimulus", "unit").to_numpy()
    slopes = np.linalg.lstsq(design, values, rcond=None)[0][1:].T
    length = np.linalg.norm(slopes, axis=1, keepdims=True)
    tuned = length > 1e-12 * max(1.0, float(np.abs(values).max(initial=0.0)))
    return np.where(tuned, slopes / np.where(tuned, length, 1.0), 0.0)


def vector_average(
    response: xarray.DataArray, preferred: np.ndarray, baseline: np.ndarray | float | None = None
) -> xarray.DataArray:
    """Preferred directions weighted by the responses above baseline, averaged over the units.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit) or (stimulus, unit, time)
    preferred : array of shape (n_units, n_axes)
        Made unit vectors; units at zero do not count.
    baseline : float or array of shape (n_units,), optional
        What is taken off each unit's response; its mean over stimuli (and time) if absent.

    Returns
    -------
    DataArray of shape (stimulus, unit) or (stimulus, unit, time)
        In the response's units; the axes x, y, z (0, 1, 2 ... beyond three) stand for its units.

    Raises
    ------
    SpikelearnError
        If there is not one preferred direction for each unit.
    """
    check_dims(response, *_DIMS)
    axes = _unit_rows(preferred, len(response["unit"]), "unit")
    if baseline is None:
        others = [dim for dim in response.dims if dim != "unit"]
        above = response - response.mean(others)
    else:
        above = response - np.asarray(baseline)[..., *(None,) * (response.ndim - 2)]
    n_axes = axes.shape[1]
    names = list("xyz"[:n_axes]) if n_axes <= 3 else [str(axis) for axis in range(n_axes)]
    ordered = above.transpose("stimulus", "unit", ...)
    values = np.einsum("su...,ua->sa...", ordered.to_numpy(), axes) / len(axes)
    result = ordered.isel(unit=np.zeros(n_axes, dtype=int)).copy(data=values)
    result = result.assign_coords(unit=names)
    units = response.attrs.get("units", "not said")
    return derived(result, response, units=units).rename("vector_average")


def _unit_rows(vectors: np.ndarray, n_rows: int, what: str) -> np.ndarray:
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != n_rows or not rows.shape[1] or not np.isfinite(rows).all():
        raise SpikelearnError(
            f"directions must be finite and of shape ({n_rows}, n_axes), one for each {what}, found"
            f" {rows.shape}"
        )
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
