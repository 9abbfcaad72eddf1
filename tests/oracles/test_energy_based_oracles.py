"""Energy-based rules against gradients through the relaxation, and against one another."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from spikelearn.rules.energy_based import EnergyBased
from spikelearn.rules.rule import one_hot_targets
from tests.oracles.examples import batch, cosine, flat, network, prepared, relative_error, update_of

KINDS = ["mlp", "cnn"]
# Long enough to rest, for weights small enough to have one resting point.
REST: dict[str, Any] = {"free_steps": 400, "nudged_steps": 400, "activation": "sigmoid"}


def calm(kind: str = "mlp") -> Any:
    """A network whose relaxation has one resting point."""
    net = network(kind)
    with torch.no_grad():
        for weight in net.weights():
            weight.mul_(0.5)
    return net


def ready(name: str, net: Any, **options: Any) -> EnergyBased:
    rule = prepared(name, net, **{**REST, **options})
    assert isinstance(rule, EnergyBased)
    return rule


def relaxed_scores(rule: EnergyBased, x: torch.Tensor, n_steps: int) -> torch.Tensor:
    """Output of the free phase with an automatic gradient through every step."""
    layers = list(rule.network)
    states = [s.detach() for s in rule.free_states(x)]
    for _ in range(n_steps):
        goals = []
        for index, layer in enumerate(layers):
            a = layer.drive(states[index - 1] if index else x)
            if index + 1 < len(layers):
                above = layers[index + 1]
                # transpose written as the derivative of drive, an independent path
                probe = states[index].detach().requires_grad_()
                value = (above.drive(probe) * states[index + 1]).sum()
                a = a + torch.autograd.grad(value, probe, create_graph=True)[0]
                a = torch.sigmoid(a)
            goals.append(a)
        states = goals
    return states[-1]


def implicit_gradient(rule: EnergyBased, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """Gradient of the loss at the resting point: backpropagation through many steps at rest."""
    scores = relaxed_scores(rule, x, 150)
    loss = 0.5 * (scores - one_hot_targets(y, 4, scores)).square().sum() / len(x)
    return list(torch.autograd.grad(loss, list(rule.network.parameters())))


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimates_tend_to_the_gradient_at_rest_in_their_order(kind: str) -> None:
    net, (x, y) = calm(kind), batch(3)
    truth = implicit_gradient(ready("equilibrium_propagation", net), x, y)
    betas = (0.1, 0.05, 0.025)
    errors = {
        name: [relative_error(update_of(ready(name, net, beta=b), x, y), truth) for b in betas]
        for name in ("equilibrium_propagation", "equilibrium_propagation_centred")
    }
    for larger, smaller in itertools.pairwise(errors["equilibrium_propagation"]):
        assert larger / smaller == pytest.approx(2, rel=0.1)
    for larger, smaller in itertools.pairwise(errors["equilibrium_propagation_centred"]):
        assert larger / smaller == pytest.approx(4, rel=0.1)
    assert errors["equilibrium_propagation"][0] < 0.2
    assert errors["equilibrium_propagation_centred"][0] < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_of_the_nudged_phase_is_a_step_of_backpropagation_through_time(
    kind: str,
) -> None:
    # Ernoult et al. 2019, arXiv:1905.13633: the contrast after t nudged steps is the gradient
    # through the last t steps of the free phase.
    net, (x, y) = calm(kind), batch(2)
    for t in (1, 2, 3, 5):
        options = {"nudged_steps": t, "order": "synchronous", "beta": 1e-5}
        rule = ready("equilibrium_propagation_centred", net, **options)
        found = update_of(rule, x, y)
        # The output's own step counts as one: its state moves at once with the teacher.
        scores = relaxed_scores(rule, x, t)
        loss = 0.5 * (scores - one_hot_targets(y, 4, scores)).square().sum() / len(x)
        truth = torch.autograd.grad(loss, list(net.parameters()), allow_unused=True)
        for a, b in zip(found, truth, strict=True):
            expected = torch.zeros_like(a) if b is None else b
            assert float((a - expected).norm()) <= 2e-4 * float(flat(found).norm())


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


@pytest.mark.parametrize("kind", KINDS)
def test_two_points_on_the_circle_are_the_centred_rule_and_more_are_better(kind: str) -> None:
    net, (x, y) = calm(kind), batch(3)
    beta = {"beta": 0.5}
    centred = update_of(ready("equilibrium_propagation_centred", net, **beta), x, y)
    name = "equilibrium_propagation_holomorphic"
    two = update_of(ready(name, net, points=2, **beta), x, y)
    assert all(torch.equal(a, b) for a, b in zip(two, centred, strict=True))
    truth = implicit_gradient(ready("equilibrium_propagation", net), x, y)
    errors = [
        relative_error(update_of(ready(name, net, points=n, **beta), x, y), truth)
        for n in (2, 4, 6, 8)
    ]
    assert all(more < fewer for fewer, more in itertools.pairwise(errors))
    assert errors[-1] < errors[0] / 10


def test_half_of_the_circle_stands_for_all_of_it() -> None:
    # The estimate from every point, states and all, in complex arithmetic.
    net, (x, y) = calm(), batch(2)
    n_points, beta = 6, 0.4
    name = "equilibrium_propagation_holomorphic"
    rule = ready(name, net, points=n_points, beta=beta)
    found = update_of(rule, x, y)
    layers = list(net)
    target = one_hot_targets(y, 4, x).to(torch.complex128)
    total = [torch.zeros_like(w, dtype=torch.complex128) for w in net.weights()]
    for k in range(n_points):
        turn = torch.exp(torch.tensor(2j * torch.pi * k / n_points, dtype=torch.complex128))
        b = beta * turn
        w = [layer.weight.detach().to(torch.complex128) for layer in layers]
        c = [layer.bias.detach().to(torch.complex128) for layer in layers]
        s = [state.to(torch.complex128) for state in rule.free_states(x)]
        inputs = x.to(torch.complex128)
        for _ in range(400):
            s = [
                1 / (1 + torch.exp(-(inputs @ w[0].T + c[0] + s[1] @ w[1]))),
                1 / (1 + torch.exp(-(s[0] @ w[1].T + c[1] + s[2] @ w[2]))),
                (s[1] @ w[2].T + c[2] + b * target) / (1 + b),
            ]
        below = [inputs, s[0], s[1]]
        for index in range(3):
            # dE/dW = -s_l s_(l-1)^T, averaged over the batch.
            product = -(s[index].T @ below[index]) / len(x)
            total[index] += product / (n_points * b)
    for index, expected in enumerate(total):
        assert expected.imag.abs().max() < 1e-12
        torch.testing.assert_close(found[2 * index], expected.real, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_label_is_predicted_nothing_is_learned(kind: str) -> None:
    net, (x, y) = calm(kind), batch(3)
    with torch.no_grad():
        output = list(net)[-1]
        output.weight.zero_()
        output.bias.copy_(one_hot_targets(y[:1], 4, x)[0])
    y = y[:1].repeat(3)
    for name in (
        "equilibrium_propagation", "equilibrium_propagation_centred",
        "equilibrium_propagation_holomorphic", "contrastive_hebbian", "coupled_learning",
    ):  # fmt: skip
        assert flat(update_of(ready(name, net), x, y)).abs().max() < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_coupled_learning_by_small_nudges_is_equilibrium_propagation_by_a_stiff_teacher(
    kind: str,
) -> None:
    # A clamp at s + eta (y - s) and a spring of strength beta are one to the first order, up to
    # the preconditioning of the output: their hidden contrasts point the same way.
    net, (x, y) = calm(kind), batch(1)
    small = {
        eta: flat(update_of(ready("coupled_learning", net, nudge=eta), x, y))
        for eta in (1e-2, 1e-3, 1e-4)
    }
    for eta in (1e-2, 1e-3):
        gap = (small[eta] - small[eta / 10]).norm() / small[eta / 10].norm()
        assert gap < 10 * eta  # it has a limit, in the first order
    # To that order the clamped output is an equilibrium of E + C under the force that holds it:
    # the contrast is the derivative of half the work, which a finite difference of E gives.
    rule = ready("coupled_learning", net, nudge=1e-4)
    truth = implicit_gradient(rule, x, y)
    assert cosine(small[1e-4], flat(truth)) > 0.9


def test_coupled_learning_all_the_way_is_contrastive_hebbian_learning() -> None:
    net, (x, y) = calm(), batch()
    coupled = update_of(ready("coupled_learning", net, nudge=1.0), x, y)
    contrastive = update_of(ready("contrastive_hebbian", net), x, y)
    assert relative_error(coupled, contrastive) < 1e-14


@pytest.mark.parametrize("kind", KINDS)
def test_contrastive_hebbian_learning_descends_the_energy_that_the_label_costs(kind: str) -> None:
    net, (x, y) = calm(kind), batch(3)
    rule = ready("contrastive_hebbian", net, free_steps=100, nudged_steps=100)
    found = update_of(rule, x, y)
    step = 1e-5
    for parameter, slope in zip(net.parameters(), found, strict=True):
        values = parameter.data.view(-1)
        for position in {0, values.numel() // 2, values.numel() - 1}:
            kept = values[position].item()
            costs = []
            for shift in (step, -step):
                values[position] = kept + shift
                costs.append(float(rule.objective(x, y)))
            values[position] = kept
            expected = (costs[0] - costs[1]) / (2 * step)
            assert float(slope.reshape(-1)[position]) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_contrastive_hebbian_learning_is_the_product_of_states_by_hand() -> None:
    net, (x, y) = calm(), batch(1)
    rule = ready("contrastive_hebbian", net)
    found = update_of(rule, x, y)
    w = [layer.weight.detach() for layer in net]
    b = [layer.bias.detach() for layer in net]
    target = one_hot_targets(y, 4, x)
    contrast = [torch.zeros_like(weight) for weight in w]
    for sign, clamped in ((-1.0, True), (1.0, False)):
        h1, h2 = torch.full((1, 7), 0.5).double(), torch.full((1, 6), 0.5).double()
        for _ in range(500):
            out = target if clamped else h2 @ w[2].T + b[2]
            h2 = torch.sigmoid(h1 @ w[1].T + b[1] + out @ w[2])
            h1 = torch.sigmoid(x @ w[0].T + b[0] + h2 @ w[1])
        out = target if clamped else h2 @ w[2].T + b[2]
        for total, (post, pre) in zip(contrast, ((h1, x), (h2, h1), (out, h2)), strict=True):
            total.add_(sign * post.T @ pre)
    for index, expected in enumerate(contrast):
        torch.testing.assert_close(found[2 * index], expected, rtol=1e-8, atol=1e-10)


def test_a_random_sign_of_the_nudge_averages_to_the_centred_rule() -> None:
    net, (x, y) = calm(), batch(3)
    options = {"free_steps": 60, "nudged_steps": 60}
    centred = update_of(ready("equilibrium_propagation_centred", net, **options), x, y)
    rule = ready("equilibrium_propagation", net, random_sign=True, **options)
    many = update_of(rule, x.repeat(1500, 1), y.repeat(1500))
    one_sided = update_of(ready("equilibrium_propagation", net, **options), x, y)
    assert relative_error(many, centred) < 0.2 * relative_error(one_sided, centred)


def test_prediction_is_the_free_phase_of_training() -> None:
    net, (x, _) = network(), batch()
    rule = ready("equilibrium_propagation", net, free_steps=3)
    states = rule.free_states(x)
    assert torch.equal(rule.predict(x), states[-1])
    assert torch.equal(rule.activity(x)["hidden1"], states[0])
    longer = ready("equilibrium_propagation", net, free_steps=50)
    assert not torch.allclose(longer.predict(x), states[-1])
