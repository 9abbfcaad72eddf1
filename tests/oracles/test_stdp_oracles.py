"""Spike-timing-dependent plasticity on Brian2 and on `native` against closed forms.

The teacher makes each postsynaptic neuron fire exactly when told, so that a synapse sees nothing
but the pre- and postsynaptic spike times of the test. One run serves many synapses, one to one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from told_synapses import DT_MS, START_MV, learnt, trains

from spikelearn._errors import SpikelearnError
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.rules.stdp import pair_window, weight_after
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

PAIRINGS = ["all_to_all", "nearest"]


def rule(pairing: str = "all_to_all", **changed: Any) -> PairSTDP:
    """Different constants for the two sides, so that none can stand in for the other."""
    return PairSTDP(
        **{
            "a_plus": 0.01,
            "a_minus": 0.012,
            "tau_plus_ms": 17.0,
            "tau_minus_ms": 34.0,
            "pairing": pairing,
        }
        | changed
    )


def by_traces(plasticity: PairSTDP, pre: Sequence[float], post: Sequence[float]) -> float:
    """The rule in its published trace form, for one synapse."""
    x = y = last = 0.0
    weight = START_MV
    for time, kind in sorted([(t, 0) for t in pre] + [(t, 1) for t in post]):
        x *= math.exp(-(time - last) / plasticity.tau_plus_ms)
        y *= math.exp(-(time - last) / plasticity.tau_minus_ms)
        last = time
        if kind == 0:
            x = x + 1 if plasticity.pairing == "all_to_all" else 1.0
            weight -= plasticity.a_minus * y
        else:
            y = y + 1 if plasticity.pairing == "all_to_all" else 1.0
            weight += plasticity.a_plus * x
        weight = min(max(weight, plasticity.w_min), plasticity.w_max)
    return weight


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_one_pair_changes_the_weight_by_the_window(pairing: str) -> None:
    lags = np.array([-100.0, -34.0, -10.0, -1.0, -DT_MS, 0.0, DT_MS, 1.0, 5.0, 17.0, 60.0, 110.0])
    plasticity = rule(pairing)
    change = (
        learnt(plasticity, [[120.0]] * len(lags), [[120.0 + lag] for lag in lags], 250.0) - START_MV
    )
    expected = np.where(
        lags >= 0, 0.01 * np.exp(-np.abs(lags) / 17.0), -0.012 * np.exp(-np.abs(lags) / 34.0)
    )
    np.testing.assert_allclose(change, expected, rtol=1e-9)
    np.testing.assert_allclose(pair_window(plasticity, lags), expected, rtol=1e-14)


def test_a_delay_shifts_the_window_by_itself() -> None:
    # What counts is when the presynaptic spike arrives.
    lags = np.array([-8.0, -0.5, 0.0, 0.5, 8.0])
    post = [[63.5 + lag] for lag in lags]
    change = learnt(rule(), [[60.0]] * len(lags), post, 120.0, delay_ms=3.5) - START_MV
    np.testing.assert_allclose(change, pair_window(rule(), lags), rtol=1e-9)


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_random_trains_change_the_weights_as_the_published_rule_says(pairing: str) -> None:
    rng = np.random.default_rng(1)
    pre, post = trains(rng, 30, 40.0, 400.0), trains(rng, 30, 40.0, 400.0)
    # Half of the synapses see coincidences, which count as pre before post.
    post[:15] = [np.union1d(b, a[::3]) for a, b in zip(pre[:15], post[:15], strict=True)]
    plasticity = rule(pairing, w_max=10.0, w_min=-10.0)
    found = learnt(plasticity, pre, post, 400.0)
    expected = [by_traces(plasticity, a, b) for a, b in zip(pre, post, strict=True)]
    np.testing.assert_allclose(found - START_MV, np.subtract(expected, START_MV), rtol=1e-9)
    pairwise = [weight_after(plasticity, START_MV, a, b) for a, b in zip(pre, post, strict=True)]
    np.testing.assert_allclose(pairwise, expected, rtol=1e-12)


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("lag_ms", [10.0, -10.0])
def test_sixty_pairs_follow_the_geometric_series(pairing: str, lag_ms: float) -> None:
    # The protocol of Sjostrom et al. 2001: 60 pairs at rate rho. Each spike meets all earlier ones
    # of the other side, whose distances are |lag| or T - |lag|, plus multiples of the period T.
    rates, n = [1.0, 10.0, 20.0, 40.0], 60
    plasticity = rule(pairing, a_plus=1e-3, a_minus=1.1e-3)
    pre, post, expected = [], [], []
    for rate in rates:
        period = 1000.0 / rate
        onset = 50.0 + period * np.arange(n)
        pre.append(onset)
        post.append(onset + lag_ms)
        expected.append(series(plasticity, lag_ms, period, n))
    # Only the fast ones in Brian2; all of them pair by pair.
    found = learnt(plasticity, pre[1:], post[1:], 6100.0) - START_MV
    np.testing.assert_allclose(found, expected[1:], rtol=1e-9)
    for a, b, change in zip(pre, post, expected, strict=True):
        assert weight_after(plasticity, START_MV, a, b) - START_MV == pytest.approx(
            change, rel=1e-9
        )


def series(plasticity: PairSTDP, lag_ms: float, period_ms: float, n: int) -> float:
    """Total change over n pairs in closed form, bounds not reached."""
    # The pair itself is the shorter arm (n of them); the longer arm meets the pair before.
    if lag_ms > 0:
        gain, loss = abs(lag_ms), period_ms - abs(lag_ms)
        n_gain, n_loss = n, n - 1
    else:
        gain, loss = period_ms - abs(lag_ms), abs(lag_ms)
        n_gain, n_loss = n - 1, n

    def total(distance: float, tau: float, count: int) -> float:
        first = math.exp(-distance / tau)
        if plasticity.pairing == "nearest":
            return count * first
        q = math.exp(-period_ms / tau)
        # The m-th spike meets m partners: sum_m sum_{j<m} q^j, m = 1 ... count.
        return first * (count / (1 - q) - q * (1 - q**count) / (1 - q) ** 2)

    return plasticity.a_plus * total(
        gain, plasticity.tau_plus_ms, n_gain
    ) - plasticity.a_minus * total(loss, plasticity.tau_minus_ms, n_loss)


def test_independent_poisson_trains_drift_at_the_mean_field_rate() -> None:
    # <dw/dt> = r_pre r_post (a_plus tau_plus - a_minus tau_minus), Kempter et al. 1999. On the
    # grid the integral of the window is a sum, with the coincident pair on the side of a_plus.
    plasticity = rule(w_max=1e6, w_min=-1e6)
    rng = np.random.default_rng(5)
    duration, rate_pre, rate_post, n = 10_000.0, 20.0, 30.0, 60
    pre, post = trains(rng, n, rate_pre, duration), trains(rng, n, rate_post, duration)
    drift = np.array([weight_after(plasticity, 0.0, a, b) for a, b in zip(pre, post, strict=True)])
    q_plus, q_minus = np.exp(-DT_MS / 17.0), np.exp(-DT_MS / 34.0)
    area = DT_MS * (0.01 / (1 - q_plus) - 0.012 * q_minus / (1 - q_minus))
    expected = rate_pre * rate_post / 1e6 * area * duration
    assert abs(drift.mean() - expected) < 4 * drift.std(ddof=1) / np.sqrt(n)
    assert abs(expected) > 20 * drift.std(ddof=1) / np.sqrt(n), "the test would not see a drift"


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_weights_stay_within_their_bounds(pairing: str) -> None:
    rng = np.random.default_rng(2)
    pre, post = trains(rng, 20, 100.0, 300.0), trains(rng, 20, 100.0, 300.0)
    sides = {0.7: {"a_plus": 0.5, "a_minus": 0.0}, 0.2: {"a_plus": 0.0, "a_minus": 0.5}}
    for bound, changes in sides.items():
        found = learnt(rule(pairing, w_min=0.2, w_max=0.7, **changes), pre, post, 300.0)
        np.testing.assert_array_equal(found, bound)
    both = rule(pairing, w_min=0.2, w_max=0.7, a_plus=0.3, a_minus=0.2)
    found = learnt(both, pre, post, 300.0)
    assert found.min() >= 0.2
    assert found.max() <= 0.7
    expected = [by_traces(both, a, b) for a, b in zip(pre, post, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def normalised(every_ms: float | None, pre: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Weights before and after 100 ms of learning with normalisation to 6 mV; 5 x 3 synapses."""
    start = np.random.default_rng(4).uniform(0.5, 2.0, (5, 3))
    start[:, 2] = 0.0  # nothing to scale
    network = SpikingNetwork(
        name="normalised",
        populations={
            "pre": SpikeSource(model="spike_source", size=5),
            "post": LIF(size=3, tau_m_ms=5.0, v_threshold_mv=1.0),
        },
        projections=(
            Projection(
                source="pre",
                target="post",
                weight_mv=start,
                plasticity=rule(
                    a_plus=0.2,
                    a_minus=0.1,
                    w_max=5.0,
                    normalise_sum=6.0,
                    normalise_every_ms=every_ms,
                ),
            ),
        ),
    )
    activity = simulate(network, Stimulus.from_spike_times("pre", pre), 100.0, DT_MS, "brian2")
    return start, activity.weights["pre->post"]


