"""Worlds in which a null hypothesis is true, to see how often tests reject it."""

from __future__ import annotations

import numpy as np
from response_examples import Response, ResponseRecording
from rsa_examples import response

from spikelearn.comparison import difference_table, zero_table

WORLDS = ("normal", "heavy tails", "categories")


def _noise(random: np.random.Generator, world: str, shape: tuple[int, int]) -> np.ndarray:
    if world == "heavy tails":
        return random.standard_t(3, size=shape) / np.sqrt(3)
    if world == "categories":  # eight of them, half of the variance
        member = np.arange(shape[0]) % 8
        shared = random.normal(size=(8, shape[1]))[member]
        return (shared + random.normal(size=shape)) / np.sqrt(2)
    return random.normal(size=shape)


def _recording(values: list[np.ndarray]) -> ResponseRecording:
    responses = tuple(Response(f"S{i}", "V4", v) for i, v in enumerate(values))
    return ResponseRecording("made up", tuple(f"s{i}" for i in range(len(values[0]))), responses)


def p_of_unrelated(method: str, n_sets: int, n_permutations: int = 99, n=25) -> np.ndarray:
    """p-values of models that have nothing to do with two subjects who resemble each other."""
    found = []
    for repeat in range(n_sets):
        random = np.random.default_rng(repeat)
        world = WORLDS[repeat % 2]  # categories of both would be a relation
        features = _noise(random, world, (n, 6))
        subjects = [
            features @ random.normal(size=(6, 9)) + _noise(random, world, (n, 9)) for _ in range(2)
        ]
        model = response(_noise(random, world, (n, 7)))
        table = zero_table(
            {"m": model}, _recording(subjects), n_permutations, repeat, method=method
        )
        found.append(table[table.level == "mean"].p.item())
    return np.array(found)


def p_of_equal(method: str, n_sets: int, world: str, n=40, n_bootstrap: int = 200) -> np.ndarray:
    """p-values of the difference of two models that are alike but for their noise."""
    found = []
    for repeat in range(n_sets):
        random = np.random.default_rng(repeat)
        features = _noise(random, world, (n, 6))
        subjects = [
            features @ random.normal(size=(6, 12)) + _noise(random, world, (n, 12))
            for _ in range(2)
        ]
        # Alike for all stimuli of these kinds: what they have of their own is not of categories.
        own = "normal" if world == "categories" else world
        models = {name: response(features + _noise(random, own, (n, 6))) for name in "ab"}
        table = difference_table(
            models, _recording(subjects), n_bootstrap=n_bootstrap, seed=repeat, method=method
        )
        found.append(table[table.level == "mean"].p.item())
    return np.array(found)
