"""Neuron models: leaky integrate-and-fire, adaptive, exponential, Izhikevich, Hodgkin-Huxley.

Units stand in the names: mV, ms, nS, pA, pF. Every parameter that may differ between the neurons of
a population is one number, a list with one for each, or {from:, to:, power:}, which spreads them
evenly: neuron i of n has from + (to - from) ((i + 1/2) / n)^power (1 if absent). What a step of
time does to them is in `spikelearn.simulation`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn.networks._fields import Description, Drawn, PerNeuron


class SpikeSource(Description):
    """Neurons whose spikes the stimulus gives."""

    model: Literal["spike_source"]
    size: int = Field(ge=1)


class NeuronModel(Description):
    size: int = Field(ge=1)
    v_init_mv: Drawn | None = Field(default=None, description="the resting potential if absent")
    refractory_ms: float = Field(default=0.0, ge=0)

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
    def _check_shapes(self) -> NeuronModel:
        for name, value in self.per_neuron().items():
            values = np.asarray(value, dtype=float)
            if values.ndim and values.shape != (self.size,):
                raise ValueError(
                    f"{name} must be one number or one for each of the {self.size} neurons, found"
                    f" {values.size}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite")
            if name in self._positive and (values <= 0).any():
                raise ValueError(f"{name} must be greater than 0")
        return self

    def per_neuron(self) -> dict[str, Any]:
        """The fields that may differ between neurons and are set."""
        shared = ("refractory_ms",)
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value
            for name, value in found.items()
            if isinstance(value, float | np.ndarray) and name not in shared
        }

    @property
    def init_mv(self) -> Any:
        """Initial potential: as given, or the resting potential."""
        return self.rest_mv if self.v_init_mv is None else self.v_init_mv

    @property
    def rest_mv(self) -> Any:
        """Resting potential."""
        raise NotImplementedError

    def gains(self) -> dict[str, Any]:
        """What a current or conductance of 1 adds to the model's equation, by its unit.

        A missing unit means that the model has no place for it.
        """
        raise NotImplementedError


def _spread_out(name: str, value: Any, size: int) -> Any:
    """The values of neurons that are spread evenly; anything else as it is."""
    if not isinstance(value, dict) or not {"from", "to"} <= set(value):
        return value
    unknown = set(value) - {"from", "to", "power"}
    numbers = [value["from"], value["to"], value.get("power", 1.0)]
    if unknown or not all(isinstance(n, int | float) for n in numbers) or numbers[2] <= 0:
        raise ValueError(
            f"{name} is spread by from, to and power, three numbers, the last above 0; found"
            f" {value}"
        )
    low, high, power = numbers
    return low + (high - low) * ((np.arange(size) + 0.5) / size) ** power


class LIF(NeuronModel):
    """Leaky integrate-and-fire: tau_m dv/dt = -(v - v_rest) + R I, spike where v > v_threshold.

    After a spike v is set to `v_reset_mv`, or lowered by the distance from rest to threshold
    (`reset: subtract`), and held there until `refractory_ms` have passed. The value at threshold
    does not spike: v must exceed it. A resting potential above threshold stands for a constant
    drive. `leak_ns`, the inverse of the resistance R, is needed for synapses and currents in nS or
    pA only; a conductance g with reversal potential E adds g / leak * (E - v).
    """

    model: Literal["lif"] = "lif"
    tau_m_ms: PerNeuron = 20.0
    v_rest_mv: PerNeuron = 0.0
    v_threshold_mv: PerNeuron
    v_reset_mv: PerNeuron | None = Field(
        default=None, description="the resting potential if absent"
    )
    leak_ns: PerNeuron | None = None
    reset: Literal["to_value", "subtract"] = "to_value"

    _positive: ClassVar[tuple[str, ...]] = ("tau_m_ms", "leak_ns", "tau_threshold_ms")

    @model_validator(mode="after")
    def _check(self) -> LIF:
        threshold, rest = self._threshold_at_start(), np.asarray(self.v_rest_mv)
        if self.reset == "subtract" and (threshold <= rest).any():
            raise ValueError("with reset subtract, v_threshold_mv must lie above v_rest_mv")
        if self.reset == "to_value" and (threshold <= np.asarray(self.reset_mv)).any():
            raise ValueError("v_threshold_mv must lie above v_reset_mv")
        return self

    def _threshold_at_start(self) -> np.ndarray:
        return np.asarray(self.v_threshold_mv, dtype=float)

    @property
    def rest_mv(self) -> Any:
        """Resting potential."""
        return self.v_rest_mv

    @property
    def reset_mv(self) -> Any:
        """Reset potential: as given, or the resting potential."""
        return self.v_rest_mv if self.v_reset_mv is None else self.v_reset_mv

    def gains(self) -> dict[str, Any]:
        """Currents in mV of R I; conductances as multiples of the leak."""
        if self.leak_ns is None:
            return {"mv": 1.0}
        leak = np.asarray(self.leak_ns)
        return {"mv": 1.0, "pa": 1.0 / leak, "ns": 1.0 / leak}


class AdaptiveLIF(LIF):
    """LIF whose threshold rises by `threshold_increment_mv` at each spike and decays back.

    theta' = -theta / tau_threshold; a spike where v > v_threshold + theta. Used as homeostasis by
    Diehl & Cook 2015 (doi:10.3389/fncom.2015.00099) with a very long tau_threshold.
    """

    model: Literal["adaptive_lif"] = "adaptive_lif"  # type: ignore[assignment]
    threshold_increment_mv: PerNeuron
    tau_threshold_ms: PerNeuron
    threshold_offset_mv: PerNeuron = Field(default=0.0, description="theta at the start, in mV")

    def _threshold_at_start(self) -> np.ndarray:
        return super()._threshold_at_start() + np.asarray(self.threshold_offset_mv)


class AdEx(NeuronModel):
    """Adaptive exponential integrate-and-fire (Brette & Gerstner 2005, doi:10.1152/jn.00686.2005)::

        C dv/dt = -g_L (v - v_rest) + g_L Delta_T exp((v - v_threshold) / Delta_T) - w + I
        tau_w dw/dt = a (v - v_rest) - w

    A spike where v > v_peak; then v is set to `v_reset_mv` and w grows by b. In both equations v
    counts as v_peak where it lies above. While refractory v is held, and w goes on. The defaults
    are the paper's.
    """

    model: Literal["adex"]
    capacitance_pf: PerNeuron = 281.0
    leak_ns: PerNeuron = 30.0
    v_rest_mv: PerNeuron = -70.6
    v_threshold_mv: PerNeuron = -50.4
    delta_t_mv: PerNeuron = Field(default=2.0, description="sharpness of the spike's onset")
    v_peak_mv: PerNeuron = 20.0
    v_reset_mv: PerNeuron = -70.6
    tau_w_ms: PerNeuron = 144.0
    a_ns: PerNeuron = Field(default=4.0, description="adaptation below threshold")
    b_pa: PerNeuron = Field(default=80.5, description="growth of w at a spike")

    _positive: ClassVar[tuple[str, ...]] = (
        "capacitance_pf", "leak_ns", "delta_t_mv", "tau_w_ms",
    )  # fmt: skip

    @model_validator(mode="after")
    def _check(self) -> AdEx:
        peak = np.asarray(self.v_peak_mv)
        if (peak <= np.asarray(self.v_reset_mv)).any():
            raise ValueError("v_peak_mv must lie above v_reset_mv")
        if (peak <= np.asarray(self.v_threshold_mv)).any():
            raise ValueError("v_peak_mv must lie above v_threshold_mv")
        return self

    @property
    def rest_mv(self) -> Any:
        """Resting potential."""
        return self.v_rest_mv

    def gains(self) -> dict[str, Any]:
        """Currents in mV/ms, conductances in 1/ms."""
        capacitance = np.asarray(self.capacitance_pf)
        return {"pa": 1.0 / capacitance, "ns": 1.0 / capacitance}


class Izhikevich(NeuronModel):
    """Izhikevich's simple model (2003, doi:10.1109/TNN.2003.820440), v in mV, u in mV/ms::

        dv/dt = 0.04 v^2 + 5 v + 140 - u + I
        du/dt = a (b v - u)

    A spike where v > v_peak; then v is set to c and u grows by d. In both equations v counts as
    v_peak where it lies above. u starts at b v. The defaults are the paper's regular-spiking cell.
    """

    model: Literal["izhikevich"]
    a_per_ms: PerNeuron = 0.02
    b_per_ms: PerNeuron = 0.2
    c_mv: PerNeuron = -65.0
    d_mv_per_ms: PerNeuron = 8.0
    v_peak_mv: PerNeuron = 30.0

    @model_validator(mode="after")
    def _check(self) -> Izhikevich:
        if (np.asarray(self.v_peak_mv) <= np.asarray(self.c_mv)).any():
            raise ValueError("v_peak_mv must lie above c_mv")
        return self

    @property
    def rest_mv(self) -> Any:
        """Where v starts if not told otherwise: the reset potential, as in the paper's network."""
        return self.c_mv

    def gains(self) -> dict[str, Any]:
        """Currents in mV/ms; the model has no capacitance, hence no conductances."""
        return {"mv_per_ms": 1.0}


