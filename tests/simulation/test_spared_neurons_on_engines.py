"""Synapses on all but oneself or one's partner: the same as if each had been named, on any engine.

What `native` sends to all others without a list of pairs is held against the pairs, bit by bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engines import QUICK, able, having

from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate, stimulus_for
from spikelearn.simulation.grid.network import to_grid
from spikelearn.simulation.memory import Run, needed_parts
from spikelearn.simulation.native import engine, parts
from spikelearn.simulation.native.arrange import arrange
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

SIZE = 30
CURRENT = {"model": "exponential", "tau_ms": 4.0}
RULE = {"rule": "stdp", "w_min": 0.0, "w_max": 3.0, "a_plus": 0.05, "a_minus": 0.03}
MATRIX = -np.random.default_rng(0).uniform(0.1, 0.4, (SIZE, SIZE))


def network(**inhibition: Any) -> SpikingNetwork:
    """Excitation, inhibition of all but the partner, and excitatory neurons that do so directly."""
    cell = {"model": "lif", "size": SIZE, "v_threshold_mv": 5.0, "refractory_ms": 1.0}
    each, itself = {"kind": "one_to_one"}, {"kind": "all_to_all", "allow_self": False}
    partner = {"kind": "all_to_all", "allow_partner": False}
    return SpikingNetwork(
        name="spared",
        populations={
            "in": {"model": "spike_source", "size": SIZE},
            "e": {**cell, "tau_m_ms": np.linspace(8.0, 20.0, SIZE)},
            "i": {**cell, "tau_m_ms": 10.0},
        },
        projections=[
            {"source": "in", "target": "e", "connectivity": partner, "weight_mv": 0.7},
            {"source": "e", "target": "i", "connectivity": each, "weight_mv": 9.0},
            {
                "source": "i", "target": "e", "connectivity": partner, "weight_mv": -0.3,
                **inhibition,
            },
            {
                "source": "e", "target": "e", "connectivity": itself,
                "weight_mv": -0.2, "synapse": CURRENT, "delay_ms": 1.5,
            },
        ],
    )  # fmt: skip


def named_one_by_one(made: SpikingNetwork) -> SpikingNetwork:
    """The same network, whose pairs are listed in its description."""
    pre, post = np.nonzero(~np.eye(SIZE, dtype=bool))
    changes: dict[str, Any] = {}
    for index, p in enumerate(made.projections):
        if p.spares is None:
            continue
        at = f"projections[{index}]"
        changes[f"{at}.connectivity"] = {"kind": "pairs", "pre": pre, "post": post}
        for name in (f"weight_{p.unit}", "delay_ms"):
            if isinstance(given := getattr(p, name), np.ndarray):
                changes[f"{at}.{name}"] = given[pre, post]
    return made.changed(changes)


def shown(seed: int = 1, several: bool = False) -> Stimulus:
    """Input spikes; of several in a step, every neuron's second spikes come with the first."""
    times = np.random.default_rng(seed).uniform(0.0, 79.0, (SIZE, 20))
    if several:
        times[:, 1::2] = times[:, ::2]
    return Stimulus.from_spike_times("in", np.sort(times).tolist())


def ran(made: SpikingNetwork, backend: str = "native", **options: Any) -> Activity:
    stimulus = options.pop("stimulus", shown())
    return simulate(made, stimulus, 80.0, 0.5, backend, 2, record=("e", "i"), **options)


def assert_same(one: Activity, other: Activity, rtol: float = 0.0) -> None:
    for name, spikes in one.populations.items():
        assert len(spikes) > 100
        for what in ("times_ms", "senders"):
            theirs = getattr(other.populations[name], what)
            np.testing.assert_array_equal(getattr(spikes, what), theirs)
    for name, v in one.states.items():
        np.testing.assert_allclose(v, other.states[name], rtol=rtol, atol=rtol)


