"""Inputs changed at random end in a result or in one sentence: no traceback, no hang.

The suite takes a sample; `make robustness` all (`SPIKELEARN_MUTATIONS` says how many), and prints
how they ended.
"""

from __future__ import annotations

import collections
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from forked import Ended, ended
from mutations import mutated_bytes, mutated_text
from typer.testing import CliRunner

from spikelearn._files import shipped_folder
from spikelearn.cli import app
from spikelearn.spikes import FORMATS, Activity, PopulationSpikes

N = int(os.environ.get("SPIKELEARN_MUTATIONS", "0"))
SUFFIXES = [suffix for suffix in FORMATS if suffix != ".added"]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every format, and the folder of a training run."""
    folder = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(0)
    times, neurons = np.sort(rng.uniform(0, 50, 40)).round(1), rng.integers(0, 5, 40)
    spikes = PopulationSpikes.from_unsorted(6, times, neurons, neurons % 2)
    activity = Activity({"out": spikes}, 50.0, 0.1, 2, ("cat", "dog"))
    for suffix in SUFFIXES:
        activity.save(folder / f"spikes{suffix}")
    arguments = "train mlp_64 --rule backprop --dataset digits --set epochs=1 --set n_train=50"
    made = CliRunner().invoke(app, [*arguments.split(), "--out", str(folder / "runs")])
    assert made.exit_code == 0, made.output
    return folder


def of_yaml(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A shipped description, changed, and a command that reads it."""
    kinds = ("models", "stimuli")
    files = sorted(p for kind in kinds for p in shipped_folder(kind).rglob("*.yaml"))
    path = folder / "changed.yaml"
    text = mutated_text(rng.choice(files).read_text(encoding="utf-8"), rng)
    path.write_text(text, encoding="utf-8", errors="replace")
    return ["inspect", str(path)]


def of_spikes(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A file of spikes, changed, and a command that reads it."""
    original = originals / f"spikes{rng.choice(SUFFIXES)}"
    path = folder / original.name
    path.write_bytes(mutated_bytes(original.read_bytes(), rng))
    return [rng.choice(["inspect", "stats"]), str(path)]


def of_run(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """The folder of a run with one file changed, and a command that reads it."""
    (original,) = (p for p in (originals / "runs").iterdir() if not p.name.startswith("."))
    path = folder / original.name
    shutil.copytree(original, path)
    changed = rng.choice(sorted(p for p in path.iterdir() if p.is_file()))
    changed.write_bytes(mutated_bytes(changed.read_bytes(), rng))
    commands = (["runs", "show", str(path)], ["runs", "list", str(folder)], ["inspect", str(path)])
    return rng.choice(commands)


@pytest.mark.parametrize(
    ("make", "share"), [(of_yaml, 30), (of_spikes, 12), (of_run, 8)], ids=["yaml", "spikes", "run"]
)
def test_what_is_a_little_wrong_is_read_or_told_in_a_sentence(
    make: Callable[..., list[str]], share: int, originals: Path, tmp_path: Path
) -> None:
    n = max(share, N * share // 50)
    outcomes: collections.Counter[str] = collections.Counter()
    wrong: list[tuple[int, Ended]] = []
    before = set(tmp_path.parent.iterdir())
    for number in range(n):
        folder = tmp_path / "one"
        folder.mkdir()
        rng = random.Random(f"{make.__name__} {number}")  # noqa: S311 - no secret
        end = ended(make(folder, rng, originals), 120.0 if not N else 10.0)
        outcomes[end.outcome] += 1
        if end.outcome not in ("0", "1"):
            wrong.append((number, end))
        shutil.rmtree(folder)
    print(f"\n{make.__name__}: {n} inputs, {dict(outcomes)}")
    assert not wrong, wrong[:5]
    assert set(tmp_path.parent.iterdir()) == before  # nothing is written elsewhere
