"""Local losses: nothing passes between layers; every update is the gradient of its own loss."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.local_losses import similarities
from spikelearn.rules.rule import one_hot_targets
from tests.oracles.examples import batch, gradient, network, prepared, relative_error, update_of

KINDS = ["mlp", "cnn"]
NAMES = ["local_pred", "local_sim", "local_predsim", "local_predsim_bio"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_no_layer_feels_the_loss_of_another(kind: str, name: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared(name, net)
    before = update_of(rule, x, y)
    # Whatever is above a layer, its update stays, to the bit.
    with torch.no_grad():
        for parameter in [
            *list(net)[-1].parameters(),
            *list(rule.extra["heads"].children())[1].parameters(),
        ]:
            parameter.mul_(-3.0)
    after = update_of(rule, x, y)
    assert all(torch.equal(a, b) for a, b in zip(before[:2], after[:2], strict=True))
    assert not torch.equal(before[-2], after[-2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES[:3])
def test_a_layers_update_is_the_gradient_of_its_own_loss(kind: str, name: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared(name, net)
    found = update_of(rule, x, y)
    below = x
    for index, layer in enumerate(net):
        h = layer(below.detach())
        loss = rule._loss(index, layer, h, y)
        expected = torch.autograd.grad(loss, [layer.weight, layer.bias])
        assert relative_error(found[2 * index : 2 * index + 2], list(expected)) < 1e-14
        step = 1e-6
        flat = layer.weight.data.view(-1)
        for position in (0, flat.numel() // 2):
            kept = flat[position].item()
            values = []
            for shift in (step, -step):
                flat[position] = kept + shift
                with torch.no_grad():
                    values.append(float(rule._loss(index, layer, layer(below.detach()), y)))
            flat[position] = kept
            slope = (values[0] - values[1]) / (2 * step)
            assert float(found[2 * index].view(-1)[position]) == pytest.approx(
                slope, rel=1e-5, abs=1e-9
            )
        below = h


def test_with_the_output_layer_as_its_head_one_hidden_layer_learns_by_backpropagation() -> None:
    net, (x, y) = network(sizes=(16, 7, 4)), batch()
    rule = prepared("local_pred", net)
    head = next(iter(rule.extra["heads"].children()))["pred"]  # type: ignore[index]
    with torch.no_grad():
        head.weight.copy_(net.weights()[1])
        head.bias.copy_(list(net)[1].bias)
    assert relative_error(update_of(rule, x, y), gradient(net, x, y)) < 1e-14
    # And the head learns what the output layer learns: they stay one.
    rule.update(x, y, lambda: None)
    torch.testing.assert_close(head.weight.grad, net.weights()[1].grad)


def test_similarity_does_not_change_under_rotations_about_the_mean_or_orders_of_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    # A rotation that keeps the direction (1, ..., 1), along which features are centred.
    basis = torch.linalg.qr(
        torch.cat([torch.ones(6, 1), torch.randn(6, 5, generator=generator)], 1).double()
    )[0]
    turn = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64))[0]
    whole = torch.eye(6, dtype=torch.float64)
    whole[1:, 1:] = turn
    rotation = basis @ whole @ basis.T
    torch.testing.assert_close(similarities(h @ rotation), similarities(h))
    torch.testing.assert_close(similarities(2.5 * h + 1), similarities(h))
    order = torch.randperm(8, generator=generator)
    torch.testing.assert_close(similarities(h[order]), similarities(h)[order][:, order])
    centred = h - h.mean(1, keepdim=True)
    expected = nn.functional.cosine_similarity(centred[2], centred[5], dim=0)
    torch.testing.assert_close(similarities(h)[2, 5], expected)


def test_the_similarity_loss_vanishes_for_labels_themselves_and_ignores_the_order() -> None:
    net, (x, y) = network(), batch(12)
    rule = prepared("local_predsim_bio", net)
    rule.weight_of_sim = 1.0  # type: ignore[misc]
    labels = one_hot_targets(y, 4, x)
    assert float(rule._sim(0, labels, y)) == pytest.approx(0.0, abs=1e-20)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    a, b = rule.objective(x, y), rule.objective(x[order], y[order])
    torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_without_transport_the_head_sends_its_error_through_other_weights(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = make_rule("local_predsim_bio")
    rule.weight_of_sim = 0.0  # type: ignore[misc]
    rule.prepare(net, torch.Generator().manual_seed(0))
    rule.extra.double()
    generator = torch.Generator().manual_seed(1)
    heads = [head["pred"] for head in rule.extra["heads"].children()]  # type: ignore[index]
    with torch.no_grad():
        for head in heads:
            head.weight.copy_(torch.randn(head.weight.shape, generator=generator))
    found = update_of(rule, x, y)
    matrices = list(rule.extra["feedback"].parameters())
    # With the head's own weights in their place it is the gradient; as drawn it is not.
    with torch.no_grad():
        for matrix, head in zip(matrices, heads, strict=True):
            matrix.copy_(head.weight)
    symmetric = update_of(rule, x, y)
    below = x
    for index, layer in enumerate(net):
        h = layer(below.detach())
        expected = torch.autograd.grad(rule._loss(index, layer, h, y), layer.weight)[0]
        torch.testing.assert_close(symmetric[2 * index], expected)
        below = h
    assert relative_error(found[:2], symmetric[:2]) > 0.1


def test_a_head_reads_no_more_features_than_it_may() -> None:
    model = CNN(name="c", input_shape=(3, 32, 32), channels=(32, 64), pool=(1, 2))
    rule = make_rule("local_pred")
    rule.prepare(model.build(0), torch.Generator())
    sizes = [head["pred"].in_features for head in rule.extra["heads"].children()]  # type: ignore[index]
    assert sizes == [32 * 8 * 8, 64 * 4 * 4]
    dense = make_rule("local_pred")
    dense.prepare(MLP(name="m", sizes=(9, 3000, 4)).build(0), torch.Generator())
    assert next(iter(dense.extra["heads"].children()))["pred"].in_features == 3000  # type: ignore[index]


@pytest.mark.parametrize("name", ["local_sim", "local_predsim"])
def test_similarity_losses_compare_samples_of_a_batch(name: str) -> None:
    assert make_rule(name).batch_coupled
    assert not make_rule("local_pred").batch_coupled


def test_a_silent_layer_leaves_a_finite_similarity_loss() -> None:
    h = torch.zeros(5, 4, dtype=torch.float64, requires_grad=True)
    value = similarities(h).square().sum()
    assert torch.isfinite(torch.autograd.grad(value, h)[0]).all()
