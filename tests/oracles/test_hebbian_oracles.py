"""Hebbian rules against principal components, fixed points and updates written out by hand."""

from __future__ import annotations

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules._patches import currents
from spikelearn.rules.hebbian import Hebbian
from tests.oracles.hebbian_learning import correlated, learn, prepared


def test_ojas_unit_finds_the_first_principal_component_at_unit_length() -> None:
    x, components = correlated()
    rule = prepared("oja", (6, 3, 2), interaction="none")
    learn(rule, x, 0.05, 1500)
    for unit in rule.network.weights()[0].detach():
        assert float((unit @ components[0]).abs()) == pytest.approx(1.0, abs=1e-8)
        assert float(unit.norm()) == pytest.approx(1.0, abs=1e-8)


def test_ojas_network_spans_the_leading_components() -> None:
    x, components = correlated()
    rule = prepared("oja", (6, 3, 2))
    learn(rule, x, 0.05, 3000)
    weight = rule.network.weights()[0].detach()
    projector = components[:3].T @ components[:3]
    torch.testing.assert_close(weight.T @ weight, projector, rtol=0, atol=1e-6)


def test_sangers_units_are_the_components_in_order() -> None:
    x, components = correlated()
    rule = prepared("sanger", (6, 3, 2))
    learn(rule, x, 0.05, 4000)
    found = (rule.network.weights()[0].detach() @ components[:3].T).abs()
    torch.testing.assert_close(found, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-6)


def test_principal_components_do_not_depend_on_the_mean_of_the_input() -> None:
    x, components = correlated()
    rule = prepared("sanger", (6, 2, 2))
    shifted = x + 5.0
    learn(rule, shifted, 0.0, 1)  # the running mean finds the shift
    learn(rule, shifted, 0.05, 4000)
    found = (rule.network.weights()[0].detach() @ components[:2].T).abs()
    torch.testing.assert_close(found, torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-5)


def test_one_update_of_oja_and_sanger_is_their_formula() -> None:
    x, _ = correlated(5)
    for name, options in (("oja", {}), ("oja", {"interaction": "none"}), ("sanger", {})):
        rule = prepared(name, (6, 3, 2), **options)
        w = rule.network.weights()[0].detach().clone()
        learn(rule, x, 0.0)
        expected = torch.zeros_like(w)
        for sample in x:
            y = w @ sample
            for k in range(3):
                others = {
                    ("oja", False): range(3), ("oja", True): [k], ("sanger", False): range(k + 1),
                }[name, bool(options)]  # fmt: skip
                back = sum(y[j] * w[j] for j in others)
                expected[k] += y[k] * (sample - back) / len(x)
        torch.testing.assert_close(-rule.network.weights()[0].grad, expected)


def test_bcm_changes_its_sign_at_the_threshold_and_slides_it_to_the_mean_square() -> None:
    rule = prepared("bcm", (4, 2, 2), theta_rate=0.25)
    theta = rule.extra["kept"][0].get_buffer("theta")  # type: ignore[index, union-attr]
    x = torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64)
    weight = rule.network.weights()[0]
    with torch.no_grad():
        weight.zero_()
        weight[0, 0], weight[1, 0] = 0.5, 2.0
    learn(rule, x, 0.0)
    # y (y - theta) x with theta = 1: depression below it, potentiation above.
    expected = torch.zeros_like(weight)
    expected[0, 0], expected[1, 0] = 0.5 * (0.5 - 1), 2.0 * (2.0 - 1)
    torch.testing.assert_close(-weight.grad, expected.detach())
    torch.testing.assert_close(theta, torch.tensor([1 + 0.25 * (0.25 - 1), 1 + 0.25 * 3]).double())


def test_a_bcm_unit_becomes_selective_for_one_of_two_inputs() -> None:
    rule = prepared("bcm", (2, 4, 2), theta_rate=0.5)
    x = torch.tensor([[1.0, 0.2], [0.2, 1.0]], dtype=torch.float64)
    with torch.no_grad():
        rule.network.weights()[0].abs_()
    learn(rule, x, 0.02, 6000)
    answers = currents(rule.network.layers[0], rule.receive(rule.network.layers[0], x)).clamp_min(0)
    best, worst = answers.max(0).values, answers.min(0).values
    assert (worst < 0.05 * best).all()
    # At rest y = theta = <y^2> = y^2 / 2 for the chosen input.
    torch.testing.assert_close(best.detach(), torch.full((4,), 2.0).double(), rtol=0.02, atol=0)


@pytest.mark.parametrize("name", ["softhebb", "winner_take_all"])
def test_in_a_convolutional_layer_every_patch_is_a_sample(name: str) -> None:
    model = CNN(name="c", input_shape=(2, 5, 5), channels=(3,), pool=(1,), n_classes=4)
    rule = make_rule(name)
    rule.prepare(model.build(0).double(), torch_generator(0, "rule"))
    rule.extra.double()
    rule.begin_epoch(1, 2)
    x = torch.rand(2, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert isinstance(rule, Hebbian)
    layer = rule.network.layers[0]
    received = rule.receive(layer, x)
    kept = next(iter(rule.extra["kept"].children()))
    found = rule.increment(layer, received, currents(layer, received), kept)
    patches = torch.nn.functional.unfold(received, 3, padding=1).transpose(1, 2).flatten(0, 1)
    dense = make_rule(name)
    dense.prepare(MLP(name="m", sizes=(18, 3, 4)).build(0).double(), torch_generator(0, "rule"))
    dense.extra.double()
    assert isinstance(dense, Hebbian)
    with torch.no_grad():
        dense.network.weights()[0].copy_(layer.weight.flatten(1))
    flat = dense.network.layers[0]
    other = dense.increment(
        flat, patches, currents(flat, patches), next(iter(dense.extra["kept"].children()))
    )
    torch.testing.assert_close(found.flatten(1), other)


# --- Krotov and Hopfield.


# --- The scheme.


@pytest.mark.parametrize(
    "name", ["oja", "sanger", "bcm", "winner_take_all", "softhebb", "krotov_hopfield"]
)
def test_hidden_layers_learn_without_labels_and_rest_while_the_readout_learns(name: str) -> None:
    x = torch.rand(12, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.arange(12) % 2
    one, two = prepared(name, (6, 5, 2)), prepared(name, (6, 5, 2))
    one.update(x, y, lambda: None)
    two.update(x, 1 - y, lambda: None)
    assert torch.equal(one.network.weights()[0].grad, two.network.weights()[0].grad)
    assert one.network.weights()[1].grad is None
    for parameter in one.parameters():
        parameter.grad = None
    one.begin_epoch(2, 2)
    one.update(x, y, lambda: None)
    assert one.network.weights()[0].grad is None
    scores = one.predict(x).requires_grad_()
    error = torch.autograd.grad(torch.nn.functional.cross_entropy(scores, y), scores)[0]
    read = one.read(one.hidden_activity(x)[-1])
    torch.testing.assert_close(one.network.weights()[1].grad, error.T @ read)
