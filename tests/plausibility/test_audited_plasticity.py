"""Plasticity that acts in a simulation is audited on the simulation."""

from __future__ import annotations

import pytest
from measured import of_plasticity, pair_stdp

from spikelearn.networks.plasticity import TripletSTDP
from spikelearn.plausibility import all_rules
from spikelearn.plausibility.audited_plasticity import AuditedPlasticity, plasticity_named


@pytest.mark.parametrize("key", ["C1", "C2", "C3", "C4a", "C4b", "C4c", "C5", "C7", "C8", "C9"])
def test_stdp_passes(key: str) -> None:
    measured = of_plasticity(pair_stdp(), key)
    assert measured.verdict == "pass", measured.sentence


def test_the_shipped_rule_is_that_of_its_network_s_file() -> None:
    assert plasticity_named("stdp").plasticity.normalise_sum is not None


def test_where_thresholds_adapt_and_weights_stay_no_synapse_learns() -> None:
    measured = of_plasticity(plasticity_named("homeostasis"), "C1")
    assert measured.verdict == "does not apply"


def test_triplet_stdp_keeps_four_traces_and_is_local() -> None:
    plasticity = AuditedPlasticity("triplet", TripletSTDP(rule="triplet_stdp"))
    assert plasticity.variables["synapse"] == {"w", "x", "x2", "y", "y2"}
    assert of_plasticity(plasticity, "C2").scope == "synapse"


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
        "synapse": synapse,
        "pre": set(),
        "post": post,
        "shared": shared,
    }
    locality, rank, in_time = (of_plasticity(plasticity, key) for key in ("C2", "C3", "C5"))
    assert locality.scope == scope
    assert locality.verdict == ("pass" if scope == "synapse" else "fail")
    assert rank.value == len(shared)
    assert in_time.verdict == "pass"
    assert name in all_rules()
