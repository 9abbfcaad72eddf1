"""Networks of ours as NIR graphs: others fire the same spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import norse.torch as norse
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_runs import DELTA, EXPONENTIAL, delays, norse_spikes, ours, random_input, run
from snntorch.import_nir import import_from_nir
from typer.testing import CliRunner

from spikelearn import SpikelearnError
from spikelearn.cli import app
from spikelearn.networks.spiking import SpikingNetwork

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.parametrize("synapse", [DELTA, EXPONENTIAL], ids=["delta", "exponential"])
@pytest.mark.parametrize("dt_ms", [0.1, 0.5])
def test_snntorch_and_norse_fire_the_spikes_of_ours(
    synapse: dict[str, Any], dt_ms: float, tmp_path: Path
) -> None:
    network = ours(synapse)
    x = random_input(12)
    found = run(network, x, dt_ms)["two"]
    assert found.sum() > 30
    written = network.to_nir(dt_ms, tmp_path / "ours.nir", step_ms=0.1)
    late = written.nodes["two"].metadata["spikes_earlier_by_steps"]
    assert late == (1 if synapse == DELTA else 3)  # a layer, and a step for each current
    theirs = import_from_nir(nir.read(tmp_path / "ours.nir"))
    state, fired = None, []
    for row in x:
        out = theirs(torch.as_tensor(row, dtype=torch.float32)[None], state)
        out, state = out if isinstance(out, tuple) else (out, None)
        fired.append(out[0].detach().numpy())
    np.testing.assert_array_equal(np.array(fired).astype(int)[:-late], found[late:])
    module = norse.from_nir(network.to_nir(dt_ms), dt=dt_ms / 1e3)
    np.testing.assert_array_equal(norse_spikes(module, x)[:-late], found[late:])


@st.composite
def sayable_networks(draw: st.DrawFn) -> SpikingNetwork:
    """Random networks of all that NIR can say."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    cells, projections = {}, []
    current = draw(st.booleans())
    for name in names:
        rest = rng.normal(-60.0, 5.0)
        cells[name] = {
            "model": "lif",
            "size": int(rng.integers(1, 5)),
            "tau_m_ms": float(rng.uniform(1.0, 20.0)),
            "v_rest_mv": rest,
            "v_threshold_mv": rest + 10.0,
            "v_reset_mv": rest - rng.uniform(0.0, 5.0),
        }
    sizes = {"in": 3, **{name: int(cells[name]["size"]) for name in names}}
    pairs = [("in", name) for name in names]
    pairs += [(a, b) for a in names for b in names if rng.random() < 0.5]
    for source, target in pairs:
        steps = int(rng.integers(source != "in", 4))
        projections.append(
            {
                "source": source,
                "target": target,
                "delay_ms": steps * 0.5,
                "synapse": {"model": "exponential", "tau_ms": 3.0} if current else DELTA,
                "weight_mv": rng.normal(2.0, 15.0, (sizes[source], sizes[target])),
            }
        )
    return SpikingNetwork.model_validate(
        {
            "name": "drawn",
            "populations": {"in": {"model": "spike_source", "size": 3}, **cells},
            "projections": projections,
        }
    )


@settings(max_examples=40, deadline=None)
@given(sayable_networks(), st.integers(0, 1000))
def test_a_round_trip_keeps_the_spikes(network: SpikingNetwork, seed: int) -> None:
    x = random_input(3, seed, 0.4)
    graph = network.to_nir(0.5)
    back = SpikingNetwork.from_nir(graph)
    again = SpikingNetwork.from_nir(back.to_nir(0.5))
    assert delays(again) == delays(back)
    before, after, twice = (run(n, x, 0.5) for n in (network, back, again))
    for name in network.neurons:
        earlier = graph.nodes[name].metadata["spikes_earlier_by_steps"]
        np.testing.assert_array_equal(before[name][earlier:], after[name][: len(x) - earlier])
        np.testing.assert_array_equal(after[name], twice[name])


