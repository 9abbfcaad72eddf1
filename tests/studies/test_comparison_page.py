"""The page of a comparison: accuracies of its runs, and no difference that was not tested."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from small_recording import small_recording

import spikelearn as sl
from spikelearn import _store as store
from spikelearn.studies.comparing import shown_entries, similarity_of_all
from spikelearn.studies.comparison_page import with_accuracies, write_comparison_page


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        sl.train("mlp_64", rule=rule, dataset="digits", n_train=60, epochs=1, runs=folder)
        for rule in ("backprop", "feedback_alignment")
    ]
    folders = [run.folder for run in runs]
    recording, entries = shown_entries(folders, small_recording())
    return folders, recording, entries, similarity_of_all(entries, recording, 10)


def test_accuracies_stand_beside_the_scores_of_their_runs(compared):
    folders, _, _, table = compared
    found = with_accuracies(table, folders)
    assert len(found) == len(table)
    trained = found[found["family"] != "baseline"]
    assert set(trained["model"]) == {"backprop", "feedback_alignment"}
    for folder in folders:
        run = sl.open_run(folder)
        own = trained[trained["model"] == run.config["rule"]]
        assert set(own["test_accuracy"]) == {store.read_summary(folder)["test_accuracy"]}
        assert own["weights_moved"].gt(0).all()
    controls = found[found["family"] == "baseline"]
    assert controls["test_accuracy"].isna().all()
    assert {"pixels", "untrained"} <= set(controls["model"])


def test_without_tests_the_page_claims_no_difference(compared, tmp_path):
    folders, recording, entries, table = compared
    path = write_comparison_page(
        tmp_path / "page.html", table, None, entries, recording, [*folders, Path("mlp_64")],
        "spikelearn compare <a>",
    )  # fmt: skip
    page = path.read_text(encoding="utf-8")
    assert "whether they differ was not tested" in page
    assert "Differences were not tested; --tests does." in page
    assert "spikelearn compare &lt;a&gt;" in page
    assert 'id="rdms"' in page
    assert 'id="differences"' not in page
    assert 'id="accuracy"' in page
    assert page.count("<script") == 1
    assert "2 trained networks and 1 untrained network, compared with IT by rsa" in page


def test_a_network_that_nothing_trained_has_no_accuracy(compared):
    folders, _, _, table = compared
    both = with_accuracies(table, [*folders, Path("mlp_64")])
    pd.testing.assert_frame_equal(both, with_accuracies(table, folders))
    alone = with_accuracies(table, [Path("mlp_64")])
    assert alone["test_accuracy"].isna().all()
