"""Synapses: what a spike does to its target, and in which unit its weight is.

mV      the potential jumps by the weight (delta), or a current times the membrane's
        resistance does (leaky integrate-and-fire neurons)
pA      a current does
nS      a conductance does, which pulls the potential towards `reversal_mv`
mV/ms   a current of Izhikevich's model does, which has no capacitance
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from spikelearn.networks._fields import Description


class DeltaSynapse(Description):
    """A spike moves the membrane potential by the weight (mV)."""

    model: Literal["delta"] = "delta"


class _Synapse(Description):
    tau_ms: float = Field(gt=0)
    reversal_mv: float | None = Field(
        default=None, description="of a conductance (weights in nS); a current if absent"
    )


class ExponentialSynapse(_Synapse):
    """A spike moves the current or the conductance by the weight; it decays with `tau_ms`."""

    model: Literal["exponential"]


class AlphaSynapse(_Synapse):
    """The current or conductance rises and falls after a spike as w (t / tau) exp(1 - t / tau).

    Its peak is the weight, `tau_ms` after the spike arrives.
    """

    model: Literal["alpha"]


Synapse = Annotated[DeltaSynapse | ExponentialSynapse | AlphaSynapse, Field(discriminator="model")]


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
