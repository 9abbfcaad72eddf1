"""Averages over the trials of a stimulus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def average_by_label(values: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Averages over the trials (first axis) of the same label, in order of first appearance."""
    names = list(dict.fromkeys(str(label) for label in labels))
    row = {name: i for i, name in enumerate(names)}
    stimulus = np.array([row[str(label)] for label in labels])
    means = np.zeros((len(names), *values.shape[1:]))
    np.add.at(means, stimulus, values)
    n_trials = np.bincount(stimulus, minlength=len(names))
    return means / n_trials.reshape(-1, *[1] * (values.ndim - 1)), names
