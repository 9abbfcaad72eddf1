"""Responses of many units in as few as there are stimuli, with the same geometry.

Of a convolutional layer's 30,000 units only the products between the patterns of stimuli count, for
dissimilarities as for CKA and for ridge regression, which scales all units alike: n stimuli have
room in n dimensions. Networks by the dozen, each with all its layers, so fit into memory, and a
checkpoint's into a small file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn.comparison.models_and_targets import OF_RDMS
from spikelearn.comparison.rdms import CHUNK_UNITS, constant_patterns, pattern_matrix

if TYPE_CHECKING:
    import xarray

# Methods of whose scores nothing but products between patterns decides.
OF_PRODUCTS = ("cka", "encoding")
COMPACT_METHODS = (*OF_RDMS, *OF_PRODUCTS)


def compact(response: xarray.DataArray, method: str = "rsa") -> xarray.DataArray:
    """A response of as many units as stimuli, and one more, which scores as the whole one does.

    Parameters
    ----------
    response : DataArray with a dimension "stimulus"
        As it is, where it has no more units than that, asks for another dissimilarity than
        correlation, or the method needs single units.
    method : str
        By which it is to be compared: correlation distances are kept for those of RSA, products
        between stimuli for CKA and ridge.
    """
    import xarray
    from scipy.linalg import helmert

    if method not in COMPACT_METHODS or "rdm_method" in response.attrs:
        return response
    patterns = pattern_matrix(response)
    n, n_units = patterns.shape
    if n_units <= n + 1:
        return response
    if method in OF_PRODUCTS:
        values = _coordinates(_products(patterns))
    else:
        # Patterns of length 1 around their means: products are correlations. Their coordinates have
        # a mean of 0 over units again, so that they have the same correlations.
        means = np.zeros(n)
        for start in range(0, n_units, CHUNK_UNITS):
            means += patterns[:, start : start + CHUNK_UNITS].sum(axis=1, dtype=np.float64)
        means /= n_units
        products = _products(patterns, means)
        lengths = np.sqrt(np.diag(products))
        fixed = constant_patterns(patterns)
        lengths[fixed | (lengths == 0)] = np.inf
        values = _coordinates(products / np.outer(lengths, lengths)) @ helmert(n + 1)
        values[fixed] = patterns[fixed, :1]
    labels = [str(label) for label in response["stimulus"].values]
    return xarray.DataArray(
        values, dims=("stimulus", "unit"), coords={"stimulus": labels}, name=response.name
    )


def _products(patterns: np.ndarray, means: np.ndarray | None = None) -> np.ndarray:
    """Sums over units of the products of patterns, of shape (n_stimuli, n_stimuli)."""
    products = np.zeros((len(patterns), len(patterns)))
    for start in range(0, patterns.shape[1], CHUNK_UNITS):
        part = patterns[:, start : start + CHUNK_UNITS].astype(np.float64)
        if means is not None:
            part -= means[:, None]
        products += part @ part.T
    return products


def _coordinates(products: np.ndarray) -> np.ndarray:
    """Points whose products these are, array of shape (n, n)."""
    values, vectors = np.linalg.eigh(products)
    coordinates: np.ndarray = vectors * np.sqrt(np.maximum(values, 0.0))
    return coordinates
