"""Spike-timing-dependent plasticity, pair-based.

Bi & Poo 1998, doi:10.1523/JNEUROSCI.18-24-10464.1998; in the trace form of Morrison, Diesmann &
Gerstner 2008, doi:10.1007/s00422-008-0233-1. Each synapse keeps a trace of presynaptic arrivals
(x) and one of postsynaptic spikes (y):

    x' = -x / tau_plus,    at a presynaptic arrival:  x <- x + 1,  w <- w - a_minus * y
    y' = -y / tau_minus,   at a postsynaptic spike:   y <- y + 1,  w <- w + a_plus  * x

and w is clipped to [w_min, w_max] at each change. With `pairing: nearest` the traces are set to 1
instead of raised, so that only the nearest spikes pair. At coincidence the presynaptic update
comes first: the pair counts as pre before post.

The description is `spikelearn.networks.plasticity.PairSTDP`, part of a projection; the backends
carry it out while they simulate. Here stand the same rule in closed form, for one synapse, by
which they are proven, and what its authors claim.
"""

from __future__ import annotations

import numpy as np

from spikelearn.networks.plasticity import PairSTDP

CLAIMS = {
    "no weight transport": True,
    "local error": True,
    "single phase": True,
    "spiking communication": True,
}


def pair_window(rule: PairSTDP, post_minus_pre_ms: np.ndarray) -> np.ndarray:
    """Weight change in mV of a single pair, by the time from the pre- to the postsynaptic spike.

    a_plus * exp(-dt / tau_plus) for dt >= 0, else -a_minus * exp(dt / tau_minus).
    """
    lag = np.asarray(post_minus_pre_ms, dtype=np.float64)
    magnitude = np.abs(lag)
    return np.where(
        lag >= 0,
        rule.a_plus_mv * np.exp(-magnitude / rule.tau_plus_ms),
        -rule.a_minus_mv * np.exp(-magnitude / rule.tau_minus_ms),
    )


def weight_after(
    rule: PairSTDP, weight_mv: float, pre_ms: np.ndarray, post_ms: np.ndarray
) -> float:
    """Weight in mV of one synapse after the given arrivals and postsynaptic spikes (times in ms).

    Walks through the spikes pair by pair, with no traces: an independent statement of the rule.
    """
    pre, post = np.sort(np.asarray(pre_ms, float)), np.sort(np.asarray(post_ms, float))
    events = sorted([(t, 0) for t in pre] + [(t, 1) for t in post])
    weight = float(weight_mv)
    for time, kind in events:
        partners = time - (post[post < time] if kind == 0 else pre[pre <= time])
        if rule.pairing == "nearest":
            partners = partners[-1:]
        tau = rule.tau_minus_ms if kind == 0 else rule.tau_plus_ms
        change = float(np.exp(-partners / tau).sum())
        weight += -rule.a_minus_mv * change if kind == 0 else rule.a_plus_mv * change
        weight = min(max(weight, rule.w_min_mv), rule.w_max_mv)
    return weight
