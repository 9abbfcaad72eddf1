"""A backend: a module with FEATURES and `run`, and a line in BACKENDS.

Leaky neurons, adaptive or not, with jumps and exponential currents, step by step in NumPy, as the
page of `spikelearn.simulation` says it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikelearn.simulation import BACKENDS
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import GridNetwork, GridSpikes, Result

FEATURES: frozenset[str] = frozenset({SEVERAL_SPIKES})


class Trial:
    """What changes in one trial: potentials, currents, and who spiked when."""

    def __init__(self, grid: GridNetwork, number: int) -> None:
        self.grid = grid
        self.v = {name: p.v_init.copy() for name, p in grid.neurons.items()}
        self.currents = {
            name: [np.zeros(p.size) for _ in p.channels] for name, p in grid.neurons.items()
        }
        self.theta = {n: p.theta_init for n, p in grid.neurons.items() if p.theta_init is not None}
        # The step from which on a neuron integrates and may spike.
        self.free_from = {name: np.zeros(p.size, dtype=int) for name, p in grid.neurons.items()}
        sizes = {name: item.size for name, item in (grid.sources | grid.neurons).items()}
        self.spiked = {name: np.zeros((grid.n_steps, n), int) for name, n in sizes.items()}
        for name, source in grid.sources.items():
            mine = source.trials == number
            np.add.at(self.spiked[name], (source.steps[mine], source.senders[mine]), 1)
        self.drives = {
            name: grid.drive(name, number, number + 1) for name in grid.neurons if grid.driven(name)
        }
        self.background = [(item, item.counts(number, number + 1)) for item in grid.background]
        self.traces = {name: np.zeros((grid.n_steps, p.size)) for name, p in grid.neurons.items()}

    def step(self, now: int) -> None:
        """Integrate, deliver, threshold, reset."""
        for name, p in self.grid.neurons.items():
            after = p.beta * self.v[name]
            for index, channel in enumerate(p.channels):
                after += channel.kappa * self.currents[name][index]
                self.currents[name][index] *= channel.alpha
            if name in self.drives:
                after += (1 - p.beta) * next(self.drives[name])[0]
            self.v[name] = np.where(now >= self.free_from[name], after, self.v[name])
            if name in self.theta:
                self.theta[name] = p.theta_decay * self.theta[name]
        held = {name: v.copy() for name, v in self.v.items()}
        for s in self.grid.synapses:
            if now >= s.delay_steps:
                c = s.connections
                number = self.spiked[s.source][now - s.delay_steps][c.pre]
                np.add.at(self._goal(s.target, s.channel), c.post, number * c.weight)
        for item, counts in self.background:
            self._goal(item.target, item.channel)[:] += item.weight * next(counts)[0]
        for name, p in self.grid.neurons.items():
            free = now >= self.free_from[name]
            v = np.where(free, self.v[name], held[name])
            limit = p.threshold + self.theta.get(name, 0.0)
            spikes = free & (v > limit)
            self.spiked[name][now] = spikes
            v = np.where(spikes, v - limit if p.subtract else p.reset, v)
            if name in self.theta:
                self.theta[name] = self.theta[name] + p.theta_increment * spikes
            self.free_from[name][spikes] = now + p.refractory_steps
            self.v[name], self.traces[name][now] = v, v + p.v_rest

    def _goal(self, target: str, channel: int | None) -> np.ndarray:
        return self.v[target] if channel is None else self.currents[target][channel]


def run(grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
    """Run a network on the grid; see `spikelearn.simulation.simulate.Backend`."""
    trials = [Trial(grid, number) for number in range(grid.n_trials)]
    for number, trial in enumerate(trials):
        for now in range(grid.n_steps):
            trial.step(now)
        progress((number + 1) / grid.n_trials)
    spikes = {}
    for name in grid.record:
        number = np.stack([t.spiked[name] for t in trials])
        of_trial, steps, senders = (
            np.repeat(where, number[number > 0]) for where in np.nonzero(number)
        )
        size = (grid.sources | grid.neurons)[name].size
        spikes[name] = GridSpikes(size, steps, of_trial, senders)
    states = {
        f"{n}.v_mv": grid.recorded(n, np.stack([t.traces[n] for t in trials]))
        for n in grid.record_potential
    }
    return spikes, states, {}


BACKENDS["added_backend"] = (__name__, "numpy")
