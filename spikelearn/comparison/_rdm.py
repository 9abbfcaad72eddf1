"""Representational dissimilarity matrices of model responses, through rsatoolbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import xarray
    from rsatoolbox.rdm import RDMs

METHODS = ("correlation", "euclidean")

# Of the largest dissimilarity. Sums taken in another order differ by less; without rounding,
# dissimilarities that are equal on paper would be ranked by their rounding errors.
_DECIMALS = 12


def rdm(response: xarray.DataArray, method: str | None = None) -> RDMs:
    """The RDM of a response as an rsatoolbox object, stimuli in the order of the response.

    Parameters
    ----------
    response : DataArray with a dimension "stimulus"
        All other dimensions together are the pattern of a stimulus.
    method : {"correlation", "euclidean"}, optional
        "correlation": 1 - Pearson r between patterns. "euclidean": root mean square difference
        over units. If left out, what the response asks for in `attrs["rdm_method"]`, else
        correlation.

    Returns
    -------
    rsatoolbox.rdm.RDMs with one RDM
        A pattern that is the same value in every unit (a silent population, for one) has no
        correlation distance: its entries are NaN.

    Raises
    ------
    SpikelearnError
        If the method is unknown, there is no dimension "stimulus", or values are not finite.
    """
    from rsatoolbox.rdm import RDMs
    from scipy.spatial.distance import squareform

    method = response.attrs.get("rdm_method", "correlation") if method is None else method
    if method not in METHODS:
        raise SpikelearnError(
            f"there is no RDM method '{method}'; methods are {', '.join(METHODS)}"
        )
    patterns = pattern_matrix(response)
    defined = (
        ~constant_patterns(patterns) if method == "correlation" else np.ones(len(patterns), bool)
    )
    matrix = np.full((len(patterns), len(patterns)), np.nan)
    np.fill_diagonal(matrix, 0.0)
    if defined.sum() > 1:
        matrix[np.ix_(defined, defined)] = squareform(_distances(patterns[defined], method))
    measure = "correlation" if method == "correlation" else "root mean square difference"
    return RDMs(
        matrix[np.triu_indices(len(matrix), k=1)][None],
        dissimilarity_measure=measure,
        pattern_descriptors={"stimulus": stimulus_labels(response)},
    )


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
    """The response as float64 array of shape (n_stimuli, n_units).

    Raises
    ------
    SpikelearnError
        If there is no dimension "stimulus" with labels, or values are not finite.
    """
    stimulus_labels(response)
    values = response.transpose("stimulus", ...).to_numpy().astype(np.float64)
    patterns = values.reshape(len(values), -1) if values.size else np.zeros((len(values), 0))
    if not np.isfinite(patterns).all():
        raise SpikelearnError(f"response '{response.name}' holds values that are not finite")
    return patterns


def constant_patterns(patterns: np.ndarray) -> np.ndarray:
    """Which stimuli have one value in all units, bool array of shape (n_stimuli,)."""
    if patterns.shape[1] == 0:
        return np.ones(len(patterns), dtype=bool)
    return np.asarray(np.ptp(patterns, axis=1) == 0)


def _distances(patterns: np.ndarray, method: str) -> np.ndarray:
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm
    from rsatoolbox.rdm.transform import sqrt_transform

    if method == "euclidean":
        # Distances stay as they are; rsatoolbox's x^2 + y^2 - 2xy loses fewer digits.
        patterns = patterns - patterns.mean(axis=0)
    rdms = cast("RDMs", calc_rdm(Dataset(patterns), method=method))
    if method == "euclidean":
        rdms = sqrt_transform(rdms)
    distances: np.ndarray = rdms.get_vectors()[0]
    largest = np.abs(distances).max()
    return np.round(distances / largest, _DECIMALS) * largest if largest > 0 else distances
