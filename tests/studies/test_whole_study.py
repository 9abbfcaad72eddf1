"""All files of a study, and the parts beside similarity: learning, matrices, spikes, sounds."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from spikelearn.report.similarity_tables import best_layers, summary
from spikelearn.studies.study_tests import study_significance
from spikelearn.studies.whole_study import WholeStudy, write_study


def test_a_complete_study_writes_its_tests_and_its_page(done, tmp_path) -> None:
    tests = study_significance(done)
    folder = tmp_path / "written"
    folder.mkdir()
    found = summary(done.table, tests.zero)
    row = found.query("model == 'backprop' and layer == 'output'").iloc[0]
    mean = tests.zero.query("level == 'mean'")
    own = mean.query("model == 'backprop' and layer == 'output'").iloc[0]
    assert (row.ci_lower, row.ci_upper) == (own.ci_lower, own.ci_upper)
    assert row.score == pytest.approx(own.score)

    recordings = {
        name: replace(one, notes=("a unit was left out",)) for name, one in done.recordings.items()
    }
    noted = replace(done, folder=folder, recordings=recordings)
    write_study(WholeStudy(noted, tests), "spikelearn study run small.yaml")
    page = (folder / "report.html").read_text()
    for words in (
        "The study small",
        "Similarity and accuracy",
        "Differences: small, IT",
        "image/svg",
        "a unit was left out",
    ):
        assert words in page
    assert str(tmp_path) not in page
    text = (folder / "table.md").read_text()
    best = best_layers(found).query("model == 'backprop'").iloc[0]
    twin = tests.differences.query(
        "level == 'mean' and model_a == 'backprop' and model_b == 'untrained'"
        f" and layer_a == '{best.layer}'"
    ).iloc[0]
    assert f"{twin.difference:+.3f} (".replace("-0.", "−0.") in text
    for words in ("Commit: ", "Machine: ", "Date: ", "interval | p | over untrained"):
        assert words in text
    differences = pd.read_csv(folder / "differences.csv")
    assert differences.p_holm.between(0, 1).all()
    assert len(pd.read_csv(folder / "zero.csv")) == len(tests.zero.query("level == 'mean'"))
