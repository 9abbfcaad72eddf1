"""A neuron model: a class, and a line in NEURON_MODELS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from spikelearn.networks.neurons import NEURON_MODELS, NeuronModel


class Added(NeuronModel):
    """Leaky neurons with an adaptation current: tau dv/dt = rest - v - w + R I, 30 dw/dt = -w."""

    model: Literal["added_model"]
    tau_ms: float = 10.0
    v_rest_mv: float = -60.0
    v_peak_mv: float = -50.0

    in_words: ClassVar[str] = "added_model neurons"
    has_peak: ClassVar[bool] = True
    trusted_dt_ms: ClassVar[float | None] = 1.0
    jumps: ClassVar[Mapping[str, str]] = {"w": "jump"}
    typical_weight: ClassVar[tuple[str, float]] = ("mv", 12.0)
    brian2_slopes: ClassVar[Mapping[str, str]] = {
        "v": "(v_rest - v - w + drive - conductance * v) / tau",
        "w": "-w / 30",
    }

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
        """Back to rest."""
        return self.v_rest_mv

    def gains(self) -> dict[str, Any]:
        """Currents in mV of R I."""
        return {"mv": 1.0}

    def grid_parameters(self) -> dict[str, Any]:
        """Growth of w, time constant, resting potential."""
        return {"jump": 2.0, "tau": self.tau_ms, "v_rest": self.v_rest_mv}

    def grid_variables(self, v_mv: np.ndarray) -> dict[str, Any]:
        """w, which starts at 0."""
        return {"w": 0.0}

    @staticmethod
    def slopes(
        v: float, w: float, drive: float, conductance: float, tau: float, v_rest: float
    ) -> tuple[float, float]:
        """Of v and w, per ms."""
        return (v_rest - v - w + drive - conductance * v) / tau, -w / 30.0


NEURON_MODELS["added_model"] = Added
