"""The audit as a user meets it: table, claims, page, command line."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import get_args

import cheats
import pandas as pd
import pytest
from typer.testing import CliRunner

from spikelearn._errors import SpikelearnError
from spikelearn.cli import app
from spikelearn.networks.plasticity import TripletSTDP
from spikelearn.plausibility import CRITERIA, Audit, all_rules, audit_rule, audit_rules
from spikelearn.plausibility.audited_plasticity import AuditedPlasticity
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import Criterion, Finding
from spikelearn.plausibility.criterion import Verdict
from spikelearn.plausibility.instruments.repeated_update import effect
from spikelearn.report.page import write_page
from spikelearn.report.plausibility import about_audit, audit_sections
from spikelearn.rules import RULES

QUICK = ["C1", "C4c", "C9"]


OWN = """
import torch
from spikelearn.rules.rule import Rule, leave, output_loss

class Mine(Rule):
    claims = {"no weight transport": True}

    def update(self, x, y, apply):
        parameters = list(self.network.parameters())
        loss, _ = output_loss(self.loss, self.network(x), y)
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()
"""


@pytest.mark.parametrize("key", CRITERIA)
def test_every_criterion_says_what_it_is_and_where_it_comes_from(key: str) -> None:
    one = CRITERIA[key]
    assert one.key == key
    for text in (one.title, one.definition, one.source, one.procedure, one.threshold, one.why):
        assert text


@pytest.mark.parametrize("key", CRITERIA)
def test_every_criterion_gives_a_verdict_and_a_sentence_of_rules_and_of_plasticity(
    key: str,
) -> None:
    for rule in ("oja", "stdp"):
        (finding,) = (f for _, _, f, _ in audit_rule(rule, criteria=[key]).findings)
        assert finding.verdict in get_args(Verdict)
        assert finding.sentence


def test_the_same_seed_gives_the_same_table() -> None:
    one, two = (audit_rule("node_perturbation", 3, ["C1", "C2", "C3", "C4a", "C10"])
                for _ in range(2))  # fmt: skip
    pd.testing.assert_frame_equal(one.table(), two.table())
    pd.testing.assert_frame_equal(one.probes(), two.probes())


def test_all_rules_that_learn_are_audited() -> None:
    left_out = {n for n, entry in RULES.items() if n.startswith("untrained")}
    assert set(RULES) - set(all_rules()) == left_out | {
        "homeostasis", "random_features",
    }  # fmt: skip


def test_a_rule_of_spiking_convolutional_networks_is_audited() -> None:
    found = audit_rule("convolutional_stdp", criteria=["C4c", "C13"]).table()
    verdicts = dict(found[["criterion", "verdict"]].itertuples(index=False))
    assert verdicts == {"C4c": "pass", "C13": "does not apply"}
    assert "No label reaches the hidden layers" in found["sentence"].iloc[0]


def test_where_provenance_is_silent_the_criterion_says_why() -> None:
    found = audit_rule("backprop").table().set_index("criterion")
    judged = found[found["verdict"].isin(["pass", "fail", "disagree"])]
    for key, row in judged.iterrows():
        assert (row["provenance"] == "-") == bool(CRITERIA[str(key)].alone)


@pytest.mark.slow
def test_a_rule_of_networks_simulated_from_event_to_event_is_audited() -> None:
    # Its gradient is exact: what backpropagation needs to know, and its spikes' slopes.
    found = audit_rule("eventprop", criteria=["C1", "C3", "C4b", "C5", "C8", "C9", "C10", "C14"])
    verdicts = dict(found.table()[["criterion", "verdict"]].itertuples(index=False))
    # Its own term for silent neurons turns the update away from the exact gradient.
    assert verdicts.pop("C14") == "cannot be told"
    assert set(verdicts.values()) == {"fail"}
    probes = found.probes()
    weights = probes[(probes["criterion"] == "C1") & (probes["magnitude"] == 1.0)]
    assert weights["effect"].max() > 0.1


def test_several_rules_make_one_table_in_their_order() -> None:
    found = audit_rules(["oja", "backprop"], criteria=["C9"])
    assert list(found.matrix().index) == ["oja", "backprop"]
    assert list(found.matrix()["C9"]) == ["pass", "fail"]


def test_there_is_no_score_without_weights() -> None:
    found = audit_rules(["backprop", "feedback_alignment"], criteria=["C1", "C9"])
    assert dict(found.score({"C1": 3.0, "C9": 1.0})) == {
        "backprop": 0.0, "feedback_alignment": 0.75,
    }  # fmt: skip
    for weights in ({}, {"C1": 0.0}, {"C1": -1.0}, {"C1": float("nan")}, {"C99": 1.0}):
        with pytest.raises(SpikelearnError):
            found.score(weights)


def test_an_unknown_criterion_or_rule_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="there is no criterion C99"):
        audit_rule("backprop", criteria=["C99"])
    with pytest.raises(SpikelearnError, match="no rule called 'nonsense'"):
        audit_rule("nonsense")
    with pytest.raises(SpikelearnError, match="derived from"):
        audit_rule(dict)


def test_the_page_stands_alone_and_escapes_what_it_shows(tmp_path: Path) -> None:
    bad = Finding(1.0, "<b>1</b>", "-", True, True, "<script>alert(1)</script>")
    shown = Audit([("oja", "C9", bad, False)])
    page = write_page(tmp_path / "page.html", audit_sections(shown), about_audit(shown)).read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert re.findall(r"<script[^>]*>", page) == ["<script>"]  # that which sorts: none is loaded
    assert "http://" not in page.replace("http://www.w3.org", "")
    again = write_page(tmp_path / "two.html", audit_sections(shown), about_audit(shown))
    assert again.read_text() == page


def test_the_page_shows_accuracy_and_similarity_beside_the_criteria(tmp_path: Path) -> None:
    found = audit_rules(["oja", "backprop"], criteria=["C9"])
    accuracy = pd.DataFrame({"rule": ["oja", "backprop"], "test_accuracy": [0.5, 0.98]})
    similarity = pd.DataFrame(
        {"rule": ["oja", "backprop"], "region": ["monkey IT"] * 2, "score": [0.11, 0.12]}
    )
    sections = audit_sections(found, accuracy, similarity, weights={"C9": 1.0})
    page = write_page(tmp_path / "page.html", sections, about_audit(found)).read_text()
    for text in ("98.0", "0.120", "similarity, monkey IT", "weighted score"):
        assert text in page


def test_a_rule_of_one_s_own_is_audited_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    out = tmp_path / "audit"
    arguments = ["audit", f"{tmp_path / 'mine.py'}:Mine", "--criteria", "C1,C9", "--out", str(out),
                 "--seeds", "0,2"]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "Note: claimed to be met: no weight transport" in result.output
    table = pd.read_parquet(out / "audit.parquet")
    assert list(table["verdict"]) == ["fail", "fail"]
    assert set(table["seeds"]) == {"0 2"}
    assert list(pd.read_csv(out / "audit_by_seed.csv")["seed"]) == [0, 2, 0, 2]
    assert len(pd.read_csv(out / "probes.csv")) >= 120
    page = (out / "report.html").read_text()
    again = CliRunner().invoke(app, arguments)
    assert "Findings of 2 rules and seeds read from" in again.output
    assert (out / "report.html").read_text() == page
    assert (out / "report.html").is_file()
    assert (out / "audit.md").read_text().startswith("| rule | C1 | C9 |")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give a rule, or --all"),
        (["oja", "--all"], "give a rule, or --all"),
        (["nonsense"], "no rule called"),
        (["oja", "--criteria", "C77"], "no criterion C77"),
        (["oja", "--seeds", "4-0"], "a range upwards"),
        (["oja", "--seeds", "0-"], "--seeds takes seeds as 0-4 or 0,2,5"),
        (["oja", "--seeds", "1,1"], "the seed 1 is given 2 times"),
        (["oja", "--option", "rate"], "--option takes name=value"),
        (["predictive_coding", "--option", "n_stepz=3"], "has no option 'n_stepz'"),
        (["predictive_coding", "--option", "n_steps=many"], "found 'many'"),
        (["--all", "--option", "n_steps=3"], "--option is for one rule"),
        (["oja", "--weight", "C1"], "--weight takes a criterion and a number"),
        (["oja", "--weight", "C1=0"], "not all 0"),
        (["oja", "--runs", "nowhere"], "no complete training run"),
        (["oja", "--similarity", "nowhere.csv"], "there is no table"),
        (["nowhere.py:Rule"], "no Python file"),
    ],
)
def test_what_cannot_be_audited_is_refused_in_one_sentence(
    arguments: list[str], sentence: str
) -> None:
    result = CliRunner().invoke(app, ["audit", *arguments])
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_criterion_of_one_s_own_is_measured_of_rules_and_of_plasticity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One entry in CRITERIA, and its planted cheats fail."""

    def measure(audited: AuditedRule) -> Finding:
        update = audited.update
        changed = update.run(y=(update.y + 1) % update.n_classes).updates
        moved = effect(changed, audited.base.updates, audited.hidden)
        return Finding(moved, f"{moved:.1g}", "-", None, moved == 0, "Labels were changed.")

    def measure_plasticity(audited: AuditedPlasticity) -> Finding:
        kept = len(audited.variables["synapse"])
        return Finding(float(kept), f"{kept}", "-", None, kept < 4, "Numbers were counted.")

    mine = Criterion(
        "X1", "no teacher, few traces", "d", "s", "p", "t", "w", measure,
        measure_plasticity=measure_plasticity,
    )  # fmt: skip
    monkeypatch.setitem(CRITERIA, "X1", mine)
    verdicts = {
        name: audit_rule(rule, criteria=["X1"]).table()["verdict"].item()
        for name, rule in {
            "honest": cheats.PlainHebb, "cheat": cheats.LabelPeekerByItem, "stdp": "stdp",
            "four traces": TripletSTDP(rule="triplet_stdp"),
        }.items()
    }  # fmt: skip
    assert verdicts == {
        "honest": "pass", "cheat": "fail", "stdp": "pass", "four traces": "fail",
    }  # fmt: skip
    assert list(audit_rule("oja", criteria=["X1", "C9"]).matrix().columns) == ["C9", "X1"]


def test_a_criterion_that_is_not_asked_of_plasticity_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = dataclasses.replace(CRITERIA["C10"], key="X1", measure_plasticity=None)
    monkeypatch.setitem(CRITERIA, "X1", mine)
    (finding,) = (f for _, _, f, _ in audit_rule("stdp", criteria=["X1"]).findings)
    assert finding.verdict == "does not apply"
    assert finding.sentence == "not asked of a rule in simulation"
