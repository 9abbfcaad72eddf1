"""Populations on the time grid: decay factors, gains, and parameters in units of mV and ms."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.neurons import LIF, AdaptiveLIF, Brian2Neurons, NeuronModel
from spikelearn.networks.neurons.lif import decayed_gain
from spikelearn.networks.neurons.stability import Calm, calm, steps_needed
from spikelearn.networks.spiking import BackgroundInput, Projection, SpikingNetwork
from spikelearn.networks.synapses import (
    AlphaSynapse,
    DeltaSynapse,
    ExponentialSynapse,
    Synapse,
)

# What a backend may lack of synapses.
CONDUCTANCES, ALPHA_SYNAPSES = "conductances", "alpha synapses"
# Synapses that learn from more than traces of spikes.
VOLTAGE_PLASTICITY, REWARD_PLASTICITY = "voltage-based plasticity", "reward-modulated plasticity"
ALL_SYNAPSES = frozenset({CONDUCTANCES, ALPHA_SYNAPSES, VOLTAGE_PLASTICITY, REWARD_PLASTICITY})
# What a backend has unless it says that it lacks it.
SUBTRACTING_RESETS, ADAPTIVE_THRESHOLDS = "subtracting resets", "adaptive thresholds"
SEVERAL_KINDS = "way to join delta, exponential and alpha synapses on one population"
USUAL = frozenset({SUBTRACTING_RESETS, ADAPTIVE_THRESHOLDS, SEVERAL_KINDS})


@dataclass(frozen=True)
class Channel:
    """One state behind a population's synapses, which decays: i <- alpha * i in a step.

    An alpha synapse has two: the current itself, and the one that feeds it, which spikes jump.
    """

    tau_ms: float
    alpha: float
    # From its value at the start of a step: (size,), what it adds to a linear membrane by its end,
    kappa: np.ndarray
    # and how much of the synapse's current or conductance it is: at the start, the middle and the
    # end of each Runge-Kutta step (every second one is an end and a start), and on average.
    gains: tuple[float, ...]
    mean: float
    feeds: int | None  # index of the channel it feeds: i_feeds += transfer * i before i decays
    transfer: float
    reversal: np.ndarray | None  # (size,), on the population's scale of v; None for a current


@dataclass(frozen=True)
class GridNeurons:
    """A population; arrays of shape (size,).

    Potentials of leaky integrate-and-fire neurons are in mV from rest, those of the other models in
    mV as they are, with `v_rest` = 0.
    """

    name: str
    model: type[NeuronModel]  # its equations, and what it has
    size: int
    v_rest: np.ndarray
    threshold: np.ndarray
    reset: np.ndarray
    v_init: np.ndarray
    refractory_steps: int
    beta: np.ndarray  # of leaky integrate-and-fire neurons; 1 for the others
    step_per_tau: np.ndarray  # dt / tau_m of the same; 0 for the others
    subtract: bool = False
    # Adaptive threshold: decay factor a step, increment, initial offset; None where it has none.
    theta_decay: np.ndarray | None = None
    theta_increment: np.ndarray | None = None
    theta_init: np.ndarray | None = None
    channels: tuple[Channel, ...] = ()
    n_substeps: int = 1  # Runge-Kutta steps within a step
    calm: Calm | None = None  # where each of them holds; outside it is divided
    # Of the models integrated by Runge-Kutta steps, in the order of their equations.
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    # Their further variables at the start, by name.
    variables: dict[str, np.ndarray] = field(default_factory=dict)
    equations: Brian2Neurons | None = None  # of one's own, as they were given

    @property
    def conducting(self) -> bool:
        """Whether any of its synapses is a conductance."""
        return any(channel.reversal is not None for channel in self.channels)


def neurons_on_grid(
    name: str,
    population: NeuronModel,
    synapses: list[Synapse],
    dt_ms: float,
    refractory_steps: int,
    seed: int,
) -> GridNeurons:
    """A population with the channels of the synapses that end on it.

    Parameters
    ----------
    name : str
        The population's name in the network, after which the draw of initial potentials is named.
    population : NeuronModel
        Its description.
    synapses : list of Synapse
        Of all projections and background inputs that end on it, in the network's order.
    dt_ms : float
        Time step of the grid, in ms.
    refractory_steps : int
        The refractory period in steps.
    seed : int
        Of initial potentials that are drawn.

    Returns
    -------
    GridNeurons
    """

    def each(value: object) -> np.ndarray:
        return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (population.size,)))

    start: Any = population.init_mv
    if isinstance(start, AnyDistribution):
        start = start.draw(population.size, generator(seed, "initial potential", name))
    common: dict[str, Any] = {
        "name": name,
        "model": type(population),
        "size": population.size,
        "refractory_steps": refractory_steps,
    }
    if isinstance(population, LIF):
        return _leaky(population, each, each(start), synapses, dt_ms, common)
    zero = np.zeros(population.size)
    # Of equations of one's own nothing is known: they take the grid's step as it is.
    n_substeps = 1 if isinstance(population, Brian2Neurons) else steps_needed(population, dt_ms)
    common |= {
        "n_substeps": n_substeps,
        "v_rest": zero,
        "v_init": each(start),
        "beta": zero + 1.0,
        "step_per_tau": zero,
        "channels": tuple(_channels(synapses, None, zero, dt_ms, n_substeps)),
    }
    if isinstance(population, Brian2Neurons):
        return GridNeurons(**common, threshold=zero, reset=zero, equations=population)
    variables = population.grid_variables(each(start))
    return GridNeurons(
        **common,
        calm=calm(population, dt_ms / n_substeps),
        threshold=each(population.threshold_mv),
        reset=each(population.reset_mv),
        parameters={key: each(value) for key, value in population.grid_parameters().items()},
        variables={key: each(value) for key, value in variables.items()},
    )


def _leaky(
    population: LIF,
    each: Any,
    start: np.ndarray,
    synapses: list[Synapse],
    dt_ms: float,
    common: dict[str, Any],
) -> GridNeurons:
    tau_m, rest = each(population.tau_m_ms), each(population.v_rest_mv)
    adaptive = population if isinstance(population, AdaptiveLIF) else None
    return GridNeurons(
        **common,
        v_rest=rest,
        threshold=each(population.threshold_mv) - rest,
        reset=each(population.reset_mv) - rest,
        v_init=start - rest,
        beta=np.exp(-dt_ms / tau_m),
        step_per_tau=dt_ms / tau_m,
        subtract=population.reset == "subtract",
        theta_decay=np.exp(-dt_ms / each(adaptive.tau_threshold_ms)) if adaptive else None,
        theta_increment=each(adaptive.threshold_increment_mv) if adaptive else None,
        theta_init=each(adaptive.threshold_offset_mv) if adaptive else None,
        channels=tuple(_channels(synapses, tau_m, rest, dt_ms)),
    )


def jump_of(synapse: Synapse) -> float:
    """What a weight of 1 adds to the channel: e for alpha synapses, whose peak is the weight."""
    return float(np.e) if isinstance(synapse, AlphaSynapse) else 1.0


def _distinct(synapses: list[Synapse]) -> list[ExponentialSynapse | AlphaSynapse]:
    return [s for s in dict.fromkeys(synapses) if not isinstance(s, DeltaSynapse)]


def _channels(
    synapses: list[Synapse],
    tau_m: np.ndarray | None,
    rest: np.ndarray,
    dt_ms: float,
    n_substeps: int = 1,
) -> list[Channel]:
    channels: list[Channel] = []
    for synapse in _distinct(synapses):
        tau = synapse.tau_ms
        alpha = math.exp(-dt_ms / tau)
        moments = np.linspace(0.0, dt_ms / tau, 2 * n_substeps + 1)
        reversal = None if synapse.reversal_mv is None else synapse.reversal_mv - rest
        zero = np.zeros_like(rest)
        channels.append(
            Channel(
                tau_ms=tau,
                alpha=alpha,
                kappa=zero if tau_m is None else decayed_gain(tau, tau_m, dt_ms),
                gains=tuple(np.exp(-moments).tolist()),
                mean=-math.expm1(-dt_ms / tau) * tau / dt_ms,
                feeds=None,
                transfer=0.0,
                reversal=reversal,
            )
        )
        if isinstance(synapse, AlphaSynapse):
            x = dt_ms / tau
            channels.append(
                Channel(
                    tau_ms=tau,
                    alpha=alpha,
                    kappa=zero if tau_m is None else _kappa_rising(tau, tau_m, dt_ms),
                    gains=tuple((moments * np.exp(-moments)).tolist()),
                    mean=float(_rising(np.array(x))) * x,  # of (s / tau) exp(-s / tau)
                    feeds=len(channels) - 1,
                    transfer=x * alpha,
                    reversal=reversal,
                )
            )
    return channels


def _kappa_rising(tau_syn: float, tau_m: np.ndarray, dt_ms: float) -> np.ndarray:
    """The same for what feeds an alpha current: it adds (s / tau_syn) exp(-s / tau_syn)."""
    x = dt_ms * (1.0 / tau_syn - 1.0 / tau_m)
    return dt_ms / tau_m * dt_ms / tau_syn * np.exp(-dt_ms / tau_m) * _rising(x)


def _rising(x: np.ndarray) -> np.ndarray:
    """Integral of s exp(-x s), s from 0 to 1: (1 - (1 + x) exp(-x)) / x^2 without its 0 / 0."""
    x = np.asarray(x, dtype=np.float64)
    series, term = np.zeros_like(x), np.ones_like(x)
    for k in range(25):
        series = series + term / (k + 2)
        term = term * -x / (k + 1)
    safe = np.where(np.abs(x) < 1.0, 1.0, x)
    return np.where(np.abs(x) < 1.0, series, (1.0 - (1.0 + safe) * np.exp(-safe)) / safe**2)


def gain_of(item: Projection | BackgroundInput, network: SpikingNetwork) -> Any:
    """What a weight of 1 adds to the channel or the potential: a number, or one for each target."""
    if isinstance(item.synapse, DeltaSynapse):
        return 1.0
    return jump_of(item.synapse) * network.neurons[item.target].gains()[item.unit]
