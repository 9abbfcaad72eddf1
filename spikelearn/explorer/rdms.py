"""A model's dissimilarity matrices beside a brain's, and how alike they are: what the page shows.

Every number is that of `spikelearn compare`: responses, matrices, scores, ceilings and intervals
are made by the same functions with the same seeds.
"""

from __future__ import annotations

import functools
import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import numpy as np

from spikelearn import _store as store
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import find_yaml, read_yaml, shipped_names
from spikelearn.comparison.multidimensional_scaling import aligned, multidimensional_scaling
from spikelearn.recordings import RECORDINGS, at_hand
from spikelearn.report.matrices import MOST_POINTS, in_plane
from spikelearn.rules import RULES
from spikelearn.studies.study_matrices import MOST_STIMULI

if TYPE_CHECKING:
    import pandas as pd

OWN = "simulated_cortex"
_UNTRAINED = " (untrained)"
_CARRIER = "mlp_64"  # in whose comparison the baselines stand, as they do in every one
# Kinds of networks that are shown images before they are trained.
_KINDS = ("mlp", "cnn", "residual_mlp", "spiking_mlp")
_BASELINES = ("pixels", "mean_luminance", "gabor_energy", "random_features", "category")
MEAN = "all, their mean"
N_BOOTSTRAP = 1000
OVER = ("stimuli", "subjects", "both", "categories")


def recordings() -> list[str]:
    """Recordings of images that can be had without a download, the one that comes along first."""
    found = [OWN]
    for name, entry in RECORDINGS.items():
        for variant in entry.variants or ("",):
            full = f"{name}:{variant}" if variant else name
            if name != OWN and variant != "..." and name != "grasshopper" and at_hand(full):
                found.append(full)
    return found


def models(runs: str | Path = "runs") -> dict[str, str]:
    """What can be compared, as `compare` takes it, by how it is listed; runs of shipped rules last.

    Parameters
    ----------
    runs : str or Path
        Folder of training runs; what is not in it cannot be chosen.
    """
    listed = {name.replace("_", " "): name for name in _BASELINES}
    for name in shipped_names("models"):
        fields = read_yaml(find_yaml("models", name))
        if fields.get("kind") in _KINDS and _takes_images(name):
            listed[f"{name}{_UNTRAINED}"] = name
    folder = Path(runs)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and store.is_complete(path) and _trained_by_ours(path):
            listed[f"run {path.name}"] = str(path)
    return listed


def _takes_images(name: str) -> bool:
    from spikelearn.networks import load_model

    shape = getattr(load_model(name), "image_shape", None)
    return shape is not None and min(shape[1:]) > 2


def _trained_by_ours(path: Path) -> bool:
    """Whether opening a run runs no code of a file."""
    try:
        return store.read_config(path).get("rule") in RULES
    except (SpikelearnError, OSError):
        return False


