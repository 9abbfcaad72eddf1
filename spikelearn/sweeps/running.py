"""`sweep`: look up what is there, compute the rest, and write the table of all.

Every run is kept by the key of all that decides it, whoever computed it: simulations as what was
measured of them, in `sweeps/results.sqlite` of the folder of runs, trainings as the runs that
`spikelearn train` makes. So a sweep goes on where it was, two that share runs share them, and its
table is the same in whatever order its runs were computed, and by however many workers, in all
columns but `seconds`, `machine` and `time`.
"""

from __future__ import annotations

import contextlib
import datetime
import platform
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikelearn._arguments import checked_path
from spikelearn._atomic import check_folder
from spikelearn._counts import counted
from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import read_yaml, write_yaml
from spikelearn._imported_ahead import SIMULATING, TRAINING
from spikelearn._interrupts import goes_on, keeping
from spikelearn._names import file_name
from spikelearn._progress import Progress, check_progress, progress_of_call
from spikelearn._small_results import SmallResults
from spikelearn._work_in_folder import Failed, elsewhere, is_told, outcomes_in, tried
from spikelearn._workers import Workers, begin
from spikelearn.networks.drawn_pairs import keep_pairs, pairs_kept
from spikelearn.sweeps.checking import check_sweep, check_values
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.estimate import Estimate
from spikelearn.sweeps.given import Described, sweep_given
from spikelearn.sweeps.plan import Plan
from spikelearn.sweeps.result import SweepResult
from spikelearn.sweeps.search_result import SearchResult, search_in_words, write_best
from spikelearn.sweeps.simulated import SimulatedRuns
from spikelearn.sweeps.table import write_sweep_table
from spikelearn.sweeps.trained import TrainedRuns
from spikelearn.sweeps.trials import Trials, changes_of, check_search

RESULTS = "sweeps/results.sqlite"
DESCRIPTION = "sweep.yaml"
Runs = SimulatedRuns | TrainedRuns


def sweep(
    description: Described | None = None,
    runs: str | Path | None = None,
    out: str | Path | None = None,
    workers: int | str | Workers = 1,
    scheduler: str = "",
    threads_per_worker: int = 1,
    retry_failed: bool = False,
    again: bool = False,
    progress: Progress | bool | None = None,
    tell: Callable[[str], None] | None = None,
    cluster: str | Path = "",
    limit_minutes: float | None = None,
    **fields: Any,
) -> SweepResult:
    """Compute all runs of a sweep that are not there yet, and give the table of all.

    Several workers are processes that start anew: in a script what calls this stands below
    `if __name__ == "__main__":`.

    Parameters
    ----------
    description : Sweep, mapping, path of a YAML file, model, recipe or run
        Or its fields by name, as further arguments. A spiking network, or the name or file of a
        model, is simulated; a training's configuration, a recipe, a run and any other network are
        trained.
    runs : path, optional
        Folder of runs, where every run is kept, and from which it is read the next time. Nothing
        is kept where it is absent.
    out : path, optional
        Folder for the table and the description; `sweeps/NAME` of `runs`, if absent.
    workers : int, str or Workers
        Processes of this machine; one is this process itself. Of a cluster its jobs, "2:40" for as
        many as there is work. `Workers` say all that the next two and `cluster` do.
    scheduler : str
        Address of a Dask scheduler that runs, such as tcp://10.0.0.1:8786, in their place.
    threads_per_worker : int
    retry_failed : bool
        Whether runs that failed an earlier time are tried again.
    again : bool
        Whether to compute also what is there.
    progress : callable or bool, optional
        Called with the fraction done and a few words. Without it a bar shows itself in a terminal
        and in a notebook where it takes longer than a second; with False none does.
    tell : callable, optional
        Called with a sentence on how many runs there are, how long they take, what is kept.
    cluster : path, optional
        A file of dask-jobqueue's that describes jobs of a cluster, which compute in their place.
    limit_minutes : float, optional
        That a run may take; one that takes longer fails, and the process that computes it is ended,
        so that a single worker is then a process of its own, too.
    **fields
        Of `Sweep`.

    Returns
    -------
    SweepResult
        With `.table`, `.to_xarray()`, `.plot()`, and `.failed`: sentences on the runs that failed.

    Raises
    ------
    SpikelearnError
        Before anything runs: where a path leads nowhere or two mean one place, a value fits
        nowhere, a measure is unknown, `runs` or `out` is a file, a scheduler does not answer, or a
        cluster takes no job.

    Examples
    --------
    >>> import spikelearn as sl
    >>> result = sl.sweep(
    ...     simulate={"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 100},
    ...     vary={"populations.neuron.tau_m_ms": [10, 20]}, measures=["rate_hz"],
    ... )
    >>> list(result.table["populations.neuron.tau_m_ms"])
    [10, 20]
    >>> result.to_xarray()["rate_hz"].dims
    ('populations.neuron.tau_m_ms', 'seed', 'population')
    """
    check_progress(progress)
    for name, place in (("runs", runs), ("out", out)):
        if place is not None:
            checked_path(f"the folder `{name}`", place)
    if tell is not None and not callable(tell):
        raise SpikelearnError(f"tell is a function, found {tell!r:.40}")
    described = sweep_given(description, fields)
    if not isinstance(workers, Workers):
        workers = Workers(workers, scheduler, threads_per_worker, str(cluster), limit_minutes)
    begin(workers, SIMULATING if described.simulate else TRAINING)
    made: Runs = SimulatedRuns(described) if described.simulate else TrainedRuns(described, again)
    if described.search is None:
        check_sweep(described, made)
    else:
        check_search(described, made)
    with contextlib.ExitStack() as stack:
        if runs is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sweep-")))
        else:
            folder = Path(runs)
        if described.keep_spikes and runs is None:
            raise SpikelearnError("spikes are kept in a folder of runs; name one by `runs`")
        place = _place(described, folder, out)
        say = stack.enter_context(progress_of_call(progress, "sweep"))
        work = _Work(described, made, folder, workers, say, tell or (lambda sentence: None))
        result = work.done(place, retry_failed, again)
        return result.in_memory() if runs is None and out is None else result


