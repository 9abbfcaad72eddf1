"""`SpikingNetwork`: a spiking network described once, for every backend.

Units stand in the names: `_ms`, `_mv`, `_hz`, `_pa`, `_ns`. Neuron models are in
`spikelearn.networks.neurons`, synapses and the units of their weights in
`spikelearn.networks.synapses`, who is connected to whom in `spikelearn.networks.connectivity`. The
semantics of a run are in `spikelearn.simulation`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from spikelearn._errors import SpikelearnError
from spikelearn._files import find_yaml, read_yaml, validate
from spikelearn.networks._fields import Description, Drawn, PerNeuron
from spikelearn.networks._network_files import save_network, with_arrays
from spikelearn.networks.brian2_neurons import Brian2Neurons
from spikelearn.networks.connectivity import AllToAll, Connections, Connectivity, Convolution, Pairs
from spikelearn.networks.distributions import AnyDistribution
from spikelearn.networks.neurons import (
    LIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    Neurons,
    SpikeSource,
)
from spikelearn.networks.plasticity import Plasticity, RewardSTDP
from spikelearn.networks.synapses import (
    AlphaSynapse,
    DeltaSynapse,
    ExponentialSynapse,
    Synapse,
)

if TYPE_CHECKING:
    import nir

__all__ = [
    "LIF", "AdEx", "AdaptiveLIF", "AlphaSynapse", "BackgroundInput", "Brian2Neurons",
    "DeltaSynapse", "ExponentialSynapse", "HodgkinHuxley", "Izhikevich", "NoiseInput",
    "Projection", "SpikeSource", "SpikingNetwork", "Synapse",
]  # fmt: skip

Population = Annotated[SpikeSource | Neurons | Brian2Neurons, Field(discriminator="model")]
UNITS = {"mv": "mV", "pa": "pA", "ns": "nS", "mv_per_ms": "mV/ms"}


class _Weighted(Description):
    """Something with a weight, in one unit of four."""

    target: str
    synapse: Synapse = DeltaSynapse()

    @model_validator(mode="after")
    def _one_weight(self) -> _Weighted:
        given = [unit for unit in UNITS if getattr(self, f"weight_{unit}") is not None]
        if len(given) != 1:
            raise ValueError(
                f"one weight is needed, as {', '.join(f'weight_{unit}' for unit in UNITS)}, found"
                f" {' and '.join(f'weight_{unit}' for unit in given) or 'none'}"
            )
        if isinstance(self.weight, float | np.ndarray) and not np.isfinite(self.weight).all():
            raise ValueError(f"weight_{self.unit}: weights must be finite")
        if self.unit == "ns" and isinstance(self.weight, float) and self.weight < 0:
            raise ValueError(
                "weight_ns: a conductance is not negative; what inhibits is its reversal_mv"
            )
        return self

    @property
    def unit(self) -> str:
        """Unit of the weight, as in the field's name."""
        return next(unit for unit in UNITS if getattr(self, f"weight_{unit}") is not None)

    @property
    def weight(self) -> Any:
        """The weight, in its unit."""
        return getattr(self, f"weight_{self.unit}")

    def mistake(self, target: Neurons | Brian2Neurons) -> str | None:
        """Why this synapse cannot end on such neurons, or None."""
        if isinstance(self.synapse, DeltaSynapse):
            fitting = ["mv"]
        elif self.synapse.reversal_mv is not None:
            fitting = ["ns"] if "ns" in target.gains() else []
        else:
            fitting = [unit for unit in target.gains() if unit != "ns"]
        if self.unit in fitting:
            return None
        kind = "conductance"
        if isinstance(self.synapse, DeltaSynapse):
            kind = "jump of the potential"
        elif self.synapse.reversal_mv is None:
            kind = "current"
        leak = isinstance(target, LIF) and target.leak_ns is None and self.unit in ("pa", "ns")
        if not fitting or leak:
            hint = "set its leak_ns" if leak else f"neurons of model {target.model} have none"
            if isinstance(target, Brian2Neurons) and not fitting:
                hint = "its equations do not name I"
            return f"a {kind} with weight_{self.unit} does not fit the target ({hint})"
        return (
            f"a {kind} onto neurons of model {target.model} needs"
            f" {' or '.join(f'weight_{unit}' for unit in fitting)}, found weight_{self.unit}"
        )


