"""The contract of a learning rule.

A rule is one object per training run. It leaves its update in `.grad` of the parameters, so that
one training loop serves every rule and every update can be laid beside the gradient of
backpropagation; it owns no optimiser.

What the tests of `check_rule` need to know of a rule it says in class attributes; what it draws at
random in `update` it draws through `draw`, which names what each axis of the noise runs over.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy, embedding, one_hot

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Layer, RateNetwork

if TYPE_CHECKING:
    from spikelearn.networks.spiking_convolutional import SpikingConvolutional

# What an axis of a tensor runs over: the samples of the batch, the units (or channels) of a layer
# by its index, or neither.
Axis = Literal["batch"] | int | None
Loss = Literal["cross_entropy", "squared_error"]


class Rule:
    """Base of the learning rules for rate networks.

    Attributes
    ----------
    network : RateNetwork
        What is trained; set by `prepare`.
    extra : nn.ModuleDict
        What the rule needs beyond the network (feedback weights, inverses, heads), made by
        `prepare`, so that it is saved and counted.
    generator : torch.Generator
        On the CPU: where the rule's random numbers come from; set by `prepare`.
    loss : {"cross_entropy", "squared_error"}
        Loss at the output; squared error is half the squared distance from the one-hot label.
    claims : mapping of str to bool
        What the rule's authors say of the criteria of biological plausibility it meets.
    trains : bool
        False for the untrained baseline.
    networks : tuple of str
        Kinds of networks it trains, the usual one first.
    variants : mapping of str to str
        What an entry of `RULES` with options is, in one line, by "option=value"; without a line
        here it is the first line of the docstring.
    asks : mapping of str to object
        Fields of the small networks on which it is checked and audited without which its theory has
        nothing to learn from.
    refuses : mapping of str to str
        Parts of networks that its theory has no place for, and why: "batch normalisation", "group
        normalisation", "pooling" (behind the nonlinearity), "dropout", "residual layers".
    batch_coupled : bool
        Whether the update of a batch is something else than the mean of its samples' updates; that
        of any rule is where the network normalises by the batch.
    output_error : bool
        Whether the update vanishes where the output is right (no: contrastive and unsupervised
        rules).
    exchangeable_units : bool
        Whether hidden units of a layer are treated alike, so that relabelling them relabels the
        update (no: where units have ranks, or are dealt out to classes).
    descends : {"all", "output", "none"}
        Whose step lowers `objective` in the first order: every layer's together, the output
        layer's alone (feedback alignment, before it has aligned), or nobody's.
    """

    claims: ClassVar[dict[str, bool]] = {}
    trains: ClassVar[bool] = True
    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn")
    variants: ClassVar[dict[str, str]] = {}
    asks: ClassVar[dict[str, object]] = {}
    refuses: ClassVar[dict[str, str]] = {}
    batch_coupled: ClassVar[bool] = False
    output_error: ClassVar[bool] = True
    exchangeable_units: ClassVar[bool] = True
    descends: ClassVar[Literal["all", "output", "none"]] = "all"
    loss: Loss = "cross_entropy"
    network: RateNetwork
    extra: nn.ModuleDict
    generator: torch.Generator

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Create what the rule needs beyond the network.

        Raises
        ------
        SpikelearnError
            If the rule cannot train this network.
        """
        name = type(self).__name__
        if not isinstance(network, RateNetwork):
            raise SpikelearnError(
                f"the rule {name} trains rate networks, not {type(network).__name__}"
            )
        if network.kind not in self.networks:
            raise SpikelearnError(
                f"the rule {name} trains networks of kind {', '.join(self.networks)}, not"
                f" {network.kind}"
            )
        self._take(network, network, generator)

    def _take(
        self,
        network: nn.Module,
        layers: RateNetwork | SpikingConvolutional,
        generator: torch.Generator,
    ) -> None:
        """Keep a network whose layers the theory has a place for, and the generator.

        Parameters
        ----------
        network : Module
        layers : RateNetwork or SpikingConvolutional
            The same, by its layers.
        generator : torch.Generator
        """
        parts = parts_of(layers)
        for part in parts:
            if part in self.refuses:
                raise SpikelearnError(
                    f"the rule {type(self).__name__} trains no network with {part}:"
                    f" {self.refuses[part]}"
                )
        self.network, self.generator = network, generator  # type: ignore[assignment]
        self.extra = nn.ModuleDict()
        if layers.couples_samples:
            self.batch_coupled = True  # type: ignore[misc]
        if {*parts} & {*_OF_UPDATES}:
            made = functools.partial(_update_of_training, type(self).update, self)
            self.update = made  # type: ignore[method-assign]

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """What the optimiser moves, by name; a training run may give each group its own settings.

        "network" is always there. Other groups are the rule's own, such as "feedback".
        """
        moved = [p for p in self.extra.parameters() if p.requires_grad]
        groups = {"network": list(self.network.parameters())}
        return groups | ({"extra": moved} if moved else {})

    def parameters(self) -> list[nn.Parameter]:
        """What the optimiser moves."""
        return [p for group in self.groups().values() for p in group]

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Called before each epoch, the first of which is 1, for rules that learn in stages."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update for a batch in `.grad` and call `apply`.

        Parameters
        ----------
        x : tensor of shape (batch, n_inputs)
        y : tensor of shape (batch,), int64
            Class of each input.
        apply : callable
            Lets the training loop move every parameter that has a `.grad`, and then sets these to
            None; called once, or as often as the rule's dynamics ask.

        Returns
        -------
        tensor, scalar
            The objective of the batch before the update.
        """
        raise NotImplementedError

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """What a small step of the rule on this batch lowers; a mean over the batch."""
        return output_loss(self.loss, self.network(x), y)[0]

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores of shape (batch, n_classes)."""
        return self.network(x)

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Activity of every layer, by name, each of shape (batch, *out_shape)."""
        activities = self.network.activity(x)
        return dict(zip(layer_names(len(activities)), activities, strict=True))

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """For each tensor of `extra`, by its name there: the layer whose units each axis indexes.

        By this `check_rule` relabels the hidden units. None stands for an axis that indexes no
        units of the network.
        """
        return {}

    def draw(
        self,
        shape: Sequence[int],
        axes: Sequence[Axis],
        kind: Literal["normal", "sign", "uniform"] = "normal",
    ) -> torch.Tensor:
        """Random numbers for `update`: of mean 0 and variance 1, or uniform in [0, 1).

        Drawn on the CPU, so that a seed means the same on every device.

        Parameters
        ----------
        shape : sequence of int
        axes : sequence of {"batch", int, None}
            What each axis runs over; `check_rule` replays noise by sample and by unit.
        kind : {"normal", "sign", "uniform"}
            Signs are 1 or -1 at even odds, and take a tenth of the time of normal numbers.
        """
        if len(axes) != len(shape):
            raise ValueError(f"{len(shape)} axes are drawn, {len(axes)} are named")
        like = next(self.network.parameters())
        if kind == "sign":
            drawn = _signs(math.prod(shape), self.generator, like.dtype).reshape(*shape)
        else:
            sample = torch.randn if kind == "normal" else torch.rand
            drawn = sample(*shape, generator=self.generator, dtype=like.dtype)
        return drawn.to(like.device)


_OF_UPDATES = ("batch normalisation", "dropout")  # what is otherwise outside of an update


def parts_of(network: RateNetwork | SpikingConvolutional) -> list[str]:
    """Names of what its layers have beyond synapses and a nonlinearity; see `Rule.refuses`."""
    layers = list(network)
    norms = {layer.norm.kind for layer in layers if layer.norm is not None}
    found = {
        "batch normalisation": "batch" in norms,
        "group normalisation": "group" in norms,
        "pooling": any(layer.pooling is not None for layer in layers),
        "dropout": any(layer.dropout for layer in layers),
        "residual layers": any(layer.residual for layer in layers),
    }
    return [part for part, is_there in found.items() if is_there]


@contextmanager
def in_training(rule: Rule, n_samples: int, moves_means: bool = True) -> Iterator[None]:
    """Have the network as it is in an update: of this batch's statistics, and thinned by dropout.

    What dropout leaves out is drawn once: the same for all passes that an update makes, and for all
    copies of the batch that it goes through.

    Parameters
    ----------
    rule : Rule
        Prepared.
    n_samples : int
        Of the batch.
    moves_means : bool
        False: the running means of normalisations stay.
    """
    network, masks = rule.network, {}
    if network.is_learning:  # within an update, a part of which asks again
        yield
        return
    for index, layer in enumerate(network):
        if layer.dropout:
            axes: list[Axis] = ["batch", index, *[None] * (len(layer.out_shape) - 1)]
            drawn = rule.draw((n_samples, *layer.out_shape), axes, "uniform")
            masks[index] = (drawn >= layer.dropout).to(drawn.dtype).div_(1 - layer.dropout)
    with network.learning(masks, moves_means):
        yield


def _update_of_training(
    update: Callable[..., torch.Tensor], rule: Rule, x: torch.Tensor, *given: Any, **named: Any
) -> torch.Tensor:
    with in_training(rule, len(x)):
        return update(rule, x, *given, **named)


def _signs(n: int, generator: torch.Generator, dtype: torch.dtype) -> torch.Tensor:
    # Eight signs from each of seven bytes of a random integer; its eighth has a bit that is 0.
    integers = torch.empty(n // 56 + 1, dtype=torch.int64).random_(generator=generator)
    octets = integers.view(torch.uint8).view(-1, 8)[:, :7].to(torch.int32)
    return embedding(octets, _signs_of_bytes(dtype)).flatten()[:n]


@functools.cache
def _signs_of_bytes(dtype: torch.dtype) -> torch.Tensor:
    bits = torch.arange(256).unsqueeze(1) >> torch.arange(8)
    return (2 * (bits & 1) - 1).to(dtype)


def layer_names(n_layers: int) -> list[str]:
    """Names of the layers: hidden1, hidden2 ..., output."""
    return [*(f"hidden{i}" for i in range(1, n_layers)), "output"]


def one_hot_targets(y: torch.Tensor, n_classes: int, like: torch.Tensor) -> torch.Tensor:
    """One-hot rows of shape (batch, n_classes), with the dtype of `like`.

    Parameters
    ----------
    y : tensor of shape (batch,), int64
        Class of each sample.
    n_classes : int
    like : tensor
        Of the dtype that is wanted.

    Raises
    ------
    SpikelearnError
        If a label is no class.
    """
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < n_classes:
        wrong = int(y.min()) if int(y.min()) < 0 else int(y.max())
        raise SpikelearnError(
            f"label {wrong} is out of range: the network has {n_classes} classes, numbered from 0"
        )
    return one_hot(y, n_classes).to(like.dtype)


def output_loss(
    loss: Loss, scores: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss, a mean over the batch, and the error: its derivative by the scores.

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}
        In nats; or half the squared distance from the one-hot label.
    scores : tensor of shape (batch, n_classes)
    y : tensor of shape (batch,), int64

    Returns
    -------
    loss : tensor, scalar; carries the gradient of the scores if they have one
    error : tensor of shape (batch, n_classes), detached
        (softmax - label) / batch; or (scores - label) / batch.
    """
    target = one_hot_targets(y, scores.shape[1], scores)
    if loss == "cross_entropy":
        error = (scores.detach().softmax(1) - target) / len(y)
        return cross_entropy(scores, y), error
    difference = scores - target
    return 0.5 * difference.square().sum() / len(y), difference.detach() / len(y)


