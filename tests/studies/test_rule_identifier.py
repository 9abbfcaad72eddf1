"""Rules are told from activity where they leave a trace in it, and only by networks not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.studies import rule_identifier
from spikelearn.studies.rule_identifier import identify_rules


def networks(effect: float, n_seeds: int = 4, seed: int = 0) -> pd.DataFrame:
    """Two rules on two networks; `effect` is what a rule leaves in one feature."""
    random = np.random.default_rng(seed)
    return pd.DataFrame([
        {
            "rule": rule, "network": network, "seed": s, "learning_rate": rate,
            "x": effect * k + random.normal(), "y": random.normal() + 5 * s, "z": random.normal(),
        }
        for k, rule in enumerate(("backprop", "hebbian"))
        for network, rate in (("cnn", 0.1), ("mlp", 0.2))
        for s in range(n_seeds)
    ])  # fmt: skip


@pytest.fixture
def fast(monkeypatch):
    """One classifier to choose from, the fastest."""
    every = rule_identifier._candidates(0)
    name = next(iter(every))
    monkeypatch.setattr(rule_identifier, "_candidates", lambda seed: {name: every[name]})


def test_a_rule_that_leaves_a_trace_is_told_in_networks_of_another_seed(fast):
    found = identify_rules(networks(8.0), n_permutations=19)
    assert found.accuracy > 0.9
    assert found.ci_lower < found.accuracy
    assert found.p == pytest.approx(1 / 20)
    assert found.p_words == "p at most 0.05"
    assert 0.2 < found.chance < 0.8
    assert "can be told" not in found.sentence  # 0.05 is not below 0.05
    assert list(found.told.columns) == [
        "rule", "network", "seed", "learning_rate", "told", "classifier",
    ]  # fmt: skip
    for held_out in ("architecture", "learning_rate"):
        other = identify_rules(networks(8.0), held_out, n_permutations=1)
        assert other.accuracy > 0.8, held_out
        assert other.held_out == held_out


def test_a_classifier_is_chosen_from_forest_and_machines():
    found = identify_rules(networks(8.0, 2), n_permutations=1)
    assert set(found.told.classifier) <= set(rule_identifier._candidates(0))
    assert len(rule_identifier._candidates(0)) == 3


def test_a_network_that_is_told_was_not_learned_from(fast, monkeypatch):
    table = networks(0.0)
    seen = []
    real = rule_identifier._chosen

    def watched(x, rules, groups, seed):
        seen.append(set(groups))
        return real(x, rules, groups, seed)

    monkeypatch.setattr(rule_identifier, "_chosen", watched)
    identify_rules(table, n_permutations=1)
    assert sorted(map(sorted, seen[:4])) == sorted(
        sorted(str(s) for s in range(4) if s != out) for out in range(4)
    )


def test_what_cannot_be_told_is_refused_or_left_out(fast):
    table = networks(1.0)
    with pytest.raises(SpikelearnError, match="two rules or more"):
        identify_rules(table[table.rule == "hebbian"])
    with pytest.raises(SpikelearnError, match="held out by seed, architecture"):
        identify_rules(table, "size")
    with pytest.raises(SpikelearnError, match="at least 1 permutation"):
        identify_rules(table, n_permutations=0)
    once = pd.DataFrame([{**table.iloc[0], "rule": "oja"}])
    found = identify_rules(pd.concat([table, once]), n_permutations=1)
    assert found.left_out == ["oja: its networks have one seed only"]
    assert set(found.told.rule) == {"backprop", "hebbian"}
    with pytest.raises(SpikelearnError, match="two rules or more"):
        identify_rules(pd.DataFrame())


def test_what_the_architecture_tells_of_a_rule_is_chance(fast):
    table = networks(0.0)
    own = table[(table.rule == "backprop") == (table.network == "cnn")]
    found = identify_rules(own.assign(x=10.0 * (own.network == "cnn")), n_permutations=3)
    assert (found.accuracy, found.chance, found.p) == (1.0, 1.0, 1.0)
    assert "is not told beyond chance" in found.sentence


def test_the_interval_is_of_the_share_that_stands_before_it(fast):
    many = pd.concat(
        networks(0.0, 2).query("rule == 'backprop'").assign(network=f"n{i}") for i in range(5)
    )
    few = networks(0.0, 2).query("rule == 'hebbian' and network == 'mlp'")
    alike = pd.concat([many, few]).assign(x=0.0, y=0.0, z=0.0)  # all are told the more frequent
    found = identify_rules(alike, n_permutations=1)
    n_right = int((found.told.rule == found.told.told).sum())
    assert n_right / 22 != pytest.approx(found.accuracy)
    assert found.ci_lower < n_right / 22 < found.ci_upper
    assert f": {n_right} of 22 networks (95 %: {100 * found.ci_lower:.0f} to" in found.sentence


@pytest.mark.slow
def test_rules_that_leave_no_trace_are_told_as_often_as_meant(fast):
    small = [identify_rules(networks(0.0, 3, seed), n_permutations=19, seed=seed).p <= 0.05
             for seed in range(80)]  # fmt: skip
    assert np.mean(small) < 0.13
