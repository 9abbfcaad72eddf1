"""The walk-through for contributors runs as it is printed, and its rule learns."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from spikelearn._store import read_summary
from spikelearn.cli import app

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
PART = TEXT.partition("## Adding a learning rule\n")[2].partition("\n## ")[0]
BLOCKS = [
    textwrap.dedent(block)
    for block in re.findall(r"^ *```python\n(.*?)^ *```$", PART, re.DOTALL | re.MULTILINE)
]
COMMANDS = [line.split() for line in re.findall(r"^ {7}spikelearn (.*)$", PART, re.MULTILINE)]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The two files of the walk-through, in a folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path / "cache"))
    rule, oracle = BLOCKS
    (tmp_path / "saturating_error.py").write_text(rule)
    (tmp_path / "test_saturating_error.py").write_text(oracle)
    paths = list(sys.path)
    yield tmp_path
    sys.path[:] = paths
    sys.modules.pop("saturating_error", None)


def test_every_command_does_what_is_said_of_it(written: Path) -> None:
    assert [command[0] for command in COMMANDS] == ["check", "train", "train", "audit"]
    accuracy = []
    for command in COMMANDS:
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        if command[0] == "train":
            folder = result.output.rpartition("Run: ")[2].splitlines()[0]
            accuracy.append(read_summary(written / folder)["test_accuracy"])
        if command[0] == "audit":
            (kept,) = (written / "cache" / "audit" / "findings").glob("*/findings.json")
            assert pd.read_json(kept)["claim"].tolist() == [False]
            assert "fail" in result.output  # as it claims
    mine, backprop = accuracy
    assert round(100 * mine) == int(re.findall(r"right for (\d+) of 100 test images", PART)[0])
    assert mine > backprop - 0.02


def test_its_oracle_passes(written: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=written, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
