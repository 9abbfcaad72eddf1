"""Target propagation and deep feedback control as a user meets them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.networks.residual_mlp import ResidualMLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule

TP = "target_propagation"
DTP = "difference_target_propagation"
LDRL = "difference_target_propagation_ldrl"
DFC = "deep_feedback_control"
NAMES = [TP, DTP, LDRL, DFC]
MODELS: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(64, 40, 30, 10), activation="tanh"),
    "cnn": CNN(
        name="c", input_shape=(1, 8, 8), channels=(8, 10), pool=(1, 2), activation="tanh"
    ),
}  # fmt: skip


def prepared(name: str, kind: str = "mlp", **options: Any) -> Rule:
    rule = make_rule(name, **options)
    rule.prepare(MODELS[kind].build(0), torch_generator(0, "rule"))
    return rule


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training and test images of 8 x 8 pixels in [0, 1], and their classes."""
    x, y = load_digits(return_X_y=True)
    images, labels = torch.from_numpy(x / 16.0).float(), torch.from_numpy(y)
    return images[:1300], labels[:1300], images[1300:], labels[1300:]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    x, y, _, _ = digits()
    return x[:12], y[:12]


def learn(rule: Rule, n_epochs: int, rate: float = 0.003) -> float:
    """Train by Adam; returns the accuracy on the test images."""
    x, y, x_test, y_test = digits()
    optimiser = torch.optim.Adam(rule.parameters(), lr=rate)

    def apply() -> None:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    generator = torch.Generator().manual_seed(0)
    for _ in range(n_epochs):
        for chosen in torch.randperm(len(y), generator=generator).split(50):
            rule.update(x[chosen], y[chosen], apply)
    return float((rule.predict(x_test).argmax(1) == y_test).float().mean())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (DTP, {"beta": 0.0}, "option 'beta' must be a number at least 1e-12, found 0.0"),
        (DTP, {"sigma": -1.0}, "option 'sigma' must be a number at least 0"),
        (DTP, {"n_feedback": -1}, "option 'n_feedback' must be a number at least 0"),
        (DTP, {"warm_up_batches": "2"}, "option 'warm_up_batches' must be a number at least 0"),
        (DTP, {"top": "label"}, "option 'top' must be one of gradient, inverse, found 'label'"),
        (DTP, {"inverse_activation": "cosine"}, "'inverse_activation' must be one of relu, tanh"),
        (TP, {"loss": "hinge"}, "option 'loss' must be one of cross_entropy, squared_error"),
        (LDRL, {"sigma": 0.0}, "option 'sigma' must be a number at least 1e-08"),
        (LDRL, {"inverse_activation": "tanh"}, "has no option 'inverse_activation'"),
        (DFC, {"target_step": 0.0}, "option 'target_step' must be a number at least 1e-12"),
        (DFC, {"alpha": -0.1}, "option 'alpha' must be a number at least 0"),
        (DFC, {"compare": "spikes"}, "option 'compare' must be one of rates, voltages"),
        (DFC, {"feedback": "random"}, "'feedback' must be one of learned, fixed, jacobian"),
        (DFC, {"dynamics": "euler"}, "option 'dynamics' must be one of steady_state, steps"),
        (DFC, {"dt": 2.0}, "option 'dt' must be a number from 1e-06 to 1"),
        (DFC, {"n_steps": 0}, "option 'n_steps' must be a number at least 1"),
        (DFC, {"controller_time": 0}, "option 'controller_time' must be a number at least 0.001"),
        (DFC, {"warm_up_batches": -1}, "option 'warm_up_batches' must be a number at least 0"),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpikelearnError, match=message):
        make_rule(name, **options)


def test_networks_they_do_not_train_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="trains networks of kind mlp, not cnn"):
        prepared(DFC, "cnn")
    residual = ResidualMLP(name="r", n_inputs=64, width=6, depth=3, n_classes=10).build(0)
    with pytest.raises(SpikelearnError, match="trains networks of kind mlp, cnn, not residual_mlp"):
        make_rule(DTP).prepare(residual, torch_generator(0, "rule"))


