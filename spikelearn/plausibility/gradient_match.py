"""A rule's updates beside the exact gradient, where nobody looks on.

Whoever has the gradient of backpropagation in a hidden layer has what it takes to compute it. A
rule is prepared and makes a few updates with real steps between them, without an observer, on the
audit's small network in 64 bits (with a batch, and with one sample) and on the network of the
training runs in 32 bits; beside each, the gradient is computed on a copy of the network as it is
then. A parameter of a hidden layer matches where in every draw, of several seeds, its update

    points along the gradient (cosine above `EXACT`), or
    has the sign of the gradient in every element, though the weights above are of both signs,

of the same batch, or of one of the batches before. That the rule's random numbers are those of the
weights shows where it is no longer so on weights of another seed.

By chance the cosine of the errors of two units lies above `EXACT` with a probability of less than 1
in 200, and in all draws together with one of less than 1 in 1e6; of a layer of one unit every error
lies along every other, and it is not judged.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import RateNetwork
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate, Updates
from spikelearn.plausibility.short_training import BATCH, digits, model_like
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule

# What one forward difference with steps of a hundredth reaches; no estimate from noise does.
EXACT = 1 - 1e-4
# Steps of each parameter between updates, as a share of its size: so small that weights of some
# updates ago still give the gradient.
STEP = 0.001
N_UPDATES, N_SEEDS, LATEST = 6, 3, 2
# Units from which on the signs of all are no chance: less than 1 in 4,096 for three seeds, and as
# many updates of each.
LEAST_SIGNS = 4
# Seeds of weights that no rule's stream of random numbers has drawn.
FOREIGN = 7919
# The exact gradient, by kind of network.
GRADIENTS = {
    "mlp": "backprop", "cnn": "backprop", "residual_mlp": "backprop",
    "elman": "backprop_through_time", "gru": "backprop_through_time",
    "spiking_mlp": "surrogate", "spiking_cnn": "surrogate", "latency_mlp": "eventprop",
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """Where updates are laid beside the gradient."""

    name: str
    samples: int
    trained_size: bool = False


CONDITIONS = (
    Condition("on a small network in 64 bits", 4),
    Condition("on a small network in 64 bits, by one sample", 1),
    Condition("as in training, in 32 bits", BATCH, trained_size=True),
)


@dataclass(frozen=True)
class Match:
    """Updates that are the gradient.

    Attributes
    ----------
    parameters : tuple of str
        Of hidden layers.
    how : {"cosine", "sign"}
    least : float
        The least cosine, or the least share of equal signs, over draws and parameters.
    first : int
        The update from which on it was so; 1 is that of the first batch.
    late : int
        By how many batches the gradient is older than the update.
    where : str
        Name of the condition.
    draws : int
    always : bool
        Whether it is so, too, where the weights come from another seed than the rule's.
    """

    parameters: tuple[str, ...]
    how: str
    least: float
    first: int
    late: int
    where: str
    draws: int
    always: bool


def exact_gradient(kind: str, loss: str) -> Callable[[], Rule]:
    """Makes the rule that leaves the exact gradient of a loss in networks of a kind.

    Where the rule knows one loss, it is that.
    """
    name = GRADIENTS[kind]
    known = inspect.signature(type(make_rule(name))).parameters
    return lambda: make_rule(name, **({"loss": loss} if "loss" in known else {}))


def hidden_parameters(update: RepeatedUpdate, network: Any) -> list[str]:
    """Names of the network's parameters but those of its output layer."""
    last = list(update.weights(network).values())[-1]
    names = {id(p): n for n, p in network.named_parameters()}
    output = names[id(last)]
    if isinstance(network, RateNetwork):
        output = output.rpartition(".")[0] + "."
    return [n for n in names.values() if not n.startswith(output)]