INHIBITION: dict[str, dict[str, Any]] = {
    "one weight": {},
    "a matrix": {"weight_mv": MATRIX},
    "delays": {"delay_ms": 0.5 * (1 + np.indices((SIZE, SIZE)).sum(0) % 7)},
    "a current": {"synapse": CURRENT},
}


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("inhibition", INHIBITION)
def test_native_gives_what_pairs_that_are_named_give_to_the_last_bit(inhibition, several) -> None:
    made = network(**INHIBITION[inhibition])
    stimulus = shown(several=several)
    spared = ran(made, stimulus=stimulus)
    assert_same(spared, ran(named_one_by_one(made), stimulus=stimulus))
    every = made.changed("projections[i->e].connectivity.allow_partner", True)
    assert not np.array_equal(
        ran(every, stimulus=stimulus).states["e.v_mv"], spared.states["e.v_mv"]
    )


@pytest.mark.parametrize("backend", QUICK)
def test_every_engine_spares_the_same(backend: str) -> None:
    made = network(synapse=CURRENT)
    if backend not in able(to_grid(made, shown(), 80.0, 0.5, 2, ("e",))):
        pytest.skip("lacks something of this network")
    assert_same(ran(made), ran(made, backend), rtol=1e-9)


@pytest.mark.slow
def test_brian2_spares_the_same() -> None:
    made = network(synapse=CURRENT)
    assert_same(ran(made), ran(made, "brian2"), rtol=1e-9)


@pytest.mark.parametrize("backend", [b for b in having("plasticity") if b in QUICK])
def test_synapses_on_all_but_the_partner_learn_one_by_one(backend: str) -> None:
    made = network().changed("projections[in->e].plasticity", RULE)
    told = named_one_by_one(made)
    one, other = ran(made, backend), ran(told, "native")
    assert_same(one, other, rtol=1e-9)
    mine, theirs = (found.weights["in->e"] for found in (one, other))
    assert (mine.pre != mine.post).all()
    assert mine.n_synapses == SIZE * (SIZE - 1)
    np.testing.assert_allclose(mine.values, theirs.values, rtol=1e-9)
    assert np.ptp(mine.values) > 0.1
    again = made.with_weights({"in->e": mine})
    np.testing.assert_array_equal(again.projections[0].weight_mv, mine.matrix())


@pytest.mark.parametrize("learns", [False, True])
def test_in_any_number_of_parts_each_knows_whom_it_holds(monkeypatch, learns: bool) -> None:
    monkeypatch.setattr(parts, "PIECE", 1)
    made = network()
    if learns:
        made = made.changed("projections[in->e].plasticity", RULE)
    found = []
    for number in (1, 2, 3, 7):
        monkeypatch.setattr(engine, "worth_parts", lambda grid, n_threads, n=number: n)
        found.append(ran(made))
    for other in found[1:]:
        assert_same(found[0], other)
        for name, weights in found[0].weights.items():
            np.testing.assert_array_equal(weights.values, other.weights[name].values)


def test_no_pairs_are_listed_where_all_others_have_one_weight() -> None:
    made = load_model("diehl_cook2015").changed(
        {"populations.excitatory.size": 50, "populations.inhibitory.size": 50}
    )
    grid = to_grid(made, stimulus_for(made, "poisson", 5.0, 0.5, 0), 5.0, 0.5, 0, ())
    net = arrange(grid)
    assert (net.post.size, net.near.size) == (784 * 50, 50)
    inhibition = net.projections[2]
    assert inhibition["all_others_from"] == 0
    assert not inhibition["full"]
    # Nor does it need memory for them, as where inhibition ends on all.
    every = made.changed("projections[inhibitory->excitatory].connectivity.allow_partner", True)
    needed = [
        sum(p.n_bytes for p in needed_parts(Run(of, "native", 1, 10, 0.5))) for of in (made, every)
    ]
    assert needed[0] == pytest.approx(needed[1], rel=1e-3)
