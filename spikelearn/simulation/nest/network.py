"""One trial of a network on the grid, made in NEST: neurons, synapses, generators, recorders.

NEST's millisecond is a step here, so that every time is a whole number, whatever the step is.
Potentials are counted from rest, and the capacitance is the time constant, so that a current is
what it adds in mV in the end, as on the grid. A channel of a population is a receptor.

On several ranks each makes what is at home with it (`nest/ranks.py`). Nodes have the same numbers
on all of them; of generators that have one neuron each there are as many as a rank has neurons, and
they serve others on each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.simulation.grid.network import (
    Background,
    GridNetwork,
    GridProjection,
    Synapses,
)
from spikelearn.simulation.grid.neurons import Channel, GridNeurons
from spikelearn.simulation.nest.kernel import threads_for
from spikelearn.simulation.nest.memory import SYNAPSES_AT_ONCE as _AT_ONCE
from spikelearn.simulation.nest.ranks import Ranks

# NEST exchanges spikes once in the shortest delay, and makes as many steps before the first;
# exchanges that are further apart than this gain nothing.
_LONGEST_EXCHANGE = 16
_NEVER_MV = 1e300
_ALIKE = 1e-7
# Of an alpha current, that is no longer told from it.
_WRONG = 1e-6


@dataclass(frozen=True)
class Clock:
    """How steps of the grid lie in NEST's time, in which a step is 1 ms.

    What comes from outside at step k is sent at time k + 1 by generators. It takes the shortest
    delay to arrive, and currents one step more; so NEST is `ahead` steps further when the first
    step is made, and step k ends at time k + 1 + ahead.
    """

    exchange: int  # the shortest delay
    longest: int = 0  # delay

    @property
    def ahead(self) -> int:
        """Steps before the first, in which nothing happens."""
        return self.exchange + 1


@dataclass(frozen=True)
class Made:
    """What is in NEST of one trial; generators of backgrounds in the order of the grid's."""

    clock: Clock
    ranks: Ranks
    neurons: dict[str, Any]
    sources: dict[str, Any]
    backgrounds: list[Any]
    drives: dict[str, Any]
    spikes: dict[str, Any]  # recorders
    potentials: dict[str, Any]

    def at_home(self, name: str) -> slice:
        """The places of a population's neurons that are at home on this rank."""
        nodes = self.neurons[name]
        return self.ranks.places(first_id(nodes), len(nodes))


def clock_of(grid: GridNetwork) -> Clock:
    """The clock of a network; delays that differ are drawn for it, and forgotten again."""
    delays = [_delays(p) for p in grid.projections]
    between = [
        shortest
        for p, (shortest, _) in zip(grid.projections, delays, strict=True)
        if p.source in grid.neurons
    ]
    return Clock(
        exchange=min(between, default=1),
        longest=max((longest for _, longest in delays), default=0),
    )


def make(nest: Any, grid: GridNetwork, clock: Clock, ranks: Ranks) -> Made:
    """Make the network in NEST's kernel, which is empty.

    No neuron spikes until `begin`.

    Parameters
    ----------
    nest : module
    grid : GridNetwork
    clock : Clock
    ranks : Ranks
        The processes that make it together.
    """
    n_neurons = sum(p.size for p in grid.neurons.values())
    nest.SetKernelStatus(
        {
            "resolution": 1.0,
            "local_num_threads": threads_for(ranks.share(n_neurons), ranks.threads()),
            "min_delay": float(clock.exchange),
            "max_delay": float(clock.longest + clock.ahead),
        }
    )
    made = Made(
        clock=clock,
        ranks=ranks,
        neurons={name: _neurons(nest, p, grid.dt_ms, ranks) for name, p in grid.neurons.items()},
        sources={name: nest.Create("spike_generator", s.size) for name, s in grid.sources.items()},
        backgrounds=[nest.Create("spike_generator", ranks.share(b.size)) for b in grid.background],
        drives={
            name: nest.Create("step_current_generator", _width(grid, name, ranks))
            for name in grid.neurons
            if grid.driven(name)
        },
        spikes={name: _recorder(nest) for name in grid.record if name in grid.neurons},
        potentials={name: _multimeter(nest, grid, clock) for name in grid.record_potential},
    )
    for projection in grid.projections:
        _connect_projection(nest, grid, projection, made)
    for background, generators in zip(grid.background, made.backgrounds, strict=True):
        _connect_background(nest, grid, background, generators, made)
    at_once = {"delay": float(clock.exchange)}
    for name, generators in made.drives.items():
        _connect_drive(nest, name, generators, made, differ=_differ(grid, name))
    for name, recorder in made.spikes.items():
        # For each neuron that ends on a device NEST keeps room for 1024 synapses: smaller ones.
        small = {"synapse_model": "static_synapse_hom_w", **at_once}
        nest.Connect(made.neurons[name], recorder, "all_to_all", small)
    for name, recorder in made.potentials.items():
        recorded = made.neurons[name]
        if name in grid.chosen:
            recorded = recorded[np.sort(grid.chosen[name]).tolist()]
        nest.Connect(recorder, recorded, "all_to_all", at_once)
    return made