class BesideGradient:
    """One rule under one condition and seed: its updates and the gradients, step by step.

    Parameters
    ----------
    update : RepeatedUpdate
        How the rule is made; on which network, for conditions that are not of the training runs.
    condition : Condition
    weights_seed : int, optional
        Of the network's weights; that of `update`, if absent.
    observer : OperationObserver, optional
        Looks on while the rule is prepared.

    Attributes
    ----------
    updates : list of dict
        Of the hidden parameters, by name.
    gradients : list of list of dict
        The same of the exact gradient, one for each loss.
    rule : Rule
    """

    def __init__(
        self,
        update: RepeatedUpdate,
        condition: Condition,
        weights_seed: int | None = None,
        observer: OperationObserver | None = None,
    ) -> None:
        self.update, self.condition = update, condition
        network = self._network(update.seed if weights_seed is None else weights_seed)
        rule = update.make()
        if observer is not None:
            observer.weights(update.weights(network), network=True)
        with observer or contextlib.nullcontext():
            rule.prepare(network, torch_generator(update.seed, "rule"))
        if not condition.trained_size:
            for tensor in (*rule.extra.parameters(), *rule.extra.buffers()):
                if tensor.is_floating_point():
                    tensor.data = tensor.data.double()
        rule.network.train()
        rule.begin_epoch(1, 2)
        self.rule = rule
        self.names = hidden_parameters(update, rule.network)
        self.updates: list[Updates] = []
        self.gradients: list[list[Updates]] = []

    def _network(self, seed: int) -> Any:
        update = self.update
        if self.condition.trained_size:
            return model_like(update).build(seed)
        network = update.model.build(seed).double()
        with torch.no_grad():
            generator = torch_generator(seed, "biases")
            for layer in list(network) if isinstance(network, RateNetwork) else []:
                drawn = torch.randn(layer.bias.shape, generator=generator, dtype=torch.float64)
                layer.bias.add_(drawn, alpha=0.1)
        return network

    def _batch(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        n = self.condition.samples
        if self.condition.trained_size:
            training, _ = digits()
            part = slice(n * index, n * (index + 1))
            return training.x[part].clone(), training.y[part].clone()
        generator = torch_generator(self.update.seed, "audit gradient", index)
        n_inputs, n_classes = self.update.model.n_inputs, self.update.n_classes
        x = torch.rand(n, n_inputs, generator=generator, dtype=torch.float64)
        return x, torch.randint(n_classes, (n,), generator=generator)

    def step(self) -> None:
        """One more update, beside the gradient of the network as it is before it."""
        index = len(self.updates)
        x, y = self._batch(index)
        state = torch_generator(self.update.seed, "audit gradient noise", index).get_state()
        made = []
        for loss in ("cross_entropy", "squared_error"):
            exact = exact_gradient(self.update.networks[0], loss)()
            network = copy.deepcopy(self.rule.network)
            exact.prepare(network, torch.Generator())
            exact.generator.set_state(state)
            made.append(_collected(exact, x, y, self.names))
        self.rule.generator.set_state(state)
        self.gradients.append(made)
        self.updates.append(_collected(self.rule, x, y, self.names, STEP))

    def matches(self) -> dict[tuple[str, str, int], float]:
        """Of the last update: (parameter, how, late) -> how well it matches, where it does."""
        index = len(self.updates) - 1
        found: dict[tuple[str, str, int], float] = {}
        for late in range(min(index, LATEST) + 1):
            for name, one in self.updates[index].items():
                for gradient in self.gradients[index - late]:
                    for how, least in _alike(one, gradient.get(name), self._both_signs):
                        key = (name, how, late)
                        found[key] = max(least, found.get(key, 0.0))
        return found

    @property
    def _both_signs(self) -> bool:
        """Whether most units excite some units above them and inhibit others."""
        weights = list(self.update.weights(self.rule.network).values())[1:]
        both = [((w > 0).any(0) & (w < 0).any(0)).flatten() for w in weights]
        return bool(torch.cat(both).double().mean() > 0.5)


def _alike(
    one: torch.Tensor, two: torch.Tensor | None, both_signs: bool
) -> Iterator[tuple[str, float]]:
    if two is None or len(one) < 2 or not one.any() or not two.any():
        return
    a, b = one.flatten().double(), two.flatten().double()
    cosine = float(torch.nn.functional.cosine_similarity(a, b, dim=0).abs())
    if cosine > EXACT:
        yield "cosine", cosine
    large = b.abs() > 1e-6 * b.abs().max()
    same = float((a[large].sign() == b[large].sign()).double().mean())
    if both_signs and same == 1.0 and len(one) >= LEAST_SIGNS:
        yield "sign", same


def _collected(
    rule: Rule, x: torch.Tensor, y: torch.Tensor, names: list[str], step: float = 0.0
) -> Updates:
    """What the rule leaves for the named parameters of the network; all move, if asked to."""
    total: Updates = {}
    named = {id(p): n for n, p in rule.network.named_parameters() if n in set(names)}

    def apply() -> None:
        with torch.no_grad():
            for parameter in rule.parameters():
                gradient, name = parameter.grad, named.get(id(parameter))
                parameter.grad = None
                if gradient is None:
                    continue
                if name is not None:
                    total[name] = total.get(name, torch.zeros_like(gradient)) + gradient
                size = float(gradient.norm())
                if step and size > 0:
                    parameter.sub_(gradient, alpha=step * float(parameter.norm()) / size)

    rule.update(x.clone(), y.clone(), apply)
    return total


Remake = Callable[[int], RepeatedUpdate]


def gradient_matches(update: RepeatedUpdate, remake: Remake) -> list[Match]:
    """Hidden parameters whose updates are the exact gradient, in every draw.

    Parameters
    ----------
    update : RepeatedUpdate
    remake : callable
        Gives the same of another seed.
    """
    found: list[Match] = []
    for condition in CONDITIONS:
        # A rule need not take batches of one, or networks of every size: then there is no evidence.
        with contextlib.suppress(Exception):
            found += _of_condition(update, remake, condition)
    return found


def _of_condition(update: RepeatedUpdate, remake: Remake, condition: Condition) -> list[Match]:
    matching = _of_one_seed(update, condition)
    for further in range(1, N_SEEDS):
        if not matching:
            return []
        other = _of_one_seed(remake(update.seed + further), condition)
        matching = {
            key: (max(first, other[key][0]), min(least, other[key][1]))
            for key, (first, least) in matching.items()
            if key in other
        }
    # Of each parameter the plainest: as early and as little late as it goes, and by the cosine.
    alike: dict[tuple[str, int, int], dict[str, float]] = {}
    known: set[str] = set()
    for (name, how, late), (first, least) in sorted(
        matching.items(), key=lambda item: (item[1][0], item[0][2], item[0][1])
    ):
        if name not in known and first <= N_UPDATES - 2:
            known.add(name)
            alike.setdefault((how, first, late), {})[name] = least
    if not alike:
        return []
    foreign = _of_one_seed(update, condition, update.seed + FOREIGN)
    return [
        Match(
            tuple(names), how, min(names.values()), first, late, condition.name,
            N_SEEDS * (N_UPDATES - first + 1), all((n, how, late) in foreign for n in names),
        )
        for (how, first, late), names in alike.items()
    ]  # fmt: skip


def _of_one_seed(
    update: RepeatedUpdate, condition: Condition, weights_seed: int | None = None
) -> dict[tuple[str, str, int], tuple[int, float]]:
    """(parameter, how, late) -> the update from which on it matches in all, and how well."""
    beside = BesideGradient(update, condition, weights_seed)
    found: dict[tuple[str, str, int], tuple[int, float]] = {}
    for number in range(1, N_UPDATES + 1):
        beside.step()
        seen = beside.matches()
        found = {
            key: (found[key][0], min(found[key][1], least)) if key in found else (number, least)
            for key, least in seen.items()
        }
    return found
