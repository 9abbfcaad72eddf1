"""The membranes of a network on the grid as the native engine's arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.neurons import GridNeurons
from spikelearn.simulation.native.models import CONDUCTING, LINEAR, STEPPED, Models
from spikelearn.simulation.native.runge_kutta import CHUNK, slopes_of
from spikelearn.simulation.native.state import Net, n_neurons


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
        drive=np.zeros((n_moments, size)),
        conductance=np.zeros((n_moments, size)),
        scratch=np.zeros((4, (1 + len(variables)) * CHUNK)),
    )


def _kind(population: GridNeurons) -> int:
    if population.model.leaky:
        return CONDUCTING if population.conducting else LINEAR
    return STEPPED


def _n_plain(population: GridNeurons) -> int:
    channels = population.channels
    simple = all(c.reversal is not None and c.feeds is None for c in channels)
    leaky = population.model.leaky
    return len(channels) if leaky and population.conducting and simple and len(channels) <= 2 else 0


def _rows(named: list[dict[str, np.ndarray]], starts: np.ndarray, size: int) -> np.ndarray:
    """Arrays of each population, in their order, as rows of one array with all neurons."""
    found = np.zeros((max(1, *(len(arrays) for arrays in named), 1), size))
    for first, arrays in zip(starts, named, strict=True):
        for row, values in enumerate(arrays.values()):
            found[row, first : first + values.size] = values
    return found


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
