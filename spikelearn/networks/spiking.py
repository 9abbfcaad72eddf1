"""`SpikingNetwork`: a spiking network described once, for every backend.

Units stand in the names: `_ms`, `_mv`, `_hz`. Weights are in mV: the jump of the membrane
potential a spike causes (delta synapses), or the jump of the synaptic current times the membrane
resistance (exponential synapses). The semantics of a run are in `spikelearn.simulation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    field_validator,
    model_validator,
)

from spikelearn._errors import SpikelearnError
from spikelearn._files import atomic_folder, find_yaml, read_yaml, validate, write_yaml
from spikelearn.networks.connectivity import (
    AllToAll,
    Connections,
    Connectivity,
    NormalWeights,
    UniformWeights,
    WeightDistribution,
)
from spikelearn.networks.plasticity import PairSTDP


def _to_array(value: Any) -> Any:
    return np.asarray(value, dtype=np.float64) if isinstance(value, list | tuple) else value


def _to_plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


_Array = Annotated[np.ndarray, BeforeValidator(_to_array), PlainSerializer(_to_plain)]


# Which alternative of a union a value is meant to be, so that only its mistakes are told.
def _number_or_array(value: Any) -> str:
    return "array" if isinstance(value, list | tuple | np.ndarray) else "number"


def _kind_of_weight(value: Any) -> str:
    return "distribution" if isinstance(value, dict | BaseModel) else _number_or_array(value)


PerNeuron = Annotated[
    Annotated[float, Tag("number")] | Annotated[_Array, Tag("array")],
    Discriminator(_number_or_array),
]
"""One value for all neurons, or one each."""

Drawn = Annotated[
    Annotated[float, Tag("number")]
    | Annotated[WeightDistribution, Tag("distribution")]
    | Annotated[_Array, Tag("array")],
    Discriminator(_kind_of_weight),
]
"""One value for all, one each, or drawn from a distribution."""


class _Description(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )


class SpikeSource(_Description):
    """Neurons whose spikes the stimulus gives."""

    model: Literal["spike_source"]
    size: int = Field(ge=1)


class LIF(_Description):
    """Leaky integrate-and-fire: tau_m dv/dt = -(v - v_rest) + R I, spike where v > v_threshold.

    After a spike v is set to `v_reset_mv`, or lowered by the distance from rest to threshold
    (`reset: subtract`), and held there until `refractory_ms` have passed. The value at threshold
    does not spike: v must exceed it. A resting potential above threshold stands for a constant
    drive.
    """

    model: Literal["lif"] = "lif"
    size: int = Field(ge=1)
    tau_m_ms: PerNeuron = 20.0
    v_rest_mv: PerNeuron = 0.0
    v_threshold_mv: PerNeuron
    v_reset_mv: PerNeuron | None = Field(
        default=None, description="the resting potential if absent"
    )
    v_init_mv: Drawn | None = Field(default=None, description="the resting potential if absent")
    refractory_ms: float = Field(default=0.0, ge=0)
    reset: Literal["to_value", "subtract"] = "to_value"

    @model_validator(mode="after")
    def _check(self) -> LIF:
        for name, value in self.per_neuron().items():
            values = np.asarray(value, dtype=float)
            if values.ndim and values.shape != (self.size,):
                raise ValueError(
                    f"{name} must be one number or one for each of the {self.size} neurons, found"
                    f" {values.size}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite")
            if name.startswith("tau") and (values <= 0).any():
                raise ValueError(f"{name} must be greater than 0")
        threshold, rest = np.asarray(self.v_threshold_mv), np.asarray(self.v_rest_mv)
        if self.reset == "subtract" and (threshold <= rest).any():
            raise ValueError("with reset subtract, v_threshold_mv must lie above v_rest_mv")
        if self.reset == "to_value" and (threshold <= np.asarray(self.reset_mv)).any():
            raise ValueError("v_threshold_mv must lie above v_reset_mv")
        return self

    def per_neuron(self) -> dict[str, Any]:
        """The fields that may differ between neurons and are set."""
        fields = type(self).model_fields
        return {
            name: getattr(self, name)
            for name in fields
            if (name.endswith("_mv") or name.startswith("tau"))
            and isinstance(getattr(self, name), float | np.ndarray)
        }

    @property
    def reset_mv(self) -> Any:
        """Reset potential: as given, or the resting potential."""
        return self.v_rest_mv if self.v_reset_mv is None else self.v_reset_mv

    @property
    def init_mv(self) -> Any:
        """Initial potential: as given, or the resting potential."""
        return self.v_rest_mv if self.v_init_mv is None else self.v_init_mv


class AdaptiveLIF(LIF):
    """LIF whose threshold rises by `threshold_increment_mv` at each spike and decays back.

    theta' = -theta / tau_threshold; a spike where v > v_threshold + theta. Used as homeostasis by
    Diehl & Cook 2015 (doi:10.3389/fncom.2015.00099) with a very long tau_threshold.
    """

    model: Literal["adaptive_lif"] = "adaptive_lif"  # type: ignore[assignment]
    threshold_increment_mv: PerNeuron
    tau_threshold_ms: PerNeuron
    threshold_offset_mv: PerNeuron = Field(default=0.0, description="theta at the start, in mV")


Population = Annotated[SpikeSource | LIF | AdaptiveLIF, Field(discriminator="model")]


class DeltaSynapse(_Description):
    """A spike moves the membrane potential by the weight."""

    model: Literal["delta"] = "delta"


class ExponentialSynapse(_Description):
    """A spike moves the synaptic current (times resistance, mV) by the weight; it decays."""

    model: Literal["exponential"]
    tau_ms: float = Field(gt=0)


Synapse = Annotated[DeltaSynapse | ExponentialSynapse, Field(discriminator="model")]


class Projection(_Description):
    """Synapses from one population to another.

    `weight_mv` is a number, a distribution, or (all-to-all only) a matrix of shape (source size,
    target size). In a YAML file a matrix is named `{file: weights.safetensors, key: KEY}`.
    `delay_ms` is a multiple of the time step: at least one step from neurons, at least zero from
    spike sources; where absent, that minimum.
    """

    source: str
    target: str
    connectivity: Connectivity = AllToAll()
    weight_mv: Drawn
    delay_ms: float | None = Field(default=None, ge=0)
    synapse: Synapse = DeltaSynapse()
    plasticity: PairSTDP | None = None

    @field_validator("weight_mv")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        if isinstance(value, float | np.ndarray) and not np.isfinite(value).all():
            raise ValueError("weights must be finite")
        return value

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"


class BackgroundInput(_Description):
    """Independent Poisson spikes into each neuron of a population, through delta synapses.

    `rate_hz` is the rate of all its background synapses together; several may arrive in one step.
    """

    target: str
    rate_hz: float = Field(ge=0)
    weight_mv: float


class SpikingNetwork(_Description):
    """Populations, projections, background input, and what to record.

    `record` names the populations whose spikes are kept; all neurons (not the sources) if absent.
    """

    kind: Literal["spiking"] = "spiking"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    populations: dict[str, Population]
    projections: tuple[Projection, ...] = ()
    background: tuple[BackgroundInput, ...] = ()
    record: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> SpikingNetwork:
        neurons, known = set(self.neurons), set(self.populations)
        listed = ", ".join(self.populations)
        if not neurons:
            raise ValueError("a network needs at least one population of neurons")
        names = [projection.name for projection in self.projections]
        for projection in self.projections:
            for end in ("source", "target"):
                if getattr(projection, end) not in known:
                    raise ValueError(
                        f"projection {projection.name}: there is no population"
                        f" '{getattr(projection, end)}'; there are {listed}"
                    )
            if projection.target not in neurons:
                raise ValueError(f"projection {projection.name}: a spike source takes no input")
            self._check_matrix(projection)
        for item in self.background:
            if item.target not in neurons:
                raise ValueError(
                    f"background input: '{item.target}' is not a population of neurons; there are"
                    f" {', '.join(self.neurons)}"
                )
        for name in self.record or ():
            if name not in known:
                raise ValueError(f"record: there is no population '{name}'; there are {listed}")
        plastic = [p.name for p in self.projections if p.plasticity is not None]
        for name in plastic:
            if names.count(name) > 1:
                raise ValueError(f"projection {name}: a plastic projection must be the only one")
        return self

    def _check_matrix(self, projection: Projection) -> None:
        matrix = projection.weight_mv
        if not isinstance(matrix, np.ndarray):
            return
        shape = (self.populations[projection.source].size, self.populations[projection.target].size)
        if projection.connectivity.kind != "all_to_all":
            raise ValueError(
                f"projection {projection.name}: a weight matrix needs all_to_all connectivity"
            )
        if matrix.shape != shape:
            raise ValueError(
                f"projection {projection.name}: the weight matrix must have shape {shape}, found"
                f" {matrix.shape}"
            )

    @property
    def neurons(self) -> dict[str, LIF | AdaptiveLIF]:
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
        try:
            pre, post = connectivity.draw(n_source, n_target, generator)
        except SpikelearnError as error:
            raise SpikelearnError(f"projection {projection.name}: {error}") from error
        weight = projection.weight_mv
        if isinstance(weight, UniformWeights | NormalWeights):
            values = weight.draw(pre.size, generator)
        elif isinstance(weight, np.ndarray):
            values = weight[pre, post]
        else:
            values = np.full(pre.size, float(weight))
        if not projection.connectivity.allow_self and projection.source == projection.target:
            keep = pre != post
            pre, post, values = pre[keep], post[keep], values[keep]
        return Connections(pre, post, values, n_source, n_target)

    def with_weights(self, weights: dict[str, np.ndarray]) -> SpikingNetwork:
        """A copy whose projections, by name, have these weight matrices (source x target, mV)."""
        names = [p.name for p in self.projections]
        for name in weights:
            if name not in names:
                raise SpikelearnError(
                    f"there is no projection '{name}'; there are {', '.join(names) or 'none'}"
                )
        projections = tuple(
            p.model_copy(update={"weight_mv": np.asarray(weights[p.name], dtype=np.float64)})
            if p.name in weights
            else p
            for p in self.projections
        )
        return SpikingNetwork(**{**dict(self), "projections": projections})

    @classmethod
    def from_yaml(cls, name: str | Path) -> SpikingNetwork:
        """A shipped network by name, or the YAML file (or saved folder) at a path."""
        path = find_yaml("models", name)
        content = read_yaml(path)
        if isinstance(content, dict):
            content = _with_matrices(content, path)
        return validate(cls, content, path)

    def save(self, folder: str | Path) -> Path:
        """Write `network.yaml`, and the weight matrices as `weights.safetensors`, to a folder."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        others = {p.name for p in folder.glob("*")} - {"network.yaml", "weights.safetensors"}
        if others:
            raise SpikelearnError(
                f"{folder} holds other files ({sorted(others)[0]}); save a network in a folder of"
                " its own"
            )
        content = self.model_dump(exclude_none=True)
        matrices: dict[str, np.ndarray] = {}
        for index, projection in enumerate(self.projections):
            if isinstance(projection.weight_mv, np.ndarray):
                key = f"{index}:{projection.name}"
                matrices[key] = np.ascontiguousarray(projection.weight_mv)
                content["projections"][index]["weight_mv"] = {
                    "file": "weights.safetensors",
                    "key": key,
                }
        with atomic_folder(folder) as temporary:
            if matrices:
                save_file(matrices, temporary / "weights.safetensors")
            write_yaml(temporary / "network.yaml", _plain(content))
        return folder / "network.yaml"


def _with_matrices(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """Replace `{file:, key:}` weights by the matrices they name."""
    from safetensors import SafetensorError, safe_open

    projections = content.get("projections")
    if not isinstance(projections, list):
        return content
    resolved = []
    for projection in projections:
        weight = projection.get("weight_mv") if isinstance(projection, dict) else None
        if isinstance(weight, dict) and "file" in weight:
            file = path.parent / str(weight["file"])
            try:
                with safe_open(file, framework="numpy") as tensors:
                    matrix = tensors.get_tensor(str(weight.get("key")))
            except (OSError, SafetensorError) as error:
                raise SpikelearnError(
                    f"{path}: field 'weight_mv' names tensor '{weight.get('key')}' of {file},"
                    f" which cannot be read ({error})"
                ) from error
            resolved.append({**projection, "weight_mv": matrix.astype(np.float64)})
        else:
            resolved.append(projection)
    return {**content, "projections": resolved}


def _plain(value: Any) -> Any:
    """Tuples as lists, NumPy scalars as numbers, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence | np.generic):
        return value
    return value.item() if isinstance(value, np.generic) else [_plain(item) for item in value]
