"""Protocols of pairs against the rules' closed forms; what pages share: newest.py, layout.py."""

from __future__ import annotations

import queue
import threading

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.explorer.newest import Newest, Turn
from spikelearn.explorer.presets import plasticities
from spikelearn.explorer.protocols import RATES_HZ, PairProtocol, measured
from spikelearn.networks.plasticity import PairSTDP, TripletSTDP
from spikelearn.rules.stdp import pair_window, triplet_change_of_pairs, weight_after

PATIENCE_S = 60.0


def test_single_pairs_give_the_window() -> None:
    rule = PairSTDP(a_plus=0.01, a_minus=0.012, tau_plus_ms=17.0, tau_minus_ms=34.0)
    found = measured(rule, PairProtocol(n_pairs=1))
    assert np.allclose(found.by_lag, pair_window(rule, found.lags_ms), atol=1e-12)
    assert found.start == 0.5
    assert found.by_pair.tolist()[0] == 0.5


def test_many_pairs_give_what_walking_through_them_gives() -> None:
    rule = PairSTDP(a_plus=0.01, a_minus=0.012, pairing="nearest", w_max=2.0)
    protocol = PairProtocol(n_pairs=20, pair_rate_hz=20.0, lag_ms=-8.0, start_share=0.4)
    found = measured(rule, protocol)
    pre = 100.0 + 50.0 * np.arange(20)
    for n in (1, 7, 20):
        expected = weight_after(rule, 0.8, pre[:n], pre[:n] - 8.0)
        assert found.by_pair[n] == pytest.approx(expected, abs=1e-12)


def test_triplets_at_rates_are_the_closed_form() -> None:
    rule = TripletSTDP(w_min=-1e6, w_max=1e6)
    found = measured(rule, PairProtocol(n_pairs=60, lag_ms=10.0))
    for rate in (5.0, 20.0, 40.0):
        k = RATES_HZ.index(rate)
        assert found.by_rate[k] == pytest.approx(triplet_change_of_pairs(rule, 10.0, rate, 60))
        back = triplet_change_of_pairs(rule, -10.0, rate, 60)
        assert found.by_rate_reversed[k] == pytest.approx(back)


def test_bounds_hold() -> None:
    rule = PairSTDP(a_plus=0.2, a_minus=0.2, w_min=0.1, w_max=0.9)
    found = measured(rule, PairProtocol(lag_ms=2.0))
    assert found.by_pair.max() == 0.9
    assert found.start + found.by_lag.min() == pytest.approx(0.1)


@pytest.mark.parametrize("name", list(plasticities()))
def test_every_plasticity_of_the_page_is_measured(name: str) -> None:
    found = measured(plasticities()[name].rule, PairProtocol(n_pairs=3))
    assert found.by_lag.any()


def test_the_newest_wish_is_worked_at_and_an_earlier_one_ends() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: queue.Queue[int] = queue.Queue()

    def work(wish: int, turn: Turn) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        turn.check()
        turn.pause(0.0)
        done.put(wish)

    newest: Newest[int] = Newest(work)
    newest.want(0)
    assert begun.wait(PATIENCE_S)
    for wish in (1, 2, 3):
        newest.want(wish)
    go_on.set()
    assert done.get(timeout=PATIENCE_S) == 3
    newest.close()
    newest.want(4)
    assert done.empty()


def test_pages_link_to_each_other_and_say_whose_turn_it_is() -> None:
    pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")
    from spikelearn.explorer.layout import PageThread, framed

    page = framed("b<", {"a": "/a", "b<": "/b"}, *("text" for _ in range(4)))
    heading = page[0][0].object
    assert "<a href='/a'>a</a>" in heading
    assert "<b>b&lt;</b>" in heading
    seen: list[int] = []
    PageThread()(lambda: seen.append(1))
    assert seen == [1]


def test_a_projection_that_shares_the_rule_behaves_the_same() -> None:
    rule = plasticities()["pairs (Bi & Poo)"].rule
    with pytest.raises(sl.SpikelearnError):
        rule.changed("tau_plus_ms", -1.0)
