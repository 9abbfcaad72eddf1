"""The time loop of the torch backends: everything but the membrane, which a cell of theirs does.

A cell is called once a step with the potential (from rest, mV) and the summed input of the step,
and gives back which neurons crossed the threshold and the potential before any reset.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch

from spikelearn.simulation.lowered_neurons import LoweredNeurons
from spikelearn.simulation.lowering import InputSpikes, Lowered, PartialRun, Result, Synapses

_DENSE_BYTES = 256 * 2**20  # projections below this size are dense matrices
_REPORT_EVERY = 50
# Of input known beforehand, what is multiplied by the weights at once.
_BLOCK_STEPS = 256
_BLOCK_BYTES = 128 * 2**20


class Cell(Protocol):
    """The membrane of one population in a backend."""

    def __call__(
        self, v: torch.Tensor, drive: torch.Tensor, threshold: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One step: decay `v`, add `drive`, compare with `threshold`; all of shape (trials, size).

        Returns which neurons crossed it (0 or 1) and the potential before a reset.
        """


def run(
    lowered: Lowered,
    make_cell: Callable[[LoweredNeurons, torch.dtype], Cell],
    progress: Callable[[float], None],
    precision: str,
) -> Result:
    """Run the network; spikes as (steps, senders, trials) by population, states, no weights."""
    dtype = torch.float64 if precision == "float64" else torch.float32
    with torch.no_grad():
        return _run(lowered, make_cell, progress, dtype)


def _run(
    lowered: Lowered,
    make_cell: Callable[[LoweredNeurons, torch.dtype], Cell],
    progress: Callable[[float], None],
    dtype: torch.dtype,
) -> Result:
    populations = {
        name: _Population(neurons, make_cell(neurons, dtype), lowered.n_trials, dtype)
        for name, neurons in lowered.neurons.items()
    }
    sources = {name: _Source(s, lowered, dtype) for name, s in lowered.sources.items()}
    projections = [
        _FromSource(s, sources[s.source], lowered.n_steps, dtype)
        if s.source in sources
        else _Projection(s, dtype)
        for s in lowered.synapses
    ]
    longest = 1 + max((s.delay_steps for s in lowered.synapses), default=0)
    # Ring buffers: emitted[name][k % longest] are the spikes of step k.
    emitted: dict[str, list[torch.Tensor | None]] = {name: [None] * longest for name in populations}
    background = [
        (b, torch.as_tensor(b.weight, dtype=dtype), b.counts(0, lowered.n_trials))
        for b in lowered.background
    ]
    drives = {
        name: lowered.drive(name, 0, lowered.n_trials)
        for name in lowered.neurons
        if lowered.driven(name)
    }
    spikes = {name: _Recorder() for name in lowered.record if name in populations}
    potentials: dict[str, list[np.ndarray]] = {name: [] for name in lowered.record_potential}

    def make_step(step: int) -> None:
        for name, population in populations.items():
            drive = drives.get(name)
            population.integrate_currents(
                None if drive is None else torch.as_tensor(next(drive), dtype=dtype)
            )
        for projection in projections:
            if step >= projection.delay:
                values = projection.at(step, emitted, longest)
                if values is not None:
                    populations[projection.target].deliver(projection.channel, values)
        for item, weights, counts in background:
            drawn = torch.as_tensor(next(counts), dtype=dtype)
            populations[item.target].deliver(item.channel, weights * drawn)
        for name, population in populations.items():
            emitted[name][step % longest] = population.fire()
        for name, recorder in spikes.items():
            recorder.add(step, emitted[name][step % longest])
        for name, trace in potentials.items():
            trace.append(populations[name].potential())
        if step % _REPORT_EVERY == 0:
            progress(step / lowered.n_steps)

    def result(n_steps: int) -> Result:
        shape = (lowered.n_trials, n_steps)
        states = {
            f"{name}.v_mv": np.stack(trace[:n_steps], axis=1)
            if n_steps
            else np.zeros((*shape, lowered.neurons[name].size))
            for name, trace in potentials.items()
        }
        found = {name: recorder.arrays() for name, recorder in spikes.items()}
        found |= {
            name: (source.steps, source.senders, source.trials)
            for name, source in lowered.sources.items()
            if name in lowered.record
        }
        return {name: found[name] for name in lowered.record}, states, {}

    for step in range(lowered.n_steps):
        try:
            make_step(step)
        except KeyboardInterrupt:  # this step may be half made
            raise PartialRun(result(step), np.full(lowered.n_trials, step)) from None
    return result(lowered.n_steps)


