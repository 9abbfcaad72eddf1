"""A study is run in pieces: trained and compared as far as time allows, and read as it then is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._atomic import check_folder
from spikelearn._counts import counted
from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._progress import Progress
from spikelearn._raised import told
from spikelearn._workers import Workers
from spikelearn.comparison.models_and_targets import PARTIAL_RSA
from spikelearn.recordings.shared_stimuli import shared_stimuli_notes
from spikelearn.studies import comparing
from spikelearn.studies.image_baselines import check_given
from spikelearn.studies.study import Study
from spikelearn.studies.study_computing import Computing, now, take_trained, trained_in
from spikelearn.studies.study_estimate import require_room, study_estimate
from spikelearn.studies.study_modules import (
    ModulePiece,
    check_files,
    compute_modules,
    said_of_code,
)
from spikelearn.studies.study_origins import refuse_namesakes, said_of_unused
from spikelearn.studies.study_pieces import JUDGED, Piece, training_folder
from spikelearn.studies.study_scores import along_table, controls_by_run, score_table
from spikelearn.studies.trainable_networks import trainable_networks
from spikelearn.training.trainable import check_trainable

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.early_audits import EarlyAudits


@dataclass
class StudyResult:
    """What there is of a study: its table, and how many of its pieces are done.

    Attributes
    ----------
    study : Study
    folder : Path
    table : DataFrame
        All scores that are there, with accuracy; see `score_table`.
    along : DataFrame
        Scores after every epoch.
    n_done, n_total : int
        Networks that are trained and compared, and all.
    runs : list of Path
        Folders of the networks that are.
    families : list of str
        The family of each of `runs`.
    controls : mapping of Path to mapping of str to float
        Accuracies of the controls of those that have some, by the names of their columns.
    recordings : mapping of str to ImageRecording
    skipped, failed : list of str
        Recordings and networks that are not in it, and why.
    read : dict of str to list of Path
        What was read instead of computed, by its kind.
    unused : list of str
        What lies in the folder and is not taken for today's.
    again : bool
        Whether what is there is computed anew.
    n_failed : int
        Networks that could not be trained or compared.
    modules : list of ModulePiece
        Modules of PyTorch that are compared.
    """

    study: Study
    folder: Path
    table: pd.DataFrame
    along: pd.DataFrame
    n_done: int
    n_total: int
    runs: list[Path] = field(default_factory=list)
    families: list[str] = field(default_factory=list)
    controls: dict[Path, dict[str, float]] = field(default_factory=dict)
    recordings: dict[str, ImageRecording] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    read: dict[str, list[Path]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    again: bool = False
    n_failed: int = 0
    modules: list[ModulePiece] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every network of the grid has been trained and compared."""
        return self.n_done == self.n_total

    @property
    def waits(self) -> bool:
        """Whether networks wait for more time: neither done nor failed."""
        return self.n_done + self.n_failed < self.n_total


