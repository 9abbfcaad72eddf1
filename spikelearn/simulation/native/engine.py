"""Simulation on our own engine: event-driven in its deliveries, exact in its linear dynamics.

Every neuron is integrated at every step, by its closed form; a spike costs as much as it has
synapses, and a silent neuron's synapses cost nothing. Trials run side by side on the processor's
cores. Compiled once (a few seconds) and kept on disk, in Numba's cache.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice

import numpy as np

from spikelearn.simulation.grid.network import (
    Background,
    GridNetwork,
    InputSpikes,
    PartialRun,
    Result,
    Spikes,
    Synapses,
    diverged,
)
from spikelearn.simulation.grid.neurons import ALL_NEURONS_AND_SYNAPSES, GridNeurons
from spikelearn.simulation.native import models as native_models
from spikelearn.simulation.native import plasticity as learning
from spikelearn.simulation.native.arrays import aligned, empty
from spikelearn.simulation.native.cache import forget_stale
from spikelearn.simulation.native.kernels import Inputs, Net, State, advance, sort_by_source
from spikelearn.simulation.native.models import Models
from spikelearn.simulation.spike_store import DiskFull, SpikeStore, StoredSpikes

FEATURES = ALL_NEURONS_AND_SYNAPSES | {"plasticity"}

forget_stale(advance)

# Steps between two looks at the progress and the interrupt: for small networks more, since to enter
# compiled code takes as long as 100,000 steps of a neuron.
_BLOCK, _LONGEST_BLOCK = 256, 4096
_NEURON_STEPS = 2**20
_SPIKES = 65_536  # recorded before they are moved out of the kernel's arrays


def run(
    grid: GridNetwork,
    progress: Callable[[float], None],
    precision: str,
    net: Net | None = None,
) -> Result:
    """Run a network on the grid; see `spikelearn.simulation.simulate`.

    `net`, which is `arrange(grid)`, may be given where one network runs more than once.
    """
    net = arrange(grid) if net is None else net
    sources = [_by_trial(source, grid.n_trials) for source in grid.sources.values()]
    n_threads = min(grid.n_trials, _n_cores())
    store = _store(grid, net, n_threads)
    trials = [
        _Trial(grid, net, store, index, [source[index] for source in sources])
        for index in range(grid.n_trials)
    ]
    stop = threading.Event()

    def advance_trial(trial: _Trial) -> None:
        try:
            for _ in trial.steps():
                if stop.is_set():
                    break
        except BaseException:
            stop.set()  # the other trials need not come to their ends before it is told
            raise

    with ThreadPoolExecutor(n_threads) as pool:
        futures = [pool.submit(advance_trial, trial) for trial in trials]
        try:
            for future in futures:
                while True:
                    try:
                        future.result(timeout=0.1)
                        break
                    except TimeoutError:
                        done = sum(trial.reached for trial in trials)
                        progress(done / (grid.n_trials * grid.n_steps))
        except BaseException as error:
            stop.set()
            for future in futures:
                future.cancel()
            wait(futures)
            if isinstance(error, KeyboardInterrupt | DiskFull):
                for trial in trials:
                    with contextlib.suppress(DiskFull):
                        trial.put_away()
                reached = np.array([trial.reached for trial in trials])
                reason = str(error) if isinstance(error, DiskFull) else None
                raise PartialRun(_result(grid, store, trials), reached, reason) from None
            raise
    return _result(grid, store, trials)


def _store(grid: GridNetwork, net: Net, n_threads: int) -> SpikeStore:
    first = dict(zip(grid.neurons, net.first.tolist(), strict=False))
    return SpikeStore(
        {name: at for name, at in first.items() if name in grid.record},
        grid.n_trials,
        grid.n_steps,
        grid.spikes_in_memory_mb,
        # Of each trial that runs, those just put away and those that will be at the end.
        ahead=2 * n_threads * _room(net),
    )


def _room(net: Net) -> int:
    """Spikes that a trial holds before it puts them away."""
    return max(_SPIKES, 2 * int(net.first[-1]))


def _by_trial(source: InputSpikes, n_trials: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Steps and senders of a source's spikes in each trial, by step."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    trials = source.trials.astype(np.uint16) if n_trials < 2**16 else source.trials
    order = np.argsort(trials, kind="stable") if n_trials > 1 else slice(None)
    ends = np.cumsum(np.bincount(source.trials, minlength=n_trials))[:-1]
    return list(
        zip(np.split(source.steps[order], ends), np.split(source.senders[order], ends), strict=True)
    )


def _result(grid: GridNetwork, store: SpikeStore, trials: list[_Trial]) -> Result:
    weights = learning.weights_after(grid, trials[0].plastic) if grid.plastic else {}
    return _spikes(grid, store), _potentials(grid, trials), weights


def _n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Trial:
    """One trial's state, and what it has recorded."""

    def __init__(
        self,
        grid: GridNetwork,
        net: Net,
        store: SpikeStore,
        index: int,
        sources: list[tuple[np.ndarray, np.ndarray]],
    ) -> None:
        self.grid, self.net, self.index, self.sources = grid, net, index, sources
        self.store = store
        self.reached = 0
        self.plastic: learning.Plastic | None = None
        # The kernel writes spikes here; `put_away` moves them on.
        self.spike_steps = self.spike_neurons = np.empty(0, dtype=np.int64)
        self.n_spikes = 0
        self.traces: list[np.ndarray] = []

    def steps(self) -> Iterator[None]:
        """Run, stopping after every block; `reached` says how far it is."""
        models = _models(self.grid, self.net)
        plastic = learning.start(self.grid, self.net)
        self.state = aligned(_start(self.grid, self.net))
        self.models = None if models is None else aligned(models)
        self.plastic = None if plastic is None else aligned(plastic)
        self.spike_steps = np.empty(_room(self.net), dtype=np.int64)
        self.spike_neurons = np.empty(_room(self.net), dtype=np.int64)
        traced = self.net.n_traced
        inputs = _Feed(self.grid, self.net, self.index, self.sources)
        block = min(max(_NEURON_STEPS // int(self.net.first[-1]), _BLOCK), _LONGEST_BLOCK)
        for first in range(0, self.grid.n_steps, block):
            last = min(first + block, self.grid.n_steps)
            fed = inputs.block(first, last)
            trace = np.empty((last - first) * traced)
            step = first
            while step < last:
                step, n = advance(
                    self.net, self.state, self.models, self.plastic, fed, first, step, last,
                    self.spike_steps[self.n_spikes :], self.spike_neurons[self.n_spikes :], trace,
                )  # fmt: skip
                self.n_spikes += n
                if step < last:
                    self.put_away()
            self._check(first, last)
            if traced:
                self.traces.append(trace.reshape(last - first, traced))
            self.reached = last
            yield
        self.put_away()
        self.spike_steps = self.spike_neurons = np.empty(0, dtype=np.int64)

    def put_away(self) -> None:
        """Move the spikes out of the kernel's arrays.

        Raises
        ------
        DiskFull
        """
        n, self.n_spikes = self.n_spikes, 0
        self.store.add(self.index, self.spike_steps[:n], self.spike_neurons[:n])

    def _check(self, first: int, last: int) -> None:
        if not np.isfinite(self.state.v).all():
            at = int(np.flatnonzero(~np.isfinite(self.state.v))[0])
            population = int(np.searchsorted(self.net.first, at, side="right")) - 1
            dt = self.grid.dt_ms
            raise diverged(list(self.grid.neurons)[population], dt, first * dt, last * dt)


class _Feed:
    """The input of one trial, block by block."""

    def __init__(
        self, grid: GridNetwork, net: Net, trial: int, sources: list[tuple[np.ndarray, np.ndarray]]
    ) -> None:
        self.grid, self.trial, self.sources = grid, trial, sources
        names = list(grid.neurons)
        self.background_channels = np.array(
            [_channel(b, names, net.first_channel) for b in grid.background], dtype=np.int64
        )
        self.background = [b.counts(trial, trial + 1) for b in grid.background]
        self.drives = {
            name: grid.drive(name, trial, trial + 1) for name in grid.neurons if grid.driven(name)
        }

    def block(self, first: int, last: int) -> Inputs | None:
        """Everything that comes in at steps `first` to `last` - 1; None where nothing ever does."""
        grid, n = self.grid, last - first
        if not (self.sources or self.drives or self.background):
            return None
        names = list(grid.neurons)
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
            if name in self.drives:
                part = np.concatenate(list(islice(self.drives[name], n)))
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
            np.array([names.index(b.target) for b in grid.background], dtype=np.int64),
            self.background_channels,
            _joined([b.weight for b in grid.background], np.float64),
            np.cumsum([0, *(b.size for b in grid.background)])[:-1],
            np.array(places_of_counts, dtype=np.int64),
            _joined(counts, np.int64),
        )


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=dtype), *(np.ravel(p) for p in parts)]).astype(
        dtype, copy=False
    )


