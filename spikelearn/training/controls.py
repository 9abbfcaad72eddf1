"""Controls of an accuracy: what a readout reaches where nothing below it has learned.

- Linear readout of the input: of the pixels, of all steps of a sequence, of the number of spikes of
  each source. What a network must exceed for its hidden layers to have been worth their while.
- Random features: the last hidden layer of the very network, of its width and with its initial
  weights, as its readout receives it. What a rule must exceed to have taught the layers below
  anything that helps (Rahimi & Recht 2007).

Both are read by a linear softmax readout, trained on the same examples, its epoch chosen on the
same validation examples, tested on the same test examples. Layers that STDP trains are read as they
are otherwise: neurons take the label of the class that they answer most. A linear readout has there
the examples whose labels the neurons have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from spikelearn import _store as store
from spikelearn._code import folder_code
from spikelearn._keys import content_key
from spikelearn._progress import Progress
from spikelearn._seeding import generator, torch_generator
from spikelearn.networks.latency_mlp import LatencyNetwork
from spikelearn.rules import make_rule
from spikelearn.rules.convolutional_stdp import ConvolutionalSTDP
from spikelearn.rules.hebbian import Hebbian
from spikelearn.rules.rule import Rule
from spikelearn.stimuli.datasets import EVENT_DATASETS
from spikelearn.stimuli.events import load_events
from spikelearn.stimuli.images import network_input
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.images import Split, load_images, split, split_events
from spikelearn.training.measures import EVALUATION_BATCH, accuracy_of
from spikelearn.training.one_thread import one_thread
from spikelearn.training.own_images import shown_size

LINEAR_READOUT, RANDOM_FEATURES = "linear_readout", "random_features"

EPOCHS, LEAST_UPDATES, BATCH = 12, 1000, 100
LEARNING_RATE = 0.003
_PROBE = 32  # examples whose features tell which random features these are
# Of a run of STDP, how images are shown.
_SHOWN = ("present_ms", "dt_ms", "max_rate_hz", "min_spikes", "raise_hz")
_CODE = ("training/controls.py", "training/images.py", "training/stdp_evaluation.py")


class Controls(NamedTuple):
    """Accuracies on the test examples, fractions.

    `random_features` is None of a network that has no hidden layer.
    """

    linear_readout: float
    random_features: float | None


def controls_of(
    config: TrainConfig | STDPConfig,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Controls:
    """The controls of the accuracy that a training run reaches.

    Parameters
    ----------
    config : TrainConfig or STDPConfig
        Of the run: its examples, its network with its initial weights, its rule's activity.
    folder : path, optional
        Where controls are kept; runs that have one in common share it. Nothing is kept without it.
    progress : callable, optional
        Called with the fraction done and a few words.

    Examples
    --------
    >>> import spikelearn as sl
    >>> from spikelearn.training.controls import controls_of
    >>> config = sl.TrainConfig(model="mlp_64", rule="feedback_alignment", dataset="digits")
    >>> controls = controls_of(config)
    >>> 0.8 < controls.linear_readout < 1.0 and 0.8 < controls.random_features < 1.0
    True
    """
    say = progress or (lambda fraction, words: None)
    kept = None if folder is None else Path(folder)
    with one_thread():
        if isinstance(config, STDPConfig):
            return _of_stdp(config, kept, say)
        return _of_training(config, kept, say)


def _of_training(config: TrainConfig, folder: Path | None, say: Progress) -> Controls:
    if config.dataset in EVENT_DATASETS:
        parts = split_events(load_events(config.dataset), config)
    else:
        source = config.complete()["source"]
        parts = split(load_images(config, source), config)
    n_classes = int(max(part.y.max() for part in parts)) + 1
    read = [Split(_summed(part.x), part.y) for part in parts]
    linear = _Control(folder, LINEAR_READOUT, read, [p.x[:_PROBE] for p in read], config.seed)
    if linear.accuracy is None:
        say(0.0, "a linear readout of the input")
        linear.keep(read_linearly(*read, n_classes=n_classes, seed=config.seed))
    rule = make_rule(config.rule_place, **config.options)
    network = config.description().build(config.seed)  # type: ignore[union-attr]
    rule.prepare(network, torch_generator(config.seed, "rule", config.rule))
    probe = features(rule, parts[0].x[:_PROBE])
    if probe is None:
        return Controls(linear.told, None)
    random = _Control(folder, RANDOM_FEATURES, read, [probe], config.seed)
    if random.accuracy is None:
        say(0.3, "random features")
        hidden = []
        for part in parts:
            found = features(rule, part.x)
            assert found is not None  # noqa: S101 - as of the probe
            hidden.append(Split(found, part.y))
        random.keep(read_linearly(*hidden, n_classes=n_classes, seed=config.seed))
    return Controls(linear.told, random.told)


def _of_stdp(config: STDPConfig, folder: Path | None, say: Progress) -> Controls:
    from spikelearn.training.stdp_evaluation import evaluate
    from spikelearn.training.stdp_layer import (
        freeze,
        initial_weights,
        plastic_projection,
        with_synapses,
    )

    data = load_images(config, config.complete()["source"])
    order = generator(config.seed, "split").permutation(len(data.train_images))
    labelled = order[: config.n_label]
    network = config.description()
    layer = plastic_projection(network)
    size = shown_size(data.train_images, network.populations[layer.source].size)

    def examples(images: np.ndarray, labels: np.ndarray) -> Split:
        x = torch.from_numpy(network_input(images, *size).reshape(len(images), -1)).float()
        return Split(x, torch.from_numpy(labels.astype(np.int64)))

    known = examples(data.train_images[labelled], data.train_labels[labelled])
    test = examples(data.test_images[: config.n_test], data.test_labels[: config.n_test])
    held = max(1, len(labelled) // 10)
    read = [Split(known.x[:-held], known.y[:-held]), Split(known.x[-held:], known.y[-held:]), test]
    linear = _Control(folder, LINEAR_READOUT, read, [p.x[:_PROBE] for p in read], config.seed)
    if linear.accuracy is None:
        say(0.0, "a linear readout of the pixels")
        linear.keep(read_linearly(*read, n_classes=len(data.classes), seed=config.seed))
    network, layer = with_synapses(network, layer, config.seed)
    initial = initial_weights(network, layer, config.seed)
    neurons = network.populations[layer.target]
    offset = neurons.threshold_offset_mv  # type: ignore[union-attr]
    frozen = freeze(network, layer, initial, np.broadcast_to(offset, neurons.size))
    shown = {name: getattr(config, name) for name in _SHOWN}
    random = _Control(folder, RANDOM_FEATURES, read, [frozen, shown], config.seed)
    if random.accuracy is None:
        say(0.3, "the untrained layer")
        _, summary, _ = evaluate(frozen, layer, data, order, config, lambda done, words: None)
        random.keep(summary["test_accuracy"])
    return Controls(linear.told, random.told)


def _summed(x: torch.Tensor) -> torch.Tensor:
    """Inputs of shape (n, inputs): of spike trains, their numbers of spikes."""
    return x.sum(1).float() if x.dim() == 3 else x


@torch.no_grad()
def features(rule: Rule, x: torch.Tensor) -> torch.Tensor | None:
    """What the readout of a network receives from the last hidden layer, batch by batch.

    Of spike times that is the clock of each neuron's first spike, of other spikes their number;
    Hebbian rules scale the activity as they do for their own readout, and that of convolutional
    STDP receives what its potential holds of the spikes.

    Parameters
    ----------
    rule : Rule
        Prepared.
    x : tensor of shape (n, ...)
        As the network takes it.

    Returns
    -------
    tensor of shape (n, features) or None
        None of a network without a hidden layer.
    """
    rule.network.eval()
    rule.extra.eval()
    found = []
    for part in x.split(EVALUATION_BATCH):
        if isinstance(rule.network, LatencyNetwork):
            hidden = rule.network.first_spikes(part).arrive[1:]
        elif isinstance(rule, Hebbian):
            hidden = [rule.read(h) for h in rule.hidden_activity(part)[-1:]]
        elif isinstance(rule, ConvolutionalSTDP):
            hidden = [rule.features(part)]
        else:
            hidden = list(rule.activity(part).values())[:-1]
        if not hidden:
            return None
        found.append(hidden[-1].flatten(1).float())
    return torch.cat(found)


def read_linearly(
    training: Split, validation: Split, test: Split, *, n_classes: int, seed: int = 0
) -> float:
    """Accuracy on the test examples of a linear softmax readout.

    Its inputs are centred, and scaled by one number, which a linear readout could undo. Trained by
    Adam with a rate that falls to 0, for so many epochs that few examples are learned as well as
    many; the epoch is chosen on the validation examples.

    Parameters
    ----------
    training, validation, test : Split
        Inputs of shape (n, features), and labels.
    n_classes : int
    seed : int
        Of the order of the examples.
    """
    middle = training.x.mean(0)
    variances = training.x.var(0)
    varying = variances[variances > 0]  # pixels at the margin never do
    scale = varying.mean().sqrt() if len(varying) else torch.ones(())
    known, held, new = ((part.x - middle) / scale for part in (training, validation, test))
    readout = torch.nn.Linear(known.shape[1], n_classes)
    torch.nn.init.zeros_(readout.weight)
    torch.nn.init.zeros_(readout.bias)
    optimizer = torch.optim.Adam(readout.parameters(), lr=LEARNING_RATE, fused=True)
    per_epoch = -(-len(known) // BATCH)
    n_epochs = max(EPOCHS, -(-LEAST_UPDATES // per_epoch))
    done, best, reached = 0, -1.0, 0.0
    for epoch in range(n_epochs):
        order = torch.randperm(len(known), generator=torch_generator(seed, "readout", epoch))
        for batch in order.split(BATCH):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * (1.0 - done / (n_epochs * per_epoch))
            loss = torch.nn.functional.cross_entropy(readout(known[batch]), training.y[batch])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            done += 1
        with torch.no_grad():
            chosen = accuracy_of(readout(held).argmax(1), validation.y)
            if chosen >= best:  # of equal ones the latest, which has learned longest
                best = chosen
                reached = accuracy_of(readout(new).argmax(1), test.y)
    return reached


class _Control:
    """A control by all that decides it: examples, features, seed, code; found again if kept."""

    def __init__(
        self,
        folder: Path | None,
        kind: str,
        read: list[Split],
        features: list[Any],
        seed: int,
    ) -> None:
        self.decides = {
            "kind": f"control: {kind}",
            "examples": content_key([[part.x, part.y] for part in read]),
            "features": content_key(features),
            "seed": seed,
            "code": folder_code(*_CODE),
        }
        self.folder: Path | None = None
        self.accuracy: float | None = None
        if folder is not None:
            self.folder = folder / f"{kind}-{content_key(self.decides, n_digits=10)}"
            found = store.find_tables(self.folder, self.decides, ["control"])
            if found is not None:
                self.accuracy = float(found["control"]["test_accuracy"].iloc[0])

    def keep(self, accuracy: float) -> None:
        """Take an accuracy, and write it where controls are kept."""
        import pandas as pd

        self.accuracy = accuracy
        if self.folder is not None:
            table = pd.DataFrame({"test_accuracy": [accuracy]})
            store.save_tables(self.folder, self.decides, {"control": table})

    @property
    def told(self) -> float:
        """The accuracy, which is there."""
        assert self.accuracy is not None  # noqa: S101 - for the type checker
        return self.accuracy
