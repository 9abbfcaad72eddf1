"""A study by partial RSA: its tables, its tests, its figures and its page, beside those of RSA."""

from __future__ import annotations

import numpy as np
import pytest
from small_recording import NETWORK, small_recording

from spikelearn.comparison import compare_partial_rsa, mean_luminance, pixels
from spikelearn.report.similarity import significance, similarity
from spikelearn.report.similarity_figures import similarity_figure
from spikelearn.report.similarity_tables import notes, summary
from spikelearn.studies import comparing
from spikelearn.studies.study import Study
from spikelearn.studies.study_pieces import entry_of
from spikelearn.studies.study_run import run_study
from spikelearn.studies.study_tests import study_significance
from spikelearn.training.opening import open_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    study = Study(
        name="beyond", n_train=60, recordings=("small",), n_bootstrap=20, criteria=(),
        networks=[{"family": "backpropagation", "rule": "backprop", **NETWORK}],
        methods=("rsa", "partial_rsa"), given=("pixels", "mean_luminance"),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "image_recording", lambda name: small_recording())
        folder = tmp_path_factory.mktemp("beyond")
        result = run_study(study, folder)
        tests = study_significance(result)
        again = run_study(study, folder)
    assert result.failed == []
    assert again.read["tables of scores"]
    return result, tests


def test_scores_of_a_study_are_those_of_the_function(made) -> None:
    result, tests = made
    recording = small_recording()
    entry = entry_of(open_run(result.runs[0]), recording)
    controls = {"pixels": pixels(recording.images, recording.labels)}
    table = result.table[result.table.method == "partial_rsa"]
    assert set(table.measure) == {"spearman given pixels, mean_luminance"}
    own = table[(table.model == "backprop") & (table.level == "mean")].set_index("layer")
    controls["mean_luminance"] = mean_luminance(recording.images, recording.labels)
    expected = compare_partial_rsa(entry.responses, recording, controls, 20)
    for row in expected[expected.level == "mean"].itertuples():
        assert own.score[row.model] == pytest.approx(row.score)
        assert own.ci_lower[row.model] == pytest.approx(row.ci_lower)
    explained = table.model.isin(["pixels", "mean_luminance"])
    assert (table.score.isna() == explained).all()
    zero = tests.zero[tests.zero.method == "partial_rsa"]
    assert (zero.p.isna() == zero.model.isin(["pixels", "mean_luminance"])).all()
    assert zero.p.dropna().between(0, 1).all()


def test_pages_and_figures_say_given_what_and_show_each_method_for_itself(made) -> None:
    result, tests = made
    both = tests.zero, tests.differences
    scores = summary(result.table, tests.zero)
    section = similarity(scores, both)
    assert len(section.pictures) == 2
    titles = dict(table.title.split("; ") for table in section.tables)
    assert set(titles) == {
        "small, IT, partial_rsa (spearman given pixels, mean_luminance)",
        "small, IT, rsa (spearman)",
    }
    beyond = "small, IT, partial_rsa (spearman given pixels, mean_luminance)"
    assert titles.pop(beyond) == "no noise ceiling: none is known of what controls leave"
    assert titles["small, IT, rsa (spearman)"].startswith("noise ceiling ")
    assert "partial RSA permutes what the controls leave" in " ".join(notes(True, scores))
    assert "partial RSA" not in " ".join(notes(True, scores[scores.method == "rsa"]))
    assert similarity_figure(scores).count(b'id="axes_') == 2
    cells = [str(table.rows) for table in (*section.tables, *significance(both).folded)]
    assert "not tested" not in cells[0]
    assert len(np.unique([table.title for table in significance(both).folded])) == 6
