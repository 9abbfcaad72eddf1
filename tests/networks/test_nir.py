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
from nir_runs import norse_spikes, random_input, run
from snntorch.export_nir import export_to_nir

from spikelearn import SpikelearnError
from spikelearn.networks.spiking import SpikingNetwork

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


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
        (
            one_cell(),
            {"dt_ms": 1.0, "written_by": "me"},
            "written_by='me' is none of",
        ),
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


def test_nodes_whose_numbers_are_none_are_refused() -> None:
    texts, nowhere = one_cell(), one_cell()
    texts.nodes["cell"].tau = np.array([b"a"])
    with pytest.raises(SpikelearnError, match="node 'cell': tau must hold numbers, found"):
        SpikingNetwork.from_nir(texts, dt_ms=1.0)
    shape = next(iter(nowhere.nodes["input"].input_type))
    nowhere.nodes["input"].input_type[shape] = np.array([np.nan])
    with pytest.raises(SpikelearnError, match="node 'input': input_type must be finite"):
        SpikingNetwork.from_nir(nowhere, dt_ms=1.0)


@pytest.mark.parametrize("number", [-3, 0, 1.5, 10**12])
def test_shapes_that_no_array_can_have_are_refused(number: float) -> None:
    graph = one_cell()
    shape = next(iter(graph.nodes["input"].input_type))
    graph.nodes["input"].input_type[shape] = np.array([number])
    with pytest.raises(SpikelearnError, match="node 'input': a shape must be of positive whole"):
        SpikingNetwork.from_nir(graph, dt_ms=1.0)


def test_files_that_are_no_nir_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match="there is no file"):
        SpikingNetwork.from_nir(tmp_path / "none.nir")
    (tmp_path / "text.nir").write_text("hello")
    with pytest.raises(SpikelearnError, match="cannot be read as NIR"):
        SpikingNetwork.from_nir(tmp_path / "text.nir")
