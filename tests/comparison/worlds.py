"""Simulated experiments of many sorts, for how often intervals cover the truth.

A model and subjects mix the same features, every unit with its noise. What a score is in the mean
over many experiments of a world is its truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from response_examples import Response
from rsa_examples import response
from scipy.spatial.distance import pdist

from spikelearn.comparison import compare_responses, compare_rsa
from spikelearn.recordings import RecordedRDM
from spikelearn.recordings.repeats import means_of_repeats

FEATURES, MODEL_UNITS, UNITS = 8, 12, 20
# Normal; heavy-tailed noise; heavy-tailed features; images of six kinds; images of kinds that are
# new in every experiment, four of each; stimuli with other numbers of repeats, and runs with
# baselines of their own.
KINDS = ("normal", "heavy", "heavy features", "same kinds", "new kinds", "runs")


@dataclass(frozen=True)
class Recorded:
    """What a comparison needs of a recording."""

    name: str
    labels: tuple[str, ...]
    responses: tuple[Response, ...] = ()
    rdms: tuple[RecordedRDM, ...] = ()
    groups: dict = field(default_factory=dict)
    categories: dict = field(default_factory=dict)

    @property
    def n_stimuli(self) -> int:
        return len(self.labels)


@dataclass
class Experiments:
    """A world: the weights of model and subjects stay, stimuli and noise are new each time."""

    kind: str
    method: str
    n_stimuli: int
    noise: float = 1.5
    n_subjects: int = 2
    comparator: str = "spearman"

    def __post_init__(self) -> None:
        world = np.random.default_rng(3)
        self.model = world.normal(size=(FEATURES, MODEL_UNITS))
        self.subjects = world.normal(size=(self.n_subjects, FEATURES, UNITS))
        self.centres = world.normal(size=(6, FEATURES))

    def table(self, seed: int, over: str = "stimuli", intervals: bool = True) -> pd.DataFrame:
        """Scores of one experiment."""
        random = np.random.default_rng([4, seed])
        n = self.n_stimuli
        kinds = np.arange(n) % (max(n // 4, 1) if self.kind == "new kinds" else 6)
        features = self._features(random, kinds)
        noise = 0.5 * self.noise * random.normal(size=(n, MODEL_UNITS))
        labels = tuple(f"s{i:03}" for i in range(n))
        models = {"m": response(features @ self.model + noise, labels)}
        repeats = [self._repeats(features @ weights, random) for weights in self.subjects]
        categories = {str(k): kinds == k for k in np.unique(kinds)}
        n_bootstrap = 100 if intervals else 0
        if self.method == "rsa":
            rdms = tuple(
                RecordedRDM(f"S{i}", "V4", "", pdist(means_of_repeats(r), "correlation"), "1 - r")
                for i, r in enumerate(repeats)
            )
            recording = Recorded("simulated", labels, rdms=rdms, categories=categories)
            return compare_rsa(
                models, recording, n_bootstrap, seed, over=over, comparator=self.comparator
            )
        responses = tuple(Response(f"S{i}", "V4", r) for i, r in enumerate(repeats))
        recording = Recorded("simulated", labels, responses, categories=categories)
        return compare_responses(
            models, recording, n_bootstrap, seed, method=self.method, over=over
        )

    def coverage(self, n_sets: int, over: str = "stimuli") -> float:
        """How often the interval of the mean over subjects covers the truth."""
        alone = [self.table(n_sets + i, intervals=False) for i in range(2 * n_sets)]
        truth = np.mean([_mean(table).score for table in alone])
        rows = [_mean(self.table(seed, over)) for seed in range(n_sets)]
        return float(np.mean([row.ci_lower <= truth <= row.ci_upper for row in rows]))

    def _features(self, random: np.random.Generator, kinds: np.ndarray) -> np.ndarray:
        shape = (len(kinds), FEATURES)
        if self.kind == "heavy features":
            return random.standard_t(3, size=shape) / np.sqrt(3)
        if self.kind == "same kinds":
            return 1.2 * self.centres[random.integers(0, 6, len(kinds))] + 0.7 * random.normal(
                size=shape
            )
        if self.kind == "new kinds":
            centres = random.normal(size=(kinds.max() + 1, FEATURES))
            return 1.2 * centres[kinds] + 0.7 * random.normal(size=shape)
        return random.normal(size=shape)

    def _repeats(self, signal: np.ndarray, random: np.random.Generator) -> np.ndarray:
        n, n_units = signal.shape
        if self.kind == "heavy":
            noise = random.standard_t(3, size=signal.shape) / np.sqrt(3)
            return (signal + self.noise * noise)[:, None]
        if self.kind != "runs":
            return (signal + self.noise * random.normal(size=signal.shape))[:, None]
        repeats = signal[:, None] + 2 * self.noise * random.normal(size=(n, 6, n_units))
        repeats += 5 * random.normal(size=(1, 6, n_units))
        repeats[np.arange(6)[None] >= random.integers(1, 7, n)[:, None]] = np.nan
        return repeats


def _mean(table: pd.DataFrame) -> pd.Series:
    return table[table.level == "mean"].iloc[0]
