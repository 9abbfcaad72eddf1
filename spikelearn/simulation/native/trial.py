"""One trial on the native engine: its state, part by part, and what it has recorded."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork, diverged
from spikelearn.simulation.native import plasticity as learning
from spikelearn.simulation.native.arrange import arranged_state, models_of
from spikelearn.simulation.native.feed import Block, Counts, Feed
from spikelearn.simulation.native.kernels import advance
from spikelearn.simulation.native.meeting import give_up, meeting_place
from spikelearn.simulation.native.parts import Part, numbers_of, together
from spikelearn.simulation.native.state import Net, aligned, empty_rings
from spikelearn.simulation.spike_store import SpikeStore

# Steps between two looks at the progress and the interrupt: for small networks more, since to enter
# compiled code takes as long as 100,000 steps of a neuron; and a multiple of the steps of which
# Poisson numbers are drawn together.
_BLOCK, _LONGEST_BLOCK = 16, 4096
_NEURON_STEPS = 2**21


class Trial:
    """One trial's state, and what it has recorded.

    Parameters
    ----------
    grid : GridNetwork
    parts : list of (Part, Net)
    store : SpikeStore
        Where its spikes are put.
    index : int
    sources : list of pairs of arrays
        Steps and senders of each source's spikes in this trial.
    room : int
        Spikes that a part holds before it puts them away.
    helpers : ThreadPoolExecutor, optional
        Computes all parts but the first, and draws the next noise meanwhile.
    """

    def __init__(
        self,
        grid: GridNetwork,
        parts: list[tuple[Part, Net]],
        store: SpikeStore,
        index: int,
        sources: list[tuple[np.ndarray, np.ndarray]],
        room: int,
        helpers: ThreadPoolExecutor | None = None,
    ) -> None:
        self.grid, self.parts, self.index, self.sources = grid, parts, index, sources
        self.store, self.room, self.helpers = store, room, helpers
        self.reached = 0
        self.potentials: dict[str, list[np.ndarray]] = {n: [] for n in grid.record_potential}
        self._shares: list[_Share] = []
        self._plastic: list[tuple[Part, learning.Plastic | None]] = []

    def steps(self) -> Iterator[None]:
        """Run, stopping after every block; `reached` says how far it is."""
        rings = empty_rings(self.parts[0][1])
        meeting = meeting_place(len(self.parts)) if len(self.parts) > 1 else None
        size = sum(p.size for p in self.grid.neurons.values())
        n_steps = self.grid.n_steps
        length = min(max(_NEURON_STEPS // size // _BLOCK * _BLOCK, _BLOCK), _LONGEST_BLOCK)
        self._shares = [
            _Share(
                self.grid, part, net, rings, meeting, self.room,
                Counts(self.grid, part, net, self.index, min(length, n_steps)),
            )
            for part, net in self.parts
        ]  # fmt: skip
        self._plastic = [(share.part, share.plastic) for share in self._shares]
        feed = Feed(self.grid, self.index, self.sources)
        following = feed.block(0, min(length, n_steps))
        for first in range(0, n_steps, length):
            last = min(first + length, n_steps)
            block, until = following, min(last + length, n_steps)
            if self.helpers is None or last == n_steps:
                self._advance(feed, block, first, last)
                following = feed.block(last, until) if last < n_steps else None
            else:
                drawn = self.helpers.submit(feed.block, last, until)
                try:
                    self._advance(feed, block, first, last)
                finally:
                    following = drawn.result()
            self._check(first, last)
            self._keep_potentials(self.grid.n_recorded(last) - self.grid.n_recorded(first))
            self.reached = last
            yield
        self.put_away()
        self._shares = []  # of many trials, those that are over would fill the memory

    def _advance(self, feed: Feed, block: Block | None, first: int, last: int) -> None:
        """All parts by the steps of a block."""
        for share in self._shares:
            share.begin(feed, block, first, last)
        first_share, *others = self._shares
        step = first
        while step < last:
            try:
                running = [
                    self.helpers.submit(share.advance, first, step, last)
                    for share in others
                    if self.helpers is not None
                ]
            except BaseException:  # as where the system starts no more threads
                first_share.give_up()
                raise
            step = first_share.advance(first, step, last)
            for part in running:
                part.result()
            if step < last:
                self.put_away()

    def learnt(self) -> list[tuple[Part, learning.Plastic | None]]:
        """The plastic projections of each part as they are now."""
        return self._plastic

    def put_away(self) -> None:
        """Move the spikes out of the kernel's arrays.

        Raises
        ------
        DiskFull
        """
        size = sum(p.size for p in self.grid.neurons.values())
        if self._shares:
            self.store.add(self.index, *together([s.taken() for s in self._shares], size))

    def _keep_potentials(self, n_times: int) -> None:
        if not n_times:
            return
        for name, kept in self.potentials.items():
            pieces = [
                s.potentials_of(name, n_times) for s in self._shares if name in s.part.neurons
            ]
            kept.append(self.grid.of_chosen(name, np.concatenate(pieces, axis=1)))

    def _check(self, first: int, last: int) -> None:
        for share in self._shares:
            finite = np.isfinite(share.state.v)
            if not finite.all():
                at = int(np.flatnonzero(~finite)[0])
                population = int(np.searchsorted(share.net.populations["end"], at, side="right"))
                dt = self.grid.dt_ms
                neurons = list(share.part.neurons.values())[population]
                raise diverged(neurons, dt, first * dt, last * dt)


class _Share:
    """What one thread has of a trial.

    Parameters
    ----------
    grid : GridNetwork
    part : Part
    net : Net
    rings : pair of arrays
        Spikes of the last steps, which all parts share.
    meeting : array or None
        Where parts meet.
    room : int
        Spikes that it holds.
    counts : Counts
        Its Poisson counts.
    """

    def __init__(
        self,
        grid: GridNetwork,
        part: Part,
        net: Net,
        rings: tuple[np.ndarray, np.ndarray],
        meeting: np.ndarray | None,
        room: int,
        counts: Counts,
    ) -> None:
        self.grid, self.part, self.net = grid, part, net
        self.meeting, self.counts = meeting, counts
        models = models_of(grid, net, part)
        plastic = learning.start(grid, net, part) if grid.plastic else None
        self.state = aligned(arranged_state(net, part, rings))
        self.models = None if models is None else aligned(models)
        self.plastic = None if plastic is None else aligned(plastic)
        # The kernel writes spikes here; `taken` moves them on.
        self.spike_steps = np.empty(room, dtype=np.int64)
        self.spike_neurons = np.empty(room, dtype=np.int64)
        self.n_spikes = 0
        self.numbers = numbers_of(grid, part)
        traced = [part.neurons[n].size for n in part.neurons if n in grid.record_potential]
        names = [n for n in part.neurons if n in grid.record_potential]
        self.traced = dict(zip(names, np.cumsum([0, *traced])[:-1].tolist(), strict=True))

    def begin(self, feed: Feed, block: Block | None, first: int, last: int) -> None:
        """Take up the input of a block."""
        self.inputs = feed.into(block, self.part, self.counts)
        self.undrawn = True
        n_times = self.grid.n_recorded(last) - self.grid.n_recorded(first)
        self.trace = np.empty(n_times * self.net.n_traced)

    def advance(self, first: int, step: int, last: int) -> int:
        """From a step on to the end of the block, or to where the spikes need room."""
        try:
            if self.undrawn:
                self.counts.draw(first, last)
                self.undrawn = False
            step, n = advance(
                self.net, self.state, self.models, self.plastic, self.inputs, self.meeting,
                first, step, last, self.spike_steps[self.n_spikes :],
                self.spike_neurons[self.n_spikes :], self.trace,
            )  # fmt: skip
        except BaseException:
            self.give_up()
            raise
        self.n_spikes += n
        return step

    def give_up(self) -> None:
        """Let the other parts go, which wait for this one or will."""
        if self.meeting is not None:
            give_up(self.meeting)

    def taken(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and neurons, by their numbers in the network, of the spikes since the last time."""
        n, self.n_spikes = self.n_spikes, 0
        return self.spike_steps[:n], self.numbers[self.spike_neurons[:n]]

    def potentials_of(self, name: str, n_times: int) -> np.ndarray:
        """Of a population's neurons here in the last block, of shape (n_times, neurons)."""
        at = self.traced[name]
        return self.trace.reshape(n_times, -1)[:, at : at + self.part.neurons[name].size]
