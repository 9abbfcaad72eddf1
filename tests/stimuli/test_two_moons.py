"""Two moons: points of a plane as images, each once, and not told apart by a line."""

from __future__ import annotations

import numpy as np

from spikelearn.stimuli import two_moons
from spikelearn.stimuli.datasets import load_dataset


def points_of(images):
    limits = np.array(two_moons.LIMITS)
    return limits[:, 0] + images.reshape(-1, 2) / 255 * np.ptp(limits, axis=1)


def test_points_lie_on_two_half_circles():
    data = load_dataset("two_moons")
    assert data.train_images.shape == (800, 1, 2)
    assert data.test_images.shape == (200, 1, 2)
    points, upper = points_of(data.train_images), data.train_labels == 0
    # Distances to the circles that scikit-learn draws them from.
    first = np.linalg.norm(points[upper], axis=1)
    second = np.linalg.norm(points[~upper] - [1.0, 0.5], axis=1)
    for radii in (first, second):
        assert abs(radii.mean() - 1.0) < 0.05
        assert 0.1 < radii.std() < 0.2
    assert 0.45 < upper.mean() < 0.55


def test_no_point_stands_twice():
    data = load_dataset("two_moons")
    every = np.concatenate([data.train_images, data.test_images]).reshape(-1, 2)
    assert len(np.unique(every, axis=0)) == 1000


def test_a_line_leaves_errors_and_a_small_network_few():
    from sklearn.linear_model import LogisticRegression

    import spikelearn as sl

    data = load_dataset("two_moons")
    line = LogisticRegression().fit(points_of(data.train_images), data.train_labels)
    right = line.score(points_of(data.test_images), data.test_labels)
    run = sl.train(
        rule="backprop", dataset="two_moons", epochs=10, learning_rate=0.01,
        input_range=(-2.0, 2.0), progress=False,
    )  # fmt: skip
    assert run.config["model"] == "mlp_2"
    assert right < 0.92 < run.summary["test_accuracy"]
