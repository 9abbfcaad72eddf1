"""NIR: the spikes are those of the program that wrote a graph, and of the one that reads ours."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nir
import norse.torch as norse
import numpy as np
import pytest
import snntorch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from snntorch.export_nir import export_to_nir
from snntorch.import_nir import import_from_nir
from typer.testing import CliRunner

from spikelearn import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.cli import app
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

N_STEPS = 120
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def random_input(n_inputs: int, seed: int = 0, rate: float = 0.2) -> np.ndarray:
    return (np.random.default_rng(seed).random((N_STEPS, n_inputs)) < rate).astype(float)


def raster(spikes: PopulationSpikes, dt_ms: float, n_steps: int) -> np.ndarray:
    found = np.zeros((n_steps, spikes.size), dtype=int)
    found[np.rint(spikes.times_ms / dt_ms).astype(int), spikes.senders] = 1
    return found


def run(network: SpikingNetwork, x: np.ndarray, dt_ms: float, backend: str = "native") -> Any:
    """Rasters of the recorded populations, of the input's length from their first step on."""
    steps, senders = np.nonzero(x)
    (source,) = network.sources
    spikes = PopulationSpikes(x.shape[1], steps * dt_ms, senders, np.zeros_like(senders))
    n_steps = len(x) + 10
    activity = simulate(
        network,
        Stimulus(spikes={source: spikes}),
        duration_ms=n_steps * dt_ms,
        dt_ms=dt_ms,
        backend=backend,
    )
    late = delays(network)
    return {
        name: raster(activity[name], dt_ms, n_steps)[late.get(name, 0) :][: len(x)]
        for name in network.recorded
    }


def delays(network: SpikingNetwork) -> dict[str, int]:
    """Steps by which spikes come later, as the description says."""
    _, _, told = network.description.partition("without delays: ")
    pairs = [item.rsplit(" by ", 1) for item in told.rstrip(".").split(", ") if told]
    return {name: int(steps) for name, steps in pairs}


def snntorch_spikes(layers: list[torch.nn.Module], x: np.ndarray) -> list[np.ndarray]:
    """What each neuron layer of a network fires; the layers keep their state."""
    found: list[list[np.ndarray]] = []
    for row in x:
        h = torch.as_tensor(row, dtype=torch.float32)[None]
        outputs = []
        for layer in layers:
            h = layer(h)
            if isinstance(layer, snntorch.SpikingNeuron):
                outputs.append(h[0].detach().numpy())
        found.append(outputs)
    return [np.array(part).astype(int) for part in zip(*found, strict=True)]


