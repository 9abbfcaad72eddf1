"""Projections on the time grid: synapses with their weights, delays and plasticity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._time_steps import in_steps, nearest_steps
from spikelearn.networks.connectivity import Connections
from spikelearn.networks.neurons import SpikeSource
from spikelearn.networks.spiking import BackgroundInput, Projection, SpikingNetwork
from spikelearn.networks.synapses import DeltaSynapse
from spikelearn.simulation.grid.neurons import GridNeurons, jump_of
from spikelearn.simulation.grid.plasticity import GridPlasticity, plasticity_on_grid


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


def projection_on_grid(
    index: int,
    projection: Projection,
    network: SpikingNetwork,
    target: GridNeurons,
    channel: int | None,
    dt_ms: float,
    seed: int,
) -> list[Synapses]:
    """A projection, as one group of synapses for each of its delays.

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
    seed : int
        Of connectivity, weights and delays.

    Raises
    ------
    SpikelearnError
        Where a delay is no multiple of the step or too short, or a weight out of bounds.
    """
    from_source = isinstance(network.populations[projection.source], SpikeSource)
    least = 0 if from_source else 1
    delay: int | None = None
    if projection.delay_ms is None:
        delay = least
    elif isinstance(projection.delay_ms, float):
        delay = in_steps(projection.delay_ms, dt_ms, f"projection {projection.name}: delay_ms")
        if delay < least:
            raise SpikelearnError(
                f"projection {projection.name}: the delay from neurons must be at least one time"
                f" step ({dt_ms:g} ms), found {projection.delay_ms:g} ms"
            )
    drawn = network.connections(projection, generator(seed, "connections", index))
    if projection.unit == "ns" and drawn.weight.min(initial=0.0) < 0:
        raise SpikelearnError(
            f"projection {projection.name}: a conductance is not negative, found a weight of"
            f" {drawn.weight.min():g} nS; what inhibits is its reversal potential"
        )
    gain = gain_of(projection, network)
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
        drawn = _within_bounds(drawn, plasticity, projection.name)
    elif np.ndim(gain) or gain != 1.0:
        scale = gain[drawn.post] if np.ndim(gain) else gain
        drawn = drawn.with_weight(drawn.weight * scale)
    common: dict[str, Any] = {
        "name": projection.name,
        "source": projection.source,
        "target": projection.target,
        "channel": channel,
        "plasticity": plasticity,
        "gain": None if plasticity is None else np.broadcast_to(gain, (target.size,)).astype(float),
    }
    if delay is not None:
        return [Synapses(**common, connections=drawn, delay_steps=delay)]
    distribution: Any = projection.delay_ms  # checked: nothing else is left
    delays = distribution.draw(drawn.pre.size, generator(seed, "delays", index))
    steps = np.maximum(nearest_steps(delays, dt_ms), least)
    return [
        Synapses(**common, connections=part, delay_steps=int(step))
        for step, part in _by_delay(drawn, steps)
    ]


def _within_bounds(drawn: Connections, rule: GridPlasticity, name: str) -> Connections:
    """The synapses as plasticity takes them up: within its bounds, and normalised if it does so."""
    low, high = drawn.weight.min(initial=rule.w_min), drawn.weight.max(initial=rule.w_max)
    if low < rule.w_min or high > rule.w_max:
        raise SpikelearnError(
            f"projection {name}: weights of plastic synapses start within w_min ... w_max"
            f" ({rule.w_min:g} ... {rule.w_max:g}), found {low:g} ... {high:g}"
        )
    if rule.normalise_sum is None:
        return drawn
    if drawn.full:  # the same sums, in a fraction of the time
        sums = drawn.weight.reshape(drawn.n_source, drawn.n_target).sum(0)
    else:
        sums = np.bincount(drawn.post, drawn.weight, minlength=drawn.n_target)
    scale = np.divide(rule.normalise_sum, sums, out=np.ones_like(sums), where=sums > 0)
    scaled = drawn.weight * (np.tile(scale, drawn.n_source) if drawn.full else scale[drawn.post])
    np.clip(scaled, rule.w_min, rule.w_max, out=scaled)
    return drawn.with_weight(scaled)


def gain_of(item: Projection | BackgroundInput, network: SpikingNetwork) -> Any:
    """What a weight of 1 adds to the channel or the potential: a number, or one for each target."""
    if isinstance(item.synapse, DeltaSynapse):
        return 1.0
    return jump_of(item.synapse) * network.neurons[item.target].gains()[item.unit]


def _by_delay(drawn: Connections, steps: np.ndarray) -> Iterator[tuple[int, Connections]]:
    """The synapses of each delay, in the order in which they were drawn."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    short = steps.astype(np.uint16) if steps.max(initial=0) < 2**16 else steps
    order = np.argsort(short, kind="stable")
    values, starts = np.unique(short[order], return_index=True)
    for value, mine in zip(values, np.split(order, starts)[1:], strict=True):
        yield (
            int(value),
            Connections(
                drawn.pre[mine],
                drawn.post[mine],
                drawn.weight[mine],
                drawn.n_source,
                drawn.n_target,
            ),
        )
