"""From a network on the grid to the native engine's arrays and records."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikelearn.simulation.grid.network import Background, GridNetwork, Synapses
from spikelearn.simulation.grid.neurons import GridNeurons
from spikelearn.simulation.native.arrays import aligned, empty, joined
from spikelearn.simulation.native.kernels import sort_by_source
from spikelearn.simulation.native.state import (
    BACKGROUND,
    CHANNEL,
    POPULATION,
    PROJECTION,
    Net,
    State,
    starting_state,
)


def arrange(grid: GridNetwork) -> Net:
    """The network on the grid as the kernel wants it."""
    neurons = list(grid.neurons.values())
    channels = [channel for p in neurons for channel in p.channels]
    emitter_sizes = [s.size for s in grid.sources.values()] + [p.size for p in neurons]
    ring_start = np.cumsum([0, *emitter_sizes])
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
