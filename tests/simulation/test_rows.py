"""Synapses in rows of the native engine: each where it belongs, summed in the order of old."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.grid.network import GridNetwork, to_grid
from spikelearn.simulation.grid.synapses import GridProjection
from spikelearn.simulation.native import engine, parts, rows
from spikelearn.simulation.native.arrange import arrange_parts
from spikelearn.stimuli.stimulus import Stimulus

DT_MS = 0.5
CURRENT = {"model": "exponential", "tau_ms": 5.0}
OTHER = {"model": "exponential", "tau_ms": 9.0}
SPREAD = {"distribution": "uniform", "low": 0.5, "high": 6.0}
WEIGHTS = {"distribution": "normal", "mean": 0.7, "sd": 0.5}
SPARSE = {"kind": "fixed_probability", "probability": 0.4}
MANY = {"kind": "fixed_total_number", "number": 400}


def network(**more: Any) -> SpikingNetwork:
    """Three populations that drive one another in every way in which synapses are kept."""

    def joined(source: str, target: str, **fields: Any) -> dict[str, Any]:
        usual = {"connectivity": SPARSE, "weight_mv": WEIGHTS, "delay_ms": SPREAD}
        return {"source": source, "target": target, **usual, **fields}

    lif = {"model": "lif", "v_threshold_mv": 4.0, "refractory_ms": 1.0}
    return SpikingNetwork(**{
        "name": "rows",
        "populations": {
            "in": {"model": "spike_source", "size": 20},
            "a": {**lif, "size": 23, "tau_m_ms": [10.0 + k for k in range(23)]},
            "b": {**lif, "size": 17}, "c": {**lif, "size": 9},
        },
        "projections": (
            joined("in", "a", synapse=CURRENT),
            joined("a", "a", synapse=CURRENT, connectivity=MANY),
            joined("in", "b"),
            joined("a", "b", weight_mv=0.3),
            joined("b", "a", synapse=CURRENT, delay_ms=1.0),
            joined("a", "c", synapse=CURRENT, connectivity={"kind": "all_to_all"}),
            joined("b", "c", synapse=CURRENT, connectivity={"kind": "all_to_all"}, delay_ms=1.5),
            joined("a", "b", synapse=OTHER, connectivity=MANY),
            joined("b", "b", connectivity={"kind": "all_to_all", "allow_self": False}),
            joined("a", "c", synapse=CURRENT),
            joined("c", "a", synapse=CURRENT, weight_mv=-0.2, delay_ms=2.0),
        ),
        "background": ({"target": "a", "rate_hz": 400.0, "weight_mv": 1.0},),
        **more,
    })  # fmt: skip


def on_grid(made: SpikingNetwork, seed: int = 3, duration_ms: float = 60.0) -> GridNetwork:
    times = np.random.default_rng(seed).uniform(0, 0.98 * duration_ms, (20, 12))
    shown = Stimulus.from_spike_times("in", [np.sort(t).tolist() for t in times])
    return to_grid(made, shown, duration_ms, DT_MS, seed, tuple(made.neurons))


def one_by_one(grid: GridNetwork) -> GridNetwork:
    """The same network with its synapses drawn, each delay of each projection by itself."""
    return dataclasses.replace(grid, synapses=tuple(grid.synapses))


def potentials(grid: GridNetwork) -> dict[str, np.ndarray]:
    return engine.run(grid, lambda fraction: None, "float64")[1]


@pytest.fixture
def in_parts(monkeypatch):
    monkeypatch.setattr(parts, "PIECE", 1)
    return lambda n: monkeypatch.setattr(engine, "worth_parts", lambda grid, n_threads: n)


@pytest.mark.parametrize("bits", [64, 32])
def test_joined_rows_sum_as_projections_one_by_one_to_the_last_bit(in_parts, bits):
    grid = on_grid(network(weight_bits=bits))
    joined = rows.groups_of(grid.projections)
    assert len(joined) < len(grid.projections)  # some stand together
    in_parts(1)
    wanted = potentials(one_by_one(grid))
    assert min(v.std() for v in wanted.values()) > 0.1
    for n_parts in (1, 2, 3):
        in_parts(n_parts)
        for name, v in potentials(grid).items():
            np.testing.assert_array_equal(v, wanted[name])


NAMES = st.sampled_from("abcd")


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(NAMES, NAMES, st.sampled_from([None, 0, 1]), st.sampled_from([None, 0.5, 2.0])),
        max_size=14,
    )
)
def test_what_ends_on_one_channel_keeps_its_order(drawn):
    """Whatever is described: groups deliver to each channel in the order of the description."""
    made = [
        FakeProjection(index, source, target, channel, same)
        for index, (source, target, channel, same) in enumerate(drawn)
    ]
    groups = rows.groups_of(made)
    assert sorted(p.index for g in groups for p in g.projections) == list(range(len(made)))
    for goal in {(p.target, p.channel) for p in made}:
        here = [p.index for g in groups for p in g.projections if (p.target, p.channel) == goal]
        assert here == sorted(here)
    for group in groups:
        assert len({p.source for p in group.projections}) == 1
        assert len({(p.target, p.channel) for p in group.projections}) == len(group.projections)
        assert len({p.channel is None for p in group.projections}) == 1
        assert {p.same_weight for p in group.projections} == {group.same_weight}


@dataclasses.dataclass
class FakeProjection:
    index: int
    source: str
    target: str
    channel: int | None
    same_weight: float | None
    plasticity: None = None
    joins_all: bool = False
    joins_all_others: bool = False
    shared_delay: None = None
    expected_number: float = 1.0


def test_every_synapse_stands_in_the_row_of_its_source_and_delay():
    grid = on_grid(network())
    dealt = parts.deal(grid, 1)
    (net,) = arrange_parts(grid, dealt)
    n = {name: p.size for name, p in grid.neurons.items()} | {"in": 20}
    found = np.zeros((2, 13, 69, 100))  # potential or current, delay, source, place
    names = ["in", *grid.neurons]
    starts = dict(zip(names, np.cumsum([0, *(n[name] for name in names)]).tolist(), strict=False))
    outlets = {parts.outlets(grid, name, 1)[0]: name for name in names}
    for record in net.projections:
        source, target = outlets[int(record["outlet"])], int(record["target"])
        current, shift = int(record["channel"]) >= 0, 0
        if target >= 0:
            shift = int(net.populations["first"][target])
            shift = int(net.channels["start"][record["channel"]]) if current else shift
        delays = net.delays[record["first_delay"] :][: record["n_delays"]]
        for neuron in range(n[source]):
            for which, delay in enumerate(delays.tolist()):
                row = record["first_row"] + neuron * delays.size + which
                for s in range(net.rows[row], net.rows[row + 1]):
                    # All pairs are not listed.
                    width = net.rows[row + 1] - net.rows[row]
                    listed = not record["full"]
                    targets = net.near if record["near"] else net.post
                    place = targets[s] if listed else (s - net.rows[row]) % width
                    weight = record["same_weight"]
                    if np.isnan(weight):
                        weight = net.weight[s - record["first_weight"]]
                    found[int(current), delay, starts[source] + neuron, shift + place] += weight
    wanted = np.zeros_like(found)
    for s in grid.synapses:
        population = list(grid.neurons).index(s.target)
        at = int(net.populations["first"][population])
        if s.channel is not None:
            first = int(net.populations["first_channel"][population])
            at = int(net.channels["start"][first + s.channel])
        c = s.connections
        into = wanted[int(s.channel is not None), s.delay_steps]
        np.add.at(into, (starts[s.source] + c.pre, at + c.post), c.weight)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_native_draws_projection_by_projection_and_keeps_none(monkeypatch):
    drawn, draw = [], GridProjection.draw
    monkeypatch.setattr(GridProjection, "draw", lambda p: drawn.append(p.index) or draw(p))
    grid = on_grid(network(), duration_ms=25.0)
    assert drawn == []
    potentials(grid)
    assert sorted(drawn) == list(range(11))
    assert "_all" not in vars(grid.synapses)


def test_more_synapses_than_were_to_be_expected_find_room(monkeypatch):
    grid = on_grid(network())
    wanted = potentials(grid)
    monkeypatch.setattr(rows._Table, "_expected", lambda self: 10.0)
    for name, v in potentials(grid).items():
        np.testing.assert_array_equal(v, wanted[name])


def test_delays_that_are_far_apart_take_no_room_for_those_between():
    pairs = {"kind": "pairs", "pre": [0, 1, 2], "post": [0, 0, 0]}
    made = SpikingNetwork(
        name="far",
        populations={"in": {"model": "spike_source", "size": 3},
                     "n": {"model": "lif", "size": 1, "v_threshold_mv": 9.0}},
        projections=({"source": "in", "target": "n", "connectivity": pairs,
                      "weight_mv": [1.0, 2.0, 4.0], "delay_ms": [0.0, 40_000.0, 0.5]},),
    )  # fmt: skip
    shown = Stimulus.from_spike_times("in", [[1.0], [2.0], [3.0]])
    grid = to_grid(made, shown, 40_010.0, DT_MS, 0, ("n",))
    (net,) = arrange_parts(grid, parts.deal(grid, 1))
    assert net.delays.tolist() == [0, 1, 80_000]
    assert net.rows.size == 3 * 3 + 1
    v = potentials(grid)["n.v_mv"][0, :, 0]
    arrivals, decay = {2: 1.0, 7: 4.0, 80_004: 2.0}, np.exp(-DT_MS / made.neurons["n"].tau_m_ms)
    for step in (0, 2, 3, 7, 80_004):
        there = [w * decay ** (step - s) for s, w in arrivals.items() if s <= step]
        assert v[step] == pytest.approx(sum(there), rel=1e-9)


def test_a_seed_gives_one_network_on_any_number_of_threads():
    made = network()
    shown = Stimulus.from_spike_times("in", [[float(k)] for k in range(20)])
    found = [
        simulate(made, shown, 40.0, DT_MS, "native", 5, record="a", threads=n).states["a.v_mv"]
        for n in (1, 2, 3)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_what_is_known_of_a_projection_before_it_is_drawn_is_what_is_drawn():
    grid = on_grid(network(), duration_ms=30.0)
    for p in grid.projections:
        drawn, delays = p.draw()
        assert p.shortest_delay == np.min(delays)
        assert (p.shared_delay is None) == isinstance(delays, np.ndarray)
        assert p.same_weight == drawn.same_weight
        assert p.joins_all == drawn.full
        assert drawn.n_synapses == pytest.approx(p.expected_number, rel=0.25)
        assert [s.delay_steps for s in p.by_delay] == np.unique(delays).tolist()


@pytest.mark.parametrize(
    ("delay_ms", "steps"),
    [(None, 1), (3.0, 6), (900.0, 60), ({"distribution": "uniform", "low": 2.0, "high": 9.0}, 4),
     ({"distribution": "normal", "mean": 9.0, "sd": 0.01}, 18),
     ({"distribution": "normal", "mean": 0.0, "sd": 9.0}, 1)],
)  # fmt: skip
def test_the_shortest_delay_is_known_before_delays_are_drawn(delay_ms, steps):
    made = network().changed("projections[b->a].delay_ms", delay_ms)
    grid = on_grid(made, duration_ms=30.0)
    (projection,) = (p for p in grid.projections if p.name == "b->a")
    assert projection.shortest_delay == steps
