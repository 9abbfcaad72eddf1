"""What comes into one trial from outside, block by block."""

from __future__ import annotations

from itertools import islice

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork, InputSpikes
from spikelearn.simulation.native.arrange import arranged_backgrounds
from spikelearn.simulation.native.arrays import joined
from spikelearn.simulation.native.state import DRIVE, Inputs, Net


class Feed:
    """The input of one trial.

    Parameters
    ----------
    grid : GridNetwork
    net : Net
        The same network, arranged.
    trial : int
    sources : list of pairs of arrays
        Steps and senders of each source's spikes in this trial, see `by_trial`.
    """

    def __init__(
        self, grid: GridNetwork, net: Net, trial: int, sources: list[tuple[np.ndarray, np.ndarray]]
    ) -> None:
        self.grid, self.sources = grid, sources
        self.backgrounds, self.background_weight = arranged_backgrounds(grid, net)
        self.counts = [b.counts(trial, trial + 1) for b in grid.background]
        self.drives = {
            name: grid.drive(name, trial, trial + 1) for name in grid.neurons if grid.driven(name)
        }

    def block(self, first: int, end: int) -> Inputs | None:
        """Everything that comes in at steps `first` to `end` - 1; None where nothing ever does."""
        if not (self.sources or self.drives or self.counts):
            return None
        spike_start, senders = self._spikes(first, end)
        drives, current = self._currents(end - first)
        backgrounds, counts = self._counts(end - first)
        return Inputs(
            spike_start, senders, drives, current, backgrounds, self.background_weight, counts
        )

    def _spikes(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        starts, senders, taken = [], [], 0
        for steps, who in self.sources:
            places = np.searchsorted(steps, np.arange(first, end + 1))
            starts.append(places - places[0] + taken)
            senders.append(who[places[0] : places[-1]])
            taken += len(senders[-1])
        shape = (len(self.sources), end - first + 1)
        return np.array(starts, dtype=np.int64).reshape(shape), joined(senders, np.int64)

    def _currents(self, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        drives = np.zeros(len(self.grid.neurons), DRIVE)
        currents, used = [], 0
        for drive, name in zip(drives, self.grid.neurons, strict=True):
            if name in self.drives:
                part = np.concatenate(list(islice(self.drives[name], n_steps)))
                drive["start"], drive["width"] = used, part.shape[1]
                currents.append(part.ravel())
                used += part.size
        return drives, joined(currents, np.float64)

    def _counts(self, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        backgrounds = self.backgrounds.copy()
        counts, drawn = [], 0
        for background, steps in zip(backgrounds, self.counts, strict=True):
            counts.append(np.concatenate(list(islice(steps, n_steps)), axis=None))
            background["counts_start"] = drawn
            drawn += counts[-1].size
        return backgrounds, joined(counts, np.int64)


def by_trial(source: InputSpikes, n_trials: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Steps and senders of a source's spikes in each trial, by step."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    trials = source.trials.astype(np.uint16) if n_trials < 2**16 else source.trials
    order = np.argsort(trials, kind="stable") if n_trials > 1 else slice(None)
    ends = np.cumsum(np.bincount(source.trials, minlength=n_trials))[:-1]
    return list(
        zip(np.split(source.steps[order], ends), np.split(source.senders[order], ends), strict=True)
    )
