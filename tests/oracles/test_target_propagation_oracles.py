"""Target propagation against backpropagation, Gauss-Newton and its own losses, in 64 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import forward_pass, output_loss
from spikelearn.rules.target_propagation import DifferenceTargetPropagation

TP = "target_propagation"
DTP = "difference_target_propagation"
LDRL = "difference_target_propagation_ldrl"
KINDS = ["mlp", "cnn"]
TOPS = ["gradient", "inverse"]


def network(
    kind: str = "mlp", activation: str = "tanh", sizes: tuple[int, ...] = (16, 7, 6, 5, 4)
) -> RateNetwork:
    """A small network with biases away from zero."""
    model: Any = (
        MLP(name="m", sizes=sizes, activation="tanh")
        if kind == "mlp"
        else CNN(
            name="c", input_shape=(1, 4, 4), channels=(3, 2), pool=(1, 2), hidden=(5,),
            n_classes=4, activation="tanh",
        )
    )  # fmt: skip
    made: RateNetwork = model.build(0).double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in made:
            if layer.activation == "tanh":
                layer.activation = activation
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 6, n_inputs: int = 16, n_classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, n_inputs, generator=generator, dtype=torch.float64)
    return x, torch.randint(n_classes, (n,), generator=generator)


def prepared(name: str, net: RateNetwork, **options: Any) -> DifferenceTargetPropagation:
    rule = make_rule(name, **options)
    rule.prepare(net, torch.Generator().manual_seed(2))
    rule.extra.double()
    assert isinstance(rule, DifferenceTargetPropagation)
    return rule


def update_of(rule: Any, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """What `update` leaves in `.grad` of the network."""
    rule.update(x, y, lambda: None)
    return [p.grad.clone() for p in rule.network.parameters()]


def gradient(net: RateNetwork, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    loss = output_loss("cross_entropy", net(x), y)[0]
    return list(torch.autograd.grad(loss, list(net.parameters())))


def distance(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """Largest relative distance, by norm, of a pair of tensors."""
    assert len(found) == len(expected)
    return max(
        float((a - b).detach().norm() / b.detach().norm())
        for a, b in zip(found, expected, strict=True)
    )


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(nn.functional.cosine_similarity(a.detach().flatten(), b.detach().flatten(), dim=0))


def inverted(rule: DifferenceTargetPropagation) -> list[Any]:
    """The layers that have an inverse, in the inverses' order."""
    return list(rule.network)[1:][: len(rule.inverses())]


def set_transposed(rule: DifferenceTargetPropagation) -> None:
    """Inverses whose matrix is the transposed forward one."""
    with torch.no_grad():
        for layer, inverse in zip(inverted(rule), rule.inverses(), strict=True):
            inverse.weight.copy_(layer.weight)


def errors(rule: DifferenceTargetPropagation, x: torch.Tensor, y: torch.Tensor) -> Any:
    passes = forward_pass(rule.network, x)
    return passes, output_loss("cross_entropy", passes[-1].h, y)[1] * len(x)


# --- (a) A linear inverse with the transposed Jacobian makes it backpropagation.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [DTP, LDRL])
@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize("beta", [1e-5, 0.5])
def test_with_transposed_jacobians_for_inverses_it_is_backprop_on_a_linear_network(
    kind: str, name: str, top: str, beta: float
) -> None:
    net, (x, y) = network(kind, "identity"), batch()
    rule = prepared(name, net, beta=beta, top=top)
    assert distance(update_of(rule, x, y), gradient(net, x, y)) > 0.1
    set_transposed(rule)
    assert distance(update_of(rule, x, y), gradient(net, x, y)) < 5e-12


@pytest.mark.parametrize("top", TOPS)
def test_with_transposed_jacobians_for_inverses_it_is_backprop_on_a_nonlinear_network(
    top: str,
) -> None:
    # The Jacobian is each sample's own, so the batch is one sample.
    net, (x, y) = network(), batch(1)
    rule = prepared(DTP, net, beta=1e-5, top=top)
    with torch.no_grad():
        passes = forward_pass(net, x)
        for index, inverse in enumerate(rule.inverses(), start=1):
            p = passes[index]
            slopes = p.layer.slope(p.z, p.h)[0]
            inverse.weight.copy_(slopes[:, None] * p.layer.weight)
    assert distance(update_of(rule, x, y), gradient(net, x, y)) < 5e-12


