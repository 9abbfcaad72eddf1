"""Izhikevich's simple model of spiking neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from spikelearn.networks.fields import PerNeuron
from spikelearn.networks.neurons.neuron_model import NeuronModel


class Izhikevich(NeuronModel):
    """Izhikevich's simple model (2003, doi:10.1109/TNN.2003.820440), v in mV, u in mV/ms::

        dv/dt = 0.04 v^2 + 5 v + 140 - u + I
        du/dt = a (b v - u)

    A spike where v > v_peak; then v is set to c and u grows by d. In both equations v counts as
    v_peak where it lies above. u starts at b v. The defaults are the paper's regular-spiking cell.
    Trusted with time steps up to 0.5 ms. At 1 ms, the paper's, regular-spiking cells are still
    right, while fast-spiking and chattering ones lose a sixth of their spikes, since a spike and
    its reset wait for the end of the step. Where 1 / a is below 4 ms, or
    1 / sqrt(a b) below 6 ms, as much less.
    """

    model: Literal["izhikevich"] = "izhikevich"
    a_per_ms: PerNeuron = 0.02
    b_per_ms: PerNeuron = 0.2
    c_mv: PerNeuron = -65.0
    d_mv_per_ms: PerNeuron = 8.0
    v_peak_mv: PerNeuron = 30.0

    in_words: ClassVar[str] = "Izhikevich neurons"
    has_peak: ClassVar[bool] = True
    trusted_dt_ms: ClassVar[float | None] = 0.5
    trusted_from_ms: ClassVar[Mapping[str, float]] = {
        "1 / a_per_ms": 4.0,
        "1 / sqrt(a_per_ms b_per_ms)": 6.0,
    }
    jumps: ClassVar[Mapping[str, str]] = {"adaptation": "jump"}
    typical_weight: ClassVar[tuple[str, float]] = ("mv_per_ms", 8.0)

    @model_validator(mode="after")
    def _check(self) -> Izhikevich:
        self.require_above("v_peak_mv", "c_mv")
        return self

    @property
    def rest_mv(self) -> Any:
        """Where v starts if not told otherwise: the reset potential, as in the paper's network."""
        return self.c_mv

    @property
    def threshold_mv(self) -> Any:
        """The spike's peak."""
        return self.v_peak_mv

    @property
    def reset_mv(self) -> Any:
        """c."""
        return self.c_mv

    def time_constants_ms(self) -> dict[str, Any]:
        """Of u, and of the swing of v and u about one another."""
        a, b = np.abs(self.a_per_ms), np.abs(self.b_per_ms)
        with np.errstate(divide="ignore"):
            return {
                "1 / a_per_ms": np.divide(1.0, a),
                "1 / sqrt(a_per_ms b_per_ms)": np.divide(1.0, np.sqrt(a * b)),
            }

    def gains(self) -> dict[str, Any]:
        """Currents in mV/ms; the model has no capacitance, hence no conductances."""
        return {"mv_per_ms": 1.0}

    def grid_parameters(self) -> dict[str, Any]:
        """d, a and b."""
        return {"jump": self.d_mv_per_ms, "a": self.a_per_ms, "b": self.b_per_ms}

    def grid_variables(self, v_mv: np.ndarray) -> dict[str, Any]:
        """u, which starts at b v."""
        return {"adaptation": self.b_per_ms * v_mv}

    def fall_rates(self, v_mv: np.ndarray, conductance: float = 0.0) -> np.ndarray:
        """Ever faster the further v lies below; a of u."""
        return np.maximum(-(0.08 * v_mv + 5.0), np.asarray(self.a_per_ms))

    @staticmethod
    def slopes(
        v: float, adaptation: float, drive: float, a: float, b: float
    ) -> tuple[float, float]:
        """Of v in mV/ms, and of u.

        Parameters
        ----------
        v, adaptation : float
            The potential in mV, and u in mV/ms.
        drive : float
            Of synapses and currents, in mV/ms.
        a, b : float
            In 1/ms.
        """
        dv = drive - adaptation
        dv += (0.04 * v + 5.0) * v + 140.0
        return dv, a * (b * v - adaptation)

    brian2_slopes: ClassVar[Mapping[str, str]] = {
        "v": "(0.04 * v + 5) * v + 140 - adaptation + drive",
        "adaptation": "a * (b * v - adaptation)",
    }
