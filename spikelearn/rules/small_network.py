"""What `check_rule` tests a rule on: a small network, data, and noise that can be replayed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from spikelearn._checks import Fails
from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyNetwork
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.spiking_convolutional import SpikingConvolutional
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.rules.rule import Axis, Rule, layer_names
from spikelearn.rules.rule_options import refuse_missing

N_SAMPLES = 8
N_INPUTS, HIDDEN, N_CLASSES = 12, (7, 6), 5
# Largest difference, relative to the largest entry, of what must be equal in 64-bit arithmetic.
TOLERANCE = 1e-9
# Of the largest update, in 64 bits: some hundred roundings of states and products of its size.
ROUNDING = 2.0**-44
Update = dict[str, torch.Tensor]
Draws = list[tuple[torch.Tensor, tuple[Axis, ...]]]
Network = RateNetwork | SpikingClassifier | LatencyNetwork


class SmallNetwork:
    """Makes the rule afresh, on the same small network and data each time, in 64 bits."""

    def __init__(
        self, rule: Any, model: Any, seed: int, options: Mapping[str, Any] | None = None
    ) -> None:
        from spikelearn.rules import make_rule, rule_name

        named = isinstance(rule, str)
        given = dict(options or {})
        if isinstance(rule, type):
            refuse_missing(rule.__name__, rule, given)
        self.make: Callable[[], Rule] = (
            functools.partial(make_rule, rule, **given)
            if named
            else functools.partial(rule, **given)
        )
        self.seed = seed
        made = self.make()
        if not isinstance(made, Rule):
            raise SpikelearnError(
                f"check_rule tests objects derived from spikelearn.rules.rule.Rule, found"
                f" {type(made).__name__}"
            )
        self.name = rule_name(rule) if named else type(made).__name__
        self.model = model if model is not None else small_model(made)
        generator = torch_generator(seed, "check")
        n, n_inputs = N_SAMPLES, self.model.n_inputs
        self.x = torch.rand(n, n_inputs, generator=generator, dtype=torch.float64)
        self.y = torch.arange(n) % self.model.n_classes

    def fresh(self, alter: Callable[[Any], None] | None = None) -> Rule:
        """The rule, prepared; `alter` may change the network's weights before that."""
        network = self.model.build(self.seed).double()
        with torch.no_grad():
            generator = torch_generator(self.seed, "biases")
            layers = list(network) if isinstance(network, RateNetwork) else []
            for layer in (one for one in layers if one.has_bias):
                noise = torch.randn(layer.bias.shape, generator=generator, dtype=torch.float64)
                layer.bias.add_(noise, alpha=0.1)
            if alter is not None:
                alter(network)
        rule = self.make()
        rule.prepare(network, torch_generator(self.seed, "rule"))
        rule.extra.double()
        rule.network.train()
        rule.begin_epoch(1, 2)
        return rule

    def certain(self, rule: Rule, x: torch.Tensor) -> torch.Tensor:
        """x; for a network that spikes, intensities of which each pixel spikes always or never."""
        network: Network = rule.network
        if not isinstance(network, SpikingClassifier) or network.convolutional:
            return x
        d = network.description
        return (x > 0.5).to(x.dtype) * 2000.0 / (d.max_rate_hz * d.dt_ms)


def spiking_layers(network: Network) -> list[torch.nn.Parameter] | None:
    """The weights of a network that spikes, by layer; None for one of rates."""
    return None if isinstance(network, RateNetwork) else list(network.weights)


def layer_names_of(network: Network) -> list[str]:
    """Names of the layers whose activity a rule tells."""
    if isinstance(network, RateNetwork):
        return layer_names(len(network))
    return network.description.populations[1:]


def reads_spikes(network: Network) -> bool:
    """Whether the output's scores are numbers of spikes."""
    return isinstance(network, SpikingClassifier) and network.description.readout == "spikes"


