"""Neurons that are pooled, normalised and thinned: their derivatives, and when a batch counts."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.normalisation import Normalisation

POOLS = ["1", "max 2", "max 3 stride 2", "average 2", "average 3 stride 2"]
NORMS = ["none", "batch", "group 2"]
KINDS = list(itertools.product(POOLS, NORMS, [False, True]))


def network(pool="max 2", norm="none", residual=True) -> RateNetwork:
    made = CNN(
        name="c", input_shape=(2, 14, 13), channels=(4, 4), pool=int(pool) if pool == "1" else pool,
        norm=norm, residual=[False, residual], stride=[1, 2 if residual else 1], n_classes=3,
        activation="tanh", kernel_size=3,
    ).build(0).double()  # fmt: skip
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "norm" in name:  # some scales below 0: what was highest is lowest
                parameter.normal_(generator=torch.Generator().manual_seed(3))
    return made


def batch(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("thinned", [False, True])
@pytest.mark.parametrize(("pool", "norm", "in_update"), KINDS)
def test_back_and_forth_are_the_derivatives_of_the_neurons(pool, norm, in_update, thinned):
    layer = next(iter(network(pool, norm)))
    net = RateNetwork([layer])
    masks = {0: (batch(3, *layer.out_shape) > 0).double() / 0.7} if thinned else {}
    z, signal = batch(3, *layer.drive_shape), batch(3, *layer.out_shape) + 1
    learnt = [] if layer.norm is None else list(layer.norm.parameters())

    def derivatives():
        given = z.clone().requires_grad_()
        h = layer.activate(given)
        expected = torch.autograd.grad(h, [given, *learnt], signal)
        back, h = layer.back(signal, z, h.detach()), h.detach()
        torch.testing.assert_close(back, expected[0])
        torch.testing.assert_close(layer.norm_gradients(signal, z, h), list(expected[1:]))
        torch.testing.assert_close(layer.descend(signal, z, h), expected[0])
        torch.testing.assert_close([p.grad for p in learnt], list(expected[1:]))
        change = batch(3, *layer.drive_shape).flip(0)
        if layer.norm is None:
            moved = torch.func.jvp(layer.activate, (z,), (change,))[1]
            torch.testing.assert_close(layer.forth(change, z, h), moved)
        if layer.norm is None or not (layer.norm.weight < 0).any():
            torch.testing.assert_close(layer.send(layer.fire(z)), h)
        pooled = layer.unpool(signal, z)
        assert pooled.shape == z.shape
        torch.testing.assert_close(pooled.sum(), signal.sum())

    if in_update:
        with net.learning(masks):
            layer.activate(z)  # the first batch moves the running means
            derivatives()
    elif not thinned:
        derivatives()


@pytest.mark.parametrize(("pool", "norm", "residual"), KINDS)
def test_transpose_and_product_are_the_derivatives_of_the_drive(pool, norm, residual):
    layer = list(network(pool, norm, residual))[1]
    h = batch(3, *layer.in_shape).requires_grad_()
    z = layer.drive(h)
    delta = torch.randn_like(z)
    learnt = [layer.weight, *([layer.bias] if layer.has_bias else [])]
    by_h, *expected = torch.autograd.grad(z, [h, *learnt], delta)
    found = layer.product(h.detach(), delta)
    torch.testing.assert_close(layer.transpose(layer.weight, delta), by_h)
    torch.testing.assert_close(list(found)[: len(expected)], expected)


def test_a_batch_counts_in_an_update_alone_whatever_mode_the_module_is_in():
    net, x = network("max 2", "batch"), batch(5, 2, 14, 13)
    at_rest = [h.clone() for h in net.activity(x)]
    torch.testing.assert_close(net(x[:1]), at_rest[-1][:1])  # no sample knows of the others
    before = {name: t.clone() for name, t in net.state_dict().items()}
    net.train()
    torch.testing.assert_close(net.activity(x), at_rest)
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    with net.learning({}):
        assert not torch.allclose(net(x), at_rest[-1])
    torch.testing.assert_close(net.layers[1].norm.forward(batch(2, 4, 3, 3)),
                               net.layers[1].norm(batch(2, 4, 3, 3)))  # fmt: skip
    moved = [name for name, t in net.state_dict().items() if not torch.equal(t, before[name])]
    assert moved == [f"layers.{i}.norm.running_{what}" for i in (0, 1) for what in ("mean", "var")]


def test_running_means_are_pytorchs_and_move_once_an_update():
    ours, theirs = Normalisation("batch", 3), nn.BatchNorm2d(3)
    for part in batch(3, 4, 3, 5, 2).float():
        ours.begin_update()
        torch.testing.assert_close(ours(part), theirs(part))
        ours(2 * part)
        ours.end_update()
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    theirs.eval()
    torch.testing.assert_close(ours(part), theirs(part))


def test_an_error_in_an_update_ends_it():
    net = network("max 2", "batch")
    with pytest.raises(RuntimeError), net.learning({0: torch.ones(1)}):
        raise RuntimeError
    assert net.layers[0].mask is None
    assert not net.is_learning


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("pool", POOLS)
def test_networks_answer_in_inference_mode_too(pool, norm):
    net, images = network(pool, norm), batch(2, 2 * 14 * 13)
    expected = net(images)
    with torch.inference_mode():
        assert torch.equal(net(images), expected)
        assert torch.equal(net(images.clone()), expected)


def test_a_batch_without_a_variance_is_refused():
    norm = Normalisation("batch", 3)
    norm.begin_update()
    with pytest.raises(SpikelearnError, match="needs more than one value of a channel"):
        norm(torch.rand(1, 3, 1, 1))
    assert torch.isfinite(norm(torch.rand(2, 3, 1, 1))).all()
    assert torch.isfinite(norm.running_var).all()
