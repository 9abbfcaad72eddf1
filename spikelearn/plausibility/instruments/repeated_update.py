"""One update of a rule, as often as wanted, always on the same network, data and random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyClassifier, LatencyLayer
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.recurrent import Cell
from spikelearn.plausibility.instruments.event_networks import along_axes, input_slots, later
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.weight_reads import WeightRead
from spikelearn.rules import make_rule, rule_name
from spikelearn.rules.rule import Axis, Rule
from spikelearn.rules.small_network import small_model

N_SAMPLES = 4
# Kinds of networks that are audited.
KINDS = ("mlp", "cnn", "residual_mlp", "elman", "gru", "spiking_mlp", "latency_mlp")
Updates = dict[str, torch.Tensor]
Held = Callable[[list[LatencyLayer]], list[LatencyLayer]]


@dataclass
class Outcome:
    """What one update left.

    Attributes
    ----------
    updates : dict
        By parameter, added up over calls of apply.
    calls : list of dict
        The same, by call.
    element_tags, tags : dict
        Sources of each parameter's update, by element (as bits) and in all, where they are
        followed.
    emitted, write_tags : dict
        By parameter, what each write added to it, in order, and the sources of each write.
    """

    rule: Rule
    observer: OperationObserver
    loss: torch.Tensor
    updates: Updates = field(default_factory=dict)
    calls: list[Updates] = field(default_factory=list)
    element_tags: dict[str, torch.Tensor] = field(default_factory=dict)
    tags: dict[str, frozenset[str]] = field(default_factory=dict)
    emitted: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    write_tags: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    @property
    def reads(self) -> list[WeightRead]:
        """All readings of weights, in order, where they are kept."""
        return self.observer.reads

    def sources(self, parameter: str) -> frozenset[str]:
        """What the update of a parameter may depend on; empty if there was none."""
        return self.tags.get(parameter, frozenset())

    @property
    def taken_out(self) -> list[frozenset[str]]:
        """What was taken out of torch (by `.item()` and the like), with what it depended on."""
        return [names for names in self.observer.tracking.taken_out if names]


class RepeatedUpdate:
    """Makes the rule afresh, on the same small network and data each time, in 64 bits.

    Matrices of the rule's own that learn and start at zero (the heads of local losses) are given
    random values: an update in which they block every way says nothing about the ways.

    Parameters
    ----------
    rule : str, class or callable
        A shipped rule's name, a class derived from `Rule`, or a function that makes a rule.
    seed : int
    model : description, optional
        A small network of the first kind that the rule trains, if absent.
    n_samples : int
        In the batch.
    **options
        Of a shipped rule, or of the class.
    """

    def __init__(
        self,
        rule: Any,
        seed: int = 0,
        model: Any = None,
        n_samples: int = N_SAMPLES,
        **options: Any,
    ) -> None:
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
        self.trains, self.networks = made.trains, made.networks
        self.squared_error = made.loss == "squared_error"
        self.seed = seed
        if made.networks[0] not in KINDS:
            raise SpikelearnError(
                f"the audit has no small network of kind '{made.networks[0]}' yet, which the rule"
                f" {self.name} trains; kinds are {', '.join(KINDS)}"
            )
        self.model = model if model is not None else _model(made)
        generator = torch_generator(seed, "audit data")
        n_inputs = self.model.n_inputs
        self.x = torch.rand(n_samples, n_inputs, generator=generator, dtype=torch.float64)
        self.y = torch.arange(n_samples) % self.model.n_classes

    @property
    def n_classes(self) -> int:
        """Number of outputs."""
        return int(self.model.n_classes)

    def network(self) -> Any:
        """The network with its initial weights, and biases away from zero."""
        network = self.model.build(self.seed).double()
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
        intervene: Callable[[OperationObserver, list[torch.Tensor]], None] | None = None,
        change_input: Callable[[torch.Tensor], torch.Tensor] | None = None,
        draw: Callable[[int, torch.Tensor, Sequence[Axis]], torch.Tensor] | None = None,
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
        network = self.network()
        x = (self.x if x is None else x).clone()
        y = (self.y if y is None else y).clone()
        observer.weights(self.weights(network), network=True)
        if intervene is not None:
            intervene(observer, list(self.weights(network).values()))
        if change_input is not None:
            observer.change(x, change_input(x))
        self._mark(observer, x, y)
        rule = self.make()
        with observer:
            rule.prepare(network, torch_generator(self.seed, noise))
        # As doubles, without losing what is known of them.
        with observer, torch.no_grad():
            for tensor in _floats(rule.extra):
                tensor.data = tensor.data.double()
        extras = {f"extra.{k}": v for k, v in rule.extra.state_dict(keep_vars=True).items()}
        for name, tensor in extras.items():
            if tensor.ndim >= 2 and observer.shadow.origin(tensor.detach()) is None:
                observer.weights({name: tensor}, network=False)
            elif tensor.numel():
                observer.mark(tensor, name)
        self._fill(rule)
        if after is not None:
            after(rule)
        rule.network.train()
        outcome = Outcome(rule, observer, torch.zeros(()))
        self._listen(rule, observer, draw)
        if held is not None:
            later(rule.network, held)
        with observer, along_axes():
            rule.begin_epoch(1, 2)
            outcome.loss = rule.update(
                x, y, lambda: self._collect(rule, observer, outcome)
            ).detach()
        return outcome

    def traced(self) -> Outcome:
        """The update, with tags and reads: the first instrument at work."""
        return self.run(OperationObserver(tags=True, keep_reads=True))

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

    def weight_names(self) -> list[str]:
        """Names of the weights' parameters, first layer to last."""
        network = self.network()
        ids = {id(w): i for i, w in enumerate(self.weights(network).values())}
        named = {ids[id(p)]: f"network.{k}" for k, p in network.named_parameters() if id(p) in ids}
        return [named[i] for i in sorted(named)]

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

    def _mark(self, observer: OperationObserver, x: torch.Tensor, y: torch.Tensor) -> None:
        if not observer.follow_tags:
            return
        observer.mark(y, "label")
        observer.tracking.n_samples = len(x)
        if observer.tracking.units_of is not None:
            n = self.model.n_inputs // (1 if self.spikes else self.n_steps)
            columns = x.view(len(x), -1, n)
            for j in range(n):
                observer.mark(columns[:, :, j], f"pre {j + 1}")
            return
        for i in range(len(x)):
            observer.mark(x[i], f"sample {i + 1}")
        if not self.spikes and self.n_steps > 1:
            rows = x.view(len(x), self.n_steps, -1)
            for t in range(self.n_steps):
                observer.mark(rows[:, t], f"time {t + 1}")

    def _listen(self, rule: Rule, observer: OperationObserver, replace: Any) -> None:
        original, drawn = rule.draw, [0]

        def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
            tensor = original(shape, axes, kind)
            if replace is not None:
                tensor = replace(drawn[0], tensor, axes)
            drawn[0] += 1
            observer.mark(tensor, "noise")
            if observer.follow_tags and observer.tracking.units_of is None and self.spikes:
                # Input spikes: of all steps at once, or of one after another.
                steps = tensor.unbind() if axes[0] is None else [tensor]
                for t, step in enumerate(steps):
                    observer.mark(step, f"time {(t if axes[0] is None else drawn[0] - 1) + 1}")
            return tensor

        rule.draw = draw  # type: ignore[method-assign]

    def _collect(self, rule: Rule, observer: OperationObserver, outcome: Outcome) -> None:
        call: Updates = {}
        for name, parameter in named_parameters(rule).items():
            if parameter.grad is None:
                continue
            gradient = parameter.grad.detach()
            call[name] = gradient.clone()
            if observer.follow_tags:
                bits = observer.shadow.tags(gradient)
                if bits is not None:
                    old = outcome.element_tags.get(name)
                    outcome.element_tags[name] = bits.clone() if old is None else old | bits
                known = outcome.tags.get(name, frozenset())
                outcome.tags[name] = known | observer.tags_of(gradient)
            key = gradient.untyped_storage().data_ptr()
            written = observer.writes.pop(key, [])
            outcome.write_tags.setdefault(name, []).extend(
                observer.sources.of(bits) for bits in observer.write_tags.pop(key, [])
            )
            values = [*written, call[name]]
            if len(values) > 1 and torch.equal(values[-1], values[-2]):
                values.pop()
            before = torch.zeros_like(call[name])
            for value in values:
                outcome.emitted.setdefault(name, []).append(value - before)
                before = value
            total = outcome.updates.get(name)
            outcome.updates[name] = call[name] if total is None else total + call[name]
            parameter.grad = None
        outcome.calls.append(call)


def named_parameters(rule: Rule) -> dict[str, torch.nn.Parameter]:
    """What the optimiser moves, by name."""
    moved = {id(p) for p in rule.parameters()}
    named = {f"network.{k}": p for k, p in rule.network.named_parameters()}
    named |= {f"extra.{k}": p for k, p in rule.extra.named_parameters()}
    return {name: p for name, p in named.items() if id(p) in moved}


def effect(changed: Updates, unchanged: Updates, names: Sequence[str]) -> float:
    """|changed - unchanged| / |unchanged| over the named updates.

    Parameters
    ----------
    changed, unchanged : dict of tensors
        Updates by parameter, with an intervention and without.
    names : sequence of str
        Parameters that count.

    Returns
    -------
    float
        0 where both are nothing; infinite where only the unchanged ones are.
    """
    gap = sum(float((changed[n] - unchanged[n]).square().sum()) for n in names if n in unchanged)
    size = sum(float(unchanged[n].square().sum()) for n in names if n in unchanged)
    if gap == 0:
        return 0.0
    return float("inf") if size == 0 else (gap / size) ** 0.5


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
