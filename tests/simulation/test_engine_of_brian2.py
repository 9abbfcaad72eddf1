"""Brian2 runs many trials side by side, and too many of them one part after another."""

from __future__ import annotations

import numpy as np
import pytest
from random_networks import make_case
from test_backends_agree import BRIAN2_CASES, assert_equal

from spikelearn.simulation import simulate
from spikelearn.simulation.brian2 import engine


def test_trials_split_over_several_brian2_runs_give_the_same_spikes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = make_case(BRIAN2_CASES["adaptive_with_background"])
    monkeypatch.setattr(engine, "_SYNAPSES_PER_RUN", 1)
    assert_equal(case.run("brian2"), case.reference(), case)


def test_progress_is_of_all_trials_and_never_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_SYNAPSES_PER_RUN", 1)
    told: list[float] = []
    case = make_case(BRIAN2_CASES["feed_forward"])
    simulate(
        case.network, case.stimulus, case.n_steps * case.dt_ms, case.dt_ms, "brian2:numpy",
        progress=told.append,
    )  # fmt: skip
    assert len(told) > case.stimulus.n_trials
    assert (np.diff(told) >= 0).all()
    assert (told[0], told[-1]) == (0.0, 1.0)