@dataclass(frozen=True)
class RdmSetting:
    """What is compared with what, and how.

    Attributes
    ----------
    model : str
        A baseline, a shipped network, or the folder of a run.
    recording : str
    layer, region, subject : str
        Empty: the last hidden layer, the first region, the mean over subjects.
    method, comparator, over : str
        As of `spikelearn.compare`.
    """

    model: str = "gabor_energy"
    recording: str = OWN
    layer: str = ""
    region: str = ""
    subject: str = ""
    method: str = "rsa"
    comparator: str = "spearman"
    over: str = "stimuli"

    @property
    def of_matrices(self) -> bool:
        """Whether the method compares matrices, so that it has a comparator."""
        return self.method in ("rsa", "partial_rsa")

    @property
    def options(self) -> dict[str, str]:
        """Options of the method."""
        compared = {"comparator": self.comparator} if self.of_matrices else {}
        return {**compared, "over": self.over}

    def _said(self) -> dict[str, str]:
        """Options that are other than usual."""
        usual = {"method": "rsa", "comparator": "spearman", "over": "stimuli"}
        chosen = {"method": self.method, **self.options}
        return {name: value for name, value in chosen.items() if value != usual[name]}

    @property
    def compared(self) -> str:
        """What `compare` is given: of a baseline, a network beside which it stands."""
        return _CARRIER if self.model in _BASELINES else self.model

    def command(self) -> str:
        """The command that makes the same table."""
        words = ["spikelearn", "compare", self.compared, "--recording", self.recording]
        for name, value in self._said().items():
            words += [f"--{name}", value]
        return shlex.join([*words, "--out", "similarity.csv"])

    def python(self, row: dict[str, str]) -> str:
        """A program that makes the same table, and finds the same row.

        Parameters
        ----------
        row : dict of str to str
            Columns that tell the row that is shown.
        """
        given = "".join(f", {name}={value!r}" for name, value in self._said().items())
        chosen = " & ".join(f'(table["{name}"] == {value!r})' for name, value in row.items())
        columns = '["score", "ci_lower", "ci_upper", "ceiling_lower", "ceiling_upper"]'
        return (
            "import spikelearn as sl\n\n"
            f"table = sl.compare({self.compared!r}, {self.recording!r}{given})\n"
            f"shown = table[{chosen}]\n"
            f"print(shown[{columns}])\n"
        )

    def address(self) -> str:
        """It as the query of an address; what is as usual is left out."""
        first = RdmSetting()
        said = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(first, name)
        }
        return urlencode(said)


def from_query(query: str, known: dict[str, str]) -> tuple[RdmSetting, list[str]]:
    """The setting that an address says, and what of it was left out, in sentences.

    Parameters
    ----------
    query : str
        What stands behind the question mark.
    known : dict of str to str
        Of `models`.
    """
    from spikelearn.comparison.comparators import COMPARATORS
    from spikelearn.comparison.methods import METHODS

    allowed: dict[str, Any] = {
        "model": list(known.values()), "recording": recordings(), "method": list(METHODS),
        "comparator": list(COMPARATORS), "over": OVER, "layer": None, "region": None,
        "subject": None,
    }  # fmt: skip
    setting, notes = RdmSetting(), []
    for name, value in parse_qsl(query.lstrip("?")):
        if name not in allowed:
            notes.append(f"'{name:.60}' of the address is left out; {nearest(name, allowed)}")
        elif allowed[name] is not None and value not in allowed[name]:
            notes.append(
                f"the {name} '{value:.60}' of the address is left out;"
                f" {nearest(value, allowed[name])}"
            )
        else:
            setting = replace(setting, **{name: value[:200]})
    return setting, notes


@dataclass(frozen=True)
class Matrix:
    """A dissimilarity matrix as it is drawn.

    Attributes
    ----------
    title : str
    ranks : array of shape (n_stimuli, n_stimuli)
        Percentiles of the dissimilarities, stimuli by category; NaN where undefined. Of more than
        `MOST_STIMULI` none is made.
    places : array of shape (n_stimuli, 2)
        The stimuli in a plane; NaN where undefined, or left out of more than `MOST_POINTS`.
    stress : float
        Of these places.
    """

    title: str
    ranks: np.ndarray
    places: np.ndarray
    stress: float


@dataclass(frozen=True)
class Compared:
    """What is shown of a setting.

    Attributes
    ----------
    setting : RdmSetting
        With layer and region as they were chosen.
    layers, regions, subjects, methods : list of str
        What could be chosen.
    brain, model : Matrix
    labels : list of str
        Of the stimuli, by category.
    groups : list of (int, int, str)
        Categories of consecutive stimuli: first, one past the last, name.
    scores : DataFrame
        Rows of the region, of every layer: of the mean or the chosen subject.
    by_subject : DataFrame
        Rows of all subjects.
    row : dict of str to str
        Columns that tell the row of the layer that is chosen.
    notes : tuple of str
    """

    setting: RdmSetting
    layers: list[str]
    regions: list[str]
    subjects: list[str]
    methods: list[str]
    brain: Matrix
    model: Matrix
    labels: list[str]
    groups: list[tuple[int, int, str]]
    scores: pd.DataFrame
    by_subject: pd.DataFrame
    row: dict[str, str]
    notes: tuple[str, ...] = ()


