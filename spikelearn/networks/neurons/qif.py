"""Quadratic integrate-and-fire neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn.networks.fields import PerNeuron
from spikelearn.networks.neurons.neuron_model import NeuronModel


class QIF(NeuronModel):
    """Quadratic integrate-and-fire, the form of every neuron near a saddle-node on its limit cycle
    (Ermentrout & Kopell 1986, doi:10.1137/0146017; as a spiking neuron Latham et al. 2000,
    doi:10.1152/jn.2000.83.2.808, and Brunel & Latham 2003, doi:10.1162/089976603322362365)::

        tau_m dv/dt = a (v - v_rest) (v - v_critical) + R I

    Between v_rest and v_critical it falls back to rest, above it runs away by itself. A spike where
    v > v_peak; then v is set to `v_reset_mv` and held until `refractory_ms` have passed. In the
    equation v counts as v_peak where it lies above. Under a current R I that exceeds
    a (v_critical - v_rest)^2 / 4 it fires periodically, from zero frequency on. As for LIF,
    `leak_ns`, the inverse of R, is needed for synapses and currents in nS or pA only; a conductance
    g with reversal potential E adds g / leak * (E - v). Trusted with time steps up to 2 ms; where
    tau_m is below 4 ms, as much less.
    """

    model: Literal["qif"] = "qif"
    tau_m_ms: PerNeuron = 10.0
    v_rest_mv: PerNeuron = -65.0
    v_critical_mv: PerNeuron = -50.0
    a_per_mv: PerNeuron | None = Field(
        default=None,
        description="1 / (v_critical_mv - v_rest_mv) if absent: tau_m is the time constant at rest",
    )
    v_peak_mv: PerNeuron = 30.0
    v_reset_mv: PerNeuron = -65.0
    leak_ns: PerNeuron | None = None

    in_words: ClassVar[str] = "quadratic integrate-and-fire neurons"
    has_peak: ClassVar[bool] = True
    trusted_dt_ms: ClassVar[float | None] = 2.0
    trusted_from_ms: ClassVar[Mapping[str, float]] = {"tau_m_ms": 4.0}
    scale_field: ClassVar[str | None] = "leak_ns"
    typical_weight: ClassVar[tuple[str, float]] = ("mv", 15.0)
    _positive: ClassVar[tuple[str, ...]] = ("tau_m_ms", "a_per_mv", "leak_ns")

    @model_validator(mode="after")
    def _check(self) -> QIF:
        self.require_above("v_critical_mv", "v_rest_mv")
        self.require_above("v_peak_mv", "v_reset_mv")
        self.require_above("v_peak_mv", "v_critical_mv")
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
        """The membrane's."""
        return {"tau_m_ms": self.tau_m_ms}

    def gains(self) -> dict[str, Any]:
        """Currents in mV of R I; conductances as multiples of the leak."""
        if self.leak_ns is None:
            return {"mv": 1.0}
        leak = np.asarray(self.leak_ns)
        return {"mv": 1.0, "pa": 1.0 / leak, "ns": 1.0 / leak}

    def grid_parameters(self) -> dict[str, Any]:
        """In mV and ms, as in the equation."""
        away = np.asarray(self.v_critical_mv) - self.v_rest_mv
        return {
            "tau_m": self.tau_m_ms,
            "a": 1.0 / away if self.a_per_mv is None else self.a_per_mv,
            "v_low": self.v_rest_mv,
            "v_critical": self.v_critical_mv,
        }

    def fall_rates(self, v_mv: np.ndarray, conductance: float = 0.0) -> np.ndarray:
        """Ever faster the further v lies below the middle between rest and v_critical."""
        given = self.grid_parameters()
        below = np.asarray(given["v_low"]) + given["v_critical"] - 2.0 * v_mv
        return (given["a"] * below + conductance) / np.asarray(given["tau_m"])

    @staticmethod
    def slopes(
        v: float,
        drive: float,
        conductance: float,
        tau_m: float,
        a: float,
        v_low: float,
        v_critical: float,
    ) -> tuple[float]:
        """Of v in mV/ms.

        Parameters
        ----------
        v : float
            The potential in mV.
        drive, conductance : float
            Of synapses and currents, in mV of R I and as a multiple of the leak.
        tau_m, a, v_low, v_critical : float
            As in `grid_parameters`; v_low is the resting potential.
        """
        return ((a * (v - v_low) * (v - v_critical) + drive - conductance * v) / tau_m,)

    brian2_slopes: ClassVar[Mapping[str, str]] = {
        "v": "(a * (v - v_low) * (v - v_critical) + drive - conductance * v) / tau_m",
    }
