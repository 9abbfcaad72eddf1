"""What comes from outside in one trial, handed to NEST's generators block by block of steps.

All of it is drawn or given outside NEST, whose own random numbers depend on its threads. Of what
each neuron gets for itself a rank hands over that of the neurons at home with it.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.nest.memory import BLOCK_BYTES as _BLOCK_BYTES
from spikelearn.simulation.nest.memory import INPUT_BYTES as _INPUT
from spikelearn.simulation.nest.network import Made

_SHORTEST_BLOCK = 64
# Generators whose values are set together: NEST then reads all that is in them.
_TOGETHER = 500


class Feed:
    """The input of one trial.

    Parameters
    ----------
    grid : GridNetwork
    made : Made
        The network in NEST.
    trial : int
    """

    def __init__(self, grid: GridNetwork, made: Made, trial: int) -> None:
        self.made, self.trial, self.background = made, trial, grid.background
        self.drives = {name: grid.drive(name, trial, trial + 1) for name in made.drives}
        self.fed = 0
        for name, source in grid.sources.items():
            mine = np.flatnonzero(source.trials == trial)
            mine = mine[np.argsort(source.senders[mine], kind="stable")]
            counts = np.ones(mine.size, dtype=np.int64)
            _set_spikes(made.sources[name], source.steps[mine], source.senders[mine], counts)

    def longest_block(self) -> int:
        """Steps whose input is not too much to be in memory at once."""
        width = sum(map(len, self.made.backgrounds)) + sum(map(len, self.made.drives.values()))
        return max(_SHORTEST_BLOCK, _BLOCK_BYTES // (_INPUT * max(width, 1)))

    def feed(self, n_steps: int) -> None:
        """Hand over the next steps; what lies after the end of the run never arrives."""
        for generators, background in zip(self.made.backgrounds, self.background, strict=True):
            here = self.made.at_home(background.target)
            drawn = background.block(self.trial, self.fed, n_steps)[:, here]
            block = drawn.T.astype(np.int64, order="C")
            senders, steps = np.nonzero(block)
            _set_spikes(generators, steps + self.fed, senders, block[block > 0])
        for name, drive in self.drives.items():
            currents = list(islice(drive, n_steps))
            if currents:
                _set_currents(self.made.drives[name], self._here(name, currents), self.fed)
        self.fed += n_steps

    def _here(self, name: str, currents: list[np.ndarray]) -> np.ndarray:
        """What flows into the neurons at home here, (steps, neurons); one column where alike."""
        together = np.concatenate(currents)
        return together[:, self.made.at_home(name)] if together.shape[1] > 1 else together


def _set_spikes(
    generators: Any, steps: np.ndarray, senders: np.ndarray, counts: np.ndarray
) -> None:
    """Give each generator its spikes, which come one generator's after another's, by step.

    Parameters
    ----------
    generators : NodeCollection
    steps, senders, counts : arrays of shape (n,)
        When which of them sends, and how many spikes at once.
    """
    ends = np.cumsum(np.bincount(senders, minlength=len(generators)))[:-1]
    times = np.split(steps + 1.0, ends)
    numbers = np.split(counts, ends)
    _set(
        generators,
        [
            {"spike_times": at, "spike_multiplicities": number}
            for at, number in zip(times, numbers, strict=True)
        ],
    )


def _set_currents(generators: Any, currents: np.ndarray, first: int) -> None:
    """Give generators their currents, (steps, generators), from step `first` on."""
    changes = np.ones(currents.shape, dtype=bool)
    changes[1:] = currents[1:] != currents[:-1]
    times = np.arange(first + 1.0, first + 1.0 + len(currents))
    _set(
        generators,
        [
            {"amplitude_times": times[changed], "amplitude_values": values[changed]}
            for changed, values in zip(changes.T, currents.T, strict=True)
        ],
    )


def _set(generators: Any, values: list[dict[str, np.ndarray]]) -> None:
    """Set values of generators one by one; there may be more of these than a rank has neurons."""
    for first in range(0, len(values), _TOGETHER):
        part = slice(first, min(first + _TOGETHER, len(values)))
        generators[part].set(values[part])
