"""One trial of a network on the grid, made in NEST: neurons, synapses, generators, recorders.

NEST's millisecond is a step here, so that every time is a whole number, whatever the step is.
Potentials are counted from rest, and the capacitance is the time constant, so that a current is
what it adds in mV in the end, as on the grid. A channel of a population is a receptor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.simulation.grid.network import Background, GridNetwork, Synapses
from spikelearn.simulation.grid.neurons import Channel, GridNeurons
from spikelearn.simulation.memory import NEST_SYNAPSES as _AT_ONCE
from spikelearn.simulation.nest.kernel import threads_for

# NEST exchanges spikes once in the shortest delay, and makes as many steps before the first;
# exchanges that are further apart than this gain nothing.
_LONGEST_EXCHANGE = 16
_NEVER_MV = 1e300


@dataclass(frozen=True)
class Clock:
    """How steps of the grid lie in NEST's time, in which a step is 1 ms.

    What comes from outside at step k is sent at time k + 1 by generators. It takes the shortest
    delay to arrive, and currents one step more; so NEST is `ahead` steps further when the first
    step is made, and step k ends at time k + 1 + ahead.
    """

    exchange: int  # the shortest delay

    @property
    def ahead(self) -> int:
        """Steps before the first, in which nothing happens."""
        return self.exchange + 1


@dataclass(frozen=True)
class Made:
    """What is in NEST of one trial; generators of backgrounds in the order of the grid's."""

    clock: Clock
    neurons: dict[str, Any]
    sources: dict[str, Any]
    backgrounds: list[Any]
    drives: dict[str, Any]
    spikes: dict[str, Any]  # recorders
    potentials: dict[str, Any]


def make(nest: Any, grid: GridNetwork) -> Made:
    """Make the network in NEST's kernel, which is empty.

    No neuron spikes until `begin`.
    """
    between = [s.delay_steps for s in grid.synapses if s.source in grid.neurons]
    clock = Clock(min([_LONGEST_EXCHANGE, *between]) if between else 1)
    longest = max((s.delay_steps for s in grid.synapses), default=0)
    nest.SetKernelStatus(
        {
            "resolution": 1.0,
            "local_num_threads": threads_for(sum(p.size for p in grid.neurons.values())),
            "min_delay": float(clock.exchange),
            "max_delay": float(longest + clock.ahead),
        }
    )
    made = Made(
        clock=clock,
        neurons={name: _neurons(nest, p, grid.dt_ms) for name, p in grid.neurons.items()},
        sources={name: nest.Create("spike_generator", s.size) for name, s in grid.sources.items()},
        backgrounds=[nest.Create("spike_generator", b.size) for b in grid.background],
        drives={
            name: nest.Create("step_current_generator", _width(grid, name))
            for name in grid.neurons
            if grid.driven(name)
        },
        spikes={name: _recorder(nest) for name in grid.record if name in grid.neurons},
        potentials={name: _multimeter(nest) for name in grid.record_potential},
    )
    for synapses in grid.synapses:
        _connect_synapses(nest, grid, synapses, made)
    for background, generators in zip(grid.background, made.backgrounds, strict=True):
        _connect_background(nest, grid, background, generators, made)
    at_once = {"delay": float(clock.exchange)}
    for name, generators in made.drives.items():
        # One for all, or one for each.
        rule = "all_to_all" if len(generators) == 1 else "one_to_one"
        nest.Connect(generators, made.neurons[name], rule, at_once)
    for name, recorder in made.spikes.items():
        # For each neuron that ends on a device NEST keeps room for 1024 synapses: smaller ones.
        small = {"synapse_model": "static_synapse_hom_w", **at_once}
        nest.Connect(made.neurons[name], recorder, "all_to_all", small)
    for name, recorder in made.potentials.items():
        nest.Connect(recorder, made.neurons[name], "all_to_all", at_once)
    return made


def begin(grid: GridNetwork, made: Made) -> None:
    """Set the state before the first step; NEST's time is `ahead`."""
    for name, p in grid.neurons.items():
        # NEST's neurons spike at their threshold, ours above it.
        limit = np.nextafter(p.threshold, np.inf)
        made.neurons[name].set({"V_m": _one_or_each(p.v_init), "V_th": _one_or_each(limit)})


def first_id(nodes: Any) -> int:
    """The number of the first of some nodes that were made together, and so are numbered on."""
    return int(nodes[0].global_id)


