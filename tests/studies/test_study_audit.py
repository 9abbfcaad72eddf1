"""The rules of a study are audited once, and stand beside their scores."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from spikelearn.plausibility import measuring
from spikelearn.report.plausibility import beside
from spikelearn.report.similarity_tables import best_layers, summary
from spikelearn.studies.study_audit import measured, study_audit
from spikelearn.studies.study_tests import study_significance
from spikelearn.studies.whole_study import WholeStudy, write_study


def test_the_rules_of_a_study_are_audited_once_and_stand_beside_their_scores(
    done, tmp_path, monkeypatch
) -> None:
    here = replace(done, folder=tmp_path)
    said: list[float] = []
    found = study_audit(here, lambda fraction, words: said.append(fraction))
    matrix = found.matrix()
    assert list(matrix.index) == ["backprop", "feedback_alignment"]
    assert list(matrix.columns) == ["C3", "C10"]
    assert said == sorted(said)
    assert said[-1] == 1.0

    def never(*_args, **_kwargs):
        raise AssertionError("measured again")

    monkeypatch.setattr(measuring, "audited_of", never)
    again = study_audit(here)
    pd.testing.assert_frame_equal(again.table(), found.table())

    table = measured(best_layers(summary(done.table)))
    table = table.sort_values("rule", ignore_index=True)
    assert list(table["rule"]) == ["backprop", "feedback_alignment"]
    regions = [c for c in table.columns if c.startswith("similarity, small, ")]
    assert regions
    accuracy = done.table.query("model == 'backprop'").groupby("seed")["test_accuracy"].first()
    assert table["accuracy (%)"][0] == pytest.approx(100 * accuracy.mean())
    (shown,) = beside(found, table).tables
    assert shown.columns == ("rule", "network", "dataset", "accuracy (%)", *regions, "C3", "C10")
    assert [row[-2:] for row in shown.rows] == [("✗", "✗"), ("✗", "✗")]

    tests = study_significance(done)
    write_study(WholeStudy(here, tests, found), "spikelearn study run small.yaml")
    page = (tmp_path / "report.html").read_text()
    for words in ("Rules and criteria", "Plausibility, accuracy and brains"):
        assert words in page
    assert b"<svg" in (tmp_path / "plausibility.svg").read_bytes()
    assert len(pd.read_csv(tmp_path / "audit.csv")) == 4
    assert set(pd.read_csv(tmp_path / "audit_by_seed.csv")["seed"]) == {0, 1, 2, 3, 4}
    assert "10 findings read from" in page
    assert study_audit(replace(here, study=done.study.model_copy(update={"criteria": ()}))) is None
