"""The time loop of the torch backends: everything but the membrane, which a cell of theirs does.

A cell is called once a step with the potential (from rest, mV) and the summed input of the step,
and gives back which neurons crossed the threshold and the potential before any reset.

Populations that excite one another in a loop go through time together, step by step; all others
one after another, each through a block of steps at once, in the order in which spikes pass through
the network. So what comes to a population from outside its loop is known for the whole block, and
is one matrix product.

Where synapses learn, what they bring is known step by step only, and their network has one trial.

They run on the processor, or on a GPU where that is asked for ("snntorch:cuda", "norse:cuda"):
it is the faster one from thousands of neurons times trials on, and slower below, where to start a
step's operations takes longer than they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.simulation.grid.network import (
    Background,
    GridNetwork,
    GridSpikes,
    PartialRun,
    Result,
    weights_by_name,
)
from spikelearn.simulation.grid.neurons import GridNeurons
from spikelearn.simulation.memory import BLOCK_BYTES as _BLOCK_BYTES
from spikelearn.simulation.memory import BLOCK_STEPS as _BLOCK_STEPS
from spikelearn.simulation.torch.plasticity import PlasticProjection
from spikelearn.simulation.torch.populations import Cell, Population
from spikelearn.simulation.torch.projections import Projection, Source

MakeCell = Callable[[GridNeurons, torch.dtype, torch.device], Cell]


@dataclass(frozen=True)
class Target:
    """A torch backend on one kind of device."""

    name: str
    FEATURES: frozenset[str]
    make_cell: MakeCell
    device: str

    def run(self, grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
        """Run the network; spikes by population, states, weights.

        Parameters
        ----------
        grid : GridNetwork
        progress : callable
            Told the fraction that is done, now and then.
        precision : {"float64", "float32"}

        Raises
        ------
        SpikelearnError
            Where there is no such device.
        """
        if self.device == "cuda" and not torch.cuda.is_available():
            raise SpikelearnError(
                f"the backend {self.name}:cuda needs a GPU that PyTorch can use, and there is none;"
                f" {self.name}:cpu runs on the processor"
            )
        dtype = torch.float64 if precision == "float64" else torch.float32
        with torch.no_grad():
            return _run(grid, self.make_cell, progress, dtype, torch.device(self.device))


def targets(
    name: str,
    features: frozenset[str],
    make_cell: MakeCell,
) -> dict[str, Target]:
    """The backend on each kind of device, by the device's name.

    Parameters
    ----------
    name : str
        Of the backend.
    features : frozenset of str
        What networks may use.
    make_cell : callable
        Makes the step of a population's membranes from the population, dtype and device.
    """
    return {device: Target(name, features, make_cell, device) for device in ("cpu", "cuda")}


def _run(
    grid: GridNetwork,
    make_cell: MakeCell,
    progress: Callable[[float], None],
    dtype: torch.dtype,
    device: torch.device,
) -> Result:
    longest = max((s.delay_steps for s in grid.synapses), default=0)
    length = _block_length(grid, dtype)
    cells = {name: make_cell(neurons, dtype, device) for name, neurons in grid.neurons.items()}
    with device:  # what is made below is there
        populations = {
            name: Population(neurons, cells[name], grid, dtype, longest + length)
            for name, neurons in grid.neurons.items()
        }
        sources = {name: Source(s, grid, dtype, device) for name, s in grid.sources.items()}
        stages = [
            _Stage(names, grid, populations, sources, longest, dtype, device)
            for names in _loops(grid)
        ]
    reached = 0
    try:
        for first in range(0, grid.n_steps, length):
            last = min(first + length, grid.n_steps)
            progress(first / grid.n_steps)
            for stage in stages:
                stage.advance(first, last)
            for population in populations.values():
                population.end_block(first, last, longest)
            for stage in stages:
                stage.end_block()
            reached = last
    except KeyboardInterrupt:
        # What was recorded of the block that was being made is left out.
        raise PartialRun(
            _result(grid, populations, stages, reached), np.full(grid.n_trials, reached)
        ) from None
    return _result(grid, populations, stages, reached)


def _block_length(grid: GridNetwork, dtype: torch.dtype) -> int:
    sizes = [n.size for n in grid.neurons.values()] + [s.size for s in grid.sources.values()]
    a_step = 2 * sum(sizes) * grid.n_trials * dtype.itemsize
    return max(1, min(_BLOCK_STEPS, _BLOCK_BYTES // a_step))


def _loops(grid: GridNetwork) -> list[list[str]]:
    """Populations that reach one another, and those that do not alone, in the order of spikes."""
    from scipy.sparse.csgraph import connected_components

    names = list(grid.neurons)
    graph = np.zeros((len(names), len(names)))
    for s in grid.synapses:
        if s.source in grid.neurons:
            graph[names.index(s.source), names.index(s.target)] = 1
    _, loop_of = connected_components(graph, connection="strong")
    before: dict[int, set[int]] = {int(loop): set() for loop in loop_of}
    for source, target in zip(*np.nonzero(graph), strict=True):
        if loop_of[source] != loop_of[target]:
            before[int(loop_of[target])].add(int(loop_of[source]))
    order = TopologicalSorter(before).static_order()
    return [[n for n, at in zip(names, loop_of, strict=True) if at == loop] for loop in order]


def _result(
    grid: GridNetwork, populations: dict[str, Population], stages: list[_Stage], n_steps: int
) -> Result:
    def complete(trace: list[np.ndarray], name: str) -> np.ndarray:
        size = grid.of_chosen(name, np.empty(grid.neurons[name].size)).size
        nothing = np.zeros((0, grid.n_trials, size))
        return np.concatenate([nothing, *trace]).transpose(1, 0, 2)

    states = {
        f"{name}.v_mv": complete(populations[name].trace, name) for name in grid.record_potential
    }
    spikes = {
        name: populations[name].spikes() if name in populations else _given(grid, name, n_steps)
        for name in grid.record
    }
    weights = weights_by_name((p.synapses, p.weights()) for stage in stages for p in stage.plastic)
    return spikes, states, weights


def _given(grid: GridNetwork, name: str, n_steps: int) -> GridSpikes:
    source = grid.sources[name]
    kept = source.steps < n_steps
    return GridSpikes(source.size, source.steps[kept], source.trials[kept], source.senders[kept])


class _Stage:
    """Populations that go through a block of steps together."""

    def __init__(
        self,
        names: list[str],
        grid: GridNetwork,
        populations: dict[str, Population],
        sources: dict[str, Source],
        longest: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.names, self.populations, self.longest = names, populations, longest
        self.inner: list[Projection] = []
        self.outer: list[tuple[Projection, Source | None]] = []
        self.plastic: list[PlasticProjection] = []
        for s in grid.synapses:
            if s.target in names and s.plasticity is not None:
                self.plastic.append(PlasticProjection(s, dtype))
            elif s.target in names and s.source in names:
                self.inner.append(Projection(s, dtype))
            elif s.target in names:
                self.outer.append((Projection(s, dtype), sources.get(s.source)))
        self.background = [
            (b, torch.as_tensor(b.weight, dtype=dtype), b.counts(0, grid.n_trials))
            for b in grid.background
            if b.target in names
        ]
        self.drives: dict[str, Iterator[np.ndarray]] = {
            name: grid.drive(name, 0, grid.n_trials) for name in names if grid.driven(name)
        }
        self.sources, self.dtype, self.device = sources, dtype, device

    def advance(self, first: int, last: int) -> None:
        """Steps `first` to `last` - 1."""
        arriving = self._from_outside(first, last)
        for offset in range(last - first):
            for name in self.names:
                drive = self.drives.get(name)
                self.populations[name].integrate_currents(
                    None if drive is None else self._tensor(np.array(next(drive)))
                )
            for learning in self.plastic:
                learning.begin(first + offset)
                self._deliver_and_learn(learning, first + offset, offset)
            for (target, channel), values in arriving.items():
                self.populations[target].deliver(channel, values[offset])
            for projection in self.inner:
                row = self.longest + offset - projection.delay
                if first + offset >= projection.delay:
                    spikes = self.populations[projection.source].emitted[row]
                    self.populations[projection.target].deliver(
                        projection.channel, projection.times(spikes)
                    )
            for item, weights, counts in self.background:
                self._deliver_background(item, weights, next(counts))
            for name in self.names:
                self.populations[name].fire(self.longest + offset, first + offset)
            for learning in self.plastic:
                targets = self._spiking(learning.target, self.longest + offset)
                if targets.numel():
                    learning.fired(targets)

    def end_block(self) -> None:
        """Keep what the synapses have learned."""
        for learning in self.plastic:
            learning.end_block()

    def _spiking(self, name: str, row: int) -> torch.Tensor:
        """Neurons of a population that spike in the step of a row, in the one trial."""
        return self.populations[name].emitted[row, 0].nonzero().squeeze(1)

    def _deliver_and_learn(self, projection: PlasticProjection, step: int, offset: int) -> None:
        if step < projection.delay:
            return
        if projection.source in self.sources:
            rounds = self.sources[projection.source].rounds(step - projection.delay)
        else:
            row = self.longest + offset - projection.delay
            rounds = [self._spiking(projection.source, row)]
        for senders in rounds:
            if senders.numel():
                self.populations[projection.target].deliver(
                    projection.channel, projection.arrive(senders)
                )

    def _from_outside(
        self, first: int, last: int
    ) -> dict[tuple[str, int | None], tuple[torch.Tensor, ...]]:
        """What spikes from outside bring in each step, by where it goes; (trials, size) each."""
        arriving: dict[tuple[str, int | None], torch.Tensor] = {}
        for projection, source in self.outer:
            if source is not None:
                values = source.through(projection, first - projection.delay, last - first)
            else:
                row = self.longest - projection.delay
                block = self.populations[projection.source].emitted[row : row + last - first]
                values = projection.times(block.flatten(0, 1)).unflatten(0, block.shape[:2])
            if values is not None:
                place = (projection.target, projection.channel)
                arriving[place] = arriving[place] + values if place in arriving else values
        return {place: values.unbind() for place, values in arriving.items()}

    def _deliver_background(
        self, item: Background, weights: torch.Tensor, counts: np.ndarray
    ) -> None:
        self.populations[item.target].deliver(item.channel, weights * self._tensor(counts))

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)
