"""Populations of `networks.neurons.brian2_neurons` for Brian2: equations of the user's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.simulation.brian2.neurons import channel_code
from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.neurons import GridNeurons


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