def arrange(grid: GridNetwork) -> Net:
    """The network on the grid as the kernel wants it."""
    populations = list(grid.neurons.values())
    sizes = np.array([p.size for p in populations], dtype=np.int64)
    names = list(grid.neurons)
    emitters = [*grid.sources, *names]
    emitter_sizes = [s.size for s in grid.sources.values()] + sizes.tolist()
    channels = [channel for p in populations for channel in p.channels]
    first_channel = np.cumsum([0, *(len(p.channels) for p in populations)])
    lengths = [channel.kappa.size for channel in channels]
    rows, first_row, n_rows = [], [], 0
    same_weight, first_weight, full = [], [], []
    # Written where they stay: parts that are joined would be there twice for a while.
    post = empty(sum(s.connections.post.size for s in grid.synapses), np.uint32)
    alike = [_alike_weights(s) for s in grid.synapses]
    weight = empty(
        sum(s.connections.pre.size for s, one in zip(grid.synapses, alike, strict=True) if not one)
    )
    n_synapses = n_weights = 0
    for synapses, same in zip(grid.synapses, alike, strict=True):
        c = synapses.connections
        if c.full:
            row = np.arange(c.n_source + 1) * c.n_target
        else:
            row = np.cumsum([0, *np.bincount(c.pre, minlength=c.n_source)])
        first_weight.append(n_synapses - n_weights)
        sorts = [(c.post, post[n_synapses : n_synapses + c.post.size])]
        if not same:
            sorts.append((c.weight, weight[n_weights : n_weights + c.pre.size]))
            n_weights += c.pre.size
        full.append(c.full and not same)
        for given, part in sorts:
            if c.full:
                part[:] = given
            else:
                sort_by_source(c.pre, given, row[:-1].copy(), part)
        rows.append(row + n_synapses)
        same_weight.append(c.weight[0] if same else np.nan)
        first_row.append(n_rows)
        n_rows += row.size
        n_synapses += c.post.size
    zeros = [np.zeros(p.size) for p in populations]
    longest = max((s.delay_steps for s in grid.synapses), default=0)
    return aligned(
        Net(
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
            alpha=np.array([channel.alpha for channel in channels], dtype=np.float64),
            kappa=_joined([channel.kappa for channel in channels], np.float64),
            source=np.array([emitters.index(s.source) for s in grid.synapses], dtype=np.int64),
            target=np.array([names.index(s.target) for s in grid.synapses], dtype=np.int64),
            delay=np.array([s.delay_steps for s in grid.synapses], dtype=np.int64),
            channel=np.array(
                [_channel(s, names, first_channel) for s in grid.synapses], dtype=np.int64
            ),
            first_row=np.array(first_row, dtype=np.int64),
            rows=_joined(rows, np.int64),
            post=post,
            same_weight=np.array(same_weight, dtype=np.float64),
            first_weight=np.array(first_weight, dtype=np.int64),
            weight=weight,
            full=np.array(full, dtype=np.bool_),
            ring_start=np.cumsum([0, *emitter_sizes]),
            n_slots=1 + max(longest, *(p.refractory_steps for p in populations)),
            n_sources=len(grid.sources),
            recorded=np.array([name in grid.record for name in names]),
            traced=np.array([name in grid.record_potential for name in names]),
            n_traced=sum(p.size for p in populations if p.name in grid.record_potential),
        )
    )