def small_model(rule: Rule) -> Any:
    """A small network of a kind that the rule trains: fully connected, or the usual one."""
    kind = "mlp" if "mlp" in rule.networks else rule.networks[0]
    if kind == "mlp":
        from spikelearn.networks.mlp import MLP

        return MLP(name="check", sizes=(N_INPUTS, *HIDDEN, N_CLASSES), activation="tanh")
    if kind == "cnn":
        from spikelearn.networks.cnn import CNN

        return CNN(
            name="check", input_shape=(1, 6, 6), channels=(5, 5), pool=(2, 1),
            n_classes=N_CLASSES, activation="tanh",
        )  # fmt: skip
    if kind in ("elman", "gru"):
        from spikelearn.networks.recurrent import Recurrent

        sizes = {"n_steps": 4, "row": 3, "hidden": 6, "n_classes": N_CLASSES}
        return Recurrent.model_validate({"kind": kind, "name": "check", "leak": 0.5, **sizes})
    return _small_spiking_model(kind, rule)


def _small_spiking_model(kind: str, rule: Rule) -> Any:
    if kind == "spiking_mlp":
        from spikelearn.networks.spiking_mlp import SpikingMLP

        return SpikingMLP(
            name="check", sizes=(N_INPUTS, *HIDDEN, N_CLASSES), max_rate_hz=1000.0,
            duration_ms=10.0, readout="potential",
        )  # fmt: skip
    if kind == "spiking_cnn":
        from spikelearn.networks.spiking_cnn import SpikingCNN

        fields: dict[str, Any] = {
            "name": "check", "input_shape": (1, 6, 6), "channels": (5, 6), "pool": ("max 2", 1),
            "n_classes": N_CLASSES, "v_threshold_mv": 0.4,
        }  # fmt: skip
        return SpikingCNN(**fields | rule.asks)
    if kind == "latency_mlp":
        from spikelearn.networks.latency_mlp import LatencyMLP

        fields = {
            "name": "check", "sizes": (N_INPUTS, *HIDDEN, N_CLASSES), "weight_mean": 8.0,
        }  # fmt: skip
        return LatencyMLP(**fields | rule.asks)
    if kind == "latency_cnn":
        from spikelearn.networks.latency_cnn import LatencyCNN

        return LatencyCNN(
            name="check", input_shape=(1, 7, 7), channels=(5, 5), kernel_size=3, pool=(1, 2),
            weight_mean=8.0, n_classes=N_CLASSES, dt_ms=1.0,
        )  # fmt: skip
    raise SpikelearnError(f"give check_rule a model: it has no small one of kind '{kind}'")


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Update:
    """What `update` leaves in `.grad`, by parameter, added up where it applies several times.

    Parameters
    ----------
    rule : Rule
        Prepared.
    x : tensor of shape (batch, n_inputs)
    y : tensor of shape (batch,), int64
        Class of each input.
    """
    parameters = named(rule)
    totals = {name: torch.zeros_like(p) for name, p in parameters.items()}

    def add_up() -> None:
        for name, parameter in parameters.items():
            if parameter.grad is not None:
                totals[name] += parameter.grad
            parameter.grad = None

    rule.update(x, y, add_up)
    return {name: tensor.detach() for name, tensor in totals.items()}


def named(rule: Rule) -> dict[str, torch.nn.Parameter]:
    """The parameters that the optimiser moves, by name."""
    moved = {id(p) for p in rule.parameters()}
    every = {f"network.{k}": p for k, p in rule.network.named_parameters()}
    every |= {f"extra.{k}": p for k, p in rule.extra.named_parameters()}
    return {name: p for name, p in every.items() if id(p) in moved}


def state_of(rule: Rule) -> Update:
    """Copies of everything that is saved, by name."""
    every = {f"network.{k}": v for k, v in rule.network.state_dict().items()}
    every |= {f"extra.{k}": v for k, v in rule.extra.state_dict().items()}
    return {name: tensor.clone() for name, tensor in every.items()}


def record(rule: Rule) -> Draws:
    """Have the rule's draws written down."""
    drawn: Draws = []
    original = rule.draw

    def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
        tensor = original(shape, axes, kind)
        drawn.append((tensor.clone(), tuple(axes)))
        return tensor

    rule.draw = draw  # type: ignore[method-assign]
    return drawn


