"""Networks from and to NIR, the Neuromorphic Intermediate Representation, spikes preserved.

Pedersen et al. 2024, doi:10.1038/s41467-024-52259-9. NIR writes down differential equations,
without the time step, the discretization or the order of events in which programs solve them. The
programs that write NIR read it as forward Euler steps of length h, within which a spike counts as
an input of 1::

    LIF      v <- v + h / tau (v_leak - v + r x)              x: weights times spikes, and biases
    CubaLIF  i <- i + h / tau_syn (w_in x - i), and then
             v <- v + h / tau_mem (v_leak - v + r i)
    IF       v <- v + h r x
    then a spike where v > v_threshold, and v <- v_reset

with a spike passing through all layers within one step, but through a loop in the next. LI, CubaLI
and I are the same without spikes. Such steps are those of `spikelearn.simulation` with
exp(-dt / tau_m) = 1 - h / tau; a synaptic current that reaches the membrane in the step in which
the spike comes in is an exponential synapse and a jump together; and as a connection between
neurons takes a step here, the spikes of a population come later by as many steps as there are
layers between it and the input. That is one more where biases have an effect: the unit "bias",
which spikes in every step, stands for them. Synapses of different delays are paths side by side in
NIR, one for each delay, and one projection with delays by synapse here. A unit of potential is a
mV.

What programs write differs from what their networks do:

    snnTorch 1.0  writes a decay of beta a step as tau = h / (1 - beta), r = tau / h, with
                  h = 0.1 ms whatever the step meant, and resets by subtraction as resets to zero
    Norse 1.1     writes tau times h for tau, and r = 1; its own networks ignore r. A CubaLIF is
                  its LIFCell, i <- i + x, v <- v + h / tau_mem (v_leak - v + i),
                  i <- i - h / tau_syn i; an IF its IAFCell, v <- v + x
    Sinabs        writes tau in steps, and r = 1. An IF is its IAF, v <- v + x; a LIF or LI its LIF
                  or ExpLeak, v <- a v + (1 - a) x with a = exp(-1 / tau). A spike where v reaches
                  the threshold, which is then subtracted, as often as it fits: several spikes in a
                  step are one in each of as many steps here

All are read by what their networks do, and none has delays. Whose writing a graph is can often be
seen (`nir_reading.py`). Where two readings are possible the graph is refused until `written_by`
decides: of IF and I, whose r = 1 is per second in NIR and a sum a step for those programs, and of
times of a second and more, which may be steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spikelearn._atomic import atomic_path, by_way_of_memory
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import in_steps
from spikelearn.networks.connectivity import Pairs
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.neurons.lif import decayed_gain
from spikelearn.networks.synapses import DeltaSynapse, ExponentialSynapse

if TYPE_CHECKING:
    import nir

    from spikelearn.networks.nir_graph import Graph, Term
    from spikelearn.networks.nir_reading import Reading, Reset, WrittenBy
    from spikelearn.networks.spiking import Projection, SpikingNetwork

_NEVER_MV = 1e9  # threshold of neurons that do not spike
_NO_LEAK_MS = 1e30  # exp(-dt / tau) is 1, to the last bit: sums are those of the author
_REACHED = 1e-12  # of the threshold: more than sums are rounded by
_DENSE = 0.3  # from this share of non-zero weights on, a matrix is kept whole
_BIAS = "bias"


def read_nir(graph: str | Path | nir.NIRGraph) -> nir.NIRGraph:
    """A graph from a file; a graph as it is.

    Raises
    ------
    SpikelearnError
        Where there is no such file, or it is not a NIR graph.
    """
    import nir

    if isinstance(graph, nir.NIRGraph):
        return graph
    if not isinstance(graph, str | Path):
        raise SpikelearnError(f"a path or a NIR graph is needed, found {type(graph).__name__}")
    if not Path(graph).is_file():
        raise SpikelearnError(f"there is no file {graph}")
    try:
        read = nir.read(graph, type_check=False)
    except Exception as error:  # h5py, and nir itself, raise whatever the file made them stumble on
        raise SpikelearnError(f"{graph} cannot be read as NIR ({error})") from error
    if not isinstance(read, nir.NIRGraph):
        raise SpikelearnError(f"{graph} holds a {type(read).__name__}, not a graph")
    return read


def write_nir(graph: nir.NIRGraph, path: str | Path) -> None:
    """Write a graph to a file, whole or not at all."""
    import nir

    with atomic_path(path) as temporary, by_way_of_memory(temporary) as buffer:
        nir.write(buffer, graph)


def network_from_nir(
    graph: nir.NIRGraph,
    name: str,
    dt_ms: float | None = None,
    written_by: WrittenBy | None = None,
    reset: Reset | None = None,
) -> SpikingNetwork:
    """See `SpikingNetwork.from_nir`.

    Parameters
    ----------
    graph : nir.NIRGraph
    name : str
        Name of the network.
    dt_ms : float, optional
        The time step with which the network is to be simulated.
    written_by, reset : str, optional
        How the graph is to be read.
    """
    from spikelearn.networks.nir_graph import read_graph
    from spikelearn.networks.nir_reading import Reading
    from spikelearn.networks.spiking import SpikingNetwork

    if not graph.nodes:
        raise SpikelearnError("the NIR graph has no nodes")
    read = read_graph(graph)
    if not read.nodes:
        raise SpikelearnError("the NIR graph has no neurons")
    reading = Reading.of(graph, read, dt_ms, written_by, reset)
    frames = _frames(read, reading.step_s)
    biased = any(term.source is None for terms in read.terms.values() for term in terms)
    populations: dict[str, Any] = {
        source: SpikeSource(model="spike_source", size=size) for source, size in read.inputs.items()
    }
    projections: list[Projection] = []
    if biased:
        if _BIAS in read.nodes or _BIAS in read.inputs:
            raise SpikelearnError(f"a node must not be called '{_BIAS}'")
        populations[_BIAS] = always_on()
    for target, node in read.nodes.items():
        looped = any(term.source == target for term in read.terms[target])
        neurons = _Translated.of(target, node, read.sizes[target], looped, reading)
        populations[target] = neurons.population
        for terms in _by_source(read.terms[target]):
            projections += neurons.projections(terms, frames, reading)
        projections += neurons.delayed_reset(reading)
        if frames.depth[target] and neurons.fires_alone:
            raise SpikelearnError(
                f"node '{target}' fires without input, before the first spikes of the layers in"
                " front of it reach it here; its spikes would not be the same"
            )
    spiking = [n for n, node in read.nodes.items() if hasattr(node, "v_threshold")]
    late = {n: frames.depth[n] for n in read.nodes if frames.depth[n]}
    description = f"From NIR ({reading.written_by}). {reading.in_words(read)}"
    if late:
        described = ", ".join(f"{n} by {steps}" for n, steps in late.items())
        description += f" Steps by which spikes come later than without delays: {described}."
    return SpikingNetwork(
        name=name,
        description=description,
        populations=populations,
        projections=tuple(projections),
        record=tuple(spiking or read.nodes),
        dt_ms=reading.dt_ms,
    )


def _by_source(terms: list[Term]) -> list[list[Term]]:
    """Terms that differ in their delay alone, side by side."""
    found: dict[str | None, list[Term]] = {}
    for term in terms:
        found.setdefault(term.source, []).append(term)
    return list(found.values())


def always_on() -> LIF:
    """A neuron that spikes in every step."""
    return LIF(size=1, v_rest_mv=_NEVER_MV, v_threshold_mv=1e-6, v_reset_mv=0.0, tau_m_ms=1e-3)


@dataclass(frozen=True)
class _Frames:
    """When a node's steps begin here, counted from those of a program whose layers take no time."""

    depth: dict[str | None, int]
    group: dict[str | None, int]  # nodes of one number can all reach one another

    def delay(self, source: str | None, target: str, steps: int) -> int:
        """Steps that a connection takes here; through a loop it takes one in the program, too."""
        loop = self.group[source] == self.group[target]
        return steps + self.depth[target] - self.depth[source] + loop


