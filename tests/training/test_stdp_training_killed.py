"""Training by STDP is killed without warning, and goes on to the very same weights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spikelearn._atomic import _host
from spikelearn.training import STDPConfig, open_stdp_run, train_stdp
from spikelearn.training.stdp_training import STDPRun

CONFIG = STDPConfig(
    source="embedded", n_train=32, n_label=20, n_test=20, chunk=4, min_spikes=3, epochs=2
)
PROGRAM = f"""
import os, signal, threading
from spikelearn.training import STDPConfig, train_stdp
config = STDPConfig(**{CONFIG.model_dump()!r})
left = AFTER
def say(part, words):
    global left
    left -= words.startswith("image")
    if left == 0:  # from here on it has FURTHER seconds
        threading.Timer(FURTHER, os.kill, (os.getpid(), signal.SIGKILL)).start()
train_stdp(config, "RUNS", say, checkpoint_every_s=0.0)
"""


@pytest.fixture(scope="module")
def undisturbed() -> STDPRun:
    return train_stdp(CONFIG)


def run_and_kill(runs: Path, after_chunks: int, further_s: float) -> bool:
    """Whether it was killed before it had ended: some time after so many chunks have been told.

    It kills itself, so that it is as far then on a busy machine.
    """
    program = PROGRAM.replace("RUNS", runs.as_posix())
    program = program.replace("AFTER", str(after_chunks)).replace("FURTHER", str(further_s))
    child = subprocess.run([sys.executable, "-c", program], check=False)
    return child.returncode == -signal.SIGKILL


def check(runs: Path, undisturbed: STDPRun, n_kills: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # As if a kill had come in the midst of writing a checkpoint.
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    name = f"..{CONFIG.run_name()}.checkpoint.tmp-{_host()}-{dead}-half"
    (runs / name).mkdir()
    killed = 0
    for _ in range(n_kills):
        killed += run_and_kill(runs, int(rng.integers(1, 4)), float(rng.uniform(0.0, 0.05)))
        # Nothing half-written passes for a run, nor stops the next one.
        assert killed or len(list(runs.glob("[!.]*"))) == 1
    resumed = train_stdp(CONFIG, runs)
    assert killed
    for mine, theirs in zip(
        resumed.network.projections, undisturbed.network.projections, strict=True
    ):
        np.testing.assert_array_equal(mine.weight_mv, theirs.weight_mv)
    np.testing.assert_array_equal(resumed.labels, undisturbed.labels)
    assert resumed.summary == pytest.approx(undisturbed.summary, nan_ok=True)
    assert resumed.folder is not None
    np.testing.assert_array_equal(open_stdp_run(resumed.folder).labels, undisturbed.labels)
    assert len(list(runs.iterdir())) == 1  # no checkpoint is left


@pytest.mark.skipif(os.name != "posix", reason="needs a signal that cannot be caught")
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, undisturbed: STDPRun) -> None:
    check(tmp_path, undisturbed, 2, seed=0)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a signal that cannot be caught")
@pytest.mark.parametrize("seed", range(1, 6))
def test_runs_killed_at_twenty_moments_go_on_to_the_same_weights(
    seed: int, tmp_path: Path, undisturbed: STDPRun
) -> None:
    check(tmp_path, undisturbed, 4, seed)
