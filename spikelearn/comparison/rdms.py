"""Representational dissimilarity matrices of responses, as rsatoolbox objects or upper triangles.

Dissimilarities between the patterns of stimuli are sums over units, so they are computed from
matrix products over `CHUNK_UNITS` units at a time: beside the responses, which may be of any number
type, memory holds one chunk in double precision and a few matrices of stimuli by stimuli.

correlation    1 - Pearson r between patterns
euclidean      root mean square difference over units
mahalanobis    mean squared difference over units whitened by the noise between repeats
crossnobis     the same, each difference of one set of repeats times that of another, averaged over
               pairs of repeats: its expectation is 0 where there is no difference, so that it can
               be negative (Walther et al. 2016, doi:10.1016/j.neuroimage.2015.12.012)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest

if TYPE_CHECKING:
    import xarray
    from rsatoolbox.rdm import RDMs

    from spikelearn.recordings import RecordedRDM

RDM_METHODS = ("correlation", "euclidean", "mahalanobis", "crossnobis", "given")
_UNITS = {
    "correlation": "1 - Pearson r",
    "euclidean": "root mean square difference",
    "mahalanobis": "squared difference per unit, in units of the noise",
    "crossnobis": "squared difference per unit, in units of the noise, cross-validated",
    "given": "as given",
}

CHUNK_UNITS = 2048  # units in double precision at a time: 16 MB for 1,000 stimuli

# Of the largest dissimilarity. Sums taken in another order differ by less; without rounding,
# dissimilarities that are equal on paper would be ranked by their rounding errors.
_DECIMALS = 12


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
    if method not in RDM_METHODS:
        raise SpikelearnError(f"there is no RDM method '{method}'; {nearest(method, RDM_METHODS)}")
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


def check_dissimilarities(recorded: RecordedRDM) -> None:
    """Refuse a recorded RDM whose values cannot be what its unit says.

    Raises
    ------
    SpikelearnError
        If it holds similarities, or values out of the range of its unit.
    """
    if not recorded.unit.replace(" ", "").lower().startswith("1-"):
        return
    known = recorded.dissimilarities[np.isfinite(recorded.dissimilarities)]
    if not known.size:
        return
    low, high = known.min(), known.max()
    if low < -1e-6 or high > 2 + 1e-6:
        raise SpikelearnError(
            f"the RDM of {recorded.region}, subject {recorded.subject}, holds values from"
            f" {low:.3g} to {high:.3g}, which are no dissimilarities in units of {recorded.unit}"
            " (0 to 2); if they are correlations, give 1 - r"
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


def correlation_distances(patterns: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """1 - Pearson r, matrix of shape (n_stimuli, n_stimuli); NaN for patterns of one value.

    Parameters
    ----------
    patterns : array of shape (n_stimuli, n_units)
    chunk_units : int
        Units in double precision at a time.
    """
    means = _unit_sums(patterns, chunk_units)[:, None] / max(patterns.shape[1], 1)
    products = np.zeros((len(patterns), len(patterns)))
    for part in _chunks(patterns, chunk_units):
        centred = part - means
        products += centred @ centred.T
    # A pattern of one value differs from its mean by rounding only.
    constant = constant_patterns(patterns, chunk_units)
    norms = np.sqrt(np.diag(products))
    norms[constant] = np.nan
    distances: np.ndarray = 1.0 - products / norms[:, None] / norms
    return _rounded(distances)


def euclidean_distances(patterns: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Root mean square differences over units, matrix of shape (n_stimuli, n_stimuli)."""
    products = np.zeros((len(patterns), len(patterns)))
    for part in _chunks(patterns, chunk_units):
        # Differences stay as they are; x^2 + y^2 - 2xy loses fewer digits.
        centred = part - part.mean(axis=0)
        products += centred @ centred.T
    return np.sqrt(np.maximum(_rounded(_squared(products)), 0.0) / patterns.shape[1])


