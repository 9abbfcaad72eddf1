"""From a network on the grid to the native engine's arrays and records: network, input, membranes.

Input comes block by block of steps; what membranes need that are not linear is arranged apart, so
that networks without it do not compile it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np

from spikelearn.simulation.grid.network import Background, GridNetwork, GridSpikes, Synapses
from spikelearn.simulation.grid.neurons import GridNeurons
from spikelearn.simulation.native.kernels import sort_by_source
from spikelearn.simulation.native.models import CONDUCTING, LINEAR, STEPPED, Models
from spikelearn.simulation.native.runge_kutta import CHUNK, CONDUCTANCE, HIGH, LOW, ROWS
from spikelearn.simulation.native.slopes import slopes_of
from spikelearn.simulation.native.state import (
    BACKGROUND,
    CHANNEL,
    DRIVE,
    POPULATION,
    PROJECTION,
    Inputs,
    Net,
    State,
    aligned,
    empty,
    joined,
    n_neurons,
    starting_state,
)


def arrange(grid: GridNetwork) -> Net:
    """The network on the grid as the kernel wants it."""
    neurons = list(grid.neurons.values())
    channels = [channel for p in neurons for channel in p.channels]
    # Room for all spikes of an emitter in a step; neurons have one each at most.
    widths = [s.width for s in grid.sources.values()] + [p.size for p in neurons]
    ring_start = np.cumsum([0, *widths])
    populations = _populations(grid, ring_start)
    projections, rows, post, weight = _projections(grid, populations, ring_start)
    zeros = [np.zeros(p.size) for p in neurons]
    longest = max((s.delay_steps for s in grid.synapses), default=0)
    return aligned(
        Net(
            populations=populations,
            channels=_channels(grid),
            projections=projections,
            beta=np.concatenate([p.beta for p in neurons]),
            threshold=np.concatenate([p.threshold for p in neurons]),
            reset=np.concatenate([p.reset for p in neurons]),
            theta_decay=_filled([p.theta_decay for p in neurons], zeros),
            theta_increment=_filled([p.theta_increment for p in neurons], zeros),
            kappa=joined([channel.kappa for channel in channels], np.float64),
            rows=rows,
            post=post,
            weight=weight,
            ring_start=ring_start,
            n_slots=1 + max(longest, *(p.refractory_steps for p in neurons)),
            n_sources=len(grid.sources),
            n_traced=sum(p.size for p in neurons if p.name in grid.record_potential),
        )
    )


def arranged_state(grid: GridNetwork, net: Net) -> State:
    """The state of a trial before its first step."""
    neurons = list(grid.neurons.values())
    return starting_state(
        net,
        v_init=np.concatenate([p.v_init for p in neurons]),
        theta_init=_filled([p.theta_init for p in neurons], [np.zeros(p.size) for p in neurons]),
    )


def arranged_backgrounds(grid: GridNetwork, net: Net) -> tuple[np.ndarray, np.ndarray]:
    """Records of the Poisson inputs, and their weights by target neuron."""
    records = np.zeros(len(grid.background), BACKGROUND)
    names = list(grid.neurons)
    for record, background in zip(records, grid.background, strict=True):
        record["target"] = names.index(background.target)
        record["channel"] = _channel_of(background, net.populations[record["target"]])
    sizes = [background.size for background in grid.background]
    records["weight_start"] = np.cumsum([0, *sizes])[:-1]
    return records, joined([b.weight for b in grid.background], np.float64)


def _populations(grid: GridNetwork, ring_start: np.ndarray) -> np.ndarray:
    """A record a population."""
    neurons = list(grid.neurons.values())
    records = np.zeros(len(neurons), POPULATION)
    ends = np.cumsum([p.size for p in neurons])
    ends_channel = np.cumsum([len(p.channels) for p in neurons])
    records["first"], records["end"] = np.append(0, ends[:-1]), ends
    records["first_channel"] = np.append(0, ends_channel[:-1])
    records["end_channel"] = ends_channel
    records["emitter"] = len(grid.sources) + np.arange(len(neurons))
    records["ring_start"] = ring_start[records["emitter"]]
    for record, p in zip(records, neurons, strict=True):
        record["alike"] = _alike(p)
        record["subtract"] = p.subtract
        record["adaptive"] = p.theta_init is not None
        record["recorded"] = p.name in grid.record
        record["traced"] = p.name in grid.record_potential
        record["refractory"] = p.refractory_steps
    return records


def _channels(grid: GridNetwork) -> np.ndarray:
    """A record a channel, population by population."""
    channels = [channel for p in grid.neurons.values() for channel in p.channels]
    records = np.zeros(len(channels), CHANNEL)
    records["start"] = np.cumsum([0, *(channel.kappa.size for channel in channels)])[:-1]
    records["alpha"] = [channel.alpha for channel in channels]
    return records


def _channel_of(item: Synapses | Background, population: np.void) -> int:
    """The channel that arrivals go into, or -1."""
    return -1 if item.channel is None else int(population["first_channel"]) + item.channel


def _projections(
    grid: GridNetwork, populations: np.ndarray, ring_start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A record a projection; and `rows`, `post` and `weight` of `Net`."""
    records = np.zeros(len(grid.synapses), PROJECTION)
    names, emitters = list(grid.neurons), [*grid.sources, *grid.neurons]
    n_rules = 0
    for record, synapses in zip(records, grid.synapses, strict=True):
        record["emitter"] = emitters.index(synapses.source)
        record["ring_start"] = ring_start[record["emitter"]]
        record["target"] = names.index(synapses.target)
        record["channel"] = _channel_of(synapses, populations[record["target"]])
        record["delay"] = synapses.delay_steps
        record["rule"] = -1 if synapses.plasticity is None else n_rules
        n_rules += synapses.plasticity is not None
        same = _same_weights(synapses)
        record["same_weight"] = synapses.connections.weight[0] if same else np.nan
        record["full"] = synapses.connections.full and not same
    return records, *_sorted_synapses(grid.synapses, records)


