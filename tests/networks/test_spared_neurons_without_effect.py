"""Whom a projection spares: oneself, or one's partner in another population; and nobody else."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from spikelearn._errors import SpikelearnError, WithoutEffectWarning
from spikelearn._keys import content_key
from spikelearn._seeding import generator
from spikelearn.cli import app
from spikelearn.networks import load_model
from spikelearn.networks.connections import AllOthers, Connections
from spikelearn.networks.content import content, difference
from spikelearn.networks.network_files import save_network
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.without_effect import without_effect
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

SIZE = 12
DRAWN = {"distribution": "normal", "mean": 1.0, "sd": 0.5}
KINDS: dict[str, dict[str, Any]] = {
    "all": {"kind": "all_to_all"},
    "probable": {"kind": "fixed_probability", "probability": 0.7},
    "in-degree": {"kind": "fixed_in_degree", "in_degree": SIZE - 1},
    "number": {"kind": "fixed_total_number", "number": 900},
    "distance": {"kind": "distance_dependent", "scale": 0.3},
}


def network(connectivity: dict[str, Any], target: str = "b", **fields: Any) -> SpikingNetwork:
    """Two populations of one size and a smaller one, joined by one projection."""
    cell = {"model": "lif", "v_threshold_mv": 1.0}
    joined = {"source": "a", "target": target, "connectivity": connectivity, "weight_mv": 1.0}
    return SpikingNetwork(
        name="x",
        populations={
            "a": {**cell, "size": SIZE},
            "b": {**cell, "size": SIZE},
            "c": {**cell, "size": SIZE - 1},
        },
        projections=[{**joined, **fields}],
    )


def drawn(made: SpikingNetwork, seed: int = 0) -> Connections:
    return made.connections(made.projections[0], generator(seed, "connections", 0))


def pairs(connections: Connections) -> list[tuple[int, int]]:
    return list(zip(connections.pre.tolist(), connections.post.tolist(), strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("target", "field"), [("a", "allow_self"), ("b", "allow_partner")])
def test_a_neuron_of_ones_own_number_is_spared_and_no_other(kind, target, field) -> None:
    found = drawn(network({**KINDS[kind], field: False}, target))
    assert all(i != j for i, j in pairs(found))
    reached = {pair for seed in range(60) for pair in pairs(drawn(
        network({**KINDS[kind], field: False}, target), seed
    ))}  # fmt: skip
    assert reached == {(i, j) for i in range(SIZE) for j in range(SIZE) if i != j}
    usual = drawn(network(KINDS[kind], target), 1 if kind == "in-degree" else 0)
    assert any(i == j for i, j in pairs(usual))


@pytest.mark.parametrize("kind", KINDS)
def test_the_partner_is_spared_as_oneself_is(kind: str) -> None:
    itself, partner = (
        drawn(network({**KINDS[kind], field: False}, target, weight_mv=DRAWN))
        for target, field in (("a", "allow_self"), ("b", "allow_partner"))
    )
    assert pairs(itself) == pairs(partner)
    np.testing.assert_array_equal(itself.weight, partner.weight)
    if kind in ("in-degree", "number"):
        assert itself.n_synapses == drawn(network(KINDS[kind])).n_synapses
    if kind == "in-degree":
        assert np.bincount(partner.post).tolist() == [SIZE - 1] * SIZE


@pytest.mark.parametrize("weight", [2.5, DRAWN, np.arange(1.0, 1 + SIZE**2).reshape(SIZE, SIZE)])
def test_all_others_have_the_weights_and_delays_that_they_would_have_among_all(weight) -> None:
    delays = np.add.outer(np.arange(SIZE), np.arange(SIZE)) + 1.0
    fields = {"weight_mv": weight, "delay_ms": delays}
    every, others = (
        drawn(network({"kind": "all_to_all", "allow_partner": allowed}, **fields))
        for allowed in (True, False)
    )
    assert others.all_others
    assert not others.full
    assert not every.all_others
    keep = every.pre != every.post
    for name in ("pre", "post", "weight", "delay_ms"):
        np.testing.assert_array_equal(getattr(others, name), getattr(every, name)[keep])
    expected = every.dense()
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_array_equal(others.dense(), expected)
    again = others.times(np.arange(SIZE) + 1.0)
    np.testing.assert_array_equal(again.dense(), expected * (np.arange(SIZE) + 1.0))
    doubled = others.times(2.0)
    assert doubled.all_others
    np.testing.assert_array_equal(doubled.dense(), 2.0 * expected)


def test_one_number_stands_for_the_weights_of_all_others() -> None:
    found = drawn(network({"kind": "all_to_all", "allow_partner": False}, weight_mv=-3.0))
    assert found.weight.strides == (0,)
    assert found.same_weight == -3.0
    assert not {"pre", "post"} & found.__dict__.keys()
    single = AllOthers(np.zeros(0), 1)
    assert single.n_synapses == single.pre.size == single.post.size == 0
    assert single.dense().tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("connectivity", "target"),
    [
        *(({**of, "allow_partner": False}, "b") for of in KINDS.values()),
        *(({**of, "allow_self": False}, "a") for of in KINDS.values()),
        ({"kind": "one_to_one", "allow_self": False}, "a"),
        ({"kind": "one_to_one"}, "b"),
        ({"kind": "pairs", "pre": [0, 1, 1], "post": [0, 1, 2], "allow_self": False}, "a"),
    ],
)
def test_the_number_that_is_expected_leaves_out_those_that_are_spared(connectivity, target) -> None:
    made = network(connectivity, target)
    expected = made.projections[0].expected_number(SIZE, SIZE)
    numbers = [drawn(made, seed).n_synapses for seed in range(60)]
    spread = np.std(numbers, ddof=1) / np.sqrt(len(numbers))
    assert abs(np.mean(numbers) - expected) <= 4 * spread + 1e-9


@pytest.mark.parametrize(
    ("connectivity", "target", "words"),
    [
        ({"kind": "all_to_all"}, "c", "a->c: allow_partner: false needs populations of one size"),
        ({"kind": "fixed_total_number", "number": 1}, "c", "found 12 and 11 neurons"),
        ({"kind": "all_to_all"}, "a", "a->a: a partner is a neuron of another population"),
        ({"kind": "fixed_in_degree", "in_degree": SIZE}, "b", "one of which is spared"),
        ({"kind": "one_to_one"}, "b", "allow_partner.*there is no such field"),
    ],
)
def test_where_there_is_no_partner_to_spare_it_is_refused(connectivity, target, words) -> None:
    with pytest.raises(SpikelearnError, match=words):
        drawn(network({**connectivity, "allow_partner": False}, target))


def test_a_population_that_is_made_larger_alone_has_no_partners_any_more() -> None:
    made = network({"kind": "all_to_all", "allow_partner": False})
    with pytest.raises(SpikelearnError, match="found 12 and 20 neurons"):
        made.changed("populations.b.size", 20)
    assert drawn(made.changed("populations[*].size", 20)).n_synapses == 20 * 19


def test_to_spare_oneself_where_nobody_is_oneself_is_said_once() -> None:
    made = network({"kind": "all_to_all", "allow_self": False})
    said = without_effect(made)
    assert len(said) == 1
    for word in ("a->b", "allow_self: false has no effect", "say allow_partner: false"):
        assert word in said[0]
    with pytest.warns(WithoutEffectWarning, match="no effect between two populations") as noticed:
        simulate(made, Stimulus(currents_mv={"a": 0.0}), duration_ms=1.0)
    assert len(noticed) == 1
    assert noticed[0].filename == __file__
    assert drawn(made).full  # it opens and does what it did
    smaller = network({"kind": "all_to_all", "allow_self": False}, "c")
    assert without_effect(smaller)[0].endswith("no neuron is itself; take it out")
    both = network({"kind": "all_to_all", "allow_self": False, "allow_partner": False})
    assert "is there, too" in without_effect(both)[0]
    assert not drawn(both).full


def test_a_projection_that_spares_all_it_joins_is_told() -> None:
    made = network({"kind": "one_to_one", "allow_self": False}, "a")
    assert drawn(made).n_synapses == 0
    assert without_effect(made)[0].startswith("projection a->a has no synapse: one_to_one")
    assert without_effect(network({"kind": "one_to_one"}, "a")) == []


def test_a_graph_for_others_says_it_too() -> None:
    cells = network({"kind": "all_to_all", "allow_self": False})
    alike = cells.changed({"populations[*].v_threshold_mv": 1.0, "populations[*].tau_m_ms": 10.0})
    with pytest.warns(WithoutEffectWarning, match="a->b"):
        alike.to_nir(1.0)


def test_one_connectivity_for_all_targets_of_a_population_is_no_mistake() -> None:
    brunel = load_model("brunel2000")
    for some in ("excitatory->*", "*->inhibitory"):
        changed = brunel.changed(f"projections[{some}].connectivity.allow_self", False)
        assert without_effect(changed) == []
    for name in ("diehl_cook2015", "competitive_stdp", "brunel2000"):
        assert without_effect(load_model(name)) == []


def test_the_command_line_says_what_has_no_effect_and_shows_who_is_spared(tmp_path: Path) -> None:
    path = save_network(network({"kind": "all_to_all", "allow_self": False}), tmp_path / "old")
    for command, *options in (["inspect"], ["simulate", "--duration", "1"]):
        ran = CliRunner().invoke(app, [command, str(path), *options])
        assert ran.exit_code == 0, ran.output
        assert ran.output.count("allow_self: false has no effect") == 1
    assert "all_to_all but partner" in CliRunner().invoke(app, ["inspect", "diehl_cook2015"]).output
    assert "all_to_all but partner" in load_model("diehl_cook2015")._repr_html_()
    assert "all_to_all but itself" in load_model("competitive_stdp")._repr_html_()


def test_what_is_not_spared_is_not_written_so_that_keys_are_as_they_were(tmp_path: Path) -> None:
    usual = network({"kind": "all_to_all"})
    assert usual.projections[0].connectivity.model_dump() == {
        "kind": "all_to_all", "allow_self": True,
    }  # fmt: skip
    assert content_key(usual) == (
        "958f914a84837e6e87d26db2e1202443b0835bc37aaa9a6d8b109b3f430e41d7"
    )
    spared = network({"kind": "fixed_probability", "probability": 0.5, "allow_partner": False})
    for made in (usual, spared):
        again = SpikingNetwork.from_yaml(save_network(made, tmp_path / content_key(made)))
        assert again == made
        assert content_key(again) == content_key(made)
        assert SpikingNetwork.model_validate(json.loads(made.model_dump_json())) == made
    assert content_key(spared) != content_key(
        spared.changed("projections[0].connectivity.allow_partner", True)
    )
    told = difference(content(network({"kind": "all_to_all", "allow_partner": False})), usual)
    assert told == "projections[a->b].connectivity.allow_partner is False there and absent here"


def test_the_inhibition_of_diehl_and_cook_spares_the_neuron_that_drives_it() -> None:
    made = load_model("diehl_cook2015")
    inhibition = next(p for p in made.projections if p.source == "inhibitory")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = made.connections(inhibition, generator(0, "connections", 2)).dense()
    expected = np.full((400, 400), 17.4)
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_array_equal(found, expected)
