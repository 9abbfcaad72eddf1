"""A piece of a study: one network with one seed, trained, and compared with every recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._code import folder_code
from spikelearn._files import sha256
from spikelearn._progress import Progress
from spikelearn._threads import at_most
from spikelearn.studies.activity_statistics import statistics_table
from spikelearn.studies.comparing import (
    Entry,
    judged_similarity,
    similarity,
)
from spikelearn.studies.image_baselines import baseline_table
from spikelearn.studies.kept_patterns import pattern_table, read_patterns
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.network_names import UNTRAINED_RULES
from spikelearn.studies.representation import show
from spikelearn.studies.study import BASELINE, Study
from spikelearn.studies.study_origins import (
    FORMAT,
    comparing_code,
    recording_key,
    result_folder,
)
from spikelearn.studies.untrained_twin import with_twin
from spikelearn.training.config import STDPConfig, TrainConfig, run_key, run_name
from spikelearn.training.controls import controls_of
from spikelearn.training.loop import TrainedRun, train
from spikelearn.training.stdp_training import STDPRun, train_stdp

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.comparison.models_and_targets import Key
    from spikelearn.recordings import ImageRecording
    from spikelearn.rules.rule import Rule

# Kinds of what is read where a network is compared.
COMPARED = ("tables of scores", "tables of scores by epoch")
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
    contents : dict, optional
        Of the pieces of one study: keys of the recordings' content by name, likewise.

    Attributes
    ----------
    read : dict of str to list of Path
        What was read instead of computed, by its kind.
    """

    def __init__(
        self,
        study: Study,
        folder: Path,
        entry: NetworkEntry,
        seed: int,
        recordings: dict[str, ImageRecording],
        baselines: dict[tuple[str, str], pd.DataFrame] | None = None,
        contents: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.study, self.folder, self.entry, self.seed = study, folder, entry, seed
        self.recordings = recordings
        self.baselines = {} if baselines is None else baselines
        self.contents = {} if contents is None else contents
        self.read: dict[str, list[Path]] = {}
        self.config = entry.config(seed, study.n_train, study.updates)
        self.decides = self.config.complete()
        self.key, self.name = run_key(self.decides), run_name(self.decides)
        self.run = training_folder(folder) / self.name
        self.title = f"{self.config.rule} on {self.config.model}, seed {seed}"

    @property
    def trained(self) -> bool:
        """Whether the network has been trained."""
        return store.holds(self.run, self.key)

    @property
    def complete(self) -> bool:
        """Whether the network has been trained, controlled and compared with everything."""
        controlled = not self.has_controls or self.controls() is not None
        return self.trained and controlled and not list(self.missing())

    @property
    def settled(self) -> bool:
        """Whether nothing of it is left to compute: also nothing along training."""
        if not self.complete:
            return False
        if not self.study.along_training or isinstance(self.config, STDPConfig):
            return True
        if all(name.endswith(JUDGED) for name in self.recordings):
            return True
        epochs = store.read_table(self.run, "epochs")["epoch"]
        return all(self._kept_along(int(epoch)) for epoch in epochs)

    @property
    def has_controls(self) -> bool:
        """Whether its accuracy is to stand beside controls: it learns, and is no control itself."""
        return self.entry.family != BASELINE and self.config.rule not in UNTRAINED_RULES

    def controls(self) -> dict[str, float] | None:
        """Accuracies of its controls by name, NaN where there can be none; None where not run."""
        folder, decides = self._place_of_controls()
        found = store.find_tables(folder, decides, ["controls"])
        if found is None:
            return None
        return {str(name): float(value) for name, value in found["controls"].iloc[0].items()}

    def _place_of_controls(self) -> tuple[Path, dict[str, Any]]:
        decides = {
            "kind": "controls of a run",
            "run": self.key,
            "code": folder_code("training/controls.py"),
        }
        return result_folder(self.folder / "controls", self.name, decides), decides

    def _control(self, say: Progress, again: bool) -> None:
        """Run what the accuracy is to be compared with, unless done."""
        if not self.has_controls:
            return
        folder, decides = self._place_of_controls()
        if not again and self.controls() is not None:
            self.read["tables of controls"] = [folder]
            return
        self.read["tables of controls"] = []
        import pandas as pd

        found = controls_of(self.config, None if again else folder.parent, say)
        table = pd.DataFrame([found._asdict()]).astype(float)
        store.save_tables(folder, decides, {"controls": table})

    def missing(self) -> Iterator[tuple[str, str]]:
        """Recordings and methods that the network has not been compared by."""
        for recording in self.recordings:
            for method in self.study.methods:
                if recording.endswith(JUDGED) and method != "rsa":
                    continue
                if self.scores(recording, method) is None:
                    yield recording, method

    def scores(self, recording: str, method: str) -> pd.DataFrame | None:
        """The scores by a method; None where there are none, or they were damaged."""
        folder, decides = self._place_of_scores(recording, method)
        found = store.find_tables(folder, decides, ["scores"])
        return None if found is None else found["scores"]

    def _place_of_scores(self, recording: str, method: str) -> tuple[Path, dict[str, Any]]:
        decides = {
            "kind": "scores",
            **self._decides(recording),
            "weights": sha256(self.run / store.WEIGHTS)[:16] if store.is_complete(self.run) else "",
            "judgements": recording.endswith(JUDGED),
            **self.study.comparison(method),
        }
        name = f"{self.name}-{recording}-{method}"
        return result_folder(self.folder / "scores", name, decides), decides

    def _decides(self, *recordings: str) -> dict[str, Any]:
        """What decides comparisons with recordings: network, content, code and format."""
        return {
            "format": FORMAT,
            "run": self.key,
            "recordings": [self._key_of(name) for name in recordings],
            "code": comparing_code(),
        }

    def _key_of(self, recording: str) -> dict[str, str]:
        if recording not in self.contents:
            self.contents[recording] = recording_key(self.recordings[recording])
        return self.contents[recording]

    def keys_of_recordings(self) -> dict[str, dict[str, str]]:
        """What the recordings hold, by name; see `recording_key`."""
        return {name: self._key_of(name) for name in self.recordings}

    def along(self, epoch: int) -> pd.DataFrame | None:
        """The scores after an epoch; None where there are none, or they were damaged."""
        folder, decides = self._place_along(epoch)
        found = store.find_tables(folder, decides, ["scores"])
        return None if found is None else found["scores"]

    def _place_along(self, epoch: int) -> tuple[Path, dict[str, Any]]:
        options = {"comparator": self.study.comparator, "seed": self.study.seed, "epoch": epoch}
        decides = {"kind": "scores along training", **self._decides(*self._seen), **options}
        name = f"{self.name}-epoch{epoch}"
        return result_folder(self.folder / "scores", name, decides), decides

    def patterns_along(self, epoch: int, recording: str) -> dict[str, xarray.DataArray] | None:
        """Responses after an epoch by layer, in few units; None where they were not kept."""
        folder, decides = self._place_of_patterns(epoch, recording)
        found = store.find_tables(folder, decides, ["patterns"])
        return None if found is None else read_patterns(found["patterns"])

    def _place_of_patterns(self, epoch: int, recording: str) -> tuple[Path, dict[str, Any]]:
        options = {"seed": self.study.seed, "epoch": epoch}
        code = folder_code("studies/kept_patterns.py")
        decides = {"kind": "patterns along training", **self._decides(recording), **options}
        decides["patterns"] = code
        name = f"{self.name}-{recording}-patterns{epoch}"
        return result_folder(self.folder / "scores", name, decides), decides

    def activity_along(self, epoch: int) -> pd.DataFrame | None:
        """Statistics of activity after an epoch; None where they were not kept."""
        folder, decides = self._place_of_activity(epoch)
        found = store.find_tables(folder, decides, ["statistics"])
        return None if found is None else found["statistics"]

    def _place_of_activity(self, epoch: int) -> tuple[Path, dict[str, Any]]:
        options = {"seed": self.study.seed, "epoch": epoch}
        code = folder_code("studies/activity_statistics.py")
        decides = {"kind": "activity along training", **self._decides(self._seen[0]), **options}
        decides["statistics"] = code
        name = f"{self.name}-activity{epoch}"
        return result_folder(self.folder / "scores", name, decides), decides

    @property
    def _seen(self) -> list[str]:
        """Recordings whose images networks are shown."""
        return [name for name in self.recordings if not name.endswith(JUDGED)]

    @property
    def _followed(self) -> list[str]:
        """Recordings to whose images responses are kept after every epoch."""
        asked = [one for one in self.study.questions if one.ask == "equal_accuracy"]
        return [name for name in self._seen if any(one.is_of(name) for one in asked)]

    def _asks(self, *kinds: str) -> bool:
        """Whether the study asks one of these questions."""
        return any(question.ask in kinds for question in self.study.questions)

    def _kept_along(self, epoch: int) -> bool:
        """Whether all that is asked for of an epoch is there."""
        if self.along(epoch) is None:
            return False
        if self._asks("identity") and self.activity_along(epoch) is None:
            return False
        return all(self.patterns_along(epoch, name) is not None for name in self._followed)

    def compute(self, say: Progress, again: bool = False) -> None:
        """Train and control, unless done, and compare by whatever is missing; all, if `again`."""
        run = self._train(lambda fraction, words: say(0.85 * fraction, words), again)
        self._control(lambda fraction, words: say(0.85 + 0.05 * fraction, words), again)
        everything = [
            (recording, method)
            for recording in self.recordings
            for method in self.study.methods
            if method == "rsa" or not recording.endswith(JUDGED)
        ]
        waiting = everything if again else list(self.missing())
        self.read["tables of scores"] = [
            self._place_of_scores(*one)[0] for one in everything if one not in waiting
        ]
        for k, (recording, method) in enumerate(waiting):
            say(0.9 + 0.1 * k / len(waiting), f"comparing with {recording}")
            table = self._compare(run, recording, method)
            store.save_tables(*self._place_of_scores(recording, method), {"scores": table})

    def _train(self, say: Progress, again: bool) -> TrainedRun | STDPRun:
        runs = self.run.parent
        run: TrainedRun | STDPRun
        after_epoch = None
        if isinstance(self.config, STDPConfig):
            run = train_stdp(self.config, runs, say, again=again)
        else:
            after_epoch = self.compare_epoch if self.study.along_training else None
            run = train(self.config, runs, say, after_epoch, again)
        is_read = run.origin.startswith("read from")
        self.read["networks"] = [self.run] if is_read else []
        if is_read and after_epoch is not None:
            epochs = [int(epoch) for epoch in run.epochs["epoch"]]
            seen = bool(self._seen)
            if seen and not all(self._kept_along(epoch) for epoch in epochs):
                # It was trained when nobody asked, or asked for other recordings or options.
                assert isinstance(self.config, TrainConfig)  # noqa: S101 - for the type checker
                train(self.config, None, say, after_epoch)
            elif seen:
                self.read["tables of scores by epoch"] = [self._place_along(e)[0] for e in epochs]
        return run

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
        run = TrainedRun(self.decides, rule, nothing, nothing, {})
        tables = []
        for name, recording in self.recordings.items():
            if name.endswith(JUDGED):
                continue
            with at_most(1):  # as in comparing the trained network
                shown = show(run, recording.images, recording.labels, seed=self.study.seed)
                responses: dict[Key, xarray.DataArray] = {
                    (self.config.rule, layer): r for layer, r in shown.responses.items()
                }
                table = compare_rsa(responses, recording, 0, comparator=self.study.comparator)
            tables.append(read_first(table))
            if name in self._followed:
                kept = {"patterns": pattern_table(shown.responses)}
                store.save_tables(*self._place_of_patterns(epoch, name), kept)
            if self._asks("identity") and name == self._seen[0]:
                kept = {"statistics": statistics_table(shown.responses)}
                store.save_tables(*self._place_of_activity(epoch), kept)
        if not tables:
            return
        scores = stacked(tables).assign(epoch=epoch, validation_accuracy=accuracy)
        store.save_tables(*self._place_along(epoch), {"scores": scores})

    def _compare(self, run: TrainedRun | STDPRun, recording: str, method: str) -> pd.DataFrame:
        loaded = self.recordings[recording]
        with at_most(1):
            entries = [entry_of(member, loaded, self.study.seed) for member in with_twin(run)]
        return scored(self.study, entries, loaded, recording, method, self.baselines)


def scored(
    study: Study,
    entries: Sequence[Entry],
    loaded: ImageRecording,
    recording: str,
    method: str,
    baselines: dict[tuple[str, str], pd.DataFrame],
) -> pd.DataFrame:
    """The scores of networks by a method, on one thread.

    Parameters
    ----------
    study : Study
    entries : sequence of Entry
    loaded : ImageRecording
    recording : str
        Its name in the study, with `JUDGED` behind it for what its subjects judged.
    method : str
    baselines : dict
        Scores of the images' baselines by recording and method; those that are missing are added.
    """
    options: dict[str, Any] = {"method": method, **study.options_of(method)}
    judged = recording.endswith(JUDGED)
    target = loaded.judgements if judged else loaded
    assert target is not None  # noqa: S101 - those without judgements are not under that name
    key = recording, method
    # Sums in another order are other sums, and a table is the same whoever computed it.
    with at_most(1):
        if key not in baselines:
            baselines[key] = baseline_table(target, study.n_bootstrap, study.seed, **options)
        function = judged_similarity if judged else similarity
        return function(
            entries, loaded, study.n_bootstrap, study.seed, baselines=baselines[key], **options
        )


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
