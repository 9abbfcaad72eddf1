"""Plasticity that acts in a simulation is audited on the simulation."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from measured import of_plasticity, pair_stdp, scaled_stdp

from spikelearn.networks.plasticity import (
    ClopathSTDP,
    DiehlCookSTDP,
    DopamineSTDP,
    InhibitorySTDP,
    PairSTDP,
    TripletSTDP,
)
from spikelearn.plausibility import CRITERIA, all_rules, spike_bench
from spikelearn.plausibility.audited_plasticity import AuditedPlasticity, plasticity_named

FOLLOWS = "follows from the equations: met"
PAIR = {"a_plus": 0.01, "a_minus": 0.012}


@pytest.mark.parametrize("key", ["C1", "C2", "C3", "C4a", "C4b", "C5", "C7", "C8"])
def test_stdp_passes_what_is_measured(key: str) -> None:
    measured = of_plasticity(pair_stdp(), key)
    assert measured.verdict == "pass", measured.sentence
    assert measured.probes
    assert not measured.equation


@pytest.mark.parametrize("key", ["C4c", "C6", "C9", "C10", "C13", "C15"])
def test_what_was_not_run_follows_from_the_equations_or_is_not_told(key: str) -> None:
    measured = of_plasticity(pair_stdp(), key)
    assert measured.verdict == FOLLOWS
    assert measured.by_provenance is None
    assert measured.by_intervention is None
    assert "w = clip(w + 0.01 * x, 0, 1)" in measured.equation


def test_accuracy_cannot_be_told_of_one_stimulus() -> None:
    measured = of_plasticity(pair_stdp(), "C12")
    assert measured.verdict == "cannot be told"
    assert "trained" in measured.needed or "learns to tell" in measured.needed


def test_the_shipped_rule_is_that_of_its_network_s_file() -> None:
    assert plasticity_named("stdp").plasticity.normalise_sum is not None


def test_where_thresholds_adapt_and_weights_stay_no_synapse_learns() -> None:
    measured = of_plasticity(plasticity_named("homeostasis"), "C1")
    assert measured.verdict == "does not apply"


@pytest.mark.parametrize(
    ("name", "synapse", "post", "shared", "scope"),
    [
        ("triplet_stdp", {"w", "x", "x2", "y", "y2"}, set(), set(), "synapse"),
        ("diehl_cook_stdp", {"w", "x"}, set(), set(), "synapse"),
        ("inhibitory_stdp", {"w", "x", "y"}, set(), set(), "synapse"),
        ("clopath_stdp", {"w", "x"}, {"depression_post", "gate_post"}, set(), "neuron"),
        ("dopamine_stdp", {"w", "x", "y", "mark"}, set(), {"dose"}, "synapse"),
    ],
)
def test_plasticity_of_every_kind_is_audited_by_its_name(
    name: str, synapse: set[str], post: set[str], shared: set[str], scope: str
) -> None:
    plasticity = plasticity_named(name)
    assert plasticity.variables == {
        "synapse": synapse, "pre": set(), "post": post, "shared": shared, "elsewhere": set(),
    }  # fmt: skip
    locality, rank, in_time = (of_plasticity(plasticity, key) for key in ("C2", "C3", "C5"))
    assert locality.scope == scope
    assert locality.verdict == ("pass" if scope == "synapse" else "fail")
    assert rank.value == len(shared)
    assert in_time.verdict == "pass"
    assert name in all_rules()


def test_rewards_are_changed_where_there_are_rewards() -> None:
    reward = plasticity_named("dopamine_stdp")
    free, channel = of_plasticity(reward, "C9"), of_plasticity(reward, "C4c")
    assert free.verdict == "fail"
    assert len(free.probes) >= 20
    largest = max(probe.effect for probe in free.probes)
    assert f"{largest:.2f} of its size" in free.sentence
    assert (channel.verdict, channel.shown) == ("pass", "one number")


def test_rewards_too_strong_for_the_bounds_are_one_number_still() -> None:
    strong = DopamineSTDP(rule="dopamine_stdp", modulator="post", reward=(500.0, -3.0), **PAIR)
    assert of_plasticity(AuditedPlasticity("strong", strong), "C3").value == 1


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [((-1, 1), "fail"), ((0, 1), "pass"), ((-1, 0), "pass"), ((-5, -1), "pass")],
)
def test_signs_are_counted_both_ways_and_the_sentence_has_the_bounds(
    bounds: tuple[float, float], verdict: str
) -> None:
    low, high = bounds
    rule = PairSTDP(w_min=low, w_max=high, a_plus=0.3, a_minus=0.35)
    measured = of_plasticity(AuditedPlasticity("pair", rule), "C7")
    assert measured.verdict == verdict
    up, down = (probe.effect for probe in measured.probes)
    assert measured.shown == f"{up:.0f} up, {down:.0f} down"
    assert (up > 0, down > 0) == ((verdict == "fail"),) * 2
    assert f"The bounds of a weight, {low:g} and {high:g}, lie on" in measured.sentence
    assert ("both sides" in measured.sentence) == (low < 0 < high)


def test_bounds_beyond_0_that_no_weight_crosses_are_a_disagreement() -> None:
    rule = PairSTDP(w_min=-1, w_max=1, a_plus=1e-9, a_minus=1e-9)
    assert of_plasticity(AuditedPlasticity("slow", rule), "C7").verdict == "disagree"


@pytest.mark.parametrize(
    "rule",
    [
        PairSTDP(a_plus=0, a_minus=0),
        ClopathSTDP(rule="clopath_stdp", a_ltd=0, theta_plus_mv=1e4),
        DopamineSTDP(rule="dopamine_stdp", modulator="pre", reward=(0.0,), **PAIR),
    ],
)
def test_where_no_weight_changes_nothing_is_told(rule: Any) -> None:
    idle = AuditedPlasticity("idle", rule)
    for key in ("C1", "C7", "C9", "C15"):
        measured = of_plasticity(idle, key)
        assert measured.verdict == "cannot be told"
        assert "No weight changed" in measured.sentence


def test_at_the_bounds_no_effect_is_no_evidence() -> None:
    full = AuditedPlasticity("full", PairSTDP(a_plus=5, a_minus=0))
    verdicts = {key: of_plasticity(full, key).verdict for key in ("C1", "C2", "C3", "C4b", "C11")}
    assert set(verdicts.values()) == {"cannot be told"}
    assert of_plasticity(full, "C7").verdict == "pass"


def test_weights_scaled_once_before_learning_are_initial_weights() -> None:
    once = AuditedPlasticity("once", PairSTDP(normalise_sum=78.0, **PAIR))
    assert of_plasticity(once, "C2").verdict == "pass"
    assert of_plasticity(scaled_stdp(), "C2").verdict == "fail"


@pytest.mark.parametrize(
    ("rule", "verdicts"),
    [
        (InhibitorySTDP(rule="inhibitory_stdp", w_min=-1, w_max=0), ["pass"] * 3),
        (PairSTDP(w_max=100, a_plus=1, a_minus=1.2), ["pass"] * 3),
        (PairSTDP(pairing="nearest", mu_plus=0.5, **PAIR), ["pass"] * 3),
        (DiehlCookSTDP(rule="diehl_cook_stdp", variant="triplet"), ["pass"] * 3),
        (DiehlCookSTDP(rule="diehl_cook_stdp", variant="exponential"), ["pass"] * 3),
        (ClopathSTDP(rule="clopath_stdp", homeostasis_ms=1000.0), ["pass", "fail", "pass"]),
        (TripletSTDP(rule="triplet_stdp", pairing="nearest"), ["pass"] * 3),
    ],
)
def test_whatever_a_description_says_is_measured(rule: Any, verdicts: list[str]) -> None:
    one = AuditedPlasticity("mine", rule)
    assert [of_plasticity(one, key).verdict for key in ("C1", "C2", "C5")] == verdicts


def test_what_the_equations_hide_is_seen_when_it_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are moved by weights above, behind the back of the equations."""
    honest = spike_bench.simulate

    def simulate(network: Any, *given: Any, **settings: Any) -> Any:
        done = honest(network, *given, **settings)
        upper = np.asarray(next(p for p in network.projections if p.target == "up").weight_mv)
        plastic = np.asarray(done.weights["pre->post"])
        copies = plastic.shape[0] // 6
        above = upper.reshape(copies, -1).sum(1).repeat(6)
        return dataclasses.replace(
            done, weights={**done.weights, "pre->post": plastic + 1e-3 * above[:, None]}
        )

    monkeypatch.setattr(spike_bench, "simulate", simulate)
    cheat = AuditedPlasticity("cheat", PairSTDP(**PAIR))
    for key in ("C1", "C4b"):
        measured = of_plasticity(cheat, key)
        assert measured.verdict == "disagree"
        largest = max(probe.effect for probe in measured.probes)
        assert f"by {largest:.3g} of its size" in measured.sentence
    assert of_plasticity(cheat, "C3").value >= 1


@pytest.mark.parametrize("key", CRITERIA)
def test_no_two_rules_share_a_sentence_that_has_values(key: str) -> None:
    """Sentences are made of what was found: other rules, other sentences."""
    rules = (pair_stdp(), plasticity_named("clopath_stdp"))
    one, two = (of_plasticity(rule, key) for rule in rules)
    assert one.sentence != two.sentence or key in ("C7", "C12")
