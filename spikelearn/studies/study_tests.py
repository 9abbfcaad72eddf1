"""The tests of a study: every rule against zero, untrained networks, baselines and other rules.

They are made in parts, by workers of this machine where there are some: each of these shows the
images to the networks once, and computes on one thread, as this process then does, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._errors import DataUnavailableError
from spikelearn._files import sha256
from spikelearn._threads import at_most
from spikelearn._work_in_folder import Failed, outcomes_in
from spikelearn._workers import Workers
from spikelearn.studies.comparing import Entry
from spikelearn.studies.module_entry import ModuleEntry
from spikelearn.studies.network_names import network_names, start_names
from spikelearn.studies.representation import show
from spikelearn.studies.significance import Significance, put_together, significance
from spikelearn.studies.study import Study
from spikelearn.studies.study_computing import loaded
from spikelearn.studies.study_modules import module_entries, module_key
from spikelearn.studies.study_origins import (
    FORMAT,
    comparing_code,
    recording_key,
    result_folder,
)
from spikelearn.studies.tested_models import Index, Part, TestedModels
from spikelearn.studies.untrained_twin import named_members
from spikelearn.training.opening import open_run

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.study_run import StudyResult

_TABLES = ("zero", "differences")
Progress = Callable[[float, str], None]


def study_significance(
    result: StudyResult, progress: Progress | None = None, workers: Workers | None = None
) -> Significance:
    """Tests over all networks of a study that are trained and compared, seeds as instances.

    They are made for each recording and method, kept with the scores, and made again when there are
    more networks, or any of them or the recording has changed.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    workers : Workers, optional
        Who makes them: this process, if absent, or if they may be on other machines.
    """
    from spikelearn.comparison.tables import stacked, with_level

    say = progress or (lambda fraction, words: None)
    zero: list[pd.DataFrame] = []
    differences: list[pd.DataFrame] = []
    compared = [
        (name, method)
        for name in (result.recordings if result.runs or result.modules else ())
        for method in result.study.methods
    ]
    shown: dict[str, list[Entry]] = {}
    for k, (name, method) in enumerate(compared):
        decides = _decides(result, name, method)
        folder = result_folder(result.folder / "scores", f"tests-{name}-{method}", decides)
        found = None if result.again else store.find_tables(folder, decides, _TABLES)
        if found is None:

            def part(fraction: float, words: str, k: int = k) -> None:
                say((k + fraction) / len(compared), words)

            tests = _by_workers(result, name, method, workers, part)
            if tests is None:
                with at_most(1):  # the same sums, whoever computes them
                    if name not in shown:
                        shown = {name: _shown(result, result.recordings[name], part)}
                    part(0.5, f"testing {method}")
                    tests = _tested(result, result.recordings[name], shown[name], method)
            found = {"zero": tests.zero, "differences": tests.differences}
            store.save_tables(folder, decides, found)
        else:
            result.read.setdefault("tables of tests", []).append(folder)
        zero.append(with_level(found["zero"]))
        differences.append(with_level(found["differences"]))
    say(1.0, "tested")
    return Significance(stacked(zero), stacked(differences))


def _shown(result: StudyResult, recording: ImageRecording, say: Progress) -> list[Entry]:
    """What the networks of a study and their untrained twins respond to a recording's images."""
    modules = [one.entry for one in result.modules]
    return shown_by(result.runs, recording, result.study, say, modules)


def shown_by(
    folders: Sequence[Path],
    recording: ImageRecording,
    study: Study,
    say: Progress,
    modules: Sequence[ModuleEntry] = (),
) -> list[Entry]:
    """What trained networks, their untrained twins and modules respond to a recording's images.

    Parameters
    ----------
    folders : sequence of Path
        Of the runs.
    recording : ImageRecording
    study : Study
        Whose seed is that of the input spikes.
    say : callable
        Called with the fraction done, up to a half, and a few words.
    modules : sequence of ModuleEntry
        Those of the study that can be made.
    """
    runs = [open_run(folder) for folder in folders]
    networks = network_names([run.config for run in runs])
    starts = start_names([run.config for run in runs])
    entries: dict[tuple[str, str, int], Entry] = {}
    for i, (run, network, start) in enumerate(zip(runs, networks, starts, strict=True)):
        say(0.5 * i / len(runs), f"showing the images to {run.config['rule']}")
        for key, member in named_members(run, network, start):
            if key not in entries:
                shown = show(member, recording.images, recording.labels, seed=study.seed)
                entries[key] = Entry(*key, shown.responses, start=start)
    of_modules = [one for entry in modules for one in module_entries(study, entry, recording)]
    return [*entries.values(), *of_modules]


