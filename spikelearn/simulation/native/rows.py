"""Synapses in rows, as the native engine delivers spikes: of a source neuron, delay after delay.

A spike is sent once and arrives in as many steps as there are delays; what arrives next lies behind
what arrives now. Projections of one source stand in one row where that changes no order in which a
neuron's input is summed, so that a row is as long as can be: to begin one takes as long as a dozen
synapses. Pairs are drawn projection by projection and let go of as soon as they stand in their
rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from spikelearn._threads import ThreadPool, n_threads
from spikelearn.networks.connections import Connections
from spikelearn.simulation.grid.network import Background, GridNetwork, GridProjection, Synapses
from spikelearn.simulation.native.kernels import count_rows, fill_rows, mark_delays
from spikelearn.simulation.native.parts import Part, outlets
from spikelearn.simulation.native.state import PROJECTION, empty, joined

# Of fewer synapses to start threads takes as long as to draw them.
_FEW = 100_000
_AnyProjection = GridProjection | Synapses


class Rows(NamedTuple):
    """What `Net` has of synapses."""

    projections: np.ndarray
    delays: np.ndarray
    rows: np.ndarray
    post: np.ndarray
    near: np.ndarray
    weight: np.ndarray
    single: np.ndarray


@dataclass
class Group:
    """Projections of one source that stand in the same rows.

    Attributes
    ----------
    projections : list of GridProjection or Synapses
    joinable : bool
        Whether others may come to it that have its weight, or none in common as it: they are
        listed, and nothing needs them apart.
    rule : int
        The number of its plasticity in the whole network, or -1.
    """

    projections: list[_AnyProjection]
    joinable: bool = False
    rule: int = -1
    goals: set[tuple[str, int | None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.goals = {_goal_of(p) for p in self.projections}

    @property
    def source(self) -> str:
        """The population or source that all come from."""
        return self.projections[0].source

    @property
    def same_weight(self) -> float | None:
        """The weight of all synapses, where it is known that they share one and none learns."""
        return None if self.rule >= 0 else self.projections[0].same_weight

    @property
    def expected_number(self) -> float:
        """Of synapses."""
        return sum(p.expected_number for p in self.projections)

    def takes(self, projection: _AnyProjection) -> bool:
        """Whether a projection may stand in the same rows."""
        first = self.projections[0]
        alike = (first.channel is None) == (projection.channel is None)
        alike = alike and self.same_weight == projection.same_weight
        return self.joinable and alike and first.source == projection.source


def _goal_of(projection: _AnyProjection) -> tuple[str, int | None]:
    return projection.target, projection.channel


def groups_of(projections: Iterable[_AnyProjection]) -> list[Group]:
    """All projections in groups, in the order in which they deliver.

    What is summed at a neuron is summed in the order of the description: a projection comes to an
    earlier one only where none between them ends on the same population and channel, nor itself.
    """
    groups: list[Group] = []
    n_rules = 0
    for p in projections:
        if p.plasticity is not None:
            for synapses in p.by_delay:
                groups.append(Group([synapses], rule=n_rules))
                n_rules += 1
            continue
        by_one_sum = p.joins_all_others and p.same_weight is not None
        listed = not ((p.joins_all or by_one_sum) and p.shared_delay is not None)
        home = None
        for group in reversed(groups) if listed else ():
            if _goal_of(p) in group.goals:
                break
            if group.takes(p):
                home = group
                break
        if home is None:
            groups.append(Group([p], joinable=listed))
        else:
            home.projections.append(p)
            home.goals.add(_goal_of(p))
    return groups


def channel_of(item: _AnyProjection | Background, population: np.void) -> int:
    """The channel that arrivals at a population go into, or -1."""
    return -1 if item.channel is None else int(population["first_channel"]) + item.channel


def arrange_synapses(
    grid: GridNetwork,
    parts: Sequence[Part],
    populations: Sequence[np.ndarray],
    channels: Sequence[np.ndarray],
) -> tuple[list[Rows], int | None, int]:
    """Draw all synapses, and put those of each part into its rows.

    Parameters
    ----------
    grid : GridNetwork
    parts : sequence of Part
    populations, channels : sequences of arrays
        Records of each part's populations and channels.

    Returns
    -------
    rows : list of Rows
        Of each part.
    shortest : int or None
        The shortest delay of a synapse from neurons, in steps.
    longest : int
        The longest delay of all.
    """
    groups = groups_of(grid.projections)
    tables = [
        _Table(grid, part, groups, *records)
        for part, *records in zip(parts, populations, channels, strict=True)
    ]
    from_neurons: list[int] = []
    everywhere = [0]
    many = sum(group.expected_number for group in groups) > _FEW
    with ThreadPool(max(n_threads(), len(parts))) as pool:
        at_once: Callable[..., Any] = pool.map if many else map
        # The largest first, as long as little else is there.
        for index in sorted(range(len(groups)), key=lambda i: -groups[i].expected_number):
            group = groups[index]
            drawn = _draw(group, at_once)
            delays = _delays_of(drawn)
            everywhere += delays.tolist()
            if group.source in grid.neurons:
                from_neurons += delays.tolist()
            list(at_once(lambda table, g=index, d=drawn, of=delays: table.add(g, d, of), tables))
            del drawn
    rows = [table.finished() for table in tables]
    return rows, min(from_neurons, default=None), max(everywhere)


_Given = tuple[Connections, np.ndarray]
"""Drawn synapses; their delays in steps, one or one each, in 16 bits or 32."""


def _draw(group: Group, at_once: Callable[..., Any]) -> list[_Given]:
    """The synapses of a group's projections, the largest of which are begun first."""

    def draw(projection: _AnyProjection) -> _Given:
        drawn, delays = projection.draw()
        steps = np.atleast_1d(delays)
        short = steps.max(initial=0) < 2**16
        return drawn, _own(steps.astype(np.uint16 if short else np.uint32, copy=False))

    order = sorted(group.projections, key=lambda p: -p.expected_number)
    drawn = dict(zip(map(id, order), at_once(draw, order), strict=True))
    return [drawn[id(p)] for p in group.projections]


