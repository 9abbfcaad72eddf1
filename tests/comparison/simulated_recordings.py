"""Simulated recordings whose truth is known: scores of models over new stimuli and new subjects.

A latent feature u drives model a, an independent one v model b, and every subject mixes both with
its own weights, the same for u and v. So a and b are equally good, whatever the subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from scipy.spatial.distance import pdist

from spikelearn.comparison.comparators import compare_vectors
from spikelearn.comparison.intervals import (
    Sampled,
    bootstrap_spearman,
    sampled,
)
from spikelearn.comparison.pair_influences import PairInfluences
from spikelearn.comparison.resamples import resamples_of

FEATURES = 8


def rdm_of(values: np.ndarray) -> np.ndarray:
    return pdist(values, "correlation")


@dataclass
class World:
    """What stays the same in every repetition of an experiment."""

    seed: int
    noise: float
    n_subjects: int
    new_subjects: bool = False  # whether a repetition has other subjects

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.model = self.random.normal(size=(FEATURES, 12))
        self.subjects = self._weights(self.n_subjects)

    def _weights(self, n: int) -> np.ndarray:
        return self.random.normal(size=(n, FEATURES, 15))

    def draw(self, n_stimuli: int, n_subjects: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """RDMs of the models a and b, and of the subjects, for new stimuli."""
        u, v = self.random.normal(size=(2, n_stimuli, FEATURES))
        n = n_subjects or self.n_subjects
        weights = self._weights(n) if self.new_subjects else self.subjects

        def noisy(values: np.ndarray) -> np.ndarray:
            return rdm_of(values + self.noise * self.random.normal(size=values.shape))

        models = np.stack([noisy(u @ self.model), noisy(v @ self.model)])
        return models, np.stack([noisy((u + v) @ w) for w in weights])

    def truth(self, n_draws: int = 80) -> float:
        """The score of model a over very many stimuli (and subjects, where they are new)."""
        scores = []
        for _ in range(n_draws):
            models, data = self.draw(150, 4 if self.new_subjects else None)
            scores.append(compare_vectors(models, data, "spearman").mean())
        return float(np.mean(scores))


def inferred(
    models: np.ndarray, data: np.ndarray, over: str, seed: int, n_bootstrap: int = 200
) -> tuple[Sampled, Sampled]:
    """What is inferred of the score of the first model, and of its difference to the second."""
    n_stimuli = round((1 + np.sqrt(1 + 8 * models.shape[1])) / 2)
    labels = SimpleNamespace(labels=range(n_stimuli))
    resamples = resamples_of(labels, n_bootstrap, seed, over)
    scores = compare_vectors(models, data, "spearman")
    both = bootstrap_spearman(models, data, resamples.counts)
    resampled, left_out = resamples.parted(both)
    pairs = PairInfluences(models, data, "spearman")
    everyone = range(len(data))
    one, other = pairs.of(0, everyone), pairs.of(1, everyone)
    return (
        sampled(scores[0], resampled[0], n_stimuli, over, seed, pairs.variance(one), left_out[0]),
        sampled(
            scores[0] - scores[1],
            resampled[0] - resampled[1],
            n_stimuli,
            over,
            seed,
            pairs.variance(one - other),
            left_out[0] - left_out[1],
            limit=2.0,
        ),
    )
