"""What is told of a simulation's memory before it begins is what it takes, within a factor of two.

Measured in a process of its own each: how much more of the memory it held at its peak than before
it drew anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")

PROGRAM = """
import gc, json, sys, warnings
import spikelearn as sl
from spikelearn.simulation.memory import Run, needed_parts
warnings.simplefilter("ignore")
asked = json.loads(sys.argv[1])
def network(scale):
    made = sl.load_model(asked["model"]) if asked["model"] else None
    if made is None:
        made = sl.SpikingNetwork(**asked["network"])
    if asked.get("size"):
        made = made.changed({f"populations.{n}.size": s for n, s in asked["size"].items()})
    return made.scaled(asked["share"] * scale) if asked.get("share") else made
def shown(made, duration):
    if not made.sources and asked["trials"] == 1:
        return None
    if not made.sources:
        return sl.Stimulus(labels=[str(i) for i in range(asked["trials"])])
    protocol = sl.load_protocol("poisson").changed({"n_trials": asked["trials"]})
    return sl.stimulus_for(made, protocol, duration, made.dt_ms or 0.1)
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
def now():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0]) * 1024
def run(made, duration, record):
    step = made.dt_ms or 0.1
    stimulus = shown(made, duration)
    gc.collect()
    open("/proc/self/clear_refs", "w").write("5")
    before = now()
    sl.simulate(made, stimulus, duration, step, asked["backend"], record=record)
    told = needed_parts(Run(made, asked["backend"], 1 if stimulus is None else stimulus.n_trials,
                            round(duration / step), step, tuple(record), stimulus=stimulus))
    return peak() - before, told
run(network(0.1), 1.0, [])  # compiles and imports
took, told = run(network(1), asked["duration"], asked.get("record", []))
print(json.dumps([took, sum(p.n_bytes for p in told), {p.what: p.n_bytes for p in told}]))
"""
LIF = {"model": "lif", "v_threshold_mv": 1.0}


def measured(**asked: Any) -> tuple[float, float, dict[str, float]]:
    asked = {"model": None, "trials": 1, "backend": "native", **asked}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(asked)],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    took, told, parts = json.loads(ended.stdout.splitlines()[-1])
    return took, told, parts


def one(population: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "one", "populations": {"n": population}, **fields}


CASES: dict[str, dict[str, Any]] = {
    "brunel": {"model": "brunel2000", "duration": 5.0},
    "brunel_half": {"model": "brunel2000", "duration": 5.0, "size": {
        "excitatory": 5000, "inhibitory": 1250}},
    "learning_pairs": {"model": "diehl_cook2015", "duration": 5.0, "size": {
        "excitatory": 3200, "inhibitory": 3200}},
    "potjans": {"model": "potjans_diesmann2014", "share": 0.1, "duration": 5.0},
    "many_neurons": {"network": one({**LIF, "size": 2_000_000}), "duration": 1.0},
    "sloped": {"network": one({"model": "izhikevich", "size": 500_000}), "duration": 1.0},
    "potentials": {"network": one({**LIF, "size": 500}), "duration": 5000.0, "record": ["n"]},
    "trials": {"network": one({**LIF, "size": 10}), "duration": 1.0, "trials": 100_000},
    "ring": {
        "network": one({**LIF, "size": 50_000}, projections=[{
            "source": "n", "target": "n", "weight_mv": 0.1, "delay_ms": 40.0,
            "connectivity": {"kind": "one_to_one"}}]),
        "duration": 50.0,
    },
    "torch": {"network": one({**LIF, "size": 2000}, projections=[{
        "source": "n", "target": "n", "weight_mv": 0.0, "delay_ms": 1.0}]),
        "duration": 5.0, "backend": "snntorch", "trials": 20},
    "torch_sparse": {"model": "brunel2000", "duration": 2.0, "backend": "norse"},
    "brian2": {"model": "potjans_diesmann2014", "share": 0.04, "duration": 2.0,
               "backend": "brian2:numpy"},
    "nest": {"model": "potjans_diesmann2014", "share": 0.05, "duration": 2.0, "backend": "nest"},
    "convolution": {
        "network": {
            "name": "convolved",
            "populations": {"a": {**LIF, "size": 16_384}, "b": {**LIF, "size": 4 * 15_376}},
            "projections": [{
                "source": "a", "target": "b", "weight_mv": 0.1, "delay_ms": 1.0, "connectivity": {
                    "kind": "convolution", "input_shape": [1, 128, 128], "channels": 4,
                    "kernel_size": 5}}],
        },
        "duration": 2.0,
    },
    "shown": {
        "network": {"name": "shown", "populations": {
            "in": {"model": "spike_source", "size": 1000}, "n": {**LIF, "size": 10}},
            "projections": [{"source": "in", "target": "n", "weight_mv": 0.0}]},
        "duration": 20_000.0, "trials": 5,
    },
}  # fmt: skip
QUICK = ("many_neurons",)


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_a_simulation_takes_what_was_told_of_it(name: str) -> None:
    took, told, parts = measured(**CASES[name])
    assert took > 3e7, "too little to be told from what a process takes anyway"
    assert 0.5 * took < told < 2.0 * took, parts
