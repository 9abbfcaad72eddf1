"""Plasticity on the time grid: what every rule of `spikelearn.networks.plasticity` is made of.

All rules but one are sums and products of traces: x and x2 of a presynaptic neuron's arrivals, y
and y2 of a postsynaptic neuron's spikes. Each decays by a factor in every step, and is raised by 1
(or set to 1, where only the nearest spikes pair) after it has been read. With

    low = (w - w_min) / (w_max - w_min)     high = 1 - low         (both within 0 and 1)

a synapse's weight, or its eligibility, changes

    at an arrival by        (at_pre[0] + (at_pre[1] + at_pre[2] x2) y) low^mu_pre
    at a target's spike by  (at_post[0] + at_post[1] y2) (x - x_target) high^mu_post
    or, exponentially, by   at_post[0] (x exp(-beta w) - x_target exp(-beta (w_max - w)))

where x has been raised by an arrival of the same step. Several arrivals at a synapse in one step
come one right after the other: each delivers and changes the weight, and reads and raises the
traces, as the one before has left them. The voltage-based rule reads potentials in
place of y; see `Clopath`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn.networks.plasticity import (
    ClopathSTDP,
    DiehlCookSTDP,
    DopamineSTDP,
    InhibitorySTDP,
    PairSTDP,
    Plasticity,
    TripletSTDP,
)


@dataclass(frozen=True)
class Reward:
    """How eligibility becomes weight.

    A reward r raises the dose by r * jump. In a step the weight grows by eligibility * dose * share
    before both decay; with `instant` there is no dose, and it grows by eligibility * r at once.
    """

    modulator: str
    amounts: np.ndarray  # (size of the modulator,)
    eligibility_decay: float
    dose_decay: float
    jump: float
    share: float
    instant: bool


@dataclass(frozen=True)
class Clopath:
    """Averages of a target neuron's potential u, and what a synapse reads of them.

    u_minus, u_plus and u_slow follow u by a fraction a step (`follow`, in this order; the last is
    0 without homeostasis), after they have been read. With rectified differences a weight falls
    at an arrival by a_ltd (u_minus - theta_minus) (times u_slow^2 / reference), and grows in
    every step by gain x (u - theta_plus) (u_plus - theta_minus). u is the potential after the
    step's deliveries and before its reset, at most `peak`; u_slow starts at 0 and averages u from
    rest.
    """

    follow: tuple[float, float, float]
    a_ltd: float
    gain: float
    theta_minus: np.ndarray  # (size of the target,) on the population's scale of v
    theta_plus: np.ndarray
    rest: np.ndarray
    start: np.ndarray  # u_minus and u_plus before the first step
    reference: float
    homeostasis: bool


@dataclass(frozen=True)
class GridPlasticity:
    """A rule as numbers; see the module. Decay factors are 0 for traces that nothing reads."""

    w_min: float
    w_max: float
    nearest: bool = False
    x_decay: float = 0.0
    x2_decay: float = 0.0
    y_decay: float = 0.0
    y2_decay: float = 0.0
    # The traces' time constants, for engines that let them decay by the formula.
    tau_ms: dict[str, float] = field(default_factory=dict)
    at_pre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    at_post: tuple[float, float] = (0.0, 0.0)
    x_target: float = 0.0
    mu_pre: float = 0.0
    mu_post: float = 0.0
    beta: float | None = None
    normalise_sum: float | None = None
    normalise_steps: int | None = None
    reward: Reward | None = None
    clopath: Clopath | None = None

    @property
    def changes_at_pre(self) -> bool:
        """Whether an arrival changes the synapse."""
        return any(self.at_pre)

    @property
    def changes_at_post(self) -> bool:
        """Whether a target's spike changes the synapse."""
        return any(self.at_post)


def plasticity_on_grid(
    rule: Plasticity,
    dt_ms: float,
    normalise_steps: int | None,
    rest_mv: np.ndarray,
    v_rest: np.ndarray,
    v_init: np.ndarray,
) -> GridPlasticity:
    """The rule on a grid of `dt_ms`.

    Parameters
    ----------
    rule : Plasticity
        The rule as it is described.
    dt_ms : float
        Time step of the grid, in ms.
    normalise_steps : int, optional
        After how many steps weights are normalised; never if absent.
    rest_mv : array of shape (n_target,)
        Resting potential of the target neurons, in mV.
    v_rest : array of shape (n_target,)
        What is added to the population's own scale of v to give mV.
    v_init : array of shape (n_target,)
        Initial potential on that scale.
    """
    common: dict[str, Any] = {
        "w_min": rule.w_min,
        "w_max": rule.w_max,
        "normalise_sum": rule.normalise_sum,
        "normalise_steps": normalise_steps,
        "nearest": getattr(rule, "pairing", "all_to_all") == "nearest",
    }
    made = _MAKERS[type(rule)](rule)
    taus = made.pop("tau_ms")
    decays: dict[str, Any] = {f"{name}_decay": math.exp(-dt_ms / tau) for name, tau in taus.items()}
    if isinstance(rule, DopamineSTDP):
        made["reward"] = _reward(rule, dt_ms)
    if isinstance(rule, ClopathSTDP):
        made["clopath"] = _clopath(rule, dt_ms, rest_mv, v_rest, v_init)
    return GridPlasticity(**common, **decays, tau_ms=taus, **made)


