"""Simulation on Brian2 (Stimberg, Brette & Goodman 2019, doi:10.7554/eLife.47314).

Trials are replicas of the network side by side in one Brian2 network, so that a batch of stimuli
is one run. There are three targets, which give the same spikes:

brian2:numpy
    Needs no compiler, and short runs are over before one is done.
brian2:cython
    Each piece of code is compiled on its own, and kept: most of a minute for the first run of a
    network, and a third of NumPy's time from then on.
brian2:standalone
    A C++ program, compiled in some ten seconds for the first run of a network's structure and kept
    in the user's cache folder (or SPIKELEARN_CACHE): other seeds, stimuli, weights, parameter
    values, sizes and durations use it again (not so values for each neuron where there was one for
    all, or a part of a plasticity rule that was switched off, as an exponent of 0 is). Beyond 256
    MB, or what SPIKELEARN_PROGRAMS_MB says, those that were used longest ago are deleted. An order
    of magnitude faster than NumPy. Its data pass through the folder for temporary files (TMPDIR).
    Needs c++, g++ or clang++ (or CXX), and no Windows.

Without a target's name, `brian2` takes NumPy for what NumPy is estimated to do in 2 s, from the
numbers of steps, neurons, synapses and trials, and where there is no compiler; beyond that,
standalone, if its program has been compiled before, or if NumPy would take more than 15 s. On
Windows it is Cython beyond 15 s, if it works. Exponentials are rounded differently by NumPy and by
compilers, and in a chaotic network a last bit becomes another spike in the end: conductances, other
models than the leaky one and plasticity take standalone beyond 15 s only, so that what has been
compiled does not change what comes out.

An interrupt ends a run after the step in which it is, on every target, and what was found until
then can be kept; while a program is compiled there is nothing to keep.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import numpy as np

from spikelearn._files import cache_folder
from spikelearn.simulation.brian2.choice import choose
from spikelearn.simulation.brian2.custom import custom_group, refused_in_words
from spikelearn.simulation.brian2.inputs import handed_in
from spikelearn.simulation.brian2.neurons import neuron_group
from spikelearn.simulation.brian2.plasticity import each_step, normaliser
from spikelearn.simulation.brian2.session import (
    SCHEDULE,
    brian2_with,
    compiler,
    compiler_flags,
    machine,
    no_compiler,
)
from spikelearn.simulation.brian2.standalone import Probed, standalone
from spikelearn.simulation.brian2.synapses import by_projection, spike_source, synapse_group
from spikelearn.simulation.grid.network import (
    GridNetwork,
    PartialRun,
    Result,
    Spikes,
    Synapses,
    diverged,
)
from spikelearn.simulation.grid.neurons import (
    ALL_NEURONS_AND_SYNAPSES,
    OWN_EQUATIONS,
    GridNeurons,
)

FEATURES = ALL_NEURONS_AND_SYNAPSES | {"plasticity", OWN_EQUATIONS}

_SYNAPSES_PER_RUN = 6_000_000  # replicas are split into runs of at most this many synapses


class Session(Protocol):
    """Brian2 prepared for one run on a target: what the targets do differently."""

    b2: Any

    def normaliser(self, synapses: Synapses, made: Any, every_ms: float) -> Any:
        """An object that scales the weights onto each target to the rule's sum, every so often."""

    def inputs(
        self, grid: GridNetwork, groups: dict[str, Any], first: int, last: int, clock: Any
    ) -> list[Any]:
        """Objects that hand in stimulus currents and background spikes."""

    def simulate(
        self,
        network: Any,
        grid: GridNetwork,
        plastic: list[Any],
        progress: Callable[[float], None],
    ) -> int | None:
        """Run; None, or how many steps there are of a run that was interrupted.

        Of the synapses, what `plastic` ones have come to is read afterwards.
        """


