"""The page of an audit: every sentence is true of every cell that it speaks of."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from found import FINDINGS, every_kind

from spikelearn import plausibility as package
from spikelearn.plausibility.audit import Audit
from spikelearn.report.page import write_page
from spikelearn.report.plausibility import about_audit, audit_sections, cheats_caught, verdicts
from spikelearn.report.plausibility_figures import LEGEND, MARKS


def test_the_summary_counts_each_way_to_a_verdict() -> None:
    (summary,) = about_audit(every_kind()).summary
    for words in (
        "from seeds 0, 1 and 2", "Verdicts of what was run: 5;", "stands beside them: 2.",
        "would be needed: 1.", "without a verdict: 1.", "does not apply: 1.", "decides no verdict",
    ):  # fmt: skip
        assert words in summary
    run = Audit([("oja", "C1", FINDINGS["pass"], None)])
    (short,) = about_audit(run).summary
    assert "Not run" not in short
    assert "from seed 0" in short


def test_every_kind_of_verdict_has_its_mark_and_its_words() -> None:
    assert list(MARKS) == list(LEGEND) == list(FINDINGS)
    assert len(set(MARKS.values())) == len(MARKS)
    lead = verdicts(every_kind()).lead
    for words in LEGEND.values():
        assert f"{words}: 1" in lead


def test_claims_that_cannot_be_judged_are_not_said_to_hold() -> None:
    sections = {s.key: s for s in audit_sections(every_kind()) if s is not None}
    claims = sections["claims"]
    assert "Of 3 claims of authors one differs from what was found." in claims.lead
    assert "Whether 1 more holds is not known." in claims.lead
    tables = {t.title: len(t.rows) for t in [*claims.tables, *claims.folded]}
    assert tables == {
        "Claims that are not borne out": 1, "Claims that hold": 2,
        "Claims of which nothing is known": 1,
    }  # fmt: skip


def test_controls_stand_beside_accuracies_that_have_them(tmp_path: Path) -> None:
    rows = [
        {"rule": "oja", "seed": seed, "test_accuracy": 0.9, "n_test": 1000, "linear_readout": 0.9,
         "random_features": 0.5} for seed in range(3)
    ]  # fmt: skip
    sections = audit_sections(every_kind(), accuracy=pd.DataFrame(rows))
    page = write_page(tmp_path / "page.html", sections, about_audit(every_kind())).read_text()
    assert "no better than linear readout" in page


def test_the_planted_cheats_are_counted_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "__file__", str(tmp_path / "__init__.py"))
    assert cheats_caught() is None
    (tmp_path / "cheats_caught.csv").write_text(
        "kind,what,cheats,caught,contradicted,cannot_be_told,acquitted,why\n"
        "late copies,copies weights later,4,3,1,0,0,\n"
        "another process,computes elsewhere,2,0,0,2,0,nothing of it is seen here\n"
    )
    section = cheats_caught()
    assert section is not None
    assert "6 rules" in section.lead
    assert "caught: 3; contradicted: 1; cannot be told: 2; acquitted: 0" in section.lead
    assert "cannot be caught in principle: another process" in section.lead
    assert section.tables[0].rows[1][-1] == "nothing of it is seen here"


def test_a_seed_s_page_says_nothing_of_seeds_together() -> None:
    one = Audit([("oja", "C1", dataclasses.replace(FINDINGS["pass"]), None)])
    assert "together" not in verdicts(one).lead
    assert "all 3 seeds together" in verdicts(every_kind()).lead