def snntorch_layers(kinds: str, reset: str, bias: bool = True, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    sizes = [12, 9, 7][: len(kinds) + 1]
    layers: list[torch.nn.Module] = []
    for kind, n_in, n in zip(kinds, sizes[:-1], sizes[1:], strict=True):
        linear = torch.nn.Linear(n_in, n, bias=bias)
        linear.weight.data *= 2.5
        layers.append(linear)
        common: Any = {"reset_mechanism": reset, "init_hidden": True, "threshold": torch.ones(n)}
        beta = torch.linspace(0.7, 0.95, n)
        if kind == "L":
            layers.append(snntorch.Leaky(beta=beta, **common))
        else:
            layers.append(snntorch.Synaptic(alpha=0.6 * torch.ones(n), beta=beta, **common))
    return layers


@pytest.mark.parametrize("kinds", ["L", "LL", "S", "LS", "SL", "SS"])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("bias", [False, True])
def test_networks_of_snntorch_keep_their_spikes(
    kinds: str, reset: str, bias: bool, tmp_path: Path
) -> None:
    layers = snntorch_layers(kinds, reset, bias)
    x = random_input(12)
    wanted = snntorch_spikes(layers, x)
    graph = export_to_nir(torch.nn.Sequential(*layers), torch.zeros(1, 12), ignore_dims=[0])
    path = tmp_path / "theirs.nir"
    nir.write(path, graph)
    network = SpikingNetwork.from_nir(path, reset="subtract" if reset == "subtract" else "to_value")
    for found, expected in zip(run(network, x, 0.1).values(), wanted, strict=True):
        assert expected.sum() > 25
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_recurrent_networks_of_snntorch_keep_their_spikes(reset: str) -> None:
    torch.manual_seed(1)
    n = 8
    linear = torch.nn.Linear(12, n)
    linear.weight.data *= 2
    cell = snntorch.RLeaky(beta=0.8, linear_features=n, init_hidden=True, reset_mechanism=reset)
    layers = [linear, cell]
    x = random_input(12)
    wanted = snntorch_spikes(layers, x)[0]
    graph = export_to_nir(torch.nn.Sequential(*layers), torch.zeros(1, 12), ignore_dims=[0])
    network = SpikingNetwork.from_nir(
        graph, reset="subtract" if reset == "subtract" else "to_value"
    )
    (found,) = run(network, x, 0.1).values()
    assert wanted.sum() > 50
    np.testing.assert_array_equal(found, wanted)


def test_any_time_step_can_stand_for_that_of_snntorch() -> None:
    layers = snntorch_layers("LL", "subtract")
    x = random_input(12)
    graph = export_to_nir(torch.nn.Sequential(*layers), torch.zeros(1, 12), ignore_dims=[0])
    network = SpikingNetwork.from_nir(graph, dt_ms=1.0, reset="subtract")
    for found, wanted in zip(
        run(network, x, 1.0).values(), snntorch_spikes(layers, x), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def norse_spikes(network: Any, x: np.ndarray) -> np.ndarray:
    state, found = None, []
    for row in x:
        out, state = network(torch.as_tensor(row, dtype=torch.float32)[None], state)
        found.append(out[0].detach().numpy())
    return np.array(found).astype(int)


@pytest.mark.parametrize("cell", ["box", "current", "integrate"])
def test_networks_of_norse_keep_their_spikes(cell: str) -> None:
    torch.manual_seed(2)
    n = 7

    def neurons(size: int) -> torch.nn.Module:
        ones = torch.ones(size)
        if cell == "box":
            return norse.LIFBoxCell(
                norse.LIFBoxParameters(tau_mem_inv=200 * ones, v_th=0.3 * ones, v_leak=0 * ones)
            )
        if cell == "integrate":
            return norse.IAFCell(norse.IAFParameters(v_th=0.7 * ones))
        return norse.LIFCell(
            norse.LIFParameters(
                tau_mem_inv=100 * ones, tau_syn_inv=250 * ones, v_th=0.3 * ones, v_leak=0 * ones
            )
        )

    first, second = torch.nn.Linear(12, 9), torch.nn.Linear(9, n)
    for linear in (first, second):
        linear.weight.data *= 6
    network = norse.SequentialState(first, neurons(9), second, neurons(n))
    x = random_input(12)
    wanted = norse_spikes(network, x)
    graph = norse.to_nir(network, torch.zeros(1, 12))
    read = SpikingNetwork.from_nir(graph, written_by="norse" if cell == "integrate" else None)
    *_, found = run(read, x, 1.0).values()
    assert wanted.sum() > 30
    np.testing.assert_array_equal(found, wanted)


def ours(synapse: dict[str, Any], seed: int = 0) -> SpikingNetwork:
    rng = np.random.default_rng(seed)
    cell = {"model": "lif", "tau_m_ms": 2.0, "v_rest_mv": -65.0, "v_threshold_mv": -50.0}
    scale = 20.0 if synapse["model"] == "delta" else 120.0
    return SpikingNetwork.model_validate(
        {
            "name": "ours",
            "populations": {
                "in": {"model": "spike_source", "size": 12},
                "one": {**cell, "size": 9},
                "two": {**cell, "size": 7},
            },
            "projections": [
                {
                    "source": source,
                    "target": target,
                    "synapse": synapse,
                    "weight_mv": scale * rng.normal(0.2, 1.0, shape),
                }
                for source, target, shape in (("in", "one", (12, 9)), ("one", "two", (9, 7)))
            ],
        }
    )


DELTA = {"model": "delta"}
EXPONENTIAL = {"model": "exponential", "tau_ms": 0.5}


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


def by_the_book(graph: nir.NIRGraph, x: np.ndarray, step_s: float) -> np.ndarray:
    """Forward Euler steps of a chain of nodes, as `spikelearn.networks.nir` writes them."""
    order, edges = ["input"], dict(graph.edges)
    while order[-1] in edges:
        order.append(edges[order[-1]])
    v: dict[str, Any] = {}
    i: dict[str, Any] = {}
    found = []
    for row in x:
        h = torch.as_tensor(row.reshape(tuple(graph.nodes["input"].input_type["input"])))
        for name in order:
            node = graph.nodes[name]
            if isinstance(node, nir.LIF | nir.CubaLIF):
                tau = getattr(node, "tau", getattr(node, "tau_mem", None))
                current = h.numpy()
                old = v.get(name, node.v_leak)
                if isinstance(node, nir.CubaLIF):
                    i.setdefault(name, 0.0)
                    i[name] += step_s / node.tau_syn * (node.w_in * current - i[name])
                    current = i[name]
                new = old + step_s / tau * (node.v_leak - old + node.r * current)
                fired = new > node.v_threshold
                v[name] = np.where(fired, node.v_reset, new)
                h = torch.as_tensor(fired.astype(float))
            else:
                h = _linear(node, h)
        found.append(h.numpy())
    return np.array(found).astype(int)


def _linear(node: Any, h: torch.Tensor) -> torch.Tensor:  # noqa: PLR0911
    def pair(value: Any) -> tuple[int, int]:
        first, second = np.broadcast_to(np.ravel(value), (2,))
        return int(first), int(second)

    if isinstance(node, nir.Affine):
        return torch.as_tensor(node.weight) @ h + torch.as_tensor(node.bias)
    if isinstance(node, nir.Linear):
        return torch.as_tensor(node.weight) @ h
    if isinstance(node, nir.Scale):
        return torch.as_tensor(node.scale) * h
    if isinstance(node, nir.Flatten):
        return h.flatten()
    if isinstance(node, nir.Conv2d):
        padding = node.padding if isinstance(node.padding, str) else pair(node.padding)
        return torch.nn.functional.conv2d(
            h[None],
            torch.as_tensor(node.weight),
            torch.as_tensor(node.bias),
            pair(node.stride),
            padding,
            pair(node.dilation),
            node.groups,
        )[0]
    if isinstance(node, nir.AvgPool2d | nir.SumPool2d):
        mean = torch.nn.functional.avg_pool2d(
            h[None], pair(node.kernel_size), pair(node.stride), pair(node.padding)
        )[0]
        area = 1 if isinstance(node, nir.AvgPool2d) else np.prod(pair(node.kernel_size))
        return mean * area
    return h


def lif(shape: tuple[int, ...], rng: np.random.Generator, cuba: bool = False) -> nir.NIRNode:
    common = {
        "r": rng.uniform(0.5, 2.0, shape),
        "v_leak": rng.uniform(-0.1, 0.1, shape),
        "v_threshold": rng.uniform(0.3, 0.5, shape),
        "v_reset": rng.uniform(-0.3, 0.0, shape),
    }
    taus = rng.uniform(0.002, 0.02, shape)
    if cuba:
        w_in = rng.uniform(1.0, 4.0, shape)
        return nir.CubaLIF(tau_syn=np.full(shape, 0.004), tau_mem=taus, w_in=w_in, **common)
    return nir.LIF(tau=taus, **common)


@pytest.mark.parametrize("cuba", [False, True], ids=["lif", "cuba"])
@pytest.mark.parametrize("padding", [1, "same", (0, 2)])
def test_images_through_every_linear_node(padding: Any, cuba: bool) -> None:
    rng = np.random.default_rng(3)
    conv = nir.Conv2d(
        (8, 7), rng.normal(0, 12, (6, 1, 3, 2)), 1, padding, (2, 1), 2, rng.normal(0, 3, 6)
    )
    after_conv = _linear(conv, torch.zeros(2, 8, 7, dtype=torch.float64)).shape
    pool = nir.SumPool2d(np.array([2, 1]), np.array([2, 1]), np.array([0, 0]))
    mean = nir.AvgPool2d(np.array([2, 3]), np.array([1, 2]), np.array([1, 1]))
    after_pools = _linear(mean, _linear(pool, torch.zeros(after_conv, dtype=torch.float64))).shape
    n = int(np.prod(after_pools))
    nodes = {
        "input": nir.Input(np.array([2, 8, 7])),
        "conv": conv,
        "first": lif(tuple(after_conv), rng, cuba),
        "pool": pool,
        "mean": mean,
        "scale": nir.Scale(rng.uniform(2, 4, tuple(after_pools))),
        "flat": nir.Flatten({"input": np.array(after_pools)}, 0, -1),
        "dense": nir.Affine(rng.normal(0, 9, (5, n)), rng.normal(0, 0.2, 5)),
        "second": lif((5,), rng, cuba),
        "output": nir.Output(np.array([5])),
    }
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)
    x = random_input(2 * 8 * 7, rate=0.3)
    wanted = by_the_book(graph, x, 1e-3)
    assert wanted.sum() > 30
    found = run(SpikingNetwork.from_nir(graph, dt_ms=1.0), x, 1.0)
    np.testing.assert_array_equal(found["second"], wanted)


def test_delays_and_branches() -> None:
    """Two ways to one population, of which one takes three steps longer."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 3, (4, 6))
    nodes = {
        "input": nir.Input(np.array([6])),
        "now": nir.Linear(weight),
        "later": nir.Delay(np.array([0.0, 3e-3, 3e-3, 0.0])),
        "cells": nir.LIF(*(np.full(4, p) for p in (0.01, 1.0, 0.0, 0.3, 0.0))),
        "output": nir.Output(np.array([4])),
    }
    edges = [("input", "now"), ("now", "cells"), ("now", "later"), ("later", "cells")]
    graph = nir.NIRGraph(nodes, [*edges, ("cells", "output")], type_check=False)
    x = random_input(6)
    shifted = np.vstack([np.zeros((3, 6)), x[:-3]])
    delayed = np.array([0, 1, 1, 0])
    current = x @ weight.T * (2 - delayed) + shifted @ weight.T * delayed
    v, wanted = np.zeros(4), []
    for row in current:
        v = v + 0.1 * (row - v)
        wanted.append(v > 0.3)
        v = np.where(v > 0.3, 0.0, v)
    found = run(SpikingNetwork.from_nir(graph, dt_ms=1.0), x, 1.0)["cells"]
    assert found.sum() > 20
    np.testing.assert_array_equal(found, np.array(wanted).astype(int))


def one_cell(**changes: Any) -> nir.NIRGraph:
    fields = {
        "tau": np.array([0.01]),
        "r": np.array([1.0]),
        "v_leak": np.array([0.0]),
        "v_threshold": np.array([1.0]),
        **{name: np.array([value]) for name, value in changes.items()},
    }
    nodes = {
        "input": nir.Input(np.array([2])),
        "map": nir.Affine(np.ones((1, 2)), np.zeros(1)),
        "cell": nir.LIF(**fields),
        "output": nir.Output(np.array([1])),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)


@pytest.mark.parametrize(
    ("graph", "options", "sentence"),
    [
        (one_cell(), {}, "for which time step its weights are meant; give dt_ms"),
        (one_cell(tau=1e-3, r=10.0), {}, "say reset='subtract' or reset='to_value'"),
        (one_cell(tau=5e-4), {}, "say written_by='nir' or 'norse'"),
        (one_cell(tau=5e-4), {"dt_ms": 1.0, "written_by": "nir"}, "does not exceed the time step"),
        (one_cell(), {"dt_ms": 1.0, "reset": "subtract"}, "NIR knows resets to a value only"),
        (one_cell(), {"dt_ms": -1.0}, "dt_ms must be greater than 0, found -1"),
        (one_cell(), {"dt_ms": 1.0, "written_by": "me"}, "written_by must be"),
        (one_cell(), {"written_by": "spikelearn"}, "does not say that spikelearn has written it"),
        (one_cell(v_threshold=np.nan), {"dt_ms": 1.0}, "node 'cell': v_threshold must be finite"),
        (one_cell(v_threshold=-1.0), {"dt_ms": 1.0}, "v_threshold_mv must lie above"),
        (nir.NIRGraph({}, [], type_check=False), {}, "has no nodes"),
    ],
)
def test_what_cannot_be_recovered_is_refused(
    graph: nir.NIRGraph, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        SpikingNetwork.from_nir(graph, **options)


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


def test_files_that_are_no_nir_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match="there is no file"):
        SpikingNetwork.from_nir(tmp_path / "none.nir")
    (tmp_path / "text.nir").write_text("hello")
    with pytest.raises(SpikelearnError, match="cannot be read as NIR"):
        SpikingNetwork.from_nir(tmp_path / "text.nir")


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
        ("projections.0.delay_ms", 0.05, "delay_ms must be a multiple of 0.1"),
        (
            "projections.1.delay_ms",
            {"distribution": "uniform", "low": 0.1, "high": 1.0},
            "one delay for each source neuron",
        ),
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
