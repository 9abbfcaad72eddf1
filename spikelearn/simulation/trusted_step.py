"""How large a time step the neurons of a network are trusted with, and a word beyond it.

What a model is trusted with (`trusted_dt_ms`) is measured of its published cells. Of others:

- a cell whose time constants are shorter than those down to which that holds (`trusted_from_ms`)
  is trusted with as much less, by the shortest of them;
- with synapses, at most with half of the shortest time constant of those that end on it;
- with a refractory period, which begins at the end of the step of a spike, with a quarter of it, or
  0.1 ms: a spike is early or late by half a step, and so no interval is wrong by more than an
  eighth;
- with strong input, with the largest step at which the rate is estimated to be right within an
  eighth (`strong_input`), asked again after the run, when the rates of all populations are known.

It is never more than the model is trusted with. Of Brian2 equations of one's own, the rate at which
the potential changes at the start, without input, is held against what their method bears.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np

from spikelearn.networks.neurons.brian2_neurons import Brian2Neurons
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.strong_input import bearable_step_ms
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

_OF_SYNAPSE, _OF_REFRACTORY = 0.5, 0.25
_ALWAYS_MS = 0.1
# Steps, in time constants, that Brian2's integrators bear; its exact ones bear any.
_BEARS = {"euler": 1.0, "heun": 2.0, "milstein": 1.0, "rk2": 2.0, "rk4": 2.0}


class TimeStepWarning(UserWarning):
    """A time step beyond which a model's spikes are not trusted to be those of its equations."""


def warn_of_step(
    network: SpikingNetwork,
    dt_ms: float,
    stacklevel: int = 2,
    stimulus: Stimulus | None = None,
    duration_ms: float = math.inf,
) -> list[str]:
    """Warn of each population whose model is not trusted with the step, once.

    What a network of leaky neurons says itself (`dt_ms`) is part of what it is: one that was
    trained or converted step by step has no other.

    Parameters
    ----------
    network : SpikingNetwork
    dt_ms : float
    stacklevel : int
        As for `warnings.warn`: 2 names the line that calls this function.
    stimulus : Stimulus, optional
        What the network is shown.
    duration_ms : float
        Of a trial.

    Returns
    -------
    list of str
        The populations that were warned of.
    """
    told = []
    for name, population in network.neurons.items():
        if isinstance(population, Brian2Neurons):
            sentence = _of_equations(population, name, dt_ms)
            if sentence:
                warnings.warn(sentence, TimeStepWarning, stacklevel=stacklevel + 1)
                told.append(name)
            continue
        if not _asked_about(network, name, dt_ms):
            continue
        trusted, because = trusted_step(network, name, dt_ms, stimulus, duration_ms)
        if trusted is None:
            sentence = (
                f"population '{name}': how large a time step neurons of model {population.model}"
                " bear is not known; spikelearn.simulation.accuracy.largest_step_ms measures it,"
                " and trusted_dt_ms of the class says it"
            )
        elif dt_ms > trusted * (1 + 1e-9):
            sentence = _too_coarse(network, name, dt_ms, trusted, because)
        else:
            continue
        warnings.warn(sentence, TimeStepWarning, stacklevel=stacklevel + 1)
        told.append(name)
    return told


def warn_of_measured_step(
    network: SpikingNetwork,
    dt_ms: float,
    stacklevel: int,
    stimulus: Stimulus,
    activity: Activity,
    told: list[str],
) -> None:
    """After a run, warn of populations to which the rates of others in it were too much.

    Parameters
    ----------
    network : SpikingNetwork
    dt_ms : float
    stacklevel : int
        As for `warnings.warn`: 2 names the line that calls this function.
    stimulus : Stimulus
        What the network was shown.
    activity : Activity
        What it did, the whole of it. Of populations that are not recorded nothing is known, and
        nothing is said.
    told : list of str
        Populations that were warned of before the run.
    """
    measured = {k: v for k, v in activity.populations.items() if k in network.neurons}
    everything = replace(stimulus, spikes={**measured, **stimulus.spikes})
    for name in network.neurons:
        onto = {item.source for item in network.projections if item.target == name}
        own = measured.get(name)  # without its own rate nobody knows whether the estimate is right
        if own is None or name in told or onto.isdisjoint(measured):
            continue
        if not _asked_about(network, name, dt_ms):
            continue
        fired_hz = len(own) / (own.size * activity.n_trials * activity.duration_ms / 1000.0)
        strong = bearable_step_ms(network, name, dt_ms, everything, activity.duration_ms, fired_hz)
        if strong is not None and strong[0] < dt_ms * (1 - 1e-9):
            because = f"{_often(strong[1])} and the rates that the others had in this run"
            sentence = _too_coarse(network, name, dt_ms, strong[0], because)
            warnings.warn(sentence, TimeStepWarning, stacklevel=stacklevel + 1)


