"""Runs that take their process with them, never end, or fail as nothing should: one row each."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from started_commands import local_workers

import spikelearn as sl
from spikelearn import _workers
from spikelearn.sweeps.running import Compute
from spikelearn.sweeps.simulated import SimulatedRuns
from spikelearn.sweeps.table import VARYING
from spikelearn.sweeps.trained import TrainedRuns

# What a measure does at a seed; it measures as it should at all others.
OWN = """
import ctypes, os, sys

class Odd(Exception):
    def __init__(self, one, other):
        super().__init__(one, other)
        self.lock = __import__("threading").Lock()

def deep():
    return deep()

def odd(activity):
    seed = activity.provenance["seed"]
    if seed in (0, 20):
        return 1
    {kinds}[seed]()
    return 2
"""
FAILING = {
    1: ("lambda: sys.exit(3)", "SystemExit: 3"),
    2: ("deep", "RecursionError"),
    3: ("lambda: bytearray(2**62)", "MemoryError"),
    4: ("lambda: (_ for _ in ()).throw(Odd(1, 2))", "Odd: "),
    5: ("lambda: (_ for _ in ()).throw(GeneratorExit)", "GeneratorExit"),
}
ENDING = {
    6: ("lambda: os._exit(7)", "workers died one after another"),
    7: ("lambda: ctypes.string_at(0)", "workers died one after another"),
    8: ("lambda: (_ for _ in ()).throw(KeyboardInterrupt)", "KeyboardInterrupt"),
}


def described(folder: Path, kinds: dict[int, tuple[str, str]]) -> dict[str, object]:
    """A sweep of a small network, with a seed for each kind, and two more."""
    body = ", ".join(f"{seed}: {code}" for seed, (code, _) in kinds.items())
    (folder / "odd.py").write_text(OWN.replace("{kinds}", f"{{{body}}}"))
    return {
        "simulate": {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 10},
        "vary": {"populations.neuron.tau_m_ms": [10]},
        "measures": ["rate_hz", f"{folder / 'odd.py'}:odd"],
        "seeds": [0, *kinds, 20],
    }


def check(result: sl.SweepResult, kinds: dict[int, tuple[str, str]]) -> None:
    table = result.table.set_index("seed")
    for seed, (_, words) in kinds.items():
        assert words in table.loc[seed, "failed"]
        assert "\n" not in table.loc[seed, "failed"]
    assert list(table.loc[[0, 20], "odd"]) == [1, 1]
    assert (result.n_computed, result.n_failed) == (2, len(kinds))


def test_whatever_a_measure_raises_is_a_row_and_stops_no_other(tmp_path):
    fields = described(tmp_path, FAILING)
    check(sl.sweep(fields, tmp_path / "runs"), FAILING)
    told: list[str] = []
    sl.sweep(fields, tmp_path / "runs", tell=told.append)
    assert f"{len(FAILING)} failed an earlier time" in told[0]


def test_a_value_that_is_refused_only_when_it_runs_stops_no_other():
    paths = {"simulate.duration_ms": [1e12, 10], "populations.neuron.size": [1, 10**12]}
    result = sl.sweep(
        {
            "simulate": {"model": "lif_neuron", "stimulus": "step_current"},
            "vary": paths, "measures": ["rate_hz"],
        }
    )  # fmt: skip
    table = result.table
    assert list(table["failed"] == "") == [False, False, True, False]
    assert not any("\n" in sentence or "Traceback" in sentence for sentence in table["failed"])


def test_an_interrupt_from_outside_is_none_of_a_measure(tmp_path):
    fields = described(tmp_path, {8: ENDING[8]})
    with pytest.raises(KeyboardInterrupt):
        sl.sweep(fields, tmp_path / "runs")


def test_what_a_full_disk_or_missing_data_failed_is_tried_again_unasked(tmp_path):
    flag = tmp_path / "full"
    (tmp_path / "own_full.py").write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from spikelearn._atomic import WriteError
        def size(activity):
            if Path({str(flag)!r}).exists():
                raise WriteError("cannot write it: there is no room left on its disk")
            return 5
        """)
    )
    fields = described(tmp_path, {})
    fields |= {"measures": [f"{tmp_path / 'own_full.py'}:size"], "seeds": [0]}
    flag.touch()
    assert sl.sweep(fields, tmp_path / "runs").n_failed == 1
    flag.unlink()
    assert sl.sweep(fields, tmp_path / "runs").n_computed == 1
    assert sl.sweep(fields, tmp_path / "runs").n_computed == 0


