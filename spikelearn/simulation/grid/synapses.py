"""Projections on the time grid, and their synapses, which are drawn when they are asked for.

Three hundred million synapses are too many to be there twice: an engine that keeps them in a form
of its own asks for one projection after another (`GridProjection.draw`), in any order and on
several threads. Others ask for `GridNetwork.synapses`, of which there is one for each delay.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._time_steps import in_steps, nearest_step
from spikelearn.networks.connections import Connections
from spikelearn.networks.delays import delay_steps, shared_delay_steps
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.neurons import SpikeSource
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.simulation.grid.neurons import GridNeurons, gain_of
from spikelearn.simulation.grid.plasticity import GridPlasticity, plasticity_on_grid

_DELAYS = 1000  # drawn to see how short they become
Drawn = tuple[Connections, int | np.ndarray]
"""Synapses with their weights as the grid has them; and their delays in steps, one or one each."""


@dataclass(frozen=True)
class Synapses:
    """Synapses of one delay with their weights; `channel` is the target's that spikes jump.

    A projection whose delays differ is several of these, one for each delay. Weights of plastic
    synapses are in the unit of their description, and `gain` (n_target,) is what a weight of 1
    adds to the channel or the potential; those of others contain it.
    """

    name: str
    source: str
    target: str
    connections: Connections
    delay_steps: int
    channel: int | None
    plasticity: GridPlasticity | None
    gain: np.ndarray | None = None
    place: np.ndarray | None = None  # of each synapse among the projection's; None: all are here

    # What a projection tells of itself, these tell as well.

    def draw(self) -> Drawn:
        """What is drawn already."""
        return self.connections, self.delay_steps

    @property
    def by_delay(self) -> tuple[Synapses, ...]:
        """These alone."""
        return (self,)

    @property
    def expected_number(self) -> float:
        """How many there are."""
        return float(self.connections.n_synapses)

    @property
    def shared_delay(self) -> int | None:
        """Their delay in steps."""
        return self.delay_steps

    @property
    def shortest_delay(self) -> int:
        """Their delay in steps."""
        return self.delay_steps

    @property
    def same_weight(self) -> float | None:
        """The weight of all of them, where they share one."""
        return self.connections.same_weight

    @property
    def joins_all(self) -> bool:
        """Whether every source neuron has one on every target neuron."""
        return self.connections.full

    @property
    def joins_all_others(self) -> bool:
        """Whether every source neuron has one on every target neuron but that of its own index."""
        return self.connections.all_others


@dataclass(frozen=True, eq=False)
class GridProjection:
    """A projection on the grid, whose synapses are drawn when they are asked for.

    Attributes
    ----------
    index : int
        Its place among the network's projections, which names its random numbers.
    projection : Projection
    network : SpikingNetwork
        The description that it belongs to.
    n_target : int
    channel : int or None
        The target's channel that its spikes jump; None for the potential itself.
    dt_ms : float
    n_steps : int
        Steps of a trial, beyond which no delay reaches: rings are not longer than the run.
    seed : int
        Of connectivity, weights and delays.
    plasticity : GridPlasticity or None
    gain : float or array of shape (n_target,)
        What a weight of 1 adds to the channel or the potential.
    """

    index: int
    projection: Projection
    network: SpikingNetwork
    n_target: int
    channel: int | None
    dt_ms: float
    n_steps: int
    seed: int
    plasticity: GridPlasticity | None
    gain: Any

    @property
    def name(self) -> str:
        """`source->target`."""
        return self.projection.name

    @property
    def source(self) -> str:
        """The population or source that it comes from."""
        return self.projection.source

    @property
    def target(self) -> str:
        """The population that it ends on."""
        return self.projection.target

    @functools.cached_property
    def expected_number(self) -> float:
        """How many synapses it is expected to have."""
        n_source = self.network.populations[self.source].size
        return float(self.projection.expected_number(n_source, self.n_target))

    @property
    def shared_delay(self) -> int | None:
        """The delay of all synapses in steps; None where each has its own."""
        shared = shared_delay_steps(self.projection, self.dt_ms, self._least_delay)
        return None if shared is None else min(shared, self.n_steps)

    @property
    def shortest_delay(self) -> int:
        """The shortest delay in steps, as far as the description lets expect it."""
        delay: Any = self.projection.delay_ms
        if self.shared_delay is not None:
            return self.shared_delay
        if isinstance(delay, AnyDistribution):
            few = delay.draw(_DELAYS, generator(0, "delays that are to be expected"))
            ms = delay.least if np.isfinite(delay.least) else float(few.min())
        else:
            ms = float(delay.min(initial=np.inf)) if delay.size else 0.0
        return min(max(nearest_step(ms, self.dt_ms), self._least_delay), self.n_steps)

    @property
    def same_weight(self) -> float | None:
        """The weight of all synapses as the grid has it, where it is known that they share one."""
        weight = self.projection.weight
        if not isinstance(weight, float) or np.ndim(self.gain):
            return None
        once = np.full(1, weight, f"f{self.network.weight_bits // 8}")
        return float(self._gained(Connections(once, once, once, 1, 1)).weight[0])

    @property
    def joins_all(self) -> bool:
        """Whether every source neuron has a synapse on every target neuron."""
        return self.projection.joins_all

    @property
    def joins_all_others(self) -> bool:
        """Whether every source neuron has one on every target neuron but that of its own index."""
        return self.projection.joins_all_others

    @property
    def _least_delay(self) -> int:
        return 0 if isinstance(self.network.populations[self.source], SpikeSource) else 1

    def draw(self) -> Drawn:
        """Draw the synapses: the same each time.

        Raises
        ------
        SpikelearnError
            Where a delay is no multiple of the step or too short, or a weight out of bounds.
        """
        projection, seed = self.projection, self.seed
        drawn = self.network.connections(projection, generator(seed, "connections", self.index))
        delays = delay_steps(
            projection, drawn, self.dt_ms, self._least_delay,
            generator(seed, "delays", self.index), self.n_steps,
        )  # fmt: skip
        if projection.unit == "ns" and (least := drawn.weights_once().min(initial=0.0)) < 0:
            raise SpikelearnError(
                f"projection {projection.name}: a conductance is not negative, found a weight of"
                f" {least:g} nS; what inhibits is its reversal potential"
            )
        if self.plasticity is not None:
            drawn = _within_bounds(drawn, self.plasticity, projection.name)
        else:
            drawn = self._gained(drawn)
        return drawn, delays

    def _gained(self, drawn: Connections) -> Connections:
        """The same synapses with what their weights add to the channel or the potential."""
        return drawn.times(self.gain) if np.ndim(self.gain) or self.gain != 1.0 else drawn

    @functools.cached_property
    def by_delay(self) -> tuple[Synapses, ...]:
        """The synapses, as one group for each of their delays; drawn once, and kept."""
        drawn, delays = self.draw()
        gain = np.broadcast_to(self.gain, (self.n_target,)).astype(float)
        common: dict[str, Any] = {
            "name": self.name,
            "source": self.source,
            "target": self.target,
            "channel": self.channel,
            "plasticity": self.plasticity,
            "gain": None if self.plasticity is None else gain,
        }
        if not isinstance(delays, np.ndarray):
            return (Synapses(**common, connections=drawn, delay_steps=int(delays)),)
        return tuple(
            Synapses(**common, connections=part, delay_steps=step, place=place)
            for step, place, part in _by_delay(drawn, delays)
        )


class SynapsesWhenAsked(Sequence[Synapses]):
    """The synapses of projections one after another, drawn when they are asked for, and kept.

    Parameters
    ----------
    projections : iterable of GridProjection
    """

    def __init__(self, projections: Iterable[GridProjection]) -> None:
        self.projections = tuple(projections)

    @functools.cached_property
    def _all(self) -> tuple[Synapses, ...]:
        return tuple(synapses for p in self.projections for synapses in p.by_delay)

    @overload
    def __getitem__(self, index: int) -> Synapses: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Synapses, ...]: ...
    def __getitem__(self, index: int | slice) -> Synapses | tuple[Synapses, ...]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)


def projection_on_grid(
    index: int,
    projection: Projection,
    network: SpikingNetwork,
    target: GridNeurons,
    channel: int | None,
    dt_ms: float,
    n_steps: int,
    seed: int,
) -> GridProjection:
    """A projection on the grid.

    Parameters
    ----------
    index : int
        Its place among the network's projections, which names its random numbers.
    projection : Projection
    network : SpikingNetwork
        The description that it belongs to.
    target : GridNeurons
        The population that it ends on.
    channel : int or None
        The target's channel that its spikes jump; None for the potential itself.
    dt_ms : float
        Time step of the grid, in ms.
    n_steps : int
        Steps of a trial.
    seed : int
        Of connectivity, weights and delays.

    Raises
    ------
    SpikelearnError
        Where a delay is no multiple of the step or too short.
    """
    plasticity = None
    if projection.plasticity is not None:
        every = projection.plasticity.normalise_every_ms
        what = f"projection {projection.name}: normalise_every_ms"
        plasticity = plasticity_on_grid(
            projection.plasticity,
            dt_ms,
            None if every is None else in_steps(every, dt_ms, what),
            np.broadcast_to(network.neurons[projection.target].rest_mv, (target.size,)),
            target.v_rest,
            target.v_init,
        )
    made = GridProjection(
        index, projection, network, target.size, channel, dt_ms, n_steps, seed, plasticity,
        gain_of(projection, network),
    )  # fmt: skip
    _ = made.shared_delay  # a mistake is told before anything is drawn
    return made


def _within_bounds(drawn: Connections, rule: GridPlasticity, name: str) -> Connections:
    """The synapses as plasticity takes them up: within its bounds, and normalised if it does so.

    Weights learn in 64 bits; where they were rounded to 32, a bound is one of these, too.
    """
    once = drawn.weights_once()
    low, high = once.min(initial=rule.w_min), once.max(initial=rule.w_max)
    if low < once.dtype.type(rule.w_min) or high > once.dtype.type(rule.w_max):
        raise SpikelearnError(
            f"projection {name}: weights of plastic synapses start within w_min ... w_max"
            f" ({rule.w_min:g} ... {rule.w_max:g}), found {low:g} ... {high:g}"
        )
    if once.dtype != np.float64:
        drawn = drawn.with_weight(np.clip(drawn.weight.astype(float), rule.w_min, rule.w_max))
    if rule.normalise_sum is None:
        return drawn
    if drawn.full:  # the same sums, in a fraction of the time
        sums = drawn.weight.reshape(drawn.n_source, drawn.n_target).sum(0)
    else:
        sums = np.bincount(drawn.post, drawn.weight, minlength=drawn.n_target)
    scale = np.divide(rule.normalise_sum, sums, out=np.ones_like(sums), where=sums > 0)
    scaled = drawn.times(scale).weight
    return drawn.with_weight(np.clip(scaled, rule.w_min, rule.w_max, out=scaled))


def _by_delay(
    drawn: Connections, steps: np.ndarray
) -> Iterator[tuple[int, np.ndarray, Connections]]:
    """The synapses of each delay, with their places, in the order in which they were drawn."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    short = steps.astype(np.uint16) if steps.max(initial=0) < 2**16 else steps
    order = np.argsort(short, kind="stable")
    values, starts = np.unique(short[order], return_index=True)
    for value, mine in zip(values, np.split(order, starts)[1:], strict=True):
        ends = drawn.pre[mine], drawn.post[mine]
        part = Connections(*ends, drawn.weight[mine], drawn.n_source, drawn.n_target)
        yield int(value), mine, part


def weights_by_name(parts: Iterable[tuple[Synapses, np.ndarray]]) -> dict[str, np.ndarray]:
    """Weights of plastic synapses as a backend gives them; those of several delays together."""
    found: dict[str, list[np.ndarray]] = {}
    for synapses, weights in parts:
        found.setdefault(synapses.name, []).append(weights)
    return {name: np.concatenate(of) if len(of) > 1 else of[0] for name, of in found.items()}
