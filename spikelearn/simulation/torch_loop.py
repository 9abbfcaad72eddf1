"""The time loop of the torch backends: everything but the membrane, which a cell of theirs does.

A cell is called once a step with the potential (from rest, mV) and the summed input of the step,
and gives back which neurons crossed the threshold and the potential before any reset.

Populations that excite one another in a loop go through time together, step by step; all others
one after another, each through a block of steps at once, in the order in which spikes pass through
the network. So what comes to a population from outside its loop is known for the whole block, and
is one matrix product.

They run on the processor, or on a GPU where that is asked for ("snntorch:cuda", "norse:cuda"):
it is the faster one from thousands of neurons times trials on, and slower below, where to start a
step's operations takes longer than they do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Protocol

import numpy as np
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.simulation.lowered_neurons import LoweredNeurons
from spikelearn.simulation.lowering import (
    Background,
    InputSpikes,
    Lowered,
    PartialRun,
    Result,
    Synapses,
)

_DENSE_BYTES = 256 * 2**20  # projections below this size are dense matrices
# Steps that are made together, and the bytes of their spikes and inputs.
_BLOCK_STEPS = 256
_BLOCK_BYTES = 128 * 2**20
# Share of the source's neurons that spike in a step, below which weights are gathered spike by
# spike: reading them costs more than multiplying them, but a dense product reads them all.
_SPARSE = 0.16


class Cell(Protocol):
    """The membrane of one population in a backend."""

    def __call__(
        self, v: torch.Tensor, drive: torch.Tensor, threshold: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One step: decay `v`, add `drive`, compare with `threshold`; all of shape (trials, size).

        Returns which neurons crossed it (0 or 1) and the potential before a reset.
        """


MakeCell = Callable[[LoweredNeurons, torch.dtype, torch.device], Cell]


@dataclass(frozen=True)
class Target:
    """A torch backend on one kind of device."""

    name: str
    FEATURES: frozenset[str]
    make_cell: MakeCell
    device: str

    def run(self, lowered: Lowered, progress: Callable[[float], None], precision: str) -> Result:
        """Run the network; spikes as (steps, senders, trials) by population, states, no weights.

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
            return _run(lowered, self.make_cell, progress, dtype, torch.device(self.device))


def targets(
    name: str,
    features: frozenset[str],
    make_cell: MakeCell,
) -> dict[str, Target]:
    """The backend on each kind of device, by the device's name."""
    return {device: Target(name, features, make_cell, device) for device in ("cpu", "cuda")}


def _run(
    lowered: Lowered,
    make_cell: MakeCell,
    progress: Callable[[float], None],
    dtype: torch.dtype,
    device: torch.device,
) -> Result:
    longest = max((s.delay_steps for s in lowered.synapses), default=0)
    length = _block_length(lowered, dtype)
    cells = {name: make_cell(neurons, dtype, device) for name, neurons in lowered.neurons.items()}
    with device:  # what is made below is there
        populations = {
            name: _Population(neurons, cells[name], lowered, dtype, longest + length)
            for name, neurons in lowered.neurons.items()
        }
        sources = {name: _Source(s, lowered, dtype, device) for name, s in lowered.sources.items()}
        stages = [
            _Stage(names, lowered, populations, sources, longest, dtype, device)
            for names in _loops(lowered)
        ]
    reached = 0
    try:
        for first in range(0, lowered.n_steps, length):
            last = min(first + length, lowered.n_steps)
            progress(first / lowered.n_steps)
            for stage in stages:
                stage.advance(first, last)
            for population in populations.values():
                population.end_block(first, last, longest)
            reached = last
    except KeyboardInterrupt:
        # What was recorded of the block that was being made is left out.
        raise PartialRun(
            _result(lowered, populations, reached), np.full(lowered.n_trials, reached)
        ) from None
    return _result(lowered, populations, reached)


