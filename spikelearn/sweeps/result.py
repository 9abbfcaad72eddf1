"""What a sweep has found: its table, as a frame, as labelled arrays over the axes, and drawn."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.measures import measure_name
from spikelearn.sweeps.table import TABLE, VARYING, _text

if TYPE_CHECKING:
    import pandas as pd
    import xarray
    from matplotlib.figure import Figure


class SweepResult:
    """The result of a sweep.

    Attributes
    ----------
    sweep : Sweep
    folder : Path
        Where its table is.
    n_computed : int
        Runs that were computed now; the others were there.
    failures : dict of str to (int, str)
        From the reason, to how many runs failed so, and the first of these in words.
    notes : dict of str to int
        What runs that were computed now warned of, and how many of them.
    """

    def __init__(
        self,
        sweep: Sweep,
        folder: Path,
        n_computed: int,
        failures: Mapping[str, tuple[int, str]],
        notes: Mapping[str, int],
    ) -> None:
        self.sweep, self.folder, self.n_computed = sweep, folder, n_computed
        self.failures, self.notes = dict(failures), dict(notes)

    def __eq__(self, other: object) -> bool:
        """Whether the same was varied, and the same measured; not where, or when."""
        if not isinstance(other, SweepResult):
            return NotImplemented
        tables = (one.table.drop(columns=list(VARYING)) for one in (self, other))
        return self.sweep == other.sweep and next(tables).equals(next(tables))

    __hash__ = None  # type: ignore[assignment] # its table is not kept from changing

    def __repr__(self) -> str:
        failed = f", {self.n_failed} failed" if self.n_failed else ""
        return f"<sweep '{self.sweep.name}': {counted(self.sweep.n_runs, 'run')}{failed}>"

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.table.drop(columns=[*VARYING, "key"])
        return f"<p>{escape(repr(self))}</p>{shown.to_html(index=False, max_rows=20)}"

    @property
    def n_failed(self) -> int:
        """How many runs failed, now or earlier."""
        return sum(n for n, _ in self.failures.values())

    @property
    def failed(self) -> list[str]:
        """A sentence for each reason for which runs failed."""
        return [
            f"{counted(n, 'run')} ({'the first with ' if n > 1 else ''}{first}): {why}"
            for why, (n, first) in self.failures.items()
        ]

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """A row a run, or one for each of its populations; see `spikelearn.sweeps.table`."""
        import pandas as pd

        return pd.read_parquet(self.folder / TABLE)

    def in_memory(self) -> SweepResult:
        """The same, with its table read: its folder may go."""
        assert self.table is not None  # noqa: S101 - reads it
        return self

    @property
    def measures(self) -> list[str]:
        """Names of the measures' columns."""
        return [measure_name(measure) for measure in self.sweep.measured()]

    def to_xarray(self) -> xarray.Dataset:
        """The measures as labelled arrays.

        Dimensions are the axes by the names of their columns, `seed`, and `population` where
        simulations were measured. Of paths that vary together the first names the dimension, and
        the others are coordinates along it. Runs that failed are NaN.
        """
        import xarray

        axes, seeds = self.sweep.axes(), list(self.sweep.seeds)
        table = self.table
        sizes = [*(len(axis) for axis in axes), len(seeds)]
        dims = [*(axis.columns[0] for axis in axes), "seed"]
        coordinates: dict[str, Any] = {"seed": seeds}
        for axis in axes:
            for at, column in enumerate(axis.columns):
                coordinates[column] = (axis.columns[0], _labels([v[at] for v in axis.values]))
        by_population = "population" in table
        run = table["run"].to_numpy()
        populations: list[str] = []
        if by_population:
            populations = [p for p in dict.fromkeys(table["population"]) if p]
            coordinates["population"] = populations
        place = {name: at for at, name in enumerate(populations)}
        variables = {}
        for name in self.measures:
            values = table[name].to_numpy()
            n_runs = int(np.prod(sizes))
            shape = (n_runs, len(populations)) if by_population else (n_runs,)
            empty: Any = "" if values.dtype == object else np.nan
            full = np.full(shape, empty, dtype=values.dtype)
            if by_population:
                of = np.array([place.get(p, -1) for p in table["population"]], dtype=int)
                known = of >= 0
                full[run[known], of[known]] = values[known]
                variables[name] = ([*dims, "population"], full.reshape(*sizes, len(populations)))
            else:
                full[run] = values
                variables[name] = (dims, full.reshape(sizes))
        return xarray.Dataset(variables, coordinates, attrs={"sweep": self.sweep.name})

    def plot(
        self, measures: str | Sequence[str] | None = None, path: str | Path | None = None
    ) -> Figure:
        """Draw the measures over the axes: lines over one, heat maps over two, panels over more.

        Parameters
        ----------
        measures : str or sequence of str, optional
            Which are drawn; all that are numbers, if absent.
        path : str or Path, optional
            A .png, .svg or .pdf to write it to.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from spikelearn.report.pictures import check_plot_path, write_picture
        from spikelearn.report.sweep_figures import sweep_figure

        if path is not None:
            check_plot_path(path)
        numbers = [n for n in self.measures if self.table[n].dtype.kind in "fi"]
        if measures is not None and not isinstance(measures, Iterable):
            raise SpikelearnError(f"measures are names of columns, found {measures!r:.60}")
        chosen = [measures] if isinstance(measures, str) else list(measures or numbers)
        for name in chosen:
            if name not in numbers:
                raise SpikelearnError(
                    f"there is no measure '{name}'; {nearest(str(name), numbers)}"
                )
        axes = [axis.columns for axis in self.sweep.axes()]
        figure = sweep_figure(self.table, axes, chosen)
        if path is not None:
            write_picture(figure, path)
        return figure

    def write_page(self, command: str = "") -> Path:
        """Write a page beside the table, with picture, means and what failed; and the picture."""
        import yaml

        from spikelearn.report.sweep_page import write_sweep_page

        content = self.sweep.written()
        n_seeds = len(self.sweep.seeds)
        texts = {
            "title": f"Sweep: {self.sweep.name}",
            "summary": self.sweep.description
            or (f"{counted(self.sweep.n_runs, 'run')}, {counted(n_seeds, 'seed')} each."),
            "command": command,
            "config": yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100),
        }
        axes = [axis.columns for axis in self.sweep.axes()]
        path = self.folder / "report.html"
        notes = [f"{note} ({counted(n, 'run')})" for note, n in self.notes.items()]
        return write_sweep_page(path, self.table, axes, self.measures, texts, self.failed, notes)


def _labels(values: Sequence[Any]) -> list[Any]:
    """Values of an axis as coordinates: numbers as they are, all else in words."""
    plain = all(isinstance(value, bool | int | float) for value in values)
    return list(values) if plain else [_text(value) for value in values]
