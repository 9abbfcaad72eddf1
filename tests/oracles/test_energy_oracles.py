"""The energy that states relax in: it falls, and rest is where it is stationary."""

from __future__ import annotations

import itertools

import pytest
import torch

from spikelearn.rules.energy_based import EquilibriumPropagation
from spikelearn.rules.rule import one_hot_targets
from tests.oracles.examples import (
    batch,
    network,
)
from tests.oracles.states_at_rest import (
    KINDS,
    calm,
    ready,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["synchronous", "alternating"])
def test_energy_falls_along_a_gentle_relaxation(kind: str, order: str) -> None:
    net, (x, _) = network(kind), batch()
    rule = ready("equilibrium_propagation", net, step=0.1, order=order, start="zeros")
    energy = rule.energy(x)
    states = [0.5 * torch.ones_like(s) for s in energy.start()]
    values = [energy.of(states).detach()]
    for _ in range(60):
        states = energy.relax(states, 1)
        values.append(energy.of(states).detach())
    for before, after in itertools.pairwise(values):
        assert (after <= before + 1e-12).all()
    assert (values[-1] < values[0]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["hard_sigmoid", "sigmoid", "shifted_sigmoid", "tanh"])
@pytest.mark.parametrize("feedback", [1.0, 0.5])
def test_alternating_steps_never_raise_the_energy_however_strong_the_weights(
    kind: str, activation: str, feedback: float
) -> None:
    net, (x, y) = network(kind), batch()
    with torch.no_grad():
        for index, weight in enumerate(net.weights()):
            weight.mul_(4.0 if index + 1 < len(net) else 0.5)
    rule = ready("equilibrium_propagation", net, activation=activation, feedback=feedback)
    assert isinstance(rule, EquilibriumPropagation)
    energy, beta = rule.energy(x), 0.7
    target = one_hot_targets(y, 4, x)
    teacher = rule._teacher(target, torch.full((len(x), 1), beta, dtype=torch.float64))
    for top, weight in ((None, 0.0), (teacher, beta)):
        states = [torch.full_like(s, 0.5) for s in energy.start()]
        values = []
        for _ in range(30):
            states = energy.relax(states, 1, top)
            cost = 0.5 * (states[-1] - target).square().sum(1)
            values.append((energy.of(states) + weight * cost).detach())
        for before, after in itertools.pairwise(values):
            assert (after <= before + 1e-9 * before.abs()).all()
        assert (values[-1] < values[0]).all()


def test_synchronous_steps_can_run_in_circles_where_alternating_ones_come_to_rest() -> None:
    net, (x, _) = network(sizes=(16, 7, 6, 4)), batch()
    with torch.no_grad():
        list(net)[1].weight.fill_(-3.0)
        for layer in net:
            layer.bias.fill_(1.0)
        list(net)[2].weight.zero_()
    x = torch.zeros_like(x)
    moved = {}
    for order in ("synchronous", "alternating"):
        options = {"order": order, "activation": "hard_sigmoid", "start": "zeros"}
        rule = ready("equilibrium_propagation", net, **options)
        states = rule.free_states(x)
        with torch.no_grad():
            again = rule.energy(x).relax(states, 1)
        moved[order] = max(float((a - b).abs().max()) for a, b in zip(states, again, strict=True))
    assert moved["alternating"] == 0.0
    assert moved["synchronous"] > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_states_at_rest_are_stationary_points_of_the_energy(kind: str) -> None:
    net, (x, _) = calm(kind), batch()
    rule = ready("equilibrium_propagation", net)
    states = [s.detach().requires_grad_() for s in rule.free_states(x)]
    for slope in torch.autograd.grad(rule.energy(x).of(states).sum(), states):
        assert slope.abs().max() < 1e-10


def test_where_it_comes_to_rest_does_not_depend_on_where_it_starts() -> None:
    net, (x, _) = calm(), batch()
    ends = [
        ready("equilibrium_propagation", net, start=start, order=order).free_states(x)
        for start in ("forward", "zeros")
        for order in ("synchronous", "alternating")
    ]
    for states in ends[1:]:
        for a, b in zip(ends[0], states, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_the_primitive_function_is_the_sum_of_products_of_states() -> None:
    net, (x, _) = network(activation="hard_sigmoid"), batch(1)
    rule = ready("equilibrium_propagation", net, activation="own")
    generator = torch.Generator().manual_seed(3)
    s = [torch.rand(1, n, generator=generator, dtype=torch.float64) for n in (7, 6, 4)]
    phi, below = 0.0, x[0].numpy()
    for layer, state in zip(net, s, strict=True):
        post = state[0].numpy()
        w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        phi += post @ (w @ below + b) - 0.5 * post @ post
        below = post
    assert float(rule.energy(x).of(s).detach()) == pytest.approx(-phi, rel=1e-13)
