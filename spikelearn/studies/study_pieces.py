"""A piece of a study: one network with one seed, trained, and compared with every recording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._files import atomic_path
from spikelearn._progress import Progress
from spikelearn.studies.comparing import (
    Entry,
    judged_similarity,
    similarity,
)
from spikelearn.studies.image_baselines import baseline_table
from spikelearn.studies.representation import show
from spikelearn.studies.study import NetworkEntry, Study
from spikelearn.studies.untrained_twin import with_twin
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import TrainedRun, train
from spikelearn.training.stdp_training import STDPRun, train_stdp

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.comparison.models_and_targets import Key
    from spikelearn.recordings import ImageRecording
    from spikelearn.rules.rule import Rule

# Behind a recording's name: what its subjects judged, a comparison of its own.
JUDGED = ":judgements"


def training_folder(folder: Path) -> Path:
    """Where a study keeps its trained networks: `training`, or `runs` where an older one began."""
    older = folder / "runs"
    return older if older.is_dir() else folder / "training"


class Piece:
    """One network of the grid with one seed.

    Parameters
    ----------
    study : Study
    folder : Path
        Of the study.
    entry : NetworkEntry
    seed : int
    recordings : mapping of str to ImageRecording
        By name; judgements under the recording's name with `JUDGED` behind it.
    baselines : dict, optional
        Of the pieces of one study: scores of the images' baselines by recording and method, which
        the first that needs them computes.
    """

    def __init__(
        self,
        study: Study,
        folder: Path,
        entry: NetworkEntry,
        seed: int,
        recordings: dict[str, ImageRecording],
        baselines: dict[tuple[str, str], pd.DataFrame] | None = None,
    ) -> None:
        self.study, self.folder, self.entry, self.seed = study, folder, entry, seed
        self.recordings = recordings
        self.baselines = {} if baselines is None else baselines
        self.config = entry.config(seed, study.n_train, study.updates)
        self.name = self.config.run_name()
        self.run = training_folder(folder) / self.name
        self.title = f"{self.config.rule} on {self.config.model}, seed {seed}"

    @property
    def trained(self) -> bool:
        """Whether the network has been trained."""
        return store.is_complete(self.run)

    @property
    def complete(self) -> bool:
        """Whether the network has been trained and compared with everything."""
        return self.trained and not list(self.missing())

    def missing(self) -> Iterator[tuple[str, str]]:
        """Recordings and methods that the network has not been compared by."""
        for recording in self.recordings:
            for method in self.study.methods:
                if recording.endswith(JUDGED) and method != "rsa":
                    continue
                if not self.scores(recording, method).is_file():
                    yield recording, method

    def scores(self, recording: str, method: str) -> Path:
        """File of the scores."""
        digest = self.study.digest(recording, method)
        plain = re.sub(r"[^\w.]+", "_", recording)  # a variant behind a colon, a path
        return self.folder / "scores" / f"{self.name}-{plain}-{method}-{digest}.parquet"

    def along(self, epoch: int) -> Path:
        """File of the scores after an epoch."""
        return self.folder / "scores" / f"{self.name}-epoch{epoch}.parquet"

    def compute(self, say: Progress) -> None:
        """Train, unless done, and compare by whatever is missing."""
        run = self._train(lambda fraction, words: say(0.9 * fraction, words))
        waiting = list(self.missing())
        for k, (recording, method) in enumerate(waiting):
            say(0.9 + 0.1 * k / len(waiting), f"comparing with {recording}")
            table = self._compare(run, recording, method)
            with atomic_path(self.scores(recording, method)) as temporary:
                table.to_parquet(temporary, index=False)

    def _train(self, say: Progress) -> TrainedRun | STDPRun:
        if isinstance(self.config, STDPConfig):
            return train_stdp(self.config, self.run.parent, say)
        after_epoch = self.compare_epoch if self.study.along_training else None
        return train(self.config, self.run.parent, say, after_epoch)

    def compare_epoch(self, epoch: int, rule: Rule, accuracy: float) -> None:
        """Write the similarity after an epoch, without intervals.

        Parameters
        ----------
        epoch : int
        rule : Rule
            In evaluation mode.
        accuracy : float
            Of validation images, a fraction.
        """
        import pandas as pd

        from spikelearn.comparison import compare_rsa
        from spikelearn.comparison.tables import read_first, stacked

        assert isinstance(self.config, TrainConfig)  # noqa: S101 - for the type checker
        nothing = pd.DataFrame()
        run = TrainedRun(self.config.complete(), rule, nothing, nothing, {})
        tables = []
        for name, recording in self.recordings.items():
            if name.endswith(JUDGED):
                continue
            shown = show(run, recording.images, recording.labels, seed=self.study.seed)
            responses: dict[Key, xarray.DataArray] = {
                (self.config.rule, layer): r for layer, r in shown.responses.items()
            }
            table = compare_rsa(responses, recording, 0, comparator=self.study.comparator)
            tables.append(read_first(table))
        if not tables:
            return
        scores = stacked(tables).assign(epoch=epoch, validation_accuracy=accuracy)
        with atomic_path(self.along(epoch)) as temporary:
            scores.to_parquet(temporary, index=False)

    def _compare(self, run: TrainedRun | STDPRun, recording: str, method: str) -> pd.DataFrame:
        study, loaded = self.study, self.recordings[recording]
        judged = recording.endswith(JUDGED)
        entries = [entry_of(member, loaded, study.seed) for member in with_twin(run)]
        options: dict[str, Any] = {"over": study.over, "method": method}
        if method == "rsa":
            options["comparator"] = study.comparator
        target = loaded.judgements if judged else loaded
        assert target is not None  # noqa: S101 - those without judgements are not under that name
        key = recording, method
        if key not in self.baselines:
            self.baselines[key] = baseline_table(target, study.n_bootstrap, study.seed, **options)
        function = judged_similarity if judged else similarity
        table = function(
            entries,
            loaded,
            study.n_bootstrap,
            study.seed,
            baselines=self.baselines[key],
            **options,
        )
        return table.assign(family=self.entry.family)


def entry_of(run: TrainedRun | STDPRun, recording: ImageRecording, seed: int = 0) -> Entry:
    """What a network responds to the images of a recording, with its name.

    Parameters
    ----------
    run : TrainedRun or STDPRun
    recording : ImageRecording
    seed : int
        Of the input spikes.
    """
    shown = show(run, recording.images, recording.labels, seed=seed)
    name = run.config["rule"], run.config["network"]["name"], run.config["seed"]
    return Entry(*name, shown.responses)