def _pair(rule: PairSTDP) -> dict[str, Any]:
    return {
        "tau_ms": {"x": rule.tau_plus_ms, "y": rule.tau_minus_ms},
        "at_pre": (0.0, -rule.a_minus, 0.0),
        "at_post": (rule.a_plus, 0.0),
        "mu_pre": rule.mu_minus,
        "mu_post": rule.mu_plus,
    }


def _triplet(rule: TripletSTDP) -> dict[str, Any]:
    return {
        "tau_ms": {
            "x": rule.tau_plus_ms,
            "x2": rule.tau_x_ms,
            "y": rule.tau_minus_ms,
            "y2": rule.tau_y_ms,
        },
        "at_pre": (0.0, -rule.a2_minus, -rule.a3_minus),
        "at_post": (rule.a2_plus, rule.a3_plus),
    }


def _diehl_cook(rule: DiehlCookSTDP) -> dict[str, Any]:
    if rule.variant == "triplet":
        return {
            "tau_ms": {
                "x": rule.tau_pre_ms,
                "y": rule.tau_post_ms,
                "y2": rule.tau_post_slow_ms,
            },
            "at_pre": (0.0, -rule.eta_pre, 0.0),
            "at_post": (0.0, rule.eta_post),
        }
    if rule.variant == "exponential":
        return {
            "tau_ms": {"x": rule.tau_pre_ms},
            "at_post": (rule.eta_post, 0.0),
            "x_target": rule.x_target,
            "beta": rule.beta,
        }
    # The paper's dependences are powers of w_max - w and of w, not of fractions of the range.
    scale = (rule.w_max - rule.w_min) ** rule.mu
    made: dict[str, Any] = {
        "tau_ms": {"x": rule.tau_pre_ms},
        "at_post": (rule.eta_post * scale, 0.0),
        "x_target": rule.x_target,
        "mu_post": rule.mu,
    }
    if rule.variant == "pre_and_post":
        made["tau_ms"]["y"] = rule.tau_post_ms
        made["at_pre"] = (0.0, -rule.eta_pre * scale, 0.0)
        made["mu_pre"] = rule.mu
    return made


def _inhibitory(rule: InhibitorySTDP) -> dict[str, Any]:
    eta = -rule.eta if rule.w_max <= 0 else rule.eta
    alpha = 2.0 * rule.target_rate_hz * rule.tau_ms / 1000.0
    return {
        "tau_ms": {"x": rule.tau_ms, "y": rule.tau_ms},
        "at_pre": (-eta * alpha, eta, 0.0),
        "at_post": (eta, 0.0),
    }


def _voltage(rule: ClopathSTDP) -> dict[str, Any]:
    return {"tau_ms": {"x": rule.tau_x_ms}}


def _rewarded(rule: DopamineSTDP) -> dict[str, Any]:
    return {
        "tau_ms": {"x": rule.tau_plus_ms, "y": rule.tau_minus_ms},
        "at_pre": (0.0, -rule.a_minus, 0.0),
        "at_post": (rule.a_plus, 0.0),
    }


_MAKERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    PairSTDP: _pair,
    TripletSTDP: _triplet,
    DiehlCookSTDP: _diehl_cook,
    InhibitorySTDP: _inhibitory,
    ClopathSTDP: _voltage,
    DopamineSTDP: _rewarded,
}


def _reward(rule: DopamineSTDP, dt_ms: float) -> Reward:
    instant = rule.tau_reward_ms == 0
    both = 0.0 if instant else 1.0 / (1.0 / rule.tau_eligibility_ms + 1.0 / rule.tau_reward_ms)
    return Reward(
        modulator=rule.modulator,
        amounts=np.array(rule.reward),
        eligibility_decay=math.exp(-dt_ms / rule.tau_eligibility_ms),
        dose_decay=0.0 if instant else math.exp(-dt_ms / rule.tau_reward_ms),
        jump=0.0 if instant else 1.0 / rule.tau_reward_ms,
        share=0.0 if instant else -both * math.expm1(-dt_ms / both),
        instant=instant,
    )


def _clopath(
    rule: ClopathSTDP, dt_ms: float, rest_mv: np.ndarray, v_rest: np.ndarray, v_init: np.ndarray
) -> Clopath:
    slow = rule.homeostasis_ms
    return Clopath(
        follow=(
            -math.expm1(-dt_ms / rule.tau_minus_ms),
            -math.expm1(-dt_ms / rule.tau_plus_ms),
            0.0 if slow is None else -math.expm1(-dt_ms / slow),
        ),
        a_ltd=rule.a_ltd,
        # An arrival raises x by 1; the paper's trace by 1 / tau_x.
        gain=rule.a_ltp * dt_ms / rule.tau_x_ms,
        theta_minus=rule.theta_minus_mv - v_rest,
        theta_plus=rule.theta_plus_mv - v_rest,
        rest=rest_mv - v_rest,
        start=v_init,
        reference=rule.u_reference_mv2,
        homeostasis=slow is not None,
    )
