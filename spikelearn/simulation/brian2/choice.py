"""Which of Brian2's targets suits a run: the rule that `brian2/engine.py` tells."""

from __future__ import annotations

import os

from spikelearn.simulation.brian2.session import compiler
from spikelearn.simulation.grid.network import GridNetwork

WORTH_COMPILING_S = 60.0  # above it Cython pays in its first run, which compiles

# What a step takes on NumPy, about, on a processor of 2020: for each piece of code, each neuron and
# each spike delivered; and at which rate neurons are taken to spike, as nobody knows before.
_PIECE_S, _NEURON_S, _DELIVERY_S, _RATE_HZ = 3e-5, 2e-8, 2e-8, 10.0
_STAGES = 8  # of what a leaky neuron takes, for a step of Runge-Kutta's


def seconds_on_numpy(grid: GridNetwork) -> float:
    """How long NumPy would be busy with a run, about."""
    pieces = float(len({(s.name, s.channel) for s in grid.synapses}))
    neurons = 0.0
    for population in grid.neurons.values():
        stages = 1 if population.model.leaky else _STAGES * population.n_substeps
        pieces += stages
        neurons += stages * population.size
    synapses = sum(s.connections.n_synapses for s in grid.synapses)
    deliveries = synapses * _RATE_HZ * grid.dt_ms / 1000.0
    a_step = neurons * _NEURON_S + deliveries * _DELIVERY_S
    return grid.n_steps * (pieces * _PIECE_S + grid.n_trials * a_step)


def choose_target(grid: GridNetwork) -> str:
    """Name of the target that suits a run. What has been compiled before has no say in it."""
    if seconds_on_numpy(grid) < WORTH_COMPILING_S:
        return "numpy"
    if compiler() is None and os.name != "nt":  # on Windows, Cython finds its own
        return "numpy"
    return "cython" if cython_works() else "numpy"


def cython_works() -> bool:
    """Whether Brian2 can compile with Cython, with whatever compiler it finds."""
    from brian2.codegen.runtime.cython_rt import CythonCodeObject

    return bool(CythonCodeObject.is_available())
