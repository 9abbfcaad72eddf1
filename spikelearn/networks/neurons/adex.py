"""Adaptive exponential integrate-and-fire neurons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn.networks.fields import PerNeuron
from spikelearn.networks.neurons.neuron_model import NeuronModel


class AdEx(NeuronModel):
    """Adaptive exponential integrate-and-fire (Brette & Gerstner 2005, doi:10.1152/jn.00686.2005)::

        C dv/dt = -g_L (v - v_rest) + g_L Delta_T exp((v - v_threshold) / Delta_T) - w + I
        tau_w dw/dt = a (v - v_rest) - w

    A spike where v > v_peak; then v is set to `v_reset_mv` and w grows by b. In both equations v
    counts as v_peak where it lies above. While refractory v is held, and w goes on. The defaults
    are the paper's. Trusted with time steps up to 0.5 ms (cells that burst; those of the defaults
    up to 2 ms); where C / g_L is below 7 ms or tau_w below 50 ms, as much less.
    """

    model: Literal["adex"] = "adex"
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

    in_words: ClassVar[str] = "AdEx neurons"
    has_peak: ClassVar[bool] = True
    trusted_dt_ms: ClassVar[float | None] = 0.5
    trusted_from_ms: ClassVar[Mapping[str, float]] = {
        "capacitance_pf / leak_ns": 7.0,
        "tau_w_ms": 50.0,
    }
    jumps: ClassVar[Mapping[str, str]] = {"adaptation": "jump"}
    typical_weight: ClassVar[tuple[str, float]] = ("pa", 500.0)
    _positive: ClassVar[tuple[str, ...]] = (
        "capacitance_pf", "leak_ns", "delta_t_mv", "tau_w_ms",
    )  # fmt: skip

    @model_validator(mode="after")
    def _check(self) -> AdEx:
        self.require_above("v_peak_mv", "v_reset_mv")
        self.require_above("v_peak_mv", "v_threshold_mv")
        return self

    @property
    def rest_mv(self) -> Any:
        """Resting potential."""
        return self.v_rest_mv

    @property
    def threshold_mv(self) -> Any:
        """The spike's peak."""
        return self.v_peak_mv

    @property
    def reset_mv(self) -> Any:
        """Reset potential."""
        return self.v_reset_mv

    def time_constants_ms(self) -> dict[str, Any]:
        """The membrane's, and that of w."""
        membrane = np.asarray(self.capacitance_pf) / self.leak_ns
        return {"capacitance_pf / leak_ns": membrane, "tau_w_ms": self.tau_w_ms}

    def gains(self) -> dict[str, Any]:
        """Currents in mV/ms, conductances in 1/ms."""
        capacitance = np.asarray(self.capacitance_pf)
        return {"pa": 1.0 / capacitance, "ns": 1.0 / capacitance}

    def grid_parameters(self) -> dict[str, Any]:
        """What the equations divide by the capacitance is divided here; w is in mV/ms."""
        capacitance = np.asarray(self.capacitance_pf)
        return {
            "jump": self.b_pa / capacitance,
            "leak": self.leak_ns / capacitance,
            "v_leak": self.v_rest_mv,
            "v_onset": self.v_threshold_mv,
            "delta_t": self.delta_t_mv,
            "tau_w": self.tau_w_ms,
            "a": self.a_ns / capacitance,
        }

    def grid_variables(self, v_mv: np.ndarray) -> dict[str, Any]:
        """w, which starts at 0."""
        return {"adaptation": 0.0}

    def fall_rates(self, v_mv: np.ndarray, conductance: float = 0.0) -> np.ndarray:
        """The leak's, or w's, the same at all potentials: the exponential only lifts v."""
        given = self.grid_parameters()
        fastest = np.maximum(given["leak"] + conductance, 1.0 / np.asarray(given["tau_w"]))
        return np.broadcast_to(fastest, v_mv.shape)

    @staticmethod
    def slopes(
        v: float,
        adaptation: float,
        drive: float,
        conductance: float,
        leak: float,
        v_leak: float,
        v_onset: float,
        delta_t: float,
        tau_w: float,
        a: float,
    ) -> tuple[float, float]:
        """Of v in mV/ms, and of w / C.

        Parameters
        ----------
        v, adaptation : float
            The potential in mV, and w / C in mV/ms.
        drive, conductance : float
            Of synapses and currents, in mV/ms and 1/ms.
        leak, v_leak, v_onset, delta_t, tau_w, a : float
            As in `grid_parameters`.
        """
        away = v - v_leak
        dv = drive - conductance * v - adaptation
        dv += leak * (delta_t * math.exp((v - v_onset) / delta_t) - away)
        return dv, (a * away - adaptation) / tau_w

    brian2_slopes: ClassVar[Mapping[str, str]] = {
        "v": "leak * delta_t * exp((v - v_onset) / delta_t) - leak * (v - v_leak) - adaptation"
        " + drive - conductance * v",
        "adaptation": "(a * (v - v_leak) - adaptation) / tau_w",
    }
