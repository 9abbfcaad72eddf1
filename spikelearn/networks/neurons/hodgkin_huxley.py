"""Hodgkin and Huxley's axon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn.networks.fields import PerNeuron
from spikelearn.networks.neurons.neuron_model import NeuronModel


class HodgkinHuxley(NeuronModel):
    """The squid's giant axon (Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764)::

        C dv/dt = -g_Na m^3 h (v - E_Na) - g_K n^4 (v - E_K) - g_L (v - E_L) + I

    with the paper's rates, rest moved to -65 mV and the sign to today's. The defaults are its
    conductances on 10,000 square micrometres of membrane (1 uF/cm^2: 100 pF; 120, 36 and 0.3
    mS/cm^2), so that 100 pA is 1 uA/cm^2. It spikes where v comes to lie above `v_threshold_mv`,
    and is not reset. m, h and n start at their steady state.
    Trusted with time steps up to 1 ms, which are made of steps of 0.025 ms. At 2 ms they are right
    where input comes on that grid; spikes at other times move to it, which under strong synapses
    changes the number of spikes by a sixth.
    """

    model: Literal["hodgkin_huxley"] = "hodgkin_huxley"
    capacitance_pf: PerNeuron = 100.0
    sodium_ns: PerNeuron = 12_000.0
    potassium_ns: PerNeuron = 3_600.0
    leak_ns: PerNeuron = 30.0
    sodium_reversal_mv: PerNeuron = 50.0
    potassium_reversal_mv: PerNeuron = -77.0
    leak_reversal_mv: PerNeuron = -54.387
    v_threshold_mv: PerNeuron = Field(default=0.0, description="where a spike is counted")

    in_words: ClassVar[str] = "Hodgkin-Huxley neurons"
    resets: ClassVar[bool] = False
    trusted_dt_ms: ClassVar[float | None] = 1.0
    longest_step_ms: ClassVar[float] = 0.025  # shorter than the 0.1 ms of most grids
    typical_weight: ClassVar[tuple[str, float]] = ("pa", 250.0)
    _positive: ClassVar[tuple[str, ...]] = ("capacitance_pf",)

    @model_validator(mode="after")
    def _check(self) -> HodgkinHuxley:
        for name in ("sodium_ns", "potassium_ns", "leak_ns"):
            if (np.asarray(getattr(self, name)) < 0).any():
                raise ValueError(f"{name} must not be negative")
        return self

    @property
    def rest_mv(self) -> Any:
        """Where v starts if not told otherwise."""
        return -65.0

    @property
    def threshold_mv(self) -> Any:
        """Where a spike is counted."""
        return self.v_threshold_mv

    @property
    def reset_mv(self) -> Any:
        """Of no account: there is no reset."""
        return 0.0

    def gains(self) -> dict[str, Any]:
        """Currents in mV/ms, conductances in 1/ms."""
        capacitance = np.asarray(self.capacitance_pf)
        return {"pa": 1.0 / capacitance, "ns": 1.0 / capacitance}

    def grid_parameters(self) -> dict[str, Any]:
        """Conductances over the capacitance, in 1/ms, and reversal potentials."""
        capacitance = np.asarray(self.capacitance_pf)
        return {
            "sodium": self.sodium_ns / capacitance,
            "potassium": self.potassium_ns / capacitance,
            "leak": self.leak_ns / capacitance,
            "v_sodium": self.sodium_reversal_mv,
            "v_potassium": self.potassium_reversal_mv,
            "v_leak": self.leak_reversal_mv,
        }

    def grid_variables(self, v_mv: np.ndarray) -> dict[str, Any]:
        """The gates m, h and n where they do not move."""
        opening, closing = _rates(v_mv)
        return {gate: opening[gate] / (opening[gate] + closing[gate]) for gate in opening}

    def fall_rates(self, v_mv: np.ndarray, conductance: float = 0.0) -> np.ndarray:
        """The gates' far from rest, on both sides; else that of a fifth of all conductances.

        An action potential opens no more than a quarter of them at once.
        """
        given = self.grid_parameters()
        opening, closing = _rates(v_mv)
        fastest = 0.2 * (given["sodium"] + given["potassium"]) + given["leak"] + conductance
        for gate in opening:
            fastest = np.maximum(fastest, opening[gate] + closing[gate])
        return np.broadcast_to(fastest, v_mv.shape)

    @staticmethod
    def slopes(
        v: float,
        m: float,
        h: float,
        n: float,
        drive: float,
        conductance: float,
        sodium: float,
        potassium: float,
        leak: float,
        v_sodium: float,
        v_potassium: float,
        v_leak: float,
    ) -> tuple[float, float, float, float]:
        """Of v in mV/ms, and of the gates.

        Parameters
        ----------
        v, m, h, n : float
            The potential in mV, and the gates.
        drive, conductance : float
            Of synapses and currents, in mV/ms and 1/ms.
        sodium, potassium, leak, v_sodium, v_potassium, v_leak : float
            As in `grid_parameters`.
        """
        dv = (
            sodium * m**3 * h * (v_sodium - v)
            + potassium * n**4 * (v_potassium - v)
            + leak * (v_leak - v)
            + drive
            - conductance * v
        )
        u = v + 65.0
        dm = (1.0 - m) / _exprel((25.0 - u) / 10.0)
        dm -= m * 4.0 * math.exp(-u / 18.0)
        dh = (1.0 - h) * 0.07 * math.exp(-u / 20.0)
        dh -= h / (math.exp((30.0 - u) / 10.0) + 1.0)
        dn = (1.0 - n) * 0.1 / _exprel((10.0 - u) / 10.0)
        dn -= n * 0.125 * math.exp(-u / 80.0)
        return dv, dm, dh, dn

    brian2_slopes: ClassVar[Mapping[str, str]] = {
        "v": "sodium * m**3 * h * (v_sodium - v) + potassium * n**4 * (v_potassium - v)"
        " + leak * (v_leak - v) + drive - conductance * v",
        "m": "(1 - m) / exprel((25 - (v + 65)) / 10) - m * 4 * exp(-(v + 65) / 18)",
        "h": "(1 - h) * 0.07 * exp(-(v + 65) / 20) - h / (exp((30 - (v + 65)) / 10) + 1)",
        "n": "(1 - n) * 0.1 / exprel((10 - (v + 65)) / 10) - n * 0.125 * exp(-(v + 65) / 80)",
    }


def _rates(v_mv: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """At which rates the gates open and close, in 1/ms."""
    from scipy.special import exprel

    u = v_mv + 65.0
    opening = {
        "m": 1.0 / exprel((25.0 - u) / 10.0),
        "h": 0.07 * np.exp(-u / 20.0),
        "n": 0.1 / exprel((10.0 - u) / 10.0),
    }
    closing = {
        "m": 4.0 * np.exp(-u / 18.0),
        "h": 1.0 / (np.exp((30.0 - u) / 10.0) + 1.0),
        "n": 0.125 * np.exp(-u / 80.0),
    }
    return opening, closing


def _exprel(x: float) -> float:
    """(exp(x) - 1) / x."""
    return 1.0 if x == 0.0 else math.expm1(x) / x
