"""The plasticity rules once more, a synapse at a time, as their papers write them.

Each trace is kept as (value, step at which it had it) and read by its exponential; sharing no code
with the package, which keeps traces by neuron and lets them decay step by step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Traces:
    """The traces of one synapse."""

    dt_ms: float
    values: dict[str, tuple[float, int]] = field(default_factory=dict)

    def read(self, name: str, tau_ms: float, step: int) -> float:
        """A trace at a step."""
        value, at = self.values.get(name, (0.0, 0))
        return value * math.exp(-(step - at) * self.dt_ms / tau_ms)

    def raise_to(self, name: str, tau_ms: float, step: int, nearest: bool = False) -> None:
        """A spike's mark on a trace."""
        self.values[name] = (1.0 if nearest else self.read(name, tau_ms, step) + 1.0, step)


@dataclass
class Dose:
    """The reward that still works, of one projection."""

    amount: float = 0.0


@dataclass
class Averages:
    """Averages of one target neuron's potential, in mV."""

    minus: float
    plus: float
    slow: float = 0.0
    depression: float = 0.0


def clipped(rule: Any, weight: float) -> float:
    """Within the rule's bounds."""
    return min(max(weight, rule.w_min), rule.w_max)


def share_of_range(rule: Any, distance: float, mu: float) -> float:
    """(distance / range)^mu."""
    return min(max(distance / (rule.w_max - rule.w_min), 0.0), 1.0) ** mu


def at_arrival(rule: Any, synapse: Any, step: int, averages: list[Averages] | None) -> None:
    """What a presynaptic arrival does."""
    t, w = synapse.traces, synapse.weight
    if rule.rule in ("stdp", "dopamine_stdp"):
        y = t.read("y", rule.tau_minus_ms, step)
        if rule.rule == "stdp":
            loss = rule.a_minus * y * share_of_range(rule, w - rule.w_min, rule.mu_minus)
            synapse.weight = clipped(rule, w - loss)
        else:
            mark = t.read("mark", rule.tau_eligibility_ms, step)
            t.values["mark"] = (mark - rule.a_minus * y, step)
        t.raise_to("x", rule.tau_plus_ms, step, rule.pairing == "nearest")
    elif rule.rule == "triplet_stdp":
        o1, r2 = t.read("o1", rule.tau_minus_ms, step), t.read("r2", rule.tau_x_ms, step)
        synapse.weight = clipped(rule, w - o1 * (rule.a2_minus + rule.a3_minus * r2))
        t.raise_to("r1", rule.tau_plus_ms, step, rule.pairing == "nearest")
        t.raise_to("r2", rule.tau_x_ms, step, rule.pairing == "nearest")
    elif rule.rule == "diehl_cook_stdp":
        if rule.variant == "pre_and_post":
            y = t.read("y", rule.tau_post_ms, step)
            power = max(w - rule.w_min, 0.0) ** rule.mu
            synapse.weight = clipped(rule, w - rule.eta_pre * y * power)
        if rule.variant == "triplet":
            synapse.weight = clipped(rule, w - rule.eta_pre * t.read("y", rule.tau_post_ms, step))
        t.raise_to("x", rule.tau_pre_ms, step, rule.pairing == "nearest")
    elif rule.rule == "inhibitory_stdp":
        alpha = 2 * (rule.target_rate_hz / 1000) * rule.tau_ms
        change = rule.eta * (t.read("y", rule.tau_ms, step) - alpha)
        synapse.weight = clipped(rule, w - change if rule.w_max <= 0 else w + change)
        t.raise_to("x", rule.tau_ms, step)
    else:
        assert averages is not None
        synapse.weight = clipped(rule, w - rule.a_ltd * averages[synapse.post].depression)
        t.raise_to("x", rule.tau_x_ms, step)


