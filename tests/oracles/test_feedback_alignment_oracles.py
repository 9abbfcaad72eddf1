"""Feedback alignment in all its forms against closed forms, in 64-bit arithmetic."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import Dense
from spikelearn.networks.mlp import MLP
from spikelearn.networks.rate_network import RateNetwork
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule
from spikelearn.rules.weight_mirror import WeightMirror
from spikelearn.training.config import TrainConfig
from spikelearn.training.optimization import Optimizer

MODELS = {
    "mlp": MLP(name="m", sizes=(16, 7, 6, 5)),
    "cnn": CNN(name="c", input_shape=(1, 4, 4), channels=(3, 4), pool=(1, 2), n_classes=5),
}
SIGNS = ["sign_symmetric_uniform", "sign_symmetric_fixed", "sign_symmetric_random"]
LAYERWISE = ["feedback_alignment", "sign_symmetric_fixed", "kolen_pollack", "weight_mirror"]
ALL = ["feedback_alignment", "direct_feedback_alignment", *SIGNS, "kolen_pollack", "weight_mirror"]
Updates = list[torch.Tensor]


def network(kind: str, seed: int = 0) -> RateNetwork:
    """A network in 64 bits, with biases away from zero."""
    made = MODELS[kind].build(seed).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in made:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 9, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 16, generator=generator, dtype=torch.float64)
    return x, torch.randint(5, (n,), generator=generator)


def learnable(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of a task that a network can learn: the class is the largest of five inputs."""
    x, _ = batch(seed=step)
    return x, x[:, :5].argmax(1)


def prepared(name: str, net: RateNetwork, seed: int = 2, **options: float) -> Rule:
    """A rule on `net`, with what it draws in 64 bits."""
    rule = make_rule(name, **options)
    rule.prepare(net, torch.Generator().manual_seed(seed))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Updates:
    """What `update` leaves in the end in `.grad`, in the order of the network's parameters."""
    rule.update(x, y, lambda: None)
    return [p.grad.clone() for p in rule.network.parameters()]


def feedback(rule: Rule) -> list[nn.Parameter]:
    return list(rule.extra["feedback"].parameters())


def set_feedback(rule: Rule, matrices: list[torch.Tensor]) -> None:
    """Put these in place of the drawn feedback weights."""
    with torch.no_grad():
        for parameter, matrix in zip(feedback(rule), matrices, strict=True):
            parameter.copy_(matrix)


def assert_close(found: Updates, expected: Updates, rtol: float = 1e-12) -> None:
    """Equal up to `rtol` of the largest entry of each tensor."""
    for a, b in zip(found, expected, strict=True):
        assert b.abs().max() > 0, "an update that is zero proves nothing"
        assert (a - b).abs().max() <= rtol * b.abs().max()


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(nn.functional.cosine_similarity(a.detach().ravel(), b.detach().ravel(), dim=0))


def clamp(net: RateNetwork, x: torch.Tensor) -> None:
    """Have every layer give the z that it gives now, whatever its weights become."""
    for layer in net:
        z = layer.drive(x).detach()
        x = layer.activate(z)
        layer.drive = lambda h, z=z: z.clone()


