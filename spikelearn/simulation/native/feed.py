"""What comes into a network from outside, block by block of steps.

Spikes of sources, currents and noise once for all parts; Poisson counts by each part for its own
neurons, in its own thread, since to draw them takes as long as many a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork, GridSpikes
from spikelearn.simulation.native.parts import Part
from spikelearn.simulation.native.rows import channel_of
from spikelearn.simulation.native.state import BACKGROUND, DRIVE, Inputs, Net, empty, joined


@dataclass(frozen=True)
class Block:
    """The input of some steps of one trial, of the whole network; see `Inputs`."""

    spike_start: np.ndarray
    senders: np.ndarray
    drives: dict[str, tuple[int, int]]  # by population: where it begins in `current`, its width
    current: np.ndarray


class Feed:
    """The input of one trial but for its Poisson counts.

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
        self.drives = {
            name: grid.drive(name, trial, trial + 1) for name in grid.neurons if grid.driven(name)
        }

    def block(self, first: int, end: int) -> Block | None:
        """Everything that comes in at steps `first` to `end` - 1; None where nothing ever does."""
        if not (self.sources or self.drives or self.grid.background):
            return None
        spike_start, senders = self._spikes(first, end)
        drives, current = self._currents(end - first)
        return Block(spike_start, senders, drives, current)

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

    def into(self, block: Block | None, part: Part, counts: Counts) -> Inputs | None:
        """What of a block comes into a part.

        Parameters
        ----------
        block : Block or None
        part : Part
        counts : Counts
            Of the part; drawn by whoever computes it.
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
            counts.backgrounds, counts.weight, counts.counts,
        )  # fmt: skip


class Counts:
    """The Poisson counts of one part in one trial, of some steps at a time.

    Parameters
    ----------
    grid : GridNetwork
    part : Part
    net : Net
        Of the part.
    trial : int
    most_steps : int
        For which there is room.
    """

    def __init__(
        self, grid: GridNetwork, part: Part, net: Net, trial: int, most_steps: int
    ) -> None:
        self.trial = trial
        self.items = [b for b in grid.background if b.target in part.neurons]
        self.low = [part.first[b.target] for b in self.items]
        self.weight = joined([part.own(b.target, b.weight) for b in self.items], np.float64)
        self.backgrounds = np.zeros(len(self.items), BACKGROUND)
        kinds = [b.numbers.dtype for b in self.items]
        sizes = [part.neurons[b.target].size for b in self.items]
        self.counts = empty(most_steps * sum(sizes), np.result_type(np.uint16, *kinds))
        names, before = list(part.neurons), 0
        for record, item, size in zip(self.backgrounds, self.items, sizes, strict=True):
            record["target"] = names.index(item.target)
            record["channel"] = channel_of(item, net.populations[record["target"]])
            record["weight_start"], record["counts_start"] = before, before * most_steps
            record["stride"] = size
            weight = self.weight[before : before + size]
            record["alike"] = bool((weight == weight[0]).all())
            before += size

    def draw(self, first: int, end: int) -> None:
        """Draw those of steps `first` to `end` - 1."""
        for item, low, record in zip(self.items, self.low, self.backgrounds, strict=True):
            start, size = int(record["counts_start"]), int(record["stride"])
            counts = self.counts[start : start + (end - first) * size].reshape(-1, size)
            item.fill(self.trial, first, low, counts)


def by_trial(source: GridSpikes, n_trials: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Steps and senders of a source's spikes in each trial, by step."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    trials = source.trials.astype(np.uint16) if n_trials < 2**16 else source.trials
    order = np.argsort(trials, kind="stable") if n_trials > 1 else slice(None)
    ends = np.cumsum(np.bincount(source.trials, minlength=n_trials))[:-1]
    return list(
        zip(np.split(source.steps[order], ends), np.split(source.senders[order], ends), strict=True)
    )