def _frames(read: Graph, step_s: float) -> _Frames:
    names: list[str | None] = [None, *read.inputs, *read.nodes]
    place = {name: index for index, name in enumerate(names)}
    edges = [
        (place[term.source], place[target], _in_steps(term.delay_s, step_s))
        for target, terms in read.terms.items()
        for term in terms
    ]
    group = groups_of_loops(len(names), [(a, b) for a, b, _ in edges])
    depth = np.zeros(group.max() + 1, dtype=int)
    for _ in range(depth.size):  # the longest path has fewer edges than there are groups
        for a, b, steps in edges:
            if group[a] != group[b]:
                least = 0 if names[a] in read.inputs else 1
                depth[group[b]] = max(depth[group[b]], depth[group[a]] + least - steps)
    return _Frames(
        {name: int(depth[group[place[name]]]) for name in names},
        {name: int(group[place[name]]) for name in names},
    )


def groups_of_loops(n_nodes: int, edges: list[tuple[int, int]]) -> np.ndarray:
    """For each node the number of its group: nodes that can all reach one another."""
    pre, post = np.array(edges, dtype=int).reshape(-1, 2).T
    matrix = sparse.csr_array((np.ones(pre.size), (pre, post)), shape=(n_nodes, n_nodes))
    return np.asarray(sparse.csgraph.connected_components(matrix, connection="strong")[1])


