"""The trials of a search: which points Optuna asks for, and what it is told of them.

Trials are ordinary runs of a sweep, kept by their keys. A search that goes on asks from its
beginning for the same points, and finds them there.
"""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._extras import lacking
from spikelearn._small_results import SmallResults
from spikelearn.sweeps.axes import Axis, Together, Varied
from spikelearn.sweeps.checking import check_listed, check_sweep
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.measures import measure_name
from spikelearn.sweeps.search import Search
from spikelearn.training.config import STDPConfig

if TYPE_CHECKING:
    import optuna


class _Tried(Sweep):
    """What a search has tried: it may have asked for a point more than once."""

    MAY_REPEAT = True


Task = tuple[str, dict[str, Any], int]
Point = tuple[tuple[Any, ...], ...]


class Trials(Iterator[Task]):
    """Tasks of a search, as far as they are known: the next batch follows when one is complete.

    Parameters
    ----------
    sweep : Sweep
        With a search.
    runs : SimulatedRuns or TrainedRuns
        Made of it.
    results : SmallResults
    is_to_do : callable
        Whether the run of a key is to be computed.

    Attributes
    ----------
    points : list of tuple
        What was tried: at each axis, the values of its paths.
    scores : list of float
        What was sought, the mean over seeds; NaN of trials that failed.
    """

    def __init__(
        self, sweep: Sweep, runs: Any, results: SmallResults, is_to_do: Callable[[str], bool]
    ) -> None:
        assert sweep.search is not None  # noqa: S101 - its callers look
        self.sweep, self.runs, self.results, self.is_to_do = sweep, runs, results, is_to_do
        self.search: Search = sweep.search
        self.axes = sweep.axes()
        self.points: list[Point] = []
        self.scores: list[float] = []
        self.population = check_search(sweep, runs)
        self.study = _study(self.search, sweep.draw_seed)
        self._distributions = {axis.columns[0]: _distribution(axis) for axis in self.axes}
        self._asked: list[tuple[optuna.trial.Trial, list[str]]] = []
        self._tasks: collections.deque[Task] = collections.deque()
        self._missing: set[str] = set()  # keys that are being computed
        self._known: set[str] = set()  # keys that were looked up

    def __next__(self) -> Task:
        while not self._tasks:
            if self._missing:  # the next batch hangs on them
                raise StopIteration
            self._tell()
            if len(self.points) == self.search.trials:
                raise StopIteration
            self._ask()
        return self._tasks.popleft()

    def done(self, key: str) -> None:
        """Take note that a run is complete, or has failed."""
        self._missing.discard(key)

    @property
    def best(self) -> int | None:
        """The number of the best trial, the first of several; None where all have failed."""
        known = [i for i, score in enumerate(self.scores) if not math.isnan(score)]
        sign = -1 if self.search.maximise is not None else 1
        return min(known, key=lambda i: sign * self.scores[i]) if known else None

    def words(self) -> str:
        """How far it is, and what was found so far."""
        said = f"{len(self.scores)} of {counted(self.search.trials, 'trial')}"
        if (best := self.best) is not None:
            said += f", best {measure_name(self.search.measure)} {self.scores[best]:.4g}"
        return said

    def _ask(self) -> None:
        for _ in range(min(self.search.batch, self.search.trials - len(self.points))):
            trial = self.study.ask(self._distributions)
            point = tuple(_values(axis, trial.params[axis.columns[0]]) for axis in self.axes)
            self.points.append(point)
            self._asked.append((trial, self._keys(point)))

    def _keys(self, point: Point) -> list[str]:
        """Keys of a trial's runs, empty of those that are refused; what is not there is to do."""
        changes = changes_of(self.axes, point)
        keys = []
        for seed in self.sweep.seeds:
            try:
                key = self.runs.key(changes, seed)
            except SpikelearnError:  # as the table says
                keys.append("")
                continue
            keys.append(key)
            if key not in self._known and self.is_to_do(key):
                self._tasks.append((key, changes, seed))
                self._missing.add(key)
            self._known.add(key)
        return keys

    def _tell(self) -> None:
        """Say what the trials of a batch have found, in the order in which they were asked for."""
        from optuna.trial import TrialState

        for trial, keys in self._asked:
            each = [self._score(key) for key in keys]
            score = sum(each) / len(each)
            self.scores.append(score)
            if math.isnan(score):
                self.study.tell(trial, state=TrialState.FAIL)
            else:
                self.study.tell(trial, score)
        self._asked.clear()

    def _score(self, key: str) -> float:
        """What is sought of a run; NaN where it failed or has none."""
        found = self.results.find(key) if key else None
        if not isinstance(found, dict) or "failed" in found:
            return math.nan
        name = measure_name(self.search.measure)
        value = found.get("own", {}).get(name, found.get("found", {}).get(name))
        if isinstance(value, Mapping):
            value = value.get(self.population)
        elif isinstance(value, list):
            populations = found["populations"]
            there = self.population in populations
            value = value[populations.index(self.population)] if there else None
        return math.nan if value is None else float(value)

    def as_sweep(self) -> Sweep:
        """The sweep over the points that were tried, one after another."""
        varied = [
            Varied(path=path, values=tuple(point[a][p] for point in self.points), name=column)
            for a, axis in enumerate(self.axes)
            for p, (path, column) in enumerate(zip(axis.paths, axis.columns, strict=True))
        ]
        vary = (varied[0],) if len(varied) == 1 else (Together(together=tuple(varied)),)
        fields = {"vary": vary, "search": None, "measures": self.sweep.measured()}
        return _Tried.model_validate(dict(self.sweep) | fields)

    def importances(self) -> dict[str, float]:
        """How much of what was found hangs on each axis, by its first column; they sum to 1.

        Empty where too few trials are known, or all found the same.
        """
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        known = [score for score in self.scores if not math.isnan(score)]
        varied = [name for name, d in self._distributions.items() if not d.single()]
        if len(known) < _FEWEST or len(set(known)) < 2 or not varied:
            return {}
        if len(varied) == 1:
            return {varied[0]: 1.0}
        found = get_param_importances(
            self.study, evaluator=FanovaImportanceEvaluator(seed=self.sweep.draw_seed)
        )
        return {name: float(value) for name, value in found.items()}


