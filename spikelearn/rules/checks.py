"""`check_rule`: the properties that every learning rule must have, tested on any rule.

Each property is a function that returns None, or raises `Fails` with a sentence, or `Skips` with
the reason why it does not apply. They read a rule's class attributes (see `spikelearn.rules.rule`)
for what it claims of itself, and nothing else of its inside.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch

from spikelearn._checks import CheckResult, Fails, Skips, failures, run_checks
from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyClassifier
from spikelearn.networks.rate_network import RateNetwork
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.rules.rule import Axis, Rule, layer_names

N_SAMPLES = 8
N_INPUTS, HIDDEN, N_CLASSES = 12, (7, 6), 5
# Largest difference, relative to the largest entry, of what must be equal in 64-bit arithmetic.
TOLERANCE = 1e-9
Update = dict[str, torch.Tensor]
Draws = list[tuple[torch.Tensor, tuple[Axis, ...]]]
Network = RateNetwork | SpikingClassifier | LatencyClassifier


class RuleCheckError(SpikelearnError):
    """A rule lacks a property that it must have."""


def check_rule(
    rule: str | type[Rule] | Callable[[], Rule],
    model: Any = None,
    seed: int = 0,
    raise_on_failure: bool = True,
) -> list[CheckResult]:
    """Test every property that a learning rule must have.

    Parameters
    ----------
    rule : str, class or callable
        Name of a shipped rule, a class derived from `Rule` that needs no arguments, or a function
        that makes a fresh rule.
    model : description, optional
        Of the network to test it on, such as `MLP` or `CNN`; a small one of the first kind that
        the rule trains, if absent.
    seed : int
        Of the weights, the data and the rule.
    raise_on_failure : bool
        Whether a property that fails raises; otherwise it is only reported.

    Returns
    -------
    list of CheckResult
        One a property, in a fixed order.

    Raises
    ------
    RuleCheckError
        Naming every property that fails, and how.
    """
    bench = _Bench(rule, model, seed)
    results = run_checks(PROPERTIES.items(), bench)
    if raise_on_failure and (said := failures(results)):
        raise RuleCheckError(f"{bench.name} fails {said}")
    return results


class _Bench:
    """Makes the rule afresh, on the same small network and data each time, in 64 bits."""

    def __init__(self, rule: Any, model: Any, seed: int) -> None:
        from spikelearn.rules import make_rule

        self.make: Callable[[], Rule] = (lambda: make_rule(rule)) if isinstance(rule, str) else rule
        self.seed = seed
        made = self.make()
        if not isinstance(made, Rule):
            raise SpikelearnError(
                f"check_rule tests objects derived from spikelearn.rules.rule.Rule, found"
                f" {type(made).__name__}"
            )
        self.name = rule if isinstance(rule, str) else type(made).__name__
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
            for layer in layers:
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
        if not isinstance(network, SpikingClassifier):
            return x
        d = network.description
        return (x > 0.5).to(x.dtype) * 2000.0 / (d.max_rate_hz * d.dt_ms)


def _spiking_layers(network: Network) -> list[torch.nn.Parameter] | None:
    """The weights of a network that spikes, by layer; None for one of rates."""
    return None if isinstance(network, RateNetwork) else list(network.weights)


def _names(network: Network) -> list[str]:
    if isinstance(network, RateNetwork):
        return layer_names(len(network))
    return network.description.populations[1:]


def _reads_spikes(network: Network) -> bool:
    """Whether the output's scores are numbers of spikes."""
    return isinstance(network, SpikingClassifier) and network.description.readout == "spikes"


def small_model(rule: Rule) -> Any:
    """A small network of the first kind that the rule trains."""
    kind = rule.networks[0]
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
    if kind == "spiking_mlp":
        from spikelearn.networks.spiking_mlp import SpikingMLP

        return SpikingMLP(
            name="check", sizes=(N_INPUTS, *HIDDEN, N_CLASSES), max_rate_hz=1000.0,
            duration_ms=10.0, readout="potential",
        )  # fmt: skip
    if kind == "latency_mlp":
        from spikelearn.networks.latency_mlp import LatencyMLP

        return LatencyMLP(name="check", sizes=(N_INPUTS, *HIDDEN, N_CLASSES), weight_mean=8.0)
    raise SpikelearnError(f"give check_rule a model: it has no small one of kind '{kind}'")


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Update:
    """What `update` leaves in `.grad`, by parameter, added up where it applies several times."""
    parameters = _named(rule)
    found = {name: torch.zeros_like(p) for name, p in parameters.items()}

    def add_up() -> None:
        for name, parameter in parameters.items():
            if parameter.grad is not None:
                found[name] += parameter.grad
            parameter.grad = None

    rule.update(x, y, add_up)
    return {name: tensor.detach() for name, tensor in found.items()}


