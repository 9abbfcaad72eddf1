"""A network that nothing drives is silent, which looks like a result; it is said what would."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.spiking_cnn import first_of_exported

if TYPE_CHECKING:
    from spikelearn.networks.inputs import BackgroundInput
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.spikes.activity import Activity
    from spikelearn.stimuli.stimulus import Stimulus


class UndrivenWarning(UserWarning):
    """Nothing drives the network, and no neuron fired or no image is shown; it says what would.

    Attributes
    ----------
    at_command_line : str
        The message with what the command line has in place of what Python has.
    """

    def __init__(self, message: str, at_command_line: str = "") -> None:
        super().__init__(message)
        self.at_command_line = at_command_line or message


def undriven(network: SpikingNetwork, stimulus: Stimulus, at_command_line: bool = False) -> str:
    """Why nothing drives a network, and what would, in a sentence; empty where something does.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : Stimulus
        What it was shown.
    at_command_line : bool
        Whether what would is named as a command takes it, or as Python does.
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
    if units[0] == "pa" and len(network.neurons) == 1:
        would = "--stimulus step_current" if at_command_line else "stimulus='step_current'"
    elif at_command_line:
        size = 300 if units[0] == "pa" else 20
        step = f"{{kind: step, target: {first}, amplitude_{units[0]}: {size}}}"
        would = f"--stimulus step_current --set 'stimulus.currents=[{step}]'"
    else:
        would = f"a stimulus of kind currents, or Stimulus(currents_{units[0]}={{'{first}': ...}})"
    return (
        "it is shown no current, and has no background input that arrives and no noise; show it a"
        f" current, as by {would}, or give it background"
    )


def without_image(network: SpikingNetwork, stimulus: Stimulus) -> str:
    """That a network whose images are currents is shown none, in a sentence; empty otherwise.

    Such a network is a classifier that was exported, and has no input to show images to. What it
    does by itself, as by its biases, looks like an answer to one.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : Stimulus
        What it was shown.
    """
    first = first_of_exported(network.populations)
    driven = network.background or network.noise or any(stimulus.currents.values())
    if first is None or driven:
        return ""
    return (
        f"'{network.name}' is shown no image: as of a spiking_cnn with input: current, images are"
        f" currents into '{first}', which"
        " spikelearn.training.spiking_model.shown_images(classifier, images) makes of them in"
        " Python; what it does without is no answer to one"
    )


def _arrives(background: BackgroundInput) -> bool:
    return background.rate_hz > 0 and _some(background.weight)


def _some(values: Any) -> bool:
    """Whether weights or a current are anything but 0."""
    return isinstance(values, AnyDistribution) or bool(np.any(values))


def warn_of_silence(
    network: SpikingNetwork, stimulus: Stimulus, activity: Activity, stacklevel: int
) -> None:
    """Say of a network that was silent that nothing drives it, if so, or that it sees no image.

    Nothing is said of silence where potentials were recorded: then one sees how they fall back to
    rest.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : Stimulus
    activity : Activity
        What came of it.
    stacklevel : int
        As for `warnings.warn`: 2 names the line that calls this function.
    """
    if said := without_image(network, stimulus):
        warnings.warn(UndrivenWarning(said), stacklevel=stacklevel + 1)
        return
    of_neurons = [s for name, s in activity.populations.items() if name in network.neurons]
    if activity.states or not of_neurons or any(len(spikes) for spikes in of_neurons):
        return
    if undriven(network, stimulus):
        silent = f"no neuron of '{network.name}' fired, and nothing drives it: "
        told, typed = (silent + undriven(network, stimulus, typed) for typed in (False, True))
        warnings.warn(UndrivenWarning(told, typed), stacklevel=stacklevel + 1)
