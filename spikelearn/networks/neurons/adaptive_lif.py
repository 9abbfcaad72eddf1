"""Leaky integrate-and-fire neurons with a threshold that adapts."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from spikelearn.networks.fields import PerNeuron
from spikelearn.networks.neurons.lif import LIF


class AdaptiveLIF(LIF):
    """LIF whose threshold rises by `threshold_increment_mv` at each spike and decays back.

    theta' = -theta / tau_threshold; a spike where v > v_threshold + theta. Used as homeostasis by
    Diehl & Cook 2015 (doi:10.3389/fncom.2015.00099) with a very long tau_threshold. Trusted with
    time steps up to 1 ms; where tau_m is below 20 ms, as much less.
    """

    model: Literal["adaptive_lif"] = "adaptive_lif"  # type: ignore[assignment]
    threshold_increment_mv: PerNeuron
    tau_threshold_ms: PerNeuron
    threshold_offset_mv: PerNeuron = Field(default=0.0, description="theta at the start, in mV")

    in_words: ClassVar[str] = "leaky integrate-and-fire neurons with an adaptive threshold"
    _positive: ClassVar[tuple[str, ...]] = (*LIF._positive, "tau_threshold_ms")
    _raises_threshold: ClassVar[str | None] = "threshold_offset_mv"
