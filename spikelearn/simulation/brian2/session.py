"""What every target of Brian2 is and shares: preferences that are put back, the C++ compiler."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from spikelearn._brian2 import import_brian2
from spikelearn._errors import SpikelearnError
from spikelearn.simulation.grid.network import GridNetwork, Synapses

SCHEDULE = ["start", "groups", "synapses", "thresholds", "resets", "end"]


class Session(Protocol):
    """Brian2 prepared for one run on a target: what the targets do differently.

    `b2` is the module brian2.
    """

    b2: Any

    def normaliser(self, synapses: Synapses, made: Any, grid: GridNetwork) -> Any:
        """Make an object that scales the weights onto each target to the rule's sum.

        Parameters
        ----------
        synapses : Synapses
            The projection; its rule says the sum, and after how many steps it is restored.
        made : brian2.Synapses
            The same in Brian2, with the weights `w`.
        grid : GridNetwork
            The network that they belong to.
        """

    def inputs(
        self, grid: GridNetwork, groups: dict[str, Any], first: int, last: int, clock: Any
    ) -> list[Any]:
        """Make the objects that hand in stimulus currents and background spikes.

        Parameters
        ----------
        grid : GridNetwork
            The network, which draws them step by step.
        groups : dict
            Brian2's groups by population.
        first, last : int
            The trials first to last - 1 are what is run.
        clock : brian2.Clock
            Of the grid.
        """

    def recorder(
        self, group: Any, indices: np.ndarray, every: int, clock: Any, name: str
    ) -> tuple[Any, Callable[[], np.ndarray]]:
        """Make an object that records potentials at the end of every so many steps.

        Parameters
        ----------
        group : brian2.Group
            Of the neurons.
        indices : array of int
            Which of them.
        every : int
            Steps from one record to the next; the first is that of step 0.
        clock : brian2.Clock
            Of the grid.
        name : str
            Of the object.

        Returns
        -------
        object
            What is part of the network.
        callable
            Gives after the run what was recorded, of shape (n_times, n_indices).
        """

    def simulate(
        self, network: Any, grid: GridNetwork, progress: Callable[[float], None]
    ) -> int | None:
        """Run.

        Parameters
        ----------
        network : brian2.Network
            All objects.
        grid : GridNetwork
            The same network, which says for how many steps.
        progress : callable
            Called with the fraction done.

        Returns
        -------
        int or None
            How many steps there are of a run that was interrupted; None of a whole one.
        """


def monitored(
    b2: Any, group: Any, indices: np.ndarray, clock: Any, name: str
) -> tuple[Any, Callable[[], np.ndarray]]:
    """A monitor of potentials at the end of each step of a clock, and what it holds.

    Parameters
    ----------
    b2 : module
    group, indices, clock, name
        As `Session.recorder` has them.
    """
    record = True if indices.size == len(group) else indices
    monitor = b2.StateMonitor(group, "v", record=record, clock=clock, when="end", name=name)
    return monitor, lambda: np.asarray(monitor.v).reshape(indices.size, -1).T


@contextlib.contextmanager
def brian2_with(preferences: dict[str, Any]) -> Iterator[Any]:
    """Brian2 with the preferences of a run, which are put back afterwards."""
    with warnings.catch_warnings():
        # Brian2 calls its parser by names that the parser has since replaced.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        brian2 = import_brian2()
        prefs = brian2.prefs
        chosen = {"core.network.default_schedule": SCHEDULE, **preferences}
        before = {key: prefs[key] for key in chosen}
        try:
            for key, value in chosen.items():
                prefs[key] = value
            yield brian2
        finally:
            for key, value in before.items():
                prefs[key] = value


@functools.cache
def compiler() -> str | None:
    """Path of the C++ compiler: what CXX names, or the first of c++, g++ and clang++."""
    chosen = os.environ.get("CXX")
    names = [chosen] if chosen else ["c++", "g++", "clang++"]
    return next((path for name in names if (path := shutil.which(name))), None)


def no_compiler(target: str) -> SpikelearnError:
    """What to say where a compiler was asked for by name and there is none."""
    return SpikelearnError(
        f"Brian2's {target} target needs a C++ compiler that works, and none was found (c++, g++,"
        " clang++, or what the environment variable CXX names); install one, or use brian2:numpy"
    )


@functools.cache
def compiler_flags() -> tuple[str, ...]:
    """Flags under which compiled arithmetic rounds as NumPy's does: no fast-math, no fused sums."""
    flags: tuple[str, ...] = ("-w", "-O3", "-ffp-contract=off", "-std=c++11")
    # What these give up changes no value (but the sign of a zero); without, no loop is vectorised.
    flags += ("-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros")
    path = compiler()
    if path is None:
        return flags
    probe = [path, "-march=native", "-x", "c++", "-E", os.devnull]
    done = subprocess.run(probe, capture_output=True, check=False)  # noqa: S603 - the compiler
    return flags if done.returncode else (*flags, "-march=native")


@functools.cache
def machine() -> str:
    """A digest of what compiled code is for: the compiler with its flags, and the processor."""
    path = compiler()
    version = ""
    if path is not None:
        asked = [path, "--version"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
        version = said.stdout
    described = (version, compiler_flags(), platform.platform(), _processor())
    return hashlib.sha256(repr(described).encode()).hexdigest()[:16]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
