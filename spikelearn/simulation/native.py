"""Simulation on our own engine: event-driven in its deliveries, exact in its linear dynamics.

Every neuron is integrated at every step, by its closed form; a spike costs as much as it has
synapses, and a silent neuron's synapses cost nothing. Trials run side by side on the processor's
cores. Compiled once (a few seconds) and kept on disk, in Numba's cache.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from spikelearn.simulation._native_kernels import Inputs, Net, State, advance, sort_by_source
from spikelearn.simulation.lowering import Lowered, Synapses

FEATURES: frozenset[str] = frozenset()

_BLOCK = 256  # steps between two looks at the progress and the interrupt
_SPIKES = 65_536  # recorded before they are moved out of the kernel's arrays

Spikes = tuple[np.ndarray, np.ndarray, np.ndarray]


def run(
    lowered: Lowered, progress: Callable[[float], None], precision: str
) -> tuple[dict[str, Spikes], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Run a lowered network; see `spikelearn.simulation.simulate`."""
    net = _arrays(lowered)
    done, stop = [0] * lowered.n_trials, threading.Event()

    def trial(index: int) -> _Trial:
        found = _Trial(lowered, net, index)
        for step in found.steps():
            done[index] = step
            if stop.is_set():
                break
        return found

    with ThreadPoolExecutor(min(lowered.n_trials, _n_cores())) as pool:
        futures = [pool.submit(trial, index) for index in range(lowered.n_trials)]
        try:
            for future in futures:
                while True:
                    try:
                        future.result(timeout=0.1)
                        break
                    except TimeoutError:
                        progress(sum(done) / (lowered.n_trials * lowered.n_steps))
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
        trials = [future.result() for future in futures]
    return _spikes(lowered, trials), _potentials(lowered, trials), {}


def _n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Trial:
    """One trial's state, and what it has recorded."""

    def __init__(self, lowered: Lowered, net: Net, index: int) -> None:
        self.lowered, self.net, self.index = lowered, net, index
        self.state = _start(lowered, net)
        self.spike_steps: list[np.ndarray] = []
        self.spike_neurons: list[np.ndarray] = []
        self.traces: list[np.ndarray] = []

    def steps(self) -> Iterator[int]:
        """Run, stopping after every block to say how far it is."""
        n_neurons = self.state.v.size
        steps = np.empty(max(_SPIKES, 2 * n_neurons), dtype=np.int64)
        neurons = np.empty(len(steps), dtype=np.int64)
        traced = self.net.n_traced
        inputs = _Feed(self.lowered, self.index)
        for first in range(0, self.lowered.n_steps, _BLOCK):
            last = min(first + _BLOCK, self.lowered.n_steps)
            fed = inputs.block(first, last)
            trace = np.empty((last - first) * traced)
            step = first
            while step < last:
                step, n = advance(
                    self.net, self.state, fed, first, step, last, steps, neurons, trace
                )
                self.spike_steps.append(steps[:n].copy())
                self.spike_neurons.append(neurons[:n].copy())
            if traced:
                self.traces.append(trace.reshape(last - first, traced))
            yield last


class _Feed:
    """The input of one trial, block by block."""

    def __init__(self, lowered: Lowered, trial: int) -> None:
        self.lowered, self.trial = lowered, trial
        self.sources = []
        for source in lowered.sources.values():
            mine = source.trials == trial
            self.sources.append((source.steps[mine], source.senders[mine]))
        self.background = [b.counts(trial, trial + 1) for b in lowered.background]

    def block(self, first: int, last: int) -> Inputs:
        """Everything that comes in at steps `first` to `last` - 1."""
        lowered, n = self.lowered, last - first
        names = list(lowered.neurons)
        starts, senders, taken = [], [], 0
        for steps, who in self.sources:
            places = np.searchsorted(steps, np.arange(first, last + 1))
            starts.append(places - places[0] + taken)
            senders.append(who[places[0] : places[-1]])
            taken += len(senders[-1])
        current_start = np.full(len(names), -1)
        current_width = np.zeros(len(names), dtype=np.int64)
        currents, used = [], 0
        for p, name in enumerate(names):
            if name in lowered.currents:
                given = lowered.currents[name]
                part = given[self.trial if given.shape[0] > 1 else 0, first:last]
                current_start[p], current_width[p] = used, part.shape[1]
                currents.append(part.ravel())
                used += part.size
        counts, places_of_counts, drawn = [], [], 0
        for item in self.background:
            counts.append(np.concatenate(list(islice(item, n)), axis=None))
            places_of_counts.append(drawn)
            drawn += counts[-1].size
        return Inputs(
            np.array(starts, dtype=np.int64).reshape(len(self.sources), n + 1),
            _joined(senders, np.int64),
            current_start,
            current_width,
            _joined(currents, np.float64),
            np.array([names.index(b.target) for b in lowered.background], dtype=np.int64),
            np.array([b.weight for b in lowered.background], dtype=np.float64),
            np.array(places_of_counts, dtype=np.int64),
            _joined(counts, np.int64),
        )


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts]).astype(dtype, copy=False)


