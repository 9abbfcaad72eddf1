"""What comes into a network from outside, block by block of steps: once for all of its parts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork, GridSpikes
from spikelearn.simulation.native.arrange import channel_of
from spikelearn.simulation.native.parts import Part
from spikelearn.simulation.native.state import BACKGROUND, DRIVE, Inputs, Net, joined


@dataclass(frozen=True)
class Block:
    """The input of some steps of one trial, of the whole network; see `Inputs`."""

    spike_start: np.ndarray
    senders: np.ndarray
    drives: dict[str, tuple[int, int]]  # by population: where it begins in `current`, its width
    current: np.ndarray
    counts_start: list[int]  # by background input
    counts: np.ndarray


class Feed:
    """The input of one trial.

    Parameters
    ----------
    grid : GridNetwork
    trial : int
    sources : list of pairs of arrays
        Steps and senders of each source's spikes in this trial, see `by_trial`.
    """

    def __init__(
        self, grid: GridNetwork, trial: int, sources: list[tuple[np.ndarray, np.ndarray]]
    ) -> None:
        self.grid, self.sources = grid, sources
        self.background_weight = joined([b.weight for b in grid.background], np.float64)
        self.counts = [b.counts(trial, trial + 1) for b in grid.background]
        self.drives = {
            name: grid.drive(name, trial, trial + 1) for name in grid.neurons if grid.driven(name)
        }

    def block(self, first: int, end: int) -> Block | None:
        """Everything that comes in at steps `first` to `end` - 1; None where nothing ever does."""
        if not (self.sources or self.drives or self.counts):
            return None
        spike_start, senders = self._spikes(first, end)
        drives, current = self._currents(end - first)
        counts = [np.concatenate(list(islice(c, end - first)), axis=None) for c in self.counts]
        starts = np.cumsum([0, *(part.size for part in counts)])[:-1].tolist()
        return Block(spike_start, senders, drives, current, starts, joined(counts, np.int64))

    def _spikes(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        starts, senders, taken = [], [], 0
        for steps, who in self.sources:
            places = np.searchsorted(steps, np.arange(first, end + 1))
            starts.append(places - places[0] + taken)
            senders.append(who[places[0] : places[-1]])
            taken += len(senders[-1])
        shape = (len(self.sources), end - first + 1)
        return np.array(starts, dtype=np.int64).reshape(shape), joined(senders, np.int64)

    def _currents(self, n_steps: int) -> tuple[dict[str, tuple[int, int]], np.ndarray]:
        drives: dict[str, tuple[int, int]] = {}
        currents, used = [], 0
        for name, drive in self.drives.items():
            values = np.concatenate(list(islice(drive, n_steps)))
            drives[name] = used, values.shape[1]
            currents.append(values.ravel())
            used += values.size
        return drives, joined(currents, np.float64)

    def into(self, block: Block | None, net: Net, part: Part) -> Inputs | None:
        """What of a block comes into a part.

        Parameters
        ----------
        block : Block or None
        net : Net
            Of the part.
        part : Part
        """
        if block is None:
            return None
        drives = np.zeros(len(part.neurons), DRIVE)
        for drive, name in zip(drives, part.neurons, strict=True):
            if name in block.drives:
                start, width = block.drives[name]
                each = width > 1  # or one current for all
                drive["start"] = start + (part.first[name] if each else 0)
                drive["width"] = part.neurons[name].size if each else 1
                drive["stride"] = width
        return Inputs(
            block.spike_start, block.senders, drives, block.current,
            self._backgrounds(block, net, part), self.background_weight, block.counts,
        )  # fmt: skip

    def _backgrounds(self, block: Block, net: Net, part: Part) -> np.ndarray:
        """Records of the Poisson inputs of a part."""
        names, found, weight_start = list(part.neurons), [], 0
        for item, start in zip(self.grid.background, block.counts_start, strict=True):
            if item.target in part.neurons:
                record = np.zeros(1, BACKGROUND)
                low = part.first[item.target]
                record["target"] = names.index(item.target)
                record["channel"] = channel_of(item, net.populations[names.index(item.target)])
                record["weight_start"], record["counts_start"] = weight_start + low, start + low
                record["stride"] = item.size
                found.append(record)
            weight_start += item.size
        return np.concatenate([np.zeros(0, BACKGROUND), *found])


def by_trial(source: GridSpikes, n_trials: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Steps and senders of a source's spikes in each trial, by step."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    trials = source.trials.astype(np.uint16) if n_trials < 2**16 else source.trials
    order = np.argsort(trials, kind="stable") if n_trials > 1 else slice(None)
    ends = np.cumsum(np.bincount(source.trials, minlength=n_trials))[:-1]
    return list(
        zip(np.split(source.steps[order], ends), np.split(source.senders[order], ends), strict=True)
    )
