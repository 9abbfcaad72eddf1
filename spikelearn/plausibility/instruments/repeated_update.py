"""One update of a rule, as often as wanted, always on the same network, data and random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyClassifier, LatencyLayer
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.recurrent import Cell
from spikelearn.plausibility.instruments.common_numbers import common_numbers
from spikelearn.plausibility.instruments.event_networks import along_axes, input_slots, later
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.outcome import (
    Outcome,
    Updates,
    effect,
    named_parameters,
)
from spikelearn.plausibility.instruments.own_patterns import patterns_of
from spikelearn.plausibility.instruments.unseen_numbers import UnseenNumbers
from spikelearn.plausibility.instruments.variations import further_reads, variations
from spikelearn.plausibility.instruments.weight_moves import WeightMoves, unobserved
from spikelearn.rules import make_rule, rule_name
from spikelearn.rules.rule import Axis, Rule
from spikelearn.rules.small_network import small_model

__all__ = ["Outcome", "RepeatedUpdate", "Updates", "effect", "named_parameters"]

N_SAMPLES = 4
# Kinds of networks that are audited.
KINDS = ("mlp", "cnn", "residual_mlp", "elman", "gru", "spiking_mlp", "spiking_cnn",
         "latency_mlp")  # fmt: skip
Held = Callable[[list[LatencyLayer]], list[LatencyLayer]]
Intervene = Callable[[OperationObserver, list[torch.Tensor]], None]
Draw = Callable[[int, torch.Tensor, Sequence[Axis]], torch.Tensor]


class RepeatedUpdate:
    """Makes the rule afresh, on the same small network and data each time, in 64 bits.

    Matrices of the rule's own that learn and start at zero (the heads of local losses) are given
    random values: an update in which they block every way says nothing about the ways.

    A rule may leave its hidden layers as they are at first, or learn from what it remembers. Then
    `lead` updates on the same batch go before the one that is looked at, with all that is changed
    and observed.

    Parameters
    ----------
    rule : str, class or callable
        A shipped rule's name, a class derived from `Rule`, or a function that makes a rule.
    seed : int
    model : description, optional
        A small network of the first kind that the rule trains, if absent.
    n_samples : int
        In the batch.
    dtype : torch.dtype
        Of all numbers.
    **options
        Of a shipped rule, or of the class.
    """

    def __init__(
        self,
        rule: Any,
        seed: int = 0,
        model: Any = None,
        n_samples: int = N_SAMPLES,
        dtype: torch.dtype = torch.float64,
        **options: Any,
    ) -> None:
        self._made_of = (rule, seed, options)
        named = isinstance(rule, str)
        self.make: Callable[[], Rule] = (
            (lambda: make_rule(rule, **options)) if named else (lambda: rule(**options))
        )
        made = self.make()
        if not isinstance(made, Rule):
            raise SpikelearnError(
                f"the audit takes rules derived from spikelearn.rules.rule.Rule, found"
                f" {type(made).__name__}"
            )
        self.name = rule_name(rule) if named else getattr(rule, "__name__", type(made).__name__)
        self.claims = dict(made.claims)
        self.trains, self.networks, self.asks = made.trains, made.networks, dict(made.asks)
        self.squared_error = made.loss == "squared_error"
        self.seed, self.dtype, self.lead = seed, dtype, 0
        self.recognises = False  # weights that leave torch and come back as they were
        self._n_drawn = 0  # by the rule, in the update under way
        if made.networks[0] not in KINDS:
            raise SpikelearnError(
                f"the audit has no small network of kind '{made.networks[0]}' yet, which the rule"
                f" {self.name} trains; kinds are {', '.join(KINDS)}"
            )
        self.model = model if model is not None else _model(made)
        generator = torch_generator(seed, "audit data")
        n_inputs = self.model.n_inputs
        drawn = torch.rand(n_samples, n_inputs, generator=generator, dtype=torch.float64)
        self.x, self.y = drawn.to(dtype), torch.arange(n_samples) % self.model.n_classes

    def on(self, model: Any, dtype: torch.dtype) -> RepeatedUpdate:
        """The same rule on another network.

        Parameters
        ----------
        model : description
            Of the network.
        dtype : torch.dtype
            Of all numbers.
        """
        rule, seed, options = self._made_of
        return RepeatedUpdate(rule, seed, model, len(self.y), dtype, **options)

    @property
    def n_classes(self) -> int:
        """Number of outputs."""
        return int(self.model.n_classes)

    def network(self) -> Any:
        """The network with its initial weights, and biases away from zero."""
        network = self.model.build(self.seed).to(self.dtype)
        with torch.no_grad():
            generator = torch_generator(self.seed, "biases")
            for layer in list(network) if isinstance(network, RateNetwork) else []:
                bias: torch.Tensor = layer.bias
                bias += 0.1 * torch.randn(bias.shape, generator=generator, dtype=torch.float64)
        return network

    def run(
        self,
        observer: OperationObserver | None = None,
        x: torch.Tensor | None = None,
        y: torch.Tensor | None = None,
        intervene: Intervene | None = None,
        change_input: Callable[[torch.Tensor], torch.Tensor] | None = None,
        draw: Draw | None = None,
        after: Callable[[Rule], None] | None = None,
        noise: str = "rule",
        held: Held | None = None,
    ) -> Outcome:
        """Prepare the rule and let it make one update, which is observed.

        Parameters
        ----------
        observer : OperationObserver, optional
        x, y : tensors, optional
            In place of the usual batch.
        intervene : callable, optional
            Called with the observer and the network's weights before the rule is prepared.
        change_input : callable, optional
            Gives what x is changed to wherever it is not read through synapses.
        draw : callable, optional
            Replaces what the rule draws: (how many were drawn before, numbers, axes) -> numbers.
        after : callable, optional
            Called with the rule when it is prepared.
        noise : str
            Name of the stream of the rule's random numbers.
        held : callable, optional
            Of a network simulated from event to event: what is held of its layers between the
            forward pass and plasticity.
        """
        observer = OperationObserver() if observer is None else observer
        x = (self.x if x is None else x).clone()
        y = (self.y if y is None else y).clone()
        if change_input is not None:
            observer.change(x, change_input(x))
        with common_numbers(self.seed):
            rule = self.prepared(observer, intervene, draw, noise)
            self.mark(observer, x, y)
            if after is not None:
                after(rule)
            if held is not None:
                later(rule.network, held)
            for _ in range(self.lead):
                self.made(rule, observer, x, y)
                observer.macs = 0  # cost is that of one update
            return self.made(rule, observer, x, y)

    def prepared(
        self,
        observer: OperationObserver | None,
        intervene: Intervene | None = None,
        draw: Draw | None = None,
        noise: str = "rule",
        n_epochs: int = 2,
    ) -> Rule:
        """The rule, prepared on the network, with what is its own declared to the observer.

        Parameters
        ----------
        observer : OperationObserver or None
            None: nobody watches.
        intervene, draw, noise
            As for `run`.
        n_epochs : int
            Of the training that begins.
        """
        network = self.network()
        if observer is not None:
            observer.weights(self.weights(network), network=True)
            observer.tracking.heard, observer.tracking.random = self.heard, "drawn before"
            observer.mark_biases(network)
            if self.recognises and observer.unseen is None:
                observer.unseen = UnseenNumbers()
            if intervene is not None:
                observer.patterns = self.patterns
                intervene(observer, list(self.weights(network).values()))
            observer.know([*network.parameters(), *network.buffers()])
        rule = self.make()
        with observer or nullcontext():
            rule.prepare(network, torch_generator(self.seed, noise))
        # In the numbers' type, without losing what is known of them.
        with observer or nullcontext(), torch.no_grad():
            for tensor in _floats(rule.extra):
                tensor.data = tensor.data.to(self.dtype)
        self._fill(rule)
        if observer is not None:
            self.declare(rule, observer, draw)
        rule.network.train()
        with observer or nullcontext():
            rule.begin_epoch(1, n_epochs)
        return rule

    def declare(self, rule: Rule, observer: OperationObserver, draw: Draw | None = None) -> None:
        """Tell the observer what is the rule's own, and have it see what the rule draws.

        Parameters
        ----------
        rule : Rule
            Prepared.
        observer : OperationObserver
        draw : callable, optional
            As for `run`.
        """
        extras = {f"extra.{k}": v for k, v in rule.extra.state_dict(keep_vars=True).items()}
        for name, tensor in extras.items():
            if tensor.ndim >= 2 and observer.shadow.origin(tensor.detach()) is None:
                observer.weights({name: tensor}, network=False)
            elif tensor.numel():
                observer.mark(tensor, name)
        observer.tracking.random = "noise"
        self._listen(rule, observer, draw)

    def made(
        self,
        rule: Rule,
        observer: OperationObserver | None,
        x: torch.Tensor,
        y: torch.Tensor,
        step: Callable[[], None] | None = None,
        epoch: tuple[int, int] | None = None,
    ) -> Outcome:
        """Let a prepared rule make one more update.

        What the rule moves the network's weights by on its own, past `.grad`, counts as an update.

        Parameters
        ----------
        rule : Rule
        observer : OperationObserver or None
            None: nobody watches.
        x, y : tensors
            Of the batch.
        step : callable, optional
            Called, under observation, with each update in `.grad`; moves the weights.
        epoch : (int, int), optional
            Which begins with this update, and how many there are.
        """
        outcome = Outcome(rule, observer or OperationObserver(), torch.zeros(()))
        outcome.observer.mark(x, "stimulus")
        for module in (rule.network, rule.extra):
            outcome.observer.know([x, y, *module.parameters(), *module.buffers()])
        self._n_drawn = 0
        with torch.no_grad():
            moves = WeightMoves(rule.network)

        def apply() -> None:
            outcome.collect()
            with unobserved():
                moves.before_step()
            if step is not None:
                step()
            for parameter in rule.parameters():
                parameter.grad = None
            with unobserved():
                moves.after_step()

        with observer or nullcontext(), along_axes():
            if epoch is not None:
                rule.begin_epoch(*epoch)
            outcome.loss = rule.update(x, y, apply).detach()
        parameters = named_parameters(rule)
        with torch.no_grad():
            for name, change in moves.found().items():
                outcome.updates[name] = outcome.updates.get(name, 0.0) - change
                if observer is not None and observer.follow_tags:
                    tags = observer.tags_of(parameters[name])
                    outcome.tags[name] = outcome.sources(name) | tags
        return outcome

    def traced(self) -> Outcome:
        """The update, with tags and reads: the first instrument at work."""
        return self.run(OperationObserver(tags=True, keep_reads=True))

    @cached_property
    def variations(self) -> dict[str, Outcome]:
        """The update with one thing changed: "nothing", "stimulus", "label", "noise" ..."""
        return variations(self)

    @cached_property
    def patterns(self) -> dict[str, torch.Tensor]:
        """Rows that the rule sends through a layer's synapses and that are no activity."""
        reads = {name: outcome.reads for name, outcome in self.variations.items()}
        n_layers = len(self.weight_names())
        return patterns_of(reads, further_reads(self), self.heard, n_layers, self.spikes)

    @cached_property
    def heard(self) -> frozenset[str]:
        """Layers whose weights carry activity of layers that learn."""
        layers = list(self.weights(self.network()))
        return frozenset(layers if 0 in self.recurrent() else layers[1:])

    def _fill(self, rule: Rule) -> None:
        """Give values to what learns and starts at zero, through which nothing would pass yet."""
        generator = torch_generator(self.seed, "audit extras")
        with torch.no_grad():
            for parameter in rule.extra.parameters():
                if parameter.requires_grad and parameter.ndim >= 2 and not parameter.any():
                    drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                    parameter.copy_(drawn / parameter[0].numel() ** 0.5)

    def weights(self, network: Any) -> dict[str, torch.nn.Parameter]:
        """Weight matrices, first layer to last; named by layer."""
        rates = isinstance(network, RateNetwork)
        matrices = network.weights() if rates else list(network.weights)
        return {f"layer {i + 1}": w for i, w in enumerate(matrices)}

    def hidden_names(self) -> list[str]:
        """Parameters of the hidden layers' weights."""
        return self.weight_names()[:-1]

    def hidden_parameters(self) -> list[str]:
        """All parameters of the hidden layers: weights and biases."""
        last = len(self.weight_names()) - 1
        return [name for name, layer in self.layer_of.items() if layer < last]

    def weight_names(self) -> list[str]:
        """Names of the weights' parameters, first layer to last."""
        return self._names[0]

    @property
    def layer_of(self) -> dict[str, int]:
        """Index of the layer that each of the network's parameters belongs to, by name.

        What belongs to no layer is taken to stand below all of them.
        """
        return self._names[1]

    @cached_property
    def _names(self) -> tuple[list[str], dict[str, int]]:
        network = self.network()
        ids = {id(w): i for i, w in enumerate(self.weights(network).values())}
        named = {f"network.{k}": p for k, p in network.named_parameters()}
        weights = {ids[id(p)]: name for name, p in named.items() if id(p) in ids}
        owners = {name.rpartition(".")[0]: i for i, name in weights.items()}
        layer_of = {name: owners.get(name.rpartition(".")[0], 0) for name in named}
        layer_of |= {name: i for i, name in weights.items()}
        return [weights[i] for i in sorted(weights)], layer_of

    def recurrent(self) -> list[int]:
        """Layers whose weights also carry their own units' activity from step to step."""
        network = self.network()
        if not isinstance(network, RateNetwork):
            return []
        return [i for i, layer in enumerate(network) if isinstance(layer, Cell)]

    @property
    def n_steps(self) -> int:
        """Steps of time; 1 where the network has none. Of latencies: what the input is told in."""
        network = self.network()
        if isinstance(network, LatencyClassifier):
            return input_slots(network.description)
        return int(getattr(self.model, "n_steps", getattr(network, "n_steps", 1)))

    @property
    def spikes(self) -> bool:
        """Whether the network's neurons spike."""
        return not isinstance(self.network(), RateNetwork)

    @property
    def events(self) -> bool:
        """Whether the network is simulated from event to event, without steps."""
        return isinstance(self.network(), LatencyClassifier)

    @property
    def least(self) -> float:
        """Intensity from which a pixel spikes, in a network simulated from event to event."""
        return float(self.model.min_intensity)

    def mark(self, observer: OperationObserver, x: torch.Tensor, y: torch.Tensor) -> None:
        """Declare the batch's stimuli and labels as sources of tags, where these are followed.

        Parameters
        ----------
        observer : OperationObserver
        x, y : tensors
            Of the batch.
        """
        n_times = 1 if self.spikes else self.n_steps
        observer.mark_batch(x, y, n_times, self.model.n_inputs // n_times)

    def _listen(self, rule: Rule, observer: OperationObserver, replace: Any) -> None:
        original = rule.draw

        def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
            tensor = original(shape, axes, kind)
            if replace is not None:
                tensor = replace(self._n_drawn, tensor, axes)
            self._n_drawn += 1
            observer.mark(tensor, "noise")
            if observer.follow_tags and observer.tracking.units_of is None and self.spikes:
                # Input spikes: of all steps at once, or of one after another.
                steps = tensor.unbind() if axes[0] is None else [tensor]
                for t, step in enumerate(steps):
                    observer.mark(step, f"time {t + 1 if axes[0] is None else self._n_drawn}")
            return tensor

        rule.draw = draw  # type: ignore[method-assign]


def _floats(module: torch.nn.Module) -> list[torch.Tensor]:
    tensors = [*module.parameters(), *module.buffers()]
    return [t for t in tensors if t.is_floating_point()]


def _model(rule: Rule) -> Any:
    if rule.networks[0] == "residual_mlp":
        from spikelearn.networks.residual_mlp import ResidualMLP

        return ResidualMLP(
            name="audit", n_inputs=12, width=7, depth=3, n_classes=5, activation="tanh"
        )
    return small_model(rule)
