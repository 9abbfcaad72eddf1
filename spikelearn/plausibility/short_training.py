"""Short training runs on 8 x 8 digits, for criteria that ask what learning withstands.

A network of 64-48-32-10 units (or its recurrent or spiking like), batches of 25, Adam: what is
compared is a rule with itself under a handicap, not rules with one another. How many images, how
often and at which rate is the rule's course (`course.py`). Seeds, order and noise are common.

The loop is that of every training run, `training.epoch`. What differs is the step, in which the
handicap acts, and that one order of images goes on from epoch to epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import RateNetwork
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules.rule import Rule
from spikelearn.training.images import Split
from spikelearn.training.measures import accuracy_of, added_updates
from spikelearn.training.optimization import train_epoch

N_TRAIN, N_TEST, BATCH, EPOCHS, RATE = 1000, 360, 25, 3, 5e-3
# Decay of the weights, a share of the rate, in runs that ask whether feedback finds its way back.
DECAY = 3.0
Weights = list[torch.Tensor]


@dataclass(frozen=True)
class Handicap:
    """What learning has to withstand; each hook is also given a generator of noise.

    Attributes
    ----------
    before : callable, optional
        Called with the weights before each update; what it returns is called before the weights
        move (to take a passing change away).
    hold : callable, optional
        Takes the weights' updates before each step to those that are applied instead.
    after : callable, optional
        Called with the weights after each step.
    """

    before: Callable[[Weights, torch.Generator], Callable[[], None]] | None = None
    hold: Callable[[list[torch.Tensor], torch.Generator], list[torch.Tensor]] | None = None
    after: Callable[[Weights, torch.Generator], None] | None = None


@dataclass
class Run:
    """A finished training run.

    Attributes
    ----------
    rule : Rule
        Trained.
    right : bool tensor of shape (images,)
        Which test images were named right.
    validation : float
        Accuracy on other images, by which the course of training is chosen.
    flips_per_1000 : float
        How often a synapse changes sign in 1,000 steps.
    mixed : float
        As `mixed_share` has it.
    """

    rule: Rule
    right: torch.Tensor
    validation: float
    flips_per_1000: float
    mixed: float

    @property
    def accuracy(self) -> float:
        """On the test images."""
        return float(self.right.double().mean())


@cache
def digits() -> tuple[Split, Split]:
    """Training and test images in [0, 1] with their labels."""
    training, _, test = _parts()
    return training, test


@cache
def _parts() -> tuple[Split, Split, Split]:
    """Images for training, those that are left for validation, and those for the test."""
    from spikelearn.stimuli import digits as source

    data = source.load()
    order = torch.randperm(len(data.train_labels), generator=torch.Generator().manual_seed(0))
    x = torch.from_numpy(data.train_images).flatten(1).float()[order] / 255
    y = torch.from_numpy(data.train_labels).long()[order]
    test = torch.from_numpy(data.test_images).flatten(1).float() / 255
    labels = torch.from_numpy(data.test_labels).long()
    parts = Split(x[:N_TRAIN], y[:N_TRAIN]), Split(x[N_TRAIN:], y[N_TRAIN:])
    return *parts, Split(test[:N_TEST], labels[:N_TEST])


def model_like(update: RepeatedUpdate) -> Any:
    """A network for the digits, of the kind that the rule trains."""
    kind = update.networks[0]
    if kind == "cnn" and "mlp" in update.networks:
        kind = "mlp"
    if kind == "mlp":
        from spikelearn.networks.mlp import MLP

        return MLP(name="audit", sizes=(64, 48, 32, 10))
    if kind == "cnn":
        return cnn()
    if kind == "residual_mlp":
        from spikelearn.networks.residual_mlp import ResidualMLP

        return ResidualMLP(name="audit", n_inputs=64, width=32, depth=3, activation="relu")
    if kind in ("elman", "gru"):
        from spikelearn.networks.recurrent import Recurrent

        sizes = {"n_steps": 8, "row": 8, "hidden": 48, "n_classes": 10}
        return Recurrent.model_validate({"kind": kind, "name": "audit", "leak": 0.5, **sizes})
    return _spiking_model(kind, update)


def _spiking_model(kind: str, update: RepeatedUpdate) -> Any:
    if kind == "latency_mlp":
        from spikelearn.networks.latency_mlp import LatencyMLP

        return LatencyMLP(
            name="audit", sizes=(64, 120, 10), max_spikes=1, dt_ms=1.0, weight_sd=(8.0, 4.0),
            readout=update.model.readout,
        )  # fmt: skip
    if kind == "spiking_cnn":
        from spikelearn.networks.spiking_cnn import SpikingCNN

        fields: dict[str, Any] = {
            "name": "audit", "input_shape": (1, 8, 8), "channels": (10, 20), "pool": ("max 2", 1),
        }  # fmt: skip
        return SpikingCNN(**fields | update.asks)
    from spikelearn.networks.spiking_mlp import SpikingMLP

    return SpikingMLP(
        name="audit", sizes=(64, 48, 32, 10), max_rate_hz=1000.0, duration_ms=10.0,
        readout="potential",
    )  # fmt: skip


def cnn() -> Any:
    """A small convolutional network for the digits."""
    from spikelearn.networks.cnn import CNN

    return CNN(name="audit", input_shape=(1, 8, 8), channels=(10, 20), pool=(2, 2), n_classes=10)


class _Step:
    """Moves the weights under a handicap, and counts how often they change sign."""

    def __init__(
        self, rule: Rule, weights: Weights, optimizer: torch.optim.Optimizer, handicap: Handicap,
        noise: torch.Generator,
    ) -> None:  # fmt: skip
        self.rule, self.weights, self.optimizer = rule, weights, optimizer
        self.handicap, self.noise = handicap, noise
        self.undo: Callable[[], None] | None = None
        self.flips, self.n_steps = 0.0, 0

    def before_update(self, done: int) -> None:
        """Let the handicap change the weights before an update is made."""
        if self.handicap.before is not None:
            with torch.no_grad():
                self.undo = self.handicap.before([w.detach() for w in self.weights], self.noise)

    def __call__(self) -> None:
        """Apply the updates that are in `.grad`."""
        if self.undo is not None:
            self.undo()
        if self.handicap.hold is not None:
            known = [w for w in self.weights if w.grad is not None]
            held = self.handicap.hold([w.grad for w in known], self.noise)  # type: ignore[misc]
            for weight, gradient in zip(known, held, strict=True):
                weight.grad = gradient
        signs = [w.detach().sign() for w in self.weights]
        self.optimizer.step()
        for parameter in self.rule.parameters():
            parameter.grad = None
        with torch.no_grad():
            if self.handicap.after is not None:
                self.handicap.after([w.detach() for w in self.weights], self.noise)
            pairs = zip(self.weights, signs, strict=True)
            flipped = [(w.sign() != s).double().mean() for w, s in pairs]
            self.flips += float(torch.stack(flipped).mean())
        self.n_steps += 1


def train(
    update: RepeatedUpdate,
    handicap: Handicap | None = None,
    batch: int = BATCH,
    n_images: int = N_TRAIN,
    epochs: int = EPOCHS,
    decay: float = 0.0,
    network: Any = None,
    rule: Rule | None = None,
    model: Any = None,
    rate: float = RATE,
) -> Run:
    """Train and test.

    Parameters
    ----------
    update : RepeatedUpdate
        Of the rule; says how it is made and from which seed.
    handicap : Handicap, optional
    batch, n_images, epochs : int
        Images of an update, images in all, and how often all are shown.
    decay : float
        Of the weights, a share of the rate.
    network : Module, optional
        To train; one made by the model, if absent.
    rule : Rule, optional
        To go on with, already prepared on its network.
    model : description, optional
        Of the network; one for the digits, of the kind that the rule trains, if absent.
    rate : float
        Of Adam, for updates of as many images as usual.
    """
    training, validation, test = _parts()
    seed = update.seed
    if rule is None:
        network = (model or model_like(update)).build(seed) if network is None else network
        rule = update.make()
        rule.prepare(network, torch_generator(seed, "rule"))
    parameters = [p for p in rule.parameters() if p.requires_grad]
    rate *= min(1.0, (batch / BATCH) ** 0.5)  # Adam's steps shrink with the noise
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    weights: Weights = list(update.weights(rule.network).values())
    noise = torch_generator(seed, "audit handicap")
    step = _Step(rule, weights, optimizer, handicap or Handicap(), noise)
    order = torch_generator(seed, "audit order")
    for epoch in range(1, epochs + 1):
        batches = torch.randperm(n_images, generator=order).split(batch)
        train_epoch(rule, training, batches, step, epoch, epochs, step.before_update)
    return Run(
        rule,
        rule.predict(test.x).argmax(1) == test.y,
        accuracy_of(rule.predict(validation.x).argmax(1), validation.y),
        1000 * step.flips / max(step.n_steps, 1),
        mixed_share(weights),
    )


def mixed_share(weights: Weights) -> float:
    """Share of the hidden units, and inputs, that excite some of their targets and inhibit others.

    Weights of less than a thousandth of their matrix's largest count as none.
    """
    shares = []
    for weight in weights:
        w = weight.detach().flatten(2).sum(2) if weight.ndim > 2 else weight.detach()
        least = 1e-3 * w.abs().max()
        mixed = (w > least).any(0) & (w < -least).any(0)
        shares.append(mixed.double().mean())
    return float(torch.stack(shares).mean())


def gradient_cosine(rule: Rule, update: RepeatedUpdate) -> float:
    """Cosine of the hidden layers' update with the gradient of backpropagation, on one batch.

    Summed over 8 draws of the rule's noise, if it has any.
    """
    training, _ = digits()
    batch = Split(training.x[:200], training.y[:200])
    weights = list(update.weights(rule.network).values())[:-1]
    state = rule.generator.get_state()
    totals = added_updates(rule, batch, weights, 1 if update.events else 8)
    rule.generator.set_state(state)
    exact = _of_spike_times if update.events else _by_backpropagation
    one = torch.cat([t.flatten() for t in totals])
    two = torch.cat([g.flatten() for g in exact(rule.network, batch, weights)])
    return float(torch.nn.functional.cosine_similarity(one, two, dim=0))


def _by_backpropagation(
    network: Any, batch: Split, weights: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """The gradient of the cross-entropy by the hidden layers' weights."""
    spikes = not isinstance(network, RateNetwork)
    given = network.encode(batch.x, torch_generator(0, "audit")) if spikes else batch.x
    scores = network(given)
    loss = torch.nn.functional.cross_entropy(scores[-1] if spikes else scores, batch.y)
    return list(torch.autograd.grad(loss, weights))


def _of_spike_times(
    network: Any, batch: Split, weights: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """The exact gradient by the hidden layers' weights, through spike times."""
    from spikelearn.rules.eventprop import EventProp

    exact = EventProp(bump=0.0)
    exact.prepare(network, torch_generator(0, "audit"))
    gradients: list[torch.Tensor] = []

    def keep() -> None:
        gradients.extend(w.grad.clone() for w in weights)  # type: ignore[union-attr]
        for weight in network.weights:
            weight.grad = None

    exact.update(batch.x, batch.y, keep)
    return gradients