def mahalanobis_distances(repeats: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Mean squared differences of whitened patterns, averaged over repeats before.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
    chunk_units : int
        Units in double precision at a time.
    """
    whitened = _whitened(repeats)
    products = np.zeros((len(repeats), len(repeats)))
    for part in _chunks(whitened.mean(axis=1), chunk_units):
        centred = part - part.mean(axis=0)
        products += centred @ centred.T
    return _rounded(_squared(products)) / repeats.shape[2]


def crossnobis_distances(repeats: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Cross-validated Mahalanobis distances, averaged over all pairs of different repeats."""
    n_stimuli, n_repeats, n_units = repeats.shape
    whitened = _whitened(repeats)
    total = np.zeros((n_stimuli, n_stimuli))
    for start in range(0, n_units, chunk_units):
        part = whitened[:, :, start : start + chunk_units]
        part = part - part.mean(axis=0)
        # All pairs of different repeats: the square of the sum less the sum of squares.
        summed = part.sum(axis=1)
        total += summed @ summed.T
        for k in range(n_repeats):
            total -= part[:, k] @ part[:, k].T
    return _rounded(_squared(total)) / (n_repeats * (n_repeats - 1) * n_units)


def noise_covariance(repeats: np.ndarray) -> np.ndarray:
    """Covariance of the units' noise between repeats, shrunk so that it can be inverted.

    The residuals of the repeats from their stimulus's mean, and from their own mean over stimuli
    (a run's baseline), with the shrinkage towards a multiple
    of the identity of Ledoit & Wolf 2004 (doi:10.1016/S0047-259X(03)00096-4), by scikit-learn.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
        n_stimuli (n_repeats - 1) should be many times n_units: of fewer, the noise that the
        covariance is fitted to seems smaller than that of the means, and distances too large.

    Returns
    -------
    array of shape (n_units, n_units)

    Raises
    ------
    SpikelearnError
        If there are fewer than two repeats, or no noise between them.
    """
    from sklearn.covariance import ledoit_wolf

    n_stimuli, n_repeats, n_units = repeats.shape
    if n_repeats < 2:
        raise SpikelearnError(
            f"distances in units of the noise need at least 2 repeats of each stimulus, found"
            f" {n_repeats}; use correlation or euclidean"
        )
    # What all responses of a repeat have in common is no noise, and no difference either.
    centred = repeats - repeats.mean(axis=0)
    residuals = (centred - centred.mean(axis=1, keepdims=True)).reshape(-1, n_units)
    if np.abs(residuals).max(initial=0.0) <= 1e-12 * np.abs(repeats).max(initial=0.0):
        raise SpikelearnError(
            "the repeats of each stimulus are identical, so there is no noise to measure distances"
            " by; use correlation or euclidean"
        )
    covariance, _ = ledoit_wolf(residuals, assume_centered=True)
    # One degree of freedom of each stimulus went into its mean, one of each repeat into its own.
    freedom = (n_repeats - 1) * (n_stimuli - 1) / (n_repeats * n_stimuli)
    unbiased: np.ndarray = covariance / freedom
    return unbiased


def constant_patterns(patterns: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Which stimuli have one value in all units, bool array of shape (n_stimuli,)."""
    if patterns.shape[1] == 0:
        return np.ones(len(patterns), dtype=bool)
    constant = np.ones(len(patterns), dtype=bool)
    for start in range(0, patterns.shape[1], chunk_units):
        part = patterns[:, start : start + chunk_units]
        constant &= (part == patterns[:, :1]).all(axis=1)
    return constant


def _whitened(repeats: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(noise_covariance(repeats))
    whitened: np.ndarray = repeats @ (vectors / np.sqrt(values) @ vectors.T)
    return whitened


def _chunks(patterns: np.ndarray, chunk_units: int) -> Iterator[np.ndarray]:
    for start in range(0, patterns.shape[1], chunk_units):
        yield patterns[:, start : start + chunk_units].astype(np.float64)


def _unit_sums(patterns: np.ndarray, chunk_units: int) -> np.ndarray:
    sums = np.zeros(len(patterns))
    for part in _chunks(patterns, chunk_units):
        sums += part.sum(axis=1)
    return sums


def _squared(products: np.ndarray) -> np.ndarray:
    """Squared differences from inner products; exactly 0 on the diagonal."""
    diagonal = np.diag(products)
    squared: np.ndarray = diagonal[:, None] + diagonal - products - products.T
    return squared


def _rounded(distances: np.ndarray) -> np.ndarray:
    largest = np.nanmax(np.abs(distances), initial=0.0)
    if not np.isfinite(largest) or largest == 0:
        return distances
    rounded: np.ndarray = np.round(distances / largest, _DECIMALS) * largest
    return rounded
