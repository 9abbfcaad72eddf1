"""A study keeps its tests, and makes them again where there are more networks."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from small_recording import small_recording

from spikelearn._work_in_folder import Failed
from spikelearn._workers import Workers
from spikelearn.studies import study_tests
from spikelearn.studies.significance import Significance
from spikelearn.studies.study import Study
from spikelearn.studies.study_run import StudyResult


def test_tests_of_a_study_are_made_once(tmp_path, monkeypatch) -> None:
    p = {"p": [0.01], "p_holm": [0.02], "subject": [""], "level": ["mean"]}
    tested = Significance(
        pd.DataFrame({"score": [0.1], **p}), pd.DataFrame({"difference": [0.2], **p})
    )
    network = {"family": "x", "rule": "backprop", "model": "mlp_64"}
    study = Study(name="small", networks=(network,), n_bootstrap=20)
    for name in ("one", "two"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "weights.safetensors").write_text(name)
        (tmp_path / "runs" / name / "made.yaml").write_text(f"key: {name}")
    nothing = pd.DataFrame()
    result = StudyResult(
        study,
        tmp_path,
        nothing,
        nothing,
        1,
        1,
        [tmp_path / "runs" / "one"],
        recordings={"small": small_recording()},
    )
    monkeypatch.setattr(study_tests, "_shown", lambda *_: [])
    monkeypatch.setattr(study_tests, "_tested", lambda *_: tested)
    first = study_tests.study_significance(result)

    def never(*_args):
        raise AssertionError("computed again")

    monkeypatch.setattr(study_tests, "_tested", never)
    again = study_tests.study_significance(result)
    for one, other in ((first.zero, again.zero), (first.differences, again.differences)):
        pd.testing.assert_frame_equal(one, other)
    assert len(result.read["tables of tests"]) == 1
    # Another content of the recording, another network, or its weights: other tests.
    known = study_tests._decides(result, "small", "rsa")
    changed = replace(result, recordings={"small": small_recording(n_stimuli=15)})
    assert study_tests._decides(changed, "small", "rsa") != known
    (tmp_path / "runs" / "one" / "weights.safetensors").write_text("other")
    assert study_tests._decides(result, "small", "rsa") != known
    result.runs.append(tmp_path / "runs" / "two")
    with pytest.raises(AssertionError, match="computed again"):
        study_tests.study_significance(result)


def test_workers_make_the_tests_that_this_process_makes(
    done, recording, tmp_path, monkeypatch
) -> None:
    """Bit by bit; where a part fails there, this process makes them."""
    result = replace(done, folder=tmp_path, read={})
    alone = study_tests.study_significance(replace(result, again=True))
    parts = []

    def made(_folder, work, tasks, _workers):
        for task in tasks:
            parts.append(task[1].kind)
            yield task, work(task, None)

    monkeypatch.setattr(study_tests, "outcomes_in", made)
    monkeypatch.setattr(study_tests, "_tested_here", {})
    several = Workers(2)
    shared = study_tests.study_significance(replace(result, again=True), workers=several)
    for name in ("zero", "differences"):
        one, other = getattr(shared, name), getattr(alone, name)
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert {"means", "zero", "differences"} <= set(parts)

    def failed(_folder, _work, tasks, _workers):
        yield from ((task, Failed("no memory")) for task in tasks)

    monkeypatch.setattr(study_tests, "outcomes_in", failed)
    here = study_tests.study_significance(replace(result, again=True), workers=several)
    pd.testing.assert_frame_equal(here.zero, alone.zero, check_exact=True)
