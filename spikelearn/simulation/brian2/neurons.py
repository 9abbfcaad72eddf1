"""Populations of neurons for Brian2: the step of `spikelearn.simulation`, written as its code.

The step is written out, rather than left to Brian2's own integrators, whose closed form divides by
zero where two time constants are equal, and which take other steps than the other backends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.simulation.brian2.divide import arguments, divided
from spikelearn.simulation.grid.neurons import GridNeurons

# Runge-Kutta: moment of the step (start, middle, end), how far ahead, share of the slope.
_STAGES = ((0, 0.0, 1), (1, 0.5, 2), (1, 0.5, 2), (2, 1.0, 1))


def neuron_group(
    b2: Any,
    neurons: GridNeurons,
    dt_ms: float,
    replicas: int,
    driven: bool,
    clock: Any,
    name: str,
) -> Any:
    """Copies of a population side by side.

    Numbers that are no arrays are constants with names, never written out in the code: compiled
    code is then the same for all their values, and is compiled once.

    Parameters
    ----------
    b2 : module
        Brian2, prepared by a session.
    neurons : GridNeurons
        The population.
    dt_ms : float
        Time step of the grid, in ms.
    replicas : int
        How many copies: one for each trial of the run.
    driven : bool
        Whether there is a current from outside (stimulus, noise).
    clock : brian2.Clock
        Of the grid.
    name : str
        Of the group.

    Returns
    -------
    brian2.NeuronGroup
        Neuron i of copy k is number k * size + i.
    """
    refractory = neurons.refractory_steps > 1
    adaptive = neurons.theta_init is not None
    resets = neurons.model.resets
    limit = "v_limit + theta" if adaptive else "v_limit"
    conditions = [f"v > {limit}"]
    conditions += ["active > 0.5"] if refractory else []
    conditions += [] if resets else ["above < 0.5"]
    threshold = " and ".join(conditions)
    if not resets and neurons.n_substeps > 1:
        threshold = f"crossed > 0.5 or ({threshold})"
    reset = []
    if resets:
        reset += [f"v = v - ({limit})" if neurons.subtract else "v = v_reset"]
        reset += ["theta = theta + theta_increment"] if adaptive else []
        jumps = neurons.model.jumps.items()
        reset += [f"{_own(name)} = {_own(name)} + {_own(by)}" for name, by in jumps]
        reset += ["held = refractory_steps"] if refractory else []
    update = ["held = clip(held - 1, 0, inf)", "active = int(held < 0.5)"] if refractory else []
    update += [] if resets else ["above = int(v > v_limit)"]
    if neurons.model.leaky:
        update += _leaky(neurons, driven, refractory)
    else:
        update += _runge_kutta(neurons, driven, refractory)
    update += channel_code(neurons)
    update += ["theta = theta_decay * theta"] if adaptive else []

    values = _start(neurons, refractory)
    # A parameter that is the same for all is no array: that is half of what a step would read.
    changing = {"v", "external", "above", "crossed", "theta", "held", "active"}
    changing |= {_own(name) for name in neurons.variables}
    changing |= {f"current{c}" for c in range(len(neurons.channels))}
    same = {
        name: float(value[0])
        for name, value in values.items()
        if name not in changing and (value == value[0]).all()
    }
    values = {name: value for name, value in values.items() if name not in same}
    group = b2.NeuronGroup(
        replicas * neurons.size,
        "\n".join(f"{name} : 1" for name in values),
        threshold=threshold,
        reset="\n".join(reset),
        clock=clock,
        method="euler",  # there is nothing to integrate: the update is the step
        namespace={**_constants(neurons, dt_ms), **same, **_functions(b2, neurons)},
        name=name,
    )
    group.run_regularly("\n".join(update), clock=clock, when="groups", order=1, name=f"{name}_step")
    for variable, value in values.items():
        setattr(group, variable, np.tile(value, replicas))
    return group


def _constants(neurons: GridNeurons, dt_ms: float) -> dict[str, float]:
    step = dt_ms / neurons.n_substeps
    constants = {"refractory_steps": float(neurons.refractory_steps), "sixth_of_step": step / 6}
    constants["whole_step"] = step
    for stage, (_, ahead, _) in enumerate(_STAGES):
        constants[f"ahead{stage}"] = ahead * step
    for c, channel in enumerate(neurons.channels):
        constants |= {f"alpha{c}": channel.alpha, f"transfer{c}": channel.transfer}
        constants[f"mean{c}"] = channel.mean
        constants |= {f"gain{c}_{at}": gain for at, gain in enumerate(channel.gains)}
    return constants


def _functions(b2: Any, neurons: GridNeurons) -> dict[str, Any]:
    """What divides steps, by name, where any may have to be."""
    if not _rough(neurons):
        return {}
    return {
        f"divided{index}": divided(b2, neurons, index)
        for index in range(len(neurons.model.brian2_slopes))
    }


def _start(neurons: GridNeurons, refractory: bool) -> dict[str, np.ndarray]:
    """Variables and parameters with their values at the start, each of shape (size,)."""
    zero = np.zeros(neurons.size)
    values = {
        "v": neurons.v_init,
        "v_limit": neurons.threshold,
        "v_reset": neurons.reset,
        "beta": neurons.beta,
        "step_per_tau": neurons.step_per_tau,
        "external": zero,
        "above": zero,
        **{_own(name): value for name, value in neurons.parameters.items()},
        **{_own(name): value for name, value in neurons.variables.items()},
    }
    if not neurons.model.resets and neurons.n_substeps > 1:
        values["crossed"] = zero
    if neurons.calm is not None:  # infinity has no name that all compilers know
        values["calm_low"] = np.maximum(neurons.calm.low, -1e300)
        values["calm_high"] = np.minimum(neurons.calm.high, 1e300)
        values["calm_conductance"] = np.minimum(neurons.calm.conductance, 1e300)
    for c, channel in enumerate(neurons.channels):
        values |= {f"current{c}": zero, f"kappa{c}": channel.kappa}
        if channel.reversal is not None:
            values[f"reversal{c}"] = channel.reversal
    for name in ("theta_decay", "theta_increment"):
        if getattr(neurons, name) is not None:
            values[name] = getattr(neurons, name)
    if neurons.theta_init is not None:
        values["theta"] = neurons.theta_init
    if refractory:
        values |= {"held": zero, "active": zero + 1.0}
    return values


def _leaky(neurons: GridNeurons, driven: bool, refractory: bool) -> list[str]:
    if neurons.conducting:
        drive, conductance = _sums(neurons, lambda c: f"mean{c}", driven)
        code = [
            f"total = 1 + {conductance}",
            f"goal = ({drive}) / total",
            "after = goal + (v - goal) * exp(-step_per_tau * total)",
        ]
    else:
        terms = ["beta * v", *(f"kappa{c} * current{c}" for c in range(len(neurons.channels)))]
        terms += ["(1 - beta) * external"] if driven else []
        code = [f"after = {' + '.join(terms)}"]
    return [*code, "v = active * after + (1 - active) * v" if refractory else "v = after"]


def _runge_kutta(neurons: GridNeurons, driven: bool, refractory: bool) -> list[str]:
    """Steps of the classic method of fourth order, from the model's equations."""
    derivatives = neurons.model.brian2_slopes
    kept = {name: "v" if name == "v" else _own(name) for name in derivatives}
    code = [f"start_{name} = {variable}" for name, variable in kept.items()]
    rough = _rough(neurons)
    resets = neurons.model.resets
    code += [] if resets or neurons.n_substeps == 1 else ["crossed = 0 * above"]
    for substep in range(neurons.n_substeps):
        slopes: dict[str, list[str]] = {name: [] for name in derivatives}
        for stage, (moment, _, share) in enumerate(_STAGES):
            here = {
                name: f"start_{name}" + (f" + ahead{stage} * d{stage - 1}_{name}" if stage else "")
                for name in derivatives
            }
            v = here["v"]
            if neurons.model.has_peak:
                v = f"clip({v}, -inf, v_limit)"
            code.append(f"u{stage} = {v}")
            code += [f"x{stage}_{name} = {value}" for name, value in here.items() if name != "v"]
            at = 2 * substep + moment
            drive, conductance = _sums(neurons, lambda c, at=at: f"gain{c}_{at}", driven)  # type: ignore[misc]
            code += [f"drive{stage} = {drive}", f"conductance{stage} = {conductance}"]
            words = {"v": f"u{stage}", "drive": f"drive{stage}"}
            words |= {"conductance": f"conductance{stage}"}
            words |= {name: f"x{stage}_{name}" for name in derivatives if name != "v"}
            words |= {name: _own(name) for name in neurons.parameters}
            for name, formula in derivatives.items():
                held = " * active" if refractory and name == "v" else ""
                code.append(f"d{stage}_{name} = ({_renamed(formula, words)}){held}")
                slopes[name].append(f"{share} * d{stage}_{name}")
        ends = {
            name: f"start_{name} + sixth_of_step * ({' + '.join(parts)})"
            for name, parts in slopes.items()
        }
        code += _divided_where(rough, ends, neurons, refractory)
        if not resets and substep < neurons.n_substeps - 1:  # at the end Brian2 looks
            code += [
                "over = int(start_v > v_limit)",
                "crossed = clip(crossed + over * (1 - above), 0, 1)",
                "above = over",
            ]
    return code + [f"{variable} = start_{name}" for name, variable in kept.items()]


