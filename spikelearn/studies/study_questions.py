"""The answers to the questions of a study: of its networks that are trained and compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._code import folder_code
from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, sha256, validate
from spikelearn.studies.activity_statistics import trajectory_features
from spikelearn.studies.comparing import Entry, check_comparable
from spikelearn.studies.image_baselines import at_resolution, with_controls
from spikelearn.studies.network_names import UNTRAINED_RULES, network_names, start_names
from spikelearn.studies.question import LAST, Question
from spikelearn.studies.question_contrasts import contrasts_of, followed_contrasts
from spikelearn.studies.question_networks import Followed, followed_of
from spikelearn.studies.question_variance import parted_variance
from spikelearn.studies.representation import show
from spikelearn.studies.rule_identifier import Identified, identify_rules
from spikelearn.studies.study import BASELINE, Study
from spikelearn.studies.study_origins import (
    COMPARING,
    FORMAT,
    recording_key,
    result_folder,
)
from spikelearn.studies.study_pieces import Piece
from spikelearn.studies.untrained_twin import named_members
from spikelearn.training.checked_runs import described_network
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import TrainedRun
from spikelearn.training.opening import open_run
from spikelearn.training.stdp_training import STDPRun

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.study_run import StudyResult

_CODE = (
    "studies/question_contrasts.py", "studies/question_networks.py", "studies/study_questions.py",
    "studies/question_variance.py", "studies/kept_patterns.py",
)  # fmt: skip
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Answers:
    """What came of the questions of a study.

    Attributes
    ----------
    table : DataFrame
        Of all questions about brains, one row a contrast and region: see `contrast_table`, with
        question, ask, the networks, and p_holm and p_fdr, corrected within the question.
    left_out : list of str
        Of what a question was not asked, and why.
    identified : dict of str to Identified
        Of the questions whether rules can be told, by name.
    """

    table: pd.DataFrame
    left_out: list[str] = field(default_factory=list)
    identified: dict[str, Identified] = field(default_factory=dict)


def study_questions(result: StudyResult, progress: Progress | None = None) -> Answers:
    """Answer the questions of a study, or read what was answered before of the same networks.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    from spikelearn.comparison.multiplicity import with_corrections
    from spikelearn.comparison.tables import stacked

    say = progress or (lambda fraction, words: None)
    questions = [one for one in result.study.questions if one.ask != "identity"]
    tables, left_out = [], []
    work = [(name, q) for name in result.recordings for q in questions if q.is_of(name)]
    shown = _Shown(result)
    for k, (name, question) in enumerate(work):
        say(k / len(work), f"answering {question.title}")
        table, said = _answered(result, name, question, shown)
        tables.append(table)
        left_out += [f"the question {question.title}, {name}: {sentence}" for sentence in said]
    if work:
        left_out += [
            f"{module.title}: what it was before it was trained is not known, so that no question"
            " is asked of it"
            for module in result.modules
        ]
    identified: dict[str, Identified] = {}
    for question in result.study.questions:
        if question.ask == "identity":
            try:
                found = identify_rules(
                    study_features(result), question.held_out, question.permutations,
                    result.study.seed, say,
                )  # fmt: skip
            except SpikelearnError as error:
                left_out.append(f"the question {question.title}: {error}")
                continue
            identified[question.title] = found
            left_out += [f"the question {question.title}: {one}" for one in found.left_out]
    say(1.0, "answered")
    table = stacked(tables)
    if len(table):
        table = with_corrections(table, ("question",))
    return Answers(table, left_out, identified)


def kept_study(folder: str | Path) -> StudyResult:
    """A study as it lies in a folder; nothing is computed.

    Raises
    ------
    SpikelearnError
        If no study was written there.
    """
    from spikelearn.studies.study_run import run_study

    return run_study(kept_description(folder), folder, limit_minutes=0)


def kept_description(folder: str | Path) -> Study:
    """The description of the study that lies in a folder.

    Raises
    ------
    SpikelearnError
        If no study was written there.
    """
    path = Path(folder) / "config.yaml"
    content = read_yaml(path) if path.is_file() else None
    if not isinstance(content, dict) or "networks" not in content:
        raise SpikelearnError(
            f"{folder} holds no study; it is the folder that `spikelearn study run` writes"
        )
    content = {k: v for k, v in content.items() if k not in ("runs", "versions")}
    content["questions"] = [_as_now(question) for question in content.get("questions") or ()]
    study: Study = validate(Study, content, path)
    return study


def _as_now(question: Any) -> Any:
    """A question as folders of before have it, where variance was of the last layer by this."""
    is_old = isinstance(question, dict) and question.get("ask") == "variance"
    if is_old and question.get("layers") == "held_out":
        return {**question, "layers": list(LAST)}
    return question


