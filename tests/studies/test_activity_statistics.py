"""Statistics of activity, each beside its definition; and what becomes of them along training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray
from scipy.stats import kurtosis, skew

from spikelearn.studies.activity_statistics import (
    feature_columns,
    statistics_table,
    trajectory_features,
)


def response(values) -> xarray.DataArray:
    return xarray.DataArray(
        values,
        dims=("stimulus", "unit"),
        coords={"stimulus": [f"s{i}" for i in range(len(values))]},
    )


def test_each_statistic_is_what_it_says():
    random = np.random.default_rng(0)
    values = np.maximum(random.normal(size=(8, 30)), 0)
    row = statistics_table({"hidden1": response(values)}).iloc[0]
    assert row["mean"] == pytest.approx(values.mean())
    assert row.deviation == pytest.approx(values.std())
    assert row.skewness == pytest.approx(skew(values.ravel()))
    assert row["kurtosis"] == pytest.approx(kurtosis(values.ravel()))
    assert row.silent == pytest.approx((values == 0).mean())
    assert row.between_units == pytest.approx(values.mean(axis=0).var() / values.var())
    eigenvalues = np.linalg.eigvalsh(np.cov(values.T))
    ratio = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert row.dimensions == pytest.approx(ratio / 7)
    pairs = np.corrcoef(values)[np.triu_indices(8, k=1)]
    assert row["correlation"] == pytest.approx(pairs.mean())


def test_a_silent_layer_has_statistics_too():
    row = statistics_table({"hidden1": response(np.zeros((4, 3)))}).iloc[0]
    assert row.silent == 1.0
    assert np.isfinite(row.drop("layer").astype(float)).all()


def test_features_are_changes_since_before_training_at_three_moments_of_any_depth():
    tables = []
    for network, depth in (("a", 2), ("b", 4)):
        for epoch in range(4):
            layers = {f"hidden{i + 1}": response(np.arange(12.0).reshape(4, 3) * (1 + i + epoch))
                      for i in range(depth)}  # fmt: skip
            layers["output"] = response(np.full((4, 2), 1e6))
            about = {"rule": "r", "network": network, "seed": 0, "learning_rate": 0.1}
            tables.append(statistics_table(layers).assign(epoch=epoch, **about))
    features = trajectory_features(pd.concat(tables))
    assert list(features.network) == ["a", "b"]
    assert len(feature_columns(features)) == 3 * 3 * 9
    assert features["mean of first at 1"].tolist() == pytest.approx([5.5 * 3] * 2)
    assert features["mean of last at 0.34"].tolist() == pytest.approx([5.5] * 2)
    assert features["skewness of mean at 1"].tolist() == pytest.approx([0, 0], abs=1e-12)
