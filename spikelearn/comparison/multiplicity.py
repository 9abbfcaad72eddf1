"""p-values corrected for the number of tests.

False discovery rates are SciPy's. Holm's correction is written here: SciPy has none, and that of
statsmodels collects garbage at each call, which takes longer than all tests of a table together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas


def holm(p: np.ndarray) -> np.ndarray:
    """p-values corrected so that the chance of any false positive stays (Holm 1979).

    Parameters
    ----------
    p : array of shape (n_tests,)
        NaN are no tests, and stay.
    """
    p = np.asarray(p, dtype=np.float64)
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def false_discovery_rate(p: np.ndarray) -> np.ndarray:
    """p-values corrected so that the share of false positives stays (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p : array of shape (n_tests,)
        NaN are no tests, and stay.
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p, dtype=np.float64)
    corrected = np.full(p.shape, np.nan)
    tested = np.isfinite(p)
    if tested.any():
        corrected[tested] = false_discovery_control(p[tested])
    return corrected


# What tests have in common whose number is corrected for.
FAMILY = ("recording", "region", "subject", "level", "method", "measure", "test")


def with_corrections(
    table: pandas.DataFrame, family_of: Sequence[str] = FAMILY
) -> pandas.DataFrame:
    """The table of tests with p_holm and p_fdr behind p, corrected within each family.

    Parameters
    ----------
    table : DataFrame
    family_of : sequence of str
        Columns in which tests of one family have the same.
    """
    columns = [column for column in family_of if column in table]
    family = table.groupby(columns, sort=False, dropna=False)["p"]
    place = list(table.columns).index("p") + 1
    table.insert(place, "p_holm", family.transform(lambda p: holm(p.to_numpy())))
    table.insert(place + 1, "p_fdr", family.transform(lambda p: false_discovery_rate(p.to_numpy())))
    return table
