"""A sample of the harness: what `make robustness` does with many inputs, kills and disks.

What a process of the harness forks must have computed nothing yet, so it is a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("harness.py")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")


Counts = dict[str, int]


def found(parts: str, out: Path, *more: str) -> dict[str, Counts]:
    """Counts by part and outcome, where nothing may be wrong."""
    words = [sys.executable, str(HARNESS), "--parts", parts, "--out", str(out / "found.json")]
    ran = subprocess.run([*words, *more], capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    report = json.loads((out / "found.json").read_text(encoding="utf-8"))
    assert {name: part["wrong"] for name, part in report["parts"].items() if part["wrong"]} == {}
    assert list(report["parts"]) == parts.split(",")
    assert ran.returncode == report["n_wrong"] == 0
    return {name: part["counts"] for name, part in report["parts"].items()}


def counts(part: str, out: Path, *more: str) -> Counts:
    """Counts by outcome of one part."""
    return found(part, out, *more)[part]


# One process imports and makes what is changed, killed and signalled, for all parts.
def test_commands_end_as_they_must_whatever_befalls_them(tmp_path: Path) -> None:
    kinds = ("model", "stimulus", "recipe", "spikes", "foreign", "recording", "option", "code")
    parts = found(
        "inputs,kills,signals,writers", tmp_path, "--quick", "--inputs", "40", "--real", "0",
        "--kinds", ",".join(kinds), "--kills", "3", "--commands", "train,simulate,compare",
    )  # fmt: skip
    changed_inputs_end_in_a_result_or_a_sentence(parts["inputs"], kinds)
    kills = {name: n for name, n in parts["kills"].items() if name.endswith(" killed")}
    assert kills == {f"{name}: killed": 1 for name in ("train", "simulate", "compare")}
    assert parts["signals"] == {
        f"{name}: as it must be": 1 for name in ("SIGINT", "SIGTERM", "SIGHUP")
    }
    if os.getuid() != 0:
        pytest.skip("writers need the right to mount a small disk and to be another user")
    writers_that_cannot_write_say_so_and_leave_nothing(parts["writers"])


def changed_inputs_end_in_a_result_or_a_sentence(found: Counts, kinds: tuple[str, ...]) -> None:
    assert sum(n for name, n in found.items() if name.startswith(kinds)) >= 36
    assert {name.partition(":")[0] for name in found} > set(kinds)
    assert found["most megabytes"] < 2000


def writers_that_cannot_write_say_so_and_leave_nothing(found: Counts) -> None:
    assert found.pop("disk of 4 KiB: as it must be") == 2
    assert min(n for name, n in found.items() if "as it must be" in name) >= 10


@pytest.mark.slow
def test_sweeps_under_kills_end_with_the_table_of_one_process(tmp_path: Path) -> None:
    found = counts("sweeps", tmp_path, "--kills", "4", "--runs", "40")
    assert sum(n for name, n in found.items() if name.endswith(" killed")) == 4
    assert found["measured"] >= 40 * found["sweeps"]


@pytest.mark.slow
def test_a_sweep_ends_with_its_table_where_a_host_is_cut_off(tmp_path: Path) -> None:
    found = counts("hosts", tmp_path, "--runs", "60", "--run-s", "0.2", "--cut", "5")
    if why := [name for name in found if name.startswith("not tried")]:
        pytest.skip(why[0])
    assert found["for a while: measured"] >= 60
    assert found["for good: measured"] >= 60


@pytest.mark.slow
def test_commands_of_which_much_is_kept_are_killed_too(tmp_path: Path) -> None:
    found = counts("kills", tmp_path, "--kills", "12", "--commands", "stdp,compare,study,audit")
    assert sum(n for name, n in found.items() if "killed" in name) == 12


@pytest.mark.slow
def test_every_kind_of_input_as_a_user_gives_it(tmp_path: Path) -> None:
    found = counts("inputs", tmp_path, "--inputs", "0", "--real", "40")
    assert sum(n for name, n in found.items() if name.startswith("real ")) >= 12