def _rough(neurons: GridNeurons) -> list[str]:
    """Code, 0 or 1 each, for what leaves the range within which a Runge-Kutta step holds."""
    calm = neurons.calm
    rough: list[str] = []
    if calm is None:
        return rough
    if np.isfinite(calm.low).any():
        lowest = "u0"
        for stage in (1, 2, 3):
            lowest = f"clip({lowest}, -inf, u{stage})"
        rough.append(f"int({lowest} < calm_low)")
    if np.isfinite(calm.high).any():
        highest = "u0"
        for stage in (1, 2, 3):
            highest = f"clip({highest}, u{stage}, inf)"
        rough.append(f"int({highest} > calm_high)")
    if neurons.conducting and np.isfinite(calm.conductance).any():
        rough += [f"int(conductance{stage} > calm_conductance)" for stage in (0, 1, 3)]
    return rough


def _divided_where(
    rough: list[str], ends: dict[str, str], neurons: GridNeurons, refractory: bool
) -> list[str]:
    """Code for the end of a step, which is divided where it is rough."""
    if not rough:
        return [f"start_{name} = {end}" for name, end in ends.items()]
    code = [f"rough = clip({' + '.join(rough)}, 0, 1)"]
    code += [f"end_{name} = {end}" for name, end in ends.items()]
    for index, name in enumerate(ends):
        words = {"plain": f"end_{name}", "step": "whole_step"}
        words |= {key: f"start_{key}" for key in ends}
        words |= {key: _own(key) for key in neurons.parameters}
        words["step_active"] = "active" if refractory else "1.0"
        words["step_peak"] = "v_limit" if neurons.model.has_peak else "1e300"
        given = ", ".join(words.get(key, key) for key in arguments(neurons))
        code.append(f"new_{name} = divided{index}({given})")
    return code + [f"start_{name} = new_{name}" for name in ends]


