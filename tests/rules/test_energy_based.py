"""Energy-based rules as a user meets them: options, refusals, shapes, and that they learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from spikelearn._errors import SpikelearnError
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.energy_based import EnergyBased
from spikelearn.rules.rule import output_loss
from tests.rules.small_networks import family

ONE_SIDED = "equilibrium_propagation"
CENTRED = "equilibrium_propagation_centred"
HOLOMORPHIC = "equilibrium_propagation_holomorphic"
NUDGED = [ONE_SIDED, CENTRED, HOLOMORPHIC]
NAMES = family(EnergyBased)
MODELS: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(64, 50, 10), activation="hard_sigmoid"),
    "deep": MLP(name="d", sizes=(64, 50, 40, 30, 10), activation="hard_sigmoid"),
    "cnn": CNN(
        name="c", input_shape=(1, 8, 8), channels=(16, 16), pool=(1, 2), activation="hard_sigmoid"
    ),
}


def prepared(name: str, model: Any, **options: Any) -> Any:
    rule = make_rule(name, **options)
    rule.prepare(model.build(0), torch.Generator().manual_seed(0))
    return rule


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training and test images of 8 x 8 pixels in [0, 1], and their classes."""
    x, y = load_digits(return_X_y=True)
    images, labels = torch.from_numpy(x / 16.0).float(), torch.from_numpy(y)
    return images[:1300], labels[:1300], images[1300:], labels[1300:]


def accuracy_after(name: str, model: Any, epochs: int, rate: float = 3e-3, **options: Any) -> float:
    x, y, test_x, test_y = digits()
    rule = prepared(name, model, **options)
    optimizer = torch.optim.Adam(rule.parameters(), lr=rate)

    def step() -> None:
        optimizer.step()
        optimizer.zero_grad()

    for epoch in range(epochs):
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(epoch))
        for chosen in order.split(32):
            rule.update(x[chosen], y[chosen], step)
    return float((rule.predict(test_x).argmax(1) == test_y).double().mean())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (ONE_SIDED, {"beta": 0.0}, "option 'beta' must be a number at least"),
        (ONE_SIDED, {"beta": 1.0, "random_sign": True}, "option 'beta' must be a number from"),
        (ONE_SIDED, {"random_sign": "yes"}, "option 'random_sign' must be one of"),
        (CENTRED, {"beta": 1.0}, "option 'beta' must be a number from 1e-06 to 0.99"),
        (CENTRED, {"random_sign": True}, "'random_sign' is for estimate one_sided"),
        (CENTRED, {"loss": "hinge"}, "must be one of squared_error, cross_entropy"),
        (CENTRED, {"estimate": "one_sided"}, "has no option 'estimate'"),
        (HOLOMORPHIC, {"points": 1}, "option 'points' must be an integer of at least 2"),
        (HOLOMORPHIC, {"points": 4.5}, "option 'points' must be an integer of at least 2"),
        ("contrastive_hebbian", {"beta": 0.5}, "has no option 'beta'"),
        ("contrastive_hebbian", {"loss": "cross_entropy"}, "has no option 'loss'"),
        ("coupled_learning", {"nudge": 0.0}, "option 'nudge' must be a number from 1e-06 to 1"),
        ("coupled_learning", {"nudge": 1.5}, "option 'nudge' must be a number from 1e-06 to 1"),
        *((name, {"free_steps": 0}, "'free_steps' must be an integer") for name in NAMES),
        *((name, {"nudged_steps": True}, "'nudged_steps' must be an integer") for name in NAMES),
        *((name, {"activation": "relu"}, "'activation' must be one of own") for name in NAMES),
        *((name, {"feedback": 0.0}, "'feedback' must be a number from") for name in NAMES),
        *((name, {"step": 1.5}, "'step' must be a number from") for name in NAMES),
        *((name, {"order": "random"}, "'order' must be one of alternating") for name in NAMES),
        *((name, {"start": "ones"}, "'start' must be one of forward, zeros") for name in NAMES),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpikelearnError, match=message):
        make_rule(name, **options)