class Target:
    """Brian2 on one target: a backend."""

    def __init__(
        self, name: str, session: Callable[[], Any], features: frozenset[str] = FEATURES
    ) -> None:
        self.__name__, self.session, self.FEATURES = name, session, features

    def run(self, grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
        """Run a network on the grid; see `spikelearn.simulation.simulate`."""
        return _run(grid, progress, self.session)


def _run(
    grid: GridNetwork, progress: Callable[[float], None], session: Callable[[], Any]
) -> Result:
    n_synapses = sum(s.connections.pre.size for s in grid.synapses)
    per_run = max(1, _SYNAPSES_PER_RUN // max(1, n_synapses))
    parts = []
    for first in range(0, grid.n_trials, per_run):
        last = min(first + per_run, grid.n_trials)

        def part_of(fraction: float, first: int = first, last: int = last) -> None:
            progress((first + fraction * (last - first)) / grid.n_trials)

        try:
            parts.append(_run_trials(grid, first, last, part_of, session))
        except PartialRun as interrupted:
            parts.append(interrupted.result)
            reached = np.zeros(grid.n_trials, dtype=np.int64)
            reached[:first], reached[first:last] = grid.n_steps, interrupted.reached
            raise PartialRun(_together(grid, parts), reached) from None
    return _together(grid, parts)


def _together(grid: GridNetwork, parts: list[Result]) -> Result:
    found: list[Any] = [part[0] for part in parts]
    spikes = {
        name: tuple(np.concatenate([part[name][axis] for part in found]) for axis in range(3))
        for name in grid.record
    }
    longest = {key: max(part[1][key].shape[1] for part in parts) for key in parts[0][1]}
    states = {
        key: np.concatenate(
            [np.pad(s, ((0, 0), (0, n - s.shape[1]), (0, 0))) for s in (p[1][key] for p in parts)]
        )
        for key, n in longest.items()
    }
    return spikes, states, parts[-1][2]


class InProcess:
    """Brian2 in this process, on NumPy or on Cython."""

    def __init__(self, b2: Any) -> None:
        self.b2 = b2

    def normaliser(self, synapses: Synapses, made: Any, every_ms: float) -> Any:
        return normaliser(self.b2, synapses, made, every_ms)

    def inputs(
        self, grid: GridNetwork, groups: dict[str, Any], first: int, last: int, clock: Any
    ) -> list[Any]:
        return handed_in(self.b2, grid, groups, first, last, clock)

    def simulate(
        self,
        network: Any,
        grid: GridNetwork,
        plastic: list[Any],
        progress: Callable[[float], None],
    ) -> int | None:
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what diverges is refused below
                network.run(
                    grid.n_steps * grid.dt_ms * self.b2.ms,
                    report=lambda elapsed, completed, start, duration: progress(completed),
                    report_period=0.5 * self.b2.second,
                    namespace={},
                )
        except KeyboardInterrupt:
            # The step in which it happened may have been cut in two.
            return max(round(float(network.t_) * 1000 / grid.dt_ms) - 1, 0)
        return None


# An interrupt has to reach the caller: Brian2 would end the run and carry on.
_INTERRUPTIBLE = {"core.stop_on_keyboard_interrupt": False}


@contextlib.contextmanager
def _numpy() -> Iterator[InProcess]:
    with brian2_with({**_INTERRUPTIBLE, "codegen.target": "numpy"}) as b2:
        yield InProcess(b2)


@contextlib.contextmanager
def _cython() -> Iterator[InProcess]:
    preferences: dict[str, Any] = {**_INTERRUPTIBLE, "codegen.target": "cython"}
    if os.name != "nt":
        if compiler() is None:
            raise no_compiler("cython")
        # Brian2's own cache does not tell flags apart, and by default it asks for fast-math.
        folder = cache_folder() / "brian2" / f"cython-{machine()}"
        preferences["codegen.cpp.extra_compile_args"] = list(compiler_flags())
        preferences["codegen.runtime.cython.cache_dir"] = str(folder)
    with brian2_with(preferences) as b2:
        from brian2.codegen.runtime.cython_rt import CythonCodeObject

        if not CythonCodeObject.is_available():
            raise no_compiler("cython")
        yield InProcess(b2)


TARGETS = {
    "numpy": Target("numpy", _numpy),
    "cython": Target("cython", _cython),
    "standalone": Target("standalone", standalone, FEATURES - {OWN_EQUATIONS}),
}


def run(grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
    """Run a network on the grid on the target that the rule chooses."""
    return TARGETS[choose_target(grid)].run(grid, progress, precision)


def choose_target(grid: GridNetwork) -> str:
    """Name of the target that suits a run; see above."""
    return choose(grid, lambda: _built(grid))


def _built(grid: GridNetwork) -> bool:
    """Whether the program for the standalone target is there already."""
    try:
        _run_trials(grid, 0, 1, lambda fraction: None, partial(standalone, probe=True))
    except Probed as found:
        return found.built
    raise AssertionError("a probe does not run")


def _run_trials(
    grid: GridNetwork,
    first: int,
    last: int,
    progress: Callable[[float], None],
    session: Callable[[], Any],
) -> Result:
    """Run trials first to last - 1 side by side."""
    with session() as target, refused_in_words(grid):
        b2, replicas = target.b2, last - first
        clock = b2.Clock(dt=grid.dt_ms * b2.ms, name="grid")
        # Names by number: those of Brian2 depend on what else is alive, and the code on names.
        groups: dict[str, Any] = {
            name: spike_source(b2, spikes, first, last, grid.n_steps, clock, f"sources_{k}")
            for k, (name, spikes) in enumerate(grid.sources.items())
        }
        for k, (name, neurons) in enumerate(grid.neurons.items()):
            if neurons.equations is not None:
                groups[name] = custom_group(b2, neurons, replicas, clock, f"neurons_{k}")
                continue
            groups[name] = neuron_group(
                b2, neurons, grid.dt_ms, replicas, grid.driven(name), clock, f"neurons_{k}"
            )
        objects = list(groups.values())
        plastic = {}
        for k, (synapses, delays) in enumerate(by_projection(grid.synapses)):
            if synapses.connections.pre.size == 0:
                continue
            name = f"synapses_{k:06d}"  # Brian2 delivers in the order of names
            made = synapse_group(b2, synapses, delays, groups, grid, replicas, clock, name)
            objects.append(made)
            if synapses.plasticity is not None:
                plastic[synapses.name] = made
                objects += each_step(target, synapses, made, groups, grid, clock)
        objects += target.inputs(grid, groups, first, last, clock)
        monitors = {
            name: b2.SpikeMonitor(groups[name], name=f"spikes_{k}")
            for k, name in enumerate(grid.record)
        }
        potentials = {
            name: b2.StateMonitor(
                groups[name], "v", record=True, clock=clock, when="end", name=f"potentials_{k}"
            )
            for k, name in enumerate(grid.record_potential)
        }
        network = b2.Network(*objects, *monitors.values(), *potentials.values(), name="simulated")
        network.schedule = SCHEDULE
        reached = target.simulate(network, grid, list(plastic.values()), progress)
        for name in grid.neurons:
            if not np.isfinite(groups[name].v[:]).all():
                raise diverged(name, grid.dt_ms, 0.0, grid.n_steps * grid.dt_ms)
        spikes = {
            name: _collect(monitor, grid, groups[name], replicas, first)
            for name, monitor in monitors.items()
        }
        states = {
            f"{name}.v_mv": _potential(monitor, grid.neurons[name], replicas)
            for name, monitor in potentials.items()
        }
        weights = {}
        for name, made in plastic.items():
            matrix = np.zeros((len(made.source), len(made.target)))
            np.add.at(matrix, (made.i[:], made.j[:]), made.w[:])
            weights[name] = matrix
        if reached is not None:
            raise PartialRun((spikes, states, weights), np.full(replicas, reached))
        return spikes, states, weights


def _collect(monitor: Any, grid: GridNetwork, group: Any, replicas: int, first: int) -> Spikes:
    index = np.asarray(monitor.i[:], dtype=np.int64)
    steps = np.rint(np.asarray(monitor.t_[:]) * 1000.0 / grid.dt_ms).astype(np.int64)
    trials, senders = np.divmod(index, len(group) // replicas)
    return steps, senders, trials + first


def _potential(monitor: Any, neurons: GridNeurons, replicas: int) -> np.ndarray:
    """Recorded potential in mV, array of shape (replicas, n_steps, size)."""
    # Equations of one's own are in volts.
    scale = 1.0 if neurons.equations is None else 1000.0
    v = scale * np.asarray(monitor.v).reshape(replicas, neurons.size, -1)
    return v.transpose(0, 2, 1) + neurons.v_rest