def _arrays(lowered: Lowered) -> Net:
    """The lowered network as the kernel wants it."""
    populations = list(lowered.neurons.values())
    sizes = np.array([p.size for p in populations], dtype=np.int64)
    names = list(lowered.neurons)
    emitters = [*lowered.sources, *names]
    emitter_sizes = [s.size for s in lowered.sources.values()] + sizes.tolist()
    n_channels = [len(p.taus) for p in populations]
    first_channel = np.cumsum([0, *n_channels])
    lengths = [p.size for p in populations for _ in p.taus]
    rows, posts, weights, first_row, n_rows, n_synapses = [], [], [], [], 0, 0
    same_weight, first_weight, n_weights = [], [], 0
    for synapses in lowered.synapses:
        c = synapses.connections
        row = np.cumsum([0, *np.bincount(c.pre, minlength=c.n_source)])
        same = c.weight_mv[0] if c.pre.size and (c.weight_mv == c.weight_mv[0]).all() else np.nan
        first_weight.append(n_synapses - n_weights)
        if np.isnan(same):
            weights.append(np.empty(c.pre.size))
            sort_by_source(c.pre, c.weight_mv, row[:-1].copy(), weights[-1])
            n_weights += c.pre.size
        posts.append(np.empty(c.post.size, dtype=np.uint32))
        sort_by_source(c.pre, c.post, row[:-1].copy(), posts[-1])
        rows.append(row + n_synapses)
        same_weight.append(same)
        first_row.append(n_rows)
        n_rows += row.size
        n_synapses += c.post.size
    zeros = [np.zeros(p.size) for p in populations]
    longest = max((s.delay_steps for s in lowered.synapses), default=0)
    return Net(
        first=np.cumsum([0, *sizes]),
        alike=np.array([_alike(p) for p in populations]),
        beta=np.concatenate([p.beta for p in populations]),
        threshold=np.concatenate([p.threshold for p in populations]),
        reset=np.concatenate([p.reset for p in populations]),
        subtract=np.array([p.subtract for p in populations]),
        refractory=np.array([p.refractory_steps for p in populations], dtype=np.int64),
        adaptive=np.array([p.theta_init is not None for p in populations]),
        theta_decay=_filled([p.theta_decay for p in populations], zeros),
        theta_increment=_filled([p.theta_increment for p in populations], zeros),
        first_channel=first_channel,
        channel_start=np.cumsum([0, *lengths])[:-1],
        alpha=np.array([a for p in populations for a in p.alphas], dtype=np.float64),
        kappa=_joined([k for p in populations for k in p.kappas], np.float64),
        source=np.array([emitters.index(s.source) for s in lowered.synapses], dtype=np.int64),
        target=np.array([names.index(s.target) for s in lowered.synapses], dtype=np.int64),
        delay=np.array([s.delay_steps for s in lowered.synapses], dtype=np.int64),
        channel=np.array(
            [_channel(s, names, first_channel) for s in lowered.synapses], dtype=np.int64
        ),
        first_row=np.array(first_row, dtype=np.int64),
        rows=_joined(rows, np.int64),
        post=_joined(posts, np.uint32),
        same_weight=np.array(same_weight, dtype=np.float64),
        first_weight=np.array(first_weight, dtype=np.int64),
        weight=_joined(weights, np.float64),
        ring_start=np.cumsum([0, *emitter_sizes]),
        n_slots=1 + max(longest, *(p.refractory_steps for p in populations)),
        recorded=np.array([name in lowered.record for name in names]),
        traced=np.array([name in lowered.record_potential for name in names]),
        n_traced=sum(p.size for p in populations if p.name in lowered.record_potential),
    )


def _channel(synapses: Synapses, names: list[str], first_channel: np.ndarray) -> int:
    if synapses.channel is None:
        return -1
    return int(first_channel[names.index(synapses.target)]) + synapses.channel


def _alike(population: object) -> bool:
    parameters = [population.beta, population.threshold, population.reset, *population.kappas]  # type: ignore[attr-defined]
    return all((values == values[0]).all() for values in parameters)


def _filled(given: list[np.ndarray | None], instead: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([b if a is None else a for a, b in zip(given, instead, strict=True)])


def _start(lowered: Lowered, net: Net) -> State:
    populations = list(lowered.neurons.values())
    n_neurons = int(net.first[-1])
    n_emitters = net.ring_start.size - 1
    return State(
        v=np.concatenate([p.v_init for p in populations]),
        held=np.zeros(n_neurons),
        last=np.full(n_neurons, -(2**62)),
        theta=_filled([p.theta_init for p in populations], [np.zeros(p.size) for p in populations]),
        limit=net.threshold.copy(),
        currents=np.zeros(net.kappa.size),
        ring=np.zeros((net.n_slots, int(net.ring_start[-1])), dtype=np.int64),
        n_ring=np.zeros((net.n_slots, n_emitters), dtype=np.int64),
    )


def _spikes(lowered: Lowered, trials: list[_Trial]) -> dict[str, Spikes]:
    steps = np.concatenate([part for t in trials for part in t.spike_steps])
    neurons = np.concatenate([part for t in trials for part in t.spike_neurons])
    of_trial = np.repeat(
        np.arange(len(trials)), [sum(len(part) for part in t.spike_steps) for t in trials]
    )
    found = {}
    first = 0
    for name, population in lowered.neurons.items():
        if name in lowered.record:
            mine = (neurons >= first) & (neurons < first + population.size)
            found[name] = steps[mine], neurons[mine] - first, of_trial[mine]
        first += population.size
    for name, source in lowered.sources.items():
        if name in lowered.record:
            found[name] = source.steps, source.senders, source.trials
    return {name: found[name] for name in lowered.record}


def _potentials(lowered: Lowered, trials: list[_Trial]) -> dict[str, np.ndarray]:
    found, at = {}, 0
    traces = [np.concatenate(t.traces) for t in trials if t.traces]
    for name, population in lowered.neurons.items():  # the order in which the kernel writes them
        if name in lowered.record_potential:
            mine = [trace[:, at : at + population.size] for trace in traces]
            found[f"{name}.v_mv"] = np.stack(mine) + population.v_rest
            at += population.size
    return found