def _delays_of(drawn: Sequence[_Given]) -> np.ndarray:
    """All delays that occur, in steps, ascending."""
    seen = np.zeros(1 + max(int(steps.max(initial=0)) for _, steps in drawn), dtype=bool)
    for _, steps in drawn:
        mark_delays(steps, seen)
    return np.flatnonzero(seen)


def _own(numbers: np.ndarray) -> np.ndarray:
    """In the one form for which code is compiled, whoever else has them."""
    return np.require(numbers, None, ["C", "W"])


class _Room:
    """An array that is filled from its beginning on; what is not filled takes no memory."""

    def __init__(self, size: float, dtype: Any) -> None:
        self.all, self.used = empty(int(size), dtype), 0

    def take(self, size: int) -> np.ndarray:
        """The next places."""
        if self.used + size > self.all.size:  # more than was to be expected
            larger = empty(int(1.2 * (self.used + size)), self.all.dtype)
            larger[: self.used] = self.all[: self.used]
            self.all = larger
        self.used += size
        return self.all[self.used - size : self.used]

    def filled(self) -> np.ndarray:
        """What has been taken."""
        return self.all[: self.used]


class _Table:
    """The synapses of one part while they are put into their rows.

    Parameters
    ----------
    grid : GridNetwork
    part : Part
    groups : sequence of Group
        Of the whole network.
    populations, channels : arrays of records
        Of the part.
    """

    def __init__(
        self,
        grid: GridNetwork,
        part: Part,
        groups: Sequence[Group],
        populations: np.ndarray,
        channels: np.ndarray,
    ) -> None:
        self.grid, self.part, self.populations, self.channels = grid, part, populations, channels
        self.groups = {
            index: group
            for index, group in enumerate(groups)
            if any(p.target in part.neurons for p in group.projections)
        }
        self.records = np.zeros(len(self.groups), PROJECTION)
        self.number = {index: place for place, index in enumerate(self.groups)}
        self.rows: list[np.ndarray] = [np.zeros(0, np.int64)] * len(self.groups)
        self.delays: list[np.ndarray] = [np.zeros(0, np.int64)] * len(self.groups)
        room = self._expected()
        self.post, self.weight = _Room(room, np.uint32), _Room(room, np.float64)
        self.near, self.single = _Room(room, np.uint16), _Room(room, np.float32)

    def _expected(self) -> float:
        """Synapses for which there is room; that there are more happens as good as never."""
        total = 0.0
        for p in self.part.projections:
            here = self.part.neurons[p.target].size / self.grid.neurons[p.target].size
            mean = p.expected_number * here
            total += mean + 8.0 * mean**0.5 + 64.0
        return total

    def add(self, index: int, drawn: Sequence[_Given], delays: np.ndarray) -> None:
        """Put the synapses of a group into their rows.

        Parameters
        ----------
        index : int
            Of the group.
        drawn : sequence of pairs
            The synapses of its projections, and their delays.
        delays : array
            All delays that occur among them.
        """
        if index not in self.groups:
            return
        group, number = self.groups[index], self.number[index]
        here = [
            (p, *d)
            for p, d in zip(group.projections, drawn, strict=True)
            if p.target in self.part.neurons
        ]
        record = self.records[number : number + 1]
        names = list(self.part.neurons)
        record["outlet"], record["n_outlets"] = outlets(self.grid, group.source, self.part.n_parts)
        record["rule"], record["n_delays"] = group.rule, delays.size
        self.delays[number] = delays
        first = here[0][0]
        record["target"] = names.index(first.target)
        record["channel"] = channel_of(first, self.populations[record["target"][0]])
        c, same = here[0][1], group.same_weight
        if not group.joinable and group.rule < 0:
            same = c.same_weight
        record["same_weight"] = np.nan if same is None else same
        if len(here) > 1:
            record["target"] = -1
        alone = not group.joinable or (same is not None and len(group.projections) == 1)
        alone = alone and delays.size == 1
        record["full"] = alone and c.full
        others = same is not None and alone and c.all_others
        record["all_others_from"] = self.part.first[first.target] if others else -1
        if others:  # nothing is looked up
            self.rows[number] = np.zeros(1, np.int64)
        elif record["full"][0]:
            self.rows[number] = self._add_full(record, first, c)
        else:
            self.rows[number] = self._add_listed(record, here, delays)

    def _add_full(self, record: np.ndarray, p: _AnyProjection, c: Connections) -> np.ndarray:
        """All pairs, of which only rules look up the targets; the rows."""
        low, high = self.part.range_of(p.target)
        width, start = high - low, self.post.used
        if record["rule"][0] >= 0:
            targets = self.post.take(c.n_source * width)
            targets.reshape(c.n_source, -1)[:] = np.arange(width)
        record["first_weight"] = start - self.weight.used
        if np.isnan(record["same_weight"][0]):
            weights = self.weight.take(c.n_source * width)
            weights.reshape(c.n_source, -1)[:] = c.weight.reshape(c.n_source, -1)[:, low:high]
        return start + np.arange(c.n_source + 1) * width

    def _add_listed(
        self,
        record: np.ndarray,
        here: Sequence[tuple[_AnyProjection, Connections, np.ndarray]],
        delays: np.ndarray,
    ) -> np.ndarray:
        """Synapses one by one; the rows."""
        place_of = np.zeros(1 + int(delays.max(initial=0)), dtype=np.int64)
        place_of[delays] = np.arange(delays.size)
        n_source, n_delays = here[0][1].n_source, max(1, delays.size)
        rows = np.zeros(n_source * n_delays + 1, dtype=np.int64)
        given = [
            (_own(c.pre), _own(c.post), *self.part.range_of(p.target), steps)
            for p, c, steps in here
        ]
        for ends in given:
            count_rows(*ends, place_of, n_delays, rows[1:])
        np.cumsum(rows, out=rows)
        listed = bool(np.isnan(record["same_weight"][0]))
        record["near"] = not listed and self._n_places(record) <= 2**16
        targets = self.near if record["near"][0] else self.post
        start = targets.used
        post = targets.take(int(rows[-1]))
        c = here[0][1]
        record["single"] = c.weight.dtype == np.float32
        room = self.single if record["single"][0] else self.weight
        record["first_weight"] = start - room.used
        weight = room.take(post.size if listed else 0)
        place = rows[:-1].copy()
        for ends, (p, c, _) in zip(given, here, strict=True):
            shift = self._first_place(p) if record["target"][0] < 0 else 0
            weights = _own(c.weight) if listed else weight[:0]
            fill_rows(*ends, place_of, n_delays, place, shift, weights, post, weight)
        rows += start
        return rows

    def _n_places(self, record: np.ndarray) -> int:
        """Numbers among which synapses name their targets."""
        sizes = self.populations["end"] - self.populations["first"]
        if record["target"][0] >= 0:
            return int(sizes[record["target"][0]])
        n_channels = self.populations["end_channel"] - self.populations["first_channel"]
        return int(np.sum(sizes if record["channel"][0] < 0 else sizes * n_channels))

    def _first_place(self, p: _AnyProjection) -> int:
        """Of the population's first neuron among all potentials or currents."""
        population = self.populations[list(self.part.neurons).index(p.target)]
        channel = channel_of(p, population)
        return int(population["first"] if channel < 0 else self.channels["start"][channel])

    def finished(self) -> Rows:
        """All of it."""
        # A part numbers the rules that it has, in the same order.
        learning = np.flatnonzero(self.records["rule"] >= 0)
        self.records["rule"][learning] = np.arange(learning.size)
        sizes = [rows.size for rows in self.rows]
        self.records["first_row"] = np.cumsum([0, *sizes])[:-1]
        self.records["first_delay"] = np.cumsum([0, *(d.size for d in self.delays)])[:-1]
        return Rows(
            projections=self.records,
            delays=joined(self.delays, np.int64),
            rows=joined(self.rows, np.int64),
            post=self.post.filled(),
            near=self.near.filled(),
            weight=self.weight.filled(),
            single=self.single.filled(),
        )
