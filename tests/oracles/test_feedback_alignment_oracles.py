"""Feedback alignment in all its forms against closed forms, in 64-bit arithmetic."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule
from spikelearn.training.config import TrainConfig
from spikelearn.training.optimization import Optimizer
from tests.oracles.feedback_weights import (
    ALL,
    LAYERWISE,
    MODELS,
    SIGNS,
    Updates,
    assert_close,
    batch,
    clamp,
    cosine,
    feedback,
    network,
    prepared,
    set_feedback,
    update_of,
)

# --- Equivalences.


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", LAYERWISE)
def test_with_the_forward_weights_as_feedback_it_is_backprop(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    expected = update_of(prepared("backprop", net), x, y)
    rule = prepared(name, net)
    magnitudes = name == "sign_symmetric_fixed"
    set_feedback(rule, [w.abs() if magnitudes else w for w in net.weights()[1:]])
    assert_close(update_of(rule, x, y), expected)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", ALL)
def test_the_output_layer_learns_as_in_backprop_and_the_hidden_layers_do_not(
    name: str, kind: str
) -> None:
    net, (x, y) = network(kind), batch()
    expected = update_of(prepared("backprop", net), x, y)
    found = update_of(prepared(name, net), x, y)
    assert_close(found[-2:], expected[-2:])
    assert not torch.allclose(found[0], expected[0], rtol=1e-3)


def test_below_one_hidden_layer_of_feature_maps_direct_feedback_is_feedback_alignment() -> None:
    model = CNN(name="c", input_shape=(1, 4, 4), channels=(3,), pool=(2,), n_classes=5)
    net, (x, y) = model.build(0).double(), batch()
    step, direct = prepared("feedback_alignment", net), prepared("direct_feedback_alignment", net)
    set_feedback(direct, feedback(step))
    assert_close(update_of(direct, x, y), update_of(step, x, y), rtol=1e-14)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", ["feedback_alignment", "direct_feedback_alignment"])
def test_the_signal_is_a_linear_map_of_the_error_by_the_adjoint_of_the_feedback(
    name: str, kind: str
) -> None:
    # Against automatic differentiation of the network with feedback in place of forward weights.
    net, (x, y) = network(kind), batch()
    rule = prepared(name, net)
    found = update_of(rule, x, y)
    layers, matrices = list(net), feedback(rule)
    with torch.no_grad():
        hs = [x, *net.activity(x)]
    error = hs[-1].softmax(1) - nn.functional.one_hot(y, 5)
    delta = error / len(y)
    expected: Updates = []
    for index in reversed(range(len(layers))):
        layer, h = layers[index], hs[index]
        if index < len(layers) - 1:
            above = layers[index + 1]
            reach = hs[index + 1].clone().requires_grad_()
            if name == "direct_feedback_alignment":
                (signal,) = torch.autograd.grad(
                    (reach.flatten(1) @ matrices[index].T * error / len(y)).sum(), reach
                )
            else:
                (signal,) = torch.autograd.grad(
                    (above.through(matrices[index], reach) * delta).sum(), reach
                )
            z = layer.drive(h).detach().requires_grad_()
            (delta,) = torch.autograd.grad((layer.activate(z) * signal).sum(), z)
        made = torch.autograd.grad((layer.drive(h) * delta).sum(), [layer.weight, layer.bias])
        expected = [*made, *expected]
    assert_close(found, expected)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    "name", ["feedback_alignment", "direct_feedback_alignment", "kolen_pollack"]
)
def test_no_weight_is_transported(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    clamp(net, x)
    rule = prepared(name, net)
    found = update_of(rule, x, y)
    with torch.no_grad():
        for weight in net.weights():
            weight.copy_(torch.randn_like(weight))
    assert all(torch.equal(a, b) for a, b in zip(update_of(rule, x, y), found, strict=True))


# --- Sign-symmetric feedback.


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", SIGNS)
def test_only_the_signs_of_the_forward_weights_are_transported(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    clamp(net, x)

    def found() -> Updates:
        return update_of(prepared(name, net), x, y)

    before = found()
    with torch.no_grad():
        for weight in net.weights()[1:]:
            weight.mul_(10 ** torch.randn_like(weight))
    assert all(torch.equal(a, b) for a, b in zip(found(), before, strict=True))
    with torch.no_grad():
        net.weights()[-1].neg_()
    after = found()
    index = 2 * (len(net) - 2)
    torch.testing.assert_close(after[index], -before[index], rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", SIGNS)
def test_magnitudes_have_the_variance_of_initial_weights(name: str) -> None:
    net = MLP(name="m", sizes=(8, 300, 200, 10)).build(0).double()
    rule = prepared(name, net)
    for layer, matrix in zip(list(net)[1:], rule._feedback(), strict=True):
        # He et al.'s 2 / fan-in, as a mean of squares: uSF has it in every entry, the other two on
        # average; u^2 of a uniform u has the standard deviation sqrt(4/45) = 0.894 of its mean.
        expected = 2.0 / layer.fan_in
        spread = 0.0 if name == "sign_symmetric_uniform" else 0.9 / math.sqrt(matrix.shape[0])
        assert float(matrix.square().mean()) == pytest.approx(expected, rel=1e-6 + 3 * spread)
        assert torch.equal(matrix.sign(), layer.weight.detach().sign())
    again = rule._feedback()
    same = [torch.equal(a, b) for a, b in zip(rule._feedback(), again, strict=True)]
    assert same == [name != "sign_symmetric_random"] * 2


@pytest.mark.parametrize("kind", MODELS)
def test_magnitudes_of_a_batch_are_independent_in_pairs(kind: str) -> None:
    net = network(kind)
    rule = prepared("sign_symmetric_random", net)
    n = 4000
    drawn = torch.stack([rule._feedback()[0].abs().flatten() for _ in range(n)])
    limit = math.sqrt(6.0 / list(net)[1].fan_in)  # of a uniform number of variance 2 / fan-in
    covariance = torch.cov(drawn.T) / (limit**2 / 12.0)
    expected = torch.eye(len(covariance), dtype=torch.float64)
    assert (drawn.mean(0) / limit - 0.5).abs().max() < 5 / math.sqrt(12 * n)
    assert (covariance - expected).abs().max() < 5.5 / math.sqrt(n)
    quarters = (drawn / limit * 4).floor().long()
    assert quarters.min() >= 0
    for i, j in itertools.islice(itertools.combinations(range(drawn.shape[1]), 2), 0, None, 37):
        counts = torch.bincount(4 * quarters[:, i] + quarters[:, j], minlength=16)
        # Chi-squared with 15 degrees of freedom: above 50 in one of 80,000.
        assert float(((counts - n / 16) ** 2).sum() / (n / 16)) < 50.0


# --- Kolen-Pollack.


# --- Weight mirror.


# --- Learning aligns.


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    return torch.tensor(found.data / 16.0, dtype=torch.float32), torch.tensor(found.target)


def angles(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Degrees between the rule's and backprop's update of each hidden layer's weights."""

    def weight_updates(of: Rule) -> Updates:
        of.update(x, y, lambda: None)
        return [weight.grad.clone() for weight in of.network.weights()[:-1]]

    backprop = make_rule("backprop")
    backprop.prepare(rule.network, torch.Generator())
    pairs = zip(weight_updates(rule), weight_updates(backprop), strict=True)
    return [math.degrees(math.acos(cosine(a, b))) for a, b in pairs]


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("feedback_alignment", 85.0, 80.0),
        ("direct_feedback_alignment", 85.0, 80.0),
        ("kolen_pollack", 85.0, 40.0),
        ("weight_mirror", 85.0, 20.0),
        ("sign_symmetric_uniform", 0.0, 50.0),
        ("sign_symmetric_fixed", 0.0, 55.0),
        ("sign_symmetric_random", 0.0, 55.0),
    ],
)
def test_within_an_epoch_updates_come_to_lie_within_a_right_angle_of_the_gradient(
    name: str, least: float, most: float
) -> None:
    x, y = digits()
    rule = make_rule(name)
    rule.prepare(MLP(name="m", sizes=(64, 128, 64, 10)).build(0), torch_generator(0, "rule"))
    if name != "weight_mirror":
        assert min(angles(rule, x, y)) > least
    decay = 0.1 if name == "kolen_pollack" else 0.0
    config = TrainConfig(
        model="mlp_784", rule=name, optimizer="sgd", learning_rate=0.05, weight_decay=decay
    )
    stepper = Optimizer(config, rule)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    for chosen in order.split(4):
        rule.update(x[chosen], y[chosen], stepper.step)
    assert max(angles(rule, x, y)) < most
