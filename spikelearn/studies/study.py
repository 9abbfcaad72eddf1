"""A study: a grid of networks trained by learning rules, compared with recordings, in pieces.

The folder of a study:

runs/            every trained network, as `spikelearn train` keeps it
audit/           what was measured of the plausibility of each rule
scores/          one table for each comparison of one network with one recording by one method
table.csv        similarity by rule, layer and region, with accuracy, ceilings, intervals, baselines
table.md         the same for the rows that are read first, and the command that made it
zero.csv         test of every network and layer against zero, by recording and region
differences.csv  tests between networks, and against untrained networks and the images' baselines
similarity.svg   similarity by rule and layer, a panel a region
accuracy.svg     similarity against accuracy, and along training
plausibility.svg both, by who meets which criterion
report.html      all of it on one page

A piece that is there is not computed again, so a study may be interrupted, also in the middle of a
training run, and goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from spikelearn._errors import SpikelearnError
from spikelearn._files import atomic_path, find_yaml, read_yaml, validate
from spikelearn.training.config import STDPConfig, TrainConfig, load_recipe

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.comparison.models_and_targets import Key
    from spikelearn.recordings import ImageRecording
    from spikelearn.rules.rule import Rule
    from spikelearn.studies.comparing import Entry
    from spikelearn.training.loop import TrainedRun
    from spikelearn.training.stdp_training import STDPRun

Progress = Callable[[float, str], None]

# Raised when the meaning of stored scores changes, so that older ones are not taken for new.
FORMAT = 1

# Behind a recording's name: what its subjects judged, a comparison of its own.
JUDGED = ":judgements"


class NetworkEntry(BaseModel):
    """One network of the grid: a recipe, or a rule and a model; other fields replace its own."""

    model_config = ConfigDict(extra="allow", frozen=True)
    family: str = Field(description="family of learning rules, as it is printed")
    recipe: str | None = Field(default=None, description="name of a shipped recipe, or path")
    rule: str | None = Field(default=None, description="name of a learning rule")

    @model_validator(mode="after")
    def _one_of_two(self) -> NetworkEntry:
        if (self.recipe is None) == (self.rule is None):
            raise ValueError("a network has either a recipe or a rule")
        return self

    def config(self, seed: int, n_train: int | None) -> TrainConfig | STDPConfig:
        """How it is trained.

        Raises
        ------
        SpikelearnError
            Naming the field and what is allowed.
        """
        changes: dict[str, Any] = {"n_train": n_train} if n_train is not None else {}
        changes |= {**(self.model_extra or {}), "seed": seed}
        if self.recipe is not None:
            return load_recipe(self.recipe, **changes)
        from spikelearn.rules import RULES

        if self.rule not in RULES:
            raise SpikelearnError(
                f"there is no rule called '{self.rule}'; rules are {', '.join(RULES)}"
            )
        kind: Any = STDPConfig if "spiking" in RULES[str(self.rule)].networks else TrainConfig
        found: TrainConfig | STDPConfig = validate(
            kind, {"rule": self.rule, **changes}, f"the study's network by '{self.rule}'"
        )
        return found


class Study(BaseModel):
    """What is trained, and what it is compared with."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    description: str = ""
    networks: tuple[NetworkEntry, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    n_train: int | None = Field(default=None, ge=20, description="training images of each network")
    recordings: tuple[str, ...] | Literal["at_hand"] = Field(
        default="at_hand", description="names, or all image recordings that need no download"
    )
    methods: tuple[str, ...] = Field(default=("rsa",), min_length=1)
    comparator: str = "spearman"
    over: str = "stimuli"
    n_bootstrap: PositiveInt = 1000
    criteria: tuple[str, ...] | Literal["all"] = Field(
        default="all", description="of plausibility, by which its rules are audited; may be none"
    )
    along_training: bool = Field(
        default=False, description="whether similarity is measured after every epoch too"
    )

    @field_validator("criteria")
    @classmethod
    def _known(cls, criteria: tuple[str, ...] | str) -> tuple[str, ...] | str:
        from spikelearn.plausibility.criteria import CRITERIA

        for key in () if criteria == "all" else criteria:
            if key not in CRITERIA:
                raise ValueError(f"there is no criterion {key}; they are {', '.join(CRITERIA)}")
        return criteria

    def digest(self, recording: str, method: str) -> str:
        """Hash of everything that decides a comparison's numbers, but the network."""
        options = [self.comparator, self.over, self.n_bootstrap]
        text = json.dumps([FORMAT, recording, method, *options])
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass
class StudyResult:
    """What there is of a study: its table, and how many of its pieces are done."""

    study: Study
    folder: Path
    table: pd.DataFrame
    along: pd.DataFrame
    n_done: int
    n_total: int
    runs: list[Path] = field(default_factory=list)  # folders of the networks that are compared
    recordings: dict[str, ImageRecording] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)  # recordings, and why
    failed: list[str] = field(default_factory=list)  # networks, and why

    @property
    def complete(self) -> bool:
        """Whether every network of the grid has been trained and compared."""
        return self.n_done == self.n_total


