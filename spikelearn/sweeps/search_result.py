"""What a search has found: its trials in their order, the best of them, and what mattered."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn._workers import Workers
from spikelearn.rules.user_rule import is_place
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.estimate import RESULT_BYTES
from spikelearn.sweeps.measures import measure_name
from spikelearn.sweeps.result import SweepResult
from spikelearn.sweeps.table import _text
from spikelearn.sweeps.trials import Trials, changes_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BEST = "best.yaml"


class SearchResult(SweepResult):
    """The result of a search: that of a sweep over the points that were tried, and more.

    Attributes
    ----------
    importances : dict of str to float
        How much of what was found hangs on each axis, by its first column (fANOVA); they sum to 1.
    """

    def __init__(
        self,
        trials: Trials,
        folder: Path,
        n_computed: int,
        failures: Mapping[str, tuple[int, str]],
        notes: Mapping[str, int],
    ) -> None:
        super().__init__(trials.as_sweep(), folder, n_computed, failures, notes)
        self._trials = trials
        self.importances = trials.importances()

    def __repr__(self) -> str:
        return f"<search '{self.sweep.name}': {self._trials.words()}>"

    @property
    def sought(self) -> str:
        """The column of the measure that is sought."""
        return measure_name(self._trials.search.measure)

    @property
    def n_known(self) -> int:
        """Trials that have not failed."""
        return sum(not math.isnan(score) for score in self._trials.scores)

    @property
    def is_maximum(self) -> bool:
        """Whether the highest is sought."""
        return self._trials.search.maximise is not None

    @property
    def best(self) -> dict[str, Any]:
        """Of the best trial: its number, its values by path, and what was sought.

        Raises
        ------
        SpikelearnError
            Where all have failed.
        """
        number = self._trials.best
        if number is None:
            raise SpikelearnError(
                f"none of the {counted(len(self._trials.points), 'trial')} has found a"
                f" {self.sought}"
            )
        values = changes_of(self._trials.axes, self._trials.points[number])
        return {"trial": number, "values": values, self.sought: self._trials.scores[number]}

    @functools.cached_property
    def history(self) -> pd.DataFrame:
        """A row a trial: its number, its values, what was sought, and the best up to there."""
        import pandas as pd

        better = max if self.is_maximum else min
        rows, best = [], math.nan
        pairs = zip(self._trials.points, self._trials.scores, strict=True)
        for number, (point, score) in enumerate(pairs):
            if not math.isnan(score):
                best = score if math.isnan(best) else better(best, score)
            row: dict[str, Any] = {"trial": number}
            for axis, values in zip(self._trials.axes, point, strict=True):
                row |= {c: _plain(v) for c, v in zip(axis.columns, values, strict=True)}
            rows.append(row | {self.sought: score, "best": best})
        return pd.DataFrame(rows)

    def plot(
        self, measures: str | Sequence[str] | None = None, path: str | Path | None = None
    ) -> Figure:
        """Draw what was sought, trial by trial and over each axis, and what mattered.

        Parameters
        ----------
        measures : str or sequence of str, optional
            Of a sweep; a search draws what it sought.
        path : str or Path, optional
            A .png, .svg or .pdf to write it to.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from spikelearn.report.pictures import check_plot_path, write_picture
        from spikelearn.report.search_figures import search_figure

        if path is not None:
            check_plot_path(path)
        names = [axis.columns[0] for axis in self._trials.axes]
        logarithmic = [
            axis.columns[0] for axis in self._trials.axes
            if axis.range is not None and axis.range.kind == "loguniform"
        ]  # fmt: skip
        figure = search_figure(self.history, names, self.sought, self.importances, logarithmic)
        if path is not None:
            write_picture(figure, path)
        return figure

    def _found(self) -> str:
        """The best trial, and how sure that is."""
        from spikelearn.report.sweep_figures import mean_and_half

        search = self._trials.search
        if self._trials.best is None:
            return (
                f"None of the {counted(len(self._trials.points), 'trial')} has found a"
                f" {self.sought}."
            )
        best = self.best
        values = ", ".join(f"{path} = {_text(v)}" for path, v in best["values"].items())
        aim = "highest" if self.is_maximum else "lowest"
        n_seeds = len(self.sweep.seeds)
        mean, half = mean_and_half(self._of_trial(best["trial"]))
        sure = "of a single seed" if n_seeds == 1 else f"the mean of {n_seeds} seeds"
        if np.isfinite(half):
            sure += f" (95 %: {mean - half:.4g} to {mean + half:.4g})"
        return (
            f"The {aim} {search.aim if self.sought in search.aim else self.sought},"
            f" {best[self.sought]:.4g}, has trial {best['trial']}: {values} ({BEST}). It is {sure},"
            f" and as the best of {self.n_known} rather too good: other seeds tell how good it is."
        )

    def _of_trial(self, number: int) -> np.ndarray:
        """What was sought, of each seed of a trial."""
        table = self.table[self.table["run"] // len(self.sweep.seeds) == number]
        if self._trials.population:
            table = table[table["population"] == self._trials.population]
        return table[self.sought].to_numpy(dtype=float)

    def _said(self) -> str:
        n, seeds = len(self._trials.points), len(self.sweep.seeds)
        each = f"{counted(seeds, 'seed')} each"
        return f"{counted(n, 'trial')} by {self._trials.search.sampler}, {each}."

    def write_page(self, command: str = "") -> Path:
        """Write a page beside the table, with history, what mattered, and what failed."""
        import yaml

        from spikelearn.report.sweep_page import write_sweep_page

        content = self._trials.sweep.written()
        texts = {
            "title": f"Search: {self.sweep.name}",
            "found": self._found(),
            "summary": f"{self.sweep.description} {self._said()}".strip(),
            "command": command,
            "config": yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100),
            "caption": "Trial by trial, with the best up to there; over each axis; and how much of"
            " what was found hangs on each (fANOVA).",
        }
        axes = [axis.columns for axis in self.sweep.axes()]
        notes = [f"{note} ({counted(n, 'run')})" for note, n in self.notes.items()]
        return write_sweep_page(
            self.folder / "report.html", self.table, axes, self.measures, texts, self.failed, notes,
            self.plot(),
        )  # fmt: skip


