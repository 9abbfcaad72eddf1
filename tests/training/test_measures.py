"""What is measured of a trained network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikelearn._files import write_yaml
from spikelearn._seeding import torch_generator
from spikelearn.rules import make_rule
from spikelearn.stimuli.images import ImageDataset
from spikelearn.training.config import TrainConfig
from spikelearn.training.images import split
from spikelearn.training.loop import train
from spikelearn.training.measures import collapse_flag, largest_share, layer_table, layer_weights


@pytest.fixture
def model(tmp_path) -> str:
    """Path of a small perceptron."""
    path = tmp_path / "small.yaml"
    write_yaml(path, {"kind": "mlp", "name": "small", "sizes": [784, 12, 8, 10]})
    return str(path)


def config(model: str, rule: str = "backprop", **changes: Any) -> TrainConfig:
    options = {"source": "embedded", "n_train": 300, "epochs": 2, **changes}
    return TrainConfig(model=model, rule=rule, **options)


def test_weights_that_a_rule_leaves_alone_have_no_cosine(model: str) -> None:
    class OutputOnly(type(make_rule("backprop"))):  # type: ignore[misc]
        def update(self, x, y, apply):
            def only() -> None:
                for layer in list(self.network)[:-1]:
                    layer.weight.grad = None
                apply()

            return super().update(x, y, only)

    rule = OutputOnly()
    found = config(model)
    rule.prepare(found.description().build(0), torch_generator(0, "rule"))
    data = split(
        ImageDataset(
            "own", np.random.default_rng(0).integers(0, 255, (60, 28, 28)).astype(np.uint8),
            np.arange(60, dtype=np.uint8) % 10, np.zeros((10, 28, 28), np.uint8),
            np.arange(10, dtype=np.uint8), tuple("0123456789"), "made",
        ),
        config(model, n_train=60, validation_fraction=0.5),
    )[1]  # fmt: skip
    table = layer_table(rule, layer_weights(found.description().build(0)), data)
    assert table["gradient_cosine"].isna().tolist() == [True, True, False]
    assert table["gradient_cosine"].iloc[-1] == pytest.approx(1.0)


def test_a_predictor_that_leaves_a_class_out_is_flagged():
    assert collapse_flag(np.arange(10), 10) == ""
    assert collapse_flag(np.zeros(5, int), 3) == "collapsed: never predicts 1, 2"


def test_chance_is_the_share_of_the_largest_class(tmp_path) -> None:
    """With nine of ten images of one class, 90 % is what a constant answer reaches."""
    assert largest_share(np.array([0, 0, 0, 2])) == 0.75
    assert largest_share(np.arange(10)) == pytest.approx(0.1)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (80, 8, 8), dtype=np.uint8)
    labels = np.r_[np.zeros(36, int), np.ones(4, int), np.zeros(30, int), np.ones(10, int)]
    np.savez(
        tmp_path / "mine.npz", train_images=images[:40], train_labels=labels[:40],
        test_images=images[40:], test_labels=labels[40:],
    )  # fmt: skip
    changes = {"sizes": [64, 4, 2]}
    made = TrainConfig(
        model="mlp_64", changes=changes, rule="untrained", dataset=str(tmp_path / "mine.npz")
    )
    assert train(made).summary["chance"] == 0.75