@pytest.mark.parametrize("synapse", [DELTA, EXPONENTIAL], ids=["delta", "current"])
@pytest.mark.parametrize("way", ["given", "drawn"])
def test_delays_by_synapse_go_to_nir_and_come_back(synapse: dict[str, Any], way: str) -> None:
    rng = np.random.default_rng(4)
    given = rng.integers(1, 9, (9, 7)) * 0.5
    spread = {"distribution": "uniform", "low": 0.5, "high": 4.0}
    late = given if way == "given" else spread
    network = ours(synapse).changed(
        {"projections[in->one].delay_ms": rng.integers(0, 5, (12, 9)) * 0.5,
         "projections[one->two].delay_ms": late}
    )  # fmt: skip
    graph = network.to_nir(0.5)
    assert sum(isinstance(node, nir.Delay) for node in graph.nodes.values()) > 8
    back = SpikingNetwork.from_nir(graph)
    names = [(p.name, p.synapse.model) for p in back.projections]
    assert len(set(names)) == len(names)  # one projection for all delays
    x = random_input(12, 1)
    before, after = run(network, x, 0.5), run(back, x, 0.5)
    for name in network.neurons:
        assert before[name].sum() > 20
        earlier = graph.nodes[name].metadata["spikes_earlier_by_steps"]
        np.testing.assert_array_equal(before[name][earlier:], after[name][: len(x) - earlier])


def test_neurons_without_a_leak_are_integrators_there() -> None:
    network = ours(DELTA).changed(
        {"populations.one.tau_m_ms": 1e30, "populations.two.tau_m_ms": 1e30}
    )
    graph = network.to_nir(0.5)
    assert [type(graph.nodes[name]).__name__ for name in ("one", "two")] == ["IF", "IF"]
    back = SpikingNetwork.from_nir(graph)
    x = random_input(12, 1)
    before, after = run(network, x, 0.5), run(back, x, 0.5)
    for name in network.neurons:
        assert before[name].sum() > 20
        earlier = graph.nodes[name].metadata["spikes_earlier_by_steps"]
        np.testing.assert_array_equal(before[name][earlier:], after[name][: len(x) - earlier])
    mixed = network.changed("populations.one.tau_m_ms", [1e30] * 8 + [5.0])
    with pytest.raises(SpikelearnError, match="'one': NIR has no neurons without a leak beside"):
        mixed.to_nir(0.5)


def _changed(path: str, value: Any) -> SpikingNetwork:
    content = ours(DELTA).model_dump(exclude_none=True)
    place: Any = content
    *way, last = path.split(".")
    for key in way:
        place = place[int(key)] if isinstance(place, tuple) else place[key]
    place[last] = value
    return SpikingNetwork.model_validate(content)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("populations.one.reset", "subtract", "population 'one': NIR has no reset by subtraction"),
        ("populations.one.refractory_ms", 2.0, "NIR has no refractory period"),
        ("populations.one.v_init_mv", -60.0, "NIR has no initial potential"),
        ("projections.0.delay_ms", 0.05, "delay_ms must be a multiple of the time step 0.1"),
        (
            "background",
            [{"target": "one", "rate_hz": 5.0, "weight_mv": 1.0}],
            "NIR has no background input",
        ),
        ("projections.0.synapse", {"model": "alpha", "tau_ms": 1.0}, "delta and exponential"),
    ],
)
def test_what_nir_cannot_say_is_refused(path: str, value: Any, sentence: str) -> None:
    network = _changed(path, value)
    with pytest.raises(SpikelearnError, match=sentence):
        network.to_nir(0.1)


def test_the_command_line_converts_both_ways(tmp_path: Path) -> None:
    call = CliRunner().invoke
    ours(DELTA).save(tmp_path / "ours")
    first = call(
        app, ["convert", str(tmp_path / "ours"), str(tmp_path / "ours.nir"), "--dt", "0.5"]
    )
    assert first.exit_code == 0, first.output
    back = call(app, ["convert", str(tmp_path / "ours.nir"), str(tmp_path / "back")])
    assert back.exit_code == 0, back.output
    assert SpikingNetwork.from_yaml(tmp_path / "back").dt_ms == 0.5
    run = call(app, ["simulate", str(tmp_path / "ours.nir"), "--out", str(tmp_path / "s.csv")])
    assert run.exit_code == 0, run.output
    refused = call(app, ["convert", "brunel2000", str(tmp_path / "brunel.nir")])
    assert refused.exit_code == 1
    assert not (tmp_path / "brunel.nir").exists()