def plan_sweep(
    description: Sweep,
    runs: str | Path,
    workers: Workers | None = None,
    retry_failed: bool = False,
    again: bool = False,
    out: str | Path | None = None,
) -> list[str]:
    """Sentences on how many runs a sweep takes, how long, and what of the disk; nothing runs.

    Parameters
    ----------
    description, runs, retry_failed, again, out
        Those of `sweep`; what that refuses before anything runs is refused here.
    workers : Workers, optional
        Who would compute.
    """
    made: Runs = SimulatedRuns(description) if description.simulate else TrainedRuns(description)
    who = workers or Workers()
    _place(description, Path(runs), out)
    if description.search is not None:
        check_search(description, made)
        return [search_in_words(description, who)]
    check_sweep(description, made)
    return _Work(description, made, Path(runs), who, None, print).planned(retry_failed, again)


def _place(description: Sweep, folder: Path, out: str | Path | None) -> Path:
    """The folder of the table, where one can be, as that of runs can."""
    place = folder / "sweeps" / file_name(description.name) if out is None else Path(out)
    for needed in (folder, place):
        check_folder(needed)
    return place


@dataclass
class _Work:
    """The computation of a sweep."""

    sweep: Sweep
    made: Runs
    folder: Path
    workers: Workers
    progress: Progress | None
    tell: Callable[[str], None]
    n_done: int = 0
    n_failed: int = 0
    n_runs: int = 0
    n_to_do: int = 0
    n_failed_before: int = 0
    n_running: int | None = None  # at a time, on other processes
    notes: dict[str, int] = field(default_factory=dict)
    trials: Trials | None = None  # of a search

    def done(self, place: Path, retry_failed: bool, again: bool) -> SweepResult:
        """Compute what is to be computed, and write the table."""
        self._tell_of_another(place)
        if self.sweep.search is not None:
            return self._searched(place, retry_failed, again)
        with self._opened(retry_failed, again) as (plan, results, estimate):
            with keeping(self._kept):
                self._compute(plan, results, estimate)
            failed = write_sweep_table(place, self.sweep, self.made, plan, results)
        write_yaml(place / DESCRIPTION, self.sweep.written())
        return SweepResult(self.sweep, place, self.n_done, failed, self.notes)

    def _searched(self, place: Path, retry_failed: bool, again: bool) -> SearchResult:
        """Compute one trial after another, and write the table of all and what was best."""
        with SmallResults(self.folder / RESULTS) as results:
            trials = self.trials = Trials(
                self.sweep, self.made, results,
                lambda key: again or not self._is_there(results.find(key), retry_failed),
            )  # fmt: skip
            self.tell(search_in_words(self.sweep, self.workers))
            self.n_to_do = self.sweep.n_runs
            with keeping(lambda: goes_on(f"What is complete ({trials.words()})", self.n_done)):
                for key, outcome in self._outcomes(trials, results):
                    if self.n_done + self.n_failed == 1 and "seconds" in outcome:
                        seconds = outcome["seconds"]
                        self.tell(Estimate.of_first(seconds, self.n_to_do, self.workers))
                    trials.done(key)
            self._say()
            whole = trials.as_sweep()
            with Plan(whole, self.made.key) as plan:
                failed = write_sweep_table(place, whole, self.made, plan, results)
        write_yaml(place / DESCRIPTION, self.sweep.written())
        if (best := trials.best) is not None:
            write_best(place, self.sweep, self.made, changes_of(trials.axes, trials.points[best]))
        return SearchResult(trials, place, self.n_done, failed, self.notes)

    def _tell_of_another(self, place: Path) -> None:
        """Say that a table of another description gives way to this one's."""
        file = place / DESCRIPTION
        with contextlib.suppress(SpikelearnError):
            if file.is_file() and read_yaml(file) != self.sweep.written():
                self.tell(
                    f"{place} holds the table of another description of this name, which gives way"
                    " to this one's; its runs stay. Another name, or another folder, keeps both"
                )

    def planned(self, retry_failed: bool, again: bool) -> list[str]:
        """What is said before anything runs."""
        with self._opened(retry_failed, again) as (_, _, estimate):
            return estimate.before(self.n_to_do)

    @contextlib.contextmanager
    def _opened(
        self, retry_failed: bool, again: bool
    ) -> Iterator[tuple[Plan, SmallResults, Estimate]]:
        """The plan, with what is to be computed chosen, and what is there."""
        self.n_runs = self.sweep.n_runs  # once: axes may be long
        with (
            SmallResults(self.folder / RESULTS) as results,
            Plan(self.sweep, self.made.key, self._looking_up) as plan,
        ):
            check_values(plan)
            self.n_to_do = plan.choose(
                lambda run: again or not self._is_there(results.find(run.key), retry_failed)
            )
            estimate = Estimate(self.sweep, plan, results, self.workers, self.n_failed_before)
            yield plan, results, estimate

    def _is_there(self, found: Any, retry_failed: bool) -> bool:
        if not isinstance(found, dict):
            return False
        if "failed" in found:
            again = retry_failed or "passing" in found
            self.n_failed_before += not again
            return not again
        if not self.made.holds(found):
            return False
        kept = found.get("folder") or found.get("spikes")
        return kept is None or self.made.is_complete(self._files / kept)

    @property
    def _files(self) -> Path:
        """Where files of runs are: training runs beside those of `spikelearn train`."""
        return self.folder / "sweeps" if self.made.by_population else self.folder

    def _looking_up(self, number: int) -> None:
        if self.progress is not None:
            self.progress(0.0, f"looking up {number:,} of {counted(self.n_runs, 'run')}")

    def _kept(self) -> str:
        what = f"What is complete ({self.n_done} of the {counted(self.n_to_do, 'run')} to compute)"
        return goes_on(what, self.n_done)

    def _compute(self, plan: Plan, results: SmallResults, estimate: Estimate) -> None:
        for sentence in estimate.before(self.n_to_do):
            self.tell(sentence)
        if not self.n_to_do:
            if self.progress is not None:
                self.progress(1.0, "all of them read")
            return
        tasks = ((run.key, plan.changes(run), run.seed) for run in plan.to_do())
        for _, outcome in self._outcomes(tasks, results):
            if self.n_done + self.n_failed == 1:
                for sentence in estimate.after_first(outcome, self.n_to_do):
                    self.tell(sentence)

    def _outcomes(
        self, tasks: Iterator[tuple[str, dict[str, Any], int]], results: SmallResults
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Keys of runs with what was found of them, which is kept."""
        compute = Compute(self.made, not elsewhere(self.workers))
        found = outcomes_in(
            self._files, compute, tasks, self.workers, self.tell, compute.uses_gpu, self._watch
        )
        # Networks that differ in weights alone are drawn alike.
        with pairs_kept(), contextlib.closing(found):
            self._say()
            for (key, _, _), given in found:
                outcome = _failed(given) if isinstance(given, Failed) else given
                self._keep(results, key, outcome)
                yield key, outcome

    def _keep(self, results: SmallResults, key: str, outcome: dict[str, Any]) -> None:
        outcome.pop("lacks_room", None)
        before = results.find(key)
        is_known = isinstance(before, dict) and "found" in before
        if is_known and "failed" in outcome:
            # What was found earlier, or by a sweep that asked for less, is no less true.
            results.add_here(key, outcome)
        else:
            if is_known:
                # What another sweep asked for stays: it is of the same run.
                outcome["found"] = {**before["found"], **outcome["found"]}
                if "spikes" in before:
                    outcome.setdefault("spikes", before["spikes"])
            results.add(key, outcome)
        self.n_done += "failed" not in outcome
        self.n_failed += "failed" in outcome
        for note in outcome.get("notes", ()):
            if len(self.notes) < _MOST_NOTES or note in self.notes:
                self.notes[note] = self.notes.get(note, 0) + 1
        self._say()

    def _watch(self, n_running: int) -> None:
        self.n_running = n_running
        self._say()

    def _say(self) -> None:
        if self.progress is None:
            return
        finished = self.n_done + self.n_failed
        words = f"{finished:,} of {self.n_to_do:,}"
        if self.trials is not None:  # of which some may be there
            finished = len(self.trials.scores) * len(self.sweep.seeds)
            words = self.trials.words()
        words += f", {self.n_failed} failed" if self.n_failed else ""
        words += f", {self.n_running} running" if self.n_running is not None else ""
        words += f", on {self.workers}" if not self.workers.alone else ""
        self.progress(finished / self.n_to_do if self.n_to_do else 1.0, words)


_MOST_NOTES = 20


def _failed(why: Failed) -> dict[str, Any]:
    """What is kept of a run that failed: what passes by itself is tried the next time."""
    kinds = {"passing": why.passing, "lacks_room": why.lacks_room}
    return {"failed": why.sentence, **{name: True for name, is_so in kinds.items() if is_so}}


@dataclass(frozen=True)
class Compute:
    """What a worker does with a run: plain values, or in a sentence why it failed.

    Attributes
    ----------
    runs : SimulatedRuns or TrainedRuns
    own : bool
        Whether its process is of this sweep alone, and may keep what the next runs need.
    """

    runs: Runs
    own: bool

    def __call__(self, task: tuple[str, dict[str, Any], int], folder: Path) -> dict[str, Any]:
        """Compute a run.

        Parameters
        ----------
        task : (key, changes, seed)
        folder : Path
            Where files of runs go.
        """
        key, changes, seed = task
        started = time.monotonic()
        about = {
            "machine": platform.node(),
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always")
            if self.own:
                keep_pairs()
            given = tried(self._result, changes, seed, folder, key)
            found = _failed(given) if isinstance(given, Failed) else self._named(given, key)
        notes = sorted({str(one.message) for one in noticed if is_told(one.category)})
        seconds = round(time.monotonic() - started, 6)
        return {**found, "notes": notes, "seconds": seconds, **about}

    def uses_gpu(self, task: tuple[str, dict[str, Any], int]) -> bool:
        """Whether a run computes on a GPU."""
        return self.runs.uses_gpu(*task[1:])

    def _result(self, changes: dict[str, Any], seed: int, folder: Path, key: str) -> dict[str, Any]:
        if not self.own and not self.runs.is_same_here(changes, seed, key):
            raise DataUnavailableError(
                f"on {platform.node()} the data of the run, or the code of its rule or measures,"
                " are others than where it was asked for; put the same there"
            )
        return self.runs.result(changes, seed, folder, key)

    def _named(self, found: dict[str, Any], key: str) -> dict[str, Any]:
        file = self.runs.file(key)
        return found if file is None else {**found, "spikes": file}
