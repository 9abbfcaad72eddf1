"""A rule, a neuron model, a format, a criterion, a backend: one file and one line each.

Each file in `added/` makes one and enters it into its dictionary, as a plug-in of pytest, before
the tests of ours are collected. These find it by themselves, and it passes them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
ADDED = Path(__file__).parent / "added"
# File in `added` -> (tests of ours that look at all there are, how what was added is called there,
# fewest of them that have to pass).
KINDS = {
    "added_backend": (
        ["simulation/test_closed_forms.py", "simulation/test_checks_of_backends.py"],
        "added_backend",
        4,
    ),
    "added_criterion": (["plausibility/test_audit.py"], "added_criterion", 2),
    "added_neuron_model": (
        [
            "networks/neurons/test_neuron_model.py",
            "networks/test_spiking_populations.py",
            "simulation/test_simulate_refusals.py",
            "simulation/test_checks_of_backends.py",
        ],
        "added_model",
        6,
    ),
    "added_format": (["spikes/test_files_of_spikes.py"], ".added", 10),
    "added_rule": (["rules/test_checks.py", "rules/test_rules.py"], "added_rule", 5),
}


def test_what_is_added_from_outside_passes_the_tests_of_ours() -> None:
    """All of it at once, which takes one process, and shows that none is in another's way."""
    files = dict.fromkeys(str(TESTS / file) for files, _, _ in KINDS.values() for file in files)
    plugins = [word for kind in KINDS for word in ("-p", kind)]
    options = ["-q", "-rp", "-p", "no:xdist", "-k", "added"]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *plugins, *files],
        cwd=TESTS.parent,
        env=os.environ | {"PYTHONPATH": f"{TESTS.parent}{os.pathsep}{ADDED}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    passed = [line for line in told.stdout.splitlines() if line.startswith("PASSED ")]
    for kind, (files_of_kind, name, fewest) in KINDS.items():
        mine = [
            line
            for line in passed
            if name in line.partition("[")[2] and any(file in line for file in files_of_kind)
        ]
        assert len(mine) >= fewest, f"{kind}: {mine}"


def test_every_file_that_adds_something_is_tried() -> None:
    assert {file.stem for file in ADDED.glob("*.py")} == set(KINDS)