def run_study(
    study: Study,
    folder: str | Path,
    limit_minutes: float = float("inf"),
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
    again: bool = False,
    workers: Workers | None = None,
    retry_failed: bool = False,
    runs: str | Path | None = None,
    audits: EarlyAudits | None = None,
) -> StudyResult:
    """Train and compare what is not there yet, and read the table of all there is.

    A network that fails stops no other, and is told in `failed`.

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
    tell : callable, optional
        Called with each note on how a recording was read, and about how long training takes,
        before anything is trained.
    again : bool
        Whether to train and compare also what is there.
    workers : Workers, optional
        Who computes: this process, if absent.
    retry_failed : bool
        Whether to try again what failed an earlier time.
    runs : path, optional
        Folder of runs from which networks are taken that others have trained.
    audits : EarlyAudits, optional
        Which workers make as soon as no network waits for one of them.

    Raises
    ------
    SpikelearnError
        If the folder is a file, a recording or a method is unknown, no recording can be compared
        with, two recordings have one name, or two networks are the same.
    """
    from spikelearn.comparison.tables import stacked_once

    folder = Path(folder)
    check_folder(folder)
    recordings, skipped = study_recordings(study)
    if tell is not None:
        for name, recording in recordings.items():
            for note in () if name.endswith(JUDGED) else recording.notes:
                tell(f"{name}: {note}")
        for sentences in shared_stimuli_notes(_without_judgements(recordings)).values():
            for note in sentences:
                tell(note)
    # Seeds outermost: an interrupted study has the first seed of every rule first.
    study, cannot = trainable_networks(study)
    skipped += cannot
    check_files(study.modules)
    pieces = _pieces(study, folder, recordings)
    taken = 0 if runs is None or again else take_trained(pieces, Path(runs))
    if taken and tell is not None:
        tell(f"{counted(taken, 'network')} taken from {runs}, trained there already")
    seconds: dict[str, float] = {}
    if tell is not None:
        estimate = study_estimate(pieces, again)
        require_room(estimate, folder)
        trained = [estimate.sentence()] if pieces else []
        for sentence in (*trained, *said_of_code(study.modules, "is run")):
            tell(sentence)
        seconds = estimate.of_each
    nothing = lambda *words: None  # noqa: E731 - is told
    ends_at = now() + 60 * limit_minutes
    modules: list[ModulePiece] = []
    without: list[str] = []
    if limit_minutes > 0:  # they take little, and what fails of them is known before the rest
        modules, without = compute_modules(
            _module_pieces(study, folder, recordings, pieces), progress or nothing, again
        )
    computing = Computing(
        pieces, workers or Workers(), ends_at, progress or nothing, tell or nothing, again,
        retry_failed, seconds, audits,
    )  # fmt: skip
    failed = computing.failed()
    # What was computed in an earlier session may lie behind the piece that time ran out in.
    done = [piece for piece in pieces if piece.complete]
    read: dict[str, list[Path]] = {}
    for piece in pieces:
        for kind, folders in piece.read.items():
            read.setdefault(kind, []).extend(folders)
    for module in modules:
        read.setdefault("tables of scores", []).extend(module.read)
    return StudyResult(
        study,
        folder,
        stacked_once([score_table(pieces), *(one.table() for one in modules)], agree=["score"]),
        along_table(pieces),
        len(done) + len(modules),
        len(pieces) + len(study.modules),
        [piece.run for piece in done],
        [piece.entry.family for piece in done],
        controls_by_run(done),
        _without_judgements(recordings),
        skipped,
        [*without, *(f"{pieces[number].title}: {why}" for number, why in failed.items())],
        read,
        said_of_unused(folder, training_folder(folder), [piece.run for piece in pieces]),
        again,
        len(failed) + len(without),
        modules,
    )


def plan_study(
    study: Study, folder: str | Path, again: bool = False, runs: str | Path | None = None
) -> list[str]:
    """What `run_study` would do, in sentences: how much, how long; nothing is trained.

    Parameters
    ----------
    study : Study
    folder : path
        Where its pieces are kept.
    again : bool
        Whether what is there would be computed anew.
    runs : path, optional
        Folder of runs from which networks would be taken that others have trained.

    Raises
    ------
    SpikelearnError
        As `run_study`.
    """
    folder = Path(folder)
    check_folder(folder)
    recordings, skipped = study_recordings(study)
    study, cannot = trainable_networks(study)
    skipped += cannot
    check_files(study.modules)
    pieces = _pieces(study, folder, recordings)
    elsewhere = [] if runs is None or again else trained_in(Path(runs), pieces)
    estimate = study_estimate(pieces, again, elsewhere)
    require_room(estimate, folder)
    shared = shared_stimuli_notes(_without_judgements(recordings))
    return [
        *(f"left out: {sentence}" for sentence in skipped),
        *(note for sentences in shared.values() for note in sentences),
        *([estimate.sentence()] if pieces else []),
        *said_of_code(study.modules, "would be run, and is not to plan"),
    ]


