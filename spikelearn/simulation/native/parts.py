"""A network in parts, one for each thread: which neurons are whose, and how parts become one again.

A part has some neurons of every population that is large enough, with all synapses onto them; all
parts see all spikes. So a neuron's sums have the same order in whatever part it is, and every
number is the same, to the last bit, for any number of parts.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._cores import cores
from spikelearn.networks.neurons import LIF
from spikelearn.simulation.grid.network import GridNetwork, GridProjection, Synapses
from spikelearn.simulation.grid.neurons import GridNeurons

# Parts begin at multiples of it: loops that look at several neurons at once then look at the same
# ones together as where there is one part.
PIECE = 256
# Threads meet after the shortest delay. Where they have less to do until then than about so many
# nanoseconds, to wait for each other costs more than it saves, above all where one of them has to
# wait for its core.
_WORTH = 60_000
_LEAKY, _CONDUCTING, _STEPPED, _DELIVERY = 1, 4, 25, 2  # ns of a neuron and step, of an arrival
_USUAL_HZ = 10.0
_LONGEST_PHASE = 32  # steps, and neurons times steps, for which there is room for spikes
_MOST_ROOM = 2**22


@dataclass(frozen=True)
class Part:
    """The neurons that one thread computes.

    Attributes
    ----------
    number, n_parts : int
    neurons : dict of GridNeurons
        Those of each population that has some here.
    first : dict of int
        Which of the population's neurons is the first of them.
    projections : tuple of GridProjection or Synapses
        Those onto these populations, whole.
    sizes : dict of lists of int
        How many neurons of each population there are in each part.
    """

    number: int
    n_parts: int
    neurons: dict[str, GridNeurons]
    first: dict[str, int]
    projections: tuple[GridProjection | Synapses, ...]
    sizes: dict[str, list[int]]

    @property
    def learning(self) -> list[Synapses]:
        """The plastic synapses among them, whole, by projection and delay."""
        return learning(self.projections)

    def range_of(self, name: str) -> tuple[int, int]:
        """Of a population, the first neuron here and the one after the last."""
        return self.first[name], self.first[name] + self.neurons[name].size

    def own(self, name: str, values: np.ndarray) -> np.ndarray:
        """Of numbers of all neurons of a population, in the last axis, those of the ones here."""
        low, high = self.range_of(name)
        return values[..., low:high]


def learning(projections: Sequence[GridProjection | Synapses]) -> list[Synapses]:
    """The plastic synapses of projections, by projection and delay."""
    return [s for p in projections if p.plasticity is not None for s in p.by_delay]


def whole(grid: GridNetwork) -> Part:
    """The network in one part."""
    sizes = {name: [population.size] for name, population in grid.neurons.items()}
    first = dict.fromkeys(grid.neurons, 0)
    return Part(0, 1, dict(grid.neurons), first, tuple(grid.projections), sizes)


def deal(grid: GridNetwork, n_parts: int) -> list[Part]:
    """The network in parts that have about as many neurons each."""
    if n_parts == 1:
        return [whole(grid)]
    has = np.zeros(n_parts)
    bounds: dict[str, np.ndarray] = {}
    for name, population in sorted(grid.neurons.items(), key=lambda item: -item[1].size):
        lacks = np.maximum((has.sum() + population.size) / n_parts - has, 0.0)
        until = np.cumsum([0.0, *lacks]) * population.size / lacks.sum()
        pieces = np.rint(until / PIECE).astype(np.int64) * PIECE
        pieces[until > population.size - 0.5] = population.size
        bounds[name] = np.minimum(pieces, population.size)
        has += np.diff(bounds[name])
    if not has.all():
        return deal(grid, n_parts - 1)
    sizes = {name: np.diff(bounds[name]).tolist() for name in grid.neurons}
    parts = []
    for number in range(n_parts):
        ranges = {name: bounds[name][number : number + 2].tolist() for name in grid.neurons}
        neurons = {
            name: _cut(population, low, high)
            for name, population in grid.neurons.items()
            for low, high in [ranges[name]]
            if high > low
        }
        first = {name: ranges[name][0] for name in neurons}
        projections = tuple(p for p in grid.projections if p.target in neurons)
        parts.append(Part(number, n_parts, neurons, first, projections, sizes))
    return parts


def _cut(given: Any, low: int, high: int) -> Any:
    """The same of neurons `low` to `high` - 1 alone: of all arrays, wherever they stand."""
    if isinstance(given, np.ndarray):
        return given[low:high]
    if isinstance(given, dict):
        return {key: _cut(value, low, high) for key, value in given.items()}
    if isinstance(given, tuple) and given and dataclasses.is_dataclass(given[0]):
        return tuple(_cut(item, low, high) for item in given)
    if not dataclasses.is_dataclass(given) or isinstance(given, type):
        return given
    names = [field.name for field in dataclasses.fields(given)]
    cut = {name: _cut(getattr(given, name), low, high) for name in names}
    if "size" in cut:
        cut["size"] = high - low
    return dataclasses.replace(given, **cut)


def worth_parts(grid: GridNetwork, n_threads: int) -> int:
    """How many parts a network is best computed in by so many threads: as many, or fewer."""
    n_threads = min(n_threads, cores())
    if n_threads == 1 or sys.platform == "win32":  # where threads that wait cannot step aside
        return 1
    spikes = _USUAL_HZ * grid.dt_ms / 1000.0
    work = sum(p.size * _cost(p) for p in grid.neurons.values())
    work += _DELIVERY * spikes * sum(map(_arrivals, grid.projections))
    pieces = sum(p.size // PIECE for p in grid.neurons.values())
    return max(1, min(n_threads, int(work * phase_steps(grid) // _WORTH), pieces))


def _arrivals(p: GridProjection | Synapses) -> float:
    """Synapses that a spike of each source is added to one by one: not where one sum is for all."""
    alike = p.plasticity is None and p.same_weight is not None
    at_once = alike and (p.joins_all or p.joins_all_others)
    return 0.0 if at_once and p.shared_delay is not None else p.expected_number


def _cost(population: GridNeurons) -> float:
    if not issubclass(population.model, LIF):
        return _STEPPED * population.n_substeps
    return _CONDUCTING if population.conducting else _LEAKY


def phase_steps(grid: GridNetwork, shortest: int | None = None) -> int:
    """Steps after which threads meet: no spike of a neuron arrives sooner.

    Parameters
    ----------
    grid : GridNetwork
    shortest : int, optional
        The shortest delay of a synapse between neurons, in steps; that which the description lets
        expect, if absent.
    """
    delays = [p.shortest_delay for p in grid.projections if p.source in grid.neurons]
    delays = delays if shortest is None else [shortest]
    modulators = [rule.reward for rule in grid.rules]
    if any(r is not None and r.modulator in grid.neurons for r in modulators):
        delays.append(1)
    room = _MOST_ROOM // max(1, sum(p.size for p in grid.neurons.values()))
    return max(1, min([*delays, _LONGEST_PHASE, room]))


def outlets(grid: GridNetwork, emitter: str, n_parts: int) -> tuple[int, int]:
    """The first outlet of a source or a population, and how many it has; see `Net`.

    Parameters
    ----------
    grid : GridNetwork
    emitter : str
        The source or the population.
    n_parts : int
        That the network has.
    """
    if emitter in grid.sources:
        return list(grid.sources).index(emitter), 1
    return len(grid.sources) + list(grid.neurons).index(emitter) * n_parts, n_parts


def numbers_of(grid: GridNetwork, part: Part) -> np.ndarray:
    """The number in the whole network of each neuron of a part."""
    starts = np.cumsum([0, *(p.size for p in grid.neurons.values())])
    first = dict(zip(grid.neurons, starts.tolist(), strict=False))
    return np.concatenate(
        [first[n] + part.first[n] + np.arange(p.size) for n, p in part.neurons.items()]
    )


def together(
    spikes: Sequence[tuple[np.ndarray, np.ndarray]], n_neurons: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of all parts by step and then by neuron; steps and neurons of the whole network."""
    if len(spikes) == 1:
        return spikes[0]
    steps, neurons = (np.concatenate(values) for values in zip(*spikes, strict=True))
    order = np.argsort(steps * n_neurons + neurons, kind="stable")  # runs in order are merged
    return steps[order], neurons[order]
