"""`check_rule`: the properties that every learning rule must have, tested on any rule.

Each property is a function that returns None, or raises `Fails` with a sentence, or `Skips` with
the reason why it does not apply. They read a rule's class attributes (see `spikelearn.rules.rule`)
for what it claims of itself, and nothing else of its inside.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import torch

from spikelearn._checks import CheckResult, Fails, Skips, failures, run_checks
from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised
from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import RateNetwork
from spikelearn.rules.rule import Axis, Rule, in_training, parts_of
from spikelearn.rules.small_network import (
    N_SAMPLES,
    Network,
    SmallNetwork,
    compare,
    descend,
    layer_names_of,
    make_always_right,
    named,
    permuted,
    reads_spikes,
    record,
    replay,
    sample_of,
    spiking_layers,
    state_of,
    update_of,
)


class RuleCheckError(SpikelearnError):
    """A rule lacks a property that it must have."""


def check_rule(
    rule: str | type[Rule] | Callable[[], Rule],
    model: Any = None,
    seed: int = 0,
    raise_on_failure: bool = True,
    **options: Any,
) -> list[CheckResult]:
    """Test every property that a learning rule must have.

    What a rule raises is the property that fails, with the line in its file; the others are tested
    all the same.

    Parameters
    ----------
    rule : str, class or callable
        Name of a shipped rule, or of a file and class as my_rule.py:MyRule; a class derived from
        `Rule`; or a function that makes a fresh rule.
    model : description, optional
        Of the network to test it on, such as `MLP` or `CNN`; a small one of the first kind that
        the rule trains, if absent.
    seed : int
        Of the weights, the data and the rule.
    raise_on_failure : bool
        Whether a property that fails raises; otherwise it is only reported.
    **options
        Of the rule, by name.

    Returns
    -------
    list of CheckResult
        One a property, in a fixed order.

    Raises
    ------
    RuleCheckError
        Naming every property that fails, and how.
    """
    try:
        small = SmallNetwork(rule, model, seed, options)
        small.fresh()
    except (SpikelearnError, KeyboardInterrupt):
        raise
    except BaseException as error:
        results = [CheckResult("can_be_prepared", False, raised(error))]
        results += [CheckResult(n, None, "it cannot be prepared") for n in list(PROPERTIES)[1:]]
    else:
        results = run_checks(PROPERTIES.items(), small)
    if raise_on_failure and (said := failures(results)):
        name = rule if isinstance(rule, str) else getattr(rule, "__name__", "the rule")
        raise RuleCheckError(f"{name} fails {said}")
    return results


# --- The properties.


def can_be_prepared(small: SmallNetwork) -> None:
    """It is made with its options, and prepares itself for a network."""
    small.fresh()


def keeps_the_contract(small: SmallNetwork) -> None:
    """Shapes, names, calls of apply, and who moves the weights."""
    rule = small.fresh()
    moved = [p for group in rule.groups().values() for p in group]
    if len({id(p) for p in moved}) != len(moved):
        raise Fails("a parameter is in two of its groups")
    lacking = {id(p) for p in rule.network.parameters()} - {id(p) for p in moved}
    if lacking:
        raise Fails("its groups leave out parameters of the network")
    before, global_state = state_of(rule), torch.get_rng_state()
    calls = []
    loss = rule.update(small.x, small.y, lambda: calls.append(1))
    if not torch.equal(global_state, torch.get_rng_state()):
        raise Fails("it draws from torch's global generator; draw through self.draw")
    if not isinstance(loss, torch.Tensor) or loss.requires_grad or loss.numel() != 1:
        raise Fails("update must return the loss, a scalar tensor without a graph")
    if rule.trains and not calls:
        raise Fails("update never called apply")
    for name in named(rule):
        if not torch.equal(before[name], state_of(rule)[name]):
            raise Fails(f"{name} moved although apply moved nothing: it must leave that to apply")
    for parameter in rule.parameters():
        if parameter.grad is not None and parameter.grad.shape != parameter.shape:
            raise Fails("an update has another shape than its parameter")
        if parameter.grad is not None and parameter.grad.stride() != parameter.stride():
            # PyTorch's fused optimisers go through both memories side by side.
            raise Fails("an update lies otherwise in memory than its parameter; see contiguous()")
    scores = rule.predict(small.x)
    if scores.shape != (len(small.x), small.model.n_classes) or scores.requires_grad:
        raise Fails(f"predict must give (batch, n_classes) without a graph, gave {scores.shape}")
    names = list(rule.activity(small.x))
    if names != layer_names_of(rule.network):
        raise Fails(f"activity must name every layer, gave {', '.join(names)}")


def updates_something(small: SmallNetwork) -> None:
    """A rule that trains leaves an update that is not zero."""
    rule = small.fresh()
    if not rule.trains:
        raise Skips("it trains nothing")
    if not any(tensor.any() for tensor in update_of(rule, small.x, small.y).values()):
        raise Fails("its update is zero everywhere")


def same_seed_same_bits(small: SmallNetwork) -> None:
    """Two rules with one seed do the same, to the last bit, twice in a row."""
    one, two = small.fresh(), small.fresh()
    for _ in range(2):
        first, second = (update_of(rule, small.x, small.y) for rule in (one, two))
        for name, tensor in first.items():
            if not torch.equal(tensor, second[name]):
                raise Fails(f"the update of {name} differs between two runs of one seed")


def keeps_its_state_where_it_is_saved(small: SmallNetwork) -> None:
    """After its weights, its extras and its generator are restored, it goes on as it was."""
    rule = small.fresh()
    if not rule.trains:
        raise Skips("it trains nothing")
    for _ in range(3):
        rule.update(small.x, small.y, descend(rule, 1e-3))
    resumed = small.fresh()
    resumed.network.load_state_dict(rule.network.state_dict())
    resumed.extra.load_state_dict(rule.extra.state_dict())
    resumed.generator.set_state(rule.generator.get_state())
    here, there = (update_of(r, small.x, small.y) for r in (rule, resumed))
    for name, tensor in here.items():
        if not torch.equal(tensor, there[name]):
            raise Fails(f"{name} learns differently after a resumption: keep state in self.extra")


def zero_error_zero_update(small: SmallNetwork) -> None:
    """Where the output is right, nothing changes."""
    rule = small.fresh(lambda network: make_always_right(network, small.make().loss))
    if not rule.trains:
        raise Skips("it trains nothing")
    if not rule.output_error:
        raise Skips("it does not learn from an error at the output")
    if reads_spikes(rule.network):
        raise Skips("one spike more or less is never certain to be right")
    if spiking_layers(rule.network) and rule.loss != "cross_entropy":
        raise Skips("a potential does not stand still at a target")
    x = torch.ones_like(small.x) if spiking_layers(rule.network) else small.x
    update = update_of(rule, small.certain(rule, x), torch.full_like(small.y, 2))
    for name, tensor in update.items():
        if name.startswith("network.") and tensor.abs().max() > 1e-12:
            raise Fails(f"{name} is updated by {float(tensor.abs().max()):.2g} without an error")


def hidden_units_are_exchangeable(small: SmallNetwork) -> None:
    """Relabelling the hidden units relabels the update."""
    rule = small.fresh()
    spiking = spiking_layers(rule.network)
    kernels = spiking and any(weight.ndim > 2 for weight in spiking)
    if kernels or (not spiking and rule.network.kind != "mlp"):
        raise Skips("tested on fully connected layers")
    if not rule.exchangeable_units:
        raise Skips("its hidden units have ranks or classes")
    if isinstance(rule.network, RateNetwork) and "group normalisation" in parts_of(rule.network):
        raise Skips("units of a group that is normalised are not those of another")
    generator = torch_generator(small.seed, "permutations")
    weights = spiking or [layer.weight for layer in rule.network]
    sizes = [weight.shape[0] for weight in weights][:-1]
    orders = {i: torch.randperm(n, generator=generator) for i, n in enumerate(sizes)}
    axes: dict[str, tuple[Axis, ...]] = {}
    for index in range(len(sizes) + 1):
        axes[f"network.layers.{index}.weight"] = (index, index - 1)
        axes[f"network.layers.{index}.bias"] = (index,)
        for name in ("weight", "bias", "running_mean", "running_var"):
            axes[f"network.layers.{index}.norm.{name}"] = (index,)
        axes[f"network.weights.{index}"] = (index, index - 1)
        axes[f"network.recurrent.{index}"] = (index, index)
    declared = rule.unit_axes()
    for name in rule.extra.state_dict():
        if name not in declared:
            raise Fails(f"unit_axes does not say which units the axes of '{name}' index")
        axes[f"extra.{name}"] = tuple(declared[name])
    relabelled = small.fresh()
    # What else a network keeps, such as a membrane's threshold, is one for all of its units.
    state = {name: permuted(t, axes.get(name, ()), orders) for name, t in state_of(rule).items()}
    for prefix, module in (("network.", relabelled.network), ("extra.", relabelled.extra)):
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )
    drawn = record(rule)
    expected = update_of(rule, small.x, small.y)
    replay(relabelled, [(permuted(t, a, orders), a) for t, a in drawn])
    relabelled_update = update_of(relabelled, small.x, small.y)
    compare(
        relabelled_update,
        {name: permuted(t, axes[name], orders) for name, t in expected.items()},
        "relabelling the hidden units does not relabel the update",
    )


def batch_is_the_mean_of_its_samples(small: SmallNetwork) -> None:
    """The update of a batch is the mean of the updates of its samples."""
    rule = small.fresh()
    if rule.batch_coupled:
        raise Skips("it compares the samples of a batch with one another")
    drawn = record(rule)
    whole = update_of(rule, small.x, small.y)
    mean = {name: torch.zeros_like(tensor) for name, tensor in whole.items()}
    for i in range(N_SAMPLES):
        alone = small.fresh()
        replay(alone, [(sample_of(tensor, axes, i), axes) for tensor, axes in drawn])
        for name, tensor in update_of(alone, small.x[i : i + 1], small.y[i : i + 1]).items():
            mean[name] += tensor / N_SAMPLES
    compare(whole, mean, "the update of a batch is not the mean of its samples' updates")


def finite_for_dead_and_saturated_units(small: SmallNetwork) -> None:
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

    for name, tensor in update_of(small.fresh(extreme), small.x, small.y).items():
        if not torch.isfinite(tensor).all():
            raise Fails(f"the update of {name} is not finite")


def a_step_lowers_its_objective(small: SmallNetwork) -> None:
    """A small step against the update lowers the rule's own objective on the same batch."""
    rule = small.fresh()
    if not rule.trains:
        raise Skips("it trains nothing")
    if rule.descends == "none":
        raise Skips("it descends no objective")
    if reads_spikes(rule.network):
        raise Skips("a small step changes no spike count")
    x = small.certain(rule, small.x)
    # Of the network as it is in the update: of the batch's statistics, and thinned alike.
    rates = isinstance(rule.network, RateNetwork)
    with in_training(rule, len(x)) if rates else contextlib.nullcontext():
        before = rule.objective(x, small.y)
        rule.update(x, small.y, descend(rule, 1e-5, output_only=rule.descends == "output"))
        after = rule.objective(x, small.y)
    if not after < before:
        raise Fails(f"its objective went from {float(before):.9g} to {float(after):.9g}")


def gpu_agrees_with_cpu(small: SmallNetwork) -> None:
    """The same update on either device, to 1e-5."""
    if not torch.cuda.is_available():
        raise Skips("torch finds no GPU")
    rule, other = small.fresh(), small.fresh()
    other.network.cuda()
    other.extra.cuda()
    expected = update_of(rule, small.x, small.y)
    on_gpu = update_of(other, small.x.cuda(), small.y.cuda())
    compare({k: v.cpu() for k, v in on_gpu.items()}, expected, "the GPU differs", 1e-5)


PROPERTIES: dict[str, Callable[[SmallNetwork], None]] = {
    test.__name__: test
    for test in (
        can_be_prepared,
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