def _alike_weights(synapses: Synapses) -> bool:
    """Whether one weight stands for all; those that change are kept one by one."""
    weight = synapses.connections.weight
    return bool(weight.size and synapses.plasticity is None and (weight == weight[0]).all())


def _models(grid: GridNetwork, net: Net) -> Models | None:
    """What membranes need that are not linear, of one trial; None where all are simple."""
    populations = list(grid.neurons.values())
    channels = [channel for p in populations for channel in p.channels]
    codes = [_code(p) for p in populations]
    feeds = [c.feeds for p in populations for c in p.channels]
    if all(code == native_models.LINEAR for code in codes) and not any(
        f is not None for f in feeds
    ):
        return None
    n_neurons = int(net.first[-1])
    parameters = np.ones((native_models.N_PARAMETERS, n_neurons))
    variables = np.zeros((native_models.N_VARIABLES, n_neurons))
    for first, population in zip(net.first, populations, strict=False):
        columns = slice(first, first + population.size)
        for row, values in enumerate(population.parameters.values()):
            parameters[row, columns] = values
        for row, values in enumerate(population.variables.values()):
            variables[row, columns] = values
    places = [
        -1 if f is None else int(first) + f
        for first, p in zip(net.first_channel, populations, strict=False)
        for f in (c.feeds for c in p.channels)
    ]
    n_moments = 1 + 2 * max(p.n_substeps for p in populations)
    gains = np.zeros((len(channels), n_moments))
    for index, channel in enumerate(channels):
        gains[index, : len(channel.gains)] = channel.gains
    return Models(
        dt=float(grid.dt_ms),
        model=np.array(codes, dtype=np.int64),
        plain=np.array([_n_plain(p) for p in populations], dtype=np.int64),
        step_per_tau=np.concatenate([p.step_per_tau for p in populations]),
        parameters=parameters,
        n_substeps=np.array([p.n_substeps for p in populations], dtype=np.int64),
        gains=gains,
        mean=np.array([c.mean for c in channels], dtype=np.float64),
        reversal=_joined(
            [np.full(c.kappa.size, np.nan) if c.reversal is None else c.reversal for c in channels],
            np.float64,
        ),
        feeds=np.array(places, dtype=np.int64),
        transfer=np.array([c.transfer for c in channels], dtype=np.float64),
        variables=variables,
        drive=np.zeros((n_moments, n_neurons)),
        conductance=np.zeros((n_moments, n_neurons)),
    )


