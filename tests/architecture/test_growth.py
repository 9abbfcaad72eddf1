"""A rule, a neuron model, a format, a criterion, a backend: one file and one line each.

Each file in `added/` makes one and enters it into its dictionary, as a plug-in of pytest, before
the tests of ours are collected. These find it by themselves, and it passes them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ADDED = Path(__file__).parent / "added"
# File in `added` -> (tests of ours that look at all there are, how what was added is called there,
# fewest of them that have to pass).
KINDS = {
    "added_backend": (
        ["simulation/test_closed_forms.py", "simulation/test_checks_of_backends.py"],
        "added",
        4,
    ),
    "added_criterion": (["plausibility/test_audit.py"], "added", 2),
    "added_neuron_model": (
        [
            "networks/neurons/test_neuron_model.py",
            "networks/test_spiking_populations.py",
            "simulation/test_simulate_refusals.py",
            "simulation/test_checks_of_backends.py",
        ],
        "added",
        6,
    ),
    "added_format": (["spikes/test_files_of_spikes.py"], "added", 10),
    "added_rule": (["rules/test_checks.py", "rules/test_rules.py"], "added", 5),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_added_from_outside_passes_the_tests_of_ours(kind: str) -> None:
    files, name, fewest = KINDS[kind]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", kind, "-p", "no:xdist", "-k", name]
        + [str(TESTS / file) for file in files],
        cwd=TESTS.parent,
        env=os.environ | {"PYTHONPATH": f"{TESTS.parent}{os.pathsep}{ADDED}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    passed = next(word for word in told.stdout.split("\n")[-2].split(" passed")[:1])
    assert int(passed.split()[-1]) >= fewest, told.stdout[-500:]


def test_every_file_that_adds_something_is_tried() -> None:
    assert {file.stem for file in ADDED.glob("*.py")} == set(KINDS)
