"""Simulation on Brian2 (Stimberg, Brette & Goodman 2019, doi:10.7554/eLife.47314).

Trials are replicas of the network side by side in one Brian2 network, so that a batch of stimuli
is one run. There are three targets, which give the same spikes:

brian2:numpy
    Needs no compiler, and short runs are over before one is done.
brian2:cython
    Each piece of code is compiled on its own, and kept: most of a minute for the first run of a
    network, and a third of NumPy's time from then on.
brian2:standalone
    Brian2's own C++ standalone device: a program written and compiled for this run alone, which
    takes a quarter of a minute of a processor each time (or of several at once), and then runs an
    order of magnitude faster than NumPy. For long runs. Its data pass through the folder for
    temporary files (TMPDIR), where nothing stays. Needs make, and c++, g++ or clang++ (or CXX), and
    no Windows.

Without a target's name, `brian2` takes NumPy, or Cython where NumPy is estimated to take more than
60 s (from the numbers of steps, neurons, synapses and trials) and Cython finds a compiler. What has
been compiled before has no say in it: exponentials are rounded differently by NumPy and by
compilers, in a chaotic network a last bit becomes another spike in the end, and the same call has
to give the same spikes tomorrow.

An interrupt ends a run after the step in which it is, on every target, and what was simulated until
then can be kept; while a program is compiled there is nothing to keep.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from spikelearn._time_steps import nearest_steps
from spikelearn.networks.neurons import Brian2Neurons, NeuronModel
from spikelearn.simulation.brian2.choice import choose_target
from spikelearn.simulation.brian2.custom import custom_group, refused_in_words
from spikelearn.simulation.brian2.in_process import on_cython, on_numpy
from spikelearn.simulation.brian2.neurons import neuron_group
from spikelearn.simulation.brian2.plasticity import each_step
from spikelearn.simulation.brian2.session import SCHEDULE, Session
from spikelearn.simulation.brian2.sources import spike_source
from spikelearn.simulation.brian2.standalone import standalone
from spikelearn.simulation.brian2.synapses import by_projection, synapse_group
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import (
    GridNetwork,
    GridSpikes,
    PartialRun,
    Result,
    diverged,
    weights_by_name,
)
from spikelearn.simulation.grid.neurons import ALL_SYNAPSES

FEATURES = ALL_SYNAPSES | {SEVERAL_SPIKES, "plasticity"}

MakeSession = Callable[[], AbstractContextManager[Session]]

_SYNAPSES_PER_RUN = 6_000_000  # replicas are split into runs of at most this many synapses


class Target:
    """Brian2 on one target: a backend."""

    FEATURES = FEATURES

    def __init__(
        self,
        name: str,
        session: MakeSession,
        integrates: Callable[[type[NeuronModel]], bool],
    ) -> None:
        self.__name__, self.session, self.integrates = name, session, integrates

    def run(self, grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
        """Run a network on the grid; see `spikelearn.simulation.simulate`.

        Parameters
        ----------
        grid : GridNetwork
        progress : callable
            Called with the fraction done.
        precision : {"float64"}
            Brian2 has no other.
        """
        return _run(grid, progress, self.session)


def _run(grid: GridNetwork, progress: Callable[[float], None], session: MakeSession) -> Result:
    n_synapses = sum(s.connections.n_synapses for s in grid.synapses)
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
    spikes_of_parts: list[Any] = [part[0] for part in parts]
    spikes = {
        name: GridSpikes(
            spikes_of_parts[0][name].size,
            *(
                np.concatenate([getattr(part[name], field) for part in spikes_of_parts])
                for field in ("steps", "trials", "senders")
            ),
        )
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


def integrates(model: type[NeuronModel]) -> bool:
    """Whether such neurons can be integrated: leaky ones, and those with equations for Brian2."""
    return _integrates_ours(model) or issubclass(model, Brian2Neurons)


def _integrates_ours(model: type[NeuronModel]) -> bool:
    return model.leaky or bool(model.brian2_slopes)


TARGETS = {
    "numpy": Target("numpy", on_numpy, integrates),
    "cython": Target("cython", on_cython, integrates),
    "standalone": Target("standalone", standalone, _integrates_ours),
}


def run(grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
    """Run a network on the grid, on the target that the rule above chooses.

    Parameters
    ----------
    grid : GridNetwork
    progress : callable
        Called with the fraction done.
    precision : {"float64"}
        Brian2 has no other.
    """
    return TARGETS[choose_target(grid)].run(grid, progress, precision)


def _run_trials(
    grid: GridNetwork,
    first: int,
    last: int,
    progress: Callable[[float], None],
    session: MakeSession,
) -> Result:
    """Run trials first to last - 1 side by side."""
    with session() as target, refused_in_words(grid):
        b2, replicas = target.b2, last - first
        clock = b2.Clock(dt=grid.dt_ms * b2.ms, name="grid")
        # Names by number: those of Brian2 depend on what else is alive, and the code on names.
        groups: dict[str, Any] = {}
        objects: list[Any] = []
        for k, (name, given) in enumerate(grid.sources.items()):
            groups[name], others = spike_source(
                b2, given, first, last, grid.n_steps, clock, f"sources_{k}"
            )
            objects += others
        for k, (name, neurons) in enumerate(grid.neurons.items()):
            if neurons.equations is not None:
                groups[name] = custom_group(b2, neurons, replicas, clock, f"neurons_{k}")
                continue
            groups[name] = neuron_group(
                b2, neurons, grid.dt_ms, replicas, grid.driven(name), clock, f"neurons_{k}"
            )
        objects += groups.values()
        plastic = []
        for k, (synapses, delays) in enumerate(by_projection(grid.synapses)):
            if synapses.connections.n_synapses == 0:
                continue
            name = f"synapses_{k:06d}"  # Brian2 delivers in the order of names
            made = synapse_group(b2, synapses, delays, groups, grid, replicas, clock, name)
            objects.append(made)
            if synapses.plasticity is not None:
                plastic.append((synapses, made))
                objects += each_step(target, synapses, made, groups, grid, clock)
        objects += target.inputs(grid, groups, first, last, clock)
        monitors = {
            name: b2.SpikeMonitor(groups[name], name=f"spikes_{k}")
            for k, name in enumerate(grid.record)
            if name in grid.neurons
        }
        recorders = {
            name: target.recorder(
                groups[name], _places(grid, name, replicas), grid.record_every, clock,
                f"potentials_{k}",
            )
            for k, name in enumerate(grid.record_potential)
        }  # fmt: skip
        objects += (recorder for recorder, _ in recorders.values())
        network = b2.Network(*objects, *monitors.values(), name="simulated")
        network.schedule = SCHEDULE
        reached = target.simulate(network, grid, progress)
        for name in grid.neurons:
            if not np.isfinite(groups[name].v[:]).all():
                raise diverged(grid.neurons[name], grid.dt_ms, 0.0, grid.n_steps * grid.dt_ms)
        spikes = {
            name: _collect(monitors[name], grid, groups[name], replicas, first)
            if name in monitors
            else _given(grid.sources[name], first, last)
            for name in grid.record
        }
        states = {
            f"{name}.v_mv": _potential(recorded(), grid, name, replicas)
            for name, (_, recorded) in recorders.items()
        }
        # Synapses are in the order in which they were connected, that of the connections.
        weights = weights_by_name((synapses, np.array(made.w[:])) for synapses, made in plastic)
        if reached is not None:
            raise PartialRun((spikes, states, weights), np.full(replicas, reached))
        return spikes, states, weights


def _collect(monitor: Any, grid: GridNetwork, group: Any, replicas: int, first: int) -> GridSpikes:
    index = np.asarray(monitor.i[:], dtype=np.int64)
    steps = nearest_steps(np.asarray(monitor.t_[:]) * 1000.0, grid.dt_ms)
    trials, senders = np.divmod(index, len(group) // replicas)
    return GridSpikes(len(group) // replicas, steps, trials + first, senders)


def _given(spikes: GridSpikes, first: int, last: int) -> GridSpikes:
    """The spikes of a source in the trials `first` to `last` - 1, as they were given."""
    mine = (spikes.trials >= first) & (spikes.trials < last)
    return GridSpikes(spikes.size, spikes.steps[mine], spikes.trials[mine], spikes.senders[mine])


def _places(grid: GridNetwork, name: str, replicas: int) -> np.ndarray:
    """Where the neurons of a population that are recorded stand in its group, by replica."""
    size = grid.neurons[name].size
    chosen = grid.of_chosen(name, np.arange(size))
    return (np.arange(replicas)[:, None] * size + chosen).ravel()


def _potential(recorded: np.ndarray, grid: GridNetwork, name: str, replicas: int) -> np.ndarray:
    """Recorded potential in mV, array of shape (replicas, n_times, neurons)."""
    neurons = grid.neurons[name]
    # Equations of one's own are in volts.
    scale = 1.0 if neurons.equations is None else 1000.0
    v = scale * recorded.reshape(len(recorded), replicas, -1).transpose(1, 0, 2)
    return v + grid.of_chosen(name, np.broadcast_to(neurons.v_rest, (neurons.size,)))
