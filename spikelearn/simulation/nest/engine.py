"""Simulation on NEST (Gewaltig & Diesmann 2007, doi:10.4249/scholarpedia.1430), version 3.10.

Its leaky integrate-and-fire neurons (`iaf_psc_delta`, `iaf_psc_exp_multisynapse`,
`iaf_psc_alpha_multisynapse`) make a step in our order, exactly: they integrate unless they are
refractory, let currents decay, take up what arrives, and spike, at their threshold where ours spike
above it. NEST starts with an exchange of spikes and a step in which nothing happens, so that input
without delay can be sent ahead.

It has none of what its stock of models lacks: subtracting resets, our adaptive threshold,
conductances and synapses of several kinds on one population with our integration, and plasticity.
A time constant of an exponential current that is the membrane's is taken for its neighbour, which
differs in the last digit.

Trials run one after another, each in a network made anew, on as many threads as the process may use
where the network is worth them, and on several ranks of MPI where NEST was built with it
(`nest/ranks.py`), each of which gets the whole result. Neither number changes what is drawn; it may
change the order in which a neuron's input is summed up, and so the last digit of a potential. NEST
has one network a process: a process that holds one of its own in NEST is refused, and NEST is reset
after a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import (
    GridNetwork,
    GridSpikes,
    PartialRun,
    Result,
    diverged,
)
from spikelearn.simulation.grid.neurons import (
    ADAPTIVE_THRESHOLDS,
    ALPHA_SYNAPSES,
    SEVERAL_KINDS,
    SUBTRACTING_RESETS,
)
from spikelearn.simulation.nest.inputs import Feed
from spikelearn.simulation.nest.kernel import empty_kernel
from spikelearn.simulation.nest.network import Clock, begin, clock_of, first_id, make
from spikelearn.simulation.nest.ranks import ALONE, Ranks, ranks_of

FEATURES = frozenset({ALPHA_SYNAPSES, SEVERAL_SPIKES})
LACKS = frozenset({SUBTRACTING_RESETS, ADAPTIVE_THRESHOLDS, SEVERAL_KINDS})

# Steps between two looks at the progress and the interrupt.
_LONGEST_BLOCK = 1024
_NEURON_STEPS = 2**24


def run(grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
    """Run a network on the grid; see `spikelearn.simulation.simulate`.

    Parameters
    ----------
    grid : GridNetwork
    progress : callable
        Told the fraction that is done, now and then.
    precision : {"float64"}
        NEST has no other.
    """
    trials: list[_Trial] = []
    ranks = ALONE
    try:
        with empty_kernel() as nest:
            ranks = ranks_of(nest)
            ranks.check_same(grid)
            clock = clock_of(grid)
            for number in range(grid.n_trials):

                def of_trial(fraction: float, number: int = number) -> None:
                    progress((number + fraction) / grid.n_trials)

                nest.ResetKernel()
                trials.append(_Trial(grid, number))
                trials[-1].run(nest, clock, ranks, of_trial)
    except KeyboardInterrupt:
        if ranks.number > 1:  # the others are elsewhere by now, and what they have is out of reach
            raise
        reached = np.zeros(grid.n_trials, dtype=np.int64)
        reached[: len(trials)] = [trial.reached for trial in trials]
        raise PartialRun(_result(grid, trials), reached) from None
    return _result(grid, trials)


class _Trial:
    """One trial, and what is recorded of it until the step that it has reached."""

    def __init__(self, grid: GridNetwork, number: int) -> None:
        self.grid, self.number = grid, number
        self.reached = 0
        nothing = np.empty(0, dtype=np.int64)
        self.spikes = {name: (nothing, nothing) for name in grid.record if name in grid.neurons}
        self.recorded = {
            name: np.sort(grid.of_chosen(name, np.arange(grid.neurons[name].size)))
            for name in grid.record_potential
        }
        self.potentials = {
            name: np.zeros((grid.n_recorded(grid.n_steps), self.recorded[name].size))
            for name in grid.record_potential
        }

    def run(self, nest: Any, clock: Clock, ranks: Ranks, progress: Callable[[float], None]) -> None:
        """Make the network in NEST, run it, and gather from all ranks what is recorded.

        Parameters
        ----------
        nest : module
        clock : Clock
        ranks : Ranks
        progress : callable
            Told the fraction that is done.
        """
        grid = self.grid
        self.made = make(nest, grid, clock, ranks)
        ahead = self.made.clock.ahead
        feed = Feed(grid, self.made, self.number)
        n_neurons = sum(p.size for p in grid.neurons.values())
        block = min(_LONGEST_BLOCK, _NEURON_STEPS // n_neurons, feed.longest_block())
        block = max(block, self.made.clock.exchange)
        feed.feed(ahead)
        nest.Simulate(float(ahead))
        begin(grid, self.made)
        # A multimeter is told of the time between two exchanges after it.
        beyond = self.made.clock.exchange if grid.record_potential else 0
        done = 0
        try:
            while done < grid.n_steps + beyond:
                n_steps = min(block, grid.n_steps + beyond - done)
                feed.feed(n_steps)
                nest.Simulate(float(n_steps))
                done += n_steps
                self._take_potentials()
                progress(min(1.0, done / (grid.n_steps + beyond)))
        finally:
            self._take_spikes()
            self.reached = max(0, min(done - beyond, grid.n_steps))
        self._check()
        for name, found in self.spikes.items():
            self.spikes[name] = ranks.gathered(found[0]), ranks.gathered(found[1])
        for potential in self.potentials.values():
            ranks.add_up(potential)

    def _take_potentials(self) -> None:
        for name, potential in self.potentials.items():
            recorder = self.made.potentials[name]
            events = recorder.get("events")
            recorder.set({"n_events": 0})
            steps = self._steps(events["times"])
            known = (steps >= 0) & (steps < self.grid.n_steps)
            senders = _whole(events["senders"]) - first_id(self.made.neurons[name])
            rows = steps[known] // self.grid.record_every
            columns = np.searchsorted(self.recorded[name], senders[known])
            potential[rows, columns] = np.asarray(events["V_m"])[known]

    def _take_spikes(self) -> None:
        for name in self.spikes:
            events = self.made.spikes[name].get("events")
            steps = self._steps(events["times"])
            senders = _whole(events["senders"])
            known = steps < self.grid.n_steps
            first = first_id(self.made.neurons[name])
            self.spikes[name] = steps[known], senders[known] - first

    def _steps(self, times: Any) -> np.ndarray:
        """The steps that end at these times of NEST's."""
        return _whole(times) - (1 + self.made.clock.ahead)

    def _check(self) -> None:
        for name, p in self.grid.neurons.items():
            mine, nodes = self.made.at_home(name), self.made.neurons[name]
            there = mine.start < len(nodes)  # NEST knows no empty part
            finite = not there or bool(np.isfinite(nodes[mine].get("V_m")).all())
            if self.made.ranks.any(not finite):
                raise diverged(p, self.grid.dt_ms, 0.0, self.grid.n_steps * self.grid.dt_ms)