def _neurons(nest: Any, p: GridNeurons, dt_ms: float) -> Any:
    tau = 1.0 / p.step_per_tau
    model = "iaf_psc_delta"
    parameters = {
        "E_L": 0.0,
        "V_m": 0.0,
        "V_th": _NEVER_MV,
        "V_reset": _one_or_each(p.reset),
        "tau_m": _one_or_each(tau),
        "C_m": _one_or_each(tau),
        # Held from the step after a spike at step k on, neurons integrate again with step k + r.
        "t_ref": float(max(p.refractory_steps - 1, 0)),
    }
    nodes = None
    if p.channels:
        model = f"iaf_psc_{'alpha' if _alpha(p) else 'exp'}_multisynapse"
        constants = [_other_than(tau, c.tau_ms / dt_ms) for c in _jumped(p)]
        # Not beside the others: an array is taken for a number for each neuron.
        nodes = nest.Create(model, p.size, {"tau_syn": constants, "tau_m": 2.0 * max(constants)})
    else:
        nodes = nest.Create(model, p.size)
    nodes.set(parameters)
    return nodes


def _other_than(tau: np.ndarray, of_synapse: float) -> float:
    """A synapse's time constant, in the last digit another one than the membranes'.

    NEST refuses exponential currents that have the membrane's, and is exact for its neighbours.
    """
    while np.any(of_synapse == tau):
        of_synapse = float(np.nextafter(of_synapse, np.inf))
    return of_synapse


def _alpha(p: GridNeurons) -> bool:
    return any(channel.feeds is not None for channel in p.channels)


def _jumped(p: GridNeurons) -> list[Channel]:
    """The channels that spikes jump, one a receptor; those that they feed are in NEST's model."""
    alpha = _alpha(p)
    return [channel for channel in p.channels if (channel.feeds is not None) == alpha]


def _receptor(p: GridNeurons, channel: int | None) -> int:
    """The number of a channel among NEST's receptors; 0 for the potential."""
    if channel is None:
        return 0
    return 1 + (channel // 2 if _alpha(p) else channel)


def _width(grid: GridNetwork, name: str) -> int:
    """How many different currents flow into a population."""
    given = grid.currents.get(name)
    alike = given is None or given.shape[2] == 1
    noisy = any(noise.target == name for noise in grid.noise)
    return grid.neurons[name].size if noisy or not alike else 1


def _recorder(nest: Any) -> Any:
    return nest.Create("spike_recorder", params={"time_in_steps": True})


def _multimeter(nest: Any) -> Any:
    given = {"interval": 1.0, "record_from": ["V_m"], "time_in_steps": True}
    return nest.Create("multimeter", params=given)


def _connect_synapses(nest: Any, grid: GridNetwork, synapses: Synapses, made: Made) -> None:
    from_source = synapses.source in made.sources
    sources = made.sources if from_source else made.neurons
    delay = synapses.delay_steps + (made.clock.ahead if from_source else 0)
    target, drawn = grid.neurons[synapses.target], synapses.connections
    for first in range(0, drawn.n_synapses, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        _connect_pairs(
            nest,
            drawn.pre[part].astype(np.int64) + first_id(sources[synapses.source]),
            drawn.post[part].astype(np.int64) + first_id(made.neurons[synapses.target]),
            drawn.weight[part].astype(np.float64),
            delay,
            target,
            synapses.channel,
        )


def _connect_background(
    nest: Any, grid: GridNetwork, background: Background, generators: Any, made: Made
) -> None:
    places = np.arange(background.size)
    _connect_pairs(
        nest,
        places + first_id(generators),
        places + first_id(made.neurons[background.target]),
        background.weight,
        made.clock.ahead,
        grid.neurons[background.target],
        background.channel,
    )


def _connect_pairs(
    nest: Any,
    pre: np.ndarray,
    post: np.ndarray,
    weight: np.ndarray,
    delay: int,
    target: GridNeurons,
    channel: int | None,
) -> None:
    """Connect nodes by their numbers, pair by pair.

    Parameters
    ----------
    nest : module
    pre, post : int arrays of shape (n,)
    weight : array of shape (n,)
        As on the grid, where those of alpha synapses contain e.
    delay : int
        In steps.
    target : GridNeurons
    channel : int or None
        The target's channel that spikes jump; None for the potential.
    """
    nest.Connect(
        pre,
        post,
        "one_to_one",
        {
            "weight": weight / np.e if _alpha(target) else weight,
            "delay": np.full(pre.size, float(delay)),
            "receptor_type": np.full(pre.size, _receptor(target, channel)),
        },
    )


def _one_or_each(values: np.ndarray) -> Any:
    """One number where all neurons have the same, which NEST sets in a fraction of the time."""
    return float(values[0]) if (values == values[0]).all() else values
