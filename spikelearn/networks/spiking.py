"""`SpikingNetwork`: a spiking network described once, for every backend.

Units stand in the names: `_ms`, `_mv`, `_hz`, `_pa`, `_ns`. Neuron models are in
`spikelearn.networks.neurons`, synapses and the units of their weights in
`spikelearn.networks.synapses`, who is connected to whom in `spikelearn.networks.connectivity`. The
semantics of a run are in `spikelearn.simulation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import (
    Field,
    PlainValidator,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticKnownError

from spikelearn._arguments import check_numbers
from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import find_yaml, read_yaml, validate
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.networks.connections import Connections
from spikelearn.networks.fields import with_arrays
from spikelearn.networks.inputs import BackgroundInput, NoiseInput
from spikelearn.networks.neurons import (
    LIF,
    NEURON_MODELS,
    QIF,
    AdaptiveLIF,
    AdEx,
    Brian2Neurons,
    HodgkinHuxley,
    Izhikevich,
    NeuronModel,
    SpikeSource,
)
from spikelearn.networks.plasticity import DopamineSTDP
from spikelearn.networks.projections import (
    UNITS,
    Projection,
    check_arrays,
    check_partner,
    draw_synapses,
)
from spikelearn.networks.reweighting import reweighted
from spikelearn.networks.synapses import (
    AlphaSynapse,
    DeltaSynapse,
    ExponentialSynapse,
    Synapse,
)

if TYPE_CHECKING:
    import nir

__all__ = [
    "LIF", "QIF", "AdEx", "AdaptiveLIF", "AlphaSynapse", "BackgroundInput", "Brian2Neurons",
    "DeltaSynapse", "ExponentialSynapse", "HodgkinHuxley", "Izhikevich", "NoiseInput",
    "Projection", "SpikeSource", "SpikingNetwork", "Synapse",
]  # fmt: skip


def _population(given: Any) -> SpikeSource | NeuronModel:
    """A population as it is, or made of its fields.

    Raises
    ------
    ValueError
        Where no model is named, or one that is not in `NEURON_MODELS`, or the model refuses the
        fields: pydantic then says which of them.
    """
    known: dict[str, type[SpikeSource | NeuronModel]] = {"spike_source": SpikeSource}
    known |= NEURON_MODELS
    if isinstance(given, SpikeSource | NeuronModel):
        name = given.model
        if not isinstance(given, known.get(name, ())):
            raise ValueError(f"model '{name}' is not in spikelearn.networks.neurons.NEURON_MODELS")
        return given
    if not isinstance(given, dict):
        raise PydanticKnownError("model_attributes_type")
    if "model" not in given:
        raise PydanticKnownError("union_tag_not_found", {"discriminator": "'model'"})
    name = given["model"]
    if not isinstance(name, str) or name not in known:
        names = ", ".join(f"'{name}'" for name in known)
        context = {"discriminator": "'model'", "tag": str(name), "expected_tags": names}
        raise PydanticKnownError("union_tag_invalid", context)
    model = known[name]
    if issubclass(model, NeuronModel) and not model.in_files:
        raise ValueError(
            f"equations are code, which no file may bring; make a {model.__name__} of them in"
            " Python"
        )
    return model.model_validate(given)


# By looking the model up when a network is made, not when this is imported: a model that is put
# into the dictionary later, by a program or a test, is known too.
Population = SerializeAsAny[Annotated[SpikeSource | NeuronModel, PlainValidator(_population)]]


class SpikingNetwork(Description):
    """Populations, projections, background input and noise, and what to record.

    `record` names the populations whose spikes are kept; all neurons (not the sources) if absent.
    `dt_ms` is the time step for which the parameters are meant, where they depend on one.
    `rates_hz` are mean rates at which populations are known to fire, which `scaled` needs.

    With `weight_bits` of 32 the weights of all projections are rounded to numbers of 32 bits when
    they are drawn, and when they have been multiplied with the membrane's resistance, which halves
    their memory. All engines then take these numbers: by less than a ten-millionth of each weight
    they are others than those of 64 bits, and where a network is chaotic, so are its spikes after a
    while, though not their statistics. Arithmetic stays in 64 bits, and plastic synapses learn in
    them.

    Examples
    --------
    >>> import spikelearn as sl
    >>> network = sl.SpikingNetwork(
    ...     name="a cell and its input",
    ...     populations={
    ...         "input": {"model": "spike_source", "size": 1},
    ...         "cell": {"model": "lif", "size": 1, "v_threshold_mv": 1.0},
    ...     },
    ...     projections=[{"source": "input", "target": "cell", "weight_mv": 2.0}],
    ... )
    >>> stimulus = sl.Stimulus.from_spike_times("input", [[5.0]])
    >>> sl.simulate(network, stimulus, duration_ms=10)["cell"].times_ms.tolist()
    [5.0]
    """

    kind: Literal["spiking"] = "spiking"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    populations: dict[str, Population]
    projections: tuple[Projection, ...] = ()
    background: tuple[BackgroundInput, ...] = ()
    noise: tuple[NoiseInput, ...] = ()
    record: tuple[str, ...] | None = None
    dt_ms: float | None = Field(default=None, gt=0)
    rates_hz: dict[str, Annotated[float, Field(ge=0)]] = Field(default={})
    weight_bits: Literal[32, 64] = Field(
        default=64, description="of the numbers that weights are rounded to"
    )

    @model_serializer(mode="wrap")
    def _without_what_is_usual(self, write: SerializerFunctionWrapHandler) -> Any:
        """Fields as they are written, without those that say what is so anyway."""
        written = write(self)
        if isinstance(written, dict) and written.get("weight_bits") == 64:
            del written["weight_bits"]
        return written

    def __repr__(self) -> str:
        parts = ", ".join(f"{n} ({p.size:,} {p.model})" for n, p in self.populations.items())
        return f"<SpikingNetwork {self.name!r}: {parts}; {len(self.projections)} projections>"

    def _repr_html_(self) -> str:
        from spikelearn.networks.display import as_html

        return as_html(self)

    def __hash__(self) -> int:
        """Of what is quickly read; networks that are equal have one."""
        sizes = tuple((name, p.model, p.size) for name, p in self.populations.items())
        return hash((self.name, sizes, tuple(p.name for p in self.projections)))

    @model_validator(mode="after")
    def _check(self) -> SpikingNetwork:
        if not self.neurons:
            raise ValueError("a network needs at least one population of neurons")
        names = [projection.name for projection in self.projections]
        for projection in self.projections:
            self._check_ends(projection)
            check_arrays(projection, *self._sizes(projection))
            check_partner(projection, *self._sizes(projection))
        for item in self.background:
            self._check_target(item, "background input")
        for noise in self.noise:
            self._check_target(noise, "noise")
        for field, names_given in (("record", self.record or ()), ("rates_hz", self.rates_hz)):
            for name in names_given:
                if name not in self.populations:
                    raise ValueError(
                        f"{field}: there is no population '{name}';"
                        f" {nearest(name, self.populations)}"
                    )
        for projection in self.projections:
            if projection.plasticity is not None and names.count(projection.name) > 1:
                raise ValueError(
                    f"projection {projection.name}: a plastic projection must be the only one"
                )
            if isinstance(projection.plasticity, DopamineSTDP):
                self._check_modulator(projection.name, projection.plasticity)
        return self

    def _check_modulator(self, name: str, rule: DopamineSTDP) -> None:
        if rule.modulator not in self.populations:
            raise ValueError(
                f"projection {name}: modulator: there is no population '{rule.modulator}';"
                f" {nearest(rule.modulator, self.populations)}"
            )
        size = self.populations[rule.modulator].size
        if len(rule.reward) != size:
            raise ValueError(
                f"projection {name}: reward needs one number for each of the"
                f" {counted(size, 'neuron')} of"
                f" '{rule.modulator}', found {len(rule.reward)}"
            )

    def _check_ends(self, projection: Projection) -> None:
        for end in (projection.source, projection.target):
            if end not in self.populations:
                raise ValueError(
                    f"projection {projection.name}: there is no population '{end}';"
                    f" {nearest(end, self.populations)}"
                )
        if projection.target not in self.neurons:
            raise ValueError(f"projection {projection.name}: a spike source takes no input")
        if mistake := projection.mistake(self.neurons[projection.target]):
            raise ValueError(f"projection {projection.name}: {mistake}")

    def _check_target(self, item: BackgroundInput | NoiseInput, what: str) -> None:
        if item.target not in self.neurons:
            raise ValueError(
                f"{what}: '{item.target}' is not a population of neurons; there are"
                f" {', '.join(self.neurons)}"
            )
        if mistake := item.mistake(self.neurons[item.target]):
            raise ValueError(f"{what} of '{item.target}': {mistake}")

    @property
    def neurons(self) -> dict[str, NeuronModel]:
        """Populations of neurons by name."""
        return {k: p for k, p in self.populations.items() if not isinstance(p, SpikeSource)}

    @property
    def sources(self) -> dict[str, int]:
        """Sizes of the spike sources by name."""
        return {k: p.size for k, p in self.populations.items() if isinstance(p, SpikeSource)}

    @property
    def recorded(self) -> tuple[str, ...]:
        """Populations whose spikes are kept."""
        return tuple(self.neurons) if self.record is None else self.record

    def connections(self, projection: Projection, generator: np.random.Generator) -> Connections:
        """Draw the synapses of a projection: pairs first, then weights."""
        return draw_synapses(projection, *self._sizes(projection), generator, self.weight_bits)

    def _sizes(self, projection: Projection) -> tuple[int, int]:
        return self.populations[projection.source].size, self.populations[projection.target].size

    def with_weights(
        self,
        weights: Mapping[str, np.ndarray | SynapticWeights],
        units: Mapping[str, str] | None = None,
    ) -> SpikingNetwork:
        """A copy whose projections, by name, have these weights.

        With the `weights` of an activity a simulation goes on learning where another ended, synapse
        by synapse. Pairs that were drawn are then those that were drawn (`pairs`), whatever the
        seed; delays from a distribution are those of before only where the seed is. Potentials,
        thresholds and traces start afresh, and where the plasticity has `normalise_sum` the weights
        are scaled to it, as at every start.

        Parameters
        ----------
        weights : mapping of str to array or SynapticWeights
            In the unit of the projection's weights: as an activity has them, or an array as the
            projection takes it, or a matrix of shape (source size, target size) where the
            description says which synapses there are.
        units : mapping of str to str, optional
            Their units, as an activity's `weight_units` says them; refused where they are others.

        Raises
        ------
        SpikelearnError
            If there is no such projection, or more than one of that name, or the unit is another,
            or the weights are of other synapses.
        """
        names = [p.name for p in self.projections]
        if not isinstance(weights, Mapping):
            raise SpikelearnError(f"weights are a mapping by projection, found {weights!r:.60}")
        for name in weights:
            if names.count(name) != 1:
                found = "no projection" if name not in names else "more than one projection"
                raise SpikelearnError(f"there is {found} '{name}'; {nearest(name, names)}")
            wanted = UNITS[self.projections[names.index(name)].unit]
            given = (units or {}).get(name, wanted)
            if given != wanted:
                raise SpikelearnError(
                    f"projection {name} has weights in {wanted}, but these are in {given}"
                )
        projections = tuple(
            reweighted(p, weights[p.name], *self._sizes(p)) if p.name in weights else p
            for p in self.projections
        )
        return SpikingNetwork(**{**dict(self), "projections": projections})

    def scaled(self, neurons: float, in_degree: float | None = None) -> SpikingNetwork:
        """A smaller network that fires at the same rates (van Albada, Helias & Diesmann 2015,
        doi:10.1371/journal.pcbi.1004490; see `spikelearn.networks.scaling`).

        Parameters
        ----------
        neurons : float
            The share of the neurons that is left, above 0 and at most 1.
        in_degree : float, optional
            The share of the synapses on each neuron that is left; the same if absent. Below 1,
            `rates_hz` must be known.

        Raises
        ------
        SpikelearnError
            Where the network is not one of randomly connected leaky integrate-and-fire neurons
            with currents or jumps for synapses and background input alone.
        """
        from spikelearn.networks.scaling import scaled

        check_numbers(neurons=neurons, **({} if in_degree is None else {"in_degree": in_degree}))
        return scaled(self, neurons, neurons if in_degree is None else in_degree)

    @classmethod
    def from_yaml(cls, name: str | Path) -> SpikingNetwork:
        """A shipped network by name, or the YAML file (or saved folder) at a path."""
        path = find_yaml("models", name)
        return validate(cls, with_arrays(read_yaml(path), path), path)

    @classmethod
    def from_nir(
        cls,
        graph: str | Path | nir.NIRGraph,
        dt_ms: float | None = None,
        written_by: Literal["spikelearn", "snntorch", "norse", "sinabs", "nir"] | None = None,
        reset: Literal["to_value", "subtract"] | None = None,
    ) -> SpikingNetwork:
        """The network of a NIR graph, with the spikes of the program that wrote it.

        They come later here by a number of steps for each layer, which the description tells; see
        `spikelearn.networks.nir`, also for what programs write and how it is read.

        Parameters
        ----------
        graph : path or nir.NIRGraph
        dt_ms : float, optional
            The time step with which the network is to be simulated. A graph by us says it; for one
            by snnTorch or Sinabs, which have steps but no time, it is 0.1 or 1 if absent, for one
            by Norse the step it was written with, 1 if absent; for others it must be given, and is
            the program's.
        written_by : {"spikelearn", "snntorch", "norse", "sinabs", "nir"}, optional
            How the graph is to be read; seen from its parameters if absent, and asked for where two
            readings are possible: of integrators without a leak, whose r may be per second or a sum
            a step, and of times of a second and more, which may be steps. "nir" takes time
            constants, resistances, delays and resets as they are written.
        reset : {"to_value", "subtract"}, optional
            What neurons of snnTorch and Sinabs do, which NIR does not say: snnTorch's as its
            neurons with `reset_delay=True` do it; Sinabs' subtract if absent.

        Raises
        ------
        SpikelearnError
            Where the graph's meaning cannot be recovered, or we have no such thing.
        """
        from spikelearn.networks.nir import network_from_nir, read_nir

        name = Path(graph).stem if isinstance(graph, str | Path) else "nir"
        return network_from_nir(read_nir(graph), name, dt_ms, written_by, reset)

    def to_nir(
        self,
        dt_ms: float,
        path: str | Path | None = None,
        step_ms: float | None = None,
        seed: int = 0,
    ) -> nir.NIRGraph:
        """The network as a NIR graph, which gives the same spikes; written to `path` if given.

        Potentials are written from rest. There spikes come earlier than here by a number of steps,
        which the metadata of each node tells as `spikes_earlier_by_steps`. Only leaky
        integrate-and-fire neurons with a reset to a value, delta or exponential currents, delays
        and biases can be said in NIR.

        Parameters
        ----------
        dt_ms : float
            The time step with which the network is simulated.
        path : path, optional
            A .nir file.
        step_ms : float, optional
            The time step that the reading program will assume; `dt_ms` if absent. snnTorch
            assumes 0.1, Norse 1 unless told otherwise. Neither has delays, and both reset to rest.
        seed : int
            For connectivity and weights that are drawn, as in `simulate`.

        Raises
        ------
        SpikelearnError
            For what NIR cannot say, by name.
        """
        from spikelearn.networks.nir import write_nir
        from spikelearn.networks.to_nir import network_to_nir

        graph = network_to_nir(self, dt_ms, dt_ms if step_ms is None else step_ms, seed)
        if path is not None:
            write_nir(graph, path)
        return graph

    def save(self, folder: str | Path) -> Path:
        """Write `network.yaml`, and its arrays as `weights.safetensors`, to a folder."""
        from spikelearn.networks.network_files import save_network

        return save_network(self, Path(folder))