@pytest.mark.parametrize("name", NAMES)
def test_states_without_a_bound_are_refused_and_a_bound_is_an_option(name: str) -> None:
    model = MLP(name="m", sizes=(64, 8, 10), activation="elu")
    if name != HOLOMORPHIC:
        with pytest.raises(SpikelearnError, match="needs bounded states, and elu has no bound"):
            prepared(name, model)
    bounded = prepared(name, model, activation="shifted_sigmoid")
    hidden = bounded.activity(5.0 * torch.randn(9, 64))["hidden1"]
    assert 0.0 <= float(hidden.min()) < float(hidden.max()) <= 1.0


@pytest.mark.parametrize("name", [ONE_SIDED, "contrastive_hebbian"])
def test_rectified_states_are_clipped_at_one(name: str) -> None:
    x = torch.rand(9, 64)
    clipped = prepared(name, MLP(name="m", sizes=(64, 30, 10), activation="relu"))
    hard = prepared(name, MLP(name="m", sizes=(64, 30, 10), activation="hard_sigmoid"))
    hard.network.load_state_dict(clipped.network.state_dict())
    assert torch.equal(clipped.predict(x), hard.predict(x))
    assert clipped.activity(5 * x)["hidden1"].max() == 1.0


def test_complex_states_are_refused_where_the_nonlinearity_is_not_analytic() -> None:
    for activation in ("own", "hard_sigmoid"):
        with pytest.raises(SpikelearnError, match="analytic activation, and hard_sigmoid is none"):
            prepared(HOLOMORPHIC, MODELS["mlp"], activation=activation)
        prepared(HOLOMORPHIC, MODELS["mlp"], activation=activation, points=2)
    prepared(HOLOMORPHIC, MODELS["mlp"])


def test_a_readout_needs_hidden_states_to_read() -> None:
    model = MLP(name="m", sizes=(64, 10))
    with pytest.raises(SpikelearnError, match="needs a hidden layer"):
        prepared(CENTRED, model, loss="cross_entropy")
    assert prepared(CENTRED, model).predict(torch.rand(3, 64)).shape == (3, 10)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("model", MODELS)
def test_predictions_and_activity_have_the_shapes_of_the_network(name: str, model: str) -> None:
    losses = ["squared_error", "cross_entropy"] if name in NUDGED else ["squared_error"]
    for loss in losses:
        options = {"loss": loss} if name in NUDGED else {}
        rule = prepared(name, MODELS[model], **options)
        x = torch.rand(4, 64)
        activity = rule.activity(x)
        layers = list(rule.network)
        assert list(activity) == [*(f"hidden{i}" for i in range(1, len(layers))), "output"]
        for layer, found in zip(layers, activity.values(), strict=True):
            assert found.shape == (4, *layer.out_shape)
        assert torch.equal(rule.predict(x), activity["output"])


@pytest.mark.parametrize("name", NUDGED)
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_what_update_returns_is_the_loss_of_the_free_phase(name: str, loss: Any) -> None:
    rule, x = prepared(name, MODELS["mlp"], loss=loss), torch.rand(6, 64)
    y = torch.arange(6)
    expected = output_loss(loss, rule.predict(x), y)[0]
    torch.testing.assert_close(rule.update(x, y, lambda: None), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_relaxation_keeps_no_graph(name: str) -> None:
    rule = prepared(name, MODELS["mlp"])
    rule.update(torch.rand(6, 64), torch.arange(6), lambda: None)
    assert not any(p.grad is None or p.grad.requires_grad for p in rule.network.parameters())
    assert not rule.predict(torch.rand(2, 64)).requires_grad


FAST = {"free_steps": 8, "nudged_steps": 4, "feedback": 0.3}


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_digits(name: str) -> None:
    assert accuracy_after(name, MODELS["mlp"], 4, **FAST) > 0.87


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (ONE_SIDED, {"random_sign": True}),
        (CENTRED, {"loss": "cross_entropy"}),
        (CENTRED, {"order": "synchronous", "start": "zeros", "step": 0.7}),
        (HOLOMORPHIC, {"points": 3, "loss": "cross_entropy"}),
    ],
    ids=str,
)
def test_its_variants_learn_digits(name: str, options: dict[str, Any]) -> None:
    assert accuracy_after(name, MODELS["mlp"], 4, **FAST, **options) > 0.87


@pytest.mark.parametrize(("model", "bar"), [("deep", 0.6), ("cnn", 0.85)])
def test_the_centred_rule_learns_digits_in_deep_and_convolutional_networks(
    model: str, bar: float
) -> None:
    assert accuracy_after(CENTRED, MODELS[model], 4, **FAST) > bar