def _options(study: Study, method: str) -> dict[str, Any]:
    return {"method": method, "judgements": study.judgements, **study.options_of(method)}


def _tested(
    result: StudyResult, recording: ImageRecording, entries: list[Entry], method: str
) -> Significance:
    study = result.study
    options = _options(study, method)
    return significance(TestedModels(entries, recording, study.n_bootstrap, study.seed, **options))


def _by_workers(
    result: StudyResult, name: str, method: str, workers: Workers | None, say: Progress
) -> Significance | None:
    """The tests of a recording and a method, made by workers; None where they do not make them."""
    if workers is None or workers.alone or workers.elsewhere:
        return None
    recording = result.recordings[name]
    work = TestWork(
        result.study, tuple(folder.absolute() for folder in result.runs), name,
        recording_key(recording), method, tuple((one.entry, one.key) for one in result.modules),
    )  # fmt: skip

    def compute(parts: Sequence[Part]) -> list[tuple[Index, pd.DataFrame]]:
        made: dict[int, tuple[Index, pd.DataFrame]] = {}
        with contextlib.closing(
            outcomes_in(None, work, list(enumerate(parts)), workers)
        ) as outcomes:
            for (number, part), outcome in outcomes:
                if isinstance(outcome, Failed):
                    raise _NotMadeError
                made[number] = outcome
                say(0.9 * len(made) / len(parts), f"testing {method}: {part.kind}, on {workers}")
        return [made[number] for number in range(len(parts))]

    # Only of RSA are the last digits those of any number of models that are computed together.
    n_shares = workers.at_once if method == "rsa" else 1
    try:
        return put_together(
            compute, recording, n_shares, method=method, judgements=result.study.judgements
        )
    except _NotMadeError:  # in this process what is wrong is told as it is
        return None


class _NotMadeError(Exception):
    pass


# Of a process: what the parts of one recording and method share, by what decides it.
_tested_here: dict[TestWork, TestedModels] = {}


@dataclass(frozen=True)
class TestWork:
    """What a worker does with a part of the tests.

    Attributes
    ----------
    study : Study
    runs : tuple of Path
    recording : str
        Its name in the study.
    key : dict of str to str
        Of its content.
    method : str
    modules : tuple of (ModuleEntry, str)
        Those of the study that can be made, and the key of what decides what they respond.
    """

    __test__ = False  # for pytest, to which it looks like a test

    study: Study
    runs: tuple[Path, ...]
    recording: str
    key: dict[str, str]
    method: str
    modules: tuple[tuple[ModuleEntry, str], ...] = ()

    def __hash__(self) -> int:
        return hash((self.runs, self.recording, self.method))

    def __call__(self, task: tuple[int, Part], _folder: Path | None) -> tuple[Index, pd.DataFrame]:
        """Make a part.

        Parameters
        ----------
        task : (number, part)

        Raises
        ------
        DataUnavailableError
            If the recording or a module is not the same here.
        """
        if self not in _tested_here:
            recordings, lacking = loaded({self.recording: self.key})
            if lacking:
                raise DataUnavailableError(lacking)
            recording = recordings[self.recording]
            for entry, key in self.modules:  # as of weights that are drawn where a file is run
                if module_key(entry, self.study.seeds) != key:
                    raise DataUnavailableError(f"the module {entry.called} is another one here")
            nothing = lambda fraction, words: None  # noqa: E731 - is told
            modules = [entry for entry, _ in self.modules]
            entries = shown_by(self.runs, recording, self.study, nothing, modules)
            _tested_here.clear()
            _tested_here[self] = TestedModels(
                entries, recording, self.study.n_bootstrap, self.study.seed,
                **_options(self.study, self.method),
            )  # fmt: skip
        tested = _tested_here[self]
        return tested.index, tested.table(task[1])


def _decides(result: StudyResult, recording: str, method: str) -> dict[str, Any]:
    """All that decides the tests of a study's networks by a method."""
    runs = sorted(str(store.made(run).get("key")) for run in result.runs)
    weights = sorted(sha256(run / store.WEIGHTS)[:16] for run in result.runs)
    return {
        "kind": "tests",
        "format": FORMAT,
        "runs": runs,
        "weights": weights,
        "modules": sorted(one.key for one in result.modules),
        "recording": recording_key(result.recordings[recording]),
        "judgements": result.study.judgements,
        **result.study.comparison(method),
        "code": comparing_code(),
    }
