"""Responses along training are kept in few units, and read with the same dissimilarities."""

from __future__ import annotations

import numpy as np
import xarray

from spikelearn.comparison import rdm
from spikelearn.studies.kept_patterns import pattern_table, read_patterns


def response(values) -> xarray.DataArray:
    labels = [f"s{i}" for i in range(len(values))]
    return xarray.DataArray(values, dims=("stimulus", "unit"), coords={"stimulus": labels})


def test_patterns_of_layers_are_kept_in_one_table(tmp_path):
    values = np.maximum(np.random.default_rng(0).normal(size=(9, 400)), 0)
    values[3] = 0.0  # silent: it has no dissimilarity, and keeps none
    layers = {"hidden1": response(values), "output": response(values[:, :4] + 1.0)}
    pattern_table(layers).to_parquet(tmp_path / "patterns.parquet")
    import pandas as pd

    found = read_patterns(pd.read_parquet(tmp_path / "patterns.parquet"))
    assert list(found) == ["hidden1", "output"]
    assert (found["hidden1"].shape, found["output"].shape) == ((9, 10), (9, 4))
    for name, one in layers.items():
        np.testing.assert_allclose(
            rdm(found[name]).get_vectors(), rdm(one).get_vectors(), atol=1e-9
        )
