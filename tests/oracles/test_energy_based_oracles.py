"""Energy-based rules against gradients through the relaxation, and against one another."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch

from spikelearn.rules.energy_based import EnergyBased, EquilibriumPropagation
from spikelearn.rules.rule import one_hot_targets, output_loss
from tests.oracles.examples import (
    batch,
    flat,
    gradient,
    network,
    prepared,
    relative_error,
    update_of,
)

KINDS = ["mlp", "cnn"]
# Long enough to rest, for weights small enough to have one resting point.
REST: dict[str, Any] = {"free_steps": 150, "nudged_steps": 150, "activation": "sigmoid"}
RHO: dict[str, Any] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hard_sigmoid": lambda a: a.clamp(0.0, 1.0),
    "identity": lambda a: a,
}


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


def relaxed_scores(
    rule: EnergyBased, x: torch.Tensor, n_steps: int, held: torch.Tensor | None = None
) -> torch.Tensor:
    """Output of the free phase with an automatic gradient through every step from rest.

    With the output layer's state held, it is what this layer receives from below.
    """
    layers = rule.layers
    states = [s.detach() for s in rule.free_states(x)]
    hold = [] if held is None else [held]
    for _ in range(n_steps):
        states[len(states) - len(hold) :] = hold
        goals = []
        for index, layer in enumerate(layers):
            a = layer.drive(states[index - 1] if index else x)
            if index + 1 < len(layers):
                # transpose written as the derivative of drive, an independent path
                probe = states[index].detach().requires_grad_()
                value = (layers[index + 1].drive(probe) * states[index + 1]).sum()
                signal = torch.autograd.grad(value, probe, create_graph=True)[0]
                a = a + rule.dynamics.feedback * signal
            goals.append(RHO[rule.nonlinearities[index]](a))
        states = goals
    return states[-1] if rule.readout is None else rule.readout.drive(states[-1])


def implicit_gradient(
    rule: EnergyBased, x: torch.Tensor, y: torch.Tensor, n_steps: int = 150
) -> list[torch.Tensor]:
    """Gradient of the loss at the resting point: backpropagation through many steps at rest."""
    loss = output_loss(rule.loss, relaxed_scores(rule, x, n_steps), y)[0]
    grads = torch.autograd.grad(loss, list(rule.network.parameters()), allow_unused=True)
    return [
        torch.zeros_like(p) if g is None else g
        for p, g in zip(rule.network.parameters(), grads, strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [{}, {"feedback": 0.3}, {"activation": "tanh", "feedback": 0.5}, {"loss": "cross_entropy"}],
    ids=str,
)
def test_the_estimates_tend_to_the_gradient_at_rest_in_their_order(
    kind: str, options: dict[str, Any]
) -> None:
    net, (x, y) = calm(kind), batch(3)
    truth = implicit_gradient(ready("equilibrium_propagation", net, **options), x, y)
    betas = (0.1, 0.05, 0.01)

    def errors(name: str) -> list[float]:
        rules = [ready(name, net, beta=b, **options) for b in betas]
        return [relative_error(update_of(rule, x, y), truth) for rule in rules]

    one_sided = errors("equilibrium_propagation")
    centred = errors("equilibrium_propagation_centred")
    slopes = [math.log(e[0] / e[2]) / math.log(betas[0] / betas[2]) for e in (one_sided, centred)]
    assert slopes == pytest.approx([1.0, 2.0], abs=0.06)
    if "loss" in options:
        # An output without a state does not stiffen under its teacher, as the other's
        # 1 / (1 + beta) does; these are the figures to stay under.
        assert all(e < limit for e, limit in zip(one_sided, (3.4e-2, 1.8e-2, 3.9e-3), strict=True))
        assert all(e < limit for e, limit in zip(centred, (5.9e-3, 1.5e-3, 5.9e-5), strict=True))
    else:
        assert all(e < 2 * b for e, b in zip(one_sided, betas, strict=True))
        assert all(e < 3 * b * b for e, b in zip(centred, betas, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_saturating_units_leave_the_estimate_right_where_none_crosses_its_bounds(
    kind: str,
) -> None:
    net, (x, y) = calm(kind), batch(3)
    options = {"activation": "hard_sigmoid", "beta": 1e-4}
    rule = ready("equilibrium_propagation_centred", net, **options)
    hidden = torch.cat([s.flatten() for s in rule.free_states(x)[:-1]])
    assert 0 < ((hidden == 0) | (hidden == 1)).double().mean() < 1
    assert relative_error(update_of(rule, x, y), implicit_gradient(rule, x, y)) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_of_the_nudged_phase_is_a_step_of_backpropagation_through_time(
    kind: str,
) -> None:
    # Ernoult et al. 2019, arXiv:1905.13633: the contrast after t nudged steps is the gradient
    # through the last t steps of the free phase.
    net, (x, y) = calm(kind), batch(2)
    cases: list[dict[str, Any]] = [{}, {"feedback": 0.4}, {"loss": "cross_entropy"}]
    for case in cases:
        found, truth = [], []
        for t in range(1, 6):
            options = {"nudged_steps": t, "order": "synchronous", "beta": 1e-5, **case}
            rule = ready("equilibrium_propagation_centred", net, **options)
            found.append(update_of(rule, x, y))
            # The output's own step counts as one: its state moves at once with the teacher.
            truth.append(implicit_gradient(rule, x, y, t))
        scale = float(flat(truth[-1]).norm())
        assert all((flat(b) - flat(a)).norm() > 1e-4 * scale for a, b in itertools.pairwise(truth))
        # The increment of every time step, layer by layer.
        none = [torch.zeros_like(g) for g in truth[0]]
        for f, g in zip(
            itertools.pairwise([none, *found]), itertools.pairwise([none, *truth]), strict=True
        ):
            for f0, f1, g0, g1 in zip(*f, *g, strict=True):
                assert ((f1 - f0) - (g1 - g0)).norm() <= 1e-6 * scale


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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_two_points_on_the_circle_are_the_centred_rule_and_more_are_better(
    kind: str, loss: str
) -> None:
    net, (x, y) = calm(kind), batch(3)
    options = {"beta": 0.5, "loss": loss}
    centred = update_of(ready("equilibrium_propagation_centred", net, **options), x, y)
    name = "equilibrium_propagation_holomorphic"
    two = update_of(ready(name, net, points=2, **options), x, y)
    assert all(torch.equal(a, b) for a, b in zip(two, centred, strict=True))
    truth = implicit_gradient(ready("equilibrium_propagation", net, loss=loss), x, y)
    errors = [
        relative_error(update_of(ready(name, net, points=n, **options), x, y), truth)
        for n in (2, 4, 6, 8)
    ]
    assert all(more < fewer for fewer, more in itertools.pairwise(errors))
    if loss == "cross_entropy":
        assert all(e < limit for e, limit in zip(errors, (0.11, 0.07, 0.02, 0.014), strict=True))
        assert errors[-1] < 1e-9
    else:  # the pole at beta = -1 is near, and so the error is of the order |beta|^N
        assert all(e < 3 * 0.5**n for e, n in zip(errors, (2, 4, 6, 8), strict=True))


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
def test_coupled_learning_by_small_nudges_is_equilibrium_propagation_with_a_stiffer_teacher(
    kind: str,
) -> None:
    # Holding the output eta (y - s) away from rest takes the force K eta (y - s), with K the
    # stiffness of E at the output, all other states at rest: equilibrium propagation with K (y - s)
    # in place of y - s.
    net, (x, y) = calm(kind), batch(3)
    rule = ready("coupled_learning", net)
    scores = relaxed_scores(rule, x, 150)
    error = (scores - one_hot_targets(y, 4, scores)).detach()
    pull = torch.empty_like(error)
    for i in range(len(x)):
        stiffness = torch.autograd.functional.jacobian(
            lambda s, i=i: (s - relaxed_scores(rule, x[i : i + 1], 150, s))[0],
            scores[i : i + 1].detach(),
        )[:, 0]
        assert float((stiffness - torch.eye(4)).norm()) > 0.05
        pull[i] = stiffness @ error[i] / len(x)
    truth = torch.autograd.grad(scores, list(net.parameters()), pull)
    gaps = [
        relative_error(update_of(ready("coupled_learning", net, nudge=eta), x, y), list(truth))
        for eta in (1e-2, 1e-3, 1e-4)
    ]
    assert gaps[2] < 1e-4
    assert [a / b for a, b in itertools.pairwise(gaps)] == pytest.approx([10, 10], rel=0.1)


def test_without_hidden_layers_coupled_learning_and_equilibrium_propagation_are_one() -> None:
    net, (x, y) = network(sizes=(16, 4)), batch(3)
    # The nudged output rests beta / (1 + beta) of the way to the label.
    beta = 0.25
    nudged = update_of(ready("equilibrium_propagation", net, beta=beta), x, y)
    coupled = update_of(ready("coupled_learning", net, nudge=beta / (1 + beta)), x, y)
    assert relative_error([g * (1 + beta) for g in nudged], coupled) < 1e-12
    assert relative_error(coupled, gradient(net, x, y, "squared_error")) < 1e-12


def test_coupled_learning_all_the_way_is_contrastive_hebbian_learning() -> None:
    net, (x, y) = calm(), batch()
    coupled = update_of(ready("coupled_learning", net, nudge=1.0), x, y)
    contrastive = update_of(ready("contrastive_hebbian", net), x, y)
    assert relative_error(coupled, contrastive) < 1e-14


@pytest.mark.parametrize("kind", KINDS)
def test_contrastive_hebbian_learning_is_equilibrium_propagation_with_an_endless_force(
    kind: str,
) -> None:
    net, (x, y) = calm(kind), batch()
    contrastive = update_of(ready("contrastive_hebbian", net), x, y)
    beta = 1e7
    pushed = update_of(ready("equilibrium_propagation", net, beta=beta), x, y)
    assert relative_error([beta * g for g in pushed], contrastive) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("contrastive_hebbian", {}),
        ("coupled_learning", {"nudge": 0.1}),
        ("equilibrium_propagation_centred", {"beta": 1e-3}),
    ],
)
def test_with_weak_feedback_every_rule_of_the_family_is_backpropagation(
    kind: str, name: str, options: dict[str, Any]
) -> None:
    # Xie & Seung 2003 for contrastive Hebbian learning.
    net, (x, y) = network(kind, "sigmoid"), batch(3)
    truth = gradient(net, x, y, "squared_error")
    errors = []
    for feedback in (1e-2, 1e-3):
        rule = ready(name, net, feedback=feedback, free_steps=40, nudged_steps=40, **options)
        errors.append(relative_error(update_of(rule, x, y), truth))
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.1)
    assert errors[1] < 2e-3


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


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_nudging_by_nothing_teaches_nothing(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Even from a free phase cut short: all phases go on for the same number of steps.
    net, (x, y) = network(), batch()
    rule = ready("equilibrium_propagation", net, loss=loss, free_steps=1, nudged_steps=3)
    weights = torch.tensor([[2.0], [-2.0]], dtype=torch.float64)

    def points(beta: float) -> None:
        betas = torch.tensor([[beta], [0.0]], dtype=torch.float64).expand(2, len(x))
        monkeypatch.setattr(rule, "points", lambda n: [(betas, weights.expand(2, n))])

    points(0.0)
    assert flat(update_of(rule, x, y)).abs().max() < 1e-15
    points(0.5)
    assert flat(update_of(rule, x, y)).abs().max() > 1e-3


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
