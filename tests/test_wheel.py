"""The built wheel: what a user who installs it finds inside."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_carries_models_stimuli_and_the_report_template(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("spikelearn_toolkit-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("models", "stimuli"):
        shipped = {f"spikelearn/_shipped/{kind}/{p.name}" for p in (ROOT / kind).glob("*.yaml")}
        assert len(shipped) > 2
        assert shipped <= names
    assert "spikelearn/report/template.html.j2" in names
    assert not [name for name in names if name.startswith("tests")]
