"""Spike-timing-dependent plasticity: what the rules of a projection do to one synapse.

The descriptions are in `spikelearn.networks.plasticity`, part of a projection; the backends carry
them out while they simulate. Here each stands in mathematics, and in closed forms or plain sums
over spikes by which the backends are proven.

x (fast) and x2 (slow) are traces of presynaptic arrivals, y and y2 of postsynaptic spikes: each
decays with its time constant, and is raised by 1 at its spike (or set to 1: `pairing: nearest`)
after it has been read. w is the weight, clipped to [w_min, w_max] at each change. At coincidence
the presynaptic update comes first: the pair counts as pre before post. Several arrivals in one step
are as many updates, one right after the other.

stdp (Bi & Poo 1998, doi:10.1523/JNEUROSCI.18-24-10464.1998; traces as in Morrison, Diesmann &
Gerstner 2008, doi:10.1007/s00422-008-0233-1; powers as in Guetig et al. 2003,
doi:10.1523/JNEUROSCI.23-09-03697.2003)::

    pre:  w <- w - a_minus y ((w - w_min) / (w_max - w_min))^mu_minus
    post: w <- w + a_plus x ((w_max - w) / (w_max - w_min))^mu_plus

triplet_stdp (Pfister & Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006)::

    pre:  w <- w - y (a2_minus + a3_minus x2)
    post: w <- w + x (a2_plus + a3_plus y2)

diehl_cook_stdp (Diehl & Cook 2015, doi:10.3389/fncom.2015.00099), in four variants::

    power         post: w <- w + eta_post (x - x_target) (w_max - w)^mu
    exponential   post: w <- w + eta_post (x exp(-beta w) - x_target exp(-beta (w_max - w)))
    pre_and_post  the first, and  pre: w <- w - eta_pre y w^mu
    triplet       pre: w <- w - eta_pre y        post: w <- w + eta_post x y2

inhibitory_stdp (Vogels et al. 2011, doi:10.1126/science.1211095), alpha = 2 target_rate tau::

    pre:  w <- w + eta (y - alpha)
    post: w <- w + eta x

clopath_stdp (Clopath et al. 2010, doi:10.1038/nn.2479), with averages u_minus and u_plus of the
target's potential u, and [a] = max(a, 0)::

    pre:        w <- w - a_ltd [u_minus - theta_minus]
    all times:  w' = a_ltp x / tau_x [u - theta_plus] [u_plus - theta_minus]

dopamine_stdp (Izhikevich 2007, doi:10.1093/cercor/bhl152): the pair rule changes an eligibility e
in place of w; rewards r raise a dose d, whose area is that of the reward::

    e' = -e / tau_eligibility,   d' = -d / tau_reward,   reward: d <- d + r / tau_reward
    w' = e d                     (without a duration: w <- w + r e at the reward)
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from spikelearn.networks.plasticity import DopamineSTDP, PairSTDP, TripletSTDP

CLAIMS = {
    "no weight transport": True,
    "local error": True,
    "single phase": True,
    "spiking communication": True,
}


class STDP:
    r"""Pair-based spike-timing-dependent plasticity, unsupervised (Bi & Poo 1998).

    Trains the layer onto which the network's file has a plastic projection, also where another
    plasticity stands there.

    Notes
    -----
    With traces x of presynaptic arrivals and y of postsynaptic spikes, which decay with
    :math:`\tau_+` and :math:`\tau_-` and rise by 1 at their spikes:

    .. math::

       \text{pre:} \quad w &\leftarrow w - a_- \, y
       \left( \frac{w - w_{\min}}{w_{\max} - w_{\min}} \right)^{\mu_-} \\
       \text{post:} \quad w &\leftarrow w + a_+ \, x
       \left( \frac{w_{\max} - w}{w_{\max} - w_{\min}} \right)^{\mu_+}

    This is the pair rule; what stands in the network's file acts, such as that of Diehl & Cook:

    .. math::

       \text{post:} \quad w \leftarrow w + \eta_{\text{post}} \, (x - x_{\text{target}})
       (w_{\max} - w)^{\mu}

    Paper: Bi & Poo 1998, doi:10.1523/JNEUROSCI.18-24-10464.1998; Morrison, Diesmann & Gerstner
    2008, doi:10.1007/s00422-008-0233-1; Diehl & Cook 2015, doi:10.3389/fncom.2015.00099.
    """

    networks: ClassVar[tuple[str, ...]] = ("spiking",)


class Homeostasis:
    r"""Thresholds adapt, weights keep their initial values; the baseline of STDP.

    Notes
    -----
    Thresholds rise by a constant at every spike of their neuron and decay slowly:

    .. math::

       \Delta w = 0, \qquad
       \dot \theta = -\frac{\theta}{\tau_\theta}, \qquad
       \text{post:} \quad \theta \leftarrow \theta + \theta_+

    Paper: Diehl & Cook 2015, doi:10.3389/fncom.2015.00099.
    """

    networks: ClassVar[tuple[str, ...]] = ("spiking",)


def pair_window(rule: PairSTDP, post_minus_pre_ms: np.ndarray) -> np.ndarray:
    """Weight change of one pair, by the time from the pre- to the postsynaptic spike.

    a_plus * exp(-dt / tau_plus) for dt >= 0, else -a_minus * exp(dt / tau_minus).
    """
    lag = np.asarray(post_minus_pre_ms, dtype=np.float64)
    magnitude = np.abs(lag)
    return np.where(
        lag >= 0,
        rule.a_plus * np.exp(-magnitude / rule.tau_plus_ms),
        -rule.a_minus * np.exp(-magnitude / rule.tau_minus_ms),
    )


def weight_after(rule: PairSTDP, weight: float, pre_ms: np.ndarray, post_ms: np.ndarray) -> float:
    """Weight of one synapse after the given arrivals and postsynaptic spikes (times in ms).

    Walks through the spikes pair by pair, with no traces: an independent statement of the rule
    with exponents mu of 0.

    Parameters
    ----------
    rule : PairSTDP
    weight : float
        At the start, in the unit of the projection's weights.
    pre_ms, post_ms : array
        Arrivals of presynaptic spikes, and postsynaptic spikes.
    """
    pre, post = np.sort(np.asarray(pre_ms, float)), np.sort(np.asarray(post_ms, float))
    events = sorted([(t, 0) for t in pre] + [(t, 1) for t in post])
    weight = float(weight)
    for time, kind in events:
        partners = time - (post[post < time] if kind == 0 else pre[pre <= time])
        if rule.pairing == "nearest":
            partners = partners[-1:]
        tau = rule.tau_minus_ms if kind == 0 else rule.tau_plus_ms
        change = float(np.exp(-partners / tau).sum())
        weight += -rule.a_minus * change if kind == 0 else rule.a_plus * change
        weight = min(max(weight, rule.w_min), rule.w_max)
    return weight


def triplet_change_of_pairs(
    rule: TripletSTDP, post_minus_pre_ms: float, rate_hz: float, n_pairs: int
) -> float:
    """Weight change of `n_pairs` pairs at a fixed rate, bounds not reached; all-to-all pairing.

    The protocol of Sjostrom, Turrigiano & Nelson 2001 (doi:10.1016/S0896-6273(01)00542-6), by which
    Pfister & Gerstner 2006 fitted the rule. Closed form, geometric series in place of traces; the
    lag has to be shorter than the period.

    Parameters
    ----------
    rule : TripletSTDP
    post_minus_pre_ms : float
        Lag within each pair, in ms.
    rate_hz : float
        Of the pairs.
    n_pairs : int

    Returns
    -------
    float
        In the unit of the weight.
    """
    lag, period = float(post_minus_pre_ms), 1000.0 / rate_hz

    def trace(tau_ms: float, since_ms: float, n: np.ndarray) -> np.ndarray:
        """After n spikes a period apart, `since_ms` after the last; 0 after none."""
        q = np.exp(-period / tau_ms)
        return np.exp(-since_ms / tau_ms) * (1.0 - q**n) / (1.0 - q)

    k = np.arange(n_pairs)  # spikes of its own side before the k-th
    if lag >= 0:  # the k-th pre is followed by the k-th post
        x = trace(rule.tau_plus_ms, lag, k + 1)
        y = trace(rule.tau_minus_ms, period - lag, k)
    else:
        x = trace(rule.tau_plus_ms, period + lag, k)
        y = trace(rule.tau_minus_ms, -lag, k + 1)
    x2, y2 = trace(rule.tau_x_ms, period, k), trace(rule.tau_y_ms, period, k)
    growth = x * (rule.a2_plus + rule.a3_plus * y2)
    loss = y * (rule.a2_minus + rule.a3_minus * x2)
    return float((growth - loss).sum())


def reward_change_of_a_pair(
    rule: DopamineSTDP, post_minus_pre_ms: float, reward_after_ms: float, reward: float
) -> float:
    """Weight change in the end by one pair and a reward, bounds not reached.

    Parameters
    ----------
    rule : DopamineSTDP
    post_minus_pre_ms : float
        Lag of the pair, in ms.
    reward_after_ms : float
        From the pair's later spike to the reward, in ms, not below 0.
    reward : float
        What it is worth.

    Returns
    -------
    float
        In the unit of the weight: the area below eligibility times dose.
    """
    lag = abs(post_minus_pre_ms)
    mark = rule.a_plus * np.exp(-lag / rule.tau_plus_ms)
    if post_minus_pre_ms < 0:
        mark = -rule.a_minus * np.exp(-lag / rule.tau_minus_ms)
    mark *= np.exp(-reward_after_ms / rule.tau_eligibility_ms)
    lasting = rule.tau_eligibility_ms / (rule.tau_eligibility_ms + rule.tau_reward_ms)
    return float(reward * mark * lasting)