def leave(parameters: Iterable[nn.Parameter], gradients: Iterable[torch.Tensor]) -> None:
    """Leave `gradients` in `.grad` of `parameters`."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient


@dataclass(frozen=True)
class LayerPass:
    """One layer in a forward pass: its input, its z and its h, without an automatic gradient.

    A rule that uses nothing else is local by construction.
    """

    layer: Layer
    below: torch.Tensor
    z: torch.Tensor
    h: torch.Tensor

    def through_activation(self, signal: torch.Tensor) -> torch.Tensor:
        """`signal` at h times the derivative of the nonlinearity: the signal at z."""
        return self.layer.back(signal, self.z, self.h)

    def learn_from(self, signal: torch.Tensor) -> torch.Tensor:
        """Leave in `.grad` of all that the layer learns the gradient of `signal . h`.

        Returns the signal at z.
        """
        delta = self.layer.descend(signal, self.z, self.h)
        self.leave_gradient(delta)
        return delta

    def leave_gradient(self, delta: torch.Tensor) -> None:
        """Leave in `.grad` of the synapses the gradient of `delta . z`."""
        self.layer.weight.grad, self.layer.bias.grad = self.layer.product(self.below, delta)


@torch.no_grad()
def forward_pass(network: RateNetwork, x: torch.Tensor) -> list[LayerPass]:
    """Run the network forwards, layer by layer."""
    passes = []
    below = x
    for layer in network:
        z = layer.drive(below)
        h = layer.activate(z)
        passes.append(LayerPass(layer, below, z, h))
        below = h
    return passes


def check_option(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Refuse a rule's option that is not among those allowed.

    Parameters
    ----------
    name : str
        Of the option.
    value : any
        What was given for it.
    allowed : sequence
        All that it may be.

    Raises
    ------
    SpikelearnError
    """
    if value not in allowed:
        raise SpikelearnError(
            f"option '{name}' must be one of {', '.join(map(str, allowed))}, found {value!r}"
        )


def check_range(name: str, value: Any, low: float, high: float = float("inf")) -> None:
    """Refuse a rule's option that is no number, or outside [low, high].

    Parameters
    ----------
    name : str
        Of the option.
    value : any
        What was given for it.
    low, high : float
        The least and the most that it may be.

    Raises
    ------
    SpikelearnError
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        limits = f"at least {low:g}" if high == float("inf") else f"from {low:g} to {high:g}"
        raise SpikelearnError(f"option '{name}' must be a number {limits}, found {value!r}")
