"""One network on several threads: the same numbers, to the last bit, in however many parts."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import features, make_case

from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate, stimulus_for
from spikelearn.simulation.grid.network import to_grid
from spikelearn.simulation.native import engine, meeting, parts, trial
from spikelearn.simulation.native.arrange import arrange
from spikelearn.simulation.native.compiled import entry
from spikelearn.simulation.native.feed import Counts
from spikelearn.simulation.native.meeting import SLEEPS, give_up, meet, meeting_place
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

CURRENT = {"model": "exponential", "tau_ms": 5.0}
RULE = {"rule": "stdp", "w_min": 0.0, "w_max": 3.0, "a_plus": 0.05, "a_minus": 0.03}


def network(**more: Any) -> SpikingNetwork:
    """Two populations that drive each other, of which one learns, and input of every kind."""
    description = {
        "name": "parted",
        "populations": {
            "in": {"model": "spike_source", "size": 30},
            "a": {"model": "lif", "size": 70, "v_threshold_mv": 6.0, "refractory_ms": 1.0},
            "b": {"model": "lif", "size": 45, "v_threshold_mv": 6.0},
        },
        "projections": (
            {"source": "in", "target": "a", "weight_mv": 2.0, "delay_ms": 0.0},
            {
                "source": "in", "target": "b", "weight_mv": 1.5, "plasticity": RULE,
                "connectivity": {"kind": "fixed_probability", "probability": 0.6},
            },
            {
                "source": "a", "target": "b", "delay_ms": 1.5, "synapse": CURRENT,
                "weight_mv": {"distribution": "uniform", "low": 0.0, "high": 1.5},
                "plasticity": {**RULE, "normalise_sum": 40.0, "normalise_every_ms": 10.0},
            },
            {
                "source": "b", "target": "a", "weight_mv": -0.5,
                "delay_ms": {"distribution": "uniform", "low": 1.0, "high": 3.0},
                "connectivity": {"kind": "fixed_probability", "probability": 0.4},
            },
        ),
        "background": ({"target": "b", "rate_hz": 300.0, "weight_mv": 1.0},),
        "noise": ({"target": "a", "unit": "mv", "mean": 1.0, "sd": 2.0, "interval_ms": 2.0},),
        **more,
    }  # fmt: skip
    return SpikingNetwork(**description)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets in how many parts networks are computed, however small they are."""
    monkeypatch.setattr(parts, "PIECE", 1)

    def set_to(number: int) -> None:
        def most(grid: Any, n_threads: int) -> int:
            return min(number, sum(p.size for p in grid.neurons.values()))

        monkeypatch.setattr(engine, "worth_parts", most)

    return set_to


def same(one: Activity, other: Activity) -> bool:
    """Whether two runs have the same spikes, potentials and weights, to the last bit."""
    return (
        all(
            np.array_equal(getattr(spikes, what), getattr(other.populations[name], what))
            for name, spikes in one.populations.items()
            for what in ("times_ms", "senders", "trials")
        )
        and all(np.array_equal(v, other.states[name]) for name, v in one.states.items())
        and all(np.array_equal(w, other.weights[name]) for name, w in one.weights.items())
    )


@pytest.mark.parametrize("room", [65_536, 1])
def test_a_network_that_learns_gives_the_same_in_any_number_of_parts(in_parts, monkeypatch, room):
    monkeypatch.setattr(engine, "_SPIKES", room)
    description = network()
    shown = stimulus_for(description, "poisson", 60.0, 0.5, 3)
    found = []
    for number in (1, 2, 3):
        in_parts(number)
        found.append(
            simulate(description, shown, 60.0, 0.5, "native", 4, record=("a", "b"))
        )  # fmt: skip
    assert found[0].n_spikes > 300
    assert set(found[0].weights) == {"in->b", "a->b"}
    assert same(found[0], found[1])
    assert same(found[0], found[2])


def test_a_part_that_lacks_the_first_of_two_rules_learns_by_its_own(in_parts, monkeypatch):
    monkeypatch.setattr(parts, "PIECE", 256)  # the small population stands in one part alone
    learn = [
        {"source": "in", "target": name, "weight_mv": 0.3, "plasticity": {**RULE, "a_plus": gain}}
        for name, gain in (("small", 0.01), ("big", 0.05))
    ]
    neurons = {"model": "lif", "v_threshold_mv": 3.0}
    description = SpikingNetwork(
        name="two rules",
        populations={
            "in": {"model": "spike_source", "size": 30},
            "small": {**neurons, "size": 10}, "big": {**neurons, "size": 600},
        },
        projections=learn,
    )  # fmt: skip
    shown = stimulus_for(description, "poisson", 60.0, 0.5, 3)
    found = []
    for number in (1, 2):
        in_parts(number)
        found.append(simulate(description, shown, 60.0, 0.5, "native", 4))
    assert found[0].n_spikes > 300
    assert same(*found)


