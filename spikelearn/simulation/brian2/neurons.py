"""Populations of neurons for Brian2: the step of `spikelearn.simulation`, written as its code.

The step is written out, rather than left to Brian2's own integrators, whose closed form divides by
zero where two time constants are equal, and which take other steps than the other backends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.simulation.grid.neurons import GridNeurons

# Runge-Kutta: moment of the step (start, middle, end), how far ahead, share of the slope.
_STAGES = ((0, 0.0, 1), (1, 0.5, 2), (1, 0.5, 2), (2, 1.0, 1))

# Derivatives by model, with u for the potential and x_* for the variables; `drive` and
# `conductance` are what synapses and stimuli add.
_DERIVATIVES = {
    "adex": {
        "v": "leak * delta_t * exp((u - v_onset) / delta_t) - leak * (u - v_leak) - x_adaptation"
        " + drive - conductance * u",
        "adaptation": "(a * (u - v_leak) - x_adaptation) / tau_w",
    },
    "izhikevich": {
        "v": "(0.04 * u + 5) * u + 140 - x_adaptation + drive",
        "adaptation": "a * (b * u - x_adaptation)",
    },
    "hodgkin_huxley": {
        "v": "sodium * x_m**3 * x_h * (v_sodium - u) + potassium * x_n**4 * (v_potassium - u)"
        " + leak * (v_leak - u) + drive - conductance * u",
        "m": "(1 - x_m) / exprel((25 - (u + 65)) / 10) - x_m * 4 * exp(-(u + 65) / 18)",
        "h": "(1 - x_h) * 0.07 * exp(-(u + 65) / 20) - x_h / (exp((30 - (u + 65)) / 10) + 1)",
        "n": "(1 - x_n) * 0.1 / exprel((10 - (u + 65)) / 10) - x_n * 0.125 * exp(-(u + 65) / 80)",
    },
}


def neuron_group(
    b2: Any,
    neurons: GridNeurons,
    dt_ms: float,
    replicas: int,
    driven: bool,
    clock: Any,
    name: str,
) -> Any:
    """`replicas` copies of a population side by side; `driven`: by a current from outside.

    Numbers that are no arrays are constants with names, never written out in the code: compiled
    code is then the same for all their values, and is compiled once.
    """
    refractory = neurons.refractory_steps > 1
    adaptive = neurons.theta_init is not None
    resets = neurons.model != "hodgkin_huxley"
    limit = "v_limit + theta" if adaptive else "v_limit"
    threshold = [f"v > {limit}"]
    threshold += ["active > 0.5"] if refractory else []
    threshold += [] if resets else ["above < 0.5"]
    reset = []
    if resets:
        reset += [f"v = v - ({limit})" if neurons.subtract else "v = v_reset"]
        reset += ["theta = theta + theta_increment"] if adaptive else []
        reset += ["adaptation = adaptation + jump"] if "jump" in neurons.parameters else []
        reset += ["held = refractory_steps"] if refractory else []
    update = ["held = clip(held - 1, 0, inf)", "active = int(held < 0.5)"] if refractory else []
    update += [] if resets else ["above = int(v > v_limit)"]
    if neurons.model == "lif":
        update += _leaky(neurons, driven, refractory)
    else:
        update += _runge_kutta(neurons, driven, refractory)
    update += channel_code(neurons)
    update += ["theta = theta_decay * theta"] if adaptive else []

    values = _start(neurons, refractory)
    # A parameter that is the same for all is no array: that is half of what a step would read.
    changing = {"v", "external", "above", "theta", "held", "active", *neurons.variables}
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
        threshold=" and ".join(threshold),
        reset="\n".join(reset),
        clock=clock,
        method="euler",  # there is nothing to integrate: the update is the step
        namespace={**_constants(neurons, dt_ms), **same},
        name=name,
    )
    group.run_regularly("\n".join(update), clock=clock, when="groups", order=1, name=f"{name}_step")
    for variable, value in values.items():
        setattr(group, variable, np.tile(value, replicas))
    return group


def _constants(neurons: GridNeurons, dt_ms: float) -> dict[str, float]:
    step = dt_ms / neurons.n_substeps
    found = {"refractory_steps": float(neurons.refractory_steps), "sixth_of_step": step / 6}
    for stage, (_, ahead, _) in enumerate(_STAGES):
        found[f"ahead{stage}"] = ahead * step
    for c, channel in enumerate(neurons.channels):
        found |= {f"alpha{c}": channel.alpha, f"transfer{c}": channel.transfer}
        found[f"mean{c}"] = channel.mean
        found |= {f"gain{c}_{at}": gain for at, gain in enumerate(channel.gains)}
    return found


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
        **neurons.parameters,
        **neurons.variables,
    }
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
    derivatives = _DERIVATIVES[neurons.model]
    code = [f"start_{name} = {name}" for name in derivatives]
    for substep in range(neurons.n_substeps):
        slopes: dict[str, list[str]] = {name: [] for name in derivatives}
        for stage, (moment, _, share) in enumerate(_STAGES):
            here = {
                name: f"start_{name}" + (f" + ahead{stage} * d{stage - 1}_{name}" if stage else "")
                for name in derivatives
            }
            v = here["v"]
            if neurons.model != "hodgkin_huxley":
                v = f"clip({v}, -inf, v_limit)"
            code.append(f"u{stage} = {v}")
            code += [f"x{stage}_{name} = {value}" for name, value in here.items() if name != "v"]
            at = 2 * substep + moment
            drive, conductance = _sums(neurons, lambda c, at=at: f"gain{c}_{at}", driven)  # type: ignore[misc]
            code += [f"drive{stage} = {drive}", f"conductance{stage} = {conductance}"]
            for name, formula in derivatives.items():
                words = formula.replace("x_", f"x{stage}_")
                words = words.replace("drive", f"drive{stage}")
                words = words.replace("conductance", f"conductance{stage}")
                words = " ".join(f"u{stage}" if w == "u" else w for w in _split(words))
                held = " * active" if refractory and name == "v" else ""
                code.append(f"d{stage}_{name} = ({words}){held}")
                slopes[name].append(f"{share} * d{stage}_{name}")
        code += [
            f"start_{name} = start_{name} + sixth_of_step * ({' + '.join(parts)})"
            for name, parts in slopes.items()
        ]
    return code + [f"{name} = start_{name}" for name in derivatives]


def _split(formula: str) -> list[str]:
    for sign in "()":
        formula = formula.replace(sign, f" {sign} ")
    return formula.split()


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
