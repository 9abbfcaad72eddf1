"""`NeuronModel`: what every model of a neuron has, and what its file says for the engines."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn._room import Part, bounded, require_memory
from spikelearn.networks.fields import Drawn
from spikelearn.networks.neurons.stability import fall_rates_of_slopes


class NeuronModel(Description):
    """A population of neurons; a model adds a field `model`, its parameters, and what is below.

    A model that is not leaky is integrated by Runge-Kutta steps of `slopes` (native) and of
    `brian2_slopes` (Brian2); an engine whose form of the equations it does not have refuses it. In
    both, `v` is the potential, in mV; `drive` and `conductance` are what synapses, stimuli and
    noise bring, in the units of `gains`: they add drive - conductance * v to the equation. The
    other names are those of
    `grid_parameters` and `grid_variables`.
    """

    if TYPE_CHECKING:
        model: Any  # each has its own, the name of the model

    size: int = Field(ge=1)
    v_init_mv: Drawn | None = Field(default=None, description="the resting potential if absent")
    refractory_ms: float = Field(default=0.0, ge=0)

    # What such neurons are called in a sentence.
    in_words: ClassVar[str]
    # Leaky integrate-and-fire neurons have closed forms, which every engine has.
    leaky: ClassVar[bool] = False
    # Whether v is reset by a spike, where v > threshold; otherwise a spike is where v comes to lie
    # above it, and the refractoriness is the model's own.
    resets: ClassVar[bool] = True
    # Whether v counts as the threshold wherever it lies above: the threshold is a spike's peak.
    has_peak: ClassVar[bool] = False
    # Variable -> parameter by which it grows at a spike.
    jumps: ClassVar[Mapping[str, str]] = {}
    # A step of the grid is made of equal Runge-Kutta steps of at most so long.
    longest_step_ms: ClassVar[float] = math.inf
    # Largest time step at which its spikes are trusted to be those of its equations: measured by
    # `simulation.accuracy`, the least of the model's published cells. Beyond it there is a warning.
    trusted_dt_ms: ClassVar[float | None] = None
    # Down to which of its `time_constants_ms`, by name, that holds; cells that are faster are
    # trusted with as much less (`simulation.trusted_step`).
    trusted_from_ms: ClassVar[Mapping[str, float]] = {}
    # Derivatives per ms for one neuron, of v and then of the variables in their order: plain
    # arithmetic and functions of `math`, which native compiles. Takes what it needs by name.
    slopes: ClassVar[Callable[..., tuple[float, ...]] | None] = None
    # The same as Brian2 reads them: of "v" and then of the variables in their order.
    brian2_slopes: ClassVar[Mapping[str, str]] = {}
    # Field without which there are no currents in pA and no conductances, where that may be.
    scale_field: ClassVar[str | None] = None
    # A current of this kind: unit, and size of a weight that makes cells of the defaults spike.
    typical_weight: ClassVar[tuple[str, float]] = ("pa", 500.0)
    # Whether a file may describe it.
    in_files: ClassVar[bool] = True
    # Fields that must be above 0.
    _positive: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, fields: Any) -> Any:
        size = fields.get("size") if isinstance(fields, dict) else None
        if not isinstance(size, int):
            return fields
        return {name: _spread_out(name, value, size) for name, value in fields.items()}

    @model_validator(mode="after")
    def _check_values(self) -> NeuronModel:
        for name, value in self.per_neuron().items():
            values = np.asarray(value, dtype=float)
            if values.ndim and values.shape != (self.size,):
                raise ValueError(
                    f"{name} must be one number or one for each of the"
                    f" {counted(self.size, 'neuron')}, found"
                    f" {values.size}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite")
            if name in self._positive and (values <= 0).any():
                raise ValueError(f"{name} must be greater than 0")
        if self.refractory_ms and not self.resets:
            raise ValueError("the refractoriness of this model is its own; refractory_ms must be 0")
        return self

    def require_above(self, high: str, low: str, why: str = "", added: str | None = None) -> None:
        """Refuse a parameter that does not lie above another, in every neuron.

        Parameters
        ----------
        high, low : str
            Fields.
        why : str
            What else the sentence says of the lower one.
        added : str, optional
            A field that is added to the higher one.

        Raises
        ------
        ValueError
            With the values of the first neuron that is wrong, and which of them are defaults.
        """
        given = {n: np.asarray(getattr(self, n), float) for n in (high, low, added) if n}
        above = given[high] + (given[added] if added else 0.0)
        wrong = np.atleast_1d(above <= given[low])
        if not wrong.any():
            return
        first = int(np.flatnonzero(wrong)[0])
        found = [
            f"{name} {np.broadcast_to(values, wrong.shape)[first]:g}"
            + ("" if name in self.model_fields_set else ", its default,")
            for name, values in given.items()
            if name != added or values.any()
        ]
        whose = f" in neuron {first}" if wrong.size > 1 else ""
        upper = f"{high} and {added} together" if added and given[added].any() else high
        raise ValueError(
            f"{upper} must lie above {low}{why}, found {' and '.join(found).rstrip(',')}{whose}"
        )

    def per_neuron(self) -> dict[str, Any]:
        """The fields that may differ between neurons and are set."""
        shared = ("refractory_ms",)
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value
            for name, value in fields.items()
            if isinstance(value, float | np.ndarray) and name not in shared
        }

    @property
    def init_mv(self) -> Any:
        """Initial potential: as given, or the resting potential."""
        return self.rest_mv if self.v_init_mv is None else self.v_init_mv

    @property
    def rest_mv(self) -> Any:
        """Resting potential, or where v starts if not told otherwise."""
        raise NotImplementedError

    @property
    def threshold_mv(self) -> Any:
        """Where v has to lie above for a spike."""
        raise NotImplementedError

    @property
    def reset_mv(self) -> Any:
        """Where v is set by a spike; of no account where `resets` is false."""
        raise NotImplementedError

    def gains(self) -> dict[str, Any]:
        """What a current or conductance of 1 adds to the model's equation, by its unit.

        A missing unit means that the model has no place for it.
        """
        raise NotImplementedError

    def grid_parameters(self) -> dict[str, Any]:
        """Numbers in the equations by name, in units of mV and ms: one for all, or (size,)."""
        return {}

    def grid_variables(self, v_mv: np.ndarray) -> dict[str, Any]:
        """What changes beside v, by name, as it is at the start, where v is `v_mv`, (size,)."""
        return {}

    def time_constants_ms(self) -> dict[str, Any]:
        """How fast a cell is, by the names in `trusted_from_ms`: one for all, or (size,)."""
        return {}

    def fall_rates(self, v_mv: np.ndarray, conductance: float = 0.0) -> np.ndarray:
        """How fast v, or what changes beside it, falls back at most, in 1/ms, where v is `v_mv`.

        A step that is longer than 1 / rate is divided; see `stability`. Unless a model says better,
        it is found from its `slopes` by differences; a model without them is never divided.
        """
        return fall_rates_of_slopes(self, v_mv, conductance)

    def no_place(self) -> str:
        """Why synapses of a kind cannot end on such neurons, where `gains` has no place for it."""
        return f"neurons of model {self.model} have none"


def _spread_out(name: str, value: Any, size: int) -> Any:
    """The values of neurons that are spread evenly; anything else as it is."""
    if not isinstance(value, dict) or not {"from", "to"} <= set(value):
        return value
    unknown = set(value) - {"from", "to", "power"}
    numbers = [value["from"], value["to"], value.get("power", 1.0)]
    finite = all(
        isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in numbers
    )
    if unknown or not finite or numbers[2] <= 0:
        raise ValueError(
            f"{name} is spread by from, to and power, three numbers, the last above 0; found"
            f" {value}"
        )
    low, high, power = numbers
    require_memory(f"{name} of {size:,} neurons", [Part("their values", 24 * bounded(size))])
    return low + (high - low) * ((np.arange(size) + 0.5) / size) ** power
