"""Worlds in which model and recording share what controls have, and nothing else.

The dissimilarities of the controls are all that is shared: of patterns of one length, whose
correlation distances add up, or of Euclidean distances, whose squares do. What they explain of each
side is a curve.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray
from rsa_examples import response
from scipy.spatial.distance import pdist
from worlds import Recorded

from spikelearn.comparison import difference_table, zero_table
from spikelearn.comparison.baselines import category_model
from spikelearn.recordings import RecordedRDM

# What the controls are: features of the stimuli; one number each, as luminance is; two sets of
# features; eight categories that are equally unlike each other.
KINDS = ("features", "one number", "two controls", "categories")


class World(NamedTuple):
    """`shared` is the weight of what controls have, `related` that of what they have not."""

    kind: str
    n: int
    shared: float = 1.0
    related: float = 0.0
    heavy: bool = False
    n_subjects: int = 2
    comparator: str = "spearman"

    def drawn(
        self, random: np.random.Generator, n_models: int = 1
    ) -> tuple[dict[str, xarray.DataArray], Recorded, dict[str, xarray.DataArray]]:
        """Models that are alike, a recording, and controls."""
        labels = tuple(f"s{i:03}" for i in range(self.n))
        parts, controls = self._controls(random, labels)
        seen = np.column_stack([self.shared * part for part in parts])
        more = self.related * self._noise(random, 12)
        euclidean = self.kind in ("one number", "categories")
        attrs = {"rdm_method": "euclidean"} if euclidean else {}
        models = {
            f"m{k}": response(
                np.column_stack([seen, more, self._noise(random, 12)]), labels, **attrs
            )
            for k in range(n_models)
        }
        common = np.column_stack([seen, more, self._noise(random, 12)])
        distance = "euclidean" if euclidean else "correlation"
        rdms = tuple(
            RecordedRDM(
                f"S{s}", "IT", "",
                pdist(common + 0.5 * random.normal(size=common.shape), distance), distance,
            )
            for s in range(self.n_subjects)
        )  # fmt: skip
        return models, Recorded("made up", labels, rdms=rdms), controls

    def _controls(
        self, random: np.random.Generator, labels: tuple[str, ...]
    ) -> tuple[list[np.ndarray], dict[str, xarray.DataArray]]:
        if self.kind == "one number":
            light = random.normal(size=(self.n, 1))
            return [light.repeat(4, axis=1)], {
                "light": response(light, labels, rdm_method="euclidean")
            }
        if self.kind == "categories":
            member = np.arange(self.n) % 8
            return [2.0 * np.eye(8)[member]], {"category": category_model(member, labels)}
        names = ("a", "b") if self.kind == "two controls" else ("a",)
        parts = [_of_one_length(self._noise(random, 12)) for _ in names]
        return parts, {k: response(v, labels) for k, v in zip(names, parts, strict=True)}

    def _noise(self, random: np.random.Generator, n_units: int) -> np.ndarray:
        if self.heavy:
            return random.standard_t(3, size=(self.n, n_units)) / np.sqrt(3)
        return random.normal(size=(self.n, n_units))


def _of_one_length(patterns: np.ndarray) -> np.ndarray:
    """Patterns of mean 0 and variance 1: nothing but their correlations tells them apart."""
    centred = patterns - patterns.mean(axis=1, keepdims=True)
    return centred / centred.std(axis=1, keepdims=True)


def p_beyond_controls(world: World, n_sets: int, n_permutations: int = 99) -> np.ndarray:
    """p-values of a model given the controls, mean over subjects."""
    return _found(world, n_sets, n_permutations, 11)[1]


def power_where_chance_is_known(world: World, n_sets: int) -> float:
    """How often a relation is found by a test that knows what scores come without one."""
    by_chance = _found(world._replace(related=0.0), 2 * n_sets, 1, 21)[0]
    return float(np.mean(_found(world, n_sets, 1, 11)[0] > np.quantile(by_chance, 0.95)))


def _found(
    world: World, n_sets: int, n_permutations: int, draws: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and p-values of a model given the controls, mean over subjects."""
    found = []
    for seed in range(n_sets):
        models, recording, controls = world.drawn(np.random.default_rng([draws, seed]))
        table = zero_table(
            models, recording, n_permutations, seed, method="partial_rsa",
            comparator=world.comparator, controls=controls,
        )  # fmt: skip
        mean = table[table.level == "mean"]
        found.append((mean.score.item(), mean.p.item()))
    scores, p = np.array(found).T
    return scores, p


def p_of_alike(world: World, n_sets: int) -> np.ndarray:
    """p-values of the difference of two models that are alike, mean over subjects."""
    found = []
    for seed in range(n_sets):
        models, recording, controls = world.drawn(np.random.default_rng([12, seed]), 2)
        table = difference_table(
            models, recording, None, 100, seed, method="partial_rsa",
            comparator=world.comparator, controls=controls,
        )  # fmt: skip
        found.append(table[table.level == "mean"].p.item())
    return np.array(found)
