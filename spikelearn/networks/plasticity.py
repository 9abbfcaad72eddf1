"""Plasticity as part of a projection's description; the updates are in `spikelearn.rules.stdp`.

Weights, their bounds and all amplitudes are in the unit of the projection's weight (mV for
`weight_mv`, nS for `weight_ns`, ...); times are in ms, rates in Hz, potentials in mV. At every
change a weight is clipped to `w_min` ... `w_max`; those of an inhibitory current may lie below 0.

With `normalise_sum`, the weights onto each target neuron are scaled to that sum, within the bounds,
at the start and then every `normalise_every_ms` if it is given (not local: it takes all synapses of
the neuron). Weights have to start within the bounds.
"""

from __future__ import annotations

import warnings
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from spikelearn._description import Description
from spikelearn._keys import current_name

Pairing = Literal["all_to_all", "nearest"]


def _with_current_name(description: Any) -> Any:
    """A description in which an old name of the plasticity gave way to that of today."""
    if not isinstance(description, dict) or "rule" not in description:
        return description
    return {**description, "rule": current_name("plasticity", description["rule"])}


class _Plasticity(Description):
    w_min: float = 0.0
    w_max: float = 1.0
    normalise_sum: float | None = Field(default=None, gt=0)
    normalise_every_ms: float | None = Field(default=None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _old_name(cls, description: Any) -> Any:
        return _with_current_name(description)

    @model_validator(mode="after")
    def _check(self) -> _Plasticity:
        if self.w_min >= self.w_max:
            raise ValueError("w_max must lie above w_min")
        if self.normalise_every_ms is not None and self.normalise_sum is None:
            raise ValueError("normalise_every_ms needs normalise_sum, the sum that is kept")
        return self


class PairSTDP(_Plasticity):
    """Pair-based STDP (Bi & Poo 1998; Song, Miller & Abbott 2000; Guetig et al. 2003).

    With exponents above 0 changes shrink towards the bounds: potentiation by
    ((w_max - w) / (w_max - w_min))^mu_plus, depression by ((w - w_min) / (w_max - w_min))^mu_minus.
    """

    rule: Literal["stdp"] = "stdp"
    a_plus: float = Field(ge=0, description="potentiation of a pre-before-post pair")
    a_minus: float = Field(ge=0, description="depression of a post-before-pre pair")
    tau_plus_ms: float = Field(default=20.0, gt=0)
    tau_minus_ms: float = Field(default=20.0, gt=0)
    pairing: Pairing = "all_to_all"
    mu_plus: float = Field(default=0.0, ge=0)
    mu_minus: float = Field(default=0.0, ge=0)


class TripletSTDP(_Plasticity):
    """Triplet STDP (Pfister & Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006).

    The defaults are the paper's for visual cortex, full model, all-to-all (table 4).
    """

    rule: Literal["triplet_stdp"] = "triplet_stdp"
    a2_plus: float = Field(default=5e-10, ge=0)
    a3_plus: float = Field(default=6.2e-3, ge=0)
    a2_minus: float = Field(default=7e-3, ge=0)
    a3_minus: float = Field(default=2.3e-4, ge=0)
    tau_plus_ms: float = Field(default=16.8, gt=0, description="presynaptic trace, fast")
    tau_x_ms: float = Field(default=101.0, gt=0, description="presynaptic trace, slow")
    tau_minus_ms: float = Field(default=33.7, gt=0, description="postsynaptic trace, fast")
    tau_y_ms: float = Field(default=125.0, gt=0, description="postsynaptic trace, slow")
    pairing: Pairing = "all_to_all"


class DiehlCookSTDP(_Plasticity):
    """The four rules of Diehl & Cook 2015 (doi:10.3389/fncom.2015.00099), by `variant`.

    power           at a postsynaptic spike, with a dependence (w_max - w)^mu
    exponential     at a postsynaptic spike, with dependences exp(-beta w), exp(-beta (w_max - w))
    pre_and_post    power, and a depression at presynaptic spikes
    triplet         three spikes: post, pre, post; a depression at presynaptic spikes
    """

    rule: Literal["diehl_cook_stdp"] = "diehl_cook_stdp"
    variant: Literal["power", "exponential", "pre_and_post", "triplet"] = "power"
    eta_post: float = Field(default=0.01, ge=0, description="rate of changes at a post spike")
    eta_pre: float = Field(default=1e-4, ge=0, description="rate of changes at a pre spike")
    x_target: float = Field(default=0.4, ge=0, description="presynaptic trace without change")
    mu: float = Field(default=1.0, ge=0, description="exponent of the weight dependence")
    beta: float = Field(default=1.0, ge=0, description="exponential dependence, 1 / weight")
    tau_pre_ms: float = Field(default=20.0, gt=0)
    tau_post_ms: float = Field(default=20.0, gt=0)
    tau_post_slow_ms: float = Field(default=40.0, gt=0, description="of the triplet's first spike")
    pairing: Pairing = "nearest"

    @model_validator(mode="after")
    def _check_bounds(self) -> DiehlCookSTDP:
        if self.w_min < 0:
            raise ValueError("w_min must not lie below 0 with diehl_cook_stdp")
        return self


class InhibitorySTDP(_Plasticity):
    """STDP of inhibitory synapses (Vogels et al. 2011, doi:10.1126/science.1211095).

    Symmetric in time; it drives each target neuron towards `target_rate_hz`. With `w_max` at 0 or
    below (a current), a synapse grows stronger towards `w_min`.
    """

    rule: Literal["inhibitory_stdp"] = "inhibitory_stdp"
    eta: float = Field(default=0.01, ge=0)
    tau_ms: float = Field(default=20.0, gt=0)
    target_rate_hz: float = Field(default=5.0, ge=0)


class ClopathSTDP(_Plasticity):
    """Voltage-based STDP (Clopath et al. 2010, doi:10.1038/nn.2479).

    The defaults are the paper's for visual cortex, where weights are relative. With
    `homeostasis_ms` depression is scaled by the squared slow average of the depolarisation over
    `u_reference_mv2`.
    """

    rule: Literal["clopath_stdp"] = "clopath_stdp"
    a_ltd: float = Field(default=14e-5, ge=0, description="depression, a mV and spike")
    a_ltp: float = Field(default=8e-5, ge=0, description="potentiation, a mV^2")
    tau_x_ms: float = Field(default=15.0, gt=0, description="presynaptic trace")
    tau_minus_ms: float = Field(default=10.0, gt=0, description="potential that depresses")
    tau_plus_ms: float = Field(default=7.0, gt=0, description="potential that potentiates")
    theta_minus_mv: float = -70.6
    theta_plus_mv: float = -45.3
    homeostasis_ms: float | None = Field(default=None, gt=0)
    u_reference_mv2: float = Field(default=60.0, gt=0)


class DopamineSTDP(_Plasticity):
    """Dopamine-modulated STDP, with eligibility traces (Izhikevich 2007).

    doi:10.1093/cercor/bhl152.

    `modulator` is a population whose spikes are rewards: that of its neuron i is worth `reward[i]`
    (below 0 a punishment), as soon as it is delivered. The dose lasts for `tau_reward_ms`; at 0 all
    of it works at once. Pairs write to a trace that lasts for `tau_eligibility_ms`; the weight
    changes by the trace times the dose.
    """

    rule: Literal["dopamine_stdp"] = "dopamine_stdp"
    modulator: str
    reward: tuple[float, ...] = Field(min_length=1)
    a_plus: float = Field(ge=0)
    a_minus: float = Field(ge=0)
    tau_plus_ms: float = Field(default=20.0, gt=0)
    tau_minus_ms: float = Field(default=20.0, gt=0)
    tau_eligibility_ms: float = Field(default=1000.0, gt=0)
    tau_reward_ms: float = Field(default=200.0, ge=0)
    pairing: Pairing = "all_to_all"


Plasticity = Annotated[
    Annotated[
        PairSTDP | TripletSTDP | DiehlCookSTDP | InhibitorySTDP | ClopathSTDP | DopamineSTDP,
        Field(discriminator="rule"),
    ],
    BeforeValidator(_with_current_name),
]


def __getattr__(name: str) -> Any:
    if name == "RewardSTDP":
        message = (
            "the plasticity RewardSTDP is called DopamineSTDP now; RewardSTDP is a training rule of"
            " spikelearn.rules.reward_stdp"
        )
        warnings.warn(message, FutureWarning, stacklevel=2)
        return DopamineSTDP
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
