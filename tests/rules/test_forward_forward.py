"""Forward-forward as a user meets it: options, refusals, shapes, and that it learns."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from spikelearn._errors import SpikelearnError
from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.checks import check_rule
from spikelearn.rules.forward_forward import Contrastive
from tests.rules.small_networks import family

CONTRASTIVE = family(Contrastive)
CHANNELWISE = "forward_forward_channelwise"
NAMES = [*CONTRASTIVE, CHANNELWISE]
MODELS = {
    "mlp": MLP(name="m", sizes=(64, 60, 40, 10)),
    "cnn": CNN(name="c", input_shape=(1, 8, 8), channels=(20, 30), pool=(1, 2)),
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


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("forward_forward", {"negatives": "hybrid"}, "must be one of random, hard"),
        ("forward_forward", {"readout": "linear"}, "must be one of goodness, softmax"),
        ("forward_forward", {"theta": -1.0}, "option 'theta' must be a number at least 0"),
        ("forward_forward", {"slope": -1.0}, "option 'slope' must be a number at least 0"),
        ("forward_forward", {"peer": "yes"}, "option 'peer' must be a number at least 0"),
        ("forward_forward", {"label_strength": -0.1}, "'label_strength' must be a number"),
        ("forward_forward_symba", {"alpha": -4.0}, "option 'alpha' must be a number at least 0"),
        ("forward_forward_symba", {"theta": 1.0}, "has no option 'theta'"),
        (CHANNELWISE, {"slope": None}, "option 'slope' must be a number at least 0"),
        (CHANNELWISE, {"readout": "linear"}, "must be one of softmax, goodness"),
        (CHANNELWISE, {"negatives": "random"}, "has no option 'negatives'"),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpikelearnError, match=message):
        make_rule(name, **options)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_without_hidden_layers_is_refused(name: str) -> None:
    with pytest.raises(SpikelearnError, match="hidden"):
        prepared(name, MLP(name="m", sizes=(64, 10)))


def test_fewer_inputs_than_classes_have_no_room_for_the_label() -> None:
    with pytest.raises(
        SpikelearnError, match="first 10 inputs, one a class, but this network has 9"
    ):
        prepared("forward_forward", MLP(name="m", sizes=(9, 20, 10)))


def test_a_label_that_leaves_nothing_of_the_image_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="must be below 1 for a convolutional network"):
        prepared("forward_forward", MODELS["cnn"], label_strength=1.0)


def test_a_layer_too_narrow_for_the_classes_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="10 classes, and this network has a layer with 8"):
        prepared(CHANNELWISE, MLP(name="m", sizes=(64, 20, 8, 10)))


@pytest.mark.parametrize("name", NAMES)
def test_labels_out_of_range_are_refused(name: str) -> None:
    # The class after the last would show the neutral label.
    rule = prepared(name, MODELS["mlp"])
    with pytest.raises(SpikelearnError, match="label 10 is out of range"):
        rule.update(torch.rand(3, 64), torch.tensor([0, 10, 2]), lambda: None)


@pytest.mark.parametrize("readout", ["goodness", "softmax"])
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("name", NAMES)
def test_scores_and_activity_have_the_shapes_of_the_network(
    name: str, kind: str, readout: str
) -> None:
    rule = prepared(name, MODELS[kind], readout=readout)
    x = torch.rand(5, 64)
    scores, activity = rule.predict(x), rule.activity(x)
    assert scores.shape == (5, 10)
    assert list(activity) == ["hidden1", "hidden2", "output"]
    for layer, h in zip(rule.network, activity.values(), strict=True):
        assert h.shape == (5, *layer.out_shape)
        assert not h.requires_grad
    assert torch.equal(activity["output"], scores)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("name", CONTRASTIVE)
def test_the_activity_shown_for_comparison_does_not_depend_on_what_stands_under_the_label(
    name: str, kind: str
) -> None:
    rule = prepared(name, MODELS[kind])
    x = torch.rand(4, 64)
    other = x.clone()
    other[:, :10] = torch.rand(4, 10)
    same = torch.equal(rule.activity(x)["hidden1"], rule.activity(other)["hidden1"])
    assert same is (kind == "mlp")  # labels over the whole image cover nothing


@pytest.mark.parametrize(
    ("options", "groups"),
    [
        ({}, {"network"}),
        ({"readout": "softmax"}, {"network", "readout"}),
        ({"negatives": "hard"}, {"network", "readout"}),
    ],
)
def test_the_softmax_reads_every_hidden_layer_but_the_first(
    options: dict[str, Any], groups: set[str]
) -> None:
    model = MLP(name="m", sizes=(64, 30, 20, 15, 10))
    rule = prepared("forward_forward", model, **options)
    assert set(rule.groups()) == groups
    if "readout" in groups:
        assert [tuple(p.shape) for p in rule.groups()["readout"]] == [(10, 20)]
    two = prepared("forward_forward", MODELS["mlp"], **options)
    assert set(two.groups()) == {"network"}  # the output layer is all of it


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "elu"])
def test_black_images_and_silent_layers_leave_finite_updates(name: str, activation: Any) -> None:
    rule = prepared(name, MLP(name="m", sizes=(64, 30, 20, 10), activation=activation))
    with torch.no_grad():
        for layer in rule.network:
            layer.weight.zero_()
    loss = rule.update(torch.zeros(6, 64), torch.arange(6), lambda: None)
    assert torch.isfinite(loss)
    for p in rule.network.parameters():
        assert p.grad is None or torch.isfinite(p.grad).all()
    assert torch.isfinite(rule.predict(torch.zeros(6, 64))).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("forward_forward", {"negatives": "hard", "readout": "softmax", "peer": 0.1}),
        ("forward_forward", {"slope": None}),
        ("forward_forward_symba", {"negatives": "hard"}),
        (CHANNELWISE, {"readout": "goodness"}),
    ],
)
@pytest.mark.parametrize(
    "model",
    [
        MLP(name="m", sizes=(12, 9, 8, 7, 5)),
        CNN(name="c", input_shape=(1, 6, 6), channels=(5, 6), pool=(2, 1), n_classes=5),
    ],
)
def test_every_variant_has_the_properties_of_a_rule(
    name: str, options: dict[str, Any], model: Any
) -> None:
    check_rule(lambda: make_rule(name, **options), model)


def test_peers_bring_silent_units_back() -> None:
    x, y, *_ = digits()

    def silent(rule: Any) -> int:
        return int((rule.activity(x)["hidden1"].amax(0) == 0).sum())

    for peer, left in ((0.0, 15), (0.1, 0)):
        rule = prepared("forward_forward", MODELS["mlp"], peer=peer)
        with torch.no_grad():
            next(iter(rule.network)).bias[:20] = -3.0
        assert silent(rule) == 15
        train(rule, x, y, 3)
        assert silent(rule) == left


def train(rule: Any, x: torch.Tensor, y: torch.Tensor, epochs: int, rate: float = 3e-3) -> None:
    optimiser = torch.optim.Adam(rule.parameters(), lr=rate)

    def apply() -> None:
        optimiser.step()
        optimiser.zero_grad()

    generator = torch.Generator().manual_seed(1)
    for _ in range(epochs):
        for part in torch.randperm(len(x), generator=generator).split(32):
            rule.update(x[part], y[part], apply)


@pytest.mark.parametrize(
    ("name", "kind", "options", "least"),
    [
        # Chance is 0.10. The bounds lie five points or more below what was measured; test images
        # were written by others than the training images.
        ("forward_forward", "mlp", {"negatives": "hard", "label_strength": 3.0}, 0.80),
        ("forward_forward", "mlp", {}, 0.83),
        ("forward_forward", "mlp", {"readout": "softmax"}, 0.84),
        ("forward_forward", "cnn", {"label_strength": 0.4}, 0.55),
        ("forward_forward_symba", "mlp", {"alpha": 20.0, "negatives": "hard"}, 0.85),
        ("forward_forward_symba", "cnn", {"alpha": 50.0}, 0.70),
        (CHANNELWISE, "mlp", {"readout": "goodness"}, 0.84),
        (CHANNELWISE, "mlp", {}, 0.79),
        (CHANNELWISE, "cnn", {"slope": 20.0}, 0.84),
        (CHANNELWISE, "cnn", {"readout": "goodness"}, 0.76),
    ],
)
def test_it_learns_to_read_digits(
    name: str, kind: str, options: dict[str, Any], least: float
) -> None:
    x, y, test_x, test_y = digits()
    rule = prepared(name, MODELS[kind], **options)
    train(rule, x, y, 12)
    accuracy = float((rule.predict(test_x).argmax(1) == test_y).float().mean())
    assert accuracy > least


def test_learning_goes_the_same_way_in_another_network_object() -> None:
    # What learning carries from batch to batch is in the network and in `extra`, and nowhere else.
    x, y, *_ = digits()
    rule = prepared("forward_forward", MODELS["mlp"], peer=0.1, negatives="hard")
    train(rule, x[:320], y[:320], 1)
    twin = prepared("forward_forward", MODELS["mlp"], peer=0.1, negatives="hard")
    assert isinstance(twin.network, RateNetwork)
    twin.network.load_state_dict(rule.network.state_dict())
    twin.extra.load_state_dict(rule.extra.state_dict())
    twin.generator.set_state(rule.generator.get_state())
    for one in (rule, twin):
        train(one, x[320:640], y[320:640], 1)
    for a, b in zip(rule.network.parameters(), twin.network.parameters(), strict=True):
        assert torch.equal(a, b)