# --- Equivalences.


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", LAYERWISE)
def test_with_the_forward_weights_as_feedback_it_is_backprop(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    expected = update_of(prepared("backprop", net), x, y)
    rule = prepared(name, net)
    magnitudes = name == "sign_symmetric_fixed"
    set_feedback(rule, [w.abs() if magnitudes else w for w in net.weights()[1:]])
    assert_close(update_of(rule, x, y), expected)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", ALL)
def test_the_output_layer_learns_as_in_backprop_and_the_hidden_layers_do_not(
    name: str, kind: str
) -> None:
    net, (x, y) = network(kind), batch()
    expected = update_of(prepared("backprop", net), x, y)
    found = update_of(prepared(name, net), x, y)
    assert_close(found[-2:], expected[-2:])
    assert not torch.allclose(found[0], expected[0], rtol=1e-3)


def test_below_one_hidden_layer_of_feature_maps_direct_feedback_is_feedback_alignment() -> None:
    model = CNN(name="c", input_shape=(1, 4, 4), channels=(3,), pool=(2,), n_classes=5)
    net, (x, y) = model.build(0).double(), batch()
    step, direct = prepared("feedback_alignment", net), prepared("direct_feedback_alignment", net)
    set_feedback(direct, feedback(step))
    assert_close(update_of(direct, x, y), update_of(step, x, y), rtol=1e-14)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", ["feedback_alignment", "direct_feedback_alignment"])
def test_the_signal_is_a_linear_map_of_the_error_by_the_adjoint_of_the_feedback(
    name: str, kind: str
) -> None:
    # Against automatic differentiation of the network with feedback in place of forward weights.
    net, (x, y) = network(kind), batch()
    rule = prepared(name, net)
    found = update_of(rule, x, y)
    layers, matrices = list(net), feedback(rule)
    with torch.no_grad():
        hs = [x, *net.activity(x)]
    error = hs[-1].softmax(1) - nn.functional.one_hot(y, 5)
    delta = error / len(y)
    expected: Updates = []
    for index in reversed(range(len(layers))):
        layer, h = layers[index], hs[index]
        if index < len(layers) - 1:
            above = layers[index + 1]
            reach = hs[index + 1].clone().requires_grad_()
            if name == "direct_feedback_alignment":
                (signal,) = torch.autograd.grad(
                    (reach.flatten(1) @ matrices[index].T * error / len(y)).sum(), reach
                )
            else:
                (signal,) = torch.autograd.grad(
                    (above.through(matrices[index], reach) * delta).sum(), reach
                )
            z = layer.drive(h).detach().requires_grad_()
            (delta,) = torch.autograd.grad((layer.activate(z) * signal).sum(), z)
        made = torch.autograd.grad((layer.drive(h) * delta).sum(), [layer.weight, layer.bias])
        expected = [*made, *expected]
    assert_close(found, expected)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    "name", ["feedback_alignment", "direct_feedback_alignment", "kolen_pollack"]
)
def test_no_weight_is_transported(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    clamp(net, x)
    rule = prepared(name, net)
    found = update_of(rule, x, y)
    with torch.no_grad():
        for weight in net.weights():
            weight.copy_(torch.randn_like(weight))
    assert all(torch.equal(a, b) for a, b in zip(update_of(rule, x, y), found, strict=True))


# --- Sign-symmetric feedback.


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", SIGNS)
def test_only_the_signs_of_the_forward_weights_are_transported(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    clamp(net, x)

    def found() -> Updates:
        return update_of(prepared(name, net), x, y)

    before = found()
    with torch.no_grad():
        for weight in net.weights()[1:]:
            weight.mul_(10 ** torch.randn_like(weight))
    assert all(torch.equal(a, b) for a, b in zip(found(), before, strict=True))
    with torch.no_grad():
        net.weights()[-1].neg_()
    after = found()
    index = 2 * (len(net) - 2)
    torch.testing.assert_close(after[index], -before[index], rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", SIGNS)
def test_magnitudes_have_the_variance_of_initial_weights(name: str) -> None:
    net = MLP(name="m", sizes=(8, 300, 200, 10)).build(0).double()
    rule = prepared(name, net)
    for layer, matrix in zip(list(net)[1:], rule._feedback(), strict=True):
        # He et al.'s 2 / fan-in, as a mean of squares: uSF has it in every entry, the other two on
        # average; u^2 of a uniform u has the standard deviation sqrt(4/45) = 0.894 of its mean.
        expected = 2.0 / layer.fan_in
        spread = 0.0 if name == "sign_symmetric_uniform" else 0.9 / math.sqrt(matrix.shape[0])
        assert float(matrix.square().mean()) == pytest.approx(expected, rel=1e-6 + 3 * spread)
        assert torch.equal(matrix.sign(), layer.weight.detach().sign())
    again = rule._feedback()
    same = [torch.equal(a, b) for a, b in zip(rule._feedback(), again, strict=True)]
    assert same == [name != "sign_symmetric_random"] * 2


@pytest.mark.parametrize("kind", MODELS)
def test_magnitudes_of_a_batch_are_independent_in_pairs(kind: str) -> None:
    net = network(kind)
    rule = prepared("sign_symmetric_random", net)
    n = 4000
    drawn = torch.stack([rule._feedback()[0].abs().flatten() for _ in range(n)])
    limit = math.sqrt(6.0 / list(net)[1].fan_in)  # of a uniform number of variance 2 / fan-in
    covariance = torch.cov(drawn.T) / (limit**2 / 12.0)
    expected = torch.eye(len(covariance), dtype=torch.float64)
    assert (drawn.mean(0) / limit - 0.5).abs().max() < 5 / math.sqrt(12 * n)
    assert (covariance - expected).abs().max() < 5.5 / math.sqrt(n)
    quarters = (drawn / limit * 4).floor().long()
    assert quarters.min() >= 0
    for i, j in itertools.islice(itertools.combinations(range(drawn.shape[1]), 2), 0, None, 37):
        counts = torch.bincount(4 * quarters[:, i] + quarters[:, j], minlength=16)
        # Chi-squared with 15 degrees of freedom: above 50 in one of 80,000.
        assert float(((counts - n / 16) ** 2).sum() / (n / 16)) < 50.0


# --- Kolen-Pollack.


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_kolen_pollack_feedback_nears_the_forward_weights_by_the_decay_exactly(
    optimizer: str, kind: str
) -> None:
    net = network(kind)
    rule = prepared("kolen_pollack", net)
    rate, decay, n_steps = (0.5, 0.02, 500) if optimizer == "sgd" else (0.01, 1.0, 500)
    config = TrainConfig(
        model="mlp_784",
        rule="kolen_pollack",
        optimizer=optimizer,
        learning_rate=rate,
        weight_decay=decay,
    )
    stepper = Optimizer(config, rule)

    def distance() -> list[float]:
        pairs = zip(net.weights()[1:], feedback(rule), strict=True)
        return [float((w - b).detach().norm()) for w, b in pairs]

    before, weights = distance(), [w.detach().clone() for w in net.weights()]
    for step in range(n_steps):
        rule.update(*learnable(step), stepper.step)
    shrunk = (1.0 - rate * decay) ** n_steps
    assert 0.001 < shrunk < 0.01
    for start, end in zip(before, distance(), strict=True):
        assert end == pytest.approx(shrunk * start, rel=1e-9)
    # They meet away from where both would have decayed to by themselves.
    for start_weight, end_weight in zip(weights, net.weights(), strict=True):
        assert (end_weight - shrunk * start_weight).norm() > 0.1


@pytest.mark.parametrize("kind", MODELS)
def test_without_decay_kolen_pollack_keeps_its_distance(kind: str) -> None:
    net = network(kind)
    rule = prepared("kolen_pollack", net)
    before = [(w - b).detach() for w, b in zip(net.weights()[1:], feedback(rule), strict=True)]
    stepper = torch.optim.SGD(rule.parameters(), lr=0.1)
    for step in range(50):
        rule.update(*learnable(step), stepper.step)
    for pair, start in zip(
        zip(net.weights()[1:], feedback(rule), strict=True), before, strict=True
    ):
        torch.testing.assert_close(pair[0] - pair[1], start, rtol=1e-12, atol=1e-14)


def test_kolen_pollack_with_other_settings_for_the_feedback_does_not_become_symmetric() -> None:
    net = network("mlp")
    rule = prepared("kolen_pollack", net)
    stepper = torch.optim.SGD(
        [
            {"params": list(net.parameters()), "lr": 0.1},
            {"params": feedback(rule), "lr": 0.03},
        ],
        lr=0.1,
        weight_decay=0.01,
    )
    for step in range(500):
        rule.update(*learnable(step), stepper.step)
    pairs = zip(net.weights()[1:], feedback(rule), strict=True)
    gap = [float(((w - b).norm() / w.norm()).detach()) for w, b in pairs]
    assert min(gap) > 0.2


# --- Weight mirror.


def mirrored(rule: WeightMirror) -> list[torch.Tensor]:
    """What a mirror phase adds to the feedback weights, but for their decay."""
    rule.mirror()
    return [rule.decay * b.detach() - b.grad for b in feedback(rule)]


def test_a_mirror_phase_finds_the_weights_as_the_square_root_of_its_samples() -> None:
    # A layer of 6 units on 8, hardly bent: cos^2 = N / (N + n_in + 1) for a linear one, since each
    # entry of the correlation has the variance (|w|^2 + w_ij^2) sigma^4 / N.
    generator = torch.Generator().manual_seed(0)
    layers = [Dense(4, 8, "tanh", generator), Dense(8, 6, "tanh", generator)]
    net = RateNetwork([*layers, Dense(6, 5, "identity", generator)]).double()
    for n, least in ((100, 0.93), (1000, 0.992), (10_000, 0.998)):
        found = [
            cosine(
                mirrored(prepared("weight_mirror", net, seed, sigma=0.1, n_noise=n))[0],
                net.weights()[1],
            )
            for seed in range(20)
        ]
        assert np.mean(found) == pytest.approx(math.sqrt(n / (n + 9)), abs=0.5 / n + 0.0005)
        assert min(found) > least - 3 / n


def test_a_mirror_phase_is_its_formula_written_out_by_hand() -> None:
    net = network("mlp")
    rule = prepared("weight_mirror", net, sigma=0.7, n_noise=11, decay=0.3)
    drawn = []
    original = rule.draw
    rule.draw = lambda *a, **k: drawn.append(original(*a, **k)) or drawn[-1]
    rule.mirror()
    for layer, matrix, noise in zip(list(net)[1:], feedback(rule), drawn, strict=True):
        w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        answers = [w @ xi + b for xi in 0.7 * noise.numpy()]
        if layer.activation == "relu":
            answers = [np.maximum(z, 0) for z in answers]
        mean = np.mean(answers, axis=0)
        together = sum(
            np.outer(y - mean, xi) for y, xi in zip(answers, 0.7 * noise.numpy(), strict=True)
        )
        expected = 0.3 * matrix.detach().numpy() - together / (10 * 0.7**2)
        np.testing.assert_allclose(matrix.grad.numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", MODELS)
def test_mirrored_weights_come_to_rest_at_the_slope_over_the_decay_times_the_forward_weights(
    kind: str,
) -> None:
    net = network(kind)
    with torch.no_grad():
        for layer in net:
            layer.bias.zero_()
    rule = prepared("weight_mirror", net, n_noise=1000, decay=0.5)
    for step in range(1, 101):  # a running mean
        rule.mirror()
        with torch.no_grad():
            for matrix in feedback(rule):
                matrix.sub_(matrix.grad / (0.5 * step))
    for layer, matrix in zip(list(net)[1:], feedback(rule), strict=True):
        # Without biases half of the noise passes a rectified unit.
        slope = 0.5 if layer.activation == "relu" else 1.0
        torch.testing.assert_close(
            matrix.detach(),
            layer.weight.detach() * slope / 0.5,
            rtol=0,
            atol=0.04 * float(layer.weight.detach().abs().max()),
        )


@pytest.mark.parametrize("every", [1, 3])
def test_mirror_phases_move_feedback_alone_and_learning_the_network_alone(every: int) -> None:
    rule = prepared("weight_mirror", network("mlp"), every=every)
    moved: list[str] = []

    def apply() -> None:
        groups = rule.groups()
        moved.append("+".join(k for k, ps in groups.items() if any(p.grad is not None for p in ps)))
        for parameter in rule.parameters():
            parameter.grad = None

    for step in range(6):
        rule.update(*batch(seed=step), apply)
    phases = ["feedback", *["network"] * every]
    assert moved == phases * (6 // every)


def test_weight_mirrors_read_no_forward_weight_but_through_the_answers_to_noise() -> None:
    net = network("mlp")
    rule = prepared("weight_mirror", net)
    clamp(net, torch.randn(64, 16, dtype=torch.float64))
    noise = rule.generator.get_state()
    found = mirrored(rule)
    with torch.no_grad():
        for weight in net.weights():
            weight.copy_(torch.randn_like(weight))
    rule.generator.set_state(noise)
    assert all(torch.equal(a, b) for a, b in zip(mirrored(rule), found, strict=True))


# --- Learning aligns.


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    return torch.tensor(found.data / 16.0, dtype=torch.float32), torch.tensor(found.target)


def angles(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Degrees between the rule's and backprop's update of each hidden layer's weights."""

    def weight_updates(of: Rule) -> Updates:
        of.update(x, y, lambda: None)
        return [weight.grad.clone() for weight in of.network.weights()[:-1]]

    backprop = make_rule("backprop")
    backprop.prepare(rule.network, torch.Generator())
    pairs = zip(weight_updates(rule), weight_updates(backprop), strict=True)
    return [math.degrees(math.acos(cosine(a, b))) for a, b in pairs]


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("feedback_alignment", 85.0, 80.0),
        ("direct_feedback_alignment", 85.0, 80.0),
        ("kolen_pollack", 85.0, 40.0),
        ("weight_mirror", 85.0, 20.0),
        ("sign_symmetric_uniform", 0.0, 50.0),
        ("sign_symmetric_fixed", 0.0, 55.0),
        ("sign_symmetric_random", 0.0, 55.0),
    ],
)
def test_within_an_epoch_updates_come_to_lie_within_a_right_angle_of_the_gradient(
    name: str, least: float, most: float
) -> None:
    x, y = digits()
    rule = make_rule(name)
    rule.prepare(MLP(name="m", sizes=(64, 128, 64, 10)).build(0), torch_generator(0, "rule"))
    if name != "weight_mirror":
        assert min(angles(rule, x, y)) > least
    decay = 0.1 if name == "kolen_pollack" else 0.0
    config = TrainConfig(
        model="mlp_784", rule=name, optimizer="sgd", learning_rate=0.05, weight_decay=decay
    )
    stepper = Optimizer(config, rule)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    for chosen in order.split(4):
        rule.update(x[chosen], y[chosen], stepper.step)
    assert max(angles(rule, x, y)) < most