_FEWEST = 8  # trials that tell what matters


def changes_of(axes: list[Axis], point: Point) -> dict[str, Any]:
    """What differs at a point, by path."""
    pairs = zip(axes, point, strict=True)
    return {path: v for axis, at in pairs for path, v in zip(axis.paths, at, strict=True)}


def check_search(sweep: Sweep, runs: Any) -> str | None:
    """Refuse a search whose paths lead nowhere, or that seeks what there is not; of whom it seeks.

    Raises
    ------
    SpikelearnError
    """
    axes = sweep.axes()
    ends = [_ends(axis) for axis in axes]
    vary = tuple(
        Varied(path=path, values=tuple(values[p] for values in end))
        if len(axis.paths) == 1
        else Together(together=tuple(
            Varied(path=each, values=tuple(values[q] for values in end))
            for q, each in enumerate(axis.paths)
        ))
        for axis, end in zip(axes, ends, strict=True)
        for p, path in enumerate(axis.paths[:1])
    )  # fmt: skip
    grid = sweep.model_copy(update={"vary": vary, "search": None})
    check_listed(sweep, runs, check_sweep(grid, runs), grid)
    search = sweep.search
    assert search is not None  # noqa: S101 - its callers look
    if sweep.train is not None:
        if isinstance(runs.recipe, STDPConfig) and search.measure == "validation_accuracy":
            raise SpikelearnError(
                "search: training by STDP holds no images out to validate on; seek a measure of"
                " your own that leaves test images alone, as --maximise my_measures.py:my_measure"
            )
        return None
    populations = runs.populations(changes_of(axes, tuple(end[0] for end in ends)), sweep.seeds[0])
    if search.population is None and len(populations) > 1:
        raise SpikelearnError(
            f"search: {search.aim} is measured of each of {len(populations)} populations; say of"
            f" which, as in {search.aim}[{populations[0]}]"
        )
    if search.population is not None and search.population not in populations:
        raise SpikelearnError(
            f"search: there is no population '{search.population}';"
            f" {nearest(search.population, populations)}"
        )
    return search.population or populations[0]


def _ends(axis: Axis) -> list[tuple[Any, ...]]:
    """All values of an axis, or the ends of its range."""
    if axis.range is None:
        return axis.values
    return [(axis.range.value(end),) for end in (axis.range.low, axis.range.high)]


def _distribution(axis: Axis) -> Any:
    """What Optuna draws: a number, or the place of a value."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if axis.range is not None:
        low, high = axis.range.low, axis.range.high
        if axis.range.kind == "integers":
            return IntDistribution(int(low), int(high))
        return FloatDistribution(low, high, log=axis.range.kind == "loguniform")
    if _is_ordered([values[0] for values in axis.values]):
        return IntDistribution(0, len(axis) - 1)
    return CategoricalDistribution(tuple(range(len(axis))))


def _is_ordered(values: list[Any]) -> bool:
    """Whether values are numbers that rise or fall: near ones are then alike."""
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return False
    steps = [b - a for a, b in itertools.pairwise(values)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def _values(axis: Axis, drawn: Any) -> tuple[Any, ...]:
    return axis.values[drawn] if axis.range is None else (axis.range.value(drawn),)


def _study(search: Search, seed: int) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise lacking("optuna", "a search", error) from error
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        sampler = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
        return optuna.create_study(
            direction="minimize" if search.maximise is None else "maximize",
            sampler=sampler[search.sampler](seed=seed),
        )
    finally:
        optuna.logging.set_verbosity(before)
