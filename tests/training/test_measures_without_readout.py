"""Accuracy without a readout: nearest mean activity of a class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestCentroid

from spikelearn._seeding import torch_generator
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.training.images import Split
from spikelearn.training.measures import activity, nearest_centroid_accuracy


def prepared(sizes: tuple[int, ...]):
    rule = make_rule("untrained")
    rule.prepare(MLP(name="m", sizes=sizes).build(0), torch_generator(0, "rule"))
    return rule


def digits() -> tuple[Split, Split]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y, dtype=torch.int64)
    return Split(x[:1200], y[:1200]), Split(x[1200:], y[1200:])


def test_it_is_scikit_learns_nearest_centroid_on_centred_unit_vectors() -> None:
    training, test = digits()
    rule = prepared((64, 40, 10))
    found = nearest_centroid_accuracy(rule, training, test)
    known, new = (activity(rule, s.x)["hidden1"].double().numpy() for s in (training, test))
    centroids = NearestCentroid().fit(known, training.y.numpy()).centroids_
    middle = centroids.mean(0)

    def unit(values: np.ndarray) -> np.ndarray:
        shifted = values - middle
        return shifted / np.linalg.norm(shifted, axis=1, keepdims=True)

    distances = ((unit(new)[:, None] - unit(centroids)[None]) ** 2).sum(2)
    assert found == pytest.approx((distances.argmin(1) == test.y.numpy()).mean())
    assert 0.5 < found < 1.0


def test_a_network_without_a_hidden_layer_has_no_such_accuracy() -> None:
    training, test = digits()
    assert nearest_centroid_accuracy(prepared((64, 10)), training, test) is None