def search_in_words(sweep: Sweep, workers: Workers) -> str:
    """How many runs a search takes, told before it starts."""
    from spikelearn.sweeps.estimate import in_bytes

    search = sweep.search
    assert search is not None  # noqa: S101 - its callers look
    seeds = len(sweep.seeds)
    sentence = (
        f"{counted(search.trials, 'trial')} by {search.sampler} (seed {sweep.draw_seed}),"
        f" {counted(seeds, 'seed')} each: up to {counted(sweep.n_runs, 'run')} on {workers}, about"
        f" {in_bytes(sweep.n_runs * RESULT_BYTES)} of results; what is there is not computed again"
    )
    together = min(search.batch, search.trials) * seeds
    if workers.at_once > together:
        sentence += (
            f". Batches of {search.batch} keep {together} of {counted(workers.at_once, 'worker')}"
            " at work; larger ones are another search, which knows less when it chooses"
        )
    if sweep.train is not None and is_place(search.measure):
        sentence += ". Whether your measure leaves the test images alone is not checked"
    return sentence


def write_best(folder: Path, sweep: Sweep, runs: Any, changes: Mapping[str, Any]) -> None:
    """Write the best trial as a file that runs: a recipe, or of simulations a sweep of its seeds.

    Parameters
    ----------
    folder : Path
    sweep : Sweep
        The search.
    runs : SimulatedRuns or TrainedRuns
    changes : mapping
        Values of the best trial, by path.
    """
    if sweep.train is not None:
        config = runs.config(changes, sweep.seeds[0])
        content = json.loads(config.model_dump_json(exclude_none=True))
        if (model := Path(str(content.get("model", "")))).is_file():
            content["model"] = str(model.absolute())
        write_yaml(folder / BEST, content)
        return
    content = sweep.written()
    for name in ("vary", "search"):
        content.pop(name, None)
    base = content["simulate"]
    for name in ("model", "stimulus"):
        if isinstance(base.get(name), str) and Path(base[name]).is_file():
            base[name] = str(Path(base[name]).absolute())
    # Paths into what stands beside the network are its own fields; into the stimulus, an axis.
    every = runs.every(changes)
    of_base = {p.removeprefix("simulate."): v for p, v in every.items() if _is_of_base(p)}
    rest = {p: v for p, v in every.items() if not _is_of_base(p)}
    content["simulate"] = {**{n: v for n, v in base.items() if n != "changes"}, **of_base}
    if rest:
        content["simulate"]["changes"] = rest
    content["name"] = f"{sweep.name}-best"
    write_yaml(folder / BEST, content)


def _is_of_base(path: str) -> bool:
    return path.startswith("simulate.")


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else _text(value)
