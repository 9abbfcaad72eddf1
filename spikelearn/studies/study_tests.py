"""The tests of a study: every rule against zero, untrained networks, baselines and other rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spikelearn._files import atomic_path
from spikelearn._keys import content_key
from spikelearn.studies.comparing import Entry
from spikelearn.studies.network_names import network_names
from spikelearn.studies.representation import open_run, show
from spikelearn.studies.significance import Significance, significance
from spikelearn.studies.untrained_twin import with_twin

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.study_run import StudyResult

# Raised when the stored tables change.
FORMAT = 3

Progress = Callable[[float, str], None]


def study_significance(result: StudyResult, progress: Progress | None = None) -> Significance:
    """Tests over all networks of a study that are trained and compared, seeds as instances.

    They are made for each recording and method, kept with the scores, and made again when there are
    more networks.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    import pandas as pd

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
        paths = [
            result.folder / "scores" / f"tests-{_digest(result, name, method)}-{part}.parquet"
            for part in ("zero", "differences")
        ]
        if not all(path.is_file() for path in paths):

            def part(fraction: float, words: str, k: int = k) -> None:
                say((k + fraction) / len(compared), words)

            if name not in shown:
                shown = {name: _shown(result, result.recordings[name], part)}
            part(0.5, f"testing {method}")
            tests = _tested(result, result.recordings[name], shown[name], method)
            for path, table in zip(paths, (tests.zero, tests.differences), strict=True):
                with atomic_path(path) as temporary:
                    table.to_parquet(temporary, index=False)
        for path, tables in zip(paths, (zero, differences), strict=True):
            tables.append(with_level(pd.read_parquet(path)))
    say(1.0, "tested")
    return Significance(stacked(zero), stacked(differences))


def _shown(result: StudyResult, recording: ImageRecording, say: Progress) -> list[Entry]:
    """What the networks of a study and their untrained twins respond to a recording's images."""
    runs = [open_run(folder) for folder in result.runs]
    networks = network_names([run.config for run in runs])
    entries: dict[tuple[str, str, int], Entry] = {}
    for i, (run, network) in enumerate(zip(runs, networks, strict=True)):
        say(0.5 * i / len(runs), f"showing the images to {run.config['rule']}")
        for member in with_twin(run):
            key = (member.config["rule"], network, member.config["seed"])
            if key not in entries:
                shown = show(member, recording.images, recording.labels, seed=result.study.seed)
                entries[key] = Entry(*key, shown.responses)
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
        over=study.over,
        comparator=study.comparator if method == "rsa" else None,
        judgements=study.judgements,
    )


def _digest(result: StudyResult, recording: str, method: str) -> str:
    runs = sorted(run.name for run in result.runs)
    tested = result.study.digest(recording, f"tests of {method}")
    return content_key([FORMAT, tested, runs], n_digits=10)
