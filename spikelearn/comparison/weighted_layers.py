"""All layers of a network as one model: their dissimilarities weighted for a region, compared anew.

The non-negative weights of a network's layers whose sum is most like a region (Khaligh-Razavi &
Kriegeskorte 2014, doi:10.1371/journal.pcbi.1003915) are found on some stimuli, for each seed by
itself, and the weighted dissimilarities are compared on others. Layers count by how much they vary,
so that a weight is a share. Of a network none of whose layers goes with the region, the one that
goes against it least is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.comparators import compare_vectors, pooled_vectors
from spikelearn.comparison.contrast_parts import Contrast, Part
from spikelearn.comparison.held_out_rsa import non_negative_weights
from spikelearn.comparison.models_and_targets import model_rdm
from spikelearn.comparison.rdms import fixed_rdm

if TYPE_CHECKING:
    import xarray

WEIGHTED = "weighted layers"


def weighted_contrast(
    contrast: Contrast,
    on: Any,
    rest: Any,
    recorded: Mapping[str, np.ndarray],
    region: str,
    comparator: str,
) -> tuple[Contrast, str]:
    """The contrast of networks whose layers are weighted, and how they are.

    Parameters
    ----------
    contrast : Contrast
    on, rest : recording
        Of the stimuli on which weights are found, and of those on which it is to be tested.
    recorded : mapping of str to array of shape (n_rdms, n_pairs)
        The dissimilarities of each region that its parts are of, of the subjects, in `on`.
    region : str
        Of parts that name none.
    comparator : str
        One of `COMPARATORS`, by which subjects are averaged.
    """
    parts: list[Part] = []
    shares: dict[str, list[dict[str, float]]] = {}
    for part in contrast.parts:
        data = recorded[part.region or region]
        n_seeds = len(next(iter(part.layers.values())))
        by_seed, found = [], []
        for seed in range(n_seeds):
            combination = []
            for k, (weight, _) in enumerate(next(iter(part.layers.values()))[seed]):
                layers = {name: of[seed][k][1] for name, of in part.layers.items()}
                response, share = weighted_response(layers, on, rest, data, comparator)
                combination.append((weight, response))
                found.append(share)
            by_seed.append(combination)
        parts.append(Part(part.weight, {WEIGHTED: by_seed}, part.network, part.region))
        shares.setdefault(part.network, []).extend(found)
    said = "; ".join(f"{name}: {_in_words(each)}" for name, each in shares.items())
    regions = contrast.regions if contrast.of_pairs else (region,)
    return Contrast(contrast.columns, parts, regions), f"shares of {said}"


def weighted_response(
    layers: Mapping[str, xarray.DataArray], on: Any, rest: Any, data: np.ndarray, comparator: str
) -> tuple[xarray.DataArray, dict[str, float]]:
    """Dissimilarities of one network over the other stimuli, and the share of each layer.

    Parameters
    ----------
    layers : mapping of str to DataArray
        Responses of the layers of one network.
    on, rest : recording
        Of the stimuli on which weights are found, and of the others.
    data : array of shape (n_rdms, n_pairs)
        Dissimilarities of subjects in `on`.
    comparator : str
        One of `COMPARATORS`.

    Returns
    -------
    response : DataArray of shape (stimulus, unit)
        The weighted dissimilarities, as of `fixed_rdm`.
    shares : dict of str to float
        Of each layer's spread over the pairs of stimuli; they add to 1. A layer that has no
        dissimilarities for some stimulus has none; where that is so of all, the one that lacks
        fewest is compared.
    """
    here = {name: model_rdm(("", name), response, on) for name, response in layers.items()}
    there = {name: model_rdm(("", name), response, rest) for name, response in layers.items()}
    usable = [
        name
        for name in layers
        if here[name].valid.all() and there[name].valid.all() and np.ptp(here[name].vector) > 0
    ]
    if not usable:
        best = max(layers, key=lambda name: here[name].valid.sum() + there[name].valid.sum())
        return layers[best], dict.fromkeys(layers, 0.0) | {best: 1.0}
    vectors = np.stack([here[name].vector for name in usable])
    spread = vectors.std(axis=1)
    weights = non_negative_weights(vectors / spread[:, None], pooled_vectors(data, comparator))
    if not weights.any():
        scores = compare_vectors(vectors, data, comparator).mean(axis=1)
        weights[np.argmax(scores)] = 1.0
    combined = (weights / spread) @ np.stack([there[name].vector for name in usable])
    matrix = np.zeros((len(rest.labels), len(rest.labels)))
    matrix[np.triu_indices(len(matrix), k=1)] = combined
    shares = dict.fromkeys(layers, 0.0) | dict(
        zip(usable, (weights / weights.sum()).tolist(), strict=True)
    )
    return fixed_rdm(matrix + matrix.T, rest.labels, WEIGHTED), shares


def _in_words(shares: Sequence[Mapping[str, float]]) -> str:
    """Mean shares over seeds, of layers that have one."""
    means = {name: float(np.mean([one[name] for one in shares])) for name in shares[0]}
    return ", ".join(f"{name} {share:.2f}" for name, share in means.items() if share >= 0.005)
