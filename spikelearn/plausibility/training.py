"""Short training runs on 8 x 8 digits, for criteria that ask what learning withstands.

A network of 64-48-32-10 units (or its recurrent or spiking like), 1,000 images, batches of 25,
three epochs, Adam at one rate for every rule: what is compared is a rule with itself under a
handicap, not rules with one another. Seeds, order and noise are common.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.bench import Bench
from spikelearn.rules.rule import Rule

N_TRAIN, N_TEST, BATCH, EPOCHS, RATE = 1000, 360, 25, 3, 5e-3
# Decay of the weights, a share of the rate, in runs that ask whether feedback finds its way back.
DECAY = 3.0
Weights = list[torch.Tensor]


@dataclass
class Run:
    """A finished training run."""

    rule: Rule
    accuracy: float
    flips_per_1000: float
    mixed: float


@cache
def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training and test images in [0, 1] with their labels."""
    from spikelearn.stimuli import digits as source

    data = source.load()
    order = torch.randperm(len(data.train_labels), generator=torch.Generator().manual_seed(0))
    x = torch.from_numpy(data.train_images).flatten(1).float()[order] / 255
    y = torch.from_numpy(data.train_labels).long()[order]
    test = torch.from_numpy(data.test_images).flatten(1).float() / 255
    return (
        x[:N_TRAIN],
        y[:N_TRAIN],
        test[:N_TEST],
        torch.from_numpy(data.test_labels).long()[:N_TEST],
    )


def model_like(bench: Bench) -> Any:
    """A network for the digits, of the kind that the rule trains."""
    kind = bench.networks[0]
    if kind == "cnn" and "mlp" in bench.networks:
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
    if kind == "latency_mlp":
        from spikelearn.networks.latency_mlp import LatencyMLP

        return LatencyMLP(
            name="audit", sizes=(64, 120, 10), max_spikes=1, dt_ms=1.0, weight_sd=(8.0, 4.0),
            readout=bench.model.readout,
        )  # fmt: skip
    from spikelearn.networks.spiking_mlp import SpikingMLP

    return SpikingMLP(
        name="audit", sizes=(64, 48, 32, 10), max_rate_hz=1000.0, duration_ms=10.0,
        readout="potential",
    )  # fmt: skip


def cnn() -> Any:
    """A small convolutional network for the digits."""
    from spikelearn.networks.cnn import CNN

    return CNN(name="audit", input_shape=(1, 8, 8), channels=(10, 20), pool=(2, 2), n_classes=10)


def train(
    bench: Bench,
    batch: int = BATCH,
    n_images: int = N_TRAIN,
    epochs: int = EPOCHS,
    before: Callable[[Weights, torch.Generator], Callable[[], None] | None] | None = None,
    after: Callable[[Weights, torch.Generator], None] | None = None,
    hold: Callable[[list[torch.Tensor], torch.Generator], list[torch.Tensor]] | None = None,
    decay: float = 0.0,
    network: Any = None,
    rule: Rule | None = None,
    model: Any = None,
) -> Run:
    """Train and test.

    Parameters
    ----------
    before : callable, optional
        Called with the weights before each update; what it returns is called before the weights
        move (to take a passing change away).
    after : callable, optional
        Called with the weights after each step.
    hold : callable, optional
        Takes the weights' updates before each step to those that are applied instead.
    network, rule
        To go on with a trained rule.
    """
    x, y, test_x, test_y = digits()
    seed = bench.seed
    if rule is None:
        network = (model or model_like(bench)).build(seed) if network is None else network
        rule = bench.make()
        rule.prepare(network, torch_generator(seed, "rule"))
    rule.network.train()
    parameters = [p for p in rule.parameters() if p.requires_grad]
    rate = RATE * min(1.0, (batch / BATCH) ** 0.5)  # Adam's steps shrink with the noise
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    weights: list[torch.Tensor] = list(bench.weights(rule.network).values())
    noise = torch_generator(seed, "audit handicap")
    flips, n_steps, undo = 0.0, 0, None

    def step() -> None:
        nonlocal flips, n_steps
        if undo is not None:
            undo()
        if hold is not None:
            known = [w for w in weights if w.grad is not None]
            held = hold([w.grad for w in known], noise)  # type: ignore[misc]
            for weight, gradient in zip(known, held, strict=True):
                weight.grad = gradient
        signs = [w.detach().sign() for w in weights]
        optimizer.step()
        for parameter in rule.parameters():
            parameter.grad = None
        with torch.no_grad():
            if after is not None:
                after([w.detach() for w in weights], noise)
            moved = [(w.sign() != s).double().mean() for w, s in zip(weights, signs, strict=True)]
            flips += float(torch.stack(moved).mean())
        n_steps += 1

    order = torch_generator(seed, "audit order")
    for epoch in range(1, epochs + 1):
        rule.begin_epoch(epoch, epochs)
        for chosen in torch.randperm(n_images, generator=order).split(batch):
            with torch.no_grad():
                undo = None if before is None else before([w.detach() for w in weights], noise)
            rule.update(x[chosen], y[chosen], step)
    scores = rule.predict(test_x)
    return Run(
        rule,
        float((scores.argmax(1) == test_y).double().mean()),
        1000 * flips / max(n_steps, 1),
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


def gradient_cosine(rule: Rule, bench: Bench) -> float:
    """Cosine of the hidden layers' update with the gradient of backpropagation, on one batch.

    Summed over 8 draws of the rule's noise, if it has any.
    """
    from torch.nn.functional import cross_entropy

    x, y, *_ = digits()
    x, y = x[:200], y[:200]
    weights = list(bench.weights(rule.network).values())[:-1]
    totals = [torch.zeros_like(w) for w in weights]

    def add_up() -> None:
        for total, weight in zip(totals, weights, strict=True):
            if weight.grad is not None:
                total.add_(weight.grad)
        for parameter in rule.parameters():
            parameter.grad = None

    state = rule.generator.get_state()
    for _ in range(1 if bench.events else 8):
        rule.update(x, y, add_up)
    rule.generator.set_state(state)
    if bench.events:
        one = torch.cat([t.flatten() for t in totals])
        two = torch.cat([g.flatten() for g in _of_spike_times(rule.network, x, y)])
        return float(torch.nn.functional.cosine_similarity(one, two, dim=0))
    spikes = bench.spikes
    given = rule.network.encode(x, torch_generator(0, "audit")) if spikes else x  # type: ignore[operator]
    scores = rule.network(given)
    loss = cross_entropy(scores[-1] if spikes else scores, y)
    gradients = torch.autograd.grad(loss, weights)
    one = torch.cat([t.flatten() for t in totals])
    two = torch.cat([g.flatten() for g in gradients])
    return float(torch.nn.functional.cosine_similarity(one, two, dim=0))


def _of_spike_times(network: Any, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """The exact gradient by the hidden layers' weights, through spike times."""
    from spikelearn.rules.eventprop import EventProp

    exact = EventProp(bump=0.0)
    exact.prepare(network, torch_generator(0, "audit"))
    found: list[torch.Tensor] = []

    def keep() -> None:
        found.extend(w.grad.clone() for w in list(network.weights)[:-1])
        for weight in network.weights:
            weight.grad = None

    exact.update(x, y, keep)
    return found