class _Population:
    """State of a population, arrays of shape (trials, size)."""

    def __init__(
        self, neurons: LoweredNeurons, cell: Cell, n_trials: int, dtype: torch.dtype
    ) -> None:
        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values, dtype=dtype)

        shape = (n_trials, neurons.size)
        self.neurons, self.cell = neurons, cell
        self.rest = neurons.v_rest
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

    def fire(self) -> torch.Tensor:
        """Finish a step: membrane, threshold, reset. Returns spikes, 0 or 1."""
        threshold = self.threshold
        if self.theta is not None:
            self.theta *= self.theta_decay
            threshold = threshold + self.theta
        drive = self.zeros if self.drive is None else self.drive
        fired, v = self.cell(self.v, drive, threshold)
        fired = fired.to(v.dtype)  # snnTorch spikes in 32 bits whatever the potential's precision
        if self.held is not None:
            self.held = (self.held - 1).clamp_(min=0)
            active = self.held == 0
            v = torch.where(active, v, self.v)
            fired = fired * active
        spiking = fired > 0
        after = v - threshold if self.neurons.subtract else self.reset
        self.v = torch.where(spiking, after, v)
        if self.theta is not None:
            self.theta += self.theta_increment * fired
        if self.held is not None:
            self.held[spiking] = self.neurons.refractory_steps
        return fired

    def potential(self) -> np.ndarray:
        """Potential in mV, array of shape (trials, size)."""
        return self.v.numpy().astype(np.float64) + self.rest


class _Source:
    """Spikes of a source, made dense step by step."""

    def __init__(self, spikes: InputSpikes, lowered: Lowered, dtype: torch.dtype) -> None:
        self.shape = (lowered.n_trials, spikes.size)
        self.dtype = dtype
        self.steps = spikes.steps
        self.first = np.searchsorted(spikes.steps, np.arange(lowered.n_steps + 1))
        self.where = spikes.trials * spikes.size + spikes.senders

    def any(self, first: int, last: int) -> bool:
        """Whether there are spikes in steps `first` to `last` - 1."""
        return bool(self.first[first] < self.first[last])

    def block(self, first: int, last: int) -> torch.Tensor:
        """Spikes of steps `first` to `last` - 1, 0 or 1, shape (steps, trials, size)."""
        start, stop = self.first[first], self.first[last]
        n_trials, size = self.shape
        # Set in NumPy, as bytes: torch takes ten times as long to set single entries.
        dense = np.zeros((last - first) * n_trials * size, dtype=np.uint8)
        dense[(self.steps[start:stop] - first) * (n_trials * size) + self.where[start:stop]] = 1
        return torch.from_numpy(dense).to(self.dtype).view(last - first, n_trials, size)


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

    def at(
        self, step: int, emitted: dict[str, list[torch.Tensor | None]], n_slots: int
    ) -> torch.Tensor | None:
        """Summed weights of the spikes that arrive, shape (trials, target size), or None."""
        arriving = emitted[self.source][(step - self.delay) % n_slots]
        return None if arriving is None else self.times(arriving)

    def times(self, spikes: torch.Tensor) -> torch.Tensor:
        """Summed weights of spikes of shape (any, source size), shape (any, target size)."""
        if self.dense is not None:
            return spikes @ self.dense
        return (self.sparse @ spikes.T).T


class _FromSource(_Projection):
    """A projection whose spikes are known beforehand: many steps are one matrix product."""

    def __init__(
        self, synapses: Synapses, source: _Source, n_steps: int, dtype: torch.dtype
    ) -> None:
        super().__init__(synapses, dtype)
        self.spikes, self.n_steps = source, n_steps
        c, n_trials = synapses.connections, source.shape[0]
        bytes_a_step = n_trials * (c.n_source + c.n_target) * dtype.itemsize
        self.length = max(1, min(_BLOCK_STEPS, _BLOCK_BYTES // bytes_a_step))
        self.values: tuple[torch.Tensor, ...] | None = None
        self.first = self.last = 0

    def at(
        self, step: int, emitted: dict[str, list[torch.Tensor | None]], n_slots: int
    ) -> torch.Tensor | None:
        """As for any projection, from a block of steps computed at once."""
        sent = step - self.delay
        if not self.first <= sent < self.last:
            self.first, self.last = sent, min(sent + self.length, self.n_steps)
            self.values = None
            if self.spikes.any(self.first, self.last):
                block = self.spikes.block(self.first, self.last)
                products = self.times(block.flatten(0, 1))
                self.values = products.unflatten(0, block.shape[:2]).unbind()
        if self.values is None or not self.spikes.any(sent, sent + 1):
            return None
        return self.values[sent - self.first]


class _Recorder:
    """Spikes of a population as growing lists of indices."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, np.ndarray]] = []

    def add(self, step: int, fired: torch.Tensor | None) -> None:
        """Keep the spikes of a step."""
        if fired is not None:
            where = np.flatnonzero(fired.numpy())
            if len(where):
                self.parts.append((step, where))
                self.size = fired.shape[1]

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Steps, senders and trials, each of shape (n_spikes,)."""
        if not self.parts:
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty, empty
        steps = np.repeat([s for s, _ in self.parts], [len(w) for _, w in self.parts])
        trials, senders = np.divmod(np.concatenate([w for _, w in self.parts]), self.size)
        return steps, senders, trials