class Projection(_Weighted):
    """Synapses from one population to another.

    The weight is a number, a distribution, or an array: of shape (source size, target size) with
    all-to-all connectivity, (number of pairs,) with pairs, of the kernel's shape with a
    convolution. Its unit, in the field's name, is that of the synapse (see
    `spikelearn.networks.synapses`). In a YAML file an array is named
    `{file: weights.safetensors, key: KEY}`.

    `delay_ms` is a multiple of the time step: at least one step from neurons, at least zero from
    spike sources; where absent, that minimum. Delays drawn from a distribution are moved to the
    nearest step that is allowed.
    """

    source: str
    connectivity: Connectivity = AllToAll()
    weight_mv: Drawn | None = None
    weight_pa: Drawn | None = None
    weight_ns: Drawn | None = None
    weight_mv_per_ms: Drawn | None = None
    delay_ms: Drawn | None = None
    plasticity: Plasticity | None = None

    @model_validator(mode="after")
    def _check(self) -> Projection:
        if isinstance(self.delay_ms, np.ndarray):
            raise ValueError("delay_ms: a delay is one number for all, or a distribution")
        if isinstance(self.delay_ms, float) and self.delay_ms < 0:
            raise ValueError(
                f"delay_ms: must be greater than or equal to 0, found {self.delay_ms:g}"
            )
        if self.plasticity is not None and self.unit == "ns" and self.plasticity.w_min < 0:
            raise ValueError("plasticity: a conductance is not negative; w_min must be at least 0")
        if self.plasticity is not None and isinstance(self.delay_ms, AnyDistribution):
            raise ValueError("a plastic projection needs one delay for all of its synapses")
        return self

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"


class BackgroundInput(_Weighted):
    """Independent Poisson spikes into each neuron of a population.

    `rate_hz` is the rate of all its background synapses together; several may arrive in one step.
    """

    rate_hz: float = Field(ge=0)
    weight_mv: float | None = None
    weight_pa: float | None = None
    weight_ns: float | None = None
    weight_mv_per_ms: float | None = None
    start_ms: float = Field(default=0.0, ge=0)
    stop_ms: float | None = Field(default=None, description="the end of the run if absent")

    @model_validator(mode="after")
    def _check(self) -> BackgroundInput:
        if self.stop_ms is not None and self.stop_ms <= self.start_ms:
            raise ValueError("stop_ms must lie after start_ms")
        return self


class NoiseInput(Description):
    """A current into each neuron of a population, drawn anew at regular intervals (Gaussian)."""

    target: str
    unit: Literal["mv", "pa", "mv_per_ms"]
    mean: float = 0.0
    sd: PerNeuron = Field(description="in the unit; that of the drawn values")
    interval_ms: float = Field(gt=0, description="how long a drawn value lasts")

    def mistake(self, target: Neurons | Brian2Neurons) -> str | None:
        """Why this current cannot flow into such neurons, or None."""
        fitting = [unit for unit in target.gains() if unit != "ns"]
        if self.unit not in fitting:
            return f"unit must be {' or '.join(fitting)}, found {self.unit}"
        if np.ndim(self.sd) and np.shape(self.sd) != (target.size,):
            return (
                f"sd must be one number or one for each of the {target.size} neurons, found"
                f" {np.size(self.sd)}"
            )
        return None