class HodgkinHuxley(NeuronModel):
    """The squid's giant axon (Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764)::

        C dv/dt = -g_Na m^3 h (v - E_Na) - g_K n^4 (v - E_K) - g_L (v - E_L) + I

    with the paper's rates, rest moved to -65 mV and the sign to today's. The defaults are its
    conductances on 10,000 square micrometres of membrane (1 uF/cm^2: 100 pF; 120, 36 and 0.3
    mS/cm^2), so that 100 pA is 1 uA/cm^2. It spikes where v comes to lie above `v_threshold_mv`,
    and is not reset. m, h and n start at their steady state.
    """

    model: Literal["hodgkin_huxley"]
    capacitance_pf: PerNeuron = 100.0
    sodium_ns: PerNeuron = 12_000.0
    potassium_ns: PerNeuron = 3_600.0
    leak_ns: PerNeuron = 30.0
    sodium_reversal_mv: PerNeuron = 50.0
    potassium_reversal_mv: PerNeuron = -77.0
    leak_reversal_mv: PerNeuron = -54.387
    v_threshold_mv: PerNeuron = Field(default=0.0, description="where a spike is counted")

    _positive: ClassVar[tuple[str, ...]] = ("capacitance_pf",)

    @model_validator(mode="after")
    def _check(self) -> HodgkinHuxley:
        if self.refractory_ms:
            raise ValueError("the refractoriness of this model is its own; refractory_ms must be 0")
        for name in ("sodium_ns", "potassium_ns", "leak_ns"):
            if (np.asarray(getattr(self, name)) < 0).any():
                raise ValueError(f"{name} must not be negative")
        return self

    @property
    def rest_mv(self) -> Any:
        """Where v starts if not told otherwise."""
        return -65.0

    def gains(self) -> dict[str, Any]:
        """Currents in mV/ms, conductances in 1/ms."""
        capacitance = np.asarray(self.capacitance_pf)
        return {"pa": 1.0 / capacitance, "ns": 1.0 / capacitance}


Neurons = LIF | AdaptiveLIF | AdEx | Izhikevich | HodgkinHuxley
