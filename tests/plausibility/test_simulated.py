"""Plasticity that acts in a simulation is audited on the simulation."""

from __future__ import annotations

from functools import cache

import pytest

from spikelearn.networks.plasticity import PairSTDP, RewardSTDP, TripletSTDP
from spikelearn.plausibility import all_rules
from spikelearn.plausibility.simulated import SimulatedSubject, subject_of
from spikelearn.plausibility.simulated_criteria import measure


@cache
def plain() -> SimulatedSubject:
    """Pair-based STDP and nothing else."""
    return SimulatedSubject("pair", PairSTDP(a_plus=0.01, a_minus=0.012))


@cache
def scaled() -> SimulatedSubject:
    """The same with weights that are scaled to a sum onto each neuron."""
    rule = PairSTDP(a_plus=0.01, a_minus=0.012, normalise_sum=3.0, normalise_every_ms=50.0)
    return SimulatedSubject("scaled", rule)


@pytest.mark.parametrize("key", ["C1", "C2", "C3", "C4a", "C4b", "C4c", "C5", "C7", "C8", "C9"])
def test_stdp_passes(key: str) -> None:
    finding = measure(plain(), key)
    assert finding.verdict == "pass", finding.sentence


def test_a_synapse_of_stdp_reads_its_two_traces_and_its_weight() -> None:
    assert plain().variables == {
        "synapse": {"w", "x", "y"}, "pre": set(), "post": set(), "shared": set(),
    }  # fmt: skip


def test_nothing_above_moves_a_weight_of_stdp() -> None:
    finding = measure(plain(), "C1")
    assert finding.value == finding.floor == 0.0
    assert len(finding.probes) >= 20


def test_the_rank_of_the_teaching_signal_of_stdp_is_zero() -> None:
    assert measure(plain(), "C3").value == 0


def test_memory_of_stdp_does_not_grow_with_time() -> None:
    assert measure(plain(), "C5").value == 0


def test_scaling_weights_to_a_sum_needs_the_whole_neuron() -> None:
    finding = measure(scaled(), "C2")
    assert finding.scope == "neuron"
    assert finding.verdict == "fail"


def test_the_shipped_rule_is_that_of_its_network_s_file() -> None:
    assert subject_of("stdp").plasticity.normalise_sum is not None


def test_where_thresholds_adapt_and_weights_stay_no_synapse_learns() -> None:
    finding = measure(subject_of("homeostasis"), "C1")
    assert finding.verdict == "does not apply"


def test_reward_modulated_stdp_is_taught_by_one_number() -> None:
    rule = RewardSTDP(
        rule="reward_stdp", modulator="reward", reward=(0.5,), a_plus=0.01, a_minus=0.012
    )
    finding = measure(SimulatedSubject("reward", rule), "C3")
    assert finding.value == 1
    assert finding.verdict == "pass"


def test_triplet_stdp_keeps_four_traces_and_is_local() -> None:
    told = SimulatedSubject("triplet", TripletSTDP(rule="triplet_stdp"))
    assert told.variables["synapse"] == {"w", "x", "x2", "y", "y2"}
    assert measure(told, "C2").scope == "synapse"


@pytest.mark.parametrize(
    ("name", "synapse", "post", "shared", "scope"),
    [
        ("triplet_stdp", {"w", "x", "x2", "y", "y2"}, set(), set(), "synapse"),
        ("diehl_cook_stdp", {"w", "x"}, set(), set(), "synapse"),
        ("inhibitory_stdp", {"w", "x", "y"}, set(), set(), "synapse"),
        ("clopath_stdp", {"w", "x"}, {"depression_post", "gate_post"}, set(), "neuron"),
        ("reward_stdp_in_time", {"w", "x", "y", "mark"}, set(), {"dose"}, "synapse"),
    ],
)
def test_plasticity_of_every_kind_is_audited_by_its_name(
    name: str, synapse: set[str], post: set[str], shared: set[str], scope: str
) -> None:
    told = subject_of(name)
    assert told.variables == {"synapse": synapse, "pre": set(), "post": post, "shared": shared}
    locality, rank, in_time = (measure(told, key) for key in ("C2", "C3", "C5"))
    assert locality.scope == scope
    assert locality.verdict == ("pass" if scope == "synapse" else "fail")
    assert rank.value == len(shared)
    assert in_time.verdict == "pass"
    assert name in all_rules()
