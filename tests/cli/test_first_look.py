"""A first look costs what it shows: no command imports what it does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = {
    "brian2", "dask", "distributed", "elephant", "matplotlib", "neo", "norse", "quantities",
    "rsatoolbox", "scipy.signal", "scipy.stats", "sklearn", "snntorch", "torch", "xarray",
}  # fmt: skip
# Each says what it has imported by then; nothing that is imported goes away again.
PROGRAM = """
import json, sys
from spikelearn.cli import app

def heavy():
    return sorted(set(json.loads(sys.argv[1])) & set(sys.modules))

found = {}
for words in json.loads(sys.argv[2]):
    try:
        app(words.split())
    except SystemExit as ended:
        assert not ended.code, (words, ended.code)
    found[words] = heavy()
print(json.dumps(found))
"""


def imported(folder: Path, *commands: str) -> dict[str, list[str]]:
    """What of `HEAVY` is imported after each of these commands, in one process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(sorted(HEAVY)), json.dumps(commands)],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == len(commands)
    return found


def test_looks_at_spikes_import_no_heavy_library(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        "models",
        "simulate lif_neuron --stimulus fi_curve --duration 100 --out spikes.npz --out spikes.csv",
        "stats spikes.npz --out table.csv",
        "inspect spikes.csv",
        "stats spikes.npz --psth rates.png --raster raster.png",
    )
    *looks, pictures = found.items()
    assert all(names == [] for _, names in looks), found
    assert pictures[1] == ["matplotlib"]
    assert (tmp_path / "table.csv").read_text().splitlines()[1].startswith("neuron,")


def test_completions_cost_no_more_than_to_read_names(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom spikelearn.cli import _completions as c, app\n"
        "every = (c.models, c.rules, c.recordings, c.recipes, c.datasets, c.backends, c.runs)\n"
        "assert all(complete('') for complete in every[:-1])\n"
        "print(time.process_time(), *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    seconds, *modules = done.stdout.split()
    assert not (HEAVY | {"numba", "pandas", "pydantic"}) & set(modules)
    assert float(seconds) < 0.5


def test_the_list_of_stored_runs_imports_neither_engines_nor_figures(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert imported(tmp_path, "runs list") == {"runs list": []}