class _OutOfTimeError(Exception):
    pass


def load_study(name: str | Path) -> Study:
    """The study of that name among the shipped ones, or in the YAML file at that path.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.
    """
    path = find_yaml("models/studies", name)
    study = validate(Study, read_yaml(path), path)
    for entry in study.networks:
        entry.config(study.seeds[0], study.n_train)
    return study


def run_study(
    study: Study,
    folder: str | Path,
    limit_minutes: float = float("inf"),
    progress: Progress | None = None,
) -> StudyResult:
    """Train and compare what is not there yet, and read the table of all there is.

    Parameters
    ----------
    study : Study
    folder : path
        Where its pieces are kept.
    limit_minutes : float
        Stop after so long, in the middle of a run if need be: the epochs that are complete are
        kept.
    progress : callable, optional
        Called with the fraction done and a few words.

    Raises
    ------
    SpikelearnError
        If a recording or a method is unknown, or no recording can be compared with.
    """
    folder = Path(folder)
    recordings, skipped = _recordings(study)
    # Seeds outermost: an interrupted study has the first seed of every rule first.
    grid = [(entry, seed) for seed in study.seeds for entry in study.networks]
    deadline = time.monotonic() + 60 * limit_minutes
    say = progress or (lambda fraction, words: None)
    done = 0
    failed: list[str] = []
    try:
        for index, (entry, seed) in enumerate(grid):
            piece = _Piece(study, folder, entry, seed, recordings)

            def part(fraction: float, words: str, i: int = index, p: _Piece = piece) -> None:
                if time.monotonic() > deadline:
                    raise _OutOfTimeError
                say((i + fraction) / len(grid), f"{p.title}: {words}")

            part(0.0, "begins")
            try:
                piece.compute(part)
                done += 1
            except SpikelearnError as error:  # one network that fails leaves the others their turn
                failed.append(f"{piece.title}: {error}")
        say(1.0, "no piece left")
    except _OutOfTimeError:
        # What was computed in an earlier session may lie behind the piece that time ran out in.
        done = sum(_Piece(study, folder, entry, seed, recordings).complete for entry, seed in grid)
    pieces = [_Piece(study, folder, entry, seed, recordings) for entry, seed in grid]
    table, along = _tables(study, folder, pieces, recordings)
    runs = [folder / "runs" / piece.name for piece in pieces if piece.complete]
    whole = {name: r for name, r in recordings.items() if not name.endswith(JUDGED)}
    return StudyResult(study, folder, table, along, done, len(grid), runs, whole, skipped, failed)


class _Piece:
    """One network of the grid with one seed."""

    def __init__(
        self,
        study: Study,
        folder: Path,
        entry: NetworkEntry,
        seed: int,
        recordings: dict[str, ImageRecording],
    ) -> None:
        self.study, self.folder, self.entry, self.seed = study, folder, entry, seed
        self.recordings = recordings
        self.config = entry.config(seed, study.n_train)
        self.name = self.config.run_name()
        self.title = f"{self.config.rule} on {self.config.model}, seed {seed}"

    @property
    def complete(self) -> bool:
        """Whether the network has been trained and compared with everything."""
        from spikelearn import _store as store

        trained = store.is_complete(self.folder / "runs" / self.name)
        return trained and not list(self.missing())

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
        from spikelearn.training.loop import train
        from spikelearn.training.stdp_training import train_stdp

        if isinstance(self.config, STDPConfig):
            return train_stdp(self.config, self.folder / "runs", say)
        watch = self._watch if self.study.along_training else None
        return train(self.config, self.folder / "runs", say, watch)

    def _watch(self, epoch: int, rule: Rule, accuracy: float) -> None:
        """Similarity after an epoch, without intervals."""
        import pandas as pd

        from spikelearn.comparison import compare_rsa
        from spikelearn.comparison.tables import read_first
        from spikelearn.studies.representation import show
        from spikelearn.training.loop import TrainedRun

        assert isinstance(self.config, TrainConfig)  # noqa: S101 - for the type checker
        nothing = pd.DataFrame()
        run = TrainedRun(self.config.complete(), rule, nothing, nothing, {})
        tables = []
        for name, recording in self.recordings.items():
            if name.endswith(JUDGED):
                continue
            shown = show(run, recording.images, recording.labels)
            responses: dict[Key, xarray.DataArray] = {
                (self.config.rule, layer): r for layer, r in shown.responses.items()
            }
            table = compare_rsa(responses, recording, 0, comparator=self.study.comparator)
            tables.append(read_first(table))
        found = pd.concat(tables, ignore_index=True)
        found = found.assign(epoch=epoch, validation_accuracy=accuracy)
        with atomic_path(self.along(epoch)) as temporary:
            found.to_parquet(temporary, index=False)

    def _compare(self, run: TrainedRun | STDPRun, recording: str, method: str) -> pd.DataFrame:
        from spikelearn.studies.comparing import (
            judged_similarity,
            similarity,
            untrained_twin,
        )

        loaded = self.recordings[recording]
        function = judged_similarity if recording.endswith(JUDGED) else similarity
        entries = [_entry(member, loaded) for member in (run, untrained_twin(run))]
        options: dict[str, Any] = {"over": self.study.over}
        if method == "rsa":
            options["comparator"] = self.study.comparator
        return function(entries, loaded, self.study.n_bootstrap, method=method, **options).assign(
            family=self.entry.family
        )