def replay(rule: Rule, drawn: Draws) -> None:
    """Have the rule draw these."""
    waiting = [tensor.clone() for tensor, _ in drawn]  # a rule may write into what it draws

    def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
        if not waiting or tuple(waiting[0].shape) != tuple(shape):
            raise Fails("its draws change in number or shape where only values should change")
        return waiting.pop(0)

    rule.draw = draw  # type: ignore[method-assign]


def compare(update: Update, expected: Update, what: str, tolerance: float = TOLERANCE) -> None:
    """Fail with `what` where the two differ.

    Parameters
    ----------
    update, expected : mapping of str to tensor
        By parameter; those of `expected` are compared.
    what : str
        Sentence that the failure begins with.
    tolerance : float
        Largest difference that is allowed, relative to the largest entry expected of a parameter.
        What is rounding beside the largest entry of all is allowed too: a layer that is saturated
        has an update of differences between states that are equal but for it.
    """
    largest = max((float(t.abs().max()) for t in expected.values() if t.numel()), default=0.0)
    for name, tensor in expected.items():
        scale = float(tensor.abs().max()) if tensor.numel() else 0.0
        gap = float((update[name] - tensor).abs().max()) if tensor.numel() else 0.0
        if not gap <= max(tolerance * scale, ROUNDING * largest):
            raise Fails(f"{what} (largest difference in {name}: {gap:.2g} of {scale:.2g})")


def descend(rule: Rule, rate: float, output_only: bool = False) -> Callable[[], None]:
    """What `update` may call to move the weights down by `rate` times their `.grad`.

    Parameters
    ----------
    rule : Rule
        Prepared.
    rate : float
        Of the step.
    output_only : bool
        Whether the output layer's parameters alone move.
    """
    spiking = spiking_layers(rule.network)
    output = {id(p) for p in (spiking[-1:] if spiking else list(rule.network)[-1].parameters())}

    @torch.no_grad()
    def step() -> None:
        for parameter in rule.parameters():
            if parameter.grad is not None and (not output_only or id(parameter) in output):
                parameter.sub_(parameter.grad, alpha=rate)
            parameter.grad = None

    return step


def make_always_right(network: Network, loss: str) -> None:
    """Have the output say class 2, without an error."""
    if not isinstance(network, RateNetwork):
        high = 2.0 * network.description.v_threshold_mv
        for weight in network.weights:  # every neuron below spikes at every step
            weight.fill_(high)
        for layer in network if isinstance(network, SpikingConvolutional) else ():
            # Whatever normalisation makes of these weights.
            (layer.bias if layer.norm is None else layer.norm.bias).fill_(high)
        network.weights[-1].zero_()
        network.weights[-1][2] = 1000.0
        return
    output = list(network)[-1]
    output.weight.zero_()
    output.bias.zero_()
    output.bias[2] = 1000.0 if loss == "cross_entropy" else 1.0


def permuted(
    tensor: torch.Tensor, axes: Sequence[Axis], orders: dict[int, torch.Tensor]
) -> torch.Tensor:
    """The tensor with the units of each layer in another order.

    Parameters
    ----------
    tensor : tensor
    axes : sequence of {"batch", int, None}
        What each axis runs over, as in `Rule.draw`.
    orders : mapping of int to tensor of shape (units,), int64
        New order of a layer's units, by the layer's index.
    """
    for dimension, axis in enumerate(axes):
        if isinstance(axis, int) and axis in orders:
            tensor = tensor.index_select(dimension, orders[axis])
    return tensor


def sample_of(tensor: torch.Tensor, axes: Sequence[Axis], index: int) -> torch.Tensor:
    """The part of a draw that is one sample's.

    Parameters
    ----------
    tensor : tensor
    axes : sequence of {"batch", int, None}
        What each axis runs over, as in `Rule.draw`.
    index : int
        Of the sample.
    """
    for dimension, axis in enumerate(axes):
        if axis == "batch":
            return tensor.narrow(dimension, index, 1)
    return tensor
