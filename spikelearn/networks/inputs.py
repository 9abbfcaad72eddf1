"""Input that belongs to a network: Poisson background and Gaussian noise."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn.networks.fields import PerNeuron
from spikelearn.networks.neurons import NeuronModel
from spikelearn.networks.projections import Weighted


class BackgroundInput(Weighted):
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

    named_by: ClassVar[tuple[str, ...]] = ("target",)
    target: str
    unit: Literal["mv", "pa", "mv_per_ms"]
    mean: float = 0.0
    sd: PerNeuron = Field(description="in the unit; that of the drawn values")
    interval_ms: float = Field(gt=0, description="how long a drawn value lasts")

    def mistake(self, target: NeuronModel) -> str | None:
        """Why this current cannot flow into such neurons, or None."""
        fitting = [unit for unit in target.gains() if unit != "ns"]
        if self.unit not in fitting:
            return f"unit must be {' or '.join(fitting)}, found {self.unit}"
        if np.ndim(self.sd) and np.shape(self.sd) != (target.size,):
            return (
                f"sd must be one number or one for each of the {counted(target.size, 'neuron')},"
                f" found {np.size(self.sd)}"
            )
        return None
