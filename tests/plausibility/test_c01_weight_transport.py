"""C1: what theory says of weight transport is what is measured."""

from __future__ import annotations

import pytest
from measured import audited, finding, of_plasticity, pair_stdp, passes

NO_TRANSPORT = ("feedback_alignment", "direct_feedback_alignment", "kolen_pollack",
                "node_perturbation", "weight_perturbation", "pepita", "forward_forward", "oja",
                "local_predsim_bio", "difference_target_propagation_ldrl", "decolle",
                "eprop")  # fmt: skip


TRANSPORT = ("backprop", "predictive_coding", "equilibrium_propagation_centred",
             "contrastive_hebbian", "backprop_through_time")  # fmt: skip


@pytest.mark.parametrize("rule", NO_TRANSPORT)
def test_the_update_of_a_rule_without_transport_has_sensitivity_zero(rule: str) -> None:
    assert passes(rule, "C1")
    assert finding(rule, "C1").value == 0.0
    assert audited(rule).shared["sign effect"] == 0.0


@pytest.mark.parametrize("rule", TRANSPORT)
def test_the_update_of_a_rule_with_transport_has_a_sensitivity_above_a_tenth(rule: str) -> None:
    assert not passes(rule, "C1")
    assert finding(rule, "C1").value > 0.1
    assert finding(rule, "C1").lower > 0.1  # on average, at the middle magnitude, too


@pytest.mark.parametrize("kind", ["uniform", "fixed", "random"])
def test_sign_symmetric_feedback_reads_signs_and_no_sizes(kind: str) -> None:
    rule = f"sign_symmetric_{kind}"
    assert not passes(rule, "C1")
    assert finding(rule, "C1").value == 0.0
    assert audited(rule).shared["sign effect"] > 0.5


def test_the_noise_floor_is_measured_by_the_same_way_as_the_effect() -> None:
    measured = finding("backprop", "C1")
    assert measured.floor == 0.0
    by_magnitude = {p.magnitude for p in measured.probes}
    assert len(by_magnitude) == 3
    assert len(measured.probes) >= 40  # 20 of sizes and 20 of signs


def test_nothing_above_moves_a_weight_of_stdp() -> None:
    measured = of_plasticity(pair_stdp(), "C1")
    assert measured.value == measured.floor == 0.0
    assert len(measured.probes) >= 20
