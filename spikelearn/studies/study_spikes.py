"""The networks of a study at work: their spikes in files, on several simulators, their matrices.

They see the images of the study's first recording, or a few digits where it has none.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn import _store as store
from spikelearn._errors import DataUnavailableError
from spikelearn._progress import Progress
from spikelearn._threads import at_most
from spikelearn._time_steps import just_before
from spikelearn._work_in_folder import Failed, outcomes_in
from spikelearn._workers import Workers
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.plot.names import backend as simulator_name
from spikelearn.plot.names import label
from spikelearn.report.spiking import Raster
from spikelearn.studies.agreement import agreement
from spikelearn.studies.network_names import network_names
from spikelearn.studies.representation import show
from spikelearn.studies.study import BASELINE, Study
from spikelearn.studies.study_computing import loaded
from spikelearn.studies.study_matrices import (
    MOST_STIMULI,
    by_category,
    matrices_of_recording,
    matrix_of_network,
)
from spikelearn.studies.study_origins import recording_key
from spikelearn.training.opening import open_run
from spikelearn.training.stdp_layer import plastic_projection, weight_matrix
from spikelearn.training.stdp_training import STDPRun

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording
    from spikelearn.spikes.activity import Activity
    from spikelearn.studies.study_run import StudyResult
    from spikelearn.training.loop import TrainedRun

N_DIGITS = 20  # shown where no recording has images
RASTER_IMAGE = 0  # which of the images the rasters show
N_FIELDS = 40


@dataclass
class NetworksAtWork:
    """What networks of a study did under images.

    Attributes
    ----------
    activities : mapping of str to Activity
        Of trained spiking networks of the first seed, by rule and simulator.
    rasters : list of Raster
        Of these.
    fields : array of shape (n_neurons, height, width) or None
        Input weights of neurons of the first layer that STDP trained.
    agreement : list of dict
        See `spikelearn.studies.agreement`.
    matrices : mapping of str to array of shape (n_stimuli, n_stimuli)
        Percentile ranks of dissimilarities of brains, baselines, and the last hidden layer of the
        networks of the first seed.
    stimuli : list of str
        Labels in the order of the matrices.
    groups : list of (first, one past the last, name)
        Images of one category.
    left_out : list of str
        What is not here though it is asked for, and why.
    """

    activities: dict[str, Activity] = field(default_factory=dict)
    rasters: list[Raster] = field(default_factory=list)
    fields: np.ndarray | None = None
    agreement: list[dict[str, Any]] = field(default_factory=list)
    matrices: dict[str, np.ndarray] = field(default_factory=dict)
    stimuli: list[str] = field(default_factory=list)
    groups: list[tuple[int, int, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def networks_at_work(
    result: StudyResult, progress: Progress | None = None, workers: Workers | None = None
) -> NetworksAtWork:
    """Show the images to the networks that `write_spikes`, `agreement` and `matrices` ask for.

    Parameters
    ----------
    result : StudyResult
        Complete.
    progress : callable, optional
        Called with the fraction done and a few words.
    workers : Workers, optional
        Of whom one does so where matrices alone are asked for: this process, if absent.
    """
    if not by_a_worker(result.study, workers):
        return _shown_here(result, progress)
    keys = {name: recording_key(one) for name, one in list(result.recordings.items())[:1]}
    bare = replace(result, recordings={}, table=result.table.iloc[:0], along=result.along.iloc[:0])
    work = _ShowThere(bare, keys)
    with contextlib.closing(outcomes_in(None, work, [0], workers or Workers())) as found:
        ((_, at_work),) = found
    # In this process what is wrong is told as it is.
    return _shown_here(result, progress) if isinstance(at_work, Failed) else at_work


def by_a_worker(study: Study, workers: Workers | None) -> bool:
    """Whether a worker of this machine is to show the images: of spikes too much would be sent."""
    alone = workers is None or workers.alone or workers.elsewhere
    return not (alone or study.write_spikes or study.agreement) and study.matrices


@dataclass(frozen=True)
class _ShowThere:
    """What a worker does: `result` is without its recordings, of which `keys` are the content."""

    result: StudyResult
    keys: dict[str, dict[str, str]]

    def __call__(self, _task: int, _folder: Path | None) -> NetworksAtWork:
        recordings, lacking = loaded(self.keys)
        if lacking:
            raise DataUnavailableError(lacking)
        return _shown_here(replace(self.result, recordings=recordings), None)


def _shown_here(result: StudyResult, progress: Progress | None) -> NetworksAtWork:
    study = result.study
    if study.write_spikes or study.agreement:
        return _at_work(result, progress)
    with at_most(1):  # the same sums, whoever computes them
        return _at_work(result, progress)


def _at_work(result: StudyResult, progress: Progress | None) -> NetworksAtWork:
    study = result.study
    at_work = NetworksAtWork()
    recording = next(iter(result.recordings.values()), None)
    in_matrices = recording if study.matrices else None
    if in_matrices is not None and in_matrices.n_stimuli > MOST_STIMULI:
        at_work.left_out.append(
            f"the dissimilarity matrices of {in_matrices.name}, which has {in_matrices.n_stimuli:,}"
            f" stimuli: they are made of at most {MOST_STIMULI:,}"
        )
        in_matrices = None
    if not (study.write_spikes or study.agreement or in_matrices):
        return at_work
    images, labels = _images(recording)
    if in_matrices is not None:
        at_work.matrices = matrices_of_recording(in_matrices)
    say = progress or (lambda fraction, words: None)
    networks = network_names([store.read_config(folder) for folder in result.runs])
    names = _names(result.runs, networks)
    for done, (folder, family) in enumerate(zip(result.runs, result.families, strict=True)):
        run = open_run(folder)
        name, network = names[done], networks[done]
        rule, seed = str(run.config["rule"]), int(run.config["seed"])
        say(done / len(result.runs), f"{rule}, seed {seed}")
        first_seed = seed == study.seeds[0]
        spikes = isinstance(run, STDPRun) or run.config["network"]["kind"] == "spiking_mlp"
        trained = family != BASELINE
        compared = study.agreement and spikes and trained and not isinstance(run, STDPRun)
        drawn = first_seed and in_matrices is not None
        if not (compared or drawn or (first_seed and spikes and trained)):
            continue
        shown = show(run, images, labels, _simulator(run, study.agreement), study.seed)
        if drawn:
            layer, matrix = matrix_of_network(shown.responses)
            at_work.matrices[f"{name} · {layer}"] = matrix
        if shown.activity is None or not trained:
            continue
        if compared:
            for other in study.agreement[1:]:
                second = show(run, images, labels, other, study.seed).activity
                assert second is not None  # noqa: S101 - for the type checker
                at_work.agreement += agreement(rule, network, seed, shown.activity, second)
        if first_seed:
            _keep(at_work, run, shown.activity, name)
    if in_matrices is not None:
        _order(at_work, in_matrices)
    say(1.0, "")
    return at_work


def _order(at_work: NetworksAtWork, recording: ImageRecording) -> None:
    """Bring stimuli of one category together, in all matrices alike."""
    order, at_work.groups = by_category(recording)
    at_work.stimuli = [recording.labels[i] for i in order]
    at_work.matrices = {
        name: matrix[np.ix_(order, order)] for name, matrix in at_work.matrices.items()
    }


def _names(folders: Sequence[Path], networks: Sequence[str]) -> list[str]:
    """The rule of each run, with its network behind it where the rule trained several."""
    rules = [str(store.read_config(folder)["rule"]) for folder in folders]
    trained: dict[str, set[str]] = {}
    for rule, network in zip(rules, networks, strict=True):
        trained.setdefault(rule, set()).add(network)
    return [
        f"{rule} on {network}" if len(trained[rule]) > 1 else rule
        for rule, network in zip(rules, networks, strict=True)
    ]


def _images(recording: ImageRecording | None) -> tuple[np.ndarray, list[str]]:
    """The recording's images, or a few test digits where there is none."""
    if recording is not None:
        return recording.images, list(recording.labels)
    from spikelearn.stimuli import mnist

    data = mnist.load()
    labels = [f"{i:02d} digit {label}" for i, label in enumerate(data.test_labels[:N_DIGITS], 1)]
    return data.test_images[:N_DIGITS], labels


