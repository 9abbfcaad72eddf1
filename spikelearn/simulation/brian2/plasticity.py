"""Plasticity in Brian2's own words: what `spikelearn.simulation.grid.plasticity` says, as code.

Traces belong to synapses here, and Brian2 lets them decay by the formula from event to event. What
changes in every step (eligibility with its dose, averages of the potential) is code that is run in
every step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn.simulation.brian2.session import Session
from spikelearn.simulation.brian2.sources import pathways
from spikelearn.simulation.grid.network import GridNetwork, Synapses
from spikelearn.simulation.grid.plasticity import GridPlasticity


@dataclass
class Code:
    """Code of a plastic projection, line by line."""

    model: list[str] = field(default_factory=list)
    on_pre: list[str] = field(default_factory=list)
    on_post: list[str] = field(default_factory=list)
    namespace: dict[str, Any] = field(default_factory=dict)


def code_of(b2: Any, rule: GridPlasticity) -> Code:
    """What arrivals and spikes of the targets do.

    Every constant has a name, which begins with `rule_` for none to be that of a neuron's variable;
    compiled code is then the same for all its values.
    """
    code = Code(namespace={f"rule_tau_{name}": tau * b2.ms for name, tau in rule.tau_ms.items()})
    code.namespace |= {"rule_w_min": rule.w_min, "rule_w_max": rule.w_max}
    by_event = rule.tau_ms if rule.clopath is None else {}  # that rule reads x in every step
    code.model += [f"d{x}/dt = -{x} / rule_tau_{x} : 1 (event-driven)" for x in by_event]
    if rule.clopath is not None:
        code.model += ["x : 1"]
    if rule.reward is not None:
        code.model += ["mark : 1"]
    raised = "1" if rule.nearest else "{0} + 1"
    if rule.clopath is not None:
        code.namespace["rule_ltd"] = -rule.clopath.a_ltd
        code.on_pre += [_clipped("rule_ltd * depression_post")]
    elif rule.changes_at_pre:
        factor = "rule_pair_pre"
        if rule.at_pre[2]:
            factor = "(rule_pair_pre + rule_triplet_pre * x2)"
        code.namespace |= dict(
            zip(("rule_pre", "rule_pair_pre", "rule_triplet_pre"), rule.at_pre, strict=True)
        )
        power = _power(code, "w - rule_w_min", "rule_mu_pre", rule.mu_pre, rule)
        code.on_pre += [_change(rule, f"(rule_pre + {factor} * y){power}")]
    code.on_pre += [f"{x} = {raised.format(x)}" for x in ("x", "x2") if x in rule.tau_ms]
    if rule.changes_at_post:
        code.on_post += [_change(rule, _at_post(code, rule))]
    code.on_post += [f"{y} = {raised.format(y)}" for y in ("y", "y2") if y in rule.tau_ms]
    return code


def _at_post(code: Code, rule: GridPlasticity) -> str:
    code.namespace |= {"rule_post": rule.at_post[0], "rule_triplet_post": rule.at_post[1]}
    code.namespace["rule_x_target"] = rule.x_target
    factor = "(rule_post + rule_triplet_post * y2)" if rule.at_post[1] else "rule_post"
    if rule.beta is not None:
        code.namespace["rule_beta"] = rule.beta
        return (
            f"{factor} * (x * exp(-rule_beta * w)"
            " - rule_x_target * exp(-rule_beta * (rule_w_max - w)))"
        )
    power = _power(code, "rule_w_max - w", "rule_mu_post", rule.mu_post, rule)
    return f"{factor} * (x - rule_x_target){power}"


def _power(code: Code, distance: str, name: str, mu: float, rule: GridPlasticity) -> str:
    if mu == 0:
        return ""
    code.namespace |= {"rule_range": rule.w_max - rule.w_min, name: mu}
    base = f"clip(({distance}) / rule_range, 0, 1)"
    return f" * {base}" if mu == 1 else f" * {base}**{name}"


def _change(rule: GridPlasticity, change: str) -> str:
    return f"mark = mark + {change}" if rule.reward is not None else _clipped(change)


def _clipped(change: str) -> str:
    return f"w = clip(w + {change}, rule_w_min, rule_w_max)"


def each_step(
    target: Session,
    synapses: Synapses,
    made: Any,
    groups: dict[str, Any],
    grid: GridNetwork,
    clock: Any,
) -> list[Any]:
    """What else has to be in the Brian2 network for a plastic projection to learn.

    Parameters
    ----------
    target : Session
        Brian2 prepared for the run.
    synapses : Synapses
        The projection, with its rule.
    made : brian2.Synapses
        The same in Brian2; code for every step is added to it.
    groups : dict
        Brian2's groups by population.
    grid : GridNetwork
        The network that the projection belongs to.
    clock : brian2.Clock
        Of the grid.

    Returns
    -------
    list
        Brian2's objects.
    """
    rule, b2 = synapses.plasticity, target.b2
    assert rule is not None  # noqa: S101 - for the type checker
    objects = []
    if rule.reward is not None:
        objects += _rewards(b2, rule, made, groups, grid, clock)
    if rule.clopath is not None:
        objects += _averages(b2, synapses, rule, made, groups, grid, clock)
    if rule.normalise_sum is not None and rule.normalise_steps is not None:
        objects += [target.normaliser(synapses, made, grid)]
    return objects


def _rewards(
    b2: Any,
    rule: GridPlasticity,
    made: Any,
    groups: dict[str, Any],
    grid: GridNetwork,
    clock: Any,
) -> list[Any]:
    reward = rule.reward
    assert reward is not None  # noqa: S101 - for the type checker
    name = made.name  # Brian2's own names depend on what else is alive, and the code on names
    dose = b2.NeuronGroup(
        1,
        "dose : 1\nnow : 1",
        clock=clock,
        name=f"{name}_dose",
        namespace={"decay": reward.dose_decay, "jump": reward.jump},
    )
    modulator = groups[reward.modulator]
    paid = b2.Synapses(
        modulator, dose, "amount : 1", clock=clock, name=f"{name}_paid",
        **pathways("now_post += amount", grid.most_spikes(reward.modulator)),
    )  # fmt: skip
    paid.connect(i=np.arange(len(modulator)), j=np.zeros(len(modulator), dtype=int))
    paid.amount = reward.amounts
    pay = {"rule_mark_decay": reward.eligibility_decay, "rule_share": reward.share}
    made.namespace.update(pay)
    # One dose for all synapses, which Brian2 hands on as a variable of one element.
    made.variables.add_reference("dose", dose, "dose", index="0")
    made.variables.add_reference("now", dose, "now", index="0")
    made.run_regularly(
        f"{_clipped('mark * (dose * rule_share)')}\nmark = mark * rule_mark_decay",
        clock=clock,
        when="groups",
        order=0,
        name=f"{name}_dosed",
    )
    if reward.instant:
        made.run_regularly(
            _clipped("now * mark"), clock=clock, when="synapses", order=2,
            name=f"{name}_rewarded",
        )  # fmt: skip
    dose.run_regularly(
        "dose = decay * dose", clock=clock, when="groups", order=1,
        name=f"{name}_dose_decays",
    )  # fmt: skip
    dose.run_regularly(
        "dose = dose + jump * now\nnow = 0", clock=clock, when="synapses", order=3,
        name=f"{name}_dose_jumps",
    )  # fmt: skip
    return [dose, paid]


def _averages(
    b2: Any,
    synapses: Synapses,
    rule: GridPlasticity,
    made: Any,
    groups: dict[str, Any],
    grid: GridNetwork,
    clock: Any,
) -> list[Any]:
    clopath = rule.clopath
    assert clopath is not None  # noqa: S101 - for the type checker
    group = groups[synapses.target]
    neurons = grid.neurons[synapses.target]
    peak = neurons.threshold if neurons.model.has_peak else np.inf
    averages = b2.NeuronGroup(
        len(group),
        "u_minus : 1\nu_plus : 1\nu_slow : 1\ntheta_minus : 1\ntheta_plus : 1\nrest : 1\n"
        "peak : 1\ndepression : 1\ngate : 1",
        clock=clock,
        name=f"{made.name}_averages",
        namespace={
            "reference": clopath.reference,
            "gain": clopath.gain,
            **dict(
                zip(("follow_minus", "follow_plus", "follow_slow"), clopath.follow, strict=True)
            ),
        },
    )
    copies = len(group) // neurons.size
    for name, value in {
        "u_minus": clopath.start,
        "u_plus": clopath.start,
        "theta_minus": clopath.theta_minus,
        "theta_plus": clopath.theta_plus,
        "rest": clopath.rest,
        "peak": np.broadcast_to(peak, (neurons.size,)),
    }.items():
        setattr(averages, name, np.tile(value, copies))
    averages.variables.add_reference("v", group, "v")
    scale = " * u_slow**2 / reference" if clopath.homeostasis else ""
    falls = f"depression = clip(u_minus - theta_minus, 0, inf){scale}"
    averages.run_regularly(falls, clock=clock, when="groups", order=2, name=f"{averages.name}_fall")
    read = [
        "u = clip(v, -inf, peak)",
        "gate = gain * clip(u - theta_plus, 0, inf) * clip(u_plus - theta_minus, 0, inf)",
        "u_minus = u_minus + follow_minus * (u - u_minus)",
        "u_plus = u_plus + follow_plus * (u - u_plus)",
    ]
    if clopath.homeostasis:
        read += ["u_slow = u_slow + follow_slow * ((u - rest) - u_slow)"]
    averages.run_regularly("\n".join(read), clock=clock, when="thresholds", order=-2,
                           name=f"{averages.name}_read")  # fmt: skip
    for name in ("depression", "gate"):
        made.variables.add_reference(f"{name}_post", averages, name, index="_postsynaptic_idx")
    made.namespace["rule_x_decay"] = rule.x_decay
    made.run_regularly(
        "x = rule_x_decay * x", clock=clock, when="groups", order=0,
        name=f"{made.name}_x_decays",
    )  # fmt: skip
    made.run_regularly(
        _clipped("gate_post * x"), clock=clock, when="thresholds", order=-1,
        name=f"{made.name}_gated",
    )  # fmt: skip
    return [averages]
