"""Energy-based rules against gradients through the relaxation, and against one another."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch

from spikelearn.rules.rule import one_hot_targets
from tests.oracles.examples import (
    batch,
    flat,
    gradient,
    network,
    relative_error,
    update_of,
)
from tests.oracles.states_at_rest import (
    KINDS,
    calm,
    implicit_gradient,
    ready,
)


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