def compared(setting: RdmSetting, check: Callable[[], None] = lambda: None) -> Compared:
    """Compare a model with a recording.

    Parameters
    ----------
    setting : RdmSetting
    check : callable
        Called between the parts of the work, which it may end.

    Raises
    ------
    SpikelearnError
        Where they cannot be compared so.
    """
    recording = _recording(setting.recording)
    check()
    name, responses = _responses(setting.model, setting.recording)
    check()
    layers = list(responses)
    layer = setting.layer if setting.layer in layers else _last_hidden(layers)
    regions = list(recording.regions)
    region = setting.region if setting.region in regions else regions[0]
    table = _table(setting.model, setting.recording, setting.method, tuple(setting.options.items()))
    check()
    here = table[table["region"] == region]
    if not len(here):
        raise SpikelearnError(
            f"{setting.method} compares nothing with {region} of {recording.name}"
        )
    subjects = list(dict.fromkeys(here.loc[here["level"] == "subject", "subject"]))
    subject = setting.subject if setting.subject in subjects else ""
    level = "subject" if subject else next(
        one for one in ("mean", "group", "subject") if (here["level"] == one).any()
    )  # fmt: skip
    chosen = here[here["level"] == level]
    if subject:
        chosen = chosen[chosen["subject"] == subject]
    setting = replace(setting, layer=layer, region=region, subject=subject)
    order, groups = _by_category(recording)
    titled = f"{region}{f', {subject}' if subject else ''}"
    called = f"{setting.model}, untrained" if name == "untrained" else name
    called += f" · {layer}" if layer else ""
    if recording.n_stimuli > MOST_STIMULI:
        brain, model = _no_matrix(titled), _no_matrix(called)
        order, groups = order[:0], []
    else:
        brain = _brain_matrix(setting.recording, region, subject, setting.comparator)
        check()
        model = _model_matrix(setting.model, setting.recording, layer)
        turned = aligned(model.places, brain.places)
        brain, model = replace(brain, title=titled), replace(model, title=called, places=turned)
    check()
    row = {"model": name, "layer": layer, "region": region, "level": level}
    if subject:
        row["subject"] = subject
    return Compared(
        setting, layers, regions, subjects, _methods(recording), brain, model,
        [recording.labels[i] for i in order], groups, chosen, here[here["level"] == "subject"], row,
        (*recording.notes, *_not_drawn(recording.n_stimuli)),
    )  # fmt: skip


@functools.lru_cache(maxsize=4)
def _recording(name: str) -> Any:
    from spikelearn.studies.comparing import comparable_recording

    return comparable_recording(name, "rsa")


@functools.lru_cache(maxsize=16)
def _responses(model: str, recording: str) -> tuple[str, dict[str, Any]]:
    """The model's name in tables, and its responses by layer."""
    from spikelearn.studies.comparing import shown_entries
    from spikelearn.studies.image_baselines import baseline_responses

    shown = _recording(recording)
    if model in _BASELINES:
        found = {key: r for key, r in baseline_responses(shown).items() if key[0] == model}
        if not found:
            raise SpikelearnError(f"{shown.name} has no model of categories; choose another")
        return model, {layer: response for (_, layer), response in found.items()}
    # The run itself stands before its untrained twin.
    entry = shown_entries(model, shown)[1][0]
    return entry.model, dict(entry.responses)


@functools.lru_cache(maxsize=32)
def _table(
    model: str, recording: str, method: str, options: tuple[tuple[str, str], ...]
) -> pd.DataFrame:
    from spikelearn.comparison.methods import compare_by
    from spikelearn.studies.comparing import check_comparable
    from spikelearn.studies.image_baselines import with_controls

    shown = _recording(recording)
    check_comparable(shown, method)
    name, responses = _responses(model, recording)
    given = with_controls(method, dict(options), shown)
    models = {(name, layer): response for layer, response in responses.items()}
    return compare_by(method, models, shown, N_BOOTSTRAP, 0, **given)