@pytest.mark.parametrize("name", [TP, DTP])
def test_as_published_the_penultimate_layer_learns_by_backprop_whatever_the_inverses(
    name: str,
) -> None:
    net, (x, y) = network(), batch()
    found, expected = update_of(prepared(name, net), x, y), gradient(net, x, y)
    assert distance(found[-4:], expected[-4:]) < 1e-12
    assert distance(found[:2], expected[:2]) > 0.1
    # Where the target of the penultimate layer comes by an inverse too, only the output layer does.
    found = update_of(prepared(name, net, top="inverse"), x, y)
    assert distance(found[-2:], expected[-2:]) < 1e-12
    assert distance(found[-4:-2], expected[-4:-2]) > 0.1


# --- (b) Exact inverses make Gauss-Newton steps.


@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize("name", [TP, DTP])
def test_with_exact_inverses_the_target_step_is_the_gauss_newton_step(name: str, top: str) -> None:
    net, (x, y) = network("mlp", "identity", (4, 4, 4, 4, 4)), batch(6, 4)
    rule = prepared(name, net, beta=0.3, top=top, inverse_activation="identity")
    with torch.no_grad():
        for layer, inverse in zip(inverted(rule), rule.inverses(), strict=True):
            inverse.weight.copy_(torch.linalg.inv(layer.weight).T)
            inverse.bias.copy_(-inverse.weight.T @ layer.bias)
    passes, error = errors(rule, x, y)
    with torch.no_grad():
        steps = rule.steps(passes, error)
    weights = [w.detach().numpy() for w in net.weights()]
    goal = -0.3 * error.numpy()
    if top == "gradient":
        goal, weights = goal @ weights[-1], weights[:-1]
    for index, step in enumerate(steps):
        jacobian = np.eye(4)
        for weight in weights[index + 1 :]:
            jacobian = weight @ jacobian
        expected = np.linalg.solve(jacobian, goal.T).T
        np.testing.assert_allclose(step.numpy(), expected, rtol=1e-10, atol=1e-12)


def test_targets_through_exact_inverses_lead_the_network_to_the_output_target() -> None:
    net, (x, y) = network("mlp", "identity", (4, 4, 4, 4)), batch(6, 4)
    rule = prepared(TP, net, beta=0.3, top="inverse", inverse_activation="identity")
    with torch.no_grad():
        for layer, inverse in zip(inverted(rule), rule.inverses(), strict=True):
            inverse.weight.copy_(torch.linalg.inv(layer.weight).T)
            inverse.bias.copy_(-inverse.weight.T @ layer.bias)
        passes, error = errors(rule, x, y)
        h = passes[0].h + rule.steps(passes, error)[0]
        for layer in list(net)[1:]:
            h = layer(h)
    torch.testing.assert_close(h, passes[-1].h - 0.3 * error, rtol=1e-11, atol=1e-12)


# --- (c) Small steps are linear in beta.


@pytest.mark.parametrize("kind", KINDS)
def test_for_small_beta_the_step_of_the_targets_is_linear_in_beta(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    curvature = []
    for beta in (1e-2, 1e-3, 1e-4):
        steps = []
        for factor in (1, 2):
            rule = prepared(DTP, net, beta=factor * beta, inverse_activation="tanh", top="inverse")
            with torch.no_grad():
                steps.append(rule.steps(*errors(rule, x, y))[0])
        curvature.append(float((steps[1] - 2 * steps[0]).norm() / steps[0].norm()))
    # What is not linear is quadratic: ten times less of it for a tenth of beta.
    assert curvature[0] < 0.05
    assert curvature[1] / curvature[0] == pytest.approx(0.1, rel=0.1)
    assert curvature[2] / curvature[1] == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("name", [DTP, LDRL])
def test_with_affine_inverses_the_update_does_not_depend_on_beta(name: str) -> None:
    net, (x, y) = network(), batch()
    one, two = (update_of(prepared(name, net, beta=beta), x, y) for beta in (1e-6, 0.7))
    assert distance(one, two) < 1e-12


# --- (d) What the inverses learn.


def learn_inverses(rule: DifferenceTargetPropagation, x: torch.Tensor, n_steps: int) -> None:
    """Stochastic gradient descent of the inverses alone, with a rate that falls to 0."""
    parameters = [p for i in rule.inverses() for p in i.parameters()]
    with torch.no_grad():
        passes = forward_pass(rule.network, x)
        for step in range(n_steps):
            rule.teach_inverses(passes)
            for p in parameters:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=0.05 * (1 - step / n_steps))
                    p.grad = None