def _named(rule: Rule) -> dict[str, torch.nn.Parameter]:
    moved = {id(p) for p in rule.parameters()}
    named = {f"network.{k}": p for k, p in rule.network.named_parameters()}
    named |= {f"extra.{k}": p for k, p in rule.extra.named_parameters()}
    return {name: p for name, p in named.items() if id(p) in moved}


def _state(rule: Rule) -> Update:
    named = {f"network.{k}": v for k, v in rule.network.state_dict().items()}
    named |= {f"extra.{k}": v for k, v in rule.extra.state_dict().items()}
    return {name: tensor.clone() for name, tensor in named.items()}


def _record(rule: Rule) -> Draws:
    """Have the rule's draws written down."""
    drawn: Draws = []
    original = rule.draw

    def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
        tensor = original(shape, axes, kind)
        drawn.append((tensor.clone(), tuple(axes)))
        return tensor

    rule.draw = draw  # type: ignore[method-assign]
    return drawn


def _replay(rule: Rule, drawn: Draws) -> None:
    """Have the rule draw these."""
    waiting = [tensor.clone() for tensor, _ in drawn]  # a rule may write into what it draws

    def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
        if not waiting or tuple(waiting[0].shape) != tuple(shape):
            raise Fails("its draws change in number or shape where only values should change")
        return waiting.pop(0)

    rule.draw = draw  # type: ignore[method-assign]


def _compare(found: Update, expected: Update, what: str, tolerance: float = TOLERANCE) -> None:
    for name, tensor in expected.items():
        scale = float(tensor.abs().max()) if tensor.numel() else 0.0
        gap = float((found[name] - tensor).abs().max()) if tensor.numel() else 0.0
        if not gap <= tolerance * max(scale, 1e-12):
            raise Fails(f"{what} (largest difference in {name}: {gap:.2g} of {scale:.2g})")


# --- The properties.


def keeps_the_contract(bench: _Bench) -> None:
    """Shapes, names, calls of apply, and who moves the weights."""
    rule = bench.fresh()
    moved = [p for group in rule.groups().values() for p in group]
    if len({id(p) for p in moved}) != len(moved):
        raise Fails("a parameter is in two of its groups")
    lacking = {id(p) for p in rule.network.parameters()} - {id(p) for p in moved}
    if lacking:
        raise Fails("its groups leave out parameters of the network")
    before, global_state = _state(rule), torch.get_rng_state()
    calls = []
    loss = rule.update(bench.x, bench.y, lambda: calls.append(1))
    if not torch.equal(global_state, torch.get_rng_state()):
        raise Fails("it draws from torch's global generator; draw through self.draw")
    if loss.requires_grad or loss.numel() != 1:
        raise Fails("update must return a scalar without a graph")
    if rule.trains and not calls:
        raise Fails("update never called apply")
    for name in _named(rule):
        if not torch.equal(before[name], _state(rule)[name]):
            raise Fails(f"{name} moved although apply moved nothing: it must leave that to apply")
    for parameter in rule.parameters():
        if parameter.grad is not None and parameter.grad.shape != parameter.shape:
            raise Fails("an update has another shape than its parameter")
        if parameter.grad is not None and parameter.grad.stride() != parameter.stride():
            # PyTorch's fused optimisers go through both memories side by side.
            raise Fails("an update lies otherwise in memory than its parameter; see contiguous()")
    scores = rule.predict(bench.x)
    if scores.shape != (len(bench.x), bench.model.n_classes) or scores.requires_grad:
        raise Fails(f"predict must give (batch, n_classes) without a graph, gave {scores.shape}")
    names = list(rule.activity(bench.x))
    if names != _names(rule.network):
        raise Fails(f"activity must name every layer, gave {', '.join(names)}")


def updates_something(bench: _Bench) -> None:
    """A rule that trains leaves an update that is not zero."""
    rule = bench.fresh()
    if not rule.trains:
        raise Skips("it trains nothing")
    if not any(tensor.any() for tensor in update_of(rule, bench.x, bench.y).values()):
        raise Fails("its update is zero everywhere")


