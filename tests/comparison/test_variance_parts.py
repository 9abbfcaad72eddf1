"""Parts of explained variance beside planted ones, and beside another library's fits."""

from __future__ import annotations

import warnings
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from scipy.spatial.distance import pdist
from sklearn.linear_model import LinearRegression

from spikelearn import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.comparison import variance_parts
from spikelearn.comparison.variance_parts import (
    ALL,
    Sets,
    commonality,
    explained_variance,
    variance_table,
)
from spikelearn.recordings import RecordedRDM

SUBSETS = [s for size in (1, 2, 3) for s in combinations(range(3), size)]


def everything(n: int) -> np.ndarray:
    return np.ones((1, n), dtype=int)


def planted(n_stimuli: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Dissimilarities of three models, of which two have a part in common, and their known sum."""
    random = np.random.default_rng(seed)
    a, b, c, both, noise = random.normal(size=(5, n_stimuli * (n_stimuli - 1) // 2))
    return np.stack([a + both, b + both, c]), a + both + 0.5 * (b + both) + c + noise


def test_parts_are_those_of_planted_sums():
    x, y = planted()
    found = explained_variance(x, y[None], SUBSETS, everything(90))[:, 0, 0]
    names = "abc"
    explained = {frozenset(names[k] for k in s): r for s, r in zip(SUBSETS, found, strict=True)}
    parts = commonality(explained, list(names))
    # y = a + 0.5 b + 1.5 both + c + noise, of variance 5.5: the closed form of each R2.
    total = 1 + 0.25 + 1.5**2 + 1 + 1
    alone_a, alone_b = (1 + 1.5) ** 2 / 2 / total, (0.5 + 1.5) ** 2 / 2 / total
    both = 3.5 / total
    known = {
        "a": both - alone_b, "b": both - alone_a, "c": 1 / total,
        "a and b": alone_a + alone_b - both, "a and c": 0.0, "b and c": 0.0, "a and b and c": 0.0,
    }  # fmt: skip
    assert parts.keys() == known.keys()
    for name, value in known.items():
        assert parts[name] == pytest.approx(value, abs=0.03), name
    assert sum(parts.values()) == pytest.approx(found[-1])


def test_weights_that_are_not_negative_are_those_of_another_library():
    random = np.random.default_rng(1)
    n = 20
    first, second = np.triu_indices(n, k=1)
    x = random.normal(size=(3, len(first)))
    x[2] -= 0.8 * x[0]
    y = np.stack([x[0] - 2 * x[1] + 0.3 * x[2], x.sum(axis=0)]) + random.normal(size=len(first))
    left_out = np.ones((2, n), dtype=int)
    left_out[1, :3] = 0
    found = explained_variance(x, y, SUBSETS, left_out, seed=5)
    folds = generator(5, "folds in which variance is parted")
    parted = [
        folds.permutation(n) % variance_parts.N_FOLDS for _ in range(variance_parts.N_REPEATS)
    ]
    for g, there in enumerate(left_out.astype(bool)):
        for d in range(2):
            for number, some in enumerate(SUBSETS):
                wrong = total = 0.0
                for fold in parted:
                    for k in range(variance_parts.N_FOLDS):
                        fitted, tested = ((fold != k) & there, (fold == k) & there)
                        of = fitted[first] & fitted[second]
                        at = tested[first] & tested[second]
                        fit = LinearRegression(positive=True).fit(x[list(some)][:, of].T, y[d, of])
                        wrong += ((y[d, at] - fit.predict(x[list(some)][:, at].T)) ** 2).sum()
                        total += ((y[d, at] - y[d, of].mean()) ** 2).sum()
                assert found[number, d, g] == pytest.approx(1 - wrong / total, abs=1e-7)


def test_the_same_model_twice_shares_all_and_explains_nothing_alone():
    x, y = planted(40)
    x[1] = x[0]
    found = explained_variance(x, y[None], SUBSETS, everything(40))[:, 0, 0]
    assert found[0] == pytest.approx(found[3], abs=1e-6)  # a, and a with itself
    opposite = explained_variance(-x[:1], y[None], [[0]], everything(40))[0, 0, 0]
    assert opposite == 0.0  # no weight is negative, and none explains nothing


def recording(subjects: list[np.ndarray]) -> SimpleNamespace:
    labels = tuple(f"s{i:02}" for i in range(len(subjects[0])))
    rdms = tuple(
        RecordedRDM(f"S{j}", "IT", "", pdist(values, "correlation"), "1 - r")
        for j, values in enumerate(subjects)
    )
    return SimpleNamespace(
        name="planted", labels=labels, n_stimuli=len(labels), rdms=rdms, groups={}, responses=(),
        categories={},
    )  # fmt: skip


def response(values: np.ndarray) -> xarray.DataArray:
    labels = [f"s{i:02}" for i in range(len(values))]
    return xarray.DataArray(values, dims=("stimulus", "unit"), coords={"stimulus": labels})


def world(seed: int, own: float, common: float = 1.0, n: int = 36):
    """Networks of two rules and images; of the brain only the first has so much of its own, and so
    much of what the second has."""
    random = np.random.default_rng([11, seed])
    shared, first, image = (random.normal(size=(n, 12)) for _ in range(3))

    def seen(*parts: np.ndarray) -> np.ndarray:
        return np.hstack([*parts, random.normal(size=(n, 12))])

    brains = [seen(shared, own * first, image) for _ in range(3)]
    a = [response(seen(common * shared, first)) for _ in range(3)]
    b = [response(seen(shared)) for _ in range(3)]
    sets = [Sets({"question": "variance"}, {"a": a, "b": b})]
    return variance_table(sets, recording(brains), {"pixels": response(image)}).set_index("part")


def test_a_table_has_the_parts_with_their_intervals():
    table = world(0, own=1.5)
    parts = table.drop(index=[ALL, "pixels beyond all others"]).difference
    assert list(parts.index[:3]) == ["a alone", "b alone", "images alone"]
    assert parts.sum() == pytest.approx(table.difference[ALL])
    assert table.p["a alone"] < 0.05
    assert table.p["images alone"] < 0.05
    assert table.difference["a alone"] > 5 * abs(table.difference["b alone"])
    # One model of the images is all there is of them.
    assert table.difference["pixels beyond all others"] == table.difference["images alone"]
    assert table.p.notna().sum() == 3
    assert set(table.n_seeds) == {3}
    assert set(table.interval_over) == {"seeds, subjects and stimuli"}
    assert (table.ci_lower < table.difference).all()


def test_what_adds_nothing_is_rarely_told():
    n = 15
    found = sum(
        bool(row.p < 0.05 and row.difference > 0)
        for seed in range(n)
        for row in [world(seed, own=0.0, common=0.0, n=24).loc["a alone"]]
    )
    assert found <= 3


def test_what_cannot_be_parted_is_told():
    x, y = planted(11)
    with pytest.raises(SpikelearnError, match="11 stimuli are too few"):
        explained_variance(x, y[None], SUBSETS, everything(11))
    with pytest.raises(SpikelearnError, match="10 RDMs at most, found 12"):
        explained_variance(np.tile(x, (4, 1)), y[None], SUBSETS, everything(11))
    twelve = np.ones((13, 12), dtype=int)
    twelve[range(1, 13), range(12)] = 0  # of which each is left out in turn
    with pytest.raises(SpikelearnError, match=r"12 stimuli are too few .*; 13 are enough"):
        explained_variance(x[:, :66], y[None, :66], SUBSETS, twelve)
    sets = [Sets({}, {"a": [response(np.eye(14))]})]
    with pytest.raises(SpikelearnError, match="tau"):
        variance_table(sets, recording([np.eye(14)]), {}, comparator="kendall_tau_a")


def test_a_network_that_is_dead_says_so_and_keeps_no_other_from_its_parts():
    random = np.random.default_rng(2)
    alive, brain, image = random.normal(size=(3, 30, 9))
    dead = np.zeros((30, 9))
    sets = [
        Sets({"model_a": "dead"}, {"dead": [response(dead)], "b": [response(brain + alive)]}),
        Sets({"model_a": "a"}, {"a": [response(brain)], "b": [response(brain + alive)]}),
    ]
    images = {"pixels": response(image)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = variance_table(sets, recording([brain, brain]), images).set_index("model_a")
    assert len(table.loc["dead"]) == len(table.loc["a"]) == 9
    assert table.loc["dead"][["difference", "ci_lower", "p"]].isna().all(axis=None)
    assert set(table.loc["dead"].flag) == {
        "30 silent stimuli; 0 stimuli are too few to part variance on stimuli that are not in the"
        " fit; 12 are enough"
    }
    own = table.loc["a"].set_index("part")
    # All of the brain is of it; beside a negative shared part more than all: in its interval, too.
    assert own.difference[ALL] == pytest.approx(1.0)
    assert (own.ci_lower <= own.difference).all()
    assert (own.difference <= own.ci_upper).all()