def _own(name: str) -> str:
    """What a model's parameter or variable is called in Brian2's group, where no other name is."""
    return f"model_{name}"


def _renamed(formula: str, words: dict[str, str]) -> str:
    """The formula with other names for some of its names."""
    return re.sub(r"[A-Za-z_]\w*", lambda found: words.get(found[0], found[0]), formula)


def _sums(neurons: GridNeurons, gain: Callable[[int], str], driven: bool) -> tuple[str, str]:
    """Code for what drives the neurons at a moment of the step, and for their conductance."""
    drive, conductance = [], []
    for c, channel in enumerate(neurons.channels):
        part = f"{gain(c)} * current{c}"
        drive.append(part if channel.reversal is None else f"{part} * reversal{c}")
        conductance += [] if channel.reversal is None else [part]
    drive += ["external"] if driven else []
    return " + ".join(drive) or "0 * v", " + ".join(conductance) or "0 * v"


def channel_code(neurons: GridNeurons) -> list[str]:
    """What a step does to the states behind the synapses."""
    code = []
    for c, channel in enumerate(neurons.channels):
        if channel.feeds is not None:
            code.append(
                f"current{channel.feeds} = current{channel.feeds} + transfer{c} * current{c}"
            )
        code.append(f"current{c} = alpha{c} * current{c}")
    return code
