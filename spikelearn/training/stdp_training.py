"""Unsupervised training of a competitive spiking layer by STDP, after Diehl & Cook 2015.

The layer is shown images one after another; its plastic weights and its adaptive thresholds carry
over from one to the next (doi:10.3389/fncom.2015.00099). Then it is frozen. Each neuron takes the
label of the class of training images to which it answers most, and an image is given the label
whose neurons answer it most, on average. Test images take no part in the labelling.

The control `homeostasis` does the same with the weights held: thresholds adapt, nothing else.
Potentials and spike traces start afresh with every chunk of images, which is one simulation. What
carries over is kept in a checkpoint from time to time; a run that ends at any moment goes on from
there, to the very same weights.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn import _store as store
from spikelearn._arguments import check_numbers
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, TrainingWarning
from spikelearn._progress import check_progress
from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import containing_bins, in_steps
from spikelearn.networks.spiking import AdaptiveLIF, Projection, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.datasets import is_own
from spikelearn.stimuli.encoders import RateEncoder
from spikelearn.stimuli.images import ImageDataset, network_input
from spikelearn.stimuli.stimulus import Stimulus
from spikelearn.training.checked_runs import (
    EPOCHS,
    LAYERS,
    as_described,
    check_tensors,
    described_network,
    read_decided,
    read_tables,
)
from spikelearn.training.config import STDPConfig, run_name
from spikelearn.training.expected_costs import warn_of_time
from spikelearn.training.images import images_of_run
from spikelearn.training.learning_curve import LearningCurve
from spikelearn.training.memory import check_memory
from spikelearn.training.own_images import shown_size
from spikelearn.training.seen_before import seen_before
from spikelearn.training.stdp_checkpoint import (
    Checkpoints,
    State,
    beginning,
    stored_tensors,
)
from spikelearn.training.stdp_evaluation import (
    MOST_REPEATS,
    Progress,
    evaluate,
    rates_warning,
)
from spikelearn.training.stdp_layer import (
    carried,
    check_sums,
    displacement,
    freeze,
    initial_weights,
    learned_weights,
    normalised,
    pair_names,
    pairs_of,
    plastic_projection,
    slowed,
    theta_after,
    with_pairs,
    with_synapses,
)
from spikelearn.training.stdp_progress import judge, progress_words
from spikelearn.training.stored_runs import Place, StoredRun

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class STDPRun(StoredRun):
    """A complete run.

    Attributes
    ----------
    config : mapping
        What was run, with the model written out.
    network : SpikingNetwork
        The frozen network: learned weights, thresholds where they had risen to, no plasticity.
    initial : SpikingNetwork
        The network before training, frozen.
    labels : int array of shape (n_neurons,)
        Class of each neuron; -1 where it answered no labelling image.
    epochs : DataFrame
        One row per chunk, numbered as `epoch`: `images` so far, `spikes_per_image`,
        `weight_displacement`, `training_accuracy` (of the chunk, by labels from the images before).
    layers : DataFrame
        `layer`, `weight_displacement`, `dead_units`, `gradient_cosine` (NaN).
    summary : mapping
        As of `TrainedRun`, and `silent_images`: fraction of test images no neuron answers.
    folder : Path or None
        Where it is stored.
    origin : str
        As of `TrainedRun`.
    """

    config: dict[str, Any]
    network: SpikingNetwork
    initial: SpikingNetwork
    labels: np.ndarray
    epochs: pd.DataFrame
    layers: pd.DataFrame
    summary: dict[str, Any]
    folder: Path | None = field(default=None, compare=False)
    origin: str = field(default="trained now", compare=False)


def train_stdp(
    config: STDPConfig,
    runs: str | Path | None = None,
    progress: Progress | None = None,
    checkpoint_every_s: float = 60.0,
    again: bool = False,
    tensorboard: str | Path | None = None,
) -> STDPRun:
    """Train by STDP, label, and test; or read the run, where `runs` holds it already.

    Parameters
    ----------
    config, runs, progress, again, tensorboard
        Those of `spikelearn.training.loop.train`.
    checkpoint_every_s : float
        What a run that is killed loses at most.

    Raises
    ------
    SpikelearnError
        Where the network has not exactly one plastic projection from one spike source, or does
        not fit the images.

    Examples
    --------
    >>> import spikelearn as sl
    >>> config = sl.STDPConfig(
    ...     model="competitive_stdp", rule="stdp", n_train=20, n_label=50, n_test=50
    ... )
    >>> run = sl.train_stdp(config, runs="runs")
    >>> sorted(path.name for path in run.folder.glob("*.safetensors"))
    ['weights.safetensors']
    """
    say = progress or (lambda fraction, words: None)
    complete = _checked(config, progress, checkpoint_every_s).complete()
    place = Place.of(complete, runs)
    curve = LearningCurve(place, tensorboard, run_name(complete))
    if place is not None and (run := place.read(open_stdp_run, again, progress)) is not None:
        curve.log_complete(run.summary)
        return run
    network, layer = _network(config)
    data = images_of_run(config, complete)
    _check_sizes(network, layer, data, config)
    initial = initial_weights(network, layer, config.seed)
    n_neurons = network.populations[layer.target].size
    offset = network.populations[layer.target].threshold_offset_mv  # type: ignore[union-attr]
    offset = np.broadcast_to(offset, n_neurons)
    state = beginning(initial, offset, place.checkpoint if place else None)
    curve.resumed(state.records)
    n_inputs = network.populations[layer.source].size
    images = network_input(data.train_images, *shown_size(data.train_images, n_inputs))
    chunks = _chunks(config, len(images))
    told = _told(check_sums(network, layer), data, chunks, config, len(state.records))
    checkpoints = Checkpoints(place.checkpoint if place else None, checkpoint_every_s, state)
    with curve.followed():
        try:
            for index in range(len(state.records), len(chunks)):
                # Whole or not at all, whenever it is interrupted.
                after = replace(state, records=[*state.records])
                _learn(network, layer, images[chunks[index]], index, config, after, initial, say)
                judge(after, data.train_labels[chunks[index]], len(data.classes))
                state = after
                curve.put(state.records)
                say(0.9 * (index + 1) / len(chunks), progress_words(state, config, len(images)))
                checkpoints.put(state)
            frozen = freeze(network, layer, state.weights, state.theta)
            order = generator(config.seed, "split").permutation(len(images))
            labels, summary, dead = evaluate(
                frozen, layer, data, order, config, say, state.evaluated, checkpoints.put_evaluated
            )
            flags = filter(None, [*told, summary["flag"], rates_warning(state.records)])
            summary |= {"best_epoch": len(chunks), "flag": " ".join(flags)}
            epochs, layers = _tables(state, layer, dead)
            before = freeze(network, layer, initial, offset)
            curve.finish(summary)
            say(1.0, "trained")
            if place is None:
                return STDPRun(complete, frozen, before, labels, epochs, layers, summary)
            arrays = {"initial_weights": initial, "labels": labels, **pairs_of(layer)}
            tables = {"epochs": epochs, "layers": layers}
            _store(place, state, arrays, tables, summary, curve.text())
            place.clear()
            return STDPRun(
                complete, frozen, before, labels, epochs, layers, summary, place.folder,
                place.trained_now(),
            )  # fmt: skip
        except KeyboardInterrupt as error:
            if sentence := _kept(place, checkpoints, len(chunks)):
                error.add_note(sentence)
            raise


def _checked(config: Any, progress: Any, checkpoint_every_s: Any) -> STDPConfig:
    check_progress(progress)
    check_numbers(checkpoint_every_s=checkpoint_every_s)
    if isinstance(config, STDPConfig):
        return config
    raise SpikelearnError(f"an STDPConfig is needed, found {type(config).__name__}; see sl.train")


def _kept(place: Place | None, checkpoints: Checkpoints, n_chunks: int) -> str:
    """Keep the state of a run that is interrupted, if it is not kept yet; what is then said."""
    if place is None:
        return ""
    if not store.is_complete(place.folder):
        checkpoints.write()
    return place.kept(_part(len(checkpoints.state.records), n_chunks))


def _part(done: int, of: int) -> str:
    """What a checkpoint holds, in words; nothing where that is the beginning."""
    return f"Training by {done} of {of} parts of the images" if done else ""


def _network(config: STDPConfig) -> tuple[SpikingNetwork, Projection]:
    """The network that is trained, which the memory holds, and its layer that learns."""
    check_memory(config)
    network = config.description()
    return with_synapses(network, plastic_projection(network), config.seed)


def _check_sizes(
    network: SpikingNetwork, layer: Projection, data: ImageDataset, config: STDPConfig
) -> None:
    """Refuse a network or numbers of images that do not fit the data, and times off the grid."""
    for name in ("present_ms", "rest_ms"):
        in_steps(getattr(config, name), config.dt_ms, name)
    size = network.populations[layer.source].size
    height, width = shown_size(data.train_images, size)
    if size != height * width or (data.n_pixels != size and not is_own(config.dataset)):
        raise SpikelearnError(
            f"network '{network.name}' has {size} inputs; the images of {data.name} have"
            f" {counted(data.n_pixels, 'pixel')}"
        )
    for name, wanted, available in (
        ("n_train", config.n_train or 0, len(data.train_images)),
        ("n_label", config.n_label, len(data.train_images)),
        ("n_test", config.n_test, len(data.test_images)),
    ):
        if wanted > available:
            raise SpikelearnError(
                f"{name} is {wanted}, but {data.name} ({data.source}) has {available} such images"
            )


def _chunks(config: STDPConfig, n_images: int) -> list[np.ndarray]:
    """Training images of each chunk; every epoch has an order of its own."""
    chunks = []
    for epoch in range(config.epochs):
        stream = ("split",) if epoch == 0 else ("order", epoch)
        order = generator(config.seed, *stream).permutation(n_images)[: config.n_train]
        chunks += [order[i : i + config.chunk] for i in range(0, len(order), config.chunk)]
    return chunks


def _told(
    too_few: str, data: ImageDataset, chunks: list[np.ndarray], config: STDPConfig, done: int
) -> list[str]:
    """Warn of neurons that cannot learn, and of test images that were seen; for the flag, too.

    And of the time that the training will take, of which so many chunks are done.
    """
    warn_of_time(config, 1.0 - done / len(chunks))
    order = generator(config.seed, "split").permutation(len(data.train_images))
    used = np.unique(np.concatenate([*chunks, order[: config.n_label]]))
    seen = seen_before(data.train_images[used], None, data.test_images[: config.n_test])
    sentences = [too_few, *seen] if too_few else seen
    for sentence in sentences:
        warnings.warn(sentence, TrainingWarning, stacklevel=3)
    return [f"{sentence}." for sentence in sentences]


def open_stdp_run(folder: str | Path) -> STDPRun:
    """Read a complete run from its folder.

    Raises
    ------
    SpikelearnError
        If there is none.
    """
    folder = Path(folder)
    complete = read_decided(folder)
    network = described_network(complete["network"], folder / store.CONFIG)
    if not isinstance(network, SpikingNetwork):
        raise SpikelearnError(f"{folder} was not trained by STDP; open it with open_trained_run")
    with as_described(folder):
        layer = plastic_projection(network)
    stored = store.read_weights(folder)
    check_tensors(stored, stored_tensors(network, layer, stored), "the stored weights")
    tensors = {name: tensor.numpy() for name, tensor in stored.items()}
    if pair_names(layer):
        pre, post = (tensors[name] for name in pair_names(layer))
        with as_described(folder):
            network, layer = with_pairs(network, layer, pre, post, tensors["initial_weights"])
    tables = read_tables(folder)
    offset = np.broadcast_to(
        network.populations[layer.target].threshold_offset_mv,  # type: ignore[union-attr]
        tensors["threshold_rise_mv"].shape,
    )
    return STDPRun(
        complete,
        freeze(network, layer, tensors["weights"], tensors["threshold_rise_mv"]),
        freeze(network, layer, tensors["initial_weights"], offset),
        tensors["labels"],
        tables[EPOCHS],
        tables[LAYERS],
        store.read_summary(folder),
        folder,
        store.origin(folder, "trained"),
    )


def _learn(
    network: SpikingNetwork,
    layer: Projection,
    images: np.ndarray,
    index: int,
    config: STDPConfig,
    state: State,
    initial: np.ndarray,
    say: Progress,
) -> None:
    """Show a chunk of images one after another, and again what was not answered."""
    done = state.records[-1]["images"] if state.records else 0
    if config.homeostasis_slows:
        network = slowed(network, layer, done * (config.present_ms + config.rest_ms))
        layer = plastic_projection(network)
    streams: tuple[str | int, ...] = ("training spikes", index)
    answers = _show(network, layer, images, streams, config.max_rate_hz, config, state)
    again = np.flatnonzero(answers.sum(1) < config.min_spikes)
    for attempt in range(1, MOST_REPEATS + 1):
        rate = config.max_rate_hz + attempt * config.raise_hz
        if not again.size:
            break
        streams = ("training spikes", index, attempt)
        answers[again] = _show(network, layer, images[again], streams, rate, config, state)
        again = again[answers[again].sum(1) < config.min_spikes]
    state.answers = np.concatenate([state.answers, answers])
    state.records.append(
        {
            "epoch": index + 1,
            "images": done + len(images),
            "spikes_per_image": float(answers.sum() / len(images)),
            "weight_displacement": displacement(initial, state.weights),
        }
    )


def _show(
    network: SpikingNetwork,
    layer: Projection,
    images: np.ndarray,
    streams: tuple[str | int, ...],
    max_rate_hz: float,
    config: STDPConfig,
    state: State,
) -> np.ndarray:
    """Show images one after another; change `state`; spike counts of shape (images, neurons)."""
    period = config.present_ms + config.rest_ms
    spikes = RateEncoder(max_rate_hz=max_rate_hz).encode(
        images, config.present_ms, config.dt_ms, generator(config.seed, *streams)
    )
    one_trial = PopulationSpikes.from_unsorted(
        spikes.size, spikes.times_ms + spikes.trials * period, spikes.senders
    )
    activity = simulate(
        carried(network, layer, state.weights, state.theta, learns=config.rule == "stdp"),
        Stimulus(spikes={layer.source: one_trial}),
        len(images) * period,
        config.dt_ms,
        config.backend,
        seed=config.seed,
    )
    emitted = activity[layer.target]
    neurons = network.populations[layer.target]
    assert isinstance(neurons, AdaptiveLIF)  # noqa: S101 - for the type checker
    state.theta = theta_after(neurons, state.theta, emitted, activity.duration_ms, config.dt_ms)
    if layer.name in activity.weights:
        # The simulation scales before each image; this is the scaling after the last one.
        state.weights = normalised(learned_weights(activity.weights[layer.name]), layer)
    of_image = containing_bins(emitted.times_ms, period)
    counts = np.zeros((len(images), emitted.size), dtype=np.int64)
    np.add.at(counts, (of_image, emitted.senders), 1)
    return counts


def _tables(state: State, layer: Projection, dead: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    epochs = pd.DataFrame(state.records).astype({"epoch": int, "images": int})
    row = {
        "layer": layer.target,
        "weight_displacement": state.records[-1]["weight_displacement"],
        "dead_units": dead,
        "gradient_cosine": float("nan"),
    }
    return epochs, pd.DataFrame([row])


def _store(
    place: Place,
    state: State,
    others: dict[str, np.ndarray],
    tables: dict[str, pd.DataFrame],
    summary: dict[str, Any],
    curve: str,
) -> None:
    import torch

    arrays = {"weights": state.weights, "threshold_rise_mv": state.theta, **others}
    tensors = {name: torch.from_numpy(np.array(a)) for name, a in arrays.items()}
    store.save_run(place.folder, place.complete, tensors, tables, summary, place.key, curve=curve)
