"""C3: with how many dimensions rules teach."""

from __future__ import annotations

import re

import pytest
from measured import audited, finding, of_plasticity, pair_stdp, passes

from spikelearn.networks.plasticity import DopamineSTDP
from spikelearn.plausibility import audit_rule
from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

VECTOR = ("backprop", "feedback_alignment", "direct_feedback_alignment", "kolen_pollack",
          "difference_target_propagation", "eprop")  # fmt: skip


@pytest.mark.parametrize("rule", VECTOR)
def test_vector_rules_teach_with_as_many_dimensions_as_there_are_outputs(rule: str) -> None:
    assert finding(rule, "C3").value == audited(rule).update.n_classes
    assert not passes(rule, "C3")


@pytest.mark.parametrize("rule", ["predictive_coding", "equilibrium_propagation"])
def test_rules_that_settle_teach_with_at_least_as_many(rule: str) -> None:
    assert finding(rule, "C3").value >= audited(rule).update.n_classes


@pytest.mark.parametrize("rule", ["node_perturbation", "weight_perturbation", "forward_gradient"])
def test_perturbation_teaches_with_one_number(rule: str) -> None:
    assert finding(rule, "C3").value == 1
    assert passes(rule, "C3")


@pytest.mark.parametrize("rule", ["oja", "sanger", "bcm", "softhebb"])
def test_hebbian_rules_are_taught_nothing(rule: str) -> None:
    assert finding(rule, "C3").value == 0
    assert passes(rule, "C3")


def test_the_rank_of_the_teaching_signal_of_stdp_is_zero() -> None:
    assert of_plasticity(pair_stdp(), "C3").value == 0


def test_reward_modulated_stdp_is_taught_by_one_number() -> None:
    rule = DopamineSTDP(
        rule="dopamine_stdp", modulator="reward", reward=(0.5,), a_plus=0.01, a_minus=0.012
    )
    measured = of_plasticity(AuditedPlasticity("reward", rule), "C3")
    assert measured.value == 1
    assert measured.verdict == "pass"


def test_the_teaching_signal_of_reward_is_one_number() -> None:
    (measured,) = (f for _, _, f, _ in audit_rule("reward_stdp_hidden", criteria=["C3"]).findings)
    assert measured.value == 1


def test_no_more_dimensions_are_told_than_can_be_told_apart() -> None:
    found = finding("pepita", "C3")
    told = re.search(r"an error of (\d+) dimensions, of the (\d+)", found.sentence)
    assert told is not None
    assert int(told[1]) <= int(told[2]) < found.value
    assert f"The update moves in {found.value:.0f}" in found.sentence
