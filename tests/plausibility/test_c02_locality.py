"""C2: what a synapse needs to know of its surroundings."""

from __future__ import annotations

import pytest
from measured import finding, of_plasticity, scaled_stdp

from spikelearn.plausibility import CRITERIA, audit_rule
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.output_alone import audited_rule

SCOPES = {
    "oja": "layer", "sanger": "layer", "bcm": "neuron", "softhebb": "layer",
    # Divided by the largest change of all, after the sum over the batch.
    "krotov_hopfield": "batch", "forward_forward": "layer", "local_sim": "batch",
    "predictive_coding": "synapse", "equilibrium_propagation": "synapse",
    "node_perturbation": "synapse", "feedback_alignment": "synapse",
    # By the square of all neurons' changes.
    "activity_normalised_node_perturbation": "layer",
}  # fmt: skip


@pytest.mark.parametrize("rule", SCOPES)
def test_what_a_synapse_needs_to_know_of_its_surroundings(rule: str) -> None:
    assert finding(rule, "C2").scope == SCOPES[rule]
    assert (finding(rule, "C2").verdict == "pass") == (SCOPES[rule] == "synapse")


def test_oja_s_rule_of_the_single_unit_is_local() -> None:
    measured = AuditedRule("oja", interaction="none").finding(CRITERIA["C2"])
    assert measured.scope == "synapse"


def test_units_of_sanger_s_rule_need_those_of_lower_rank_only() -> None:
    probes = [p for p in finding("sanger", "C2").probes if p.quantity == "postsynaptic unit"]
    by_unit = {p.place: p.effect for p in probes}
    # Nobody stands below the last unit but it; all others need the first.
    assert by_unit["unit 1"] > by_unit["unit 7"] == 0.0


def test_scaling_weights_to_a_sum_needs_the_whole_neuron() -> None:
    measured = of_plasticity(scaled_stdp(), "C2")
    assert measured.scope == "neuron"
    assert measured.verdict == "fail"


def test_what_skips_synapses_leaves_the_layer_too() -> None:
    """In a residual block activity passes on beside the weights, unit by unit."""
    (measured,) = (
        f for _, _, f, _ in audit_rule("predictive_coding_mupc", criteria=["C2"]).findings
    )
    assert measured.verdict == "pass", measured.sentence
    assert measured.scope == "synapse"


def test_who_spikes_first_is_a_matter_of_the_layer() -> None:
    """Small moves of spikes leave the order of this network as it is."""
    measured = audited_rule("reward_stdp").finding(CRITERIA["C2"])
    assert (measured.scope, measured.verdict) == ("layer", "fail")


def test_the_order_of_spikes_is_nothing_to_their_gradient() -> None:
    effects = {p.effect for p in finding("eventprop", "C2").probes
               if p.quantity == "order of spikes"}  # fmt: skip
    assert effects == {0.0}


@pytest.mark.parametrize("rule", ["weight_perturbation", "forward_gradient", "weight_mirror"])
def test_noise_of_one_s_own_is_local(rule: str) -> None:
    assert finding(rule, "C2").verdict == "pass"
