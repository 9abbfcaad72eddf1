"""Plasticity as part of a projection's description; the rules are in `spikelearn.rules`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PairSTDP(BaseModel):
    """Pair-based spike-timing-dependent plasticity; see `spikelearn.rules.stdp` for the update.

    With `normalise_sum_mv`, the weights onto each target neuron are scaled to that sum at the
    start and then every `normalise_every_ms` (not local: it needs all synapses of the neuron).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    rule: Literal["pair_stdp"] = "pair_stdp"
    a_plus_mv: float = Field(ge=0, description="potentiation of a pre-before-post pair, mV")
    a_minus_mv: float = Field(ge=0, description="depression of a post-before-pre pair, mV")
    tau_plus_ms: float = Field(default=20.0, gt=0)
    tau_minus_ms: float = Field(default=20.0, gt=0)
    pairing: Literal["all_to_all", "nearest"] = "all_to_all"
    w_min_mv: float = 0.0
    w_max_mv: float = 1.0
    normalise_sum_mv: float | None = Field(default=None, gt=0)
    normalise_every_ms: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _check(self) -> PairSTDP:
        if self.w_min_mv >= self.w_max_mv:
            raise ValueError("w_max_mv must lie above w_min_mv")
        return self