@pytest.mark.parametrize("name", NAMES)
def test_it_predicts_by_the_forward_pass(name: str) -> None:
    rule, (x, _) = prepared(name), batch()
    assert torch.equal(rule.predict(x), rule.network(x))
    shapes = {layer: tuple(h.shape) for layer, h in rule.activity(x).items()}
    assert shapes == {"hidden1": (12, 40), "hidden2": (12, 30), "output": (12, 10)}


@pytest.mark.parametrize(("name", "n_inverses"), [(TP, 1), (DTP, 1), (LDRL, 2)])
def test_inverses_are_a_group_of_their_own_of_the_forward_weights_shapes(
    name: str, n_inverses: int
) -> None:
    for kind in MODELS:
        rule = prepared(name, kind)
        groups = rule.groups()
        assert set(groups) == {"network", "inverse"}
        shapes = [p.shape for p in groups["inverse"][::2]]
        # As published, DTP has no inverse of the output layer, and L-DRL has one.
        assert shapes == [w.shape for w in rule.network.weights()[1 : 1 + n_inverses]]


@pytest.mark.parametrize("name", [TP, DTP, LDRL])
@pytest.mark.parametrize("kind", list(MODELS))
def test_inverses_learn_as_often_as_asked_before_the_network_does(name: str, kind: str) -> None:
    rule, (x, y) = prepared(name, kind, n_feedback=3), batch()
    inverse = {id(p) for p in rule.groups()["inverse"]}
    calls: list[set[str]] = []

    def apply() -> None:
        calls.append(
            {"inverse" if id(p) in inverse else "network"
             for p in rule.parameters() if p.grad is not None}
        )  # fmt: skip
        for p in rule.parameters():
            p.grad = None

    rule.update(x, y, apply)
    assert calls == [{"inverse"}] * 3 + [{"network"}]


@pytest.mark.parametrize(("name", "group"), [(TP, "inverse"), (LDRL, "inverse"), (DFC, "feedback")])
def test_during_the_warm_up_only_the_way_back_learns_and_a_resumed_run_goes_on_counting(
    name: str, group: str
) -> None:
    rule, (x, y) = prepared(name, warm_up_batches=3), batch()
    step = torch.optim.SGD(rule.parameters(), lr=0.01)

    def apply() -> None:
        step.step()
        step.zero_grad(set_to_none=True)

    start = [p.detach().clone() for p in rule.network.parameters()]
    back = [p.detach().clone() for p in rule.groups()[group]]
    for _ in range(2):
        rule.update(x, y, apply)
    assert any(not torch.equal(a, b) for a, b in zip(back, rule.groups()[group], strict=True))
    resumed = prepared(name, warm_up_batches=3)
    resumed.extra.load_state_dict(rule.extra.state_dict())
    moved = []
    for _ in range(2):
        resumed.update(x, y, lambda: moved.append(resumed.network.weights()[0].grad is not None))
    # The third batch is the last of the warm-up; the fourth ends with the network's own update.
    assert not any(moved[:-1])
    assert moved[-1]
    assert all(torch.equal(a, b) for a, b in zip(start, rule.network.parameters(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_one_layer_learns_by_the_gradient(name: str) -> None:
    net = MLP(name="m", sizes=(64, 10)).build(0)
    (x, y), options = batch(), {"alpha": 0.0} if name == DFC else {}
    rule, backprop = make_rule(name, **options), make_rule("backprop")
    updates = []
    for each in (rule, backprop):
        each.prepare(net, torch_generator(0, "rule"))
        each.update(x, y, lambda: None)
        updates.append([p.grad.clone() for p in net.parameters()])
    for found, expected in zip(*updates, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "kind", "options", "n_epochs", "at_least"),
    [
        (TP, "mlp", {}, 6, 0.75),
        (DTP, "mlp", {}, 6, 0.80),
        (DTP, "cnn", {}, 3, 0.75),
        (LDRL, "mlp", {}, 6, 0.80),
        (LDRL, "cnn", {}, 3, 0.75),
        (DFC, "mlp", {}, 6, 0.80),
        (DFC, "mlp", {"dynamics": "steps", "n_steps": 40, "dt": 0.5}, 3, 0.80),
    ],
)
def test_it_learns_the_digits(
    name: str, kind: str, options: dict[str, Any], n_epochs: int, at_least: float
) -> None:
    accuracy = learn(prepared(name, kind, **options), n_epochs)
    assert accuracy > at_least
