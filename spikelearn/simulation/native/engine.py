"""Simulation on our own engine: event-driven in its deliveries, exact in its linear dynamics.

Every neuron is integrated at every step, by its closed form; a spike costs as much as it has
synapses, and a silent neuron's synapses cost nothing. Trials run side by side on the processor's
cores. Compiled once (a few seconds) and kept on disk, in Numba's cache.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from spikelearn._threads import n_threads as _n_cores
from spikelearn.networks.neurons import NeuronModel
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import (
    GridNetwork,
    GridSpikes,
    PartialRun,
    Result,
    diverged,
)
from spikelearn.simulation.grid.neurons import ALL_SYNAPSES
from spikelearn.simulation.memory import SPIKES_HELD as _SPIKES
from spikelearn.simulation.native import plasticity as learning
from spikelearn.simulation.native.arrange import Feed, arrange, arranged_state, by_trial, models_of
from spikelearn.simulation.native.cache import forget_stale
from spikelearn.simulation.native.kernels import advance
from spikelearn.simulation.native.state import Net, aligned, joined, n_neurons
from spikelearn.simulation.spike_store import DiskFull, SpikeStore, StoredSpikes

FEATURES = ALL_SYNAPSES | {SEVERAL_SPIKES, "plasticity"}

forget_stale(advance)

# Steps between two looks at the progress and the interrupt: for small networks more, since to enter
# compiled code takes as long as 100,000 steps of a neuron.
_BLOCK, _LONGEST_BLOCK = 256, 4096
_NEURON_STEPS = 2**20


def integrates(model: type[NeuronModel]) -> bool:
    """Whether such neurons can be integrated: leaky ones, and those that have slopes."""
    return model.leaky or model.slopes is not None


def run(
    grid: GridNetwork,
    progress: Callable[[float], None],
    precision: str,
    net: Net | None = None,
) -> Result:
    """Run a network on the grid; see `spikelearn.simulation.simulate`.

    Parameters
    ----------
    grid : GridNetwork
    progress : callable
        Told the fraction that is done, now and then.
    precision : str
        "float64", the only one here.
    net : Net, optional
        What `arrange(grid)` gives, where one network runs more than once.
    """
    net = arrange(grid) if net is None else net
    sources = [by_trial(source, grid.n_trials) for source in grid.sources.values()]
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
    first = dict(zip(grid.neurons, net.populations["first"].tolist(), strict=True))
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
    return max(_SPIKES, 2 * n_neurons(net))


def _result(grid: GridNetwork, store: SpikeStore, trials: list[_Trial]) -> Result:
    weights = learning.weights_after(grid, trials[0].plastic) if grid.plastic else {}
    return _spikes(grid, store), _potentials(grid, trials), weights


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
        models = models_of(self.grid, self.net)
        plastic = learning.start(self.grid, self.net) if self.grid.plastic else None
        self.state = aligned(arranged_state(self.grid, self.net))
        self.models = None if models is None else aligned(models)
        self.plastic = None if plastic is None else aligned(plastic)
        self.spike_steps = np.empty(_room(self.net), dtype=np.int64)
        self.spike_neurons = np.empty(_room(self.net), dtype=np.int64)
        traced = self.net.n_traced
        inputs = Feed(self.grid, self.net, self.index, self.sources)
        block = min(max(_NEURON_STEPS // n_neurons(self.net), _BLOCK), _LONGEST_BLOCK)
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
        del self.state, self.models  # of many trials, those that are over would fill the memory

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
            population = int(np.searchsorted(self.net.populations["end"], at, side="right"))
            dt = self.grid.dt_ms
            raise diverged(list(self.grid.neurons.values())[population], dt, first * dt, last * dt)


def _spikes(grid: GridNetwork, store: SpikeStore) -> dict[str, GridSpikes | StoredSpikes]:
    spikes: dict[str, GridSpikes | StoredSpikes] = {}
    for name in grid.record:
        if name in grid.sources:
            spikes[name] = grid.sources[name]
        else:
            spikes[name] = StoredSpikes(store, name)
    return spikes


def _potentials(grid: GridNetwork, trials: list[_Trial]) -> dict[str, np.ndarray]:
    potentials: dict[str, np.ndarray] = {}
    if not grid.record_potential:
        return potentials
    at = 0
    traces = [joined(t.traces, np.float64).reshape(-1, t.net.n_traced) for t in trials]
    # Where a run was interrupted, some trials are further than others.
    longest = max(len(trace) for trace in traces)
    traces = [np.pad(trace, ((0, longest - len(trace)), (0, 0))) for trace in traces]
    for name, population in grid.neurons.items():  # the order in which the kernel writes them
        if name in grid.record_potential:
            mine = [trace[:, at : at + population.size] for trace in traces]
            potentials[f"{name}.v_mv"] = np.stack(mine) + population.v_rest
            at += population.size
    return potentials
