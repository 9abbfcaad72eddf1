"""Which tests a comparison makes, and of what."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas
import pytest
import xarray
from small_recording import small_recording

from spikelearn.comparison import compare_rsa, difference_table, false_discovery_rate, holm
from spikelearn.recordings import RecordedRDM
from spikelearn.studies.comparing import Entry, judged_similarity, similarity_of_all
from spikelearn.studies.significance import put_together, significance
from spikelearn.studies.tested_models import PERMUTATIONS_A_MODEL, TestedModels

RECORDING = small_recording()
N = RECORDING.n_stimuli


def entry(model: str, network: str, seed: int) -> Entry:
    random = np.random.default_rng([len(model), len(network), seed])
    responses = {
        layer: xarray.DataArray(
            random.normal(size=(N, 9)),
            dims=("stimulus", "unit"),
            coords={"stimulus": list(RECORDING.labels)},
        )
        for layer in ("hidden", "output")
    }
    return Entry(model, network, seed, responses)


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """Two rules on one network, one on another, twins of both; two seeds."""
    names = [("backprop", "a"), ("softhebb", "a"), ("softhebb", "b")]
    names += [("untrained", "a"), ("untrained", "b")]
    return [entry(model, network, seed) for model, network in names for seed in (0, 1)]


@pytest.fixture(scope="module")
def tests(entries):
    return significance(TestedModels(entries, RECORDING, 60))


def test_planned_are_twins_baselines_and_rules_on_one_network(tests) -> None:
    mean = tests.differences.query("level == 'mean' and test == 'planned'")
    image = {"pixels", "mean_luminance", "gabor_energy", "random_features"}
    pairs = {
        (r.model_a, r.network_a, r.layer_a, r.model_b, r.network_b, r.layer_b)
        for r in mean.itertuples()
    }
    assert len(pairs) == len(mean)
    layers = ("hidden", "output")
    trained = [("backprop", "a"), ("softhebb", "a"), ("softhebb", "b")]
    assert pairs == {
        *((*one, layer, "untrained", one[1], layer) for one in trained for layer in layers),
        *((*one, layer, name, "", "") for one in trained for layer in layers for name in image),
        *(("backprop", "a", layer, "softhebb", "a", layer) for layer in layers),
    }


def test_seeds_are_instances_of_one_model_and_correction_is_over_a_region(tests, entries) -> None:
    zero = tests.zero.query("level == 'mean'")
    assert len(zero) == 4 + 5 * 2  # baselines; layers of five networks
    assert set(zero[zero.network != ""].n_seeds) == {2}
    one = zero.query("model == 'backprop' and layer == 'hidden'").iloc[0]
    own = [e.responses["hidden"] for e in entries if e.model == "backprop"]
    scores = [compare_rsa({"m": r}, RECORDING, 0).query("level == 'mean'").score for r in own]
    assert one.score == pytest.approx(np.mean(scores))
    assert one.ci_lower < one.score < one.ci_upper
    for table in (zero, tests.differences.query("level == 'mean' and test == 'planned'")):
        np.testing.assert_allclose(table.p_holm, holm(table.p.to_numpy()))
        np.testing.assert_allclose(table.p_fdr, false_discovery_rate(table.p.to_numpy()))
    # So many permutations that the smallest p survives Holm's correction.
    assert len(zero) / (PERMUTATIONS_A_MODEL * len(zero) + 1) < 0.05


def test_a_difference_is_that_of_difference_table(tests, entries) -> None:
    by_key = {
        (model, "hidden"): [e.responses["hidden"] for e in entries if (e.model, e.network) == name]
        for model, name in (("one", ("softhebb", "b")), ("twin", ("untrained", "b")))
    }
    expected = difference_table(by_key, RECORDING, n_bootstrap=60).query("level == 'mean'")
    row = tests.differences.query(
        "level == 'mean' and network_a == 'b' and layer_a == 'hidden' and model_b == 'untrained'"
        " and test == 'planned'"
    )
    columns = ["difference", "ci_lower", "ci_upper", "p"]
    np.testing.assert_allclose(row[columns], expected[columns])


def test_best_layers_are_tested_against_each_other_and_pay_for_their_choice(tests) -> None:
    zero = tests.zero.query("level == 'mean'").set_index(["model", "network", "layer"])
    zero = zero.score.sort_index()
    best = tests.differences.query("test == 'best layers'")
    assert set(best.level) == {"mean"}
    trained = [("backprop", "a"), ("softhebb", "a"), ("softhebb", "b")]
    controls = [("untrained", "a"), ("untrained", "b"), *((name, "") for name in (
        "pixels", "mean_luminance", "gabor_energy", "random_features"
    ))]  # fmt: skip
    pairs = [((r.model_a, r.network_a), (r.model_b, r.network_b)) for r in best.itertuples()]
    expected = {frozenset(pair) for pair in combinations(trained, 2)}
    expected |= {frozenset((one, other)) for one in trained for other in controls}
    assert {frozenset(pair) for pair in pairs} == expected
    assert len(pairs) == len(expected)
    for row in best.itertuples():
        n_layers = []
        for model, network, layer in (
            (row.model_a, row.network_a, row.layer_a), (row.model_b, row.network_b, row.layer_b)
        ):  # fmt: skip
            own = zero[model, network]
            assert own.idxmax() == layer
            n_layers.append(len(own))
        assert row.n_choices == np.prod(n_layers)
        assert row.difference == pytest.approx(
            zero[row.model_a, row.network_a, row.layer_a]
            - zero[row.model_b, row.network_b, row.layer_b]
        )
    paid = np.minimum(best.p * best.n_choices, 1.0).to_numpy()
    np.testing.assert_allclose(best.p_holm, holm(paid))
    np.testing.assert_allclose(best.p_fdr, false_discovery_rate(paid))


def test_judgements_are_compared_with_networks_and_brains_and_tested(entries) -> None:
    recording = small_recording()
    random = np.random.default_rng(5)
    rdms = [random.uniform(size=N * (N - 1) // 2) for _ in range(4)]
    behaviour = tuple(
        RecordedRDM(f"S{i}", "human judgements", "", rdm, "distance") for i, rdm in enumerate(rdms)
    )
    object.__setattr__(recording, "behaviour", behaviour)
    group = RecordedRDM("group", "IT", "", rdms[0], "1 - r")
    object.__setattr__(recording, "groups", {"IT": group})
    table = similarity_of_all(entries[:2], recording, 20)
    judged = table[table.region == "human judgements"]
    assert {"pixels", "backprop", "IT"} <= set(judged.model)
    brain = judged[(judged.model == "IT") & (judged.subject == "S0")]
    assert brain.score.item() == pytest.approx(1.0)
    regions = significance(TestedModels(entries[:1], recording, 20)).zero.region
    assert set(regions) == {"IT", "human judgements"}
    with pytest.raises(Exception, match="has no judged dissimilarities"):
        judged_similarity(entries[:1], RECORDING)


def test_an_untrained_network_is_one_model_however_many_rules_start_from_it() -> None:
    """Two n_train and a second rule on one network: its twin is tested and counted once."""
    long = [entry("backprop", f"a (n_train {n})", seed) for n in (50, 100) for seed in (0, 1)]
    long = [replace(e, start="a") for e in long]
    other = [entry("softhebb", "a", seed) for seed in (1, 2)]
    twins = [entry("untrained", "a", seed) for seed in (0, 1, 2)]
    found = significance(TestedModels([*long, *other, *twins], RECORDING, 60))
    zero = found.zero.query("level == 'mean' and network != ''")
    assert sorted(zero.network[zero.model == "untrained"]) == ["a", "a"]  # its two layers
    mean = found.differences.query("level == 'mean' and test == 'planned'")
    of_twins = mean[mean.model_b == "untrained"]
    assert len(of_twins) == 2 * 3
    assert set(of_twins.network_b) == {"a"}
    # Differences are of the seeds that both have: 0 and 1, and of softhebb 1 and 2.
    for network, model, seeds in (
        ("a (n_train 50)", "backprop", (0, 1)),
        ("a", "softhebb", (1, 2)),
    ):
        row = of_twins[(of_twins.network_a == network) & (of_twins.layer_a == "hidden")].iloc[0]
        own, twin = (
            [e.responses["hidden"] for e in (*long, *other, *twins)
             if (e.model, e.network) == name and e.seed in seeds]
            for name in ((model, network), ("untrained", "a"))
        )  # fmt: skip
        by_key = {("one", "hidden"): own, ("twin", "hidden"): twin}
        expected = difference_table(by_key, RECORDING, n_bootstrap=60).query("level == 'mean'")
        columns = ["difference", "ci_lower", "ci_upper", "p"]
        np.testing.assert_allclose(row[columns].astype(float), expected[columns].iloc[0])


def test_tests_are_the_same_of_any_number_of_shares_and_of_copies(entries) -> None:
    """Bit by bit: each share is made by models of its own, as by another process."""
    recording = small_recording()
    options = {"method": "rsa", "judgements": True}
    whole = significance(TestedModels(entries, recording, 20, 3, **options))
    for n_shares in (2, 7):
        asked = []

        def compute(parts, asked=asked):
            asked.extend(parts)
            made = []
            for part in parts:
                models = TestedModels(deepcopy(entries), recording, 20, 3, **options)
                made.append((models.index, models.table(part)))
            return made

        shared = put_together(compute, recording, n_shares, **options)
        pandas.testing.assert_frame_equal(shared.zero, whole.zero, check_exact=True)
        pandas.testing.assert_frame_equal(shared.differences, whole.differences, check_exact=True)
        assert {part.share[1] for part in asked if part.kind == "zero"} == {n_shares}
        assert sum(part.kind == "differences" for part in asked) >= n_shares