def _entry(run: TrainedRun | STDPRun, recording: ImageRecording) -> Entry:
    from spikelearn.studies.comparing import Entry
    from spikelearn.studies.representation import show

    shown = show(run, recording.images, recording.labels)
    name = run.config["rule"], run.config["network"]["name"], run.config["seed"]
    return Entry(*name, shown.responses)


def _recordings(study: Study) -> tuple[dict[str, ImageRecording], list[str]]:
    """The recordings to compare with, and what was left out and why."""
    import importlib

    from spikelearn.comparison.guards import check_images
    from spikelearn.recordings import RECORDINGS
    from spikelearn.studies.comparing import check_comparable, image_recording

    found: dict[str, ImageRecording] = {}
    skipped = []
    if study.recordings != "at_hand":
        for name in study.recordings:
            found[name] = image_recording(name)
            for method in study.methods:
                check_comparable(found[name], method)
    else:
        for name in RECORDINGS:
            module = importlib.import_module(f"spikelearn.recordings.{name}")
            if not module.at_hand():
                skipped.append(f"{name}: not at hand (`spikelearn download {name}`)")
                continue
            try:
                loaded = image_recording(name)
                for method in study.methods:
                    check_comparable(loaded, method)
            except SpikelearnError as error:
                skipped.append(f"{name}: {error}")
                continue
            found[name] = loaded
    if not found:
        raise SpikelearnError(
            f"the study '{study.name}' has no recording to compare with ({'; '.join(skipped)})"
        )
    for recording in found.values():
        check_images(recording.images, recording.labels)
    if "rsa" in study.methods:
        found |= {name + JUDGED: one for name, one in found.items() if one.behaviour}
    return found, skipped


def _tables(
    study: Study, folder: Path, pieces: list[_Piece], recordings: dict[str, ImageRecording]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All scores that are there, with accuracy; and those along training."""
    import pandas as pd

    from spikelearn import _store as store
    from spikelearn.comparison.tables import with_level
    from spikelearn.studies.network_names import network_names

    pieces = [p for p in pieces if store.is_complete(folder / "runs" / p.name)]
    networks = network_names([store.read_config(folder / "runs" / p.name) for p in pieces])
    tables, along = [], []
    for piece, network in zip(pieces, networks, strict=True):
        run = folder / "runs" / piece.name
        summary = read_yaml(run / "summary.yaml")
        layers = pd.read_parquet(run / "layers.parquet").set_index("layer")
        for recording in recordings:
            for method in study.methods:
                path = piece.scores(recording, method)
                if path.is_file():
                    table = with_level(pd.read_parquet(path))
                    ours = (table["model"] == piece.config.rule) & (table["network"] != "")
                    table["dataset"] = piece.config.dataset
                    table.loc[table["network"] != "", "network"] = network
                    table.loc[~ours, "family"] = "baseline"
                    told = {
                        "test_accuracy": summary["test_accuracy"],
                        "chance": summary["chance"],
                        "weights_moved": table["layer"].map(layers["weight_displacement"]),
                        "trouble": summary["flag"],
                    }
                    for column, value in told.items():
                        table[column] = value
                        table.loc[~ours, column] = "" if column == "trouble" else float("nan")
                    tables.append(table)
        for epoch in range(getattr(piece.config, "epochs", 0) + 1):
            if piece.along(epoch).is_file():
                part = with_level(pd.read_parquet(piece.along(epoch)))
                along.append(
                    part.assign(
                        family=piece.entry.family,
                        network=network,
                        seed=piece.seed,
                        dataset=piece.config.dataset,
                    )
                )
    if not tables:
        return pd.DataFrame(), pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    # Baselines of the images stand in every piece, an untrained network in those of every rule.
    image = table["network"] == ""
    table.loc[image, "dataset"] = ""
    keys = ["model", "network", "layer", "seed", "recording", "region", "subject", "method"]
    table = table.drop_duplicates(keys, ignore_index=True)
    return table, pd.concat(along, ignore_index=True) if along else pd.DataFrame()
