"""Responses along training as a small table: a row a layer and stimulus, in few units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spikelearn.comparison.compact_patterns import compact

if TYPE_CHECKING:
    import pandas as pd
    import xarray


def pattern_table(responses: Mapping[str, xarray.DataArray]) -> pd.DataFrame:
    """The responses of layers, each in as few units as keep its dissimilarities.

    Parameters
    ----------
    responses : mapping of layer to DataArray
    """
    import pandas as pd

    from spikelearn.comparison.rdms import pattern_matrix, stimulus_labels

    parts = []
    for layer, response in responses.items():
        small = compact(response)
        part = pd.DataFrame(pattern_matrix(small).astype(float))
        part.columns = [f"unit{i}" for i in range(part.shape[1])]
        part.insert(0, "stimulus", stimulus_labels(small))
        part.insert(0, "layer", layer)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)  # units that a layer has not are NaN


def read_patterns(table: pd.DataFrame) -> dict[str, xarray.DataArray]:
    """The responses that `pattern_table` kept, by layer."""
    import xarray

    found = {}
    for layer, part in table.groupby("layer", sort=False):
        values = part.drop(columns=["layer", "stimulus"]).dropna(axis=1, how="all")
        found[str(layer)] = xarray.DataArray(
            values.to_numpy(),
            dims=("stimulus", "unit"),
            coords={"stimulus": part["stimulus"].tolist()},
            name=str(layer),
        )
    return found