def begin(grid: GridNetwork, made: Made) -> None:
    """Set the state before the first step; NEST's time is `ahead`."""
    for name, p in grid.neurons.items():
        # NEST's neurons spike at their threshold, ours above it.
        limit = np.nextafter(p.threshold, np.inf)
        _set_at_home(made.neurons[name], made.ranks, {"V_m": p.v_init, "V_th": limit})


def first_id(nodes: Any) -> int:
    """The number of the first of some nodes that were made together, and so are numbered on."""
    return int(nodes[0].global_id)


def _neurons(nest: Any, p: GridNeurons, dt_ms: float, ranks: Ranks) -> Any:
    tau = 1.0 / p.step_per_tau
    if p.channels:
        model = f"iaf_psc_{'alpha' if _alpha(p) else 'exp'}_multisynapse"
        constants = [_other_than(tau, c.tau_ms / dt_ms) for c in _jumped(p)]
        if _alpha(p):
            _check_alpha(p, constants, dt_ms)
        # Not beside the others: an array is taken for a number for each neuron.
        nodes = nest.Create(model, p.size, {"tau_syn": constants, "tau_m": 2.0 * max(constants)})
    else:
        nodes = nest.Create("iaf_psc_delta", p.size)
    parameters = {
        "E_L": 0.0,
        "V_m": 0.0,
        "V_th": _NEVER_MV,
        "V_reset": p.reset,
        "tau_m": tau,
        "C_m": tau,
        # Held from the step after a spike at step k on, neurons integrate again with step k + r.
        "t_ref": float(max(p.refractory_steps - 1, 0)),
    }
    _set_at_home(nodes, ranks, parameters)
    return nodes


def _set_at_home(nodes: Any, ranks: Ranks, parameters: dict[str, Any]) -> None:
    """Set numbers of a population's neurons, one for all or one for each, on the rank they are on.

    Parameters
    ----------
    nodes : NodeCollection
    ranks : Ranks
    parameters : dict of str to float or array of shape (n_nodes,)
    """
    mine = ranks.places(first_id(nodes), len(nodes))
    if mine.start < len(nodes):  # NEST knows no empty part
        nodes[mine].set({
            name: _one_or_each(values[mine]) if isinstance(values, np.ndarray) else values
            for name, values in parameters.items()
        })  # fmt: skip


def _other_than(tau: np.ndarray, of_synapse: float) -> float:
    """A synapse's time constant, in the last digit another one than the membranes'.

    NEST refuses exponential currents that have the membrane's, and is exact for its neighbours.
    """
    while np.any(of_synapse == tau):
        of_synapse = float(np.nextafter(of_synapse, np.inf))
    return of_synapse


def _check_alpha(p: GridNeurons, constants: list[float], dt_ms: float) -> None:
    """Refuse alpha currents that NEST takes for as slow as a membrane which is far slower.

    It does so within a step of `_ALIKE` tau_m^2 / |tau_m - tau_syn|, which is meant for time
    constants that are hardly apart, but which is long where tau_m is.
    """
    tau_m = 1.0 / p.step_per_tau
    for tau_syn in constants:
        apart = np.abs(tau_m - tau_syn)
        taken_for_alike = apart <= _ALIKE * tau_m**2
        wrong = taken_for_alike * (2.0 / 3.0) * apart / (tau_m * tau_syn)
        worst = int(np.argmax(wrong))
        if wrong[worst] > _WRONG:
            raise SpikelearnError(
                f"population '{p.name}': onto a membrane of {tau_m[worst] * dt_ms:g} ms NEST brings"
                f" alpha currents of {tau_syn * dt_ms:g} ms wrong by {wrong[worst]:.1g} of them;"
                f" use a tau_m_ms below {dt_ms / _ALIKE:g}, or another backend"
            )


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


