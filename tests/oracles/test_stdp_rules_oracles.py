"""Triplet, Diehl-Cook, inhibitory, voltage-based and rewarded STDP against closed forms."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from told_synapses import DT_MS, START_MV, learnt, trains

from spikelearn.networks import load_model
from spikelearn.networks.plasticity import (
    ClopathSTDP,
    DiehlCookSTDP,
    DopamineSTDP,
    InhibitorySTDP,
    TripletSTDP,
)
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.rules.stdp import reward_change_of_a_pair, triplet_change_of_pairs
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

WIDE = {"w_min": -1e6, "w_max": 1e6}


def triplet(**changed: Any) -> TripletSTDP:
    """The rule with the parameters of the paper for visual cortex, all-to-all."""
    return TripletSTDP(rule="triplet_stdp", **{**WIDE, **changed})


def test_a_triplet_changes_the_weight_by_the_papers_terms() -> None:
    rule = triplet(a2_plus=0.01, a3_plus=0.02, a2_minus=0.03, a3_minus=0.04)
    # post, pre, post: the second post meets the pre, and the first post in the slow trace.
    found = learnt(rule, [[20.0]], [[10.0, 32.0]], 60.0)[0] - START_MV
    r1, o1 = math.exp(-12.0 / 16.8), math.exp(-10.0 / 33.7)
    expected = -o1 * 0.03 + r1 * (0.01 + 0.02 * math.exp(-22.0 / 125.0))
    assert found == pytest.approx(expected, rel=1e-9)
    # pre, post, pre: likewise with the slow presynaptic trace.
    found = learnt(rule, [[10.0, 32.0]], [[20.0]], 60.0)[0] - START_MV
    r1, o1 = math.exp(-10.0 / 16.8), math.exp(-12.0 / 33.7)
    expected = r1 * 0.01 - o1 * (0.03 + 0.04 * math.exp(-22.0 / 101.0))
    assert found == pytest.approx(expected, rel=1e-9)


def test_sixty_pairs_follow_the_geometric_series_of_the_triplet_rule() -> None:
    rates, lags = [10.0, 20.0, 40.0], [10.0, -10.0, 0.0]
    pre, post, expected = [], [], []
    for rate in rates:
        for lag in lags:
            onset = 50.0 + 1000.0 / rate * np.arange(60)
            pre.append(onset)
            post.append(onset + lag)
            expected.append(triplet_change_of_pairs(triplet(), lag, rate, 60))
    found = learnt(triplet(), pre, post, 6100.0) - START_MV
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_published_parameters_turn_depression_into_potentiation_at_high_rates() -> None:
    # Pfister & Gerstner 2006, figure 3 (data of Sjostrom et al. 2001): post before pre by 10 ms
    # depresses at low rates and potentiates at 40 Hz and more; pre before post does nothing at
    # 0.1 Hz and potentiates the more the higher the rate.
    rates = [0.1, 10.0, 20.0, 40.0, 50.0]
    before = [triplet_change_of_pairs(triplet(), -10.0, rate, 60) for rate in rates]
    after = [triplet_change_of_pairs(triplet(), 10.0, rate, 60) for rate in rates]
    assert before[0] < -0.2
    assert before[1] < -0.1
    assert before[3] > 0
    assert before[4] > 0.3
    assert abs(after[0]) < 0.05
    assert all(low < high for low, high in itertools.pairwise(after))
    assert after[-1] > 0.5


def diehl_cook(variant: str, **changed: Any) -> DiehlCookSTDP:
    return DiehlCookSTDP(
        rule="diehl_cook_stdp",
        variant=variant,
        **{"w_max": 2.0, "pairing": "all_to_all", **changed},
    )


@pytest.mark.parametrize("lag", [0.0, 5.0, 30.0])
def test_diehl_and_cooks_four_rules_change_a_pair_by_their_formulas(lag: float) -> None:
    w, x = START_MV, math.exp(-lag / 20.0)
    pre, post = [[20.0]], [[20.0 + lag]]

    def change(rule: DiehlCookSTDP) -> float:
        return float(learnt(rule, pre, post, 80.0)[0]) - w

    power = diehl_cook("power", eta_post=0.03, x_target=0.3, mu=0.6)
    assert change(power) == pytest.approx(0.03 * (x - 0.3) * (2.0 - w) ** 0.6, rel=1e-9)
    exponential = diehl_cook("exponential", eta_post=0.03, x_target=0.3, beta=0.8)
    expected = 0.03 * (x * math.exp(-0.8 * w) - 0.3 * math.exp(-0.8 * (2.0 - w)))
    assert change(exponential) == pytest.approx(expected, rel=1e-9)
    assert change(diehl_cook("triplet", eta_post=0.03)) == pytest.approx(0.0, abs=1e-15)


def test_diehl_and_cooks_triplet_needs_an_earlier_spike_of_the_target() -> None:
    rule = diehl_cook("triplet", eta_post=0.03, eta_pre=0.01)
    found = learnt(rule, [[20.0]], [[10.0, 25.0]], 60.0)[0] - START_MV
    expected = -0.01 * math.exp(-10 / 20) + 0.03 * math.exp(-5 / 20) * math.exp(-15 / 40)
    assert found == pytest.approx(expected, rel=1e-9)


def test_diehl_and_cooks_pre_and_post_rule_depresses_at_arrivals_by_the_weight() -> None:
    rule = diehl_cook("pre_and_post", eta_pre=0.02, eta_post=0.0, mu=0.5)
    found = learnt(rule, [[30.0]], [[20.0]], 60.0)[0] - START_MV
    assert found == pytest.approx(-0.02 * math.exp(-10 / 20) * START_MV**0.5, rel=1e-9)


def test_after_normalisation_the_weights_of_the_published_network_sum_to_78() -> None:
    network = load_model("diehl_cook2015")
    rng = np.random.default_rng(0)
    steps, senders = np.nonzero(rng.random((1000, 784)) < 0.01)
    spikes = Stimulus.from_spike_times(
        "input", [steps[senders == i] * 0.5 for i in range(784)]
    ).spikes
    weights = simulate(network, Stimulus(spikes=spikes), 500.5, 0.5).weights["input->excitatory"]
    np.testing.assert_allclose(weights.sum(0), 78.0, rtol=1e-3)  # half a millisecond of learning
    assert weights.min() >= 0


def test_inhibitory_synapses_settle_where_the_target_fires_at_its_rate() -> None:
    # <dw/dt> = eta r_pre (2 tau r_post - alpha): 0 at the target rate, Vogels et al. 2011.
    rng = np.random.default_rng(1)
    n, duration = 160, 2000.0
    for rate, sign in ((12.0, 0.0), (24.0, 1.0), (4.0, -1.0)):
        rule = InhibitorySTDP(rule="inhibitory_stdp", eta=1e-3, target_rate_hz=12.0, **WIDE)
        pre, post = trains(rng, n, 20.0, duration), trains(rng, n, rate, duration)
        drift = learnt(rule, pre, post, duration) - START_MV
        # On the grid the coincident pair counts once, in x.
        q = math.exp(-DT_MS / 20.0)
        area = DT_MS * (1 / (1 - q) + q / (1 - q))
        expected = 1e-3 * duration * 0.02 * (rate / 1000 * area - 2 * 0.012 * 20.0)
        assert abs(drift.mean() - expected) < 4 * drift.std(ddof=1) / math.sqrt(n)
        if sign:
            assert np.sign(drift.mean()) == sign


def test_the_voltage_rule_follows_a_potential_that_is_held() -> None:
    # Driven by a constant current, potential and averages are all u: an arrival takes a_ltd
    # (u - theta_minus) off, and the trace's area, 1, times both differences is added.
    held_mv = np.array([-75.0, -65.0, -45.0, -30.0])
    rule = ClopathSTDP(rule="clopath_stdp", w_min=-10.0, w_max=10.0)
    network = SpikingNetwork(
        name="held",
        populations={
            "pre": SpikeSource(model="spike_source", size=4),
            "post": LIF(
                size=4, tau_m_ms=10.0, v_rest_mv=held_mv, v_init_mv=held_mv, v_threshold_mv=100.0
            ),
        },
        projections=(
            Projection(
                source="pre", target="post", connectivity={"kind": "one_to_one"}, weight_mv=0.0,
                plasticity=rule,
            ),
        ),
    )  # fmt: skip
    stimulus = Stimulus.from_spike_times("pre", [[5.0]] * 4)
    for backend in ("native", "brian2"):
        found = np.diag(simulate(network, stimulus, 400.0, DT_MS, backend).weights["pre->post"])
        # The trace starts at 1 / tau_x and is read at every step, that of the arrival included.
        area = DT_MS / 15.0 / (1 - math.exp(-DT_MS / 15.0))
        above = np.maximum(held_mv + 70.6, 0.0)
        expected = 8e-5 * area * np.maximum(held_mv + 45.3, 0.0) * above - 14e-5 * above
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


def rewarded(**changed: Any) -> DopamineSTDP:
    return DopamineSTDP(
        **{
            "rule": "dopamine_stdp", "modulator": "reward", "reward": (1.0, -1.0), "a_plus": 0.02,
            "a_minus": 0.03, "tau_eligibility_ms": 150.0, "tau_reward_ms": 40.0, **WIDE, **changed,
        }
    )  # fmt: skip


@pytest.mark.parametrize("tau_reward_ms", [0.0, 40.0])
@pytest.mark.parametrize("lag", [8.0, -8.0])
def test_reward_turns_eligibility_into_weight(tau_reward_ms: float, lag: float) -> None:
    rule = rewarded(tau_reward_ms=tau_reward_ms)
    pre, post = [[30.0]], [[30.0 + lag]]
    later = max(30.0, 30.0 + lag) + 45.0
    none = learnt(rule, pre, post, 800.0, rewards=[[], []])[0]
    praised = learnt(rule, pre, post, 800.0, rewards=[[later], []])[0]
    punished = learnt(rule, pre, post, 800.0, rewards=[[], [later]])[0]
    assert none == START_MV
    assert praised - START_MV == pytest.approx(-(punished - START_MV), rel=1e-9)
    # Both traces have died away: e^(-700 (1 / 40 + 1 / 150)) of what is learnt is left out.
    expected = reward_change_of_a_pair(rule, lag, 45.0, 1.0)
    assert praised - START_MV == pytest.approx(expected, rel=1e-9)


def test_a_reward_before_the_pair_is_no_reward_for_it() -> None:
    rule = rewarded(tau_reward_ms=0.0)
    assert learnt(rule, [[30.0]], [[38.0]], 200.0, rewards=[[10.0], []])[0] == START_MV