def study_features(result: StudyResult) -> pd.DataFrame:
    """What activity became along training, a row a trained network of a study.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    DataFrame
        As of `activity_statistics.trajectory_features`; empty where nothing was followed.
    """
    import pandas as pd

    tables = []
    for piece, config, network, _ in _followed_pieces(result):
        epochs = [int(epoch) for epoch in store.read_table(piece.run, "epochs")["epoch"]]
        found = [piece.activity_along(epoch) for epoch in epochs]
        if any(one is None for one in found):
            continue
        about = {
            "rule": config["rule"], "network": network, "seed": int(config["seed"]),
            "learning_rate": float(config.get("learning_rate") or 0.0),
        }  # fmt: skip
        tables += [
            one.assign(epoch=epoch, **about)
            for one, epoch in zip(found, epochs, strict=True)
            if one is not None
        ]
    return trajectory_features(pd.concat(tables, ignore_index=True)) if tables else pd.DataFrame()


def _answered(
    result: StudyResult, name: str, question: Question, shown: _Shown
) -> tuple[pd.DataFrame, list[str]]:
    """A question asked of one recording, and what it was not asked of."""
    import pandas as pd

    decides = _decides(result, name, question)
    folder = result_folder(result.folder / "scores", f"answers-{name}-{question.title}", decides)
    found = None if result.again else store.find_tables(folder, decides, ["answers", "left_out"])
    if found is not None:
        result.read.setdefault("tables of answers", []).append(folder)
        return found["answers"], found["left_out"]["sentence"].tolist()
    try:
        table, said = _asked(result, name, question, shown)
    except SpikelearnError as error:  # a question that cannot be asked here stops no other
        return pd.DataFrame(), [str(error)]
    if len(table) or said:
        sentences = pd.DataFrame({"sentence": pd.Series(said, dtype="object")})
        if not len(table):  # an answer, too: it is asked of nothing here
            table = pd.DataFrame({"question": pd.Series([], dtype="object")})
        store.save_tables(folder, decides, {"answers": table, "left_out": sentences})
    return table, said


def _asked(
    result: StudyResult, name: str, question: Question, shown: _Shown
) -> tuple[pd.DataFrame, list[str]]:
    from spikelearn.comparison.contrasts import contrast_table

    study, recording = result.study, result.recordings[name]
    check_comparable(recording, question.method)
    if question.ask == "variance":
        table, said = parted_variance(
            question, shown.entries(name, question), recording, study.seed, study.comparator
        )
        return table, [*said, *_without_regions(question, table)]
    if question.ask == "equal_accuracy":
        followed = _followed(result, name)
        contrasts, said = followed_contrasts(question, followed)
        said += _not_followed(result, followed)
    else:
        entries = shown.entries(name, question)
        regions = _regions(recording, question.method)
        contrasts, said = contrasts_of(question, entries, regions, shown.input_sides)
    options = {k: v for k, v in study.options_of(question.method).items() if k != "over"}
    options = with_controls(question.method, options, recording, study.seed)
    table = contrast_table(
        contrasts, recording, study.seed, method=question.method, random=question.random, **options
    )
    return table, [*said, *_without_regions(question, table)]


def _without_regions(question: Question, table: pd.DataFrame) -> list[str]:
    """Which regions that a question names the recording lacks."""
    there = set(table["region"]) if len(table) else set(question.regions)
    return [f"there is no region {region}" for region in question.regions if region not in there]


def _regions(recording: ImageRecording, method: str) -> list[str]:
    from spikelearn.comparison.models_and_targets import OF_RDMS

    if method in OF_RDMS:
        return list(dict.fromkeys([*(one.region for one in recording.rdms), *recording.groups]))
    return list(dict.fromkeys(one.region for one in recording.responses))


class _Shown:
    """What the networks of a study and their twins respond, of the recording asked for last."""

    def __init__(self, result: StudyResult) -> None:
        self.result = result
        self._of: tuple[str, str] = ("", "")
        self._entries: dict[Any, Entry] = {}
        self._runs: list[TrainedRun | STDPRun] | None = None  # opened when first asked of
        self.input_sides: dict[tuple[str, str], int] = {}

    def entries(self, name: str, question: Question) -> list[Entry]:
        """Trained networks and their untrained twins, at each resolution that is asked about.

        Parameters
        ----------
        name : str
            Of the recording.
        question : Question
        """
        from spikelearn.comparison.compact_patterns import OF_PRODUCTS, compact
        from spikelearn.comparison.models_and_targets import OF_RDMS

        kind = question.method  # of responses that are compacted alike
        kind = "rdms" if kind in OF_RDMS else "products" if kind in OF_PRODUCTS else kind
        if self._of != (name, kind):
            self._of, self._entries = (name, kind), {}
        study, recording = self.result.study, self.result.recordings[name]
        sides = question.resolutions if question.ask == "resolution" else (None,)
        if self._runs is None:
            self._runs = [open_run(folder) for folder in self.result.runs]
        runs, configs = self._runs, [run.config for run in self._runs]
        names = zip(runs, network_names(configs), start_names(configs), strict=True)
        chosen = []
        for (run, network, start), family in zip(names, self.result.families, strict=True):
            if family == BASELINE or run.config["rule"] in UNTRAINED_RULES:
                continue  # what learns nothing, and the twin of every network that it is of
            self.input_sides[run.config["rule"], network] = _input_side(run)
            for key, member in named_members(run, network, start):
                for side in sides:
                    if (*key, side) not in self._entries:
                        images = at_resolution(recording.images, side)
                        shown = show(member, images, recording.labels, seed=study.seed)
                        small = {
                            layer: compact(response, question.method)
                            for layer, response in shown.responses.items()
                        }
                        self._entries[*key, side] = Entry(*key, small, side, start)
                    chosen.append(self._entries[*key, side])
        return list({id(entry): entry for entry in chosen}.values())


