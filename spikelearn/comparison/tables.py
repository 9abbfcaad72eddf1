"""Tables of scores and tests have a key: the columns that tell their rows apart.

Every table of scores, of tests and of differences is made, put together and joined here, and its
rows are counted each time: a row that stands twice, or that a join lost or multiplied, is an error
of this toolkit and never passes. `subject` names subjects alone, and is empty in the rows of means
and of published groups, which `level` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import pandas

# What a row is of: one subject, the mean over the subjects of a region, or the published RDM over
# all subjects or cells.
LEVELS = ("subject", "mean", "group")

# The columns that tell rows apart, in tables that have them. `measure` is RSA's comparator. In
# tables of differences the models are two, `test` is what a test was made for, and `question` which
# question it answers. `table`, `rule` and `sound` are of the results of a whole study.
KEY = (
    "table", "question", "rule", "sound", "recording", "region", "subject", "level", "method",
    "measure", "test", "model", "network", "layer", "model_a", "network_a", "layer_a", "model_b",
    "network_b", "layer_b", "seed", "resolution", "resolution_b", "epoch", "time_ms", "part",
)  # fmt: skip

# Of a table of differences, the columns of the models, with what they are called in one of scores.
_SIDES = {
    side: {f"{name}_{side}": name for name in ("model", "network", "layer")} for side in ("a", "b")
}


class TableKeyError(AssertionError):
    """Rows of a table cannot be told apart, or a join has no row for one: an error of ours."""


def key_of(table: pandas.DataFrame) -> list[str]:
    """The columns of a table that tell its rows apart."""
    return [column for column in KEY if column in table]


def checked(table: pandas.DataFrame) -> pandas.DataFrame:
    """The table, each of whose rows stands in it once.

    Raises
    ------
    TableKeyError
        Naming the first row that stands twice.
    """
    key = key_of(table)
    twice = table.duplicated(key) if len(table) else None
    if twice is not None and twice.any():
        raise TableKeyError(
            f"a table has {counted(int(twice.sum()), 'row')} not told apart, the first"
            f" {_words(table[twice].iloc[0], key)}; this is an error of spikelearn's"
        )
    return table


def made(rows: Iterable[dict[str, Any]]) -> pandas.DataFrame:
    """A table of its rows, each of which stands in it once."""
    import pandas

    return checked(pandas.DataFrame(list(rows)))


def stacked(tables: Iterable[pandas.DataFrame]) -> pandas.DataFrame:
    """Tables one below the other, no row of which is in two of them; empty ones leave no trace."""
    import pandas

    filled = [table for table in tables if len(table)]
    return checked(pandas.concat(filled, ignore_index=True)) if filled else pandas.DataFrame()


def stacked_once(tables: Iterable[pandas.DataFrame], agree: Sequence[str]) -> pandas.DataFrame:
    """Tables one below the other, of which a row may be in several, if it says the same in each.

    Parameters
    ----------
    tables : iterable of DataFrame
        Such as those of single networks, each with the baselines that all of them share.
    agree : sequence of str
        Columns of numbers that must be the same, to 1e-6, wherever a row is.

    Raises
    ------
    TableKeyError
        If a row says one thing here and another there, so that two things have one name.
    """
    import numpy as np
    import pandas

    filled = [table for table in tables if len(table)]
    if not filled:
        return pandas.DataFrame()
    table = pandas.concat(filled, ignore_index=True)
    key = key_of(table)
    number = table.groupby(key, sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(number, return_index=True)[1]
    for column in agree:
        values = table[column].to_numpy(dtype=float)
        same = np.isclose(values, values[first][number], rtol=0, atol=1e-6, equal_nan=True)
        if not same.all():
            row = table.iloc[int(np.flatnonzero(~same)[0])]
            raise TableKeyError(
                f"two things have one name in a table, {_words(row, key)}: their {column} differs;"
                " this is an error of spikelearn's"
            )
    return checked(table.iloc[np.sort(first)].reset_index(drop=True))


def joined(
    table: pandas.DataFrame,
    other: pandas.DataFrame,
    columns: Sequence[str],
    every: bool = False,
) -> pandas.DataFrame:
    """A table with columns of another, row by row of the same key; NaN where that has no row.

    Parameters
    ----------
    table : DataFrame
        Its rows stay as many, and in their order.
    other : DataFrame
        Of a key that `table` has too, whole.
    columns : sequence of str
        Of `other`; what `table` has of these names is replaced.
    every : bool
        Whether each row of `other` must have its place in `table`.

    Raises
    ------
    TableKeyError
        If a key does not tell rows apart, `other` is told apart by more columns than `table`, or
        a row of it has no place where it must have one.
    """
    import pandas

    key = key_of(checked(other))
    missing = [column for column in key if column not in checked(table)]
    if missing:
        raise TableKeyError(f"a table without {', '.join(missing)} is joined with one by {key}")
    kept = table.drop(columns=[column for column in columns if column in table])
    result = kept.merge(other[[*key, *columns]], how="left", on=key, validate="many_to_one")
    if every:
        here = pandas.MultiIndex.from_frame(table[key])
        lost = ~pandas.MultiIndex.from_frame(other[key]).isin(here)
        if lost.any():
            raise TableKeyError(
                f"a join loses {counted(int(lost.sum()), 'row')}, first"
                f" {_words(other[lost].iloc[0], key)};"
                " this is an error of spikelearn's"
            )
    order = [*table.columns, *(column for column in columns if column not in table)]
    return checked(result[order].set_axis(table.index))


def with_level(table: pandas.DataFrame) -> pandas.DataFrame:
    """The table as it is made today: tables stored by earlier versions are brought up to that.

    They name "mean" and "group" in the column of the subjects, and the oldest lack `level`.
    """
    if "subject" not in table:
        return table
    table = table.copy()
    # In a file of text "" is nothing, and a column of it a column of numbers.
    subject = table["subject"].astype(object).fillna("").astype("str")
    if "level" not in table:
        level = subject.where(subject.isin(LEVELS[1:]), LEVELS[0])
        table.insert(list(table.columns).index("subject") + 1, "level", level)
    table["subject"] = subject.mask(table["level"] != LEVELS[0], "")
    return table


def read_first(table: pandas.DataFrame) -> pandas.DataFrame:
    """Of each model and region the rows to read first, so that nothing is lost and nothing twice.

    The mean over subjects where there is one; else the published RDM of the group; else, of what
    was compared in single subjects only, those.

    Parameters
    ----------
    table : DataFrame
        Of `compare`, or of its tests.

    Examples
    --------
    >>> import pandas as pd
    >>> import spikelearn as sl
    >>> table = pd.DataFrame({
    ...     "model": "pixels", "region": ["IT", "IT", "V1"], "subject": ["S1", "", ""],
    ...     "level": ["subject", "mean", "group"], "score": [0.1, 0.2, 0.3],
    ... })
    >>> sl.read_first(table)[["region", "level", "score"]].values.tolist()
    [['IT', 'mean', 0.2], ['V1', 'group', 0.3]]
    """
    columns = getattr(table, "columns", None)
    if columns is None or ("subject" not in columns and len(table)):
        found = type(table).__name__ if columns is None else "one without a column 'subject'"
        raise SpikelearnError(
            f"what is read is a table of `compare` or of its tests, found {found}"
        )
    if table.empty:
        return table
    table = checked(with_level(table))
    what = [column for column in key_of(table) if column not in ("subject", "level")]
    # From the first of these kinds of rows that there is of a model and a region.
    order = table["level"].map({"mean": 0, "group": 1, "subject": 2})
    best = order.groupby([table[column] for column in what], dropna=False).transform("min")
    return table[order == best]


def without_test(tested: pandas.DataFrame) -> pandas.DataFrame:
    """A table of one kind of test, told apart as the scores that were tested are.

    Raises
    ------
    TableKeyError
        If a score was tested in two ways.
    """
    return checked(tested.drop(columns=[column for column in ("test",) if column in tested]))


def one_side(differences: pandas.DataFrame, side: str = "a") -> pandas.DataFrame:
    """Differences of many models from one and the same other, told apart by the models alone.

    Parameters
    ----------
    differences : DataFrame
        In which each model stands once, such as those from untrained twins.
    side : {"a", "b"}
        Of which model the table is then a table.

    Raises
    ------
    TableKeyError
        If a model stands with several others.
    """
    (gone,) = (names for name, names in _SIDES.items() if name != side)
    table = differences.rename(columns=_SIDES[side])
    return without_test(table.drop(columns=[column for column in gone if column in table]))


def _words(row: Any, key: Sequence[str]) -> str:
    return ", ".join(f"{column} {row[column]!r}" for column in key)
