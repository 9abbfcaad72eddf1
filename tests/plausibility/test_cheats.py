"""The audit is audited: no planted cheat is acquitted, and honest rules are not accused."""

from __future__ import annotations

from functools import cache
from typing import Any

import cheats
import pytest
from caught import TABLE, answer, audit_as_it_was, counted, findings
from cheats import CHEATS, KINDS, Cheat

from spikelearn.plausibility import audit_rule
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA, Finding


def judged(cheat: Cheat, criteria: list[str]) -> None:
    """Nobody is acquitted; who can be seen is caught."""
    found = findings(cheat, criteria)
    answers = {key: (answer(finding), finding.sentence) for key, finding in found.items()}
    acquitted = {key: told for key, told in answers.items() if told[0] == "acquitted"}
    assert acquitted == {}
    untold = {
        key: told for key, told in answers.items()
        if told[0] == "cannot_be_told" and cheat.true[key] == "fail"
    }  # fmt: skip
    assert untold == {} or KINDS[cheat.kind].beyond


def named(cheat: Cheat) -> str:
    """The test's name."""
    return cheat.name


QUICK = [cheat for cheat in CHEATS.values() if not cheat.slow and next(iter(cheat.true)) != "C6"]


@pytest.mark.parametrize("cheat", QUICK, ids=named)
def test_a_cheat_is_not_acquitted_where_it_cheats(cheat: Cheat) -> None:
    judged(cheat, list(cheat.true)[:1])


@pytest.mark.slow
@pytest.mark.parametrize("cheat", CHEATS.values(), ids=named)
def test_a_cheat_is_acquitted_by_no_criterion(cheat: Cheat) -> None:
    judged(cheat, list(cheat.true))


@pytest.mark.parametrize("cheat", CHEATS.values(), ids=named)
def test_a_cheat_says_what_is_true_of_it(cheat: Cheat) -> None:
    assert cheat.true
    assert set(cheat.true) <= set(CRITERIA)
    assert set(cheat.true.values()) <= {"fail", "not pass"}
    assert cheat.kind in KINDS


def test_there_are_cheats_of_every_kind() -> None:
    assert {cheat.kind for cheat in CHEATS.values()} == set(KINDS)
    assert len({cheat.rule for cheat in CHEATS.values()}) == len(CHEATS) > 80


@pytest.mark.slow
def test_the_table_of_cheats_that_are_caught_is_up_to_date() -> None:
    assert TABLE.read_text(encoding="utf-8") == counted(), (
        "run python tests/plausibility/caught.py and look at what changed"
    )


@cache
def audited(rule: Any) -> AuditedRule:
    """A rule under audit; each is made once."""
    return AuditedRule(rule)


@cache
def found(rule: Any, key: str) -> Finding:
    """What the audit says of it."""
    return audited(rule).finding(CRITERIA[key])


COPIES = ("copied_in_update", "copied_in_prepare", "shared_storage", "spelt_out")


@pytest.mark.parametrize("name", COPIES)
def test_feedback_alignment_with_a_hidden_copy_is_caught_by_both_instruments(name: str) -> None:
    finding = found(CHEATS[name].rule, "C1")
    assert finding.verdict == "fail"
    assert finding.by_provenance is False
    assert finding.by_intervention is False
    assert finding.value > 0.1


def test_a_copy_that_leaves_torch_is_seen_by_intervention() -> None:
    finding = found(CHEATS["copied_through_numpy"].rule, "C1")
    assert finding.by_intervention is False
    assert finding.value > 0.1
    assert finding.verdict in ("fail", "disagree")


def test_an_unsupervised_rule_that_peeks_at_labels_is_caught() -> None:
    finding = found(CHEATS["label_peeker"].rule, "C9")
    assert finding.verdict == "fail"
    assert finding.by_provenance is False
    assert 0 < finding.value < 1e-4  # a millionth of the update is enough


def test_a_peek_at_a_label_as_a_python_number_is_seen_by_intervention() -> None:
    peeker = CHEATS["label_peeker_by_item"].rule
    finding = found(peeker, "C9")
    assert finding.by_intervention is False
    assert any("label" in names for names in audited(peeker).trace.taken_out)


def test_an_online_rule_that_looks_one_step_ahead_is_caught() -> None:
    finding = found(CHEATS["one_step_ahead"].rule, "C5")
    assert finding.by_intervention is False
    assert finding.by_provenance is False
    assert "1 step" in finding.sentence


def test_a_rule_whose_claims_lie_is_told_so() -> None:
    boaster = CHEATS["boaster"].rule
    table = audit_rule(boaster, criteria=["C1", "C4a", "C4c", "C9"]).table()
    assert list(table["claim"]) == ["met"] * 4
    assert list(table["claim_holds"]) == ["no"] * 4


def test_what_a_cheat_does_to_the_audit_is_undone_by_the_tests() -> None:
    import spikelearn.plausibility.instruments.repeated_update as module

    honest = module.effect
    with audit_as_it_was():
        CHEATS["patches_the_audit"].rule().prepare(_network(), None)  # type: ignore[arg-type]
        assert module.effect is not honest
    assert module.effect is honest


def _network() -> Any:
    from spikelearn.networks.mlp import MLP

    return MLP(name="small", sizes=(3, 2, 2)).build(0)


@pytest.mark.parametrize("key", ["C1", "C2", "C15"])
def test_hand_written_feedback_alignment_passes(key: str) -> None:
    assert found(cheats.HonestFeedbackAlignment, key).verdict == "pass"


@pytest.mark.parametrize("key", ["C1", "C2", "C3", "C4a", "C4b", "C4c", "C9", "C10", "C15"])
def test_plain_hebb_passes(key: str) -> None:
    assert found(cheats.PlainHebb, key).verdict == "pass"


@pytest.mark.parametrize("key", ["C1", "C3", "C4a", "C4b", "C4c", "C9", "C10"])
def test_backpropagation_fails(key: str) -> None:
    assert found("backprop", key).verdict == "fail"
