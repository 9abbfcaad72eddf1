"""Weighted layers against least squares, a planted mixture and contrasts made by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from rsa_examples import made_up_recording, response
from scipy.optimize import lsq_linear
from scipy.stats import rankdata, spearmanr

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.contrast_parts import Contrast, Part, key_of, models_of, together
from spikelearn.comparison.contrasts import choosing_stimuli, contrast_table
from spikelearn.comparison.name_order import by_names, with_stimuli
from spikelearn.comparison.rdms import rdm
from spikelearn.comparison.weighted_layers import WEIGHTED, weighted_response
from spikelearn.recordings import RecordedRDM

N = 36
LAYERS = ("a", "b", "c")


def network(seed: int) -> dict:
    random = np.random.default_rng([3, seed])
    return {name: response(random.normal(size=(N, 6))) for name in LAYERS}


def vector(one) -> np.ndarray:
    return rdm(one).get_vectors()[0]


def seeing(shares, noise: float, layers: dict, n_subjects: int = 3):
    """A recording of subjects whose dissimilarities are a mixture of the layers', and noise."""
    random = np.random.default_rng(8)
    recording = made_up_recording(N)
    mixed = sum(w * vector(layers[name]) / vector(layers[name]).std() for name, w in shares.items())
    rdms = [
        RecordedRDM(
            f"s{k}", "V1", "", mixed + 5.0 + noise * random.normal(size=mixed.shape), "correlation"
        )
        for k in range(n_subjects)
    ]
    return replace(recording, rdms=tuple(rdms), groups={})


def divided(recording):
    recording = by_names(recording)
    return [with_stimuli(recording, some) for some in choosing_stimuli(N, 0)]


def test_weights_are_least_squares_on_some_stimuli_and_the_score_is_of_the_others():
    layers = network(0)
    recording = seeing({"a": 1.0, "b": 0.5}, 0.6, layers)
    on, rest = divided(recording)
    data = np.stack([one.dissimilarities for one in on.rdms])
    found, shares = weighted_response(layers, on, rest, data, "spearman")
    here, there = (
        {k: vector(r.sel(stimulus=list(of.labels))) for k, r in layers.items()} for of in (on, rest)
    )
    ours = np.stack([v / v.std() for v in here.values()])
    goal = np.mean([rankdata(one) for one in data], axis=0)
    fitted = lsq_linear((ours - ours.mean(1)[:, None]).T, goal - goal.mean(), (0, np.inf)).x
    assert list(shares.values()) == pytest.approx(fitted / fitted.sum(), abs=1e-6)
    assert shares["a"] > shares["b"] > shares["c"]
    expected = sum(w * there[k] / here[k].std() for k, w in zip(LAYERS, fitted, strict=True))
    np.testing.assert_allclose(vector(found), expected, rtol=1e-6)
    # And the table has that score, of every subject, averaged.
    parts = [Part(1.0, {k: [[(1.0, r)]] for k, r in layers.items()}, "a")]
    row = contrast_table([Contrast({}, parts, weighted=True)], recording, random=("stimuli",))
    scores = [spearmanr(expected, one.dissimilarities).statistic for one in rest.rdms]
    assert row.difference.iloc[0] == pytest.approx(np.mean(scores))
    assert row.layer_a.iloc[0] == WEIGHTED
    assert row.n_stimuli.iloc[0] == len(rest.labels)
    words = (
        f"layers weighted on {len(on.labels)} other stimuli, shares of a: a {shares['a']:.2f}, b"
    )
    assert words in row.flag.iloc[0]


def test_a_mixture_is_found_where_one_layer_alone_is_not_enough():
    layers = network(1)
    recording = seeing({"a": 1.0, "b": 1.0, "c": 1.0}, 0.3, layers)
    parts = [Part(1.0, {k: [[(1.0, r)]] for k, r in layers.items()}, "a")]
    weighted, best = (
        contrast_table([Contrast({}, parts, weighted=w)], recording, random=("stimuli",)).iloc[0]
        for w in (True, False)
    )
    assert weighted.difference > best.difference + 0.2
    assert weighted.ci_lower > best.ci_upper


