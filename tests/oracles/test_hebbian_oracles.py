"""Hebbian rules against principal components, fixed points and updates written out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.hebbian import Hebbian, currents
from spikelearn.rules.rule import Rule

Tensor = torch.Tensor


def prepared(name: str, sizes: tuple[int, ...], seed: int = 0, **options: Any) -> Hebbian:
    """A rule in 64 bits, in its unsupervised stage."""
    rule = make_rule(name, **options)
    rule.prepare(MLP(name="m", sizes=sizes).build(seed).double(), torch_generator(seed, "rule"))
    rule.extra.double()
    rule.begin_epoch(1, 2)
    assert isinstance(rule, Hebbian)
    return rule


def learn(rule: Rule, x: Tensor, rate: float, n_steps: int = 1) -> None:
    """Steps of plain gradient descent on the first layer."""
    weight = rule.network.weights()[0]
    y = torch.zeros(len(x), dtype=torch.int64)
    for _ in range(n_steps):
        rule.update(x, y, lambda: None)
        with torch.no_grad():
            weight -= rate * weight.grad


def correlated(n: int = 4000, dimensions: int = 6) -> tuple[Tensor, Tensor]:
    """Gaussian samples with mean 0 and distinct variances along random axes; and these axes."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(dimensions, dimensions, generator=generator, dtype=torch.float64)
    axes = torch.linalg.qr(noise)[0]
    scales = torch.tensor([2.0, 1.5, 1.1, 0.7, 0.4, 0.2], dtype=torch.float64)[:dimensions]
    x = torch.randn(n, dimensions, generator=generator, dtype=torch.float64) * scales @ axes.T
    x = x - x.mean(0)
    # The sample's own components, so that nothing is left to chance.
    vectors = torch.linalg.eigh(x.T @ x / n)[1]
    return x, vectors.flip(1).T


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


def test_the_winner_alone_moves_to_the_input() -> None:
    rule = prepared("winner_take_all", (3, 4, 2))
    weight = rule.network.weights()[0]
    before = weight.detach().clone()
    x = torch.nn.functional.normalize(before[2:3] + 0.05)
    learn(rule, x, 0.5)
    change = weight.detach() - before
    assert change.abs().sum(1).nonzero().flatten().tolist() == [2]
    torch.testing.assert_close(change[2], 0.5 * (x[0] - before[2]))


def test_winners_come_to_the_means_of_their_clusters() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(3, 5, generator=generator)).double()
    noise = 0.05 * torch.randn(600, 5, generator=generator, dtype=torch.float64)
    x = torch.nn.functional.normalize(centres.repeat(200, 1) + noise)
    rule = prepared("winner_take_all", (5, 3, 2))
    with torch.no_grad():
        rule.network.weights()[0].copy_(centres + 0.2)
    learn(rule, x, 0.5, 200)
    means = torch.stack([x[i::3].mean(0) for i in range(3)])
    torch.testing.assert_close(rule.network.weights()[0].detach(), means, rtol=0, atol=1e-9)


@pytest.mark.parametrize("anti_hebbian", [False, True])
def test_one_update_of_softhebb_is_its_formula(anti_hebbian: bool) -> None:
    rule = prepared(
        "softhebb", (5, 3, 2), anti_hebbian=anti_hebbian, adaptive_rate=False, radius=2.0,
        temperature=0.5,
    )  # fmt: skip
    w = rule.network.weights()[0].detach().clone()
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(4, 5, generator=generator, dtype=torch.float64))
    learn(rule, x, 0.0)
    expected = torch.zeros_like(w)
    for sample in x:
        u = w @ sample
        p = (u / 0.5).softmax(0)
        for k in range(3):
            sign = 1 if not anti_hebbian or k == u.argmax() else -1
            expected[k] += sign * p[k] * (sample - u[k] * w[k]) / len(x)
    torch.testing.assert_close(-rule.network.weights()[0].grad, expected)


