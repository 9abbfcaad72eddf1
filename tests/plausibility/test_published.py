"""Published judgements beside what is measured."""

from __future__ import annotations

from spikelearn.plausibility import Audit, audit_rules
from spikelearn.plausibility.criteria import Finding
from spikelearn.plausibility.criterion import untold
from spikelearn.plausibility.published import beside_published


def test_published_judgements_of_weight_transport_are_borne_out() -> None:
    rules = ["backprop", "feedback_alignment", "sign_symmetric_fixed", "kolen_pollack",
             "weight_mirror"]  # fmt: skip
    table = beside_published(audit_rules(rules, criteria=["C1", "C4a"]))
    assert set(table["rule"]) == set(rules)
    assert set(table["agree"]) == {"yes"}
    assert table["measurement"].str.len().min() > 10


def test_several_seeds_bear_out_a_judgement_together() -> None:
    table = beside_published(audit_rules(["feedback_alignment"], criteria=["C1"], seeds=[0, 1]))
    assert set(table["agree"]) == {"yes"}
    # Where seeds do not agree, nothing is said.
    rows = [("feedback_alignment", "C1", finding, True) for finding in (_transporting(), _none())]
    table = beside_published(Audit.together({0: rows[:1], 1: rows[1:]}))
    assert set(table["agree"]) == {"-"}


def _none() -> Finding:
    from spikelearn.plausibility.instruments.intervention import Probe

    probes = [Probe(f"weight {w}", "layer 2", 0.0, 0, 0.0) for w in ("magnitude", "sign")]
    return Finding(0.0, "0", "network", True, True, "Not seen.", probes=probes)


def test_where_print_and_measurement_differ_the_sentence_says_what_was_measured() -> None:
    wrong = [("feedback_alignment", "C1", _transporting(), True)]
    table = beside_published(Audit(wrong))
    assert set(table["agree"]) == {"no"}
    assert set(table["measurement"]) == {"Seen."}


def _transporting() -> Finding:
    from spikelearn.plausibility.instruments.intervention import Probe

    probes = [Probe(f"weight {w}", "layer 2", 1.0, 0, 0.5) for w in ("magnitude", "sign")]
    return Finding(0.5, "0.5", "network", False, False, "Seen.", probes=probes)


def test_what_could_not_be_told_neither_agrees_nor_differs() -> None:
    unknown = untold("Nothing was seen.", "More.")
    table = beside_published(
        Audit([("weight_mirror", "C1", unknown, True), ("weight_mirror", "C4a", unknown, True)])
    )
    assert len(table) == 3
    assert set(table["agree"]) == {"-"}
    assert set(table["measured"]) == {"cannot be told"}
