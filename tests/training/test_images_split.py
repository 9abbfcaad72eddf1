"""Images and labels as network input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.stimuli import mnist
from spikelearn.stimuli.images import ImageDataset
from spikelearn.training.config import TrainConfig
from spikelearn.training.images import split


@pytest.fixture
def model(tmp_path) -> str:
    """Path of a small perceptron."""
    path = tmp_path / "small.yaml"
    write_yaml(path, {"kind": "mlp", "name": "small", "sizes": [784, 12, 8, 10]})
    return str(path)


def config(model: str, rule: str = "backprop", **changes: Any) -> TrainConfig:
    options = {"source": "embedded", "n_train": 300, "epochs": 2, **changes}
    return TrainConfig(model=model, rule=rule, **options)


def test_a_larger_input_range_is_a_linear_map_of_the_pixels(model: str) -> None:
    data = ImageDataset(
        "own", np.arange(40 * 784, dtype=np.uint8).reshape(40, 28, 28),
        np.arange(40, dtype=np.uint8) % 10, np.zeros((10, 28, 28), np.uint8),
        np.arange(10, dtype=np.uint8), tuple("0123456789"), "made",
    )  # fmt: skip
    plain = split(data, config(model, n_train=40))
    wide = split(data, config(model, n_train=40, input_range=(-1.0, 3.0)))
    for a, b in zip(plain, wide, strict=True):
        torch.testing.assert_close(b.x, 4 * a.x - 1)


@pytest.mark.parametrize(
    ("fields", "changes", "sentence"),
    [
        ({"max_rate_hz": 1001.0}, {}, r"once a step of 1 ms at most.*1000 Hz, found 1001 Hz"),
        ({"dt_ms": 6.0}, {}, r"max_rate_hz may be 166.667 Hz, found 250 Hz"),
        ({}, {"input_range": (0.0, 5.0)}, r"max_rate_hz may be 200 Hz, found 250 Hz"),
        ({}, {"input_range": (-1.0, 1.0)}, r"not negative, but input_range begins at -1"),
    ],
)
def test_pixels_that_would_spike_more_than_once_a_step_are_refused(
    tmp_path, fields: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "spiking.yaml"
    write_yaml(path, {"kind": "spiking_mlp", "name": "s", "sizes": [784, 8, 10], **fields})
    with pytest.raises(SpikelearnError, match=sentence):
        split(mnist.load("embedded"), config(str(path), "surrogate", **changes))


def test_no_image_is_in_two_parts():
    data = mnist.load("embedded")
    parts = split(data, TrainConfig(model="mlp_784", rule="backprop", source="embedded"))
    rows = [{bytes(x.numpy().tobytes()) for x in part.x} for part in parts]
    assert sum(map(len, rows)) == len(set().union(*rows))
    assert len(parts[0].y) + len(parts[1].y) == len(data.train_images)
