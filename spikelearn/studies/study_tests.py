"""The tests of a study: every rule against zero, untrained networks, baselines and other rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spikelearn._files import atomic_path
from spikelearn._keys import configuration_key
from spikelearn.studies.comparing import Entry, untrained_twin
from spikelearn.studies.network_names import network_names
from spikelearn.studies.representation import open_run, show
from spikelearn.studies.significance import Significance, significance

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.study_run import StudyResult

# Raised when the stored tables change.
FORMAT = 2

Progress = Callable[[float, str], None]


def study_significance(result: StudyResult, progress: Progress | None = None) -> Significance:
    """Tests over all networks of a study that are trained and compared, seeds as instances.

    They are kept with the scores, and made again when there are more networks. Only RSA is tested.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    import pandas as pd

    from spikelearn.comparison.tables import with_level

    say = progress or (lambda fraction, words: None)
    zero: list[pd.DataFrame] = []
    differences: list[pd.DataFrame] = []
    names = list(result.recordings) if "rsa" in result.study.methods and result.runs else []
    for k, name in enumerate(names):
        paths = [
            result.folder / "scores" / f"tests-{_digest(result, name)}-{part}.parquet"
            for part in ("zero", "differences")
        ]
        if not all(path.is_file() for path in paths):

            def part(fraction: float, words: str, k: int = k) -> None:
                say((k + fraction) / len(names), words)

            tests = _tested(result, result.recordings[name], part)
            for path, table in zip(paths, (tests.zero, tests.differences), strict=True):
                with atomic_path(path) as temporary:
                    table.to_parquet(temporary, index=False)
        for path, tables in zip(paths, (zero, differences), strict=True):
            tables.append(with_level(pd.read_parquet(path)))
    say(1.0, "tested")
    if not names:
        return Significance(pd.DataFrame(), pd.DataFrame())
    return Significance(
        pd.concat(zero, ignore_index=True), pd.concat(differences, ignore_index=True)
    )


def _tested(result: StudyResult, recording: ImageRecording, say: Progress) -> Significance:
    runs = [open_run(folder) for folder in result.runs]
    networks = network_names([run.config for run in runs])
    entries: dict[tuple[str, str, int], Entry] = {}
    for i, (run, network) in enumerate(zip(runs, networks, strict=True)):
        say(0.5 * i / len(runs), f"showing the images to {run.config['rule']}")
        for member in (run, untrained_twin(run)):
            key = (member.config["rule"], network, member.config["seed"])
            if key not in entries:
                shown = show(member, recording.images, recording.labels)
                entries[key] = Entry(*key, shown.responses)
    say(0.5, "testing")
    study = result.study
    return significance(
        list(entries.values()),
        recording,
        study.n_bootstrap,
        over=study.over,
        comparator=study.comparator,
    )


def _digest(result: StudyResult, recording: str) -> str:
    runs = sorted(run.name for run in result.runs)
    return configuration_key([FORMAT, result.study.digest(recording, "tests"), runs], n_digits=10)
