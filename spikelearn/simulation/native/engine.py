"""Simulation on our own engine: event-driven in its deliveries, exact in its linear dynamics.

Every neuron is integrated at every step, by its closed form; a spike costs as much as it has
synapses, and a silent neuron's synapses cost nothing. Trials run side by side on the processor's
cores; where there are fewer, and the network is large enough, each is computed by several threads,
a part of the network each (`native/parts.py`). Compiled once (a few seconds) and kept on disk, in
Numba's cache.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import numpy as np

from spikelearn._threads import ThreadPool
from spikelearn._threads import n_threads as _n_cores
from spikelearn.networks.neurons import NeuronModel
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import GridNetwork, GridSpikes, PartialRun, Result
from spikelearn.simulation.grid.neurons import ALL_SYNAPSES
from spikelearn.simulation.memory import SPIKES_HELD as _SPIKES
from spikelearn.simulation.native import plasticity as learning
from spikelearn.simulation.native.arrange import arrange_parts
from spikelearn.simulation.native.cache import forget_stale
from spikelearn.simulation.native.feed import by_trial
from spikelearn.simulation.native.kernels import advance
from spikelearn.simulation.native.parts import Part, deal, worth_parts
from spikelearn.simulation.native.state import Net, joined
from spikelearn.simulation.native.trial import Trial
from spikelearn.simulation.spike_store import DiskFull, SpikeStore, StoredSpikes

FEATURES = ALL_SYNAPSES | {SEVERAL_SPIKES, "plasticity"}

forget_stale(advance)


def integrates(model: type[NeuronModel]) -> bool:
    """Whether such neurons can be integrated: leaky ones, and those that have slopes."""
    return model.leaky or model.slopes is not None


Arranged = list[tuple[Part, Net]]
"""A network in as many parts as threads compute a trial of it, each as the kernel wants it."""


def arranged(grid: GridNetwork) -> Arranged:
    """The network in as many parts as it is best computed in on the threads that there are."""
    n_threads = _n_cores()
    parts = deal(grid, worth_parts(grid, n_threads // min(grid.n_trials, n_threads)))
    return list(zip(parts, arrange_parts(grid, parts), strict=True))


def run(
    grid: GridNetwork,
    progress: Callable[[float], None],
    precision: str,
    parts: Arranged | None = None,
) -> Result:
    """Run a network on the grid; see `spikelearn.simulation.simulate`.

    Parameters
    ----------
    grid : GridNetwork
    progress : callable
        Told the fraction that is done, now and then.
    precision : str
        "float64", the only one here.
    parts : Arranged, optional
        What `arranged(grid)` gives, where one network runs more than once.
    """
    parts = arranged(grid) if parts is None else parts
    sources = [by_trial(source, grid.n_trials) for source in grid.sources.values()]
    n_threads = min(grid.n_trials, _n_cores())
    room = max(_SPIKES, *(_most_at_once(net) for _, net in parts))
    # Of each trial that runs, those just put away and those that will be at the end.
    store = _store(grid, 2 * n_threads * room * len(parts))
    # All parts of a trial must run at once, beside one that draws its next input.
    helpers = ThreadPool(n_threads * len(parts)) if len(parts) > 1 else None
    trials = [
        Trial(grid, parts, store, index, [source[index] for source in sources], room, helpers)
        for index in range(grid.n_trials)
    ]
    try:
        return _run(grid, progress, trials, store, n_threads)
    finally:
        if helpers is not None:
            helpers.shutdown()


def _run(
    grid: GridNetwork,
    progress: Callable[[float], None],
    trials: list[Trial],
    store: SpikeStore,
    n_threads: int,
) -> Result:
    stop = threading.Event()

    def advance_trial(trial: Trial) -> None:
        try:
            for _ in trial.steps():
                if stop.is_set():
                    break
        except BaseException:
            stop.set()  # the other trials need not come to their ends before it is told
            raise

    with ThreadPool(n_threads) as pool:
        futures: list[Future[Any]] = [pool.submit(advance_trial, trial) for trial in trials]
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


def _store(grid: GridNetwork, ahead: int) -> SpikeStore:
    starts = np.cumsum([0, *(p.size for p in grid.neurons.values())]).tolist()
    first = dict(zip(grid.neurons, starts, strict=False))
    return SpikeStore(
        {name: at for name, at in first.items() if name in grid.record},
        grid.n_trials,
        grid.n_steps,
        grid.spikes_in_memory_mb,
        ahead=ahead,
    )


def _most_at_once(net: Net) -> int:
    """Spikes of a part for which there must be room."""
    return (1 + net.phase) * int(net.threshold.size)


def _result(grid: GridNetwork, store: SpikeStore, trials: list[Trial]) -> Result:
    weights = learning.weights_after(grid, trials[0].learnt()) if grid.plastic else {}
    return _spikes(grid, store), _potentials(grid, trials), weights


def _spikes(grid: GridNetwork, store: SpikeStore) -> dict[str, GridSpikes | StoredSpikes]:
    spikes: dict[str, GridSpikes | StoredSpikes] = {}
    for name in grid.record:
        if name in grid.sources:
            spikes[name] = grid.sources[name]
        else:
            spikes[name] = StoredSpikes(store, name)
    return spikes


def _potentials(grid: GridNetwork, trials: list[Trial]) -> dict[str, np.ndarray]:
    potentials: dict[str, np.ndarray] = {}
    for name in (name for name in grid.neurons if name in grid.record_potential):
        population = grid.neurons[name]
        rest = grid.of_chosen(name, np.broadcast_to(population.v_rest, (population.size,)))
        traces = [
            joined(trial.potentials[name], np.float64).reshape(-1, rest.size) for trial in trials
        ]
        # Where a run was interrupted, some trials are further than others.
        longest = max(len(trace) for trace in traces)
        traces = [np.pad(trace, ((0, longest - len(trace)), (0, 0))) for trace in traces]
        potentials[f"{name}.v_mv"] = np.stack(traces) + rest
    return potentials