def _simulator(run: TrainedRun | STDPRun, compared: Sequence[str]) -> str:
    """That of its training, or the first of those that are compared."""
    if isinstance(run, STDPRun):
        return str(run.config["backend"])
    return compared[0] if compared else "auto"


def _keep(
    at_work: NetworksAtWork, run: TrainedRun | STDPRun, activity: Activity, name: str
) -> None:
    """Spikes and raster of a network, and its receptive fields where STDP made them."""
    rule = str(run.config["rule"])
    engine = str(activity.provenance["backend"])
    plain = re.sub(r"[^\w.]+", "_", name)  # as a file may be called anywhere
    at_work.activities[f"{plain}_{engine}"] = activity
    population = next(iter(activity.populations))
    if isinstance(run, STDPRun):
        projection = plastic_projection(SpikingNetwork(**run.config["network"]))
        population = projection.target
        if at_work.fields is None:
            weights = weight_matrix(run.network, projection.name)
            side = round(np.sqrt(len(weights)))
            if side * side == len(weights):
                at_work.fields = weights.T[:N_FIELDS].reshape(-1, side, side)
    caption = (
        f"Answer of the {population} population to the image “{activity.labels[RASTER_IMAGE]}”,"
        f" simulated on {simulator_name(engine)}."
    )
    at_work.rasters.append(
        raster_of(
            f"Trained by {label(rule)}{name.removeprefix(rule)}", activity, population,
            RASTER_IMAGE, caption,
        )
    )  # fmt: skip


def raster_of(
    title: str,
    activity: Activity,
    population: str,
    trial: int,
    caption: str,
    window_ms: tuple[float, float] | None = None,
) -> Raster:
    """The spikes of one trial as a raster.

    Parameters
    ----------
    title, caption : str
    activity : Activity
    population : str
    trial : int
    window_ms : (float, float), optional
        Beginning and end of what is drawn; the whole trial, if left out.
    """
    spikes = activity[population]
    start, stop = window_ms or (0.0, activity.duration_ms)
    inside = (spikes.times_ms >= just_before(start)) & (spikes.times_ms < just_before(stop))
    chosen = inside & (spikes.trials == trial)
    return Raster(
        title=title,
        population=population,
        times_ms=spikes.times_ms[chosen] - start,
        senders=spikes.senders[chosen],
        size=spikes.size,
        duration_ms=stop - start,
        caption=caption,
    )


def save_activities(activities: Mapping[str, Activity], folder: Path, say: Progress) -> list[Path]:
    """Write each activity as .nwb and .nix.

    Parameters
    ----------
    activities : mapping of str to Activity
        By the files' names.
    folder : Path
    say : callable
        Called with the fraction done and a few words.
    """
    paths = []
    for index, (name, activity) in enumerate(activities.items()):
        say(index / len(activities), f"{name}.nwb, {name}.nix")
        paths += [activity.save(folder / f"{name}{suffix}") for suffix in (".nwb", ".nix")]
    say(1.0, "")
    return paths
