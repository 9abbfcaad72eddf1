"""Feedback that keeps the forward signs, that learns, and feedback of convolutional networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikelearn._seeding import torch_generator
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from tests.oracles.examples import (
    batch,
    cosine,
    gradient,
    network,
    prepared,
    relative_error,
    update_of,
)

KINDS = ["mlp", "cnn"]
SIGN_SYMMETRIC = ["sign_symmetric_uniform", "sign_symmetric_fixed", "sign_symmetric_random"]
ALIGNED = ["feedback_alignment", *SIGN_SYMMETRIC, "kolen_pollack", "weight_mirror"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "elu"])
@pytest.mark.parametrize("name", ["feedback_alignment", "kolen_pollack"])
def test_feedback_by_the_forward_weights_is_backpropagation(
    kind: str, activation: str, name: str
) -> None:
    net, (x, y) = network(kind, activation), batch()
    rule = prepared(name, net)
    with torch.no_grad():
        for matrix, weight in zip(
            rule.extra["feedback"].parameters(), net.weights()[1:], strict=True
        ):
            matrix.copy_(weight)
    assert relative_error(update_of(rule, x, y), gradient(net, x, y)) < 1e-14


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*ALIGNED, "direct_feedback_alignment"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_the_output_layer_learns_the_gradient_whatever_the_feedback(
    kind: str, name: str, loss: str
) -> None:
    net, (x, y) = network(kind), batch()
    found = update_of(prepared(name, net, loss=loss), x, y)
    expected = gradient(net, x, y, loss)
    assert relative_error(found[-2:], expected[-2:]) < 1e-14
    assert relative_error(found[:2], expected[:2]) > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_direct_feedback_reaches_the_last_hidden_layer_like_feedback_alignment(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    step, direct = prepared("feedback_alignment", net), prepared("direct_feedback_alignment", net)
    last = list(step.extra["feedback"].parameters())[-1]
    with torch.no_grad():
        list(direct.extra["feedback"].parameters())[-1].copy_(last)
    found, expected = update_of(direct, x, y), update_of(step, x, y)
    assert relative_error(found[-4:], expected[-4:]) < 1e-14


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SIGN_SYMMETRIC)
def test_sign_symmetric_feedback_reads_no_more_than_signs(kind: str, name: str) -> None:
    net = network(kind)
    rule = prepared(name, net)
    state = rule.generator.get_state()
    before = [m.clone() for m in rule._feedback()]
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in net.weights()[1:]:
            weight.mul_(torch.rand(weight.shape, generator=generator, dtype=torch.float64) + 0.1)
    rule.generator.set_state(state)
    after = rule._feedback()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    for matrix, weight in zip(after, net.weights()[1:], strict=True):
        assert torch.equal(matrix.sign(), weight.sign())
    with torch.no_grad():
        net.weights()[1].neg_()
    assert torch.equal(rule._feedback()[0].sign(), -before[0].sign())


def test_magnitudes_of_sign_symmetric_feedback_are_one_or_fixed_or_new() -> None:
    net = network()
    uniform, still, new = (prepared(name, net) for name in SIGN_SYMMETRIC)
    assert len(uniform._feedback()[0].abs().unique()) == 1
    first, second = still._feedback()[0], still._feedback()[0]
    assert torch.equal(first, second)
    assert len(first.abs().unique()) == first.numel()
    assert not torch.equal(new._feedback()[0].abs(), new._feedback()[0].abs())
    for name in SIGN_SYMMETRIC:  # all of the size of the forward weights
        big = MLP(name="b", sizes=(4, 300, 300, 4)).build(0)
        rule = make_rule(name)
        rule.prepare(big, torch_generator(0, "rule"))
        ratio = rule._feedback()[0].square().mean() / big.weights()[1].square().mean()
        assert float(ratio.detach()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_kolen_pollack_forgets_its_asymmetry_at_the_rate_of_the_decay(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared("kolen_pollack", net)
    rate, decay, n_steps = 0.1, 0.1, 500
    optimizer = torch.optim.SGD(rule.parameters(), lr=rate, weight_decay=decay)

    def gaps() -> list[torch.Tensor]:
        feedback = rule.extra["feedback"].parameters()
        return [(w - b).detach() for w, b in zip(net.weights()[1:], feedback, strict=True)]

    start = gaps()
    for _ in range(n_steps):
        rule.update(x, y, optimizer.step)
    for before, after in zip(start, gaps(), strict=True):
        assert float(after.norm() / before.norm()) == pytest.approx(
            (1 - rate * decay) ** n_steps, rel=1e-9
        )
    net_update, truth = update_of(rule, x, y), gradient(net, x, y)
    assert relative_error(net_update, truth) < 0.05  # symmetric by now


def test_a_mirror_sees_the_forward_weights_better_the_longer_it_looks() -> None:
    net = MLP(name="m", sizes=(5, 8, 6), activation="tanh").build(0).double()
    with torch.no_grad():
        for weight in net.weights():
            weight.mul_(0.3)
    found = []
    for n_noise in (100, 1000, 10_000):
        cosines = []
        for seed in range(10):
            rule = prepared("weight_mirror", net, seed, n_noise=n_noise)
            matrix = next(rule.extra["feedback"].parameters())
            with torch.no_grad():
                matrix.zero_()
            rule.mirror()
            cosines.append(cosine(-matrix.grad, net.weights()[1]))
        found.append(sum(cosines) / len(cosines))
    # Chance falls as sqrt(N / (N + c)).
    c = 100 * (1 / found[0] ** 2 - 1)
    assert found == sorted(found)
    assert found[1] == pytest.approx((1000 / (1000 + c)) ** 0.5, abs=0.01)
    assert found[2] > 0.998


@pytest.mark.parametrize("kind", KINDS)
def test_a_mirror_comes_to_rest_at_the_forward_weights(kind: str) -> None:
    net = network(kind, "tanh")
    with torch.no_grad():
        for layer in net:
            layer.weight.mul_(0.2)
            layer.bias.zero_()
    rule = prepared("weight_mirror", net, n_noise=4000, sigma=0.05)
    optimizer = torch.optim.SGD(rule.extra["feedback"].parameters(), lr=0.05)
    for _ in range(200):
        rule.mirror()
        optimizer.step()
    for matrix, weight in zip(rule.extra["feedback"].parameters(), net.weights()[1:], strict=True):
        assert cosine(matrix, weight) > 0.99
        assert float(matrix.norm() / weight.norm()) == pytest.approx(1.0, abs=0.05)


def test_a_mirror_phase_moves_feedback_alone_and_learning_the_network_alone() -> None:
    net, (x, y) = network(), batch()
    rule = prepared("weight_mirror", net, every=2)
    seen = []

    def record() -> None:
        seen.append([p.grad is not None for p in rule.parameters()])
        for p in rule.parameters():
            p.grad = None

    rule.update(x, y, record)
    rule.update(x, y, record)
    n_network, n_feedback = 6, 2
    mirror = [False] * n_network + [True] * n_feedback
    learn = [True] * n_network + [False] * n_feedback
    assert seen == [mirror, learn, learn]


@pytest.mark.parametrize("name", ["feedback_alignment", "direct_feedback_alignment"])
def test_alignment_falls_below_a_right_angle_within_an_epoch(name: str) -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16), torch.tensor(y)
    net = MLP(name="m", sizes=(64, 100, 100, 10)).build(0).double()
    rule = prepared(name, net)
    optimizer = torch.optim.Adam(rule.network.parameters(), lr=5e-3)
    for start in range(0, len(x), 20):
        rule.update(x[start : start + 20], y[start : start + 20], optimizer.step)
    value = nn.functional.cross_entropy(net(x), y)
    truth = torch.autograd.grad(value, list(net.parameters()))
    found = update_of(rule, x, y)
    for a, b in zip(found[:-2:2], truth[:-2:2], strict=True):
        assert cosine(a, b) > 0.05
