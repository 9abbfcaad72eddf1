"""Populations on the time grid: decay factors, gains, and parameters in units of mV and ms."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn.networks.brian2_neurons import Brian2Neurons
from spikelearn.networks.distributions import AnyDistribution
from spikelearn.networks.neurons import (
    LIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    Neurons,
)
from spikelearn.networks.synapses import (
    AlphaSynapse,
    DeltaSynapse,
    ExponentialSynapse,
    Synapse,
    decayed_gain,
)

# Hodgkin and Huxley's equations need shorter steps than a grid of 0.1 ms has: each is made of equal
# Runge-Kutta steps of at most so long.
LONGEST_HODGKIN_HUXLEY_MS = 0.025


# What a backend may lack, by the model that needs it, and by the synapses.
MODEL_FEATURES = {
    "adex": "AdEx neurons",
    "izhikevich": "Izhikevich neurons",
    "hodgkin_huxley": "Hodgkin-Huxley neurons",
    "brian2": "neurons with equations of one's own",
}
OWN_EQUATIONS = MODEL_FEATURES["brian2"]
CONDUCTANCES, ALPHA_SYNAPSES = "conductances", "alpha synapses"
# Synapses that learn from more than traces of spikes.
VOLTAGE_PLASTICITY, REWARD_PLASTICITY = "voltage-based plasticity", "reward-modulated plasticity"
ALL_NEURONS_AND_SYNAPSES = frozenset(
    {
        *MODEL_FEATURES.values(),
        CONDUCTANCES,
        ALPHA_SYNAPSES,
        VOLTAGE_PLASTICITY,
        REWARD_PLASTICITY,
    }
    - {OWN_EQUATIONS}
)


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
    model: str  # "lif", "adex", "izhikevich", "hodgkin_huxley" or "brian2"
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
    population: Neurons | Brian2Neurons,
    synapses: list[Synapse],
    dt_ms: float,
    refractory_steps: int,
    seed: int,
) -> GridNeurons:
    """A population with the channels of the synapses that end on it."""

    def each(value: object) -> np.ndarray:
        return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (population.size,)))

    start: Any = population.init_mv
    if isinstance(start, AnyDistribution):
        start = start.draw(population.size, generator(seed, "initial potential", name))
    common: dict[str, Any] = {
        "name": name,
        "size": population.size,
        "refractory_steps": refractory_steps,
    }
    if isinstance(population, LIF):
        return _leaky(population, each, each(start), synapses, dt_ms, common)
    zero = np.zeros(population.size)
    n_substeps = 1
    if isinstance(population, HodgkinHuxley):
        n_substeps = math.ceil(dt_ms / LONGEST_HODGKIN_HUXLEY_MS - 1e-9)
    common |= {
        "model": population.model,
        "n_substeps": n_substeps,
        "v_rest": zero,
        "v_init": each(start),
        "beta": zero + 1.0,
        "step_per_tau": zero,
        "channels": tuple(_channels(synapses, None, zero, dt_ms, n_substeps)),
    }
    if isinstance(population, Brian2Neurons):
        return GridNeurons(**common, threshold=zero, reset=zero, equations=population)
    if isinstance(population, AdEx):
        capacitance = each(population.capacitance_pf)
        return GridNeurons(
            **common,
            threshold=each(population.v_peak_mv),
            reset=each(population.v_reset_mv),
            parameters={
                "jump": each(population.b_pa) / capacitance,
                "leak": each(population.leak_ns) / capacitance,
                "v_leak": each(population.v_rest_mv),
                "v_onset": each(population.v_threshold_mv),
                "delta_t": each(population.delta_t_mv),
                "tau_w": each(population.tau_w_ms),
                "a": each(population.a_ns) / capacitance,
            },
            variables={"adaptation": zero},
        )
    if isinstance(population, Izhikevich):
        return GridNeurons(
            **common,
            threshold=each(population.v_peak_mv),
            reset=each(population.c_mv),
            parameters={
                "jump": each(population.d_mv_per_ms),
                "a": each(population.a_per_ms),
                "b": each(population.b_per_ms),
            },
            variables={"adaptation": each(population.b_per_ms) * each(start)},
        )
    return _hodgkin_huxley(population, each, each(start), common)


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
        model="lif",
        v_rest=rest,
        threshold=each(population.v_threshold_mv) - rest,
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


def _hodgkin_huxley(
    population: HodgkinHuxley, each: Any, start: np.ndarray, common: dict[str, Any]
) -> GridNeurons:
    capacitance = each(population.capacitance_pf)
    return GridNeurons(
        **common,
        threshold=each(population.v_threshold_mv),
        reset=np.zeros(population.size),
        parameters={
            "sodium": each(population.sodium_ns) / capacitance,
            "potassium": each(population.potassium_ns) / capacitance,
            "leak": each(population.leak_ns) / capacitance,
            "v_sodium": each(population.sodium_reversal_mv),
            "v_potassium": each(population.potassium_reversal_mv),
            "v_leak": each(population.leak_reversal_mv),
        },
        variables=_steady_gates(start),
    )


def _steady_gates(v: np.ndarray) -> dict[str, np.ndarray]:
    """m, h and n that do not move at a potential."""
    from scipy.special import exprel

    u = v + 65.0
    opening = {
        "m": 1.0 / exprel((25.0 - u) / 10.0),
        "h": 0.07 * np.exp(-u / 20.0),
        "n": 0.1 / exprel((10.0 - u) / 10.0),
    }
    closing = {
        "m": 4.0 * np.exp(-u / 18.0),
        "h": 1.0 / (np.exp((30.0 - u) / 10.0) + 1.0),
        "n": 0.125 * np.exp(-u / 80.0),
    }
    return {gate: opening[gate] / (opening[gate] + closing[gate]) for gate in opening}


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
