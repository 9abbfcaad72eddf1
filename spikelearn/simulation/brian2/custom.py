"""Populations of `networks.neurons.brian2_neurons` for Brian2: equations of the user's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from spikelearn._brian2 import import_brian2
from spikelearn._errors import SpikelearnError
from spikelearn.networks.neurons.brian2_neurons import Brian2Neurons
from spikelearn.simulation.brian2.neurons import channel_code
from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.neurons import GridNeurons

_DIFFERENCE_MV = 1e-3


def custom_group(b2: Any, neurons: GridNeurons, replicas: int, clock: Any, name: str) -> Any:
    """Copies of a population side by side.

    Parameters
    ----------
    b2 : module
        Brian2, prepared by a session.
    neurons : GridNeurons
        The population, with `equations`.
    replicas : int
        How many copies: one for each trial of the run.
    clock : brian2.Clock
        Of the grid.
    name : str
        Of the group.

    Returns
    -------
    brian2.NeuronGroup
        Neuron i of copy k is number k * size + i.
    """
    own = neurons.equations
    assert own is not None  # noqa: S101 - the caller's condition
    namespace: dict[str, Any] = dict(own.parameters)
    values: dict[str, Any] = {"v": neurons.v_init * b2.mV, **own.initial}
    lines = [own.equations, "external : 1"]
    terms = ["external * pA"]
    for c, channel in enumerate(neurons.channels):
        lines.append(f"current{c} : 1")
        namespace |= {f"alpha{c}": channel.alpha, f"transfer{c}": channel.transfer}
        namespace[f"mean{c}"] = channel.mean
        if channel.reversal is None:
            terms.append(f"mean{c} * current{c} * pA")
        else:
            namespace[f"reversal{c}"] = float(channel.reversal[0]) * b2.mV
            terms.append(f"mean{c} * current{c} * nS * (reversal{c} - v)")
    if own.gains():
        lines.append(f"I = {' + '.join(terms)} : amp")
    if neurons.refractory_steps:
        lines.append("active = int(not_refractory) : 1")
    group = b2.NeuronGroup(
        replicas * neurons.size,
        "\n".join(lines),
        threshold=own.threshold,
        reset=own.reset,
        refractory=neurons.refractory_steps * clock.dt if neurons.refractory_steps else False,
        method=own.method,
        clock=clock,
        namespace=namespace,
        name=name,
    )
    for variable, value in values.items():
        setattr(group, variable, np.tile(value, replicas) if np.ndim(value) else value)
    if neurons.channels:  # after the equations, which they enter by their averages
        group.run_regularly(
            "\n".join(channel_code(neurons)), clock=clock, when="groups", order=1,
            name=f"{name}_step",
        )  # fmt: skip
    return group


def rate_at_start(own: Brian2Neurons, v_mv: np.ndarray, dt_ms: float) -> float | None:
    """How fast the rate of v changes with v at the start, without input, at most, in 1/ms.

    Parameters
    ----------
    own : Brian2Neurons
    v_mv : array of shape (size,)
        Where v starts.
    dt_ms : float
        The time step, which the equations may name.

    Returns
    -------
    float or None
        None where it cannot be told, as with noise.
    """
    b2 = import_brian2()
    equations = b2.Equations(own.equations)
    slope = dict(equations.diff_eq_expressions)["v"].code
    lines = [own.equations, f"slope_of_v = ({slope}) * second / volt : 1"]
    if own.gains():
        lines.append("I = 0 * amp : amp")
    try:
        group = b2.NeuronGroup(
            own.size, "\n".join(lines), threshold=own.threshold, method="euler",
            dt=dt_ms * b2.ms, refractory=own.refractory_ms * b2.ms, namespace=dict(own.parameters),
        )  # fmt: skip
        group._network = "none"  # it is asked, never run, of which Brian2 would warn
        for variable, value in own.initial.items():
            setattr(group, variable, value)
        slopes = []
        for away_mv in (-_DIFFERENCE_MV, _DIFFERENCE_MV):
            group.v = (v_mv + away_mv) * b2.mV
            slopes.append(np.array(group.slope_of_v[:]))  # in V/s, which is mV/ms
    except Exception:  # what Brian2 does not take, the run refuses in words
        return None
    rates = np.abs(slopes[1] - slopes[0]) / (2.0 * _DIFFERENCE_MV)
    return float(rates.max()) if np.isfinite(rates).all() else None


@contextlib.contextmanager
def refused_in_words(grid: GridNetwork) -> Iterator[None]:
    """Where Brian2 does not take equations of one's own, say so in one sentence.

    Raises
    ------
    SpikelearnError
    """
    own = [name for name, neurons in grid.neurons.items() if neurons.equations is not None]
    try:
        yield
    except SpikelearnError:
        raise
    except Exception as error:
        if not own:
            raise
        reason: BaseException = error
        while reason.__cause__ is not None:
            reason = reason.__cause__
        words = " ".join(str(reason).split())
        whose = "' or '".join(own)
        raise SpikelearnError(
            f"Brian2 does not take the equations of '{whose}': {words}"
        ) from error
