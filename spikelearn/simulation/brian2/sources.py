"""Sources of spikes for Brian2, some of whose neurons may spike several times in a step.

Brian2's generators have one spike of a neuron in a step. Of a source with more, a generator with
neurons enough counts them in a group of neurons, whose first spike of a step is one event, whose
second spike another, and so on; synapses have a pathway for each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelearn.simulation.grid.network import GridSpikes


def spike_source(
    b2: Any, spikes: GridSpikes, first: int, last: int, n_steps: int, clock: Any, name: str
) -> tuple[Any, list[Any]]:
    """The spikes of a source, its trials side by side.

    Parameters
    ----------
    b2 : module
        brian2.
    spikes : GridSpikes
        Of all trials.
    first, last : int
        The trials first to last - 1 are what is run.
    n_steps : int
        Steps of a trial.
    clock : brian2.Clock
        Of the grid.
    name : str
        Of the object in Brian2.

    Returns
    -------
    brian2.SpikeGeneratorGroup or brian2.NeuronGroup
        Of (last - first) * size neurons. Where a neuron has several spikes in a step, its first is
        the event `spike`, and the others are events of their own; see `pathways`.
    list
        What else it takes in Brian2.
    """
    inside = (spikes.trials >= first) & (spikes.trials < last)
    n = (last - first) * spikes.size
    index = (spikes.trials[inside] - first) * spikes.size + spikes.senders[inside]
    if spikes.rounds is not None:  # a generator's neuron has one spike a step
        index = index + spikes.rounds[inside] * n
    # Two spikes after the end, which are never sent: for none and for one, Brian2's code differs.
    index = np.append(index, [0, 0])
    times = np.append(spikes.steps[inside], [n_steps, n_steps + 1]) * clock.dt
    given = b2.SpikeGeneratorGroup(
        spikes.most * n, index, times, clock=clock, when="start", sorted=False,
        name=name if spikes.rounds is None else f"{name}_given",
    )  # fmt: skip
    if spikes.rounds is None:
        return given, []
    events = {f"spike_{k}": f"number > {k}.5" for k in range(1, spikes.most)}
    made = b2.NeuronGroup(
        n, "number : 1", threshold="number > 0.5", reset="", events=events, clock=clock, name=name
    )
    for event in made.events:
        made.set_event_schedule(event, when="start", order=2)
    made.run_regularly("number = 0", clock=clock, when="end", name=f"{name}_over")
    counting = b2.Synapses(
        given, made, on_pre="number_post += 1", clock=clock, name=f"{name}_count"
    )
    counting.connect(i=np.arange(spikes.most * n), j=np.tile(np.arange(n), spikes.most))
    counting.pre.when, counting.pre.order = "start", 1
    return made, [given, counting]


def pathways(code: str, most: int) -> dict[str, Any]:
    """What `brian2.Synapses` takes for code to run at each of the spikes of a neuron in a step.

    Parameters
    ----------
    code : str
        What happens at a spike.
    most : int
        Spikes of a neuron in a step, at most, for each of which there is a pathway: they come one
        right after the other.
    """
    names = ["pre", *(f"pre_{k:04d}" for k in range(1, most))]
    events = ["spike", *(f"spike_{k}" for k in range(1, most))]
    return {
        "on_pre": dict.fromkeys(names, code),
        "on_event": dict(zip(names, events, strict=True)),
    }