def _code(population: GridNeurons) -> int:
    if population.model == "lif":
        return native_models.CONDUCTING if population.conducting else native_models.LINEAR
    return {
        "adex": native_models.ADEX,
        "izhikevich": native_models.IZHIKEVICH,
        "hodgkin_huxley": native_models.HODGKIN_HUXLEY,
    }[population.model]


def _n_plain(population: GridNeurons) -> int:
    channels = population.channels
    simple = all(c.reversal is not None and c.feeds is None for c in channels)
    leaky = population.model == "lif"
    return len(channels) if leaky and population.conducting and simple and len(channels) <= 2 else 0


def _channel(item: Synapses | Background, names: list[str], first_channel: np.ndarray) -> int:
    if item.channel is None:
        return -1
    return int(first_channel[names.index(item.target)]) + item.channel


def _alike(population: GridNeurons) -> bool:
    kappas = [channel.kappa for channel in population.channels]
    parameters = [population.beta, population.threshold, population.reset, *kappas]
    return all((values == values[0]).all() for values in parameters)


def _filled(given: list[np.ndarray | None], instead: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([b if a is None else a for a, b in zip(given, instead, strict=True)])


def _start(grid: GridNetwork, net: Net) -> State:
    populations = list(grid.neurons.values())
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


def _spikes(grid: GridNetwork, store: SpikeStore) -> dict[str, Spikes | StoredSpikes]:
    found: dict[str, Spikes | StoredSpikes] = {}
    for name in grid.record:
        if name in grid.sources:
            source = grid.sources[name]
            found[name] = source.steps, source.senders, source.trials
        else:
            found[name] = StoredSpikes(store, name)
    return found


def _potentials(grid: GridNetwork, trials: list[_Trial]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    if not grid.record_potential:
        return found
    at = 0
    traces = [_joined(t.traces, np.float64).reshape(-1, t.net.n_traced) for t in trials]
    # Where a run was interrupted, some trials are further than others.
    longest = max(len(trace) for trace in traces)
    traces = [np.pad(trace, ((0, longest - len(trace)), (0, 0))) for trace in traces]
    for name, population in grid.neurons.items():  # the order in which the kernel writes them
        if name in grid.record_potential:
            mine = [trace[:, at : at + population.size] for trace in traces]
            found[f"{name}.v_mv"] = np.stack(mine) + population.v_rest
            at += population.size
    return found
