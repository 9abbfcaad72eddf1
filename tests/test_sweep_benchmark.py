"""The benchmark of sweeps: what it measures of itself, and the table of all that was measured."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from spikelearn.studies.study import Study

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        spec = importlib.util.spec_from_file_location(
            "benchmark_of_sweeps", BENCHMARKS / "sweep.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
        sys.modules.pop("whole_runs", None)


def test_parts_are_measured_and_told(benchmark, tmp_path):
    found = {"overhead": benchmark.overhead(4), "memory": {"peaks_mb": {}, "bytes_a_run": 7}}
    about = benchmark.peak(5, tmp_path / "five")
    assert set(about["held_mb"]) == set(range(1, 6))
    assert benchmark.peak(5, tmp_path / "five")["held_mb"] == about["held_mb"]  # and all is read
    assert Study(**benchmark.described_study(1000)).n_train == 1000
    assert about["peak_mb"] > 0.95 * max(about["held_mb"].values())  # the kernel counts roughly
    found["memory"] |= {"held_mb": about["held_mb"], "peaks_mb": {5: about["peak_mb"]}}
    found["workers"] = {"what": "two", **benchmark.compared([4.0, 2.2], True)}
    found["study"] = {"what": "all", **benchmark.compared([4.0, 2.2], False)}
    text = benchmark.told({name: {**one, "made": ["Command: x  "]} for name, one in found.items()})
    assert "a sweep of 4 runs" in text
    assert "2.2 of 4.0 s: 0.55; the same tables | at most 0.58 |" in text
    assert "0.55; OTHER TABLES | at most 0.6 |" in text
    assert "| 7 bytes a run |" in text
    assert "study: Command: x" in text
    benchmark.draw(found["memory"], tmp_path)
    assert (tmp_path / "sweep.png").stat().st_size > 1000
    assert benchmark.told({}).count("|") == 8
