"""A network that nothing drives is silent, which looks like a result; it is said what would."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.networks.fields import AnyDistribution

if TYPE_CHECKING:
    from spikelearn.networks.inputs import BackgroundInput
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.spikes.activity import Activity
    from spikelearn.stimuli.stimulus import Stimulus


class UndrivenWarning(UserWarning):
    """No neuron fired, and nothing drives the network; the message says what would."""


def undriven(network: SpikingNetwork, stimulus: Stimulus) -> str:
    """Why nothing drives a network, and what would, in a sentence; empty where something does.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : Stimulus
        What it was shown.
    """
    # A current of 0 is said by whoever gives it.
    steadily = network.noise or any(_arrives(item) for item in network.background)
    if steadily or any(stimulus.currents.values()):
        return ""
    firing = [name for name, spikes in stimulus.spikes.items() if len(spikes)]
    if any(p.source in firing and _some(p.weight) for p in network.projections):
        return ""
    if firing:
        why = f"the spikes of {', '.join(firing)} reach no neuron by a weight other than 0"
        return f"{why}; give a projection from there a weight"
    if network.sources:  # as of a dark image: what they send is always given
        return ""
    first = next(iter(network.neurons))
    gains = network.neurons[first].gains()
    units = [unit for unit in ("pa", "mv", "mv_per_ms") if unit in gains]
    if not units:  # equations of one's own that take no current
        return ""
    would = (
        "stimulus='step_current'"
        if units[0] == "pa" and len(network.neurons) == 1
        else f"a stimulus of kind currents, or Stimulus(currents_{units[0]}={{'{first}': ...}})"
    )
    return (
        "it is shown no current, and has no background input that arrives and no noise; show it a"
        f" current, as by {would}, or give it background"
    )


def _arrives(background: BackgroundInput) -> bool:
    return background.rate_hz > 0 and _some(background.weight)


def _some(values: Any) -> bool:
    """Whether weights or a current are anything but 0."""
    return isinstance(values, AnyDistribution) or bool(np.any(values))


def warn_of_silence(
    network: SpikingNetwork, stimulus: Stimulus, activity: Activity, stacklevel: int
) -> None:
    """Say of a network that was silent that nothing drives it, if so.

    Nothing is said where potentials were recorded: then one sees how they fall back to rest.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : Stimulus
    activity : Activity
        What came of it.
    stacklevel : int
        As for `warnings.warn`: 2 names the line that calls this function.
    """
    of_neurons = [s for name, s in activity.populations.items() if name in network.neurons]
    if activity.states or not of_neurons or any(len(spikes) for spikes in of_neurons):
        return
    said = undriven(network, stimulus)
    if said:
        warnings.warn(
            f"no neuron of '{network.name}' fired, and nothing drives it: {said}",
            UndrivenWarning,
            stacklevel=stacklevel + 1,
        )