def same_seed_same_bits(bench: _Bench) -> None:
    """Two rules with one seed do the same, to the last bit, twice in a row."""
    one, two = bench.fresh(), bench.fresh()
    for _ in range(2):
        first, second = (update_of(rule, bench.x, bench.y) for rule in (one, two))
        for name, tensor in first.items():
            if not torch.equal(tensor, second[name]):
                raise Fails(f"the update of {name} differs between two runs of one seed")


def keeps_its_state_where_it_is_saved(bench: _Bench) -> None:
    """After its weights, its extras and its generator are restored, it goes on as it was."""
    rule = bench.fresh()
    if not rule.trains:
        raise Skips("it trains nothing")
    for _ in range(3):
        rule.update(bench.x, bench.y, _descend(rule, 1e-3))
    resumed = bench.fresh()
    resumed.network.load_state_dict(rule.network.state_dict())
    resumed.extra.load_state_dict(rule.extra.state_dict())
    resumed.generator.set_state(rule.generator.get_state())
    here, there = (update_of(r, bench.x, bench.y) for r in (rule, resumed))
    for name, tensor in here.items():
        if not torch.equal(tensor, there[name]):
            raise Fails(f"{name} learns differently after a resumption: keep state in self.extra")


def zero_error_zero_update(bench: _Bench) -> None:
    """Where the output is right, nothing changes."""
    rule = bench.fresh(lambda network: _always_right(network, bench.make().loss))
    if not rule.trains:
        raise Skips("it trains nothing")
    if not rule.output_error:
        raise Skips("it does not learn from an error at the output")
    if _reads_spikes(rule.network):
        raise Skips("one spike more or less is never certain to be right")
    if _spiking_layers(rule.network) and rule.loss != "cross_entropy":
        raise Skips("a potential does not stand still at a target")
    x = torch.ones_like(bench.x) if _spiking_layers(rule.network) else bench.x
    update = update_of(rule, bench.certain(rule, x), torch.full_like(bench.y, 2))
    for name, tensor in update.items():
        if name.startswith("network.") and tensor.abs().max() > 1e-12:
            raise Fails(f"{name} is updated by {float(tensor.abs().max()):.2g} without an error")


def _always_right(network: Network, loss: str) -> None:
    if not isinstance(network, RateNetwork):
        for weight in network.weights:  # every neuron below spikes at every step
            weight.fill_(2.0 * network.description.v_threshold_mv)
        network.weights[-1].zero_()
        network.weights[-1][2] = 1000.0
        return
    output = list(network)[-1]
    output.weight.zero_()
    output.bias.zero_()
    output.bias[2] = 1000.0 if loss == "cross_entropy" else 1.0


def hidden_units_are_exchangeable(bench: _Bench) -> None:
    """Relabelling the hidden units relabels the update."""
    rule = bench.fresh()
    spiking = _spiking_layers(rule.network)
    if not spiking and rule.network.kind != "mlp":
        raise Skips("tested on multi-layer perceptrons")
    if not rule.exchangeable_units:
        raise Skips("its hidden units have ranks or classes")
    generator = torch_generator(bench.seed, "permutations")
    weights = spiking or [layer.weight for layer in rule.network]
    sizes = [weight.shape[0] for weight in weights][:-1]
    orders = {i: torch.randperm(n, generator=generator) for i, n in enumerate(sizes)}
    axes: dict[str, tuple[Axis, ...]] = {}
    for index in range(len(sizes) + 1):
        axes[f"network.layers.{index}.weight"] = (index, index - 1)
        axes[f"network.layers.{index}.bias"] = (index,)
        axes[f"network.weights.{index}"] = (index, index - 1)
        axes[f"network.recurrent.{index}"] = (index, index)
    declared = rule.unit_axes()
    for name in rule.extra.state_dict():
        if name not in declared:
            raise Fails(f"unit_axes does not say which units the axes of '{name}' index")
        axes[f"extra.{name}"] = tuple(declared[name])
    relabelled = bench.fresh()
    # What else a network keeps, such as a membrane's threshold, is one for all of its units.
    state = {name: _permute(t, axes.get(name, ()), orders) for name, t in _state(rule).items()}
    for prefix, module in (("network.", relabelled.network), ("extra.", relabelled.extra)):
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )
    drawn = _record(rule)
    expected = update_of(rule, bench.x, bench.y)
    _replay(relabelled, [(_permute(t, a, orders), a) for t, a in drawn])
    found = update_of(relabelled, bench.x, bench.y)
    _compare(
        found,
        {name: _permute(t, axes[name], orders) for name, t in expected.items()},
        "relabelling the hidden units does not relabel the update",
    )