def _sorted_synapses(
    projections: Sequence[Synapses], records: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All synapses, those of a source neuron side by side; their places are set in the records."""
    same = ~np.isnan(records["same_weight"])
    # Written where they stay: parts that are joined would be there twice for a while.
    post = empty(sum(s.connections.post.size for s in projections), np.uint32)
    weight = empty(
        sum(s.connections.pre.size for s, one in zip(projections, same, strict=True) if not one)
    )
    rows: list[np.ndarray] = []
    n_rows = n_synapses = n_weights = 0
    for record, synapses, one in zip(records, projections, same, strict=True):
        c = synapses.connections
        if c.full:
            row = np.arange(c.n_source + 1) * c.n_target
        else:
            row = np.cumsum([0, *np.bincount(c.pre, minlength=c.n_source)])
        record["first_weight"] = n_synapses - n_weights
        sorts = [(c.post, post[n_synapses : n_synapses + c.post.size])]
        if not one:
            sorts.append((c.weight, weight[n_weights : n_weights + c.pre.size]))
            n_weights += c.pre.size
        for given, part in sorts:
            if c.full:
                part[:] = given
            else:
                sort_by_source(c.pre, given, row[:-1].copy(), part)
        rows.append(row + n_synapses)
        record["first_row"] = n_rows
        n_rows += row.size
        n_synapses += c.post.size
    return joined(rows, np.int64), post, weight


def _same_weights(synapses: Synapses) -> bool:
    """Whether one weight stands for all; those that change are kept one by one."""
    weight = synapses.connections.weight
    return bool(weight.size and synapses.plasticity is None and (weight == weight[0]).all())


def _alike(population: GridNeurons) -> bool:
    kappas = [channel.kappa for channel in population.channels]
    parameters = [population.beta, population.threshold, population.reset, *kappas]
    return all((values == values[0]).all() for values in parameters)


def _filled(given: list[np.ndarray | None], instead: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([b if a is None else a for a, b in zip(given, instead, strict=True)])


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


def by_trial(source: GridSpikes, n_trials: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Steps and senders of a source's spikes in each trial, by step."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    trials = source.trials.astype(np.uint16) if n_trials < 2**16 else source.trials
    order = np.argsort(trials, kind="stable") if n_trials > 1 else slice(None)
    ends = np.cumsum(np.bincount(source.trials, minlength=n_trials))[:-1]
    return list(
        zip(np.split(source.steps[order], ends), np.split(source.senders[order], ends), strict=True)
    )


def models_of(grid: GridNetwork, net: Net) -> Models | None:
    """What membranes need that are not linear, of one trial; None where all are simple."""
    populations = list(grid.neurons.values())
    channels = [channel for p in populations for channel in p.channels]
    kinds = [_kind(p) for p in populations]
    if all(kind == LINEAR for kind in kinds) and all(c.feeds is None for c in channels):
        return None
    size, starts = n_neurons(net), net.populations["first"]
    places = [
        -1 if channel.feeds is None else int(first) + channel.feeds
        for first, p in zip(net.populations["first_channel"], populations, strict=True)
        for channel in p.channels
    ]
    n_moments = 1 + 2 * max(p.n_substeps for p in populations)
    gains = np.zeros((len(channels), n_moments))
    for index, channel in enumerate(channels):
        gains[index, : len(channel.gains)] = channel.gains
    variables = _rows([p.variables for p in populations], starts, size)
    nowhere, calms = [np.zeros(p.size) for p in populations], [p.calm for p in populations]
    return Models(
        dt=float(grid.dt_ms),
        kind=np.array(kinds, dtype=np.int64),
        plain=np.array([_n_plain(p) for p in populations], dtype=np.int64),
        step_per_tau=np.concatenate([p.step_per_tau for p in populations]),
        slopes=np.array(
            [
                slopes_of(p) if kind == STEPPED else 0
                for p, kind in zip(populations, kinds, strict=True)
            ],
            dtype=np.int64,
        ),
        n_variables=np.array([len(p.variables) for p in populations], dtype=np.int64),
        n_substeps=np.array([p.n_substeps for p in populations], dtype=np.int64),
        has_peak=np.array([p.model.has_peak for p in populations]),
        resets=np.array([p.model.resets for p in populations]),
        **_jumps(populations),
        parameters=_rows([p.parameters for p in populations], starts, size),
        gains=gains,
        mean=np.array([c.mean for c in channels], dtype=np.float64),
        reversal=np.concatenate(
            [
                np.zeros(0),
                *(
                    np.full(c.kappa.size, np.nan) if c.reversal is None else c.reversal
                    for c in channels
                ),
            ]
        ),
        feeds=np.array(places, dtype=np.int64),
        transfer=np.array([c.transfer for c in channels], dtype=np.float64),
        variables=variables,
        above=np.zeros(size),
        crossed=np.zeros(size),
        watched=np.array([_watched(p) for p in populations], dtype=np.int64),
        low=_filled([c.low if c else None for c in calms], nowhere),
        high=_filled([c.high if c else None for c in calms], nowhere),
        most=_filled([c.conductance if c else None for c in calms], nowhere),
        low_most=np.array([c.low.max() if c else -np.inf for c in calms]),
        high_least=np.array([c.high.min() if c else np.inf for c in calms]),
        most_least=np.array([c.conductance.min() if c else np.inf for c in calms]),
        drive=np.zeros((n_moments, size)),
        conductance=np.zeros((n_moments, size)),
        scratch=np.zeros((ROWS, (1 + len(variables)) * CHUNK)),
    )


def _kind(population: GridNeurons) -> int:
    if population.model.leaky:
        return CONDUCTING if population.conducting else LINEAR
    return STEPPED


def _watched(population: GridNeurons) -> int:
    """What may leave the range in which a Runge-Kutta step holds."""
    calm = population.calm
    if calm is None:
        return 0
    watched = LOW * bool(np.isfinite(calm.low).any()) + HIGH * bool(np.isfinite(calm.high).any())
    may_conduct = population.conducting and bool(np.isfinite(calm.conductance).any())
    return watched + CONDUCTANCE * may_conduct


def _n_plain(population: GridNeurons) -> int:
    channels = population.channels
    simple = all(c.reversal is not None and c.feeds is None for c in channels)
    leaky = population.model.leaky
    return len(channels) if leaky and population.conducting and simple and len(channels) <= 2 else 0


def _rows(named: list[dict[str, np.ndarray]], starts: np.ndarray, size: int) -> np.ndarray:
    """Arrays of each population, in their order, as rows of one array with all neurons."""
    rows = np.zeros((max(1, *(len(arrays) for arrays in named), 1), size))
    for first, arrays in zip(starts, named, strict=True):
        for row, values in enumerate(arrays.values()):
            rows[row, first : first + values.size] = values
    return rows


def _jumps(populations: list[GridNeurons]) -> Mapping[str, np.ndarray]:
    """Which variables grow at a spike, and by which parameters, population after population."""
    rows = [
        (list(p.variables).index(variable), list(p.parameters).index(parameter))
        for p in populations
        for variable, parameter in p.model.jumps.items()
    ]
    both = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return {
        "jump_start": np.cumsum([0, *(len(p.model.jumps) for p in populations)]),
        "jump_variable": both[:, 0].copy(),
        "jump_parameter": both[:, 1].copy(),
    }
