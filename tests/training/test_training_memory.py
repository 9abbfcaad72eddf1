"""What training takes of memory is told before it begins, and refused where it is too much."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spikelearn._errors import SpikelearnError
from spikelearn.cli import app
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.memory import needed_parts
from spikelearn.training.stdp_training import train_stdp
from spikelearn.training.trainable import check_trainable

SMALL = {"model": "mlp_64", "rule": "backprop", "dataset": "digits"}
HUGE: dict[str, tuple[dict[str, Any], str]] = {
    "layers": ({**SMALL, "changes": {"sizes": [64, 10**9, 10**9, 10]}}, "1e.18 weights"),
    "kernel": ({"model": "cnn_28", "rule": "backprop", "changes": {"kernel_size": 10**6 + 1}},
               "weights"),
    "batch": ({**SMALL, "batch_size": 10**12}, "units in batches of 1,000,000,000,000"),
    "steps": ({"model": "snn_784", "rule": "surrogate", "changes": {"duration_ms": 1e10}},
              "10,000,000,000 steps"),
}  # fmt: skip


@pytest.mark.parametrize("name", HUGE)
def test_what_no_memory_holds_is_refused_before_anything_is_built(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 16e9)
    given, what = HUGE[name]
    config = TrainConfig(**given)
    for start in (lambda: train(config), lambda: check_trainable(config)):
        with pytest.raises(SpikelearnError, match=what) as raised:
            start()
        assert "16.0 GB are free" in str(raised.value)


def test_a_layer_that_stdp_would_train_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 16e9)
    config = STDPConfig(source="embedded", n_neurons=10**8)
    for start in (lambda: train_stdp(config), lambda: check_trainable(config)):
        with pytest.raises(SpikelearnError, match=r"would need about .* synapses, but 16\.0 GB"):
            start()


def test_the_command_line_tells_it_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 16e9)
    ended = CliRunner().invoke(app, [
        "train", "mlp_64", "--rule", "backprop", "--dataset", "digits", "--out", str(tmp_path),
        "--set", "network.sizes=[64, 1000000000, 1000000000, 10]",
    ])  # fmt: skip
    assert ended.exit_code == 1
    (line,) = [x for x in ended.output.splitlines() if x.startswith("Error")]
    assert "training 'mlp_64' by backprop would need about" in line
    assert not list(tmp_path.iterdir())


PROGRAM = """
import gc, json, sys, warnings
import spikelearn as sl
warnings.simplefilter("ignore")
def status(name):
    return int(open("/proc/self/status").read().split(name + ":")[1].split()[0]) * 1024
def config(**changes):
    return sl.TrainConfig(**{**json.loads(sys.argv[1]), **changes})
sl.train(config(n_train=40, changes=None))
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
sl.train(config())
print(status("VmHWM") - before)
"""
MEASURED: dict[str, dict[str, Any]] = {
    "weights": {"model": "mlp_784", "rule": "feedback_alignment", "dataset": "mnist",
                "source": "embedded", "epochs": 1, "n_train": 100,
                "changes": {"sizes": [784, 6000, 2000, 10]}},
    "units": {"model": "cnn_28", "rule": "backprop", "dataset": "mnist", "source": "embedded",
              "epochs": 1, "n_train": 1000, "batch_size": 200, "changes": {"channels": [64, 32]}},
    "steps": {"model": "snn_784", "rule": "surrogate", "dataset": "mnist", "source": "embedded",
              "epochs": 1, "n_train": 300, "changes": {"duration_ms": 100.0}},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")
@pytest.mark.parametrize("name", MEASURED)
def test_training_takes_about_what_is_told(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(MEASURED[name])],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    took = int(ended.stdout)
    config = TrainConfig(**MEASURED[name])
    told = sum(part.n_bytes for part in needed_parts(config, (config.n_train or 0) + 1000))
    assert took > 1e8
    assert took / 2 < told < 2 * took, needed_parts(config)
