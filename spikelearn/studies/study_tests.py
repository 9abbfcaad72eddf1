"""The tests of a study: every rule against zero, untrained networks, baselines and other rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._files import sha256
from spikelearn.studies.comparing import Entry
from spikelearn.studies.network_names import network_names, start_names
from spikelearn.studies.representation import show
from spikelearn.studies.significance import Significance, significance
from spikelearn.studies.study_origins import (
    FORMAT,
    comparing_code,
    recording_key,
    result_folder,
)
from spikelearn.studies.untrained_twin import named_members
from spikelearn.training.opening import open_run

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.study_run import StudyResult

_TABLES = ("zero", "differences")
Progress = Callable[[float, str], None]


def study_significance(result: StudyResult, progress: Progress | None = None) -> Significance:
    """Tests over all networks of a study that are trained and compared, seeds as instances.

    They are made for each recording and method, kept with the scores, and made again when there are
    more networks, or any of them or the recording has changed.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    from spikelearn.comparison.tables import stacked, with_level

    say = progress or (lambda fraction, words: None)
    zero: list[pd.DataFrame] = []
    differences: list[pd.DataFrame] = []
    compared = [
        (name, method)
        for name in (result.recordings if result.runs else ())
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
    runs = [open_run(folder) for folder in result.runs]
    networks = network_names([run.config for run in runs])
    starts = start_names([run.config for run in runs])
    entries: dict[tuple[str, str, int], Entry] = {}
    for i, (run, network, start) in enumerate(zip(runs, networks, starts, strict=True)):
        say(0.5 * i / len(runs), f"showing the images to {run.config['rule']}")
        for key, member in named_members(run, network, start):
            if key not in entries:
                shown = show(member, recording.images, recording.labels, seed=result.study.seed)
                entries[key] = Entry(*key, shown.responses, start=start)
    return list(entries.values())


def _tested(
    result: StudyResult, recording: ImageRecording, entries: list[Entry], method: str
) -> Significance:
    study = result.study
    return significance(
        entries,
        recording,
        study.n_bootstrap,
        study.seed,
        method=method,
        judgements=study.judgements,
        **study.options_of(method),
    )


def _decides(result: StudyResult, recording: str, method: str) -> dict[str, Any]:
    """All that decides the tests of a study's networks by a method."""
    runs = sorted(str(store.made(run).get("key")) for run in result.runs)
    weights = sorted(sha256(run / store.WEIGHTS)[:16] for run in result.runs)
    return {
        "kind": "tests",
        "format": FORMAT,
        "runs": runs,
        "weights": weights,
        "recording": recording_key(result.recordings[recording]),
        "judgements": result.study.judgements,
        **result.study.comparison(method),
        "code": comparing_code(),
    }
