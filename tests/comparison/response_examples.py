"""A recording with responses, made up for the tests: one representation, seen through noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Response:
    subject: str
    region: str
    values: np.ndarray  # (stimulus, repeat, unit)


@dataclass(frozen=True)
class ResponseRecording:
    name: str
    labels: tuple[str, ...]
    responses: tuple[Response, ...]

    @property
    def n_stimuli(self) -> int:
        return len(self.labels)


def recorded_responses(
    n_stimuli=60, n_subjects=2, n_repeats=4, n_units=30, noise=1.0, seed=0
) -> tuple[ResponseRecording, np.ndarray]:
    """The recording, and the features that its subjects mix."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n_stimuli, 6))
    responses = []
    for s in range(n_subjects):
        truth = features @ random.normal(size=(6, n_units)) / np.sqrt(6)
        values = truth[:, None] + noise * random.normal(size=(n_stimuli, n_repeats, n_units))
        responses.append(Response(f"S{s}", "V4", values))
    labels = tuple(f"s{i}" for i in range(n_stimuli))
    return ResponseRecording("made up", labels, tuple(responses)), features


def related_pair(seed=0, n=25, p=8, q=5) -> tuple[np.ndarray, np.ndarray]:
    """Responses of p and of q units to the same stimuli, the second mixes the first, with noise."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, p))
    return x, x @ random.normal(size=(p, q)) + random.normal(size=(n, q))