def test_a_failure_takes_no_result_away_that_was_found_before(tmp_path, monkeypatch):
    fields = described(tmp_path, {}) | {"measures": ["rate_hz"], "seeds": [0]}
    first = sl.sweep(fields, tmp_path / "runs").table

    def fails(*given):
        raise sl.SpikelearnError("too large")

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedRuns, "result", fails)
        more = sl.sweep({**fields, "measures": ["synchrony"]}, tmp_path / "runs")
        assert list(more.table["failed"]) == ["too large"]
        assert sl.sweep(fields, tmp_path / "runs", again=True).n_failed == 1
    last = sl.sweep(fields, tmp_path / "runs")
    assert (last.n_computed, last.n_failed) == (0, 0)
    assert last.table.equals(first)


@pytest.mark.parametrize("trains", [False, True])
def test_a_worker_whose_files_are_others_than_here_computes_nothing(tmp_path, trains):
    file = tmp_path / "own_there.py"
    file.write_text("def one(measured):\n    return 1.0\n")
    fields = described(tmp_path, {}) | {"measures": [f"{file}:one"], "seeds": [0]}
    if trains:
        del fields["simulate"]
        recipe = sl.TrainConfig(model="mlp_64", rule="backprop", dataset="digits", n_train=200)
        fields |= {"train": {"recipe": recipe}, "vary": {"epochs": [1]}}
    sweep = sl.Sweep(name="there", **fields)
    runs = TrainedRuns(sweep) if trains else SimulatedRuns(sweep)
    changes = {"epochs": 1} if trains else {"populations.neuron.tau_m_ms": 10}
    key = runs.key(changes, 0)
    there = Compute(copy.deepcopy(runs), own=False)
    assert runs.is_same_here(changes, 0, key)
    file.write_text("def one(measured):\n    return 2.0\n")
    outcome = there((key, changes, 0), tmp_path)
    assert outcome["passing"]
    assert "are others than where it was asked for" in outcome["failed"]
    assert not runs.is_same_here(changes, 0, key)
    if trains:
        assert not runs.is_same_here({"epochs": 2}, 0, key)


@pytest.mark.slow
def test_runs_that_end_their_process_are_rows_and_stop_no_other(tmp_path):
    fields = described(tmp_path, ENDING)
    check(sl.sweep(fields, tmp_path / "runs", workers=2), ENDING)


@pytest.mark.slow
def test_what_a_stopped_worker_had_is_computed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(_workers, "HUNG_S", 5)
    fields = described(tmp_path, {})
    fields |= {"seeds": list(range(20, 100)), "measures": ["rate_hz"]}
    stopped: list[psutil.Process] = []

    def stop(fraction: float, words: str) -> None:
        if words.startswith("1 of") and not stopped:
            stopped.append(local_workers()[0])
            stopped[0].suspend()

    result = sl.sweep(fields, tmp_path / "runs", workers=2, progress=stop)
    assert stopped
    assert result.n_failed == 0
    alone = sl.sweep(fields)
    drop = list(VARYING)
    assert result.table.drop(columns=drop).equals(alone.table.drop(columns=drop))
    assert not stopped[0].is_running()


COMMAND = """
import sys
import spikelearn as sl
if __name__ == "__main__":
    tell = lambda fraction, words: print(words, flush=True)
    sl.sweep("sweep.yaml", "runs", workers=2, progress=tell)
"""
SLOW = """
name: slow
simulate: {{model: lif_neuron, stimulus: step_current, duration_ms: 10}}
vary: {{populations.neuron.tau_m_ms: [10]}}
seeds: {seeds}
measures: [slow.py:slow]
"""


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them_and_nothing_stays(tmp_path):
    (tmp_path / "command.py").write_text(COMMAND)
    (tmp_path / "slow.py").write_text(
        "import time\ndef slow(a):\n    time.sleep(0.2)\n    return 1"
    )
    (tmp_path / "sweep.yaml").write_text(SLOW.format(seeds=list(range(40))))
    paths = os.pathsep.join(filter(None, sys.path))
    told = {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "command.py"], cwd=tmp_path, env=told, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    first = start()
    assert first.stdout is not None
    for line in first.stdout:
        if line.startswith("8 of 40"):
            break
    below = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    assert len(below) >= 2
    _, left = psutil.wait_procs(below, timeout=60)
    assert left == []
    assert list(tmp_path.glob(".workers*"))  # nobody was left to remove it
    said, wrong = start().communicate()
    assert "of 32" in said or "of 3" in said, wrong
    assert [p for p in tmp_path.rglob(".*") if "__pycache__" not in p.parts] == []