def _asked_about(network: SpikingNetwork, name: str, dt_ms: float) -> bool:
    """Whether the step of a population is a question at all."""
    population = network.neurons[name]
    of_brian2 = isinstance(population, Brian2Neurons)
    own = population.leaky and dt_ms == network.dt_ms
    return type(population).in_files and not of_brian2 and not own


def _too_coarse(
    network: SpikingNetwork, name: str, dt_ms: float, trusted_ms: float, because: str
) -> str:
    return (
        f"population '{name}': the time step of {dt_ms:g} ms is larger than the largest that is"
        f" trusted with neurons of model {network.neurons[name].model}{because},"
        f" {trusted_ms:.3g} ms; the number of their spikes may be wrong by more than an eighth"
    )


def _often(rate_hz: float) -> str:
    return f" that fire about {rate_hz:.0f} times a second by their input"


def _of_equations(own: Brian2Neurons, name: str, dt_ms: float) -> str:
    """What to say of a step with equations of one's own; nothing where no more is known of it."""
    if own.method not in _BEARS or not isinstance(own.v_init_mv, float | np.ndarray):
        return ""
    from spikelearn.simulation.brian2.custom import rate_at_start

    rate = rate_at_start(own, np.broadcast_to(own.v_init_mv, (own.size,)), dt_ms)
    if rate is None or rate * dt_ms <= _BEARS[own.method] * (1 + 1e-6):
        return ""
    return (
        f"population '{name}': the time step of {dt_ms:g} ms is larger than method {own.method}"
        f" bears with its equations, whose potential at the start changes with a time constant of"
        f" {1.0 / rate:.3g} ms; the largest is {_BEARS[own.method] / rate:.3g} ms"
    )


def trusted_step(
    network: SpikingNetwork,
    name: str,
    dt_ms: float = math.inf,
    stimulus: Stimulus | None = None,
    duration_ms: float = math.inf,
) -> tuple[float | None, str]:
    """The largest time step in ms that a population is trusted with, and why it is not its model's.

    Parameters
    ----------
    network : SpikingNetwork
    name : str
        One of its populations of neurons.
    dt_ms : float
        The step that is asked about: what is said of strong input is that it is borne, or a step
        that would be.
    stimulus : Stimulus, optional
        What the network is shown; without it, only background input and `rates_hz` are known.
    duration_ms : float
        Of a trial.

    Returns
    -------
    trusted_ms : float or None
        None where the model does not say how large a step it bears.
    because : str
        Words to go on with; empty where it is what the model says.
    """
    population = network.neurons[name]
    most = population.trusted_dt_ms
    if most is None:
        return None, ""
    limits = [(most, "")]
    constants = population.time_constants_ms()
    for key, from_ms in population.trusted_from_ms.items():
        shortest = float(np.min(constants[key]))
        limits.append((most * shortest / from_ms, f" whose {key} is {shortest:.3g} ms"))
    onto = [item for item in (*network.projections, *network.background) if item.target == name]
    taus = [getattr(item.synapse, "tau_ms", math.inf) for item in onto]
    tau = min(taus, default=math.inf)
    limits.append((tau * _OF_SYNAPSE, f" with a synapse of tau_ms {tau:g} ms"))
    if population.refractory_ms:
        held = population.refractory_ms
        least = max(held * _OF_REFRACTORY, _ALWAYS_MS)
        limits.append((least, f" whose refractory_ms is {held:g} ms"))
    step, because = min(limits, key=lambda limit: limit[0])
    asked = min(dt_ms, step)
    strong = bearable_step_ms(network, name, asked, stimulus, duration_ms)
    if strong is not None and strong[0] < asked:
        return strong[0], _often(strong[1])
    return step, because
