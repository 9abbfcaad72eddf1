"""Which of Brian2's targets suits a run: the rule that `spikelearn.simulation.brian2` tells."""

from __future__ import annotations

import os
from collections.abc import Callable

from spikelearn.simulation._brian2_session import compiler
from spikelearn.simulation._brian2_standalone import available
from spikelearn.simulation.lowering import Lowered

SHORT_S = 2.0  # below it NumPy is done before another target has written its code
WORTH_BUILDING_S = 15.0  # above it a program pays in its first run

# What a step takes on NumPy, about, on a processor of 2020: for each piece of code, each neuron and
# each spike delivered; and at which rate neurons are taken to spike, as nobody knows before.
_PIECE_S, _NEURON_S, _DELIVERY_S, _RATE_HZ = 3e-5, 2e-8, 2e-8, 10.0
_STAGES = 8  # of what a leaky neuron takes, for a step of Runge-Kutta's


def seconds_on_numpy(lowered: Lowered) -> float:
    """How long NumPy would be busy with a run, about."""
    pieces = float(len({(s.name, s.channel) for s in lowered.synapses}))
    neurons = 0.0
    for population in lowered.neurons.values():
        stages = 1 if population.model == "lif" else _STAGES * population.n_substeps
        pieces += stages
        neurons += stages * population.size
    synapses = sum(s.connections.pre.size for s in lowered.synapses)
    deliveries = synapses * _RATE_HZ * lowered.dt_ms / 1000.0
    a_step = neurons * _NEURON_S + deliveries * _DELIVERY_S
    return lowered.n_steps * (pieces * _PIECE_S + lowered.n_trials * a_step)


def rounds_alike(lowered: Lowered) -> bool:
    """Whether all targets give the same last bit: sums and products do, exponentials may not."""
    leaky = all(p.model == "lif" and not p.conducting for p in lowered.neurons.values())
    return leaky and not lowered.plastic


def choose(lowered: Lowered, built: Callable[[], bool]) -> str:
    """Name of the target; `built` tells whether the program for standalone is there already."""
    seconds = seconds_on_numpy(lowered)
    if any(p.equations is not None for p in lowered.neurons.values()):
        works = seconds >= WORTH_BUILDING_S and compiler() is not None and cython_works()
        return "cython" if works else "numpy"
    if seconds < SHORT_S or (compiler() is None and os.name != "nt"):
        return "numpy"
    if available():
        if seconds >= WORTH_BUILDING_S or (rounds_alike(lowered) and built()):
            return "standalone"
        return "numpy"
    return "cython" if seconds >= WORTH_BUILDING_S and cython_works() else "numpy"


def cython_works() -> bool:
    """Whether Brian2 can compile with Cython, with whatever compiler it finds."""
    from brian2.codegen.runtime.cython_rt import CythonCodeObject

    return bool(CythonCodeObject.is_available())
