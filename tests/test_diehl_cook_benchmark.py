"""The benchmark of digits tells each engine's time beside Brian2's best, and whether they agree."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import diehl_cook


def found(ms: float, weight: float = 0.5, last_ms: float = 2.0) -> dict:
    arrays = {"times": np.array([1.0, 1.0, last_ms]), "senders": np.array([3, 1, 2])}
    seconds = {"per_digit_s": [ms / 1e3] * 3, "spikes": 40, "digits": 20}
    return {**seconds, **arrays, "weights": np.array([weight])}


def test_times_stand_beside_the_best_of_brian2_in_the_same_run():
    lines = diehl_cook.table(
        400,
        {
            "native_1": found(1.2),
            "native_2": found(1.0),
            "brian2_backend": found(200.0, 0.5 + 1e-12),
            "brian2_standalone": found(8.0),
            "brian2_openmp": found(6.0),
        },
    )
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    own = rows[diehl_cook.WORDS["native_1"]]
    assert "| 1.20 | 0.200 | at most 0.167 of Brian2's best | 2.0 | 20 |" in own
    assert "| 8.00 | 1.333 |" in rows[diehl_cook.WORDS["brian2_standalone"]]
    assert "native_1 and native_2: the same spikes (3), weights at most 0.0e+00 apart.  " in lines
    assert any(line.startswith("native_1 and brian2_backend: the same spikes") for line in lines)


@pytest.mark.parametrize("other", [found(1.0, weight=0.5 + 1e-15), found(1.0, last_ms=2.5)])
def test_a_difference_between_threads_is_told(other):
    told = diehl_cook.comparison({"native_1": found(1.0), "native_2": other}, "native_1",
                                 "native_2", 0.0)  # fmt: skip
    assert "DIFFERENT results" in told


@pytest.mark.parametrize("neurons", diehl_cook.SIZES)
def test_what_is_wanted_is_asked_of_engines_that_are_measured(neurons):
    size = diehl_cook.SIZES[neurons]
    assert set(size.wanted) <= set(size.names) <= set(diehl_cook.WORDS)
    assert set(diehl_cook.BRIAN2) <= set(diehl_cook.PEERS)
