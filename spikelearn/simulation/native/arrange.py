"""From a network on the grid, or a part of it, to the native engine's arrays and records.

What membranes need that are not linear is arranged apart, so that networks without it do not
compile it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.neurons import GridNeurons
from spikelearn.simulation.native.kept_rows import rows_of
from spikelearn.simulation.native.models import CONDUCTING, LINEAR, STEPPED, Models
from spikelearn.simulation.native.parts import Part, outlets, phase_steps, whole
from spikelearn.simulation.native.runge_kutta import CHUNK, CONDUCTANCE, HIGH, LOW, ROWS
from spikelearn.simulation.native.slopes import slopes_of
from spikelearn.simulation.native.state import (
    CHANNEL,
    POPULATION,
    Net,
    State,
    aligned,
    empty_rings,
    joined,
    n_neurons,
    starting_state,
)


def arrange(grid: GridNetwork, part: Part | None = None) -> Net:
    """The network on the grid, or a part of it, as the kernel wants it."""
    return arrange_parts(grid, [whole(grid) if part is None else part])[0]


def arrange_parts(grid: GridNetwork, parts: Sequence[Part]) -> list[Net]:
    """Parts of a network, for which its synapses are drawn once, projection by projection."""
    starts = [_ring_start(grid, part) for part in parts]
    populations = [
        _populations(grid, part, start) for part, start in zip(parts, starts, strict=True)
    ]
    channels = [_channels(list(part.neurons.values())) for part in parts]
    synapses, shortest, longest = rows_of(grid, parts, populations, channels)
    nets = []
    for index, part in enumerate(parts):
        neurons = list(part.neurons.values())
        zeros = [np.zeros(p.size) for p in neurons]
        phase = phase_steps(grid, shortest) if part.n_parts > 1 else 1
        net = Net(
            populations=populations[index],
            channels=channels[index],
            **synapses[index]._asdict(),
            beta=np.concatenate([p.beta for p in neurons]),
            threshold=np.concatenate([p.threshold for p in neurons]),
            reset=np.concatenate([p.reset for p in neurons]),
            theta_decay=_filled([p.theta_decay for p in neurons], zeros),
            theta_increment=_filled([p.theta_increment for p in neurons], zeros),
            kappa=joined([c.kappa for p in neurons for c in p.channels], np.float64),
            ring_start=starts[index],
            part=part.number,
            n_parts=part.n_parts,
            phase=phase,
            # A part may be ahead of another by all steps of a phase but one.
            n_slots=phase + max(longest, 1),  # rewards are those of the last step
            n_sources=len(grid.sources),
            n_traced=sum(p.size for p in neurons if p.name in grid.record_potential),
            trace_every=grid.record_every,
        )
        nets.append(aligned(net))
    return nets


def _ring_start(grid: GridNetwork, part: Part) -> np.ndarray:
    """Where outlets begin in a slot of the ring, which has room for all spikes of a step."""
    widths = [s.width for s in grid.sources.values()]  # neurons have one each at most
    sizes = [size for name in grid.neurons for size in part.sizes[name]]
    return np.cumsum([0, *widths, *sizes])


def arranged_state(
    net: Net, part: Part, rings: tuple[np.ndarray, np.ndarray] | None = None
) -> State:
    """The state of a part in a trial before its first step.

    Parameters
    ----------
    net : Net
    part : Part
        What `net` was arranged from.
    rings : pair of arrays, optional
        Of `empty_rings`, which the parts of a network share; new ones, if absent.
    """
    neurons = list(part.neurons.values())
    return starting_state(
        net,
        np.concatenate([p.v_init for p in neurons]),
        _filled([p.theta_init for p in neurons], [np.zeros(p.size) for p in neurons]),
        empty_rings(net) if rings is None else rings,
    )


def _populations(grid: GridNetwork, part: Part, ring_start: np.ndarray) -> np.ndarray:
    """A record a population."""
    neurons = list(part.neurons.values())
    records = np.zeros(len(neurons), POPULATION)
    ends = np.cumsum([p.size for p in neurons])
    ends_channel = np.cumsum([len(p.channels) for p in neurons])
    records["first"], records["end"] = np.append(0, ends[:-1]), ends
    records["first_channel"] = np.append(0, ends_channel[:-1])
    records["end_channel"] = ends_channel
    for record, p in zip(records, neurons, strict=True):
        record["before"] = part.first[p.name]
        record["outlet"] = outlets(grid, p.name, part.n_parts)[0] + part.number
        record["alike"] = _alike(p)
        record["subtract"] = p.subtract
        record["adaptive"] = p.theta_init is not None
        record["recorded"] = p.name in grid.record
        record["traced"] = p.name in grid.record_potential
        record["refractory"] = p.refractory_steps
    records["ring_start"] = ring_start[records["outlet"]]
    return records


def _channels(neurons: Sequence[GridNeurons]) -> np.ndarray:
    """A record a channel, population by population."""
    channels = [channel for p in neurons for channel in p.channels]
    records = np.zeros(len(channels), CHANNEL)
    records["start"] = np.cumsum([0, *(channel.kappa.size for channel in channels)])[:-1]
    records["alpha"] = [channel.alpha for channel in channels]
    return records


def _alike(population: GridNeurons) -> bool:
    kappas = [channel.kappa for channel in population.channels]
    parameters = [population.beta, population.threshold, population.reset, *kappas]
    return all((values == values[0]).all() for values in parameters)


def _filled(given: list[np.ndarray | None], instead: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([b if a is None else a for a, b in zip(given, instead, strict=True)])


def models_of(grid: GridNetwork, net: Net, part: Part) -> Models | None:
    """What membranes need that are not linear, of one trial; None where all are simple.

    Parameters
    ----------
    grid : GridNetwork
        The whole network: where one of its parts needs them, all have them.
    net : Net
    part : Part
        What `net` was arranged from.
    """
    populations = list(part.neurons.values())
    channels = [channel for p in populations for channel in p.channels]
    kinds = [_kind(p) for p in populations]
    everywhere = grid.neurons.values()
    if all(_kind(p) == LINEAR and all(c.feeds is None for c in p.channels) for p in everywhere):
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
