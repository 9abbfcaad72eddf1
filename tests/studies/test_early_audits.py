"""Workers of a study audit its rules beside the last networks, as this process would."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from other_workers import OtherWorkers

from spikelearn._workers import Workers
from spikelearn.studies.early_audits import AuditTask, AuditWork
from spikelearn.studies.study_audit import study_audit
from spikelearn.studies.whole_study import make_study


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("see", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_workers_audit_beside_the_last_networks_what_this_process_would(
    small_study, done, tmp_path, monkeypatch, see
) -> None:
    def made(folder, **more):
        return make_study(
            study, folder, float("inf"), lambda title: lambda *words: None, workers=Workers(2),
            **more,
        )  # fmt: skip

    study = small_study.model_copy(
        update={"seeds": (0,), "networks": small_study.networks[:1], "tests": False,
                "audit_seeds": (0, 1), "criteria": ("C3",), "along_training": False}
    )  # fmt: skip
    workers = OtherWorkers(monkeypatch, see=see)
    whole = made(tmp_path / "study")
    audits = [AuditTask("backprop", 0, {}), AuditTask("backprop", 1, {})]
    assert (len(workers.tasks), workers.tasks[1:]) == (3, audits)
    here = replace(done, study=study, folder=tmp_path / "here", read={}, failed=[])
    pd.testing.assert_frame_equal(whole.audit.table(), study_audit(here).table())
    assert (whole.result.failed, "findings" in whole.result.read) == ([], False)
    # What failed there is tried again where it is told.
    monkeypatch.setattr(AuditWork, "__call__", lambda *_: 1 / 0)
    workers.tasks.clear()
    again = made(tmp_path / "study", again=True)
    assert workers.tasks[1:] == [*audits, (0, 0), (0, 1)]
    pd.testing.assert_frame_equal(again.audit.table(), whole.audit.table())
    assert (again.result.failed, "findings" in again.result.read) == ([], False)
