"""Accuracy without a trained readout: is the activity of a class near the mean of its class?"""

from __future__ import annotations

import torch

from spikelearn.rules.rule import Rule
from spikelearn.training.images import Split
from spikelearn.training.measures import accuracy_of, activity

TRAINING_IMAGES = 5000  # enough for the means of a few classes


def nearest_centroid_accuracy(rule: Rule, training: Split, test: Split) -> float | None:
    """Fraction of the test images whose last hidden activity is nearest to that of their class.

    Nearest by the angle to the mean activity of each class in the first training images, after the
    mean over classes has been taken away.

    Parameters
    ----------
    rule : Rule
        Trained.
    training : Split
        Gives the mean of each class; its first 5,000 examples.
    test : Split
        Is told apart.

    Returns
    -------
    float or None
        None for networks without a hidden layer.
    """
    n_classes = int(training.y.max()) + 1
    layers = list(activity(rule, test.x[:1]))
    if len(layers) < 2:
        return None
    name = layers[-2]
    x, y = training.x[:TRAINING_IMAGES], training.y[:TRAINING_IMAGES]
    known = activity(rule, x)[name].flatten(1).double()
    new = activity(rule, test.x)[name].flatten(1).double()
    members = torch.nn.functional.one_hot(y, n_classes).double()
    centroids = members.T @ known / members.sum(0).clamp_min(1).unsqueeze(1)
    middle = centroids.mean(0)
    centroids = torch.nn.functional.normalize(centroids - middle, dim=1)
    nearest = (torch.nn.functional.normalize(new - middle, dim=1) @ centroids.T).argmax(1)
    return accuracy_of(nearest, test.y)
