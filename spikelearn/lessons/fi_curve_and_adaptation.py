"""Checks of the lesson on f-I curves and adaptation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikelearn.lessons.answers import (
    Hint,
    choice,
    number,
    require_close,
    values_of,
)
from spikelearn.lessons.lif_neuron import lif_rate_hz

MYSTERY = {
    "model": "izhikevich", "a_per_ms": 0.2, "b_per_ms": 0.26, "c_mv": -65.0, "d_mv_per_ms": 0.0,
}  # fmt: skip
SLOW_HZ = 10.0  # a neuron that can fire more slowly than this is taken to be of type I
FROM_MS = 500.0  # when the onset is over


def current_for_rate(answer: Any) -> str:
    """The current for a rate: put into the closed form it gives that rate."""
    wanted = np.array([20.0, 5.0, 100.0, 300.0])
    found = values_of(answer, wanted.tolist(), "pA")
    rates = lif_rate_hz(found)
    for rate, current, given in zip(wanted, found, rates, strict=True):
        if given == 0.0:
            raise Hint(
                f"For {rate:g} Hz your function says {current:.4g} pA, at which the neuron is"
                " silent: its rheobase is 200 pA."
            )
    at = [f"the current that your function gives for {rate:g} Hz" for rate in wanted]
    why = "That is the rate of the closed form under your current; mind the refractory period."
    require_close(rates, wanted, why, 0.005, "Hz", at)
    return "Put into the closed form, your currents give the rates that were asked for."


def excitability(answer: Any) -> str:
    """Whether the mystery cell can fire slowly."""
    words = {
        "type I": ("1", "I", "type 1", "class 1", "class I"),
        "type II": ("2", "II", "type 2", "class 2", "class II"),
    }
    chosen = choice(answer, words)
    rates = steady_rates_hz(MYSTERY, np.arange(0.0, 1.0, 0.02))
    slowest = float(rates[rates > 0].min())
    right = "type II" if slowest > SLOW_HZ else "type I"
    if chosen != right:
        raise Hint(
            "Show it currents in steps of 0.02 mV/ms, and look at the slowest rate above 0 from"
            " 500 ms on: can it fire at 5 Hz?"
        )
    return f"The slowest rate at which it can be made to fire is {slowest:.0f} Hz."


def steady_rates_hz(
    neuron: dict[str, Any], currents_mv_per_ms: Sequence[float] | np.ndarray
) -> Any:
    """Rates of a neuron from 500 to 1,000 ms of constant currents, shape (n_currents,)."""
    activity = _ladder(neuron, "mv_per_ms", currents_mv_per_ms)
    cell = activity.populations["cell"]
    late = cell.times_ms >= FROM_MS
    counts = np.bincount(cell.trials[late], minlength=activity.n_trials)
    return counts / (activity.duration_ms - FROM_MS) * 1000.0


def _ladder(neuron: dict[str, Any], unit: str, currents: Sequence[float] | np.ndarray) -> Any:
    from spikelearn.simulation import simulate

    network = {"name": "cell", "populations": {"cell": {"size": 1, **neuron}}}
    step = {"kind": "step", f"amplitude_{unit}": [float(current) for current in currents]}
    shown = {"kind": "currents", "name": "ladder", "currents": [step]}
    return simulate(network, shown, 1000.0, 0.1, progress=False)


def adaptation(answer: Any) -> str:
    """By which share the rate of AdEx under 1,000 pA falls within a second."""
    intervals = np.diff(_ladder({"model": "adex"}, "pa", [1000.0]).populations["cell"].times_ms)
    right = 1.0 - float(intervals[0] / intervals[-1])
    found = number(answer)
    if abs(found - (1.0 - right)) < 0.02 * right:
        raise Hint(f"{found:.3g} is what is left of the rate; asked for is what is lost.")
    if not 0.0 <= found <= 1.0:
        raise Hint("A share lies between 0 and 1; rates are one over the intervals.")
    require_close(found, right, "Compare the first interval of trial 4 with its last one.", 0.02)
    return f"Of the first rate {1 - right:.0%} are left."


def adaptive_threshold_rate(answer: Any) -> str:
    """The steady rate of a leaky neuron whose threshold adapts."""
    right = adaptive_threshold_hz()
    found = number(answer, "Hz")
    if abs(found - 1000.0 / right) < 0.02 * 1000.0 / right:
        raise Hint(f"{found:.4g} ms is the interval; the rate is one over it.")
    why = "At the interval that is sought, the climb of the potential equals the raised threshold."
    require_close(found, right, why, 0.01, "Hz")
    return "It is where the climbing potential meets the threshold that the spikes before raised."


def adaptive_threshold_hz(
    drive_mv: float = 40.0,
    threshold_mv: float = 20.0,
    tau_m_ms: float = 20.0,
    increment_mv: float = 2.0,
    tau_threshold_ms: float = 100.0,
) -> float:
    """Steady rate of a leaky neuron that rests at 0 mV, is reset there and has this threshold.

    Parameters
    ----------
    drive_mv : float
        Current times resistance.
    threshold_mv, tau_m_ms : float
    increment_mv, tau_threshold_ms : float
        By how much a spike raises the threshold, and how fast it comes back.
    """
    from scipy.optimize import brentq

    def beyond(interval_ms: float) -> float:
        climbed = -drive_mv * np.expm1(-interval_ms / tau_m_ms)
        return float(
            climbed - threshold_mv - increment_mv / np.expm1(interval_ms / tau_threshold_ms)
        )

    return 1000.0 / float(brentq(beyond, 1e-3, 1e4))


CHECKS: dict[int, Callable[[Any], str]] = {
    1: current_for_rate,
    2: excitability,
    3: adaptation,
    4: adaptive_threshold_rate,
}
