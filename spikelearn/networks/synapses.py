"""Synapses: what a spike does to its target, and in which unit its weight is.

mV      the potential jumps by the weight (delta), or a current times the membrane's
        resistance does (leaky integrate-and-fire neurons)
pA      a current does
nS      a conductance does, which pulls the potential towards `reversal_mv`
mV/ms   a current of Izhikevich's model does, which has no capacitance
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spikelearn._description import Description


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

    model: Literal["exponential"] = "exponential"


class AlphaSynapse(_Synapse):
    """The current or conductance rises and falls after a spike as w (t / tau) exp(1 - t / tau).

    Its peak is the weight, `tau_ms` after the spike arrives.
    """

    model: Literal["alpha"] = "alpha"


Synapse = Annotated[DeltaSynapse | ExponentialSynapse | AlphaSynapse, Field(discriminator="model")]
