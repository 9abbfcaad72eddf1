"""A spiking network as a NIR graph; what this means is in `spikelearn.networks.nir`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nir
import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.delays import delay_steps
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.neurons.lif import decayed_gain
from spikelearn.networks.nir import groups_of_loops
from spikelearn.networks.synapses import DeltaSynapse, ExponentialSynapse
from spikelearn.networks.without_effect import warn_without_effect

if TYPE_CHECKING:
    from spikelearn.networks.spiking import Projection, SpikingNetwork

_LIKE_RTOL = 1e-6


@dataclass
class _Edge:
    """What one population sends another after so many steps: (source size, target size), mV."""

    jump: np.ndarray | None = None
    current: np.ndarray | None = None


@dataclass
class _Target:
    """What arrives at a population, by source and steps."""

    edges: dict[tuple[str, int], _Edge] = field(default_factory=dict)
    tau_syn_ms: float | None = None


def network_to_nir(
    network: SpikingNetwork, dt_ms: float, step_ms: float, seed: int
) -> nir.NIRGraph:
    """See `SpikingNetwork.to_nir`.

    Parameters
    ----------
    network : SpikingNetwork
    dt_ms, step_ms : float
        Time step of the simulation, and that which the reading program assumes.
    seed : int
        For connectivity and weights that are drawn.
    """
    for what, value in (("dt_ms", dt_ms), ("step_ms", step_ms)):
        if not (np.isfinite(value) and value > 0):
            raise SpikelearnError(f"{what} must be greater than 0, found {value:g}")
    biases = [name for name in network.neurons if _always_on(network, name, dt_ms)]
    if network.background or network.noise:
        raise SpikelearnError("NIR has no background input and no noise; give them as spikes")
    cells: dict[str, LIF] = {}
    for name, population in network.neurons.items():
        if name in biases:
            continue
        if reason := _unsayable(population, dt_ms):
            raise SpikelearnError(f"population '{name}': NIR has no {reason}")
        cells[name] = population  # type: ignore[assignment]
    warn_without_effect(network, 3)
    targets = {name: _Target() for name in cells}
    for index, projection in enumerate(network.projections):
        _collect(network, projection, index, targets, dt_ms, seed)
    writer = _Writer(network, cells, biases, dt_ms, step_ms / 1e3)
    for name, target in targets.items():
        writer.add(name, target)
    return writer.graph()


def _always_on(network: SpikingNetwork, name: str, dt_ms: float) -> bool:
    """Whether a population is nothing but a bias: it spikes in every step."""
    cell = network.neurons[name]
    if type(cell) is not LIF or cell.reset != "to_value" or cell.refractory_ms > dt_ms:
        return False
    targets = [item.target for item in (*network.projections, *network.background)]
    if name in (*targets, *(item.target for item in network.noise)):
        return False
    if isinstance(cell.v_init_mv, AnyDistribution):
        return False
    beta = np.exp(-dt_ms / np.asarray(cell.tau_m_ms))
    rest = np.asarray(cell.v_rest_mv)
    starts = [rest + beta * (np.asarray(v) - rest) for v in (cell.init_mv, cell.reset_mv)]
    return all(bool(np.all(v > np.asarray(cell.v_threshold_mv))) for v in starts)


def _unsayable(population: Any, dt_ms: float) -> str | None:
    if type(population) is not LIF:
        return f"neurons of model {population.model}"
    if population.reset == "subtract":
        return "reset by subtraction"
    if population.refractory_ms > dt_ms * (1 + 1e-9):
        return "refractory period"
    start = population.v_init_mv
    if isinstance(start, AnyDistribution) or (
        start is not None and np.any(np.asarray(start) != np.asarray(population.v_rest_mv))
    ):
        return "initial potential (v_init_mv must be absent, or the resting potential)"
    return None


def _collect(
    network: SpikingNetwork,
    projection: Projection,
    index: int,
    targets: dict[str, _Target],
    dt_ms: float,
    seed: int,
) -> None:
    if projection.target not in targets:
        return
    where = f"projection {projection.name}"
    synapse = projection.synapse
    if projection.plasticity is not None:
        raise SpikelearnError(f"{where}: NIR has no plasticity")
    if not isinstance(synapse, DeltaSynapse | ExponentialSynapse) or projection.unit == "ns":
        raise SpikelearnError(f"{where}: NIR has delta and exponential currents only")
    least = 0 if isinstance(network.populations[projection.source], SpikeSource) else 1
    drawn = network.connections(projection, generator(seed, "connections", index))
    delays = delay_steps(projection, drawn, dt_ms, least, generator(seed, "delays", index))
    gain = np.asarray(network.neurons[projection.target].gains()[projection.unit])
    target = targets[projection.target]
    if not isinstance(synapse, DeltaSynapse):
        if target.tau_syn_ms not in (None, synapse.tau_ms):
            raise SpikelearnError(f"{where}: NIR has one synaptic time constant a population")
        target.tau_syn_ms = synapse.tau_ms
    # Synapses of one delay are one map between the populations, with one delay in front of it.
    for steps in np.unique(delays) if np.ndim(delays) else [delays]:
        mine = drawn
        if np.ndim(delays):
            mine = drawn.with_weight(np.where(delays == steps, drawn.weight, 0.0))
        weights = mine.dense() * gain
        edge = target.edges.setdefault((projection.source, int(steps)), _Edge())
        if isinstance(synapse, DeltaSynapse):
            edge.jump = weights if edge.jump is None else edge.jump + weights
        else:
            edge.current = weights if edge.current is None else edge.current + weights


class _Writer:
    def __init__(
        self,
        network: SpikingNetwork,
        cells: dict[str, LIF],
        biases: list[str],
        dt_ms: float,
        step_s: float,
    ) -> None:
        for name in network.populations:
            if "/" in name or name.startswith("output"):
                raise SpikelearnError(f"NIR cannot have a population called '{name}'")
        self.network, self.cells, self.biases = network, cells, biases
        self.dt_ms, self.step_s = dt_ms, step_s
        self.nodes: dict[str, Any] = {
            name: nir.Input(np.array([size])) for name, size in network.sources.items()
        }
        self.arriving: dict[str, list[tuple[str, int, np.ndarray]]] = {}

    def add(self, name: str, target: _Target) -> None:
        """A node with a state, and what arrives there: jumps in mV, after so many steps."""
        cell = self.cells[name]
        tau_m = np.broadcast_to(np.asarray(cell.tau_m_ms, dtype=float), (cell.size,))
        beta = np.exp(-self.dt_ms / tau_m)
        rest = np.broadcast_to(cell.v_rest_mv, (cell.size,))
        if (beta == 1.0).any():
            self._add_without_leak(name, target, beta, rest)
            return
        tau = self.step_s / (1.0 - beta)
        common: dict[str, Any] = {
            "v_leak": np.zeros(cell.size),
            "v_threshold": cell.v_threshold_mv - rest,
            "v_reset": cell.reset_mv - rest,
        }
        if target.tau_syn_ms is None:
            # Norse knows r = 1 only, snnTorch then one time constant a population.
            alike = bool(np.ptp(tau) == 0)
            r = np.ones(cell.size) if alike else tau / self.step_s
            self.nodes[name] = nir.LIF(tau=tau, r=r, **common)
            self.arriving[name] = [
                (source, steps, edge.jump / (r * (1.0 - beta)))
                for (source, steps), edge in target.edges.items()
                if edge.jump is not None
            ]
            return
        alpha = float(np.exp(-self.dt_ms / target.tau_syn_ms))
        tau_syn = np.full(cell.size, self.step_s / (1.0 - alpha))
        self.nodes[name] = nir.CubaLIF(
            tau_syn=tau_syn,
            tau_mem=tau,
            r=tau / self.step_s,
            w_in=tau_syn / self.step_s,
            **common,
        )
        gain = decayed_gain(target.tau_syn_ms, tau_m, self.dt_ms)
        at_once = any(edge.jump is not None for edge in target.edges.values())
        self.arriving[name] = []
        for (source, steps), edge in target.edges.items():
            weights = 0.0 if edge.current is None else edge.current * gain
            if at_once:
                jump = np.zeros(1) if edge.jump is None else edge.jump
                if not np.allclose(weights, alpha * jump, rtol=_LIKE_RTOL, atol=0.0):
                    raise SpikelearnError(
                        f"population '{name}': NIR has no jumps of the potential beside synaptic"
                        " currents"
                    )
                self.arriving[name].append((source, steps, jump))
            else:
                # A current reaches our membrane a step after the spike arrives.
                self.arriving[name].append((source, steps + 1, np.asarray(weights)))

    def _add_without_leak(
        self, name: str, target: _Target, beta: np.ndarray, rest: np.ndarray
    ) -> None:
        """Neurons that lose nothing in a step are NIR's IF: they integrate what arrives.

        Parameters
        ----------
        name : str
        target : _Target
            What arrives there.
        beta, rest : array of shape (size,)
            What remains of the potential after a step, and where it rests, in mV.
        """
        cell = self.cells[name]
        if (beta < 1.0).any() or target.tau_syn_ms is not None:
            raise SpikelearnError(
                f"population '{name}': NIR has no neurons without a leak beside others with one, or"
                " with synaptic currents"
            )
        self.nodes[name] = nir.IF(
            r=np.full(cell.size, 1.0 / self.step_s),
            v_threshold=np.broadcast_to(cell.v_threshold_mv - rest, (cell.size,)).astype(float),
            v_reset=np.broadcast_to(cell.reset_mv - rest, (cell.size,)).astype(float),
        )
        self.arriving[name] = [
            (source, steps, edge.jump)
            for (source, steps), edge in target.edges.items()
            if edge.jump is not None
        ]

    def graph(self) -> nir.NIRGraph:
        """All nodes, with the maps between them."""
        frames = self._frames()
        links: list[tuple[str, str]] = []
        for name, cell in self.cells.items():
            links += self._links(name, frames)
            self.nodes[name].metadata = {"spikes_earlier_by_steps": frames.depth[name]}
            if frames.depth[name] and np.any(cell.v_rest_mv > np.asarray(cell.v_threshold_mv)):
                raise SpikelearnError(
                    f"population '{name}' fires without input, before the first spikes of those in"
                    " front of it arrive; its spikes would not be the same in NIR"
                )
        ends = [name for name in self.cells if not frames.sends_on(name)]
        for name in ends:
            key = "output" if len(ends) == 1 else f"output_{name}"
            self.nodes[key] = nir.Output(np.array([self.cells[name].size]))
            links.append((name, key))
        metadata = {"written_by": "spikelearn", "dt_ms": self.dt_ms, "step_ms": 1e3 * self.step_s}
        return nir.NIRGraph(self.nodes, links, metadata=metadata)

    def _frames(self) -> _Frames:
        names = [*self.network.sources, *self.cells]
        place = {name: index for index, name in enumerate(names)}
        edges = [
            (place[source], place[name], steps)
            for name, terms in self.arriving.items()
            for source, steps, _ in terms
            if source in place
        ]
        group = groups_of_loops(len(names), [(a, b) for a, b, _ in edges])
        between = [(group[a], group[b], steps) for a, b, steps in edges if group[a] != group[b]]
        far = sum(steps for _, _, steps in between)
        depth = np.zeros(group.max() + 1, dtype=int)
        depth[[b for _, b, _ in between]] = far
        for _ in range(depth.size):  # the shortest path has fewer edges than there are groups
            for a, b, steps in between:
                depth[b] = min(depth[b], depth[a] + steps)
        return _Frames(
            {name: int(group[place[name]]) for name in names},
            {name: int(depth[group[place[name]]]) for name in names},
            frozenset(int(a) for a, _, _ in between),
        )

    def _links(self, name: str, frames: _Frames) -> list[tuple[str, str]]:
        """Edges of the graph that lead to a population; nodes on their way are added."""
        bias = np.zeros(self.cells[name].size)
        terms = []
        for source, steps, weights in self.arriving[name]:
            if source not in self.biases:
                terms.append((source, frames.delay(source, name, steps), weights))
            elif steps == frames.depth[name]:
                bias += weights.sum(axis=0)
            else:
                raise SpikelearnError(
                    f"projection {source}->{name}: in NIR a bias acts from the first step on,"
                    f" which needs a delay of {frames.depth[name] * self.dt_ms:g} ms"
                )
        if bias.any() and not terms:
            raise SpikelearnError(f"population '{name}': NIR needs input other than a bias")
        links = []
        for index, (source, delay, weights) in enumerate(terms):
            key = f"{source}_to_{name}"
            while key in self.nodes:
                key += "_"
            self.nodes[key] = nir.Affine(weights.T, bias if index == 0 else np.zeros_like(bias))
            links.append((key, name))
            if delay:
                self.nodes[f"{key}_delay"] = nir.Delay(
                    np.full(weights.shape[0], delay * self.step_s)
                )
                links.append((f"{key}_delay", key))
                key = f"{key}_delay"
            links.append((source, key))
        return links


@dataclass(frozen=True)
class _Frames:
    """How much later populations spike here than where only loops and delays take time."""

    group: dict[str, int]  # populations of one number can all reach one another
    depth: dict[str, int]
    sending: frozenset[int]  # groups with a connection to another

    def delay(self, source: str, target: str, steps: int) -> int:
        """Steps of a connection that remain for NIR to say."""
        loop = self.group[source] == self.group[target]
        return steps + self.depth[source] - self.depth[target] - loop

    def sends_on(self, name: str) -> bool:
        """Whether anything outside its own loops receives the spikes of a population."""
        return self.group[name] in self.sending
