"""Diehl and Cook's network as the peers' users write it, in their own words.

Each function takes spike trains of digits, a list of (times in ms, pixels), shows them one after
another while the network learns, and gives the seconds of each run, without building, and the
spikes of the excitatory neurons.

BindsNET 0.3.4 is timed where it is found; it asks for packages that its network does not need, for
which stand-ins that hold nothing are given:

    pip install --no-deps --target peers bindsnet==0.3.4
    python benchmarks/diehl_cook.py --peers peers
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import shutil
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import numpy as np

Digits = list[tuple[np.ndarray, np.ndarray]]
PRESENT_MS, PERIOD_MS, DT_MS = 350.0, 500.0, 0.5


def _network(b2: Any, n: int, weights: np.ndarray) -> dict[str, Any]:
    """The network in Brian2, by the equations and constants of the authors' code."""
    ms, mV = b2.ms, b2.mV
    b2.defaultclock.dt = DT_MS * ms
    excitatory = b2.NeuronGroup(
        n,
        """dv/dt = ((-65*mV - v) + ge*(0*mV - v) + gi*(-100*mV - v)) / (100*ms) : volt
                                                                        (unless refractory)
           dge/dt = -ge / (1*ms) : 1
           dgi/dt = -gi / (2*ms) : 1
           dtheta/dt = -theta / (1e7*ms) : volt""",
        threshold="v > theta - 72*mV", reset="v = -65*mV\ntheta += 0.05*mV", refractory=5 * ms,
        method="exponential_euler",
    )  # fmt: skip
    inhibitory = b2.NeuronGroup(
        n,
        """dv/dt = ((-60*mV - v) + ge*(0*mV - v)) / (10*ms) : volt (unless refractory)
           dge/dt = -ge / (1*ms) : 1""",
        threshold="v > -40*mV", reset="v = -45*mV", refractory=2 * ms,
        method="exponential_euler",
    )  # fmt: skip
    excitatory.v, excitatory.theta, inhibitory.v = -65 * mV, 20 * mV, -60 * mV
    source = b2.SpikeGeneratorGroup(784, [], [] * ms)
    plastic = b2.Synapses(
        source, excitatory,
        """w : 1
           dx/dt = -x / (20*ms) : 1 (event-driven)""",
        on_pre="ge_post += w\nx = 1", on_post="w = clip(w + 0.01*x, 0, 1)",
    )  # fmt: skip
    plastic.connect()
    plastic.w = weights.ravel()
    there = b2.Synapses(excitatory, inhibitory, on_pre="ge_post += 10.4")
    there.connect(j="i")
    back = b2.Synapses(inhibitory, excitatory, on_pre="gi_post += 17.4")
    back.connect(condition="i != j")
    monitor = b2.SpikeMonitor(excitatory)
    objects = [excitatory, inhibitory, source, plastic, there, back, monitor]
    return {"net": b2.Network(*objects), "source": source, "plastic": plastic, "monitor": monitor}


def _input(digits: Digits) -> tuple[np.ndarray, np.ndarray]:
    times = np.concatenate([t + i * PERIOD_MS for i, (t, _) in enumerate(digits)])
    return times, np.concatenate([pixels for _, pixels in digits])


def brian2_cython(digits: Digits, weights: np.ndarray, repeats: int) -> dict[str, Any]:
    """As users write it: Brian2's default target, a run for each digit, normalised in between."""
    import brian2 as b2

    b2.prefs.codegen.target = "cython"
    made = _network(b2, weights.shape[1], weights)
    made["net"].run(0 * b2.ms)
    seconds = []
    for index, (times, pixels) in enumerate(digits):
        start = time.perf_counter()
        made["source"].set_spikes(pixels, (times + index * PERIOD_MS) * b2.ms)
        matrix = np.array(made["plastic"].w).reshape(weights.shape)
        made["plastic"].w = (matrix * (78.0 / matrix.sum(0))).ravel()
        made["net"].run(PERIOD_MS * b2.ms)
        seconds.append(time.perf_counter() - start)
    # The first runs compile.
    return {"per_digit_s": seconds[2:], "spikes": int(made["monitor"].num_spikes)}


def brian2_standalone(
    digits: Digits, weights: np.ndarray, repeats: int, threads: int = 0
) -> dict[str, Any]:
    """C++ standalone, all digits in one run, without normalisation (its scripts have no place).

    Built once with the highest optimisation; the main loop is timed by itself.

    Parameters
    ----------
    digits : list of (times in ms, pixels)
    weights : array of shape (784, neurons)
    repeats : int
    threads : int
        Of OpenMP; without it where 0.
    """
    import brian2 as b2

    folder = tempfile.mkdtemp()
    b2.prefs.devices.cpp_standalone.openmp_threads = threads
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    made = _network(b2, weights.shape[1], weights)
    times, pixels = _input(digits)
    made["source"].set_spikes(pixels, times * b2.ms)
    made["net"].run(len(digits) * PERIOD_MS * b2.ms)
    b2.device.build(directory=folder, compile=True, run=True, debug=False)
    seconds = [float(b2.device._last_run_time) / len(digits)]
    for _ in range(repeats - 1):
        b2.device.run(folder, with_output=False, run_args=[])
        seconds.append(float(b2.device._last_run_time) / len(digits))
    found = {"per_digit_s": seconds, "spikes": int(made["monitor"].num_spikes)}
    shutil.rmtree(folder)
    return found


def brian2_openmp(digits: Digits, weights: np.ndarray, repeats: int) -> dict[str, Any]:
    """The same on two threads."""
    return brian2_standalone(digits, weights, min(repeats, 3), threads=2)


def bindsnet(digits: Digits, weights: np.ndarray, repeats: int) -> dict[str, Any]:
    """BindsNET's own DiehlAndCook2015, a digit at a time, at the same time step."""
    import torch

    sys.meta_path.insert(0, _StandIns())
    from bindsnet.models import DiehlAndCook2015

    torch.set_num_threads(1)
    network = DiehlAndCook2015(
        n_inpt=784, n_neurons=weights.shape[1], exc=22.5, inh=17.5, dt=DT_MS, norm=78.4,
        theta_plus=0.05, inpt_shape=(1, 28, 28),
    )  # fmt: skip
    seconds = []
    for times, pixels in digits[: max(3, repeats)]:
        shown = torch.zeros(round(PRESENT_MS / DT_MS), 784, dtype=torch.uint8)
        shown[np.rint(times / DT_MS).astype(int), pixels] = 1
        start = time.perf_counter()
        network.run({"X": shown.reshape(-1, 1, 1, 28, 28)}, time=int(PRESENT_MS))
        network.reset_state_variables()
        seconds.append(time.perf_counter() - start)
    return {"per_digit_s": seconds[1:], "spikes": None}


class _Nothing(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name[0].islower():
            module = _Nothing(name)
            module.__path__ = []  # type: ignore[attr-defined]
            return module
        return type(name, (), {})


class _StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules that hold nothing, for packages that BindsNET imports and this network never asks."""

    names = frozenset({"torchvision", "cv2", "gym", "gymnasium", "tensorboardX", "ale_py"})

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.split(".", maxsplit=1)[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        return _Nothing(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__path__ = []  # type: ignore[attr-defined]


def available(name: str, peers: Path | None) -> bool:
    """Whether a peer is there to be timed."""
    if name != "bindsnet":
        return True
    return peers is not None and (peers / "bindsnet").is_dir()


PEERS = {
    "brian2_cython": brian2_cython,
    "brian2_standalone": brian2_standalone,
    "brian2_openmp": brian2_openmp,
    "bindsnet": bindsnet,
}