@pytest.mark.parametrize("radius", [0.5, 2.0])
def test_the_length_of_a_softhebb_unit_comes_to_one_where_it_is_driven(radius: float) -> None:
    rule = prepared(
        "softhebb", (5, 4, 2), anti_hebbian=False, adaptive_rate=False, radius=radius,
        temperature=1.0,
    )  # fmt: skip
    weight = rule.network.weights()[0]
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        x = torch.nn.functional.normalize(
            torch.randn(1, 5, generator=generator, dtype=torch.float64)
        )
        u = (weight @ x[0]).detach()
        p = u.softmax(0)
        before = weight.detach().square().sum(1)
        # d|w|^2 / dt = 2 p u (1 - |w|^2): its sign is that of p u (1 - |w|^2).
        learn(rule, x, 1e-7)
        slope = (weight.detach().square().sum(1) - before) / 1e-7
        torch.testing.assert_close(slope, 2 * p * u * (1 - before), rtol=1e-4, atol=1e-6)
    x = torch.nn.functional.normalize(torch.rand(200, 5, generator=generator).double())
    learn(rule, x, 0.5, 4000)
    lengths = weight.detach().norm(dim=1)
    # At the fixed point w is along <p x>, and of the length that <p u^2> = <p u> |w| ... allows.
    u = x @ weight.detach().T
    p = u.softmax(1)
    torch.testing.assert_close(
        p.T @ x, (p * u).sum(0)[:, None] * weight.detach(), rtol=1e-6, atol=1e-8
    )
    assert (lengths <= 1 + 1e-9).all()


def test_an_ever_lower_temperature_is_the_hard_competition() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(20, 5, generator=generator)).double()
    soft = prepared(
        "softhebb", (5, 4, 2), anti_hebbian=False, adaptive_rate=False, temperature=1e-6
    )
    w = soft.network.weights()[0].detach()
    learn(soft, x, 0.0)
    u = x @ w.T
    winner = torch.nn.functional.one_hot(u.argmax(1), 4).double()
    expected = (winner.T @ x - (winner * u).sum(0)[:, None] * w) / len(x)
    torch.testing.assert_close(-soft.network.weights()[0].grad, expected)


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


def test_two_units_learn_from_a_sample_and_the_others_rest() -> None:
    rule = prepared("krotov_hopfield", (6, 8, 2), divide=False, rank=3)
    x = torch.rand(1, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w = rule.network.weights()[0].detach().clone()
    learn(rule, x, 0.0)
    change = -rule.network.weights()[0].grad
    order = (w @ x[0]).argsort(descending=True)
    assert set(change.abs().sum(1).nonzero().flatten().tolist()) == {int(order[0]), int(order[2])}
    for unit, g in ((order[0], 1.0), (order[2], -0.4)):
        torch.testing.assert_close(change[unit], g * (x[0] - (w[unit] @ x[0]) * w[unit]))


def test_the_largest_change_of_a_synapse_is_the_rate() -> None:
    rule = prepared("krotov_hopfield", (6, 8, 2))
    x = torch.rand(20, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    learn(rule, x, 0.0)
    assert float(rule.network.weights()[0].grad.abs().max()) == pytest.approx(1.0)


@pytest.mark.parametrize("p", [2.0, 3.0])
def test_a_winners_norm_comes_to_one(p: float) -> None:
    rule = prepared("krotov_hopfield", (4, 1, 2), divide=False, delta=0.0, p=p)
    x = torch.tensor([[0.3, 0.8, 0.1, 0.5]], dtype=torch.float64)
    with torch.no_grad():
        rule.network.weights()[0].abs_()
    learn(rule, x, 0.05, 4000)
    norm = rule.network.weights()[0].detach().abs().pow(p).sum()
    assert float(norm) == pytest.approx(1.0, abs=1e-6)


def test_without_unlearning_it_is_competitive_learning() -> None:
    rule = prepared("krotov_hopfield", (5, 4, 2), divide=False, delta=0.0)
    x = torch.rand(10, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w = rule.network.weights()[0].detach()
    learn(rule, x, 0.0)
    u = x @ w.T
    winner = torch.nn.functional.one_hot(u.argmax(1), 4).double()
    expected = (winner.T @ x - (winner * u).sum(0)[:, None] * w) / len(x)
    torch.testing.assert_close(-rule.network.weights()[0].grad, expected)


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


def test_random_features_are_those_of_an_untaught_rule_under_the_same_readout() -> None:
    x = torch.rand(12, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    options = {"transform": "triangle", "radius": 1.0}
    random = prepared("random_features", (6, 5, 2), **options)
    untaught = prepared("softhebb", (6, 5, 2), unsupervised_epochs=0, **options)
    assert torch.equal(random.predict(x), untaught.predict(x))
    random.update(x, torch.arange(12) % 2, lambda: None)
    assert random.network.weights()[0].grad is None
