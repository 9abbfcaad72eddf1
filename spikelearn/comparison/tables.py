"""The column `level` of tables of scores and tests, and which of their rows are read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

# What a row is of: one subject, the mean over the subjects of a region, or the published RDM over
# all subjects or cells.
LEVELS = ("subject", "mean", "group")


def with_level(table: pandas.DataFrame) -> pandas.DataFrame:
    """The table with `level` behind `subject`; tables stored by earlier versions lack it."""
    if "level" in table or "subject" not in table:
        return table
    table = table.copy()
    level = table["subject"].where(table["subject"].isin(LEVELS[1:]), LEVELS[0])
    table.insert(list(table.columns).index("subject") + 1, "level", level)
    return table


def read_first(table: pandas.DataFrame) -> pandas.DataFrame:
    """The means over subjects; of regions without subjects, the published RDM of the group."""
    if table.empty:
        return table
    table = with_level(table)
    has_mean = set(table.loc[table["level"] == "mean", "region"])
    group = (table["level"] == "group") & ~table["region"].isin(has_mean)
    return table[(table["level"] == "mean") | group]