def _methods(recording: Any) -> list[str]:
    from spikelearn.comparison.methods import METHODS
    from spikelearn.comparison.models_and_targets import OF_RDMS

    return [name for name in METHODS if recording.responses or name in OF_RDMS]


def _last_hidden(layers: list[str]) -> str:
    hidden = [layer for layer in layers if layer != "output"]
    return (hidden or layers)[-1]


@functools.lru_cache(maxsize=8)
def _model_matrix(model: str, recording: str, layer: str) -> Matrix:
    from spikelearn.comparison.models_and_targets import model_rdm

    shown, (name, responses) = _recording(recording), _responses(model, recording)
    return _matrix(model_rdm((name, layer), responses[layer], shown).vector, shown)


@functools.lru_cache(maxsize=8)
def _brain_matrix(recording: str, region: str, subject: str, comparator: str) -> Matrix:
    shown = _recording(recording)
    return _matrix(_brain_vector(shown, region, subject, comparator), shown)


def _brain_vector(recording: Any, region: str, subject: str, comparator: str) -> np.ndarray:
    """The dissimilarities of one subject, or the mean over all; or the published ones."""
    from spikelearn.comparison.comparators import pooled_vectors
    from spikelearn.comparison.models_and_targets import subject_rdms

    if not any(one.region == region for one in recording.rdms):
        return np.asarray(recording.groups[region].dissimilarities)
    names, vectors = subject_rdms(recording, region, comparator)
    if subject in names:
        return vectors[list(names).index(subject)]
    return pooled_vectors(vectors, comparator)


def _by_category(recording: Any) -> tuple[np.ndarray, list[tuple[int, int, str]]]:
    """The order of the stimuli by what they show, and where each kind stands."""
    from spikelearn.comparison.categories import kinds_of_stimuli

    kinds = kinds_of_stimuli(recording)
    if kinds is None:
        return np.arange(recording.n_stimuli), []
    # Kinds in the order in which the recording has them.
    first = [int(np.flatnonzero(kinds == kind)[0]) for kind in range(int(kinds.max()) + 1)]
    rank = np.argsort(np.argsort(first))
    order = np.argsort(rank[kinds], kind="stable")
    names = recording.kinds or tuple(recording.categories)
    groups, start = [], 0
    for kind in np.argsort(first):
        members = int((kinds == kind).sum())
        one = first[kind]
        called = " ".join(n for n in names if recording.categories[n][one]) or "other"
        groups.append((start, start + members, called))
        start += members
    return order, groups


def _matrix(vector: np.ndarray, recording: Any) -> Matrix:
    """A matrix of percentiles without a title, and its stimuli in a plane."""
    from spikelearn.plot.dissimilarities import percentiles

    order, _ = _by_category(recording)
    ranks = percentiles(np.asarray(vector, float))[np.ix_(order, order)]
    drawn, places = in_plane(len(ranks)), np.full((len(ranks), 2), np.nan)
    scaled = multidimensional_scaling(ranks[np.ix_(drawn, drawn)])
    if scaled is not None:
        places[drawn] = scaled.points
    return Matrix("", ranks, places, math.nan if scaled is None else scaled.stress)


def _no_matrix(title: str) -> Matrix:
    return Matrix(title, np.zeros((0, 0)), np.zeros((0, 2)), math.nan)


def _not_drawn(n_stimuli: int) -> list[str]:
    """What is not drawn of so many stimuli, in a sentence."""
    if n_stimuli > MOST_STIMULI:
        return [f"no matrix and no plane is drawn of more than {MOST_STIMULI:,} stimuli"]
    if n_stimuli > MOST_POINTS:
        return [f"in the plane: {MOST_POINTS} of the {n_stimuli} stimuli, taken evenly"]
    return []