def _input_side(run: TrainedRun | STDPRun) -> int:
    """The side of the images that a network takes."""
    if isinstance(run, STDPRun):
        return math.isqrt(next(iter(run.network.sources.values())))
    shape = described_network(run.config["network"], "the run").image_shape
    return max(shape[1:]) if shape is not None else 0


def _followed(result: StudyResult, name: str) -> dict[tuple[str, str, str, int], Followed]:
    """Networks along training, as they were kept after each epoch."""
    found: dict[tuple[str, str, str, int], Followed] = {}
    for piece, config, network, start in _followed_pieces(result):
        epochs = [int(epoch) for epoch in store.read_table(piece.run, "epochs")["epoch"]]
        scores = [one for one in map(piece.along, epochs) if one is not None]
        patterns = [piece.patterns_along(epoch, name) for epoch in epochs]
        kept = [one for one in patterns if one is not None]
        if len(scores) == len(kept) == len(epochs):
            key = config["rule"], network, start, int(config["seed"])
            found[key] = followed_of(scores, kept)
    return found


def _not_followed(result: StudyResult, followed: Mapping[Any, Followed]) -> list[str]:
    """Which trained networks have no epochs at which they were kept."""
    configs = [store.read_config(folder) for folder in result.runs]
    named = zip(configs, network_names(configs), start_names(configs), strict=True)
    lacking: dict[str, None] = {}
    for (config, network, start), family in zip(named, result.families, strict=True):
        rule = config["rule"]
        learns = family != BASELINE and rule not in UNTRAINED_RULES
        if learns and (rule, network, start, int(config["seed"])) not in followed:
            lacking[f"{rule} on {network}: it was not followed along training"] = None
    return list(lacking)


def _followed_pieces(result: StudyResult) -> Iterator[tuple[Piece, dict[str, Any], str, str]]:
    """Trained networks that have epochs, with their configuration and their two names."""
    configs = [store.read_config(folder) for folder in result.runs]
    pieces = {piece.run: piece for piece in _pieces_of(result.study, result)}
    named = zip(result.runs, configs, network_names(configs), start_names(configs), strict=True)
    for folder, config, network, start in named:
        piece = pieces.get(folder)
        if piece is None or piece.entry.family == BASELINE or config["rule"] in UNTRAINED_RULES:
            continue
        if isinstance(piece.config, TrainConfig):  # spike timing has no epochs to follow
            yield piece, config, network, start


def _pieces_of(study: Study, result: StudyResult) -> list[Piece]:
    """The pieces of a study's networks, with the recordings that they were followed with."""
    from spikelearn.studies.study_pieces import JUDGED

    recordings: Mapping[str, ImageRecording] = result.recordings
    judged = "rsa" in study.methods and study.judgements
    every = dict(recordings)
    if judged:
        every |= {name + JUDGED: one for name, one in recordings.items() if one.behaviour}
    return [
        Piece(study, result.folder, entry, seed, every)
        for seed in study.seeds
        for entry in study.networks
    ]


def _decides(result: StudyResult, recording: str, question: Question) -> dict[str, Any]:
    """All that decides the answer to a question."""
    study = result.study
    runs: Sequence[Any] = result.runs
    of = zip(runs, result.families, strict=True)
    return {
        "kind": "answers",
        "format": FORMAT,
        "baselines": sorted(str(store.made(run).get("key")) for run, f in of if f == BASELINE),
        "runs": sorted(str(store.made(run).get("key")) for run in runs),
        "weights": sorted(sha256(run / store.WEIGHTS)[:16] for run in runs),
        "recording": recording_key(result.recordings[recording]),
        "question": question.model_dump(mode="json"),
        "seed": study.seed,
        **study.options_of(question.method),
        "code": folder_code(*COMPARING, *_CODE),
    }