def test_a_reward_that_neurons_of_all_parts_give_is_summed_in_one_order(in_parts):
    rewarded = {
        **RULE, "rule": "dopamine_stdp", "modulator": "b", "tau_eligibility_ms": 50.0,
        "tau_reward_ms": 20.0, "reward": [0.01 * k for k in range(-20, 25)],
    }  # fmt: skip
    description = network().changed("projections[in->b].plasticity", rewarded)
    shown = stimulus_for(description, "poisson", 40.0, 0.5, 3)
    found = []
    for number in (1, 3):
        in_parts(number)
        found.append(simulate(description, shown, 40.0, 0.5, "native", 4))
    assert same(*found)
    assert len(np.unique(np.asarray(found[0].weights["in->b"]))) > 100


def test_each_part_draws_the_counts_of_its_own_neurons(monkeypatch):
    monkeypatch.setattr(parts, "PIECE", 1)
    background = (
        {"target": "b", "rate_hz": 3000.0, "weight_mv": 1.0},
        {"target": "a", "rate_hz": 200.0, "weight_mv": 1.0, "start_ms": 2.0, "stop_ms": 9.5},
        # Of which there are more in a step than 16 bits tell.
        {"target": "a", "rate_hz": 2e8, "weight_mv": 0.0},
    )
    description = network(background=background, projections=())
    shown = stimulus_for(description, "poisson", 12.0, 0.5, 3)
    grid = to_grid(description, shown, 12.0, 0.5, 5, ())
    found = [np.full((24, item.size), -1) for item in grid.background]
    for part in parts.deal(grid, 3):
        counts = Counts(grid, part, arrange(grid, part), 1, 16)
        for first, end in ((0, 16), (16, 24)):
            counts.draw(first, end)
            for record, item in zip(counts.backgrounds, counts.items, strict=True):
                low, high = part.range_of(item.target)
                place = [b is item for b in grid.background].index(True)
                start = record["counts_start"] + np.arange(end - first)[:, None] * record["stride"]
                found[place][first:end, low:high] = counts.counts[start + np.arange(high - low)]
    for item, drawn in zip(grid.background, found, strict=True):
        np.testing.assert_array_equal(drawn, item.block(1, 0, 24))
    assert found[2].min() > 90_000


def simulate_shown(duration_ms: float) -> Activity:
    description = network()
    shown = stimulus_for(description, "poisson", duration_ms, 0.5, 3)
    return simulate(description, shown, duration_ms, 0.5, "native", 4)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_part_that_fails_holds_up_no_other(in_parts, monkeypatch, failing):
    real = trial.advance

    def advance(net: Any, *more: Any) -> Any:
        if net.part == failing:
            raise MemoryError("as it may be")
        return real(net, *more)

    monkeypatch.setattr(trial, "advance", advance)
    in_parts(3)
    with pytest.raises(MemoryError, match="as it may be"):
        simulate_shown(20.0)


def test_a_thread_that_does_not_start_holds_up_no_other(in_parts, monkeypatch):
    class Pool(engine.ThreadPool):
        def submit(self, call: Any, *more: Any) -> Any:
            of = getattr(call, "__self__", None)
            if isinstance(of, trial._Share) and of.part.number == 2:
                raise RuntimeError("can't start new thread")
            return super().submit(call, *more)

    monkeypatch.setattr(engine, "ThreadPool", Pool)
    in_parts(3)
    with pytest.raises(RuntimeError, match="can't start"):
        simulate_shown(20.0)


@settings(max_examples=200)
@given(features(everything=True), st.integers(2, 4))
@pytest.mark.slow
def test_random_networks_give_the_same_in_parts(made, number):
    case = make_case(made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PIECE", 1)
        found = []
        for n_parts in (1, number):
            patch.setattr(engine, "worth_parts", lambda grid, n_threads, n=n_parts: n)
            found.append(
                simulate(
                    case.network, case.stimulus, case.n_steps * case.dt_ms, case.dt_ms, "native",
                    case.seed, record=tuple(case.network.neurons),
                )
            )  # fmt: skip
    assert same(*found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "vogels_abbott_cuba",
        "vogels_abbott_coba",
        "izhikevich2003",
        "hodgkin_huxley1952",
        "brunel2000",
    ],
)
def test_shipped_networks_give_the_same_in_parts(monkeypatch, name):
    found = []
    for number in (1, 2, 3):
        monkeypatch.setattr(engine, "worth_parts", lambda grid, n_threads, n=number: n)
        found.append(simulate(load_model(name), None, 60.0, backend="native", seed=2))
    assert same(found[0], found[1])
    assert same(found[0], found[2])


