"""Checks of the lesson on balanced networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.lessons.answers import Hint, number, require_close, values_of


def balance(answer: Any) -> str:
    """The g at which 800 excitatory and 320 inhibitory synapses cancel."""
    found, right = number(answer), 800.0 / 320.0
    if abs(found - 1.0 / right) < 0.01:
        raise Hint("That is the other way round: fewer inhibitory synapses have to be stronger.")
    require_close(found, right, "Set 800 J equal to 320 g J.", 0.01)
    return "Each inhibitory synapse has to stand for two and a half excitatory ones."


def irregularity(answer: Any) -> str:
    """CV2 as a function of spike times."""
    from spikelearn._seeding import generator
    from spikelearn.spikes import Activity, PopulationSpikes, cv2

    trains = {
        "a clock": np.arange(10.0, 300.0, 10.0),
        "a clock that doubles its rate": np.r_[20.0:400.0:20.0, 400.0:800.0:10.0],
        "a Poisson process": np.cumsum(generator(0, "lesson", "cv2").exponential(20.0, 400)),
    }
    found = values_of(answer, list(trains.values()))
    right = []
    for times in trains.values():
        spikes = PopulationSpikes.from_unsorted(1, times, np.zeros(len(times), dtype=int))
        activity = Activity({"n": spikes}, duration_ms=float(times[-1]) + 1.0, dt_ms=0.1)
        right.append(float(cv2(activity, "n")[0]))
    why = "Twice the difference of two intervals in a row over their sum, on average."
    require_close(found, right, why, 0.005, at=list(trains), least=1e-9)
    return "It is 0 for a clock, nearly so where a clock changes once, and 1 for a Poisson process."


def settled_rate(answer: Any) -> str:
    """The rate at which inhibition holds the mean input at threshold."""
    points = [(5.0, 2.0), (6.0, 4.0), (8.0, 1.5), (5.0, 3.0)]
    found = values_of(answer, points, "Hz")
    right = np.array([10.0 * (eta - 1.0) / (g / 4.0 - 1.0) for g, eta in points])
    at = [f"g = {g:g} and η = {eta:g}" for g, eta in points]
    why = "Bring what has the rate to one side: rate (g / 4 - 1) = 10 Hz (η - 1)."
    require_close(found, right, why, 0.005, "Hz", at)
    return "Weaker drive or stronger inhibition, and the network settles lower."


CHECKS: dict[int, Callable[[Any], str]] = {1: balance, 2: irregularity, 3: settled_rate}
