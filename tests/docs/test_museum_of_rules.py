"""A page for every learning rule, with its update, paper, oracle, and what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from museums import rules
from museums.benchmarks import accuracies, costs, criteria
from museums.rst import Pages
from spikelearn.rules import RULES, RuleEntry

# What changes no weight has no paper of its own.
WITHOUT_PAPER = {"untrained", "untrained_spiking", "untrained_latency"}
WITHOUT_LEARNING = {*WITHOUT_PAPER, "homeostasis", "random_features"}


def page(written: Path, name: str) -> str:
    return (written / "rules" / f"{name}.rst").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next."""
    rest = text.partition(f"\n{title}\n{'-' * len(title)}\n")[2]
    return re.split(r"\n[^\n]+\n-{3,}\n", rest)[0]


def test_each_rule_has_a_page_and_each_page_a_rule(written: Path) -> None:
    pages = {path.stem for path in (written / "rules").glob("*.rst")} - {"index"}
    assert pages == set(RULES)
    index = (written / "rules" / "index.rst").read_text(encoding="utf-8")
    assert re.findall(r"^   (\w+)$", index.rpartition("toctree")[2], re.MULTILINE) == list(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_its_update_in_mathematics_and_its_paper(name: str) -> None:
    update = rules.update(RULES[name])
    assert ".. math::" in update
    paper = re.search(r"^Paper: .*\d{4}", update, re.MULTILINE)
    assert bool(paper) == (name not in WITHOUT_PAPER)


@pytest.mark.parametrize("name", sorted(set(RULES) - WITHOUT_LEARNING))
def test_a_rule_that_learns_is_proven_by_oracles_which_are_named(written: Path, name: str) -> None:
    shown = section(page(written, name), "Proven by")
    files = re.findall(r"``(tests/oracles/\w+\.py)``", shown)
    assert files
    assert all((rules.ROOT / file).is_file() for file in files)
    assert shown.count("\n- ") >= len(files)


def test_accuracy_criteria_and_cost_are_those_of_the_benchmarks(written: Path) -> None:
    text = page(written, "feedback_alignment")
    measured = [row for rule, _, row in accuracies() if rule == "feedback_alignment"]
    assert len(measured) > 1
    shown = section(text, "Accuracy beside its controls")
    assert all(row["test accuracy"] in shown for row in measured)
    assert measured[0]["random features"].partition(" ")[0] in shown
    found = [row for row in criteria() if row["rule"] == "feedback_alignment"]
    shown = section(text, "Criteria of plausibility, as measured")
    assert len(re.findall(r"^   \* - C\d+", shown, re.MULTILINE)) == len(found) > 15
    (cost,) = [
        row for network, row in costs()
        if (row["rule"], network) == ("feedback_alignment", "mlp_784")
    ]  # fmt: skip
    assert cost["memory"] in section(text, "Cost of an update")


def test_what_was_not_measured_is_said(written: Path) -> None:
    assert "Not among the tables of cost" in page(written, "stdp")
    assert "has no oracle of its own" in page(written, "untrained")


def test_options_have_their_defaults_and_what_the_base_says_of_them(written: Path) -> None:
    shown = section(page(written, "predictive_coding_incremental"), "Options")
    assert "``n_steps``\n     - ``5``\n     - int. T, steps of relaxation" in shown
    assert "momentum" in section(page(written, "predictive_coding_mupc"), "Options")


def test_a_recipe_is_found_by_the_rule_that_it_names(written: Path) -> None:
    assert "--recipe mnist_diehl_cook2015/stdp_1600" in page(written, "stdp")


def test_a_rule_that_is_added_has_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = RuleEntry("spikelearn.rules.hebbian", "Oja", {"interaction": "none"}, label="Oja, one")
    monkeypatch.setattr(rules, "RULES", {"oja_one": added})
    rules.write(Pages(tmp_path))
    text = (tmp_path / "rules" / "oja_one.rst").read_text(encoding="utf-8")
    assert text.startswith(".. _rule-oja_one:\n\nOja, one\n========\n")
    assert "``interaction: none``" in text
    assert "Not audited yet" in text
