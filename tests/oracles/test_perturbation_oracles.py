"""Perturbation rules against the gradient that they estimate, in 64-bit arithmetic."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from spikelearn.networks.mlp import MLP
from spikelearn.rules.perturbation import decorrelation
from spikelearn.rules.rule import forward_pass, output_loss
from tests.oracles.perturbed_networks import (
    KINDS,
    NODE_RULES,
    batch,
    cosine,
    gradient,
    network,
    prepared,
    update_of,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "options"), NODE_RULES)
def test_the_mean_update_of_node_perturbation_is_the_gradient(
    kind: str, name: str, options: dict[str, Any]
) -> None:
    net, (x, y) = network(kind), batch()
    truth = gradient(net, x, y)
    rule = prepared(name, net, **options)
    # Noise is drawn for each sample: copies of the batch are as many draws.
    few = update_of(rule, x.repeat(20, 1), y.repeat(20))
    many = update_of(rule, x.repeat(20000, 1), y.repeat(20000))
    assert cosine(many, truth) > 0.99
    assert (many * truth).sum() / truth.square().sum() == pytest.approx(1.0, abs=0.03)
    # The error falls with the square root of the number of draws: by about 32.
    assert (many - truth).norm() < (few - truth).norm() / 10


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_update_of_anp_is_the_gradient_where_noise_does_not_reach_the_next_layer(
    kind: str,
) -> None:
    # With one layer the measured change is the noise itself, normalised: its mean is the gradient.
    model = MLP(name="m", sizes=(16, 4)) if kind == "mlp" else None
    net = model.build(0).double() if model else network("mlp")
    x, y = batch()
    rule = prepared("activity_normalised_node_perturbation", net, sigma=1e-6)
    many = update_of(rule, x.repeat(20000, 1), y.repeat(20000))
    truth = gradient(net, x, y)
    if model:
        assert cosine(many, truth) > 0.999
        assert (many * truth).sum() / truth.square().sum() == pytest.approx(1.0, abs=0.02)
    else:
        # Deeper, the change holds what came from below: aligned, not equal.
        assert 0.5 < cosine(many, truth) < 0.999


def test_anp_is_its_formula_for_one_sample() -> None:
    net, (x, y) = network(), batch(1)
    rule = prepared("activity_normalised_node_perturbation", net, sigma=1e-3)
    state = rule.generator.get_state()
    found = update_of(rule, x, y)
    rule.generator.set_state(state)
    passes = forward_pass(net, x)
    noise = [rule.node_noise(i, p.z) for i, p in enumerate(passes)]
    changes, h = [], x
    for p, xi in zip(passes, noise, strict=True):
        z = p.layer.weight @ h[0] + p.layer.bias + 1e-3 * xi[0]
        changes.append((z - p.z[0]).detach())
        h = p.layer.activate(z)[None]
    difference = nn.functional.cross_entropy(h, y) - nn.functional.cross_entropy(passes[-1].h, y)
    size = sum(float(a.square().sum()) for a in changes)
    n_units = 7 + 6 + 4
    expected = []
    for a, p in zip(changes, passes, strict=True):
        signal = n_units * difference * a / size
        expected += [torch.outer(signal, p.below[0]).flatten(), signal]
    torch.testing.assert_close(found, torch.cat(expected).detach(), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("weight_perturbation", {"sigma": 1e-6, "noise": "normal"}),
        ("weight_perturbation", {"sigma": 1e-6, "noise": "signs"}),
        ("forward_gradient", {"perturb": "weights"}),
    ],
)
@pytest.mark.parametrize(
    "n_directions", [10, 100, 1000, pytest.param(10_000, marks=pytest.mark.slow)]
)
def test_alignment_of_weight_noise_grows_as_the_number_of_draws_predicts(
    kind: str, name: str, options: dict[str, Any], n_directions: int
) -> None:
    net, (x, y) = network(kind), batch()
    truth = gradient(net, x, y)
    found = [
        cosine(update_of(prepared(name, net, s, n_directions=n_directions, **options), x, y), truth)
        for s in range(4)
    ]
    # A normal number's fourth moment is 3, a sign's 1.
    excess = -1 if options.get("noise") == "signs" else 1
    predicted = math.sqrt(n_directions / (n_directions + len(truth) + excess))
    spread = 3 / math.sqrt(len(truth) * 4)
    assert sum(found) / 4 == pytest.approx(predicted, abs=spread)


@pytest.mark.parametrize(
    "n_directions", [10, 100, 1000, pytest.param(10_000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", ["node_perturbation", "forward_gradient"])
def test_alignment_of_node_noise_grows_as_the_number_of_draws_predicts(
    name: str, n_directions: int
) -> None:
    # At the level of the units' signals, where every direction has the same variance.
    net, (x, y) = network(), batch(1)
    scores = net(x)
    error = output_loss("cross_entropy", scores, y)[1]
    passes = forward_pass(net, x)
    leaves = []
    h = x
    for layer in net:
        z = layer.drive(h)
        leaves.append(z)
        h = layer.activate(z)
    truth = torch.cat(
        [g.flatten() for g in torch.autograd.grad(nn.functional.cross_entropy(h, y), leaves)]
    )
    options = {"sigma": 1e-6} if name == "node_perturbation" else {}
    found = []
    for seed in range(20):
        rule = prepared(name, net, seed, n_directions=n_directions, **options)
        with torch.no_grad():
            signals = rule.signals(passes, y if name == "node_perturbation" else error)
        found.append(cosine(torch.cat([s.flatten() for s in signals]), truth))
    predicted = math.sqrt(n_directions / (n_directions + len(truth) + 1))
    assert sum(found) / 20 == pytest.approx(predicted, abs=0.12 if n_directions == 10 else 0.04)


def test_without_decorrelation_the_decorrelated_rule_is_node_perturbation_to_the_bit() -> None:
    net, (x, y) = network(), batch()
    plain = update_of(prepared("node_perturbation", net), x, y)
    rule = prepared("decorrelated_node_perturbation", net, decorrelation_rate=0.0)
    assert torch.equal(update_of(rule, x, y), plain)
    assert all(p.grad is None for p in rule.extra.parameters())


def test_decorrelation_takes_the_correlations_of_a_gaussian_input_away() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    mixing = torch.eye(6, dtype=torch.float64) + 0.4 * noise
    matrix = torch.eye(6, dtype=torch.float64)

    def outputs(n: int) -> torch.Tensor:
        x = torch.randn(n, 6, generator=generator, dtype=torch.float64) @ mixing.T
        return x @ matrix.T

    def off_diagonal(values: torch.Tensor) -> float:
        products = values.T @ values / len(values)
        off = products - products.diagonal().diag()
        return float(off.abs().max() / products.diagonal().mean())

    start = off_diagonal(outputs(100_000))
    for rate in (1e-2, 1e-3):
        for _ in range(3000):
            matrix = matrix - rate * decorrelation(outputs(512), matrix)
    assert start > 0.2
    # Measured on many samples, so that chance correlations stay below a per cent.
    assert off_diagonal(outputs(500_000)) < 0.01


def test_the_expected_change_of_a_decorrelation_vanishes_for_uncorrelated_inputs() -> None:
    inputs = torch.eye(5, dtype=torch.float64) * 3
    assert not decorrelation(inputs, torch.eye(5, dtype=torch.float64)).any()


# --- PEPITA.
