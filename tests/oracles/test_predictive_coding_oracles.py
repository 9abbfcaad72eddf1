"""Predictive coding against closed forms and backpropagation, in 64-bit arithmetic."""

from __future__ import annotations

import itertools

import pytest
import torch

from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.residual_mlp import ResidualMLP
from spikelearn.rules.predictive_coding import Relaxation
from spikelearn.rules.rule import forward_pass, one_hot_targets, output_loss
from tests.oracles.examples import (
    batch,
    cosine,
    flat,
    gradient,
    network,
    prepared,
    relative_error,
    update_of,
)

KINDS = ["mlp", "cnn"]
LOSSES = ["cross_entropy", "squared_error"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["predictive_coding_zil", "predictive_coding_fixed_prediction"])
def test_zil_and_fixed_prediction_are_backpropagation(
    kind: str, activation: str, loss: str, name: str
) -> None:
    net, (x, y) = network(kind, activation), batch()
    found = update_of(prepared(name, net, loss=loss), x, y)
    tolerance = 3e-16 if (name, kind) == ("predictive_coding_zil", "mlp") else 8e-16
    assert relative_error(found, gradient(net, x, y, loss)) <= tolerance


@pytest.mark.parametrize("kind", KINDS)
def test_zil_and_fixed_prediction_are_one_rule_to_the_last_bit(kind: str) -> None:
    # In a batch of eight, over which the mean is exact.
    net, (x, y) = network(kind), batch(8)
    zil = update_of(prepared("predictive_coding_zil", net), x, y)
    fixed = update_of(prepared("predictive_coding_fixed_prediction", net), x, y)
    assert all(torch.equal(a, b) for a, b in zip(zil, fixed, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_prediction_relaxes_to_backpropagation_from_any_rate(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    slow = prepared("predictive_coding_fixed_prediction", net, n_steps=600, rate=0.1)
    assert relative_error(update_of(slow, x, y), gradient(net, x, y)) < 1e-14
    few = prepared("predictive_coding_fixed_prediction", net, n_steps=3, rate=0.1)
    assert relative_error(update_of(few, x, y), gradient(net, x, y)) > 0.1


def relaxed(
    net: RateNetwork, x: torch.Tensor, y: torch.Tensor, n_steps: int, rate: float
) -> Relaxation:
    with torch.no_grad():
        state = Relaxation(forward_pass(net, x), y, "squared_error")
        for _ in range(n_steps):
            state.move(rate)
            state.predict()
    return state


def small_targets(net: RateNetwork, x: torch.Tensor, y: torch.Tensor, step: float) -> None:
    """Move the output's bias so that predictions of one sample are a small step from its label."""
    with torch.no_grad():
        target = one_hot_targets(y, 4, x)
        e = torch.tensor([[0.3, -0.2, 0.5, 0.1]], dtype=torch.float64)
        net.layers[-1].bias += (target - net(x) + step * e)[0]


def output_jacobians(net: RateNetwork, x: torch.Tensor) -> list[torch.Tensor]:
    """Derivative of the output's z by each hidden layer's z, for one sample."""
    passes = forward_pass(net, x)
    found = []
    for index in range(len(passes) - 1):

        def above(z: torch.Tensor, index: int = index) -> torch.Tensor:
            h = passes[index].layer.activate(z)
            for p in passes[index + 1 :]:
                h = p.layer(h)
            return h[0]

        jacobian = torch.autograd.functional.jacobian(above, passes[index].z)
        found.append(jacobian.reshape(4, -1))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_strict_equilibrium_errors_are_preconditioned_ones(kind: str) -> None:
    worst = []
    for step in (1e-3, 1e-4):
        net, (x, y) = network(kind), batch(1)
        small_targets(net, x, y, step)
        state = relaxed(net, x, y, 2500, 0.15)
        jacobians = output_jacobians(net, x)
        e = one_hot_targets(y, 4, x)[0] - net(x)[0].detach()
        s = torch.eye(4, dtype=torch.float64) + sum(j @ j.T for j in jacobians)
        at_output = torch.linalg.solve(s, e)
        expected = [*(j.T @ at_output for j in jacobians), at_output]
        worst.append(
            max(
                float((found.flatten() - wanted).norm() / wanted.norm())
                for found, wanted in zip(state.errors, expected, strict=True)
            )
        )
    # The closed form is that of the network made linear: what is left is of the first order.
    assert worst[1] < 4.6e-5
    assert worst[0] / worst[1] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_the_strict_update_is_not_backpropagation_however_small_the_error(kind: str) -> None:
    apart = []
    for step in (1e-2, 1e-4):
        net, (x, y) = network(kind), batch(1)
        small_targets(net, x, y, step)
        rule = prepared("predictive_coding", net, n_steps=1000, rate=0.15)
        found, truth = flat(update_of(rule, x, y)), flat(gradient(net, x, y, "squared_error"))
        apart.append(float((found - truth).norm() / truth.norm()))
        assert 0.85 < cosine(found, truth) < 0.99
    assert apart[0] == pytest.approx(apart[1], rel=1e-2)
    assert apart[1] > 0.4


def test_energy_of_a_linear_network_at_equilibrium_has_its_closed_form() -> None:
    net, (x, y) = network("mlp", "tanh"), batch(1)
    for layer in net:
        layer.activation = "identity"
    state = relaxed(net, x, y, 20_000, 0.1)
    weights = [w.detach() for w in net.weights()]
    jacobians = [weights[2] @ weights[1], weights[2]]
    e = (one_hot_targets(y, 4, x) - net(x))[0].detach()
    s = torch.eye(4, dtype=torch.float64) + sum(j @ j.T for j in jacobians)
    expected = 0.5 * e @ torch.linalg.solve(s, e)
    assert float(state.energy()[0].detach()) == pytest.approx(float(expected), rel=1e-9)


def test_relaxation_falls_below_the_critical_rate_and_rises_above_it() -> None:
    net, (x, y) = network("mlp", "tanh"), batch(1)
    for layer in net:
        layer.activation = "identity"
    _, w_2, w_3 = (w.detach() for w in net.weights())
    # Errors of all layers by the values of the two hidden ones: the rows of a linear map.
    zero, one, two = torch.zeros, torch.eye(7).double(), torch.eye(6).double()
    errors = torch.cat(
        [
            torch.cat([one, zero(7, 6)], 1),
            torch.cat([-w_2, two], 1),
            torch.cat([zero(4, 7), -w_3], 1),
        ]
    )
    critical = 2 / float(torch.linalg.eigvalsh(errors.T @ errors).max())

    def energies(rate: float) -> list[float]:
        with torch.no_grad():
            return [relaxed(net, x, y, n, rate).energy().item() for n in range(60)]

    for rate in (0.5 * critical, 0.99 * critical):
        assert all(after < before for before, after in itertools.pairwise(energies(rate)))
    diverging = energies(1.05 * critical)[40:]
    assert all(after > before for before, after in itertools.pairwise(diverging))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_energy_falls_with_every_step_of_relaxation(kind: str, loss: str) -> None:
    net, (x, y) = network(kind), batch()
    with torch.no_grad():
        state = Relaxation(forward_pass(net, x), y, loss)  # type: ignore[arg-type]
        energies = [state.energy()]
        for _ in range(100):
            state.move(0.1)
            state.predict()
            energies.append(state.energy())
    for before, after in itertools.pairwise(energies):
        assert (after < before + 1e-14).all()
    assert (energies[-1] < 0.999 * energies[0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_relaxation_is_a_step_down_the_energys_gradient(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    state = relaxed(net, x, y, 3, 0.1)
    values = [
        (f + m).detach().requires_grad_() for f, m in zip(state.forward, state.moved, strict=True)
    ]
    energy, below = torch.zeros((), dtype=torch.float64), x
    for layer, value in zip(list(net)[:-1], values[:-1], strict=True):
        energy = energy + 0.5 * (value - layer.drive(below)).square().sum()
        below = layer.activate(value)
    output = list(net)[-1].drive(below)
    energy = energy + 0.5 * (one_hot_targets(y, 4, x) - output).square().sum()
    slopes = torch.autograd.grad(energy, values[:-1])
    before = [m.clone() for m in state.moved]
    with torch.no_grad():
        state.move(1e-3)
    for slope, old, new in zip(slopes, before, state.moved, strict=False):
        torch.testing.assert_close((new - old) / 1e-3, -slope, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_nudging_tends_to_backpropagation_in_the_first_order(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    truth = gradient(net, x, y)
    options = {"n_steps": 1500, "rate": 0.1}
    errors = {
        nudging: [
            relative_error(
                update_of(
                    prepared(f"predictive_coding_{nudging}", net, beta=beta, **options), x, y
                ),
                truth,
            )
            for beta in (1e-1, 1e-2, 1e-3)
        ]
        for nudging in ("nudged", "centred")
    }
    one_sided, centred = errors["nudged"], errors["centred"]
    for larger, smaller in itertools.pairwise(one_sided):
        assert larger / smaller == pytest.approx(10, rel=0.2)
    # Of both nudges together the first order cancels.
    for larger, smaller in itertools.pairwise(centred):
        assert larger / smaller == pytest.approx(100, rel=0.25)
    assert one_sided[-1] < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_without_relaxation_the_output_layer_alone_learns(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    found = update_of(prepared("predictive_coding", net, n_steps=0), x, y)
    assert not any(g.any() for g in found[:-2])
    truth = gradient(net, x, y, "squared_error")
    assert relative_error(found[-2:], truth[-2:]) < 1e-15


def test_the_error_reaches_one_layer_further_down_with_each_step() -> None:
    net, (x, y) = network("mlp", sizes=(16, 7, 6, 5, 4)), batch()
    for n_steps in range(4):
        found = update_of(prepared("predictive_coding", net, n_steps=n_steps), x, y)
        reached = [bool(g.any()) for g in found[::2]]
        assert reached == [n_steps >= 3 - index for index in range(4)]


def test_at_the_forward_pass_without_a_label_there_is_no_energy() -> None:
    net, (x, y) = network(), batch()
    state = Relaxation(forward_pass(net, x), y, "squared_error", nudge=0.0)
    assert not state.energy().any()
    with torch.no_grad():
        state.move(0.5)
    assert not any(m.any() for m in state.moved)


def test_incremental_coding_with_still_weights_adds_up_the_updates_along_the_way() -> None:
    net, (x, y) = network(), batch()
    found = update_of(prepared("predictive_coding_incremental", net, n_steps=3, rate=0.1), x, y)
    steps = [
        update_of(prepared("predictive_coding", net, n_steps=n, rate=0.1), x, y) for n in (0, 1, 2)
    ]
    expected = [sum(parts) for parts in zip(*steps, strict=True)]
    assert relative_error(found, expected) < 1e-14


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_incremental_coding_is_gradient_descent_in_values_and_weights_together(
    kind: str, loss: str
) -> None:
    (x, y), n_steps, rate, learning_rate = batch(), 5, 0.1, 0.2
    net, other = network(kind), network(kind)
    rule = prepared("predictive_coding_incremental", net, n_steps=n_steps, rate=rate, loss=loss)
    optimizer = torch.optim.SGD(rule.parameters(), lr=learning_rate)
    rule.update(x, y, optimizer.step)
    # The same by automatic differentiation of the energy.
    *hidden, output = list(other)
    parameters = list(other.parameters())
    values = [p.z.clone().requires_grad_() for p in forward_pass(other, x)[:-1]]
    for _ in range(n_steps):
        energy, below = torch.zeros((), dtype=torch.float64), x
        for layer, value in zip(hidden, values, strict=True):
            energy = energy + 0.5 * (value - layer.drive(below)).square().sum()
            below = layer.activate(value)
        energy = energy + len(x) * output_loss(loss, output.drive(below), y)[0]  # type: ignore[arg-type]
        slopes = torch.autograd.grad(energy, [*values, *parameters])
        with torch.no_grad():
            for value, slope in zip(values, slopes, strict=False):
                value.sub_(rate * slope)
            for parameter, slope in zip(parameters, slopes[len(values) :], strict=True):
                parameter.sub_(learning_rate * slope / len(x))
    start = [p.detach() for p in network(kind).parameters()]
    moved = [p.detach() - p_0 for p, p_0 in zip(net.parameters(), start, strict=True)]
    expected = [p.detach() - p_0 for p, p_0 in zip(parameters, start, strict=True)]
    assert relative_error(moved, expected) < 1e-13


def test_incremental_coding_moves_weights_at_every_step() -> None:
    net, (x, y) = network(), batch()
    rule = prepared("predictive_coding_incremental", net, n_steps=4)
    calls = []
    optimizer = torch.optim.SGD(rule.parameters(), lr=0.1)
    before = net.weights()[0].detach().clone()

    def step() -> None:
        optimizer.step()
        calls.append(net.weights()[0].detach().clone())

    rule.update(x, y, step)
    assert len(calls) == 4
    # The error needs two steps to the first layer.
    assert torch.equal(calls[0], before)
    assert torch.equal(calls[1], before)
    assert not torch.equal(calls[2], before)
    assert not torch.equal(calls[3], calls[2])


# --- Deep residual networks.


def residual(depth: int = 6) -> RateNetwork:
    model = ResidualMLP(
        name="r", n_inputs=16, width=12, depth=depth, n_classes=4, activation="tanh"
    )
    return model.build(0).double()


def test_the_residual_network_is_its_formula() -> None:
    net, (x, _) = residual(3), batch()
    w = [weight.detach() for weight in net.weights()]
    h = x @ w[0].T / 4
    for block in w[1:-1]:
        h = h + torch.tanh(h) @ block.T / (12 * 2) ** 0.5
    torch.testing.assert_close(net(x).detach(), torch.tanh(h) @ w[-1].T / 12)


def test_products_and_pulls_of_residual_blocks_are_derivatives() -> None:
    net, (x, _) = residual(), batch()
    h = x
    for layer in net:
        h = h.detach().requires_grad_()
        z = layer.drive(h)
        delta = torch.randn(z.shape, generator=torch.Generator().manual_seed(2), dtype=z.dtype)
        back, weight, bias = torch.autograd.grad(z, (h, layer.weight, layer.bias), delta)
        torch.testing.assert_close(layer.pull(h, delta), back)
        torch.testing.assert_close(layer.product(h, delta), (weight, bias))
        h = z


def test_mupc_descends_its_energy_through_many_layers() -> None:
    net, (x, y) = residual(32), batch()
    state = relaxed(net, x, y, 200, 0.3)
    start = relaxed(net, x, y, 0, 0.3)
    assert (state.energy() < start.energy()).all()
    assert all(torch.isfinite(e).all() for e in state.errors)
    assert state.errors[0].abs().max() > 0


def test_relaxation_in_a_residual_network_is_as_stiff_at_any_width() -> None:
    def largest_curvature(width: int) -> float:
        model = ResidualMLP(
            name="r", n_inputs=16, width=width, depth=8, n_classes=4, activation="tanh"
        )
        net = model.build(0).double()
        passes = forward_pass(net, batch(1)[0])

        def curvature(v: list[torch.Tensor]) -> list[torch.Tensor]:
            """The energy's Hessian (Gauss-Newton) times a direction, for still slopes."""
            errors = [v[0]] + [
                v[i] - (p.layer.drive(passes[i - 1].h + 1e-6 * v[i - 1]) - p.z) / 1e-6
                for i, p in enumerate(passes[1:-1], start=1)
            ]
            below = passes[-1].layer.drive(passes[-2].h + 1e-6 * v[-1])
            errors.append(-(below - passes[-1].z) / 1e-6)
            return [
                errors[i] - passes[i + 1].layer.pull(passes[i].h, errors[i + 1])
                if i + 1 < len(passes) - 1
                else errors[i] - passes[-1].layer.pull(passes[i].h, errors[-1])
                for i in range(len(v))
            ]

        generator = torch.Generator().manual_seed(0)
        v = [torch.randn(p.z.shape, generator=generator, dtype=torch.float64) for p in passes[:-1]]
        size = 0.0
        with torch.no_grad():
            for _ in range(60):
                v = curvature(v)
                size = float(torch.stack([a.norm() ** 2 for a in v]).sum().sqrt())
                v = [a / size for a in v]
        return size

    narrow, wide = largest_curvature(16), largest_curvature(256)
    assert wide == pytest.approx(narrow, rel=0.25)
    assert wide < 6.5  # a chain of identities alone has 4
