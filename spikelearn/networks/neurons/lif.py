"""Leaky integrate-and-fire neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from spikelearn.networks.fields import PerNeuron
from spikelearn.networks.neurons.neuron_model import NeuronModel


class LIF(NeuronModel):
    """Leaky integrate-and-fire: tau_m dv/dt = -(v - v_rest) + R I, spike where v > v_threshold.

    After a spike v is set to `v_reset_mv`, or lowered by the distance from rest to threshold
    (`reset: subtract`), and held there until `refractory_ms` have passed. The value at threshold
    does not spike: v must exceed it. A resting potential above threshold stands for a constant
    drive. `leak_ns`, the inverse of the resistance R, is needed for synapses and currents in nS or
    pA only; a conductance g with reversal potential E adds g / leak * (E - v). Trusted with time
    steps up to 1 ms: the membrane is exact at any, but spikes and resets lie on the grid, and at
    1 ms a tenth of 120 spikes a second is lost. Where tau_m is below 20 ms, as much less.
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

    in_words: ClassVar[str] = "leaky integrate-and-fire neurons"
    leaky: ClassVar[bool] = True
    trusted_dt_ms: ClassVar[float | None] = 1.0
    trusted_from_ms: ClassVar[Mapping[str, float]] = {"tau_m_ms": 20.0}
    scale_field: ClassVar[str | None] = "leak_ns"
    _positive: ClassVar[tuple[str, ...]] = ("tau_m_ms", "leak_ns")
    # Field that is added to the threshold at the start, where a model has one.
    _raises_threshold: ClassVar[str | None] = None

    @model_validator(mode="after")
    def _check(self) -> LIF:
        if self.reset == "subtract":
            why = ", by whose distance v is lowered (reset subtract)"
            self.require_above("v_threshold_mv", "v_rest_mv", why, self._raises_threshold)
        elif self.v_reset_mv is None:
            why = ", to which v is reset where there is no v_reset_mv"
            self.require_above("v_threshold_mv", "v_rest_mv", why, self._raises_threshold)
        else:
            self.require_above("v_threshold_mv", "v_reset_mv", added=self._raises_threshold)
        return self

    @property
    def rest_mv(self) -> Any:
        """Resting potential."""
        return self.v_rest_mv

    @property
    def threshold_mv(self) -> Any:
        """Threshold, without what adaptation adds."""
        return self.v_threshold_mv

    @property
    def reset_mv(self) -> Any:
        """Reset potential: as given, or the resting potential."""
        return self.v_rest_mv if self.v_reset_mv is None else self.v_reset_mv

    def time_constants_ms(self) -> dict[str, Any]:
        """The membrane's."""
        return {"tau_m_ms": self.tau_m_ms}

    def gains(self) -> dict[str, Any]:
        """Currents in mV of R I; conductances as multiples of the leak."""
        if self.leak_ns is None:
            return {"mv": 1.0}
        leak = np.asarray(self.leak_ns)
        return {"mv": 1.0, "pa": 1.0 / leak, "ns": 1.0 / leak}


def decayed_gain(tau_syn_ms: float, tau_m_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """What an exponential current (mV) at the start of a step adds to a potential by its end.

    (1 / tau_m) * integral of exp(-(dt - s) / tau_m) exp(-s / tau_syn) ds, written so that nearly
    equal time constants lose no digits: dt / tau_m * exp(-dt / tau_m) * (e^x - 1) / x.

    Parameters
    ----------
    tau_syn_ms : float
    tau_m_ms : array of shape (size,)
    dt_ms : float

    Returns
    -------
    array of shape (size,)
    """
    x = dt_ms * (1.0 / tau_m_ms - 1.0 / tau_syn_ms)
    safe = np.where(np.abs(x) < 1e-12, 1.0, x)
    growth = np.where(np.abs(x) < 1e-12, 1.0, np.expm1(safe) / safe)
    return dt_ms / tau_m_ms * np.exp(-dt_ms / tau_m_ms) * growth