def _permute(
    tensor: torch.Tensor, axes: Sequence[Axis], orders: dict[int, torch.Tensor]
) -> torch.Tensor:
    for dimension, axis in enumerate(axes):
        if isinstance(axis, int) and axis in orders:
            tensor = tensor.index_select(dimension, orders[axis])
    return tensor


def batch_is_the_mean_of_its_samples(bench: _Bench) -> None:
    """The update of a batch is the mean of the updates of its samples."""
    rule = bench.fresh()
    if rule.batch_coupled:
        raise Skips("it compares the samples of a batch with one another")
    drawn = _record(rule)
    whole = update_of(rule, bench.x, bench.y)
    mean = {name: torch.zeros_like(tensor) for name, tensor in whole.items()}
    for i in range(N_SAMPLES):
        alone = bench.fresh()
        _replay(alone, [(_sample(tensor, axes, i), axes) for tensor, axes in drawn])
        for name, tensor in update_of(alone, bench.x[i : i + 1], bench.y[i : i + 1]).items():
            mean[name] += tensor / N_SAMPLES
    _compare(whole, mean, "the update of a batch is not the mean of its samples' updates")


def _sample(tensor: torch.Tensor, axes: Sequence[Axis], index: int) -> torch.Tensor:
    for dimension, axis in enumerate(axes):
        if axis == "batch":
            return tensor.narrow(dimension, index, 1)
    return tensor


def finite_for_dead_and_saturated_units(bench: _Bench) -> None:
    """Units that never or always fire leave finite updates."""

    def extreme(network: Network) -> None:
        if not isinstance(network, RateNetwork):
            for weight in list(network.weights)[:-1]:
                weight.fill_(1e6)
                weight[::2] = -1e6
            return
        hidden = list(network)[:-1]
        hidden[0].bias.fill_(-1e6)
        hidden[-1].bias.fill_(1e6)
        hidden[-1].bias[::2] = -1e6

    for name, tensor in update_of(bench.fresh(extreme), bench.x, bench.y).items():
        if not torch.isfinite(tensor).all():
            raise Fails(f"the update of {name} is not finite")


def a_step_lowers_its_objective(bench: _Bench) -> None:
    """A small step against the update lowers the rule's own objective on the same batch."""
    rule = bench.fresh()
    if not rule.trains:
        raise Skips("it trains nothing")
    if rule.descends == "none":
        raise Skips("it descends no objective")
    if _reads_spikes(rule.network):
        raise Skips("a small step changes no spike count")
    x = bench.certain(rule, bench.x)
    before = rule.objective(x, bench.y)
    rule.update(x, bench.y, _descend(rule, 1e-5, output_only=rule.descends == "output"))
    after = rule.objective(x, bench.y)
    if not after < before:
        raise Fails(f"its objective went from {float(before):.9g} to {float(after):.9g}")


def _descend(rule: Rule, rate: float, output_only: bool = False) -> Callable[[], None]:
    spiking = _spiking_layers(rule.network)
    output = {id(p) for p in (spiking[-1:] if spiking else list(rule.network)[-1].parameters())}

    @torch.no_grad()
    def step() -> None:
        for parameter in rule.parameters():
            if parameter.grad is not None and (not output_only or id(parameter) in output):
                parameter.sub_(parameter.grad, alpha=rate)
            parameter.grad = None

    return step


def gpu_agrees_with_cpu(bench: _Bench) -> None:
    """The same update on either device, to 1e-5."""
    if not torch.cuda.is_available():
        raise Skips("torch finds no GPU")
    rule, other = bench.fresh(), bench.fresh()
    other.network.cuda()
    other.extra.cuda()
    expected = update_of(rule, bench.x, bench.y)
    found = update_of(other, bench.x.cuda(), bench.y.cuda())
    _compare({k: v.cpu() for k, v in found.items()}, expected, "the GPU differs", 1e-5)


PROPERTIES: dict[str, Callable[[_Bench], None]] = {
    test.__name__: test
    for test in (
        keeps_the_contract,
        updates_something,
        same_seed_same_bits,
        keeps_its_state_where_it_is_saved,
        zero_error_zero_update,
        hidden_units_are_exchangeable,
        batch_is_the_mean_of_its_samples,
        finite_for_dead_and_saturated_units,
        a_step_lowers_its_objective,
        gpu_agrees_with_cpu,
    )
}


def describe_properties() -> dict[str, str]:
    """What each property says, by its name."""
    return {name: inspect.getdoc(test) or "" for name, test in PROPERTIES.items()}