def _in_steps(delay_s: float, step_s: float) -> int:
    # Files may hold delays as floats of 32 bits.
    return in_steps(1e3 * delay_s, 1e3 * step_s, "a delay", tolerance_ms=1e-6 * (1e3 * step_s))


@dataclass(frozen=True)
class _Translated:
    """A node with a state as a population, and what a weight of 1 does to it."""

    name: str
    population: LIF
    jump: np.ndarray  # (size,), mV: of the potential, in the step in which the spike arrives
    current: np.ndarray  # (size,), mV: the synaptic current after that step
    synapse: ExponentialSynapse | None
    subtracts: bool

    @classmethod
    def of(cls, name: str, node: Any, size: int, looped: bool, reading: Reading) -> _Translated:
        def each(field_name: str) -> np.ndarray:
            value = np.ravel(np.asarray(getattr(node, field_name), dtype=np.float64))
            if value.size not in (1, size):
                raise SpikelearnError(
                    f"node '{name}': {field_name} has {counted(value.size, 'value')}, the node"
                    f" {size}"
                )
            if not np.isfinite(value).all():
                raise SpikelearnError(f"node '{name}': {field_name} must be finite")
            return np.broadcast_to(value, (size,)).copy()

        def decay(field_name: str) -> np.ndarray:
            """What remains after a step."""
            tau = each(field_name)
            if reading.written_by == "sinabs":
                return np.exp(-1.0 / tau)
            if reading.written_by == "norse":
                tau = tau / reading.step_s
            if (tau <= reading.step_s * (1 + 1e-9)).any():
                raise SpikelearnError(
                    f"node '{name}': {field_name} of {1e3 * tau.min():g} ms does not exceed the"
                    f" time step of {1e3 * reading.step_s:g} ms"
                )
            return 1.0 - reading.step_s / tau

        kind = type(node).__name__
        norse = reading.written_by == "norse"
        a_step = reading.written_by in ("norse", "sinabs")
        gain = np.ones(size) if a_step else each("r")
        fields: dict[str, Any] = {"size": size, "v_reset_mv": np.zeros(size)}
        fields["v_threshold_mv"] = np.full(size, _NEVER_MV)
        if hasattr(node, "v_threshold"):
            fields["v_threshold_mv"] = each("v_threshold")
            fields["v_reset_mv"] = np.zeros(size) if node.v_reset is None else each("v_reset")
        if reading.written_by == "sinabs":
            # There a neuron spikes where it reaches the threshold, here above it.
            fields["v_threshold_mv"] = fields["v_threshold_mv"] * (1.0 - _REACHED)
            fields["reset"] = reading.reset
        if kind in ("IF", "I"):
            fields["tau_m_ms"] = _NO_LEAK_MS
            jump = np.ones(size) if a_step else gain * reading.step_s
            return cls(name, _lif(name, fields), jump, np.zeros(size), None, False)
        beta = decay("tau" if kind in ("LIF", "LI") else "tau_mem")
        fields["v_rest_mv"] = each("v_leak")
        tau_m = -reading.dt_ms / np.log(beta)
        fields["tau_m_ms"] = tau_m
        subtracts = reading.delayed_subtraction and kind.endswith("LIF")
        if subtracts:
            fields["reset"] = "subtract"
        if reading.written_by == "snntorch" and not subtracts and (looped or kind == "CubaLIF"):
            # There RLeaky, Synaptic and RSynaptic lose the input of the step after a spike.
            fields["refractory_ms"] = 2 * reading.dt_ms
        jump = (1.0 - beta) * gain
        if kind in ("LIF", "LI"):
            return cls(name, _lif(name, fields), jump, np.zeros(size), None, subtracts)
        alpha = decay("tau_syn")
        if np.ptp(alpha) > 1e-6 * alpha[0]:
            raise SpikelearnError(f"node '{name}': tau_syn must be one for all neurons")
        tau_syn = float(-reading.dt_ms / np.log(alpha[0]))
        jump = jump * (1.0 if norse else (1.0 - alpha) * each("w_in"))
        current = jump * alpha / decayed_gain(tau_syn, tau_m, reading.dt_ms)
        synapse = ExponentialSynapse(model="exponential", tau_ms=tau_syn)
        return cls(name, _lif(name, fields), jump, current, synapse, subtracts)

    @property
    def fires_alone(self) -> bool:
        return bool((np.asarray(self.population.v_rest_mv) > self.population.v_threshold_mv).any())

    def projections(self, terms: list[Term], frames: _Frames, reading: Reading) -> list[Projection]:
        """What a source's terms do, as one projection, or as two for a current that acts at once.

        Parameters
        ----------
        terms : list of Term
            All of one source, each with a delay of its own.
        frames : _Frames
        reading : Reading
        """
        steps = []
        for term in terms:
            if term.matrix.shape[0] != self.population.size:
                raise SpikelearnError(
                    f"node '{self.name}' of {counted(self.population.size, 'neuron')} receives"
                    f" {counted(term.matrix.shape[0], 'value')}"
                )
            own = _in_steps(term.delay_s, reading.step_s)
            steps.append(frames.delay(term.source, self.name, own))
        made = [self._projection(terms, self.jump, DeltaSynapse(), steps, reading.dt_ms)]
        if self.synapse is not None:
            made.append(self._projection(terms, self.current, self.synapse, steps, reading.dt_ms))
        return made

    def _projection(
        self, terms: list[Term], scale: np.ndarray, synapse: Any, steps: list[int], dt_ms: float
    ) -> Projection:
        from spikelearn.networks.spiking import Projection

        matrices = [sparse.coo_array(term.matrix.T * scale[None, :]) for term in terms]
        return Projection(
            source=_BIAS if terms[0].source is None else terms[0].source,
            target=self.name,
            synapse=synapse,
            **(
                {**_weights(matrices[0]), "delay_ms": steps[0] * dt_ms}
                if len(terms) == 1
                else _by_synapse(matrices, np.array(steps) * dt_ms)
            ),
        )

    def delayed_reset(self, reading: Reading) -> list[Projection]:
        """snnTorch subtracts in the next step, after the decay; we before it: the difference."""
        from spikelearn.networks.spiking import Projection

        if not self.subtracts:
            return []
        beta = np.exp(-reading.dt_ms / np.asarray(self.population.tau_m_ms))
        each = np.arange(self.population.size)
        return [
            Projection(
                source=self.name,
                target=self.name,
                connectivity=Pairs(kind="pairs", pre=each, post=each),
                weight_mv=np.broadcast_to(
                    -(1.0 - beta) * np.asarray(self.population.v_threshold_mv), each.shape
                ),
                delay_ms=reading.dt_ms,
            )
        ]