class SpikingNetwork(Description):
    """Populations, projections, background input and noise, and what to record.

    `record` names the populations whose spikes are kept; all neurons (not the sources) if absent.
    `dt_ms` is the time step for which the parameters are meant, where they depend on one.
    `rates_hz` are mean rates at which populations are known to fire, which `scaled` needs.
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

    @field_validator("populations", mode="before")
    @classmethod
    def _equations_are_code(cls, populations: Any) -> Any:
        for name, given in populations.items() if isinstance(populations, dict) else ():
            if isinstance(given, dict) and given.get("model") == "brian2":
                raise ValueError(
                    f"{name}: equations are code, which no file may bring; make a Brian2Neurons"
                    " of them in Python"
                )
        return populations

    @model_validator(mode="after")
    def _check(self) -> SpikingNetwork:
        if not self.neurons:
            raise ValueError("a network needs at least one population of neurons")
        names = [projection.name for projection in self.projections]
        for projection in self.projections:
            self._check_ends(projection)
            self._check_array(projection)
        for item in self.background:
            self._check_target(item, "background input")
        for noise in self.noise:
            self._check_target(noise, "noise")
        for field, names_given in (("record", self.record or ()), ("rates_hz", self.rates_hz)):
            for name in names_given:
                if name not in self.populations:
                    raise ValueError(
                        f"{field}: there is no population '{name}'; there are"
                        f" {', '.join(self.populations)}"
                    )
        for projection in self.projections:
            if projection.plasticity is not None and names.count(projection.name) > 1:
                raise ValueError(
                    f"projection {projection.name}: a plastic projection must be the only one"
                )
            if isinstance(projection.plasticity, RewardSTDP):
                self._check_modulator(projection.name, projection.plasticity)
        return self

    def _check_modulator(self, name: str, rule: RewardSTDP) -> None:
        if rule.modulator not in self.populations:
            raise ValueError(
                f"projection {name}: modulator: there is no population '{rule.modulator}'; there"
                f" are {', '.join(self.populations)}"
            )
        size = self.populations[rule.modulator].size
        if len(rule.reward) != size:
            raise ValueError(
                f"projection {name}: reward needs one number for each of the {size} neurons of"
                f" '{rule.modulator}', found {len(rule.reward)}"
            )

    def _check_ends(self, projection: Projection) -> None:
        for end in (projection.source, projection.target):
            if end not in self.populations:
                raise ValueError(
                    f"projection {projection.name}: there is no population '{end}'; there are"
                    f" {', '.join(self.populations)}"
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

    def _check_array(self, projection: Projection) -> None:
        array = projection.weight
        if not isinstance(array, np.ndarray):
            return
        connectivity = projection.connectivity
        if isinstance(connectivity, Convolution):
            shape: tuple[int, ...] = connectivity.kernel_shape
        elif isinstance(connectivity, Pairs):
            shape = connectivity.pre.shape
        elif isinstance(connectivity, AllToAll):
            shape = (
                self.populations[projection.source].size,
                self.populations[projection.target].size,
            )
        else:
            raise ValueError(
                f"projection {projection.name}: an array of weights needs all_to_all connectivity"
                " (a weight matrix), pairs (one each) or a convolution (its kernel)"
            )
        if array.shape != shape:
            raise ValueError(
                f"projection {projection.name}: the weights must have shape {shape}, found"
                f" {array.shape}"
            )

    @property
    def neurons(self) -> dict[str, Neurons | Brian2Neurons]:
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
        n_source = self.populations[projection.source].size
        n_target = self.populations[projection.target].size
        connectivity = projection.connectivity
        if projection.source != projection.target:  # no neuron is itself in another population
            connectivity = connectivity.model_copy(update={"allow_self": True})
        weight: Any = projection.weight
        try:
            if isinstance(connectivity, Convolution):
                pre, post, index = connectivity.pairs(n_source, n_target)
            else:
                pre, post = connectivity.draw(n_source, n_target, generator)
        except SpikelearnError as error:
            raise SpikelearnError(f"projection {projection.name}: {error}") from error
        place: tuple[np.ndarray, ...] = (pre, post)
        if isinstance(connectivity, Pairs):
            place = (np.arange(pre.size),)
        if isinstance(connectivity, Convolution):
            place = (index,)
            if isinstance(weight, AnyDistribution):  # drawn once, and shared by all places
                weight = weight.draw(int(np.prod(connectivity.kernel_shape)), generator)
            elif isinstance(weight, np.ndarray):
                weight = weight.ravel()
        if isinstance(weight, AnyDistribution):
            values = weight.draw(pre.size, generator)
        elif isinstance(weight, np.ndarray):
            values = weight[place]
        else:
            values = np.full(pre.size, float(weight))
        if not projection.connectivity.allow_self and projection.source == projection.target:
            keep = pre != post
            pre, post, values = pre[keep], post[keep], values[keep]
        # Half the memory of what they were drawn as.
        ends = pre.astype(np.int32), post.astype(np.int32)
        found = Connections(*ends, values, n_source, n_target)
        return found.known_full() if isinstance(connectivity, AllToAll) else found

    def with_weights(self, weights: dict[str, np.ndarray]) -> SpikingNetwork:
        """A copy whose projections, by name, have these weights: matrices of shape
        (source size, target size) and in the unit of the projection's weights."""
        names = [p.name for p in self.projections]
        for name in weights:
            if name not in names:
                raise SpikelearnError(
                    f"there is no projection '{name}'; there are {', '.join(names) or 'none'}"
                )
        projections = tuple(
            p.model_copy(update={f"weight_{p.unit}": np.asarray(weights[p.name], dtype=np.float64)})
            if p.name in weights
            else p
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
        written_by: Literal["spikelearn", "snntorch", "norse", "nir"] | None = None,
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
            by snnTorch, which has steps but no time, it is 0.1 if absent, for one by Norse the step
            it was written with, 1 if absent; for others it must be given, and is the program's.
        written_by : {"spikelearn", "snntorch", "norse", "nir"}, optional
            How the graph is to be read; seen from its parameters if absent. "nir" takes time
            constants, resistances and resets as they are written.
        reset : {"to_value", "subtract"}, optional
            What neurons of snnTorch do, which NIR does not say; as its neurons with
            `reset_delay=True` do it.

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
        from spikelearn.networks._to_nir import network_to_nir
        from spikelearn.networks.nir import write_nir

        graph = network_to_nir(self, dt_ms, dt_ms if step_ms is None else step_ms, seed)
        if path is not None:
            write_nir(graph, path)
        return graph

    def save(self, folder: str | Path) -> Path:
        """Write `network.yaml`, and its arrays as `weights.safetensors`, to a folder."""
        return save_network(self, Path(folder))