def at_spike(rule: Any, synapse: Any, step: int) -> None:
    """What a spike of the target does."""
    t, w = synapse.traces, synapse.weight
    if rule.rule in ("stdp", "dopamine_stdp"):
        x = t.read("x", rule.tau_plus_ms, step)
        if rule.rule == "stdp":
            growth = rule.a_plus * x * share_of_range(rule, rule.w_max - w, rule.mu_plus)
            synapse.weight = clipped(rule, w + growth)
        else:
            mark = t.read("mark", rule.tau_eligibility_ms, step)
            t.values["mark"] = (mark + rule.a_plus * x, step)
        t.raise_to("y", rule.tau_minus_ms, step, rule.pairing == "nearest")
    elif rule.rule == "triplet_stdp":
        r1, o2 = t.read("r1", rule.tau_plus_ms, step), t.read("o2", rule.tau_y_ms, step)
        synapse.weight = clipped(rule, w + r1 * (rule.a2_plus + rule.a3_plus * o2))
        t.raise_to("o1", rule.tau_minus_ms, step, rule.pairing == "nearest")
        t.raise_to("o2", rule.tau_y_ms, step, rule.pairing == "nearest")
    elif rule.rule == "diehl_cook_stdp":
        x = t.read("x", rule.tau_pre_ms, step)
        if rule.variant == "exponential":
            fading, rising = math.exp(-rule.beta * w), math.exp(-rule.beta * (rule.w_max - w))
            change = rule.eta_post * (x * fading - rule.x_target * rising)
        elif rule.variant == "triplet":
            change = rule.eta_post * x * t.read("y2", rule.tau_post_slow_ms, step)
        else:
            change = rule.eta_post * (x - rule.x_target) * max(rule.w_max - w, 0.0) ** rule.mu
        synapse.weight = clipped(rule, w + change)
        t.raise_to("y", rule.tau_post_ms, step, rule.pairing == "nearest")
        t.raise_to("y2", rule.tau_post_slow_ms, step, rule.pairing == "nearest")
    elif rule.rule == "inhibitory_stdp":
        change = rule.eta * t.read("x", rule.tau_ms, step)
        synapse.weight = clipped(rule, w - change if rule.w_max <= 0 else w + change)
        t.raise_to("y", rule.tau_ms, step)


def pay_dose(rule: Any, members: list[Any], dose: Dose, step: int, dt_ms: float) -> None:
    """The weight that grows between the last step and this one, by quadrature."""
    if rule.tau_reward_ms == 0:
        return
    at, weights = np.polynomial.legendre.leggauss(10)
    times = (at + 1) / 2 * dt_ms
    both = np.exp(-times / rule.tau_eligibility_ms - times / rule.tau_reward_ms)
    area = float((weights / 2 * both).sum()) * dt_ms
    for synapse in members:
        mark = synapse.traces.read("mark", rule.tau_eligibility_ms, step - 1) if step else 0.0
        synapse.weight = clipped(rule, synapse.weight + mark * dose.amount * area)
    dose.amount *= math.exp(-dt_ms / rule.tau_reward_ms)


def take_reward(rule: Any, members: list[Any], dose: Dose, reward: float, step: int) -> None:
    """A reward is delivered."""
    if rule.tau_reward_ms:
        dose.amount += reward / rule.tau_reward_ms
        return
    for synapse in members:
        mark = synapse.traces.read("mark", rule.tau_eligibility_ms, step)
        synapse.weight = clipped(rule, synapse.weight + reward * mark)


def read_potentials(
    rule: Any,
    members: list[Any],
    averages: list[Averages],
    u_mv: list[float],
    rest_mv: list[float],
    step: int,
    dt_ms: float,
) -> None:
    """The voltage-based rule between deliveries and reset."""
    for synapse in members:
        mine, u = averages[synapse.post], u_mv[synapse.post]
        gate = max(u - rule.theta_plus_mv, 0.0) * max(mine.plus - rule.theta_minus_mv, 0.0)
        x = synapse.traces.read("x", rule.tau_x_ms, step) / rule.tau_x_ms
        synapse.weight = clipped(rule, synapse.weight + rule.a_ltp * dt_ms * x * gate)
    for mine, u, rest in zip(averages, u_mv, rest_mv, strict=True):
        mine.minus += (1 - math.exp(-dt_ms / rule.tau_minus_ms)) * (u - mine.minus)
        mine.plus += (1 - math.exp(-dt_ms / rule.tau_plus_ms)) * (u - mine.plus)
        if rule.homeostasis_ms is not None:
            mine.slow += (1 - math.exp(-dt_ms / rule.homeostasis_ms)) * (u - rest - mine.slow)


def set_depression(rule: Any, averages: list[Averages]) -> None:
    """What arrivals of the next step read."""
    for mine in averages:
        mine.depression = max(mine.minus - rule.theta_minus_mv, 0.0)
        if rule.homeostasis_ms is not None:
            mine.depression *= mine.slow**2 / rule.u_reference_mv2


def normalise(rule: Any, members: list[Any]) -> None:
    """Scale the weights onto each target to their sum."""
    for post in {synapse.post for synapse in members}:
        mine = [synapse for synapse in members if synapse.post == post]
        total = sum(synapse.weight for synapse in mine)
        for synapse in mine:
            synapse.weight = clipped(rule, synapse.weight * rule.normalise_sum / total)
