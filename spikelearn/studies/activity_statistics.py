"""Statistics of activity along training: what could be measured in a brain that learns.

Of every layer, over stimuli and units, after every epoch (after Nayebi et al. 2020,
arXiv:2010.11765, and Portes et al. 2022, arXiv:2206.08977): how much it is active, how sparsely,
how its units and stimuli differ, in how many dimensions, and how far its patterns have moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.rdms import pattern_matrix

if TYPE_CHECKING:
    import pandas as pd
    import xarray

STATISTICS = (
    "mean", "deviation", "skewness", "kurtosis", "silent", "between_units", "between_stimuli",
    "dimensions", "correlation",
)  # fmt: skip
ABOUT = ("rule", "network", "seed", "learning_rate")
# Where along training, as a share of it; before training is what these are compared with.
MOMENTS = (0.34, 0.67, 1.0)


def statistics_table(responses: Mapping[str, xarray.DataArray]) -> pd.DataFrame:
    """The statistics of every layer of a network, first to last.

    Parameters
    ----------
    responses : mapping of layer to DataArray

    Returns
    -------
    DataFrame
        A row a layer: layer and `STATISTICS`. `silent` is the share of responses that are 0,
        `between_units` and `between_stimuli` the variance of their means as a share of all,
        `dimensions` the participation ratio as a share of what there could be, `correlation` the
        mean correlation between the patterns of two stimuli.
    """
    import pandas as pd

    rows = []
    for layer, response in responses.items():
        patterns = pattern_matrix(response).astype(np.float64)
        rows.append({"layer": layer, **dict(zip(STATISTICS, _of(patterns), strict=True))})
    return pd.DataFrame(rows)


def _of(patterns: np.ndarray) -> list[float]:
    from scipy.stats import kurtosis, skew

    flat = patterns.ravel()
    spread = float(flat.std())
    if spread == 0:  # silent, or the same everywhere: nothing else to tell of it
        return [float(flat.mean()), 0.0, 0.0, 0.0, float((flat == 0).mean()), 0.0, 0.0, 0.0, 0.0]
    centred = patterns - patterns.mean(axis=0)
    products = centred @ centred.T
    total = float(np.trace(products))
    dimensions = total**2 / float((products**2).sum()) / (len(patterns) - 1) if total > 0 else 0.0
    rows = patterns - patterns.mean(axis=1, keepdims=True)
    lengths = np.sqrt((rows**2).sum(axis=1))
    known = rows[lengths > 0] / lengths[lengths > 0, None]
    n = len(known)
    correlation = float(((known.sum(axis=0) ** 2).sum() - n) / (n * (n - 1))) if n > 1 else 0.0
    return [
        float(flat.mean()), spread, float(skew(flat)), float(kurtosis(flat)),
        float((flat == 0).mean()), float(patterns.mean(axis=0).var() / spread**2),
        float(patterns.mean(axis=1).var() / spread**2), dimensions, correlation,
    ]  # fmt: skip


def trajectory_features(table: pd.DataFrame) -> pd.DataFrame:
    """One row a network: what its statistics became, less what they were before training.

    Parameters
    ----------
    table : DataFrame
        Rows of `statistics_table` of several networks and epochs, with `ABOUT` and `epoch`.

    Returns
    -------
    DataFrame
        `ABOUT`, and the columns of features: of each statistic, for the first layer, the mean of
        all and the last before the output, so that networks of other depths have the same; at
        `MOMENTS` along training. Networks with a layer that is not a number are left out.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for about, part in table.groupby(list(ABOUT), sort=False, dropna=False):
        epochs = sorted(part["epoch"].unique())
        by_epoch = [_places(part[part["epoch"] == epoch]) for epoch in epochs]
        row: dict[str, Any] = dict(zip(ABOUT, about, strict=True))
        for moment in MOMENTS:
            at = by_epoch[round(moment * (len(epochs) - 1))]
            for name, value in at.items():
                row[f"{name} at {moment:g}"] = value - by_epoch[0][name]
        rows.append(row)
    found = pd.DataFrame(rows)
    numbers = found.drop(columns=list(ABOUT))
    return found[np.isfinite(numbers.to_numpy(dtype=float)).all(axis=1)].reset_index(drop=True)


def _places(layers: pd.DataFrame) -> dict[str, float]:
    hidden = layers[layers["layer"] != "output"]
    hidden = hidden if len(hidden) else layers
    values = hidden[list(STATISTICS)].to_numpy(dtype=float)
    places = {"first": values[0], "mean": values.mean(axis=0), "last": values[-1]}
    return {
        f"{name} of {place}": float(value)
        for place, of in places.items()
        for name, value in zip(STATISTICS, of, strict=True)
    }


def feature_columns(features: pd.DataFrame) -> Sequence[str]:
    """The columns of features of a table of `trajectory_features`."""
    return [column for column in features.columns if column not in ABOUT]
