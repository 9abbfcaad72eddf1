"""The page of a sweep: what ran, its picture, its table of means, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._provenance import package_versions
from spikelearn.plot.style import styled
from spikelearn.report.headlines import sweep_headlines
from spikelearn.report.page import (
    About,
    Section,
    svg_of,
    svg_picture,
    write_page,
)
from spikelearn.report.page_tables import as_table, mean_and_spread
from spikelearn.report.sweep_figures import label_with_unit, sweep_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MOST_ROWS = 500  # of the table on the page


@styled()
def write_sweep_page(
    path: Path,
    table: pd.DataFrame,
    axes: Sequence[Sequence[str]],
    measures: Sequence[str],
    texts: Mapping[str, str],
    failed: Sequence[str],
    notes: Sequence[str],
    figure: Figure | None = None,
) -> Path:
    """Write the page.

    Parameters
    ----------
    path : Path
    table : DataFrame
        Of the sweep.
    axes : sequence of sequence of str
        Columns of each axis.
    measures : sequence of str
        Columns of what was measured.
    texts : mapping of str to str
        `title`, `summary`, `command` and `config` (as YAML); of a figure its `caption`; `found`,
        where that is more than how the measures differ over the axes.
    failed : sequence of str
        Why runs failed.
    notes : sequence of str
        What runs warned of.
    figure : Figure, optional
        In place of the measures over the axes.
    """
    numbers = [name for name in measures if table[name].dtype.kind in "fi"]
    sections: list[Section | None] = []
    if figure is not None:
        picture = svg_picture(svg_of(figure), texts["caption"], texts["caption"])
        sections.append(Section("picture", "The search", "", [picture]))
    elif numbers and len(table):
        drawn = svg_of(sweep_figure(table, axes, numbers))
        named = ", ".join(numbers)
        caption = "Means over seeds" + (
            "; bars are 95 % intervals of the mean." if len(axes) < 2 else "; grey: not known."
        )
        picture = svg_picture(drawn, f"{named} over the axes of the sweep", caption)
        sections.append(Section("picture", "What was measured", "", [picture]))
    sections.append(_means(table, axes, numbers))
    if notes:
        sections.append(Section("notes", "What runs warned of", "", points=list(notes)))
    about = About(
        title=texts["title"],
        found=[texts["found"]] if "found" in texts else sweep_headlines(table, axes, numbers),
        summary=[texts["summary"]],
        gaps=list(failed),
        command=texts["command"],
        config=texts["config"],
        versions=package_versions(),
    )
    return write_page(path, sections, about)


def _means(
    table: pd.DataFrame, axes: Sequence[Sequence[str]], numbers: Sequence[str]
) -> Section | None:
    """Mean and standard deviation over seeds, at each place of the axes."""
    import pandas as pd

    good = table[table["failed"] == ""]
    by = [column for columns in axes for column in columns]
    by += ["population"] if "population" in table else []
    if not len(good) or not numbers:
        return None
    grouped = good.groupby(by, sort=False) if by else [((), good)]
    rows = []
    for at, part in grouped:
        place = at if isinstance(at, tuple) else (at,)
        row = {label_with_unit(n): str(v) for n, v in zip(by, place, strict=True)}
        row |= {label_with_unit(n): mean_and_spread(part[n]) for n in numbers}
        rows.append(row | {"seeds": str(part["seed"].nunique())})
    notes = []
    if len(rows) > MOST_ROWS:
        notes.append(f"{len(rows) - MOST_ROWS} further rows are in the table beside this page.")
    shown = as_table(
        pd.DataFrame(rows[:MOST_ROWS]), "means", "Mean ± standard deviation over seeds", notes
    )
    return Section("means", "All places", "", tables=[shown])