def _whole(numbers: Any) -> np.ndarray:
    """As whole numbers, which NEST's arrays are not where they are empty."""
    return np.asarray(numbers, dtype=np.int64)


def _result(grid: GridNetwork, trials: list[_Trial]) -> Result:
    spikes = {
        name: grid.sources[name] if name in grid.sources else _together(grid, trials, name)
        for name in grid.record
    }
    states = {}
    for name in grid.record_potential:
        p = grid.neurons[name]
        chosen = grid.of_chosen(name, np.arange(p.size))
        rest = np.broadcast_to(p.v_rest, (p.size,))[chosen]
        potentials = np.zeros((grid.n_trials, grid.n_recorded(grid.n_steps), chosen.size))
        for trial in trials:
            # NEST numbers them in ascending order, whatever the order in which they were chosen.
            places = np.searchsorted(trial.recorded[name], chosen)
            potentials[trial.number] = trial.potentials[name][:, places] + rest
        states[f"{name}.v_mv"] = potentials
    return spikes, states, {}


def _together(grid: GridNetwork, trials: list[_Trial], name: str) -> GridSpikes:
    """A population's spikes in all trials."""
    steps = [trial.spikes[name][0] for trial in trials]
    senders = [trial.spikes[name][1] for trial in trials]
    numbers = np.repeat([trial.number for trial in trials], [part.size for part in steps])
    nothing = np.empty(0, dtype=np.int64)
    return GridSpikes(
        grid.neurons[name].size,
        np.concatenate([nothing, *steps]),
        numbers.astype(np.int64),
        np.concatenate([nothing, *senders]),
    )
