"""Surrogate gradients, OTTT and DECOLLE in convolutional spiking networks, against autograd.

The reference is the network unrolled by plain operations of PyTorch, with named paths cut.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import (
    avg_pool2d,
    batch_norm,
    conv2d,
    cross_entropy,
    linear,
    max_pool2d,
    pad,
)

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_cnn import SpikingCNN
from spikelearn.networks.spiking_convolutional import SpikingConvolutional
from spikelearn.networks.spiking_mlp import surrogate_slope
from spikelearn.rules.eligibility import OTTT, Decolle, EPropSpiking
from spikelearn.rules.rule import Rule
from spikelearn.rules.surrogate import Surrogate

Leaves = dict[str, torch.Tensor]
X = torch.rand(4, 63, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
Y = torch.tensor([0, 2, 1, 1])
PARTS: dict[str, dict[str, Any]] = {
    "max pooling, standardised kernels, time constants": {
        "channels": (4, 5), "pool": ("max 2", 1), "norm": ("weights", "weights"),
        "learn_tau": True,
    },
    "average pooling, a residual layer, a dense one": {
        "channels": (4, 5), "pool": ("average 2", 1), "residual": (False, True), "hidden": (6,),
        "input": "latency", "latency_ms": 6.0, "readout": "spikes",
    },
    "strides, averages, biases, one spike of a neuron": {
        "channels": (4, 5), "pool": ("max 2", 2), "stride": (2, 1), "padding": 1, "once": True,
        "tau_readout_ms": 0.0, "v_threshold_mv": 0.2,
    },
}  # fmt: skip


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, distance: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * surrogate_slope(ctx.saved_tensors[0])


def network(**fields: Any) -> SpikingConvolutional:
    settings: dict[str, Any] = {
        "name": "small", "input_shape": (1, 9, 7), "n_classes": 3, "duration_ms": 12.0,
        "v_threshold_mv": 0.5,
    }  # fmt: skip
    net = SpikingCNN(**settings | fields).build(1).double()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for layer in net:
            if layer.has_bias:
                noise = torch.rand(layer.bias.shape, generator=generator, dtype=torch.float64)
                layer.bias.copy_(0.2 * noise)
    return net


def leaves(net: SpikingConvolutional) -> Leaves:
    return {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}


def kernels(p: Leaves, at: str) -> torch.Tensor:
    weight = p[f"{at}.weight"]
    if f"{at}.gain" not in p:
        return weight
    flat = weight.flatten(1)
    shifted = flat - flat.mean(1, keepdim=True)
    variance = shifted.square().sum(1, keepdim=True) / (flat.shape[1] - 1)
    size = (variance * flat.shape[1] + 1e-4).sqrt()
    return (p[f"{at}.gain"][:, None] * shifted / size).view_as(weight)


def drives(net: SpikingConvolutional, p: Leaves, index: int, h: torch.Tensor) -> torch.Tensor:
    """(steps, batch, ...) from what arrives, (steps, batch, ...)."""
    at = f"synapses.layers.{index}"
    flat = h.flatten(0, 1)
    shapes = net.description.convolutions()
    bias = p.get(f"{at}.bias")
    if index >= len(shapes):
        z = linear(flat.flatten(1), p[f"{at}.weight"], bias)
        return z.unflatten(0, h.shape[:2])
    shape = shapes[index]
    flat = flat.view(-1, *shape.in_shape)
    z = conv2d(flat, kernels(p, at), bias, stride=shape.stride, padding=shape.padding)
    if shape.averaged > 1:
        z = avg_pool2d(z, shape.averaged)
    if shape.residual:
        more = shape.channels - flat.shape[1]
        z = z + pad(flat[:, :, :: shape.stride, :: shape.stride], (0, 0, 0, 0, 0, more))
    if shape.norm == "batch":
        z = batch_norm(z, None, None, p[f"{at}.norm.weight"], p[f"{at}.norm.bias"], training=True)
    return z.unflatten(0, h.shape[:2])


def pooled(net: SpikingConvolutional, index: int, spikes: torch.Tensor) -> torch.Tensor:
    shapes = net.description.convolutions()
    if index >= len(shapes) or shapes[index].pooling is None:
        return spikes
    pool = shapes[index].pooling
    take = max_pool2d if pool.kind == "max" else avg_pool2d
    sent = take(spikes.flatten(0, 1), pool.size, pool.stride).unflatten(0, spikes.shape[:2])
    if net.description.once and pool.kind == "max":
        closed = torch.zeros_like(sent[0])
        steps = []
        for step in sent:
            steps.append(step * (1.0 - closed))
            closed = torch.maximum(closed, step.detach())
        sent = torch.stack(steps)
    return sent


def unrolled(
    net: SpikingConvolutional, p: Leaves, cut: str = "nothing"
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """What hidden layers send and the output of every step; `cut`: ways of spikes upwards.

    "past": what a spike does in later steps has no gradient; "all": what it does at once, neither.
    """
    d, n = net.description, net.n_reached
    shown = net.encode(X, torch.Generator())
    h = shown.expand(n, *shown.shape[1:]) if d.input == "current" else shown[:n]
    sent = []
    for index in range(len(net.synapses)):
        last = index == len(net.synapses) - 1
        if d.learn_tau and not last:
            beta: Any = torch.sigmoid(p[f"decay_logits.{index}"])
        else:
            beta = net.decays[index]
        whole = drives(net, p, index, h.detach() if cut == "all" else h)
        without = drives(net, p, index, h.detach()) if cut == "past" else whole
        left: Any = torch.zeros_like(whole[0])
        quiet = torch.ones_like(whole[0])
        out = []
        for t in range(n):
            v, kept = beta * left + whole[t], beta * left + without[t]
            if last and d.readout == "potential":
                out.append(v)
                left = kept
                continue
            fired = _Spike.apply(v - d.v_threshold_mv)
            left = kept - d.v_threshold_mv * fired.detach()
            if d.once:
                fired = fired * quiet
                quiet = quiet - fired.detach()
            out.append(fired)
        h = pooled(net, index, torch.stack(out))
        sent.append(h)
    assert min(float(one.detach().mean()) for one in sent[:-1]) > 0.02
    return sent[:-1], sent[-1]


def mean_loss(out: torch.Tensor) -> torch.Tensor:
    return sum(cross_entropy(step, Y) for step in out) / len(out)  # type: ignore[return-value]


def update_of(rule: Rule, net: SpikingConvolutional) -> Leaves:
    rule.prepare(net, torch_generator(0, "rule"))
    rule.extra.double()
    found: Leaves = {}

    def keep() -> None:
        found.update({name: p.grad.clone() for name, p in net.named_parameters()})  # type: ignore[union-attr]

    rule.update(X, Y, keep)
    return found


def assert_close(found: Leaves, loss: torch.Tensor, p: Leaves, tolerance: float = 1e-11) -> None:
    expected = torch.autograd.grad(loss, list(p.values()))
    for name, gradient in zip(p, expected, strict=True):
        assert float(gradient.norm()) > 1e-9, f"nothing of {name} is compared"
        gap = float((found[name] - gradient).norm() / gradient.norm())
        assert gap < tolerance, f"{name} differs by {gap:.2g}"


@pytest.mark.parametrize("fields", list(PARTS.values()), ids=list(PARTS))
def test_surrogate_gradients_are_those_of_the_unrolled_network(fields: dict[str, Any]) -> None:
    net = network(**fields)
    p = leaves(net)
    _, out = unrolled(net, p)
    score = out.mean(0) if net.description.readout == "potential" else out.sum(0)
    assert_close(update_of(Surrogate(), net), cross_entropy(score, Y), p)


def test_they_are_so_behind_batch_normalisation() -> None:
    net = network(channels=(4, 5), pool=("max 2", 1), norm="batch", reset="subtract")
    p = leaves(net)
    _, out = unrolled(net, p)
    assert_close(update_of(Surrogate(), net), cross_entropy(out.mean(0), Y), p)


@pytest.mark.parametrize("backend", ["snntorch", "norse"])
def test_neurons_of_other_libraries_have_the_same_gradients(backend: Any) -> None:
    fields = {"channels": (4, 5), "pool": ("max 2", 1), "norm": "weights"}
    ours = update_of(Surrogate(), network(**fields))
    theirs = update_of(Surrogate(backend=backend), network(**fields))
    for name, gradient in ours.items():
        torch.testing.assert_close(theirs[name], gradient, rtol=1e-5, atol=1e-8)


def test_time_constants_learn_on_native_alone() -> None:
    net = network(channels=(4,), pool=1, learn_tau=True)
    with pytest.raises(SpikelearnError, match="trained on native alone, not on norse"):
        update_of(Surrogate(backend="norse"), net)


@pytest.mark.parametrize("fields", list(PARTS.values()), ids=list(PARTS))
def test_ottt_is_backpropagation_with_the_past_of_spikes_detached(fields: dict[str, Any]) -> None:
    net = network(**fields)
    p = leaves(net)
    assert_close(update_of(OTTT(), net), mean_loss(unrolled(net, p, "past")[1]), p)
    whole = torch.autograd.grad(mean_loss(unrolled(net, p)[1]), p["synapses.layers.0.weight"])[0]
    found = net.weights[0].grad
    if not fields.get("once"):
        assert float((whole - found).norm() / whole.norm()) > 1e-3  # the cut is one


@pytest.mark.parametrize("fields", list(PARTS.values()), ids=list(PARTS))
def test_decolle_is_the_gradient_of_each_layers_own_guess(fields: dict[str, Any]) -> None:
    net = network(**fields)
    rule = Decolle()
    found = update_of(rule, net)
    p = leaves(net)
    sent, out = unrolled(net, p, "all")
    loss = mean_loss(out)
    for h, readout in zip(sent, rule.extra["readouts"].parameters(), strict=True):
        loss = loss + mean_loss(h.flatten(2) @ readout.T)
    assert_close(found, loss, p)


@pytest.mark.parametrize("make", [OTTT, Decolle])
def test_online_updates_add_up_to_the_whole_where_the_weights_stand_still(make: Any) -> None:
    fields = PARTS["max pooling, standardised kernels, time constants"]
    whole = update_of(make(), network(**fields))
    net, rule = network(**fields), make(online=True)
    rule.prepare(net, torch_generator(0, "rule"))
    rule.extra.double()
    total: Leaves = {name: torch.zeros_like(p) for name, p in net.named_parameters()}

    def add() -> None:
        for name, p in net.named_parameters():
            total[name] += p.grad  # type: ignore[operator]

    rule.update(X, Y, add)
    for name, gradient in whole.items():
        torch.testing.assert_close(total[name], gradient, rtol=1e-9, atol=1e-12)


def test_online_updates_go_by_weights_that_have_moved() -> None:
    # The drive of a current is computed once, as long as its weights stand still.
    fields = PARTS["max pooling, standardised kernels, time constants"]
    net, rule = network(**fields), OTTT(online=True)
    rule.prepare(net, torch_generator(0, "rule"))
    seen: list[torch.Tensor] = []

    @torch.no_grad()
    def move() -> None:
        seen.append(net.weights[0].grad.clone())  # type: ignore[union-attr]
        net.weights[0].mul_(-1.0)

    rule.update(X, Y, move)
    assert not torch.allclose(
        seen[1], update_of(OTTT(), network(**fields))["synapses.layers.0.weight"]
    )
    layer = next(iter(net))
    assert len(seen) == net.n_reached
    assert layer.weight.shape == seen[0].shape


@pytest.mark.parametrize("make", [OTTT, Decolle])
def test_batch_normalisation_is_refused_by_rules_that_learn_in_every_step(make: Any) -> None:
    net = network(channels=(4,), pool=1, norm="batch")
    with pytest.raises(SpikelearnError, match="take norm: weights"):
        make().prepare(net, torch_generator(0, "rule"))


def test_eprop_trains_no_convolutional_network() -> None:
    with pytest.raises(SpikelearnError, match="networks of kind spiking_mlp, not spiking_cnn"):
        EPropSpiking().prepare(network(channels=(4,), pool=1), torch_generator(0, "rule"))
