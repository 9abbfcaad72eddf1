"""Which rows of a comparison's table are read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


def read_first(table: pandas.DataFrame) -> pandas.DataFrame:
    """The means over subjects; of regions without subjects, the published RDM of the group."""
    if table.empty:
        return table
    has_mean = set(table.loc[table["subject"] == "mean", "region"])
    group = (table["subject"] == "group") & ~table["region"].isin(has_mean)
    return table[(table["subject"] == "mean") | group]
