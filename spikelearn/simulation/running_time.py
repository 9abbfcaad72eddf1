"""How long a simulation will take, about: said before a long one starts, never a refusal.

A sum over steps of what the engine does in each of them, with the costs of each on a processor of
2020; nobody knows before at which rates neurons will fire, so that where the network does not say
it a usual one is taken. The bar tells better as soon as it moves.
"""

from __future__ import annotations

import warnings

from spikelearn._counts import counted
from spikelearn._room import bounded, in_time
from spikelearn._threads import n_threads
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.synapses import DeltaSynapse
from spikelearn.simulation.memory import Run, numbers_of_synapses

LONG_S = 600.0
"""Simulations that are expected to take longer than this are told of."""

_USUAL_HZ = 10.0
# Seconds of a step, whatever is in it, and of a population or projection; of a neuron, of a channel
# of its synapses, of a conductance, and of a Runge-Kutta step; of a spike at a synapse; of a
# Poisson number, and of a step of noise with its numbers.
_COSTS = {
    "native": (2e-7, 5e-8, 1.5e-9, 5e-10, 1e-8, 4e-8, 1.5e-9),
    "brian2": (3e-4, 1e-4, 2e-8, 5e-9, 2e-8, 2e-7, 2e-8),
    "snntorch": (5e-5, 5e-5, 5e-9, 2e-9, 0.0, 0.0, 2e-9),
    "norse": (5e-5, 5e-5, 5e-9, 2e-9, 0.0, 0.0, 2e-9),
    "nest": (1e-6, 0.0, 2e-8, 1e-8, 0.0, 0.0, 1e-8),
}
_COUNT, _NOISE_STEP, _NORMAL = 2e-9, 5e-6, 1.2e-8


class LongRunWarning(UserWarning):
    """A simulation will take long."""


def expected_seconds(run: Run) -> float:
    """Seconds that a simulation takes, about."""
    network = run.network
    step, piece, neuron, channel, conductance, sloped, delivery = _COSTS[run.base]
    of_trial = 0.0  # of a step in one trial
    for name, population in network.populations.items():
        if isinstance(population, SpikeSource):
            continue
        onto = {
            item.synapse
            for item in (*network.projections, *network.background)
            if item.target == name and not isinstance(item.synapse, DeltaSynapse)
        }
        conducting = any(synapse.reversal_mv is not None for synapse in onto)
        cost = neuron + channel * len(onto) + conductance * conducting
        if not isinstance(population, LIF):
            cost += sloped
        of_trial += bounded(population.size) * cost
    for number, projection in zip(numbers_of_synapses(network), network.projections, strict=True):
        of_trial += number * _rate_hz(run, projection.source) * run.dt_ms / 1000.0 * delivery
    for item in network.background:
        of_trial += _COUNT * bounded(network.populations[item.target].size)
    for noise in network.noise:
        drawn = _NORMAL * bounded(network.populations[noise.target].size)
        of_trial += _NOISE_STEP + drawn * min(1.0, run.dt_ms / noise.interval_ms)
    pieces = len(network.populations) + len(network.projections)
    trials = bounded(run.n_trials)
    if run.base == "native":
        in_turn = trials / min(trials, n_threads())
        return bounded(run.n_steps) * in_turn * (step + piece * pieces + of_trial)
    return bounded(run.n_steps) * (step + piece * pieces + trials * of_trial / run.ranks)


def _rate_hz(run: Run, name: str) -> float:
    """The mean rate of a population as the network or the stimulus says it, or a usual one."""
    if name in run.network.rates_hz:
        return run.network.rates_hz[name]
    shown = run.stimulus.spikes.get(name) if run.stimulus is not None else None
    if shown is None:
        return _USUAL_HZ
    neuron_seconds = bounded(shown.size) * bounded(run.n_trials) * bounded(run.n_steps) * run.dt_ms
    return 1000.0 * len(shown) / max(neuron_seconds, run.dt_ms)


def warn_of_time(run: Run, stacklevel: int) -> None:
    """Say about how long a simulation will take, where that is long.

    Warns
    -----
    LongRunWarning
    """
    seconds = expected_seconds(run)
    if seconds > LONG_S:
        warnings.warn(
            f"the simulation of '{run.network.name}' will take about {in_time(seconds)}:"
            f" {counted(run.n_trials, 'trial')} of {counted(run.n_steps, 'step')} of"
            f" {run.dt_ms:g} ms",
            LongRunWarning,
            stacklevel=stacklevel + 1,
        )
