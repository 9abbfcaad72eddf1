"""What theory says of the rules is what the audit measures."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.criteria import CRITERIA, Finding
from spikelearn.plausibility.criteria.c05_backward_in_time import memory_slope


@cache
def subject(rule: str) -> Subject:
    """A shipped rule under audit; each is made once."""
    return Subject(rule)


@cache
def found(rule: str, key: str) -> Finding:
    """What the audit says of it."""
    return CRITERIA[key].measure(subject(rule))


def passes(rule: str, key: str) -> bool:
    """Whether both instruments say that the criterion is met."""
    verdict = found(rule, key).verdict
    assert verdict in ("pass", "fail"), (verdict, found(rule, key).sentence)
    return verdict == "pass"


NO_TRANSPORT = ("feedback_alignment", "direct_feedback_alignment", "kolen_pollack",
                "node_perturbation", "weight_perturbation", "pepita", "forward_forward", "oja",
                "local_predsim_bio", "difference_target_propagation_ldrl", "decolle")  # fmt: skip
TRANSPORT = ("backprop", "predictive_coding", "equilibrium_propagation_centred",
             "contrastive_hebbian", "backprop_through_time")  # fmt: skip


@pytest.mark.parametrize("rule", NO_TRANSPORT)
def test_the_update_of_a_rule_without_transport_has_sensitivity_zero(rule: str) -> None:
    assert passes(rule, "C1")
    assert found(rule, "C1").value == 0.0
    assert subject(rule).shared["sign effect"] == 0.0


@pytest.mark.parametrize("rule", TRANSPORT)
def test_the_update_of_a_rule_with_transport_has_a_sensitivity_above_a_tenth(rule: str) -> None:
    assert not passes(rule, "C1")
    assert found(rule, "C1").value > 0.1
    assert found(rule, "C1").lower > 0.1  # on average, at the middle magnitude, too


@pytest.mark.parametrize("kind", ["uniform", "fixed", "random"])
def test_sign_symmetric_feedback_reads_signs_and_no_sizes(kind: str) -> None:
    rule = f"sign_symmetric_{kind}"
    assert not passes(rule, "C1")
    assert found(rule, "C1").value == 0.0
    assert subject(rule).shared["sign effect"] > 0.5


@pytest.mark.parametrize("rule", ["backprop", "oja", "equilibrium_propagation_holomorphic"])
def test_changing_nothing_changes_nothing(rule: str) -> None:
    assert subject(rule).floor == 0.0


def test_the_noise_floor_is_measured_by_the_same_way_as_the_effect() -> None:
    finding = found("backprop", "C1")
    assert finding.floor == 0.0
    by_magnitude = {p.magnitude for p in finding.probes}
    assert len(by_magnitude) == 3
    assert len(finding.probes) >= 40  # 20 of sizes and 20 of signs


VECTOR = ("backprop", "feedback_alignment", "direct_feedback_alignment", "kolen_pollack",
          "difference_target_propagation", "eprop")  # fmt: skip


@pytest.mark.parametrize("rule", VECTOR)
def test_vector_rules_teach_with_as_many_dimensions_as_there_are_outputs(rule: str) -> None:
    assert found(rule, "C3").value == subject(rule).bench.n_classes
    assert not passes(rule, "C3")


@pytest.mark.parametrize("rule", ["predictive_coding", "equilibrium_propagation"])
def test_rules_that_settle_teach_with_at_least_as_many(rule: str) -> None:
    assert found(rule, "C3").value >= subject(rule).bench.n_classes


@pytest.mark.parametrize("rule", ["node_perturbation", "weight_perturbation", "forward_gradient"])
def test_perturbation_teaches_with_one_number(rule: str) -> None:
    assert found(rule, "C3").value == 1
    assert passes(rule, "C3")


@pytest.mark.parametrize("rule", ["oja", "sanger", "bcm", "softhebb"])
def test_hebbian_rules_are_taught_nothing(rule: str) -> None:
    assert found(rule, "C3").value == 0
    assert passes(rule, "C3")


PHASES = {
    "backprop": 2, "equilibrium_propagation": 2, "equilibrium_propagation_centred": 3,
    "contrastive_hebbian": 2, "forward_forward": 2, "pepita": 2, "node_perturbation": 2,
    "weight_mirror": 3, "predictive_coding": 2, "predictive_coding_incremental": 1, "oja": 1,
    "eprop_spiking": 1, "decolle": 1,
}  # fmt: skip


@pytest.mark.parametrize("rule", PHASES)
def test_phases_are_counted(rule: str) -> None:
    assert found(rule, "C4a").value == PHASES[rule]


SCOPES = {
    "oja": "layer", "sanger": "layer", "bcm": "neuron", "softhebb": "layer",
    # Divided by the largest change of all, after the sum over the batch.
    "krotov_hopfield": "batch", "forward_forward": "layer", "local_sim": "batch",
    "predictive_coding": "synapse", "equilibrium_propagation": "synapse",
    "node_perturbation": "synapse", "feedback_alignment": "synapse",
}  # fmt: skip


@pytest.mark.parametrize("rule", SCOPES)
def test_what_a_synapse_needs_to_know_of_its_surroundings(rule: str) -> None:
    assert found(rule, "C2").scope == SCOPES[rule]
    assert (found(rule, "C2").verdict == "pass") == (SCOPES[rule] == "synapse")


def test_oja_s_rule_of_the_single_unit_is_local() -> None:
    finding = CRITERIA["C2"].measure(Subject("oja", interaction="none"))
    assert finding.scope == "synapse"


def test_units_of_sanger_s_rule_need_those_of_lower_rank_only() -> None:
    probes = [p for p in found("sanger", "C2").probes if p.quantity == "postsynaptic unit"]
    by_unit = {p.place: p.effect for p in probes}
    # Nobody stands below the last unit but it; all others need the first.
    assert by_unit["unit 1"] > by_unit["unit 7"] == 0.0


@pytest.mark.parametrize("rule", ["eprop_spiking", "ottt", "decolle"])
def test_memory_of_rules_forwards_in_time_does_not_grow(rule: str) -> None:
    assert memory_slope(subject(rule))[0] == 0.0
    assert passes(rule, "C5")


@pytest.mark.parametrize("rule", ["backprop_through_time", "surrogate"])
def test_memory_of_backpropagation_through_time_grows(rule: str) -> None:
    assert memory_slope(subject(rule))[0] >= 1.0
    assert not passes(rule, "C5")


def test_errors_travel_as_activity_where_theory_says_so() -> None:
    channels = {rule: found(rule, "C4c").shown for rule in (
        "backprop", "feedback_alignment", "predictive_coding", "equilibrium_propagation",
        "node_perturbation", "oja",
    )}  # fmt: skip
    assert channels == {
        "backprop": "separate", "feedback_alignment": "separate", "predictive_coding": "activity",
        "equilibrium_propagation": "activity", "node_perturbation": "one number", "oja": "none",
    }  # fmt: skip


def test_layers_with_losses_of_their_own_do_not_wait() -> None:
    assert passes("local_pred", "C4b")
    assert passes("forward_forward", "C4b")
    assert not passes("direct_feedback_alignment", "C4b")


def test_derivatives_are_needed_by_backpropagation_and_not_by_perturbation() -> None:
    assert not passes("feedback_alignment", "C10")
    assert passes("node_perturbation", "C10")
    assert passes("pepita", "C10")


def test_the_audit_leaves_the_slopes_as_they_were() -> None:
    from spikelearn.networks.layers import ACTIVATIONS

    found("backprop", "C10")
    h = torch.tensor([0.5])
    assert torch.equal(ACTIVATIONS["tanh"].slope(h, h), 1 - h * h)
    assert ACTIVATIONS["tanh"].fused is not None


def test_forward_forward_needs_data_that_are_no_stimuli() -> None:
    assert not passes("forward_forward", "C15")
    assert not passes("pepita", "C15")
    assert passes("backprop", "C15")


def test_settling_costs_what_its_steps_cost() -> None:
    cheap, dear = found("feedback_alignment", "C16"), found("equilibrium_propagation", "C16")
    assert cheap.value == pytest.approx(1.0, abs=0.05)
    assert dear.value > 10
    passed = {p.quantity: p.effect for p in dear.probes}["passes through a layer"]
    assert passed == 20 + 8 + 1  # free and nudged steps, and the start
