"""Projections for Brian2: synapses with their plasticity."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spikelearn.networks.connections import Connections
from spikelearn.simulation.brian2.plasticity import Code, code_of
from spikelearn.simulation.brian2.sources import pathways
from spikelearn.simulation.grid.network import GridNetwork, Synapses


def synapse_group(
    b2: Any,
    synapses: Synapses,
    delay_steps: int | np.ndarray,
    groups: dict[str, Any],
    grid: GridNetwork,
    replicas: int,
    clock: Any,
    name: str,
) -> Any:
    """Copies of a projection side by side, with the code of its plasticity.

    Parameters
    ----------
    b2 : module
        brian2.
    synapses : Synapses
        The projection.
    delay_steps : int or array of shape (n_synapses,)
        Delay in steps: one, or one for each synapse.
    groups : dict
        Brian2's groups by population.
    grid : GridNetwork
        The network that the projection belongs to.
    replicas : int
        How many copies.
    clock : brian2.Clock
        Of the grid.
    name : str
        Of the object in Brian2, which delivers spikes in the order of names.

    Returns
    -------
    brian2.Synapses
    """
    source, target = groups[synapses.source], groups[synapses.target]
    neurons = grid.neurons[synapses.target]
    rule = synapses.plasticity
    given = "w" if synapses.gain is None or (synapses.gain == 1).all() else "gain * w"
    if synapses.channel is None and neurons.equations is not None:
        given = f"{given} * mV" + (" * active_post" if neurons.refractory_steps else "")
        deliver = f"v_post += {given}"
    elif synapses.channel is not None:
        deliver = f"current{synapses.channel}_post += {given}"
    elif neurons.refractory_steps > 1:
        deliver = f"v_post += {given} * active_post"
    else:
        deliver = f"v_post += {given}"
    code = Code() if rule is None else code_of(b2, rule)
    # It delivers the weight it has when the spike arrives; then it learns.
    model, on_pre = ["w : 1", *code.model], [deliver, *code.on_pre]
    model += ["gain : 1"] if "gain" in given else []
    on_post = "\n".join(code.on_post) or None
    c = synapses.connections
    # A source emits at the start of a step and is delivered within it; a neuron emits after the
    # deliveries of its step, and Brian2 takes its spikes up one step later of itself.
    taken_up = 0 if synapses.source in grid.sources else 1
    paths = pathways("\n".join(on_pre), grid.most_spikes(synapses.source))
    delay = (delay_steps - taken_up) * clock.dt
    made = b2.Synapses(
        source,
        target,
        "\n".join(model),
        **paths,
        on_post=on_post,
        delay={} if np.ndim(delay_steps) else dict.fromkeys(paths["on_pre"], delay),
        clock=clock,
        name=name,
        namespace=code.namespace,
        method="exact",
    )
    copy = np.repeat(np.arange(replicas), c.pre.size)
    made.connect(
        i=np.tile(c.pre, replicas) + copy * c.n_source,
        j=np.tile(c.post, replicas) + copy * c.n_target,
    )
    made.w = np.tile(c.weight, replicas)
    if "gain" in given and synapses.gain is not None:
        made.gain = np.tile(synapses.gain[c.post], replicas)
    if np.ndim(delay_steps):
        for path in paths["on_pre"]:
            getattr(made, path).delay = np.tile(delay, replicas)
    if on_post is not None:
        made.post.when = "resets"
    return made


def by_projection(
    synapses: Sequence[Synapses],
) -> Iterator[tuple[Synapses, int | np.ndarray]]:
    """Synapses with their delays in steps; those that differ in nothing else are one object.

    A projection of many delays is then one piece of code rather than one for each delay.
    """
    alike = itertools.groupby(
        synapses, lambda s: (s.name, s.source, s.target, s.channel, s.plasticity is None or id(s))
    )
    for _, group in alike:
        parts = list(group)
        if len(parts) == 1:
            yield parts[0], parts[0].delay_steps
            continue
        pre, post, weight = (
            np.concatenate([getattr(part.connections, field) for part in parts])
            for field in ("pre", "post", "weight")
        )
        first = parts[0].connections
        together = Connections(pre, post, weight, first.n_source, first.n_target)
        sizes = [part.connections.n_synapses for part in parts]
        delays = np.repeat([part.delay_steps for part in parts], sizes)
        yield dataclasses.replace(parts[0], connections=together), delays