@settings(max_examples=60)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=6), st.integers(1, 9))
def test_every_neuron_is_in_one_part_and_parts_are_about_as_large(sizes, number):
    lif = {"model": "lif", "v_threshold_mv": 9.0}
    populations = {f"p{k}": {**lif, "size": size} for k, size in enumerate(sizes)}
    description = SpikingNetwork(name="dealt", populations=populations, projections=())
    grid = to_grid(description, Stimulus(), 1.0, 0.5, 0, ())
    dealt = parts.deal(grid, number)
    everyone = np.concatenate([parts.numbers_of(grid, part) for part in dealt])
    assert np.array_equal(np.sort(everyone), np.arange(sum(sizes)))
    for name, population in grid.neurons.items():
        ends = [part.range_of(name) for part in dealt if name in part.neurons]
        assert all(low % parts.PIECE == 0 for low, _ in ends)
        assert sum(high - low for low, high in ends) == population.size
        assert [high - low for low, high in ends] == [n for n in dealt[0].sizes[name] if n]
    loads = [sum(p.size for p in part.neurons.values()) for part in dealt]
    assert max(loads) - min(loads) <= max(2 * parts.PIECE, min(loads)) or len(dealt) == 1


def test_small_networks_and_short_delays_are_computed_by_one_thread(monkeypatch):
    monkeypatch.setattr(parts, "cores", lambda: 8)

    cuba, brunel = (
        to_grid(load_model(name), Stimulus(), 5.0, 0.1, 0, ())
        for name in ("vogels_abbott_cuba", "brunel2000")
    )
    assert parts.worth_parts(cuba, 8) == 1  # threads would meet at every step
    assert [parts.worth_parts(brunel, n) for n in (1, 2, 8)] == [1, 2, 8]
    digits = load_model("diehl_cook2015").changed("populations[*].size", 6400)
    digits = digits.changed("populations[input].size", 784)
    # One sum is added to all that inhibition reaches: little to do in a step.
    shown = stimulus_for(digits, "poisson", 5.0, 0.5, 0)
    assert parts.worth_parts(to_grid(digits, shown, 5.0, 0.5, 0, ()), 2) == 1
    apart = dataclasses.replace(brunel, synapses=())  # there is nothing to wait for
    assert parts.phase_steps(apart) > parts.phase_steps(brunel) == 15


def test_who_meets_knows_what_the_others_wish():
    @entry
    def go(place, number, n_parts, rounds, shared, wrong):
        for k in range(rounds):
            shared[(k % 2) * n_parts + number] = k
            wished = meet(place, number, n_parts, k % 5 == 3 and number == 1)
            for other in range(n_parts):
                wrong[number] += shared[(k % 2) * n_parts + other] != k
            wrong[number] += wished != (k % 5 == 3)

    for n_parts in (2, 3):
        place, wrong = meeting_place(n_parts), np.zeros(n_parts, dtype=np.int64)
        shared = np.zeros(2 * n_parts, dtype=np.int64)
        threads = [
            threading.Thread(target=go, args=(place, number, n_parts, 500, shared, wrong))
            for number in range(n_parts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong.any()


@pytest.mark.skipif(not SLEEPS, reason="who waits for long steps aside here")
@pytest.mark.parametrize("comes", [True, False])
def test_who_waits_for_long_sleeps_until_the_last_one_comes_or_will_not(comes):
    @entry
    def go(place, number, n_parts, rounds, wished):
        for _ in range(rounds):
            wished[number] = meet(place, number, n_parts, False)

    place, wished = meeting_place(3), np.zeros(3, dtype=bool)
    threads = [threading.Thread(target=go, args=(place, k, 3, 1, wished)) for k in range(2)]
    for thread in threads:
        thread.start()
    while place[meeting._ASLEEP] < 2:
        threading.Event().wait(0.001)
    if comes:
        go(place, 2, 3, 1, wished)
    else:
        give_up(place)
    for thread in threads:
        thread.join()
    assert wished.tolist() == [not comes, not comes, False]
