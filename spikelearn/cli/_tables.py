"""Tables on the screen and in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import check_place
from spikelearn._errors import SpikelearnError
from spikelearn.cli._output import give, in_document, note, print_line, wrote

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table as RichTable

    from spikelearn.studies.significance import Significance


def print_table(
    table: pd.DataFrame, title: str, name: str = "", whole: pd.DataFrame | None = None
) -> None:
    """Print a table with its title; as wide as it is, unless a terminal is narrower.

    Parameters
    ----------
    table : DataFrame
    title : str
    name : str
        Of the table in a JSON document; where it has none, the title is its name there.
    whole : DataFrame, optional
        What the document holds, where that is more than is printed.
    """
    if in_document():
        give(name or title, table if whole is None else whole)
        return
    from rich.console import Console

    console = Console()
    shown = _rich_table(table, title, narrow=False)
    width = console.measure(shown, options=console.options.update(max_width=10_000)).maximum
    if width > console.width and console.is_terminal:
        shown = _rich_table(table, title, narrow=True)
    elif width > console.width:  # read by a program, or by `less`
        console = Console(width=width)
    console.print(shown)


def terminal_width() -> int | None:
    """Letters in a line of the terminal (COLUMNS, if that is set); None where a program reads."""
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal else None


def _rich_table(table: pd.DataFrame, title: str, narrow: bool) -> RichTable:
    """The table to print; a narrow one breaks its headings behind the underscores."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=Text(title), title_justify="left", box=None, pad_edge=False, collapse_padding=narrow
    )
    for column in table.columns:
        numeric = table[column].dtype.kind in "fi"
        heading = str(column).replace("_", "_\n") if narrow else str(column)
        shown.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in table.itertuples(index=False):
        shown.add_row(*(Text(_shown(value)) for value in row))
    return shown


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN alone differs
    return str(value)


def check_table_path(path: Path) -> None:
    if path.suffix not in (".parquet", ".csv"):
        raise SpikelearnError(f"{path}: the table is written as .parquet or .csv")
    check_place(path)


def check_page_path(path: Path) -> None:
    if path.suffix.lower() not in (".html", ".htm"):
        raise SpikelearnError(f"{path}: a page is written as .html")
    check_place(path)


def write_table(table: pd.DataFrame, path: Path) -> None:
    from spikelearn._atomic import atomic_path

    with atomic_path(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)
    wrote("Table", path)


def print_tests(tests: Significance | None) -> None:
    """Print every model against zero, and trained networks less their untrained twins."""
    from spikelearn.comparison.permutation import of_the_test
    from spikelearn.comparison.tables import read_first
    from spikelearn.report.similarity_tables import from_twins

    if tests is None or tests.zero.empty:
        return
    zero, differences = read_first(tests.zero), read_first(tests.differences)
    several = several_of(zero)
    columns = ["model", "network", "layer", *several, "n_seeds", "region", "score"]
    columns += ["ci_lower", "ci_upper", "p", "p_holm", "p_fdr"]
    print_table(
        zero[columns],
        "larger than zero? permutation of the stimuli, one-sided p",
        "larger_than_zero",
        tests.zero,
    )
    for said in dict.fromkeys(map(of_the_test, zero.get("flag", ()))):
        if said:
            note(said)
    if not len(differences):
        return
    twins = from_twins(differences)
    columns = ["model_a", "network_a", "layer_a", *several, "region", "difference"]
    columns += ["ci_lower", "ci_upper"]
    print_table(
        twins[[*columns, "p", "p_holm", "p_fdr"]],
        "less the same layer of the untrained twin, two-sided p",
        "differences",
        tests.differences,
    )
    planned = differences[differences["test"] == "planned"]
    number = planned.groupby(["recording", "region", "method"]).size().max()
    by = " by one method" if "method" in several else ""
    print_line(
        f"Corrected over all {number} planned differences of a region{by}: also to every baseline,"
        " and between rules on one network."
    )


def print_above_ceiling(scores: pd.DataFrame) -> None:
    """A note for each score that is above its upper noise ceiling, and so flagged."""
    for row in scores[scores["above_ceiling"]].itertuples():
        name = ", ".join(filter(None, map(str, (row.model, row.network, row.layer))))
        note(f"{name} scores above the upper noise ceiling of {row.region} ({row.method})")


def several_of(table: pd.DataFrame) -> list[str]:
    """Columns of a table of scores that are shown where they tell rows apart."""
    columns = ("recording", "level", "method", "resolution")
    return [name for name in columns if name in table and table[name].nunique() > 1]