def _block_length(lowered: Lowered, dtype: torch.dtype) -> int:
    sizes = [n.size for n in lowered.neurons.values()] + [s.size for s in lowered.sources.values()]
    a_step = 2 * sum(sizes) * lowered.n_trials * dtype.itemsize
    return max(1, min(_BLOCK_STEPS, _BLOCK_BYTES // a_step))


def _loops(lowered: Lowered) -> list[list[str]]:
    """Populations that reach one another, and those that do not alone, in the order of spikes."""
    from scipy.sparse.csgraph import connected_components

    names = list(lowered.neurons)
    graph = np.zeros((len(names), len(names)))
    for s in lowered.synapses:
        if s.source in lowered.neurons:
            graph[names.index(s.source), names.index(s.target)] = 1
    _, loop_of = connected_components(graph, connection="strong")
    before: dict[int, set[int]] = {int(loop): set() for loop in loop_of}
    for source, target in zip(*np.nonzero(graph), strict=True):
        if loop_of[source] != loop_of[target]:
            before[int(loop_of[target])].add(int(loop_of[source]))
    order = TopologicalSorter(before).static_order()
    return [[n for n, at in zip(names, loop_of, strict=True) if at == loop] for loop in order]


def _result(lowered: Lowered, populations: dict[str, _Population], n_steps: int) -> Result:
    def complete(trace: list[np.ndarray], name: str) -> np.ndarray:
        nothing = np.zeros((0, lowered.n_trials, lowered.neurons[name].size))
        return np.concatenate([nothing, *trace]).transpose(1, 0, 2)

    states = {
        f"{name}.v_mv": complete(populations[name].trace, name) for name in lowered.record_potential
    }
    found = {
        name: populations[name].spikes() if name in populations else _given(lowered, name, n_steps)
        for name in lowered.record
    }
    return found, states, {}


def _given(lowered: Lowered, name: str, n_steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    source = lowered.sources[name]
    kept = source.steps < n_steps
    return source.steps[kept], source.senders[kept], source.trials[kept]


class _Stage:
    """Populations that go through a block of steps together."""

    def __init__(
        self,
        names: list[str],
        lowered: Lowered,
        populations: dict[str, _Population],
        sources: dict[str, _Source],
        longest: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.names, self.populations, self.longest = names, populations, longest
        self.inner: list[_Projection] = []
        self.outer: list[tuple[_Projection, _Source | None]] = []
        for s in lowered.synapses:
            if s.target in names and s.source in names:
                self.inner.append(_Projection(s, dtype))
            elif s.target in names:
                self.outer.append((_Projection(s, dtype), sources.get(s.source)))
        self.background = [
            (b, torch.as_tensor(b.weight, dtype=dtype), b.counts(0, lowered.n_trials))
            for b in lowered.background
            if b.target in names
        ]
        self.drives: dict[str, Iterator[np.ndarray]] = {
            name: lowered.drive(name, 0, lowered.n_trials) for name in names if lowered.driven(name)
        }
        self.dtype, self.device = dtype, device

    def advance(self, first: int, last: int) -> None:
        """Steps `first` to `last` - 1."""
        arriving = self._from_outside(first, last)
        for t in range(last - first):
            for name in self.names:
                drive = self.drives.get(name)
                self.populations[name].integrate_currents(
                    None if drive is None else self._tensor(next(drive))
                )
            for (target, channel), values in arriving.items():
                self.populations[target].deliver(channel, values[t])
            for projection in self.inner:
                row = self.longest + t - projection.delay
                if first + t >= projection.delay:
                    spikes = self.populations[projection.source].emitted[row]
                    self.populations[projection.target].deliver(
                        projection.channel, projection.times(spikes)
                    )
            for item, weights, counts in self.background:
                self._deliver_background(item, weights, next(counts))
            for name in self.names:
                self.populations[name].fire(self.longest + t)

    def _from_outside(
        self, first: int, last: int
    ) -> dict[tuple[str, int | None], tuple[torch.Tensor, ...]]:
        """What spikes from outside bring in each step, by where it goes; (trials, size) each."""
        found: dict[tuple[str, int | None], torch.Tensor] = {}
        for projection, source in self.outer:
            if source is not None:
                values = source.through(projection, first - projection.delay, last - first)
            else:
                row = self.longest - projection.delay
                block = self.populations[projection.source].emitted[row : row + last - first]
                values = projection.times(block.flatten(0, 1)).unflatten(0, block.shape[:2])
            if values is not None:
                place = (projection.target, projection.channel)
                found[place] = found[place] + values if place in found else values
        return {place: values.unbind() for place, values in found.items()}

    def _deliver_background(
        self, item: Background, weights: torch.Tensor, counts: np.ndarray
    ) -> None:
        self.populations[item.target].deliver(item.channel, weights * self._tensor(counts))

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)


class _Population:
    """State of a population, arrays of shape (trials, size)."""

    def __init__(
        self,
        neurons: LoweredNeurons,
        cell: Cell,
        lowered: Lowered,
        dtype: torch.dtype,
        n_rows: int,
    ) -> None:
        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values, dtype=dtype)

        shape = (lowered.n_trials, neurons.size)
        self.neurons, self.cell = neurons, cell
        self.rest = neurons.v_rest
        # Spikes, 0 or 1, of as many steps before the block as the longest delay, and of the block.
        self.emitted = torch.zeros((n_rows, *shape), dtype=dtype)
        self.recorded = neurons.name in lowered.record
        self.parts: list[tuple[int, np.ndarray]] = []
        self.traced = neurons.name in lowered.record_potential
        self.trace: list[np.ndarray] = []
        self.potentials: list[torch.Tensor] = []
        self.threshold, self.reset = tensor(neurons.threshold), tensor(neurons.reset)
        self.input_gain = tensor(1.0 - neurons.beta)
        self.kappas = [tensor(channel.kappa) for channel in neurons.channels]
        self.v = tensor(neurons.v_init).expand(shape).clone()
        self.currents = [torch.zeros(shape, dtype=dtype) for _ in neurons.channels]
        self.drive: torch.Tensor | None = None
        self.zeros = torch.zeros(shape, dtype=dtype)
        self.held = torch.zeros(shape, dtype=torch.int64) if neurons.refractory_steps > 1 else None
        self.theta: torch.Tensor | None = None
        if neurons.theta_init is not None:
            assert neurons.theta_decay is not None  # noqa: S101 - the three come together
            assert neurons.theta_increment is not None  # noqa: S101
            self.theta = tensor(neurons.theta_init).expand(shape).clone()
            self.theta_decay = tensor(neurons.theta_decay)
            self.theta_increment = tensor(neurons.theta_increment)

    def integrate_currents(self, stimulus: torch.Tensor | None) -> None:
        """Start a step: what the currents add to the potential; then they decay."""
        self.drive = None
        for kappa, current, channel in zip(
            self.kappas, self.currents, self.neurons.channels, strict=True
        ):
            self._add(kappa * current)
            if channel.feeds is not None:
                self.currents[channel.feeds].add_(current, alpha=channel.transfer)
            current.mul_(channel.alpha)
        if stimulus is not None:
            self._add((self.input_gain * stimulus).expand(self.v.shape))

    def deliver(self, channel: int | None, values: torch.Tensor) -> None:
        """Arriving spikes, weighted: into the potential, or into a current."""
        if channel is None:
            self._add(values)
        else:
            self.currents[channel] += values

    def _add(self, values: torch.Tensor) -> None:
        self.drive = values if self.drive is None else self.drive + values

    def fire(self, row: int) -> None:
        """Finish a step: membrane, threshold, reset; spikes go to a row of `emitted`."""
        threshold = self.threshold
        if self.theta is not None:
            self.theta *= self.theta_decay
            threshold = threshold + self.theta
        drive = self.zeros if self.drive is None else self.drive
        fired, v = self.cell(self.v, drive, threshold)
        if self.held is not None:
            self.held = (self.held - 1).clamp_(min=0)
            active = self.held == 0
            v = torch.where(active, v, self.v)
            fired = fired * active
        # snnTorch spikes in 32 bits whatever the potential's precision.
        emitted = self.emitted[row].copy_(fired)
        if self.neurons.subtract:
            self.v = torch.addcmul(v, emitted, threshold, value=-1.0)
        else:
            self.v = torch.where(fired.bool(), self.reset, v)
        if self.theta is not None:
            self.theta.addcmul_(emitted, self.theta_increment)
        if self.held is not None:
            self.held.masked_fill_(fired.bool(), self.neurons.refractory_steps)
        if self.traced:
            self.potentials.append(self.v)

    def end_block(self, first: int, last: int, longest: int) -> None:
        """Keep what is recorded of the steps made, and the spikes that are still on their way."""
        block = self.emitted[longest : longest + last - first]
        if self.recorded:
            if block.device.type != "cpu":  # found there: they are few, and the way here is long
                places = block.flatten().nonzero().squeeze(1).cpu().numpy()
            else:
                places = np.flatnonzero(block.numpy())
            self.parts.append((first, places))
        if self.traced:
            v = torch.stack(self.potentials).cpu().numpy()
            self.trace.append(v.astype(np.float64) + self.rest)
            self.potentials = []
        if longest:
            self.emitted[:longest] = self.emitted[last - first : last - first + longest].clone()

    def spikes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Steps, senders and trials of what was recorded, each of shape (n_spikes,)."""
        n_trials, size = self.v.shape
        nothing = np.zeros(0, dtype=np.int64)
        places = [where + first * n_trials * size for first, where in self.parts]
        steps, rest = np.divmod(np.concatenate([nothing, *places]), n_trials * size)
        trials, senders = np.divmod(rest, size)
        return steps, senders, trials


class _Source:
    """Spikes of a source, by step."""

    def __init__(
        self, spikes: InputSpikes, lowered: Lowered, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.n_trials, self.size = lowered.n_trials, spikes.size
        self.dtype, self.device = dtype, device
        self.spikes = spikes
        self.first = np.searchsorted(spikes.steps, np.arange(lowered.n_steps + 1))

    def through(self, projection: _Projection, first: int, length: int) -> torch.Tensor | None:
        """Summed weights of the spikes of `length` steps, shape (length, trials, target size).

        Steps before the start have none; None where there are none at all.
        """
        early = max(-first, 0)
        if early >= length:
            return None
        start, stop = self.first[first + early], self.first[first + length]
        if start == stop:
            return None
        rows = (self.spikes.steps[start:stop] - first) * self.n_trials
        rows += self.spikes.trials[start:stop]
        n_rows = length * self.n_trials
        senders = self.spikes.senders[start:stop]
        if projection.dense is not None and rows.size < _SPARSE * n_rows * self.size:
            values = projection.gathered(rows, senders, n_rows)
        else:
            # Set in NumPy, as bytes: torch takes ten times as long to set single entries.
            dense = np.zeros(n_rows * self.size, dtype=np.uint8)
            dense[rows * self.size + senders] = 1
            values = projection.times(
                torch.from_numpy(dense).to(self.device).to(self.dtype).view(n_rows, self.size)
            )
        return values.view(length, self.n_trials, -1)


class _Projection:
    """Weights as a dense matrix, or as a sparse one where that would be too large."""

    def __init__(self, synapses: Synapses, dtype: torch.dtype) -> None:
        self.source, self.target = synapses.source, synapses.target
        self.delay, self.channel = synapses.delay_steps, synapses.channel
        c = synapses.connections
        self.dense: torch.Tensor | None = None
        if c.n_source * c.n_target * dtype.itemsize <= _DENSE_BYTES:
            self.dense = torch.as_tensor(c.dense(), dtype=dtype)
        else:
            from scipy.sparse import coo_array

            matrix = coo_array((c.weight, (c.post, c.pre)), (c.n_target, c.n_source)).tocsr()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse")
                self.sparse = torch.sparse_csr_tensor(
                    torch.as_tensor(matrix.indptr.astype(np.int64)),
                    torch.as_tensor(matrix.indices.astype(np.int64)),
                    torch.as_tensor(matrix.data, dtype=dtype),
                    matrix.shape,
                )

    def times(self, spikes: torch.Tensor) -> torch.Tensor:
        """Summed weights of spikes of shape (any, source size), shape (any, target size)."""
        if self.dense is not None:
            return spikes @ self.dense
        return (self.sparse @ spikes.T).T

    def gathered(self, rows: np.ndarray, senders: np.ndarray, n_rows: int) -> torch.Tensor:
        """The same for spikes given one by one, shape (n_rows, target size)."""
        assert self.dense is not None  # noqa: S101 - the caller's condition
        if (np.diff(rows) < 0).any():
            order = np.argsort(rows, kind="stable")
            rows, senders = rows[order], senders[order]
        offsets = np.searchsorted(rows, np.arange(n_rows))
        return torch.nn.functional.embedding_bag(
            torch.from_numpy(np.ascontiguousarray(senders)).to(self.dense.device),
            self.dense,
            torch.from_numpy(offsets).to(self.dense.device),
            mode="sum",
        )
