"""Representational dissimilarity matrices of responses, as rsatoolbox objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison._dissimilarities import (
    correlation_distances,
    crossnobis_distances,
    euclidean_distances,
    mahalanobis_distances,
)

if TYPE_CHECKING:
    import xarray
    from rsatoolbox.rdm import RDMs

METHODS = ("correlation", "euclidean", "mahalanobis", "crossnobis", "given")
_UNITS = {
    "correlation": "1 - Pearson r",
    "euclidean": "root mean square difference",
    "mahalanobis": "squared difference per unit, in units of the noise",
    "crossnobis": "squared difference per unit, in units of the noise, cross-validated",
    "given": "as given",
}


def rdm(response: xarray.DataArray, method: str | None = None) -> RDMs:
    """The RDM of a response as an rsatoolbox object, stimuli in the order of the response.

    Parameters
    ----------
    response : DataArray with a dimension "stimulus"
        All other dimensions together are the pattern of a stimulus; over a dimension "repeat" it is
        averaged first, except by the methods that read the noise from it.
    method : {"correlation", "euclidean", "mahalanobis", "crossnobis", "given"}, optional
        "correlation": 1 - Pearson r between patterns. "euclidean": root mean square difference
        over units. "mahalanobis": mean squared difference over units, in units of the noise between
        repeats; "crossnobis": the same, cross-validated over repeats. "given": the response is a
        matrix of dissimilarities (see `fixed_rdm`). If left out, what the response asks for in
        `attrs["rdm_method"]`, else correlation.

    Returns
    -------
    rsatoolbox.rdm.RDMs with one RDM
        A pattern that is the same value in every unit (a silent population, for one) has no
        correlation distance: its entries are NaN.

    Raises
    ------
    SpikelearnError
        If the method is unknown, there is no dimension "stimulus", values are not finite, or the
        method needs repeats that the response does not have.
    """
    from rsatoolbox.rdm import RDMs

    method = response.attrs.get("rdm_method", "correlation") if method is None else method
    if method not in METHODS:
        raise SpikelearnError(
            f"there is no RDM method '{method}'; methods are {', '.join(METHODS)}"
        )
    return RDMs(
        dissimilarities(response, method)[None],
        dissimilarity_measure=_UNITS[method],
        pattern_descriptors={"stimulus": stimulus_labels(response)},
    )


def dissimilarities(response: xarray.DataArray, method: str) -> np.ndarray:
    """The upper triangle of the RDM, array of shape (n_pairs,); see `rdm`."""
    if method in ("mahalanobis", "crossnobis"):
        repeats = repeat_patterns(response, method)
        measure = mahalanobis_distances if method == "mahalanobis" else crossnobis_distances
        matrix = measure(repeats)
    else:
        patterns = pattern_matrix(response)
        if method == "correlation":
            matrix = correlation_distances(patterns)
        elif method == "euclidean":
            matrix = euclidean_distances(patterns)
        else:
            matrix = checked_matrix(patterns, str(response.name))
    upper: np.ndarray = matrix[np.triu_indices(len(matrix), k=1)]
    return upper


def fixed_rdm(matrix: Any, labels: Sequence[str], name: str = "fixed") -> xarray.DataArray:
    """A matrix of dissimilarities as a model: it is compared as it stands.

    Parameters
    ----------
    matrix : array of shape (n_stimuli, n_stimuli)
        Symmetric, with zeros on its diagonal.
    labels : sequence of str
        The stimuli.
    name : str
        What it is, for messages.

    Returns
    -------
    DataArray of shape (stimulus, unit)

    Raises
    ------
    SpikelearnError
        If it is no matrix of dissimilarities: not square, not symmetric, or similarities.
    """
    import xarray

    values = np.asarray(matrix, dtype=np.float64)
    if values.shape != (len(labels), len(labels)):
        raise SpikelearnError(
            f"the RDM of '{name}' must be a square matrix for its {len(labels)} stimuli, found"
            f" shape {values.shape}"
        )
    checked_matrix(values, name)
    names = [str(label) for label in labels]
    return xarray.DataArray(
        values,
        dims=("stimulus", "unit"),
        coords={"stimulus": names, "unit": names},
        name=name,
        attrs={"rdm_method": "given"},
    )


def checked_matrix(matrix: np.ndarray, name: str) -> np.ndarray:
    """The matrix, if it can hold dissimilarities.

    Raises
    ------
    SpikelearnError
        If it is not symmetric, or its diagonal says that it holds similarities.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise SpikelearnError(f"the RDM of '{name}' must be square, found shape {matrix.shape}")
    diagonal = np.diag(matrix)
    scale = np.abs(matrix).max(initial=0.0)
    off_diagonal = matrix[~np.eye(len(matrix), dtype=bool)]
    if off_diagonal.size and scale > 0 and (diagonal >= off_diagonal.max()).all():
        raise SpikelearnError(
            f"the RDM of '{name}' is largest on its diagonal, so it holds similarities; give"
            " dissimilarities, 1 - r for a correlation"
        )
    if np.abs(diagonal).max(initial=0.0) > 1e-8 * scale:
        raise SpikelearnError(
            f"the RDM of '{name}' has a dissimilarity of {np.abs(diagonal).max():.3g} between a"
            " stimulus and itself; its diagonal must be 0"
        )
    if np.abs(matrix - matrix.T).max(initial=0.0) > 1e-8 * scale:
        raise SpikelearnError(f"the RDM of '{name}' is not symmetric")
    return matrix


def stimulus_labels(response: xarray.DataArray) -> list[str]:
    """The labels of the response's stimuli.

    Raises
    ------
    SpikelearnError
        If there is no dimension "stimulus" with labels.
    """
    if "stimulus" not in response.dims or "stimulus" not in response.coords:
        raise SpikelearnError(
            "a response needs a dimension 'stimulus' with the labels as coordinate, found the"
            f" dimensions {', '.join(map(str, response.dims)) or 'none'}"
        )
    return [str(label) for label in response["stimulus"].values]


def pattern_matrix(response: xarray.DataArray) -> np.ndarray:
    """The response as array of shape (n_stimuli, n_units), averaged over repeats.

    Raises
    ------
    SpikelearnError
        If there is no dimension "stimulus" with labels, or values are not finite.
    """
    stimulus_labels(response)
    if "repeat" in response.dims:
        response = response.mean("repeat", keep_attrs=True)
    values = response.transpose("stimulus", ...).to_numpy()
    if values.dtype != np.float32:
        values = values.astype(np.float64, copy=False)
    patterns = values.reshape(len(values), -1) if values.size else np.zeros((len(values), 0))
    if not np.isfinite(patterns).all():
        raise SpikelearnError(f"response '{response.name}' holds values that are not finite")
    return patterns


def repeat_patterns(response: xarray.DataArray, method: str) -> np.ndarray:
    """The response as float64 array of shape (n_stimuli, n_repeats, n_units).

    Raises
    ------
    SpikelearnError
        If there is no dimension "repeat", or values are not finite.
    """
    stimulus_labels(response)
    if "repeat" not in response.dims:
        raise SpikelearnError(
            f"the method '{method}' needs the repeats of each stimulus as a dimension 'repeat',"
            f" found the dimensions {', '.join(map(str, response.dims))}; use correlation or"
            " euclidean"
        )
    values = response.transpose("stimulus", "repeat", ...).to_numpy().astype(np.float64)
    if not np.isfinite(values).all():
        raise SpikelearnError(f"response '{response.name}' holds values that are not finite")
    return values.reshape(*values.shape[:2], -1)