def _without_judgements(recordings: dict[str, ImageRecording]) -> dict[str, ImageRecording]:
    return {name: one for name, one in recordings.items() if not name.endswith(JUDGED)}


def _module_pieces(
    study: Study, folder: Path, recordings: dict[str, ImageRecording], pieces: Sequence[Piece]
) -> list[ModulePiece]:
    """The study's modules; with those that are trained they share scores of the baselines."""
    baselines = pieces[0].baselines if pieces else {}
    return [ModulePiece(study, folder, one, recordings, baselines) for one in study.modules]


def _pieces(study: Study, folder: Path, recordings: dict[str, ImageRecording]) -> list[Piece]:
    """Every network with every seed; refuses two that are the same, and what cannot be trained."""
    baselines: dict[tuple[str, str], pd.DataFrame] = {}
    contents: dict[str, dict[str, str]] = {}
    pieces: list[Piece] = []
    known: dict[str, int] = {}
    for place, seed in enumerate(study.seeds):
        for number, entry in enumerate(study.networks, start=1):
            if entry.n_seeds is not None and place >= entry.n_seeds:
                continue
            piece = Piece(study, folder, entry, seed, recordings, baselines, contents)
            if piece.key in known:
                raise SpikelearnError(
                    f"networks {known[piece.key]} and {number} of the study '{study.name}' are the"
                    f" same ({piece.title}); leave one out"
                )
            known[piece.key] = number
            pieces.append(piece)
    for piece in pieces[: len(study.networks)]:  # before hours of training of the others
        try:
            told(check_trainable)(piece.config)
        except SpikelearnError as error:
            raise SpikelearnError(f"{piece.title}: {error}") from error
    return pieces


def study_recordings(study: Study) -> tuple[dict[str, ImageRecording], list[str]]:
    """The recordings to compare with, judgements behind them; and what was left out and why."""
    from spikelearn.comparison.categories import category_of_stimuli
    from spikelearn.comparison.guards import check_images

    loaded: dict[str, ImageRecording] = {}
    skipped: list[str] = []
    if study.recordings == "at_hand":
        loaded, skipped = _recordings_at_hand(study)
    else:
        for name in study.recordings:
            try:
                loaded[name] = comparing.image_recording(name)
            except DataUnavailableError as error:
                if study.missing_recordings == "refuse":
                    raise
                skipped.append(
                    f"the comparison with {name}, because its recording is missing: {error}"
                )
                continue
            for method in study.methods:
                comparing.check_comparable(loaded[name], method)
                if method == PARTIAL_RSA:
                    check_given(study.given, loaded[name])
    if not loaded and study.missing_recordings == "refuse":
        raise SpikelearnError(
            f"the study '{study.name}' has no recording to compare with ({'; '.join(skipped)})"
        )
    refuse_namesakes(loaded)
    for recording in loaded.values():
        check_images(recording.images, recording.labels)
        if study.over == "categories":  # found out before hours of training
            category_of_stimuli(recording)
    if "rsa" in study.methods and study.judgements:
        loaded |= {name + JUDGED: one for name, one in loaded.items() if one.behaviour}
    return loaded, skipped


def _recordings_at_hand(study: Study) -> tuple[dict[str, ImageRecording], list[str]]:
    """Those that need no download and can be compared by the study's methods; and the others."""
    from spikelearn.recordings import RECORDINGS

    loaded: dict[str, ImageRecording] = {}
    skipped = []
    for name in RECORDINGS:
        module = importlib.import_module(f"spikelearn.recordings.{name}")
        if not module.at_hand():
            skipped.append(f"{name}: not at hand (`spikelearn download {name}`)")
            continue
        try:
            recording = comparing.image_recording(name)
            for method in study.methods:
                comparing.check_comparable(recording, method)
                if method == PARTIAL_RSA:
                    check_given(study.given, recording)
        except SpikelearnError as error:
            skipped.append(f"{name}: {error}")
            continue
        loaded[name] = recording
    return loaded, skipped
