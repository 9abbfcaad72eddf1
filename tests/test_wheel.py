"""The built wheel: what a user who installs it finds inside."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_carries_models_stimuli_lessons_and_the_report_template(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("spikelearn_toolkit-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("models", "stimuli"):
        shipped = {f"spikelearn/_shipped/{kind}/{p.name}" for p in (ROOT / kind).glob("*.yaml")}
        assert len(shipped) > 2
        assert shipped <= names
    lessons = {path.name: path for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {f"spikelearn/_shipped/notebooks/{name}" for name in lessons} <= names
    assert "spikelearn/report/template.html.j2" in names
    assert not [name for name in names if name.startswith("tests")]
    # Installed elsewhere, without the repository, it gives its lessons and models.
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    for words in (["lessons", "copy", "all", "mine"], ["models", "copy", "lif_neuron"]):
        subprocess.run([sys.executable, "-m", "spikelearn", *words], check=True, cwd=tmp_path,
                       env={**os.environ, "PYTHONPATH": str(tmp_path / "site")})  # fmt: skip
    copied = {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    assert copied == {name: path.read_bytes() for name, path in lessons.items()}
    shipped = (ROOT / "models" / "lif_neuron.yaml").read_bytes()
    assert (tmp_path / "lif_neuron.yaml").read_bytes() == shipped
