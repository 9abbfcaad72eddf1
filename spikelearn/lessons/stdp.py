"""Checks of the lesson on spike-timing-dependent plasticity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.lessons.answers import number, require_close, values_of


def _pair_rule() -> Any:
    from spikelearn.networks.plasticity import PairSTDP

    return PairSTDP(
        a_plus=0.01, a_minus=0.012, tau_plus_ms=17.0, tau_minus_ms=34.0, w_min=-1e6, w_max=1e6
    )


def balanced_window(answer: Any) -> str:
    """The depression at which the window's areas are equal."""
    rule = _pair_rule()
    right = rule.a_plus * rule.tau_plus_ms / rule.tau_minus_ms
    why = "The areas, height times time constant, have to be equal."
    require_close(abs(number(answer)), right, why, 0.01)
    return "Half the height, for twice the time constant."


def change_by_trains(answer: Any) -> str:
    """What two spike trains do to a weight, pair by pair."""
    from spikelearn.rules.stdp import weight_after

    trains: dict[str, tuple[Any, Any]] = {
        "pre at 100, post at 110": (np.array([100.0]), np.array([110.0])),
        "pre at 110, post at 100": (np.array([110.0]), np.array([100.0])),
        "both at 100": (np.array([100.0]), np.array([100.0])),
        "pre at 100 and 150, post at 110, 130 and 170": (
            np.array([100.0, 150.0]),
            np.array([110.0, 130.0, 170.0]),
        ),
    }
    found = values_of(answer, list(trains.values()))
    right = [weight_after(_pair_rule(), 0.0, pre, post) for pre, post in trains.values()]
    why = "Sum over every pair of a presynaptic and a postsynaptic spike; lag is post less pre."
    require_close(found, right, why, 0.001, at=list(trains))
    return "Traces at the synapse do the same sum, spike by spike."


def turning_rate(answer: Any) -> str:
    """The rate at which pairs with post first turn from shrinking to growing."""
    from scipy.optimize import brentq

    from spikelearn.networks.plasticity import TripletSTDP
    from spikelearn.rules.stdp import triplet_change_of_pairs

    def change(rate_hz: float) -> float:
        return triplet_change_of_pairs(TripletSTDP(), -10.0, rate_hz, 60)

    why = "Try the closed form on either side, until the change of 60 pairs is 0."
    require_close(number(answer, "Hz"), brentq(change, 20.0, 40.0), why, 0.02, "Hz")
    return "Above it, the triplets outweigh the pairs that shrink the synapse."


CHECKS: dict[int, Callable[[Any], str]] = {
    1: balanced_window,
    2: change_by_trains,
    3: turning_rate,
}