def _differ(grid: GridNetwork, name: str) -> bool:
    """Whether the currents that flow into a population's neurons differ."""
    given = grid.currents.get(name)
    alike = given is None or given.shape[2] == 1
    return any(noise.target == name for noise in grid.noise) or not alike


def _width(grid: GridNetwork, name: str, ranks: Ranks) -> int:
    """How many currents flow into a population's neurons on one rank."""
    return ranks.share(grid.neurons[name].size) if _differ(grid, name) else 1


def _recorder(nest: Any) -> Any:
    return nest.Create("spike_recorder", params={"time_in_steps": True})


def _multimeter(nest: Any, grid: GridNetwork, clock: Clock) -> Any:
    given = {
        "interval": float(grid.record_every), "record_from": ["V_m"], "time_in_steps": True,
        "offset": float(1 + clock.ahead),  # when step 0 ends
    }  # fmt: skip
    return nest.Create("multimeter", params=given)


def _delays(projection: GridProjection | Synapses) -> tuple[int, int]:
    """The shortest and the longest delay of a projection's synapses."""
    delays: Any = projection.shared_delay
    if delays is None:
        delays = projection.draw()[1]
    return int(np.min(delays, initial=_LONGEST_EXCHANGE)), int(np.max(delays, initial=0))


def _connect_projection(
    nest: Any, grid: GridNetwork, projection: GridProjection | Synapses, made: Made
) -> None:
    """Draw the synapses of a projection, and make those that end here; the others are forgotten."""
    from_source = projection.source in made.sources
    sources = made.sources if from_source else made.neurons
    first_source = first_id(sources[projection.source])
    first_target = first_id(made.neurons[projection.target])
    drawn, delays = projection.draw()
    delays = np.broadcast_to(delays, drawn.weight.shape)
    for first in range(0, drawn.n_synapses, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        post = drawn.post[part].astype(np.int64) + first_target
        here = made.ranks.at_home(post)
        # NEST counts on every rank's taking part; a synapse that ends elsewhere is not made.
        here[0] |= not here.any()
        _connect_pairs(
            nest,
            drawn.pre[part][here].astype(np.int64) + first_source,
            post[here],
            drawn.weight[part][here].astype(np.float64),
            delays[part][here] + (made.clock.ahead if from_source else 0),
            grid.neurons[projection.target],
            projection.channel,
        )


def _connect_background(
    nest: Any, grid: GridNetwork, background: Background, generators: Any, made: Made
) -> None:
    places, pairs = _each_its_own(generators, background.target, made)
    delays = np.full(places.size, made.clock.ahead)
    target = grid.neurons[background.target]
    weight = background.weight[places]
    _connect_pairs(nest, *pairs, weight, delays, target, background.channel)


def _connect_drive(nest: Any, name: str, generators: Any, made: Made, differ: bool) -> None:
    at_once = {"delay": float(made.clock.exchange)}
    if not differ:
        nest.Connect(generators, made.neurons[name], "all_to_all", at_once)
        return
    places, pairs = _each_its_own(generators, name, made)
    alike = {"weight": 1.0, **at_once}
    nest.Connect(*pairs, "one_to_one", {k: np.full(places.size, v) for k, v in alike.items()})


def _each_its_own(
    generators: Any, name: str, made: Made
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """A generator for each neuron of a population that is at home here.

    Returns
    -------
    tuple
        The neurons' places in the population; and the numbers of the generators and of the neurons.
        Where none is at home here, one that is not, with which NEST makes nothing.
    """
    nodes = made.neurons[name]
    places = np.arange(len(nodes))[made.at_home(name)]
    if not places.size:
        places = np.zeros(1, dtype=np.int64)
    return places, (np.arange(places.size) + first_id(generators), places + first_id(nodes))


def _connect_pairs(
    nest: Any,
    pre: np.ndarray,
    post: np.ndarray,
    weight: np.ndarray,
    delays: np.ndarray,
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
    delays : int array of shape (n,)
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
            "delay": delays.astype(np.float64),
            "receptor_type": np.full(pre.size, _receptor(target, channel)),
        },
    )


def _one_or_each(values: np.ndarray) -> Any:
    """One number where all neurons have the same, which NEST sets in a fraction of the time."""
    return float(values[0]) if (values == values[0]).all() else values