def test_each_seed_and_each_checkpoint_has_its_own_weights():
    one, other = network(2), network(3)
    recording = seeing({"a": 1.0}, 0.5, one)
    between = {k: [[(0.25, one[k]), (0.75, other[k])]] for k in LAYERS}
    seeds = {k: [[(1.0, one[k])], [(1.0, other[k])]] for k in LAYERS}
    found = [
        contrast_table([Contrast({}, [Part(1.0, layers, "a")], weighted=True)], recording)
        for layers in (
            between,
            seeds,
            *({k: [[(1.0, n[k])]] for k in LAYERS} for n in (one, other)),
        )
    ]
    mixed, mean, first, second = (table.difference.iloc[0] for table in found)
    assert mixed == pytest.approx(0.25 * first + 0.75 * second)
    assert mean == pytest.approx((first + second) / 2)
    assert found[1].n_seeds.iloc[0] == 2


def test_without_a_layer_that_goes_with_the_region_the_least_bad_one_is_compared():
    layers = network(4)
    recording = seeing({"a": -1.0, "b": -0.6, "c": -0.2}, 0.1, layers)
    on, rest = divided(recording)
    data = np.stack([one.dissimilarities for one in on.rdms])
    found, shares = weighted_response(layers, on, rest, data, "spearman")
    assert shares == {"a": 0.0, "b": 0.0, "c": 1.0}
    own = vector(layers["c"].sel(stimulus=list(rest.labels)))
    assert spearmanr(vector(found), own).statistic == pytest.approx(1.0)


def test_a_layer_that_is_silent_for_a_stimulus_has_no_share():
    layers = network(5)
    recording = seeing({"a": 1.0, "b": 1.0}, 0.2, layers)
    silent = {**layers, "a": layers["a"].copy()}
    silent["a"][4] = 0.0
    on, rest = divided(recording)
    data = np.stack([one.dissimilarities for one in on.rdms])
    shares = weighted_response(silent, on, rest, data, "spearman")[1]
    assert shares["a"] == 0.0 < shares["b"]
    every = {k: r.copy() for k, r in layers.items()}
    for k, n_silent in (("a", 3), ("b", 1), ("c", 2)):
        every[k][:n_silent] = 0.0
    found, shares = weighted_response(every, on, rest, data, "spearman")
    assert shares == {"a": 0.0, "b": 1.0, "c": 0.0}
    assert found is every["b"]


def test_regions_have_weights_of_their_own_and_other_methods_are_refused():
    layers = network(6)
    v1 = seeing({"a": 1.0}, 0.2, layers)
    it = [replace(one, region="IT") for one in seeing({"c": 1.0}, 0.2, layers).rdms]
    recording = replace(v1, rdms=(*v1.rdms, *it))
    parts = [Part(1.0, {k: [[(1.0, r)]] for k, r in layers.items()}, "net")]
    contrast = Contrast({"question": "q"}, parts, weighted=True)
    of_it = Contrast({"question": "of IT"}, parts, ("IT",), weighted=True)
    table = contrast_table([contrast, of_it], recording)
    assert sorted(zip(table.question, table.region, strict=True)) == [
        ("of IT", "IT"), ("q", "IT"), ("q", "V1")
    ]  # fmt: skip
    for row in table.itertuples():
        layer = "a" if row.region == "V1" else "c"
        assert re.search(rf"shares of net: {layer} (0\.9|1\.0)", row.flag)
        assert row.difference > 0.8
    with pytest.raises(SpikelearnError, match="weighted by their dissimilarities: by rsa, not cka"):
        contrast_table([contrast], recording, method="cka")


def test_responses_that_contrasts_share_are_scored_once_and_in_batches():
    responses = [response(np.random.default_rng(k).normal(size=(N, 3))) for k in range(100)]
    shared = responses[0]
    contrasts = [
        Contrast(
            {}, [Part(1.0, {"h": [[(1.0, shared)]]}, "a"), Part(-1.0, {"h": [[(1.0, r)]]}, "b")]
        )
        for r in responses[1:]
    ]
    batches = list(together(contrasts))
    assert [one for batch in batches for one in batch] == contrasts
    assert len(batches) == 2
    for batch in batches:
        models = models_of(batch)
        assert len(models) == len(batch) + 1 <= 64
        assert models[key_of(shared)] is shared