@pytest.mark.parametrize("kind", KINDS)
def test_ldrl_on_linear_layers_converges_to_the_transposed_forward_weights(kind: str) -> None:
    net, (x, _) = network(kind, "identity"), batch(40)
    rule = prepared(LDRL, net, sigma=0.1)
    pairs = list(zip(inverted(rule), rule.inverses(), strict=True))
    assert max(cosine(inverse.weight, layer.weight) for layer, inverse in pairs) < 0.9
    learn_inverses(rule, x, 600 if kind == "mlp" else 1500)
    for layer, inverse in pairs:
        assert cosine(inverse.weight, layer.weight) > 0.995
        assert distance([inverse.weight], [layer.weight]) < 0.08


def test_a_denoising_inverse_does_not_become_the_transposed_forward_weights() -> None:
    net, (x, _) = network("mlp", "identity"), batch(40)
    rule = prepared(DTP, net, sigma=0.1)
    learn_inverses(rule, x, 600)
    pairs = list(zip(inverted(rule), rule.inverses(), strict=True))
    assert min(cosine(inverse.weight, layer.weight) for layer, inverse in pairs) < 0.9


def test_ldrl_on_nonlinear_layers_converges_to_the_mean_transposed_jacobian() -> None:
    net, (x, _) = network(), batch(40)
    rule = prepared(LDRL, net, sigma=0.02)
    learn_inverses(rule, x, 1200)
    with torch.no_grad():
        passes = forward_pass(net, x)
    for p, inverse in zip(passes[1:], rule.inverses(), strict=True):
        wanted = p.layer.slope(p.z, p.h).mean(0)[:, None] * p.layer.weight
        assert distance([inverse.weight], [wanted]) < 0.06


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [TP, DTP, LDRL])
@pytest.mark.parametrize("top", TOPS)
def test_inverses_learn_by_the_gradient_of_their_published_loss(
    kind: str, name: str, top: str
) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared(name, net, sigma=0.2, top=top, n_feedback=1)
    drawn: list[torch.Tensor] = []
    original = rule.draw

    def draw(*args: Any) -> torch.Tensor:
        drawn.append(original(*args))
        return drawn[-1]

    rule.draw = draw  # type: ignore[method-assign]
    found: list[torch.Tensor] = []

    def keep() -> None:
        if not found:  # the first call is the inverses' own
            assert all(p.grad is None for p in net.parameters())
            found.extend(i.weight.grad for i in rule.inverses())
            found.extend(i.bias.grad for i in rule.inverses() if i.bias.grad is not None)
            for p in rule.extra.parameters():
                p.grad = None

    rule.update(x, y, keep)
    h = [x.reshape(len(x), *next(iter(net)).in_shape), *(a.detach() for a in net.activity(x))]
    losses, noise = [], iter(0.2 * d for d in drawn)
    for index, (f, g) in enumerate(zip(inverted(rule), rule.inverses(), strict=True), start=1):
        below, here = h[index], h[index + 1]
        noisy = below + next(noise)
        if name == LDRL:
            xi, zeta = noisy - below, next(noise)
            reached = g(f, f(noisy).detach(), here) - g(f, here, here)
            spread = (g(f, here + zeta, here) - g(f, here, here)).square().sum()
            loss = (-2 * (xi * reached).sum() + spread) / 0.2**2
        else:
            loss = (g(f, f(noisy).detach(), here) - noisy).square().sum() / 2
        losses.append(loss / len(x))
    wanted = [i.weight for i in rule.inverses()]
    # The loss of L-DRL is one of differences, in which the bias of an affine inverse drops out.
    wanted += [] if name == LDRL else [i.bias for i in rule.inverses()]
    expected = torch.autograd.grad(torch.stack(losses).sum(), wanted)
    assert distance(found, list(expected)) < 1e-10


