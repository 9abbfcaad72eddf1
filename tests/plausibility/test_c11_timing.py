"""C11: updates that come late, and spikes that are moved."""

from __future__ import annotations

from measured import finding, of_plasticity, pair_stdp

from spikelearn.plausibility import audit_rules
from spikelearn.plausibility.spread import interval_of_mean


def test_one_number_for_all_synapses_may_come_late_and_a_vector_may_not() -> None:
    assert finding("node_perturbation", "C11").verdict == "pass"
    assert finding("feedback_alignment", "C11").verdict == "fail"


def test_the_more_spikes_are_moved_the_less_is_left_of_stdp_s_change() -> None:
    measured = of_plasticity(pair_stdp(), "C11")
    assert len(measured.probes) >= 20
    by_magnitude = [
        sum(p.effect for p in measured.probes if p.magnitude == m) for m in (0.1, 0.3, 1.0)
    ]
    assert by_magnitude == sorted(by_magnitude, reverse=True)


def test_a_verdict_that_flips_with_the_seed_is_told_by_the_interval_over_seeds() -> None:
    rules = ["softhebb", "predictive_coding"]
    audit = audit_rules(rules, criteria=["C11"], seeds=range(5))
    by_seed = audit.by_seed()
    for row in audit.table().itertuples():
        values = by_seed.loc[by_seed["rule"] == row.rule, "value"].tolist()
        assert (row.lower, row.upper) == interval_of_mean(values)
        holds = row.lower < 0.9 <= row.upper
        assert row.verdict == ("undecided" if holds else "pass" if row.lower >= 0.9 else "fail")
        assert row.interval_of == "seeds"
