"""What stands beside a measurement."""

from __future__ import annotations

import datetime
import subprocess

from spikelearn import _provenance


def test_a_measurement_names_commit_machine_versions_and_day() -> None:
    about = _provenance.provenance()
    assert set(about) == {"commit", "machine", "versions", "date"}
    assert datetime.date.fromisoformat(about["date"])
    lines = _provenance.as_lines(about)
    assert lines[0] == f"Commit: {about['commit']}  "


def test_the_commit_is_gits_or_where_there_is_none_the_version(monkeypatch, tmp_path) -> None:
    root = _provenance._ROOT
    told = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "--short", "HEAD"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode == 0:
        assert _provenance.commit().rstrip("+") == told.stdout.strip()
    monkeypatch.setattr(_provenance, "_ROOT", tmp_path)
    assert _provenance.commit().startswith("spikelearn ")