def test_ldrl_brings_the_update_closer_to_backprop_than_denoising_does() -> None:
    net, (x, y) = network(), batch(40)
    x = 0.3 * x  # away from saturation, where every sample has a Jacobian of its own
    truth = torch.cat([g.flatten() for g in gradient(net, x, y)[:-2]])
    found = {}
    for name in (DTP, LDRL):
        rule = prepared(name, net, top="inverse")
        learn_inverses(rule, x, 600)
        update = update_of(rule, x, y)[:-2]
        found[name] = cosine(torch.cat([g.flatten() for g in update]), truth)
    assert found[LDRL] > 0.9
    assert found[LDRL] > found[DTP] + 0.2


# --- (e) No error, no update.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize("psi", ["identity", "tanh"])
def test_where_the_output_is_on_target_no_layer_moves_at_all(kind: str, top: str, psi: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared(DTP, net, top=top, inverse_activation=psi, loss="squared_error")
    passes = forward_pass(net, x)
    with torch.no_grad():
        assert all(s.any() for s in rule.steps(passes, errors(rule, x, y)[1]))
        assert not any(s.any() for s in rule.steps(passes, torch.zeros_like(passes[-1].h)))
        output = list(net)[-1]
        output.weight.zero_()
        output.bias.copy_(torch.eye(4)[2])
    assert not any(g.any() for g in update_of(rule, x, torch.full_like(y, 2)))


def test_plain_target_propagation_moves_layers_even_where_the_output_is_on_target() -> None:
    net, (x, _) = network(), batch()
    rule = prepared(TP, net)
    passes = forward_pass(net, x)
    with torch.no_grad():
        assert rule.steps(passes, torch.zeros_like(passes[-1].h))[0].any()


# --- The update written out by hand, one sample at a time.


@pytest.mark.parametrize("name", [TP, DTP])
@pytest.mark.parametrize("top", TOPS)
def test_the_update_is_its_formula_written_out_by_hand(name: str, top: str) -> None:
    net, (x, y) = network(), batch()
    beta = 0.4
    rule = prepared(name, net, beta=beta, top=top, inverse_activation="tanh")
    layers = [(w.weight.detach().numpy(), w.bias.detach().numpy()) for w in net]
    back = [(i.weight.detach().numpy(), i.bias.detach().numpy()) for i in rule.inverses()]

    def g(index: int, h: np.ndarray) -> np.ndarray:
        matrix, bias = back[index - 1]
        return np.tanh(matrix.T @ h + bias)

    total = [np.zeros_like(p) for pair in layers for p in pair]
    last = len(layers) - 1
    for sample, label in zip(x.numpy(), y.numpy(), strict=True):
        h = [sample]
        for index, (w, b) in enumerate(layers):
            z = w @ h[-1] + b
            h.append(z if index == last else np.tanh(z))
        error = np.exp(h[-1]) / np.exp(h[-1]).sum()
        error[label] -= 1
        target: dict[int, np.ndarray] = {}  # by layer, from 0
        if top == "gradient":
            target[last - 1] = h[last] - beta * layers[last][0].T @ error
        else:
            target[last] = h[last + 1] - beta * error
        for index in range(max(target), 0, -1):
            target[index - 1] = g(index, target[index])
            if name == DTP:
                target[index - 1] += h[index] - g(index, h[index + 1])
        for index in range(len(layers)):
            if index == last:
                delta = error
            else:
                delta = (h[index + 1] - target[index]) * (1 - h[index + 1] ** 2) / beta
            total[2 * index] += np.outer(delta, h[index]) / len(y)
            total[2 * index + 1] += delta / len(y)
    expected = [torch.from_numpy(t) for t in total]
    assert distance(update_of(rule, x, y), expected) < 1e-12
