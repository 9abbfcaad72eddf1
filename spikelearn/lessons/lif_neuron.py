"""Checks of the lesson on one neuron."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.lessons.answers import Hint, count, number, require_close, values_of


def rheobase(answer: Any) -> str:
    """The smallest current that brings a cell of 25 nS from -65 to -52 mV."""
    right = 25.0 * (-52.0 + 65.0)
    why = "At rest under a current the leak carries it: its conductance times the way to threshold."
    require_close(number(answer, "pA"), right, why, unit="pA")
    return "The leak of 25 nS carries it over a distance of 13 mV."


def lif_rate_hz(current_pa: np.ndarray) -> np.ndarray:
    """Rate of the shipped cell under constant currents, from its own fields."""
    from spikelearn.networks import load_model

    model: Any = load_model("lif_neuron")
    cell = model.populations["neuron"]
    end_mv = cell.v_rest_mv + np.asarray(current_pa, float) / cell.leak_ns
    above = end_mv > cell.v_threshold_mv
    safe = np.where(above, end_mv, cell.v_threshold_mv + 1.0)
    climb_ms = cell.tau_m_ms * np.log((safe - cell.reset_mv) / (safe - cell.v_threshold_mv))
    return np.where(above, 1000.0 / (cell.refractory_ms + climb_ms), 0.0)


def fi_curve(answer: Any) -> str:
    """The f-I curve as a function."""
    currents = np.array([250.0, 400.0, 1000.0, 210.0, 150.0, 0.0, 200.0])
    found = values_of(answer, currents.tolist(), "Hz")
    why = (
        "The potential climbs from the reset to the threshold, and the refractory period is added;"
        " at and below the rheobase there is no spike."
    )
    at = [f"{current:g} pA" for current in currents]
    require_close(found, lif_rate_hz(currents), why, 0.005, "Hz", at)
    return "It is the formula of every textbook, and the simulation follows it."


def coincident_spikes(answer: Any) -> str:
    """How many spikes at 5 mV each make the cell spike from rest."""
    n = count(answer, "spike")
    needed = next(k for k in range(1, 20) if _spikes(k))
    if n < needed:
        exactly = n == needed - 1
        raise Hint(
            f"{n} bring{'s' * (n == 1)} the potential to {-70 + 5 * n} mV"
            + (", which is the threshold; it has to exceed it." if exactly else ".")
        )
    if n > needed:
        raise Hint(f"{n} do make it spike, but so do fewer.")
    return "Four bring it to the threshold, which it has to exceed."


def _spikes(n: int) -> bool:
    """Whether so many spikes at once make the shipped cell spike."""
    from spikelearn.networks import load_model
    from spikelearn.simulation import simulate

    cell: Any = load_model("lif_neuron")
    network = {
        "name": "at once",
        "populations": {"input": {"model": "spike_source", "size": n}, **cell.populations},
        "projections": [{"source": "input", "target": "neuron", "weight_mv": 5.0}],
    }
    shown = {"spikes": {"input": [[1.0]] * n}}
    return simulate(network, shown, 3.0, progress=False).populations["neuron"].times_ms.size > 0


CHECKS: dict[int, Callable[[Any], str]] = {1: rheobase, 2: fi_curve, 3: coincident_spikes}
