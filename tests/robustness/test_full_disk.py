"""Every writer on a disk that fills: one sentence, exit 1, nothing half-written, nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from spikelearn.spikes import FORMATS, Activity, PopulationSpikes, load

SUFFIXES = [suffix for suffix in FORMATS if suffix != ".added"]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB; only who may mount one has it."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and not subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],
        capture_output=True, check=False,
    ).returncode  # fmt: skip
    if not made:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


@pytest.fixture
def spikes(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    n = 40_000
    out = PopulationSpikes.from_unsorted(
        20, rng.uniform(0, 1000, n), rng.integers(0, 20, n), rng.integers(0, 2, n)
    )
    return Activity({"out": out}, 1000.0, 0.1, 2).save(tmp_path / "spikes.npz")


def run(*arguments: object) -> tuple[int, str]:
    """Exit status and what was printed as errors, of a process of its own."""
    program = "from spikelearn.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "1000"},
    )  # fmt: skip
    lines = [line for line in ended.stderr.splitlines() if line.startswith("Error")]
    assert "Traceback" not in ended.stderr, ended.stderr
    assert "Exception ignored" not in ended.stderr, ended.stderr
    return ended.returncode, "\n".join(lines)


def test_every_format_is_told_in_one_sentence_and_leaves_nothing(small: Path, spikes: Path) -> None:
    for suffix in SUFFIXES:
        status, said = run("export", spikes, small / f"a{suffix}")
        assert status == 1
        assert said == (
            f"Error: cannot write {small / f'a{suffix}'}: there is no room left on its disk;"
            " nothing of it is written"
        )
        assert list(small.iterdir()) == []


def test_a_simulation_is_kept_where_there_is_room(small: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.npz"
    status, said = run(
        "simulate", "izhikevich2003", "--duration", "200", "--out", small / "a.nwb", "--plot",
        small / "r.png", "--out", kept,
    )  # fmt: skip
    assert status == 1
    assert f"cannot write {small / 'a.nwb'}: there is no room left" in said
    assert load(kept).n_spikes
    assert not (small / "a.nwb").exists()
    assert not list(small.glob(".*"))


def test_training_ends_in_one_sentence(small: Path) -> None:
    status, said = run(
        "train", "mlp_784", "--rule", "backprop", "--dataset", "mnist", "--set", "epochs=1",
        "--set", "n_train=60", "--out", small / "runs",
    )  # fmt: skip
    assert status == 1
    assert "no room left on its disk" in said
    assert "\n" not in said
    assert list((small / "runs").iterdir()) == []