def test_normalisation_scales_the_weights_onto_each_neuron_to_their_sum() -> None:
    silent: list[list[float]] = [[], [], [], [], []]
    for every in (None, 50.0):
        start, found = normalised(every, silent)
        np.testing.assert_allclose(
            found[:, :2], 6.0 * start[:, :2] / start[:, :2].sum(0), rtol=1e-12
        )
        np.testing.assert_array_equal(found[:, 2], 0.0)


def test_normalisation_repeats_at_its_interval_while_learning_moves_the_weights() -> None:
    # The last spikes come before the last normalisation at 75 ms, so that the sum holds at the end.
    rng = np.random.default_rng(6)
    pre = [sorted(rng.choice(np.arange(0.0, 70.0, DT_MS), 12, replace=False)) for _ in range(5)]
    start, found = normalised(25.0, pre)
    np.testing.assert_allclose(found[:, :2].sum(0), 6.0, rtol=1e-12)
    _, once = normalised(None, pre)
    assert np.abs(once[:, :2].sum(0) - 6.0).min() > 0.1, "learning moved no weight"
    shares = found[:, :2] / 6.0
    assert np.abs(shares - start[:, :2] / start[:, :2].sum(0)).max() > 0.01


@pytest.mark.parametrize(
    "changes",
    [
        {"a_plus": -0.1},
        {"a_minus": float("nan")},
        {"a_plus": float("inf")},
        {"tau_plus_ms": 0.0},
        {"tau_minus_ms": -1.0},
        {"pairing": "all"},
        {"normalise_sum": 0.0},
        {"normalise_every_ms": 0.0},
        {"w_min": 1.0, "w_max": 0.0},
        {"w_max": float("nan")},
    ],
    ids=lambda changes: "_".join(f"{k}={v}" for k, v in changes.items()),
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SpikelearnError):
        rule(**changes)