def _lif(name: str, fields: dict[str, Any]) -> LIF:
    """The population; parameters that are all alike as one number."""
    plain: dict[str, Any] = {
        key: float(value.flat[0]) if isinstance(value, np.ndarray) and np.ptp(value) == 0 else value
        for key, value in fields.items()
    }
    try:
        return LIF(**plain)
    except SpikelearnError as error:
        raise SpikelearnError(f"node '{name}': {error}") from error


def _weights(matrix: sparse.coo_array) -> dict[str, Any]:
    """Connectivity and weights (source size, target size) of a projection."""
    if matrix.nnz >= _DENSE * matrix.shape[0] * matrix.shape[1]:
        return {"weight_mv": matrix.toarray()}
    pre, post = matrix.coords
    return {"connectivity": Pairs(kind="pairs", pre=pre, post=post), "weight_mv": matrix.data}


def _by_synapse(matrices: list[sparse.coo_array], delays_ms: np.ndarray) -> dict[str, Any]:
    """Connectivity, weights and delays of matrices (source size, target size) with a delay each."""
    pre, post = (np.concatenate([m.coords[axis] for m in matrices]) for axis in (0, 1))
    return {
        "connectivity": Pairs(kind="pairs", pre=pre, post=post),
        "weight_mv": np.concatenate([m.data for m in matrices]),
        "delay_ms": np.repeat(delays_ms, [m.nnz for m in matrices]),
    }
