"""Graphs that can be read in two ways are asked about; each reading is what its program does."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from nir_runs import random_input, run
from typer.testing import CliRunner

from spikelearn import SpikelearnError
from spikelearn.cli import app
from spikelearn.networks.spiking import SpikingNetwork


def chain(**nodes: Any) -> nir.NIRGraph:
    """Two inputs, then the nodes, then as many outputs."""
    given = {"input": nir.Input(np.array([2])), **nodes}
    last = list(nodes)[-1]
    links = [*itertools.pairwise(given), (last, "output")]
    given["output"] = nir.Output(np.array([1]))
    return nir.NIRGraph(given, links, type_check=False)


def affine(weight: float = 0.4) -> nir.Affine:
    return nir.Affine(np.full((1, 2), weight), np.zeros(1))


def one(value: float) -> np.ndarray:
    return np.array([value])


def integrator(r: float = 1.0) -> nir.IF:
    return nir.IF(r=one(r), v_threshold=one(1.0))


def lif(tau: float = 0.01, r: float = 1.0) -> nir.LIF:
    return nir.LIF(tau=one(tau), r=one(r), v_leak=one(0.0), v_threshold=one(1.0))


def sums(x: np.ndarray, weight: float, subtract: bool, decay: float = 1.0) -> np.ndarray:
    """What integrators that add up their input in each step fire, one spike a step."""
    v, fired = 0.0, []
    for row in x:
        v = decay * v + (1.0 if decay == 1.0 else 1.0 - decay) * weight * row.sum()
        # Sinabs fires at the threshold and subtracts; Norse above it, and starts anew.
        fired.append(v >= 1.0 - 1e-12 if subtract else v > 1.0)
        if fired[-1]:
            v = v - 1.0 if subtract else 0.0
    return np.array(fired).astype(int)[:, None]


@pytest.mark.parametrize(
    "nodes",
    [
        {"map": affine(), "cell": integrator()},
        {"map": nir.Linear(np.full((1, 2), 0.4)), "cell": integrator(1000.0)},
        {"map": affine(), "cell": nir.I(r=one(1.0))},
        {"map": affine(), "slow": lif(), "map2": nir.Linear(one(1.0)[:, None]),
         "cell": integrator()},
        {"map": affine(), "snn": lif(1e-3, 10.0), "map2": nir.Linear(one(1.0)[:, None]),
         "cell": integrator()},
    ],
    ids=["affine", "linear, r 1000", "I", "with a LIF", "with one of snnTorch's"],
)  # fmt: skip
def test_integrators_without_a_leak_are_asked_about(nodes: dict[str, Any]) -> None:
    graph = chain(**nodes)
    with pytest.raises(SpikelearnError, match="may be per second, as NIR defines") as told:
        SpikingNetwork.from_nir(graph, dt_ms=1.0)
    assert "node 'cell' of type I" in str(told.value)
    assert "written_by='nir', or 'norse' (resets to a value) or 'sinabs'" in str(told.value)
    assert SpikingNetwork.from_nir(graph, dt_ms=0.5, written_by="nir").dt_ms == 0.5


def test_a_convolution_before_integrators_is_asked_about_too() -> None:
    kernel = nir.Conv2d((3, 3), np.ones((1, 1, 2, 2)), 1, 0, 1, 1, np.zeros(1))
    nodes = {
        "input": nir.Input(np.array([1, 3, 3])), "map": kernel,
        "cell": nir.IF(r=np.ones((1, 2, 2)), v_threshold=np.ones((1, 2, 2))),
    }  # fmt: skip
    graph = nir.NIRGraph(nodes, [("input", "map"), ("map", "cell")], type_check=False)
    with pytest.raises(SpikelearnError, match="'cell' of type IF has r = 1, which may be per sec"):
        SpikingNetwork.from_nir(graph, dt_ms=1.0)
    assert SpikingNetwork.from_nir(graph, written_by="sinabs").populations["cell"].size == 4


@pytest.mark.parametrize("written_by", ["norse", "sinabs"])
def test_a_sum_a_step_fires_where_its_author_meant_it(written_by: Any) -> None:
    x, graph = random_input(2, rate=0.5), chain(map=affine(0.7), cell=integrator())
    network = SpikingNetwork.from_nir(graph, written_by=written_by)
    wanted = sums(x, 0.7, subtract=written_by == "sinabs")
    assert wanted.sum() > 30
    np.testing.assert_array_equal(run(network, x, 1.0)["cell"], wanted)
    # Read as a rate per second, the same weights do nothing.
    silent = SpikingNetwork.from_nir(graph, dt_ms=1.0, written_by="nir")
    assert not run(silent, x, 1.0)["cell"].any()
    # And with r = 1 / h the two are the same but for the reset.
    fast = SpikingNetwork.from_nir(
        chain(map=affine(0.7), cell=integrator(1000.0)), dt_ms=1.0, written_by="nir"
    )
    np.testing.assert_array_equal(run(fast, x, 1.0)["cell"], sums(x, 0.7, subtract=False))


def test_sinabs_fires_at_the_threshold() -> None:
    x = np.ones((20, 2))
    graph = chain(map=affine(0.5), cell=integrator())
    at = SpikingNetwork.from_nir(graph, written_by="sinabs")
    assert run(at, x, 1.0)["cell"].sum() == 20
    above = SpikingNetwork.from_nir(graph, written_by="norse")
    assert run(above, x, 1.0)["cell"].sum() == 10


def test_time_constants_in_steps_are_those_of_sinabs() -> None:
    graph = chain(map=affine(3.0), cell=lif(tau=8.0))
    with pytest.raises(SpikelearnError, match="time constant of 8 s, which may be meant, or be 8"):
        SpikingNetwork.from_nir(graph, dt_ms=1.0)
    network = SpikingNetwork.from_nir(graph, written_by="sinabs")
    x = random_input(2, rate=0.5)
    wanted = sums(x, 3.0, subtract=True, decay=float(np.exp(-1 / 8)))
    assert wanted.sum() > 15
    np.testing.assert_array_equal(run(network, x, 1.0)["cell"], wanted)
    to_zero = SpikingNetwork.from_nir(graph, written_by="sinabs", reset="to_value")
    assert run(to_zero, x, 1.0)["cell"].sum() < wanted.sum()


@pytest.mark.parametrize("delay", [1.0, 5.0])
def test_delays_of_seconds_are_asked_about(delay: float) -> None:
    graph = chain(map=affine(), late=nir.Delay(one(delay)), cell=lif())
    with pytest.raises(SpikelearnError, match=f"a delay of {delay:g}, which NIR counts in s"):
        SpikingNetwork.from_nir(graph, dt_ms=1.0)
    meant = SpikingNetwork.from_nir(graph, dt_ms=1.0, written_by="nir")
    assert meant.projections[0].delay_ms == 1e3 * delay
    short = chain(map=affine(), late=nir.Delay(one(5e-3)), cell=lif())
    read = SpikingNetwork.from_nir(short, dt_ms=1.0)
    assert read.projections[0].delay_ms == 5.0
    assert "delays in s" in read.description


@pytest.mark.parametrize(
    ("nodes", "options", "sentence"),
    [
        ({"cell": integrator(2.0)}, {"written_by": "norse"}, "Norse writes r = 1, found 2"),
        ({"cell": integrator(2.0)}, {"written_by": "sinabs"}, "Sinabs writes r = 1, found 2"),
        ({"cell": integrator()}, {"written_by": "snntorch", "reset": "subtract"},
         "snnTorch writes no IF"),
        ({"cell": integrator()}, {"written_by": "nir"}, "give dt_ms"),
        ({"cell": integrator()}, {"written_by": "norse", "reset": "subtract"},
         "for graphs of snnTorch and Sinabs"),
        ({"late": nir.Delay(one(1e-3)), "cell": integrator()}, {"written_by": "norse"},
         "has delays, which Norse does not write"),
        ({"cell": nir.CubaLIF(one(5.0), one(9.0), one(1.0), one(0.0), one(1.0))},
         {"written_by": "sinabs"}, "Sinabs writes no CubaLIF"),
    ],
)  # fmt: skip
def test_what_a_program_does_not_write_is_refused(nodes, options, sentence) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        SpikingNetwork.from_nir(chain(map=affine(), **nodes), **options)


@pytest.mark.parametrize(
    ("written_by", "said"),
    [
        ("norse", "IF: a step adds the sum of its input, x, to v; a spike where v > v_threshold"),
        ("sinabs", "a spike where v >= v_threshold, then the threshold is subtracted; several"),
        ("nir", "IF: a step adds h r x to v, with h = 0.001 s"),
    ],
)
def test_convert_says_what_was_read_how(written_by: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.nir"
    nir.write(path, chain(map=affine(), cell=integrator()))
    call = ["convert", str(path), str(tmp_path / "mine"), "--dt", "1"]
    refused = CliRunner().invoke(app, call)
    assert refused.exit_code == 1
    assert "--written-by" in refused.output
    assert not (tmp_path / "mine").exists()
    done = CliRunner().invoke(app, [*call, "--written-by", written_by])
    assert done.exit_code == 0, done.output
    assert f"From NIR ({written_by}). Read in steps of 1 ms; " in done.output
    assert said in done.output
    assert said in SpikingNetwork.from_yaml(tmp_path / "mine").description


def layers_of_integrators() -> tuple[nir.NIRGraph, list[np.ndarray]]:
    """A convolution and a full layer, each before integrators with r = 1, and their matrices."""
    rng = np.random.default_rng(5)
    # Multiples of 1/8, so that sums are exact in every precision.
    kernel, full = (
        np.round(8 * rng.normal(0.25, scale, shape)) / 8
        for scale, shape in ((0.3, (2, 1, 2, 2)), (0.3, (5, 8)))
    )
    nodes = {
        "input": nir.Input(np.array([1, 3, 3])),
        "conv": nir.Conv2d((3, 3), kernel, 1, 0, 1, 1, np.zeros(2)),
        "first": nir.IF(r=np.ones((2, 2, 2)), v_threshold=np.ones((2, 2, 2))),
        "flat": nir.Flatten(np.array([2, 2, 2]), 0, -1),
        "map": nir.Linear(full),
        "second": nir.IF(r=np.ones(5), v_threshold=np.full(5, 0.75)),
        "output": nir.Output(np.array([5])),
    }
    matrix = np.zeros((8, 9))
    for out, y, x, a, b in itertools.product(range(2), *[range(2)] * 4):
        matrix[out * 4 + y * 2 + x, (y + a) * 3 + x + b] += kernel[out, 0, a, b]
    return nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False), [matrix, full]


def integrated(x: np.ndarray, matrices: list[np.ndarray], written_by: str) -> list[np.ndarray]:
    """What the authors' layers fire: written from their definitions, with all layers in a step."""
    found = []
    for matrix, threshold in zip(matrices, (1.0, 0.75), strict=True):
        v, fired = np.zeros(len(matrix)), []
        for row in x:
            v = v + matrix @ row * (1e-3 if written_by == "nir" else 1.0)
            now = (v >= threshold) if written_by == "sinabs" else (v > threshold)
            v = np.where(now, v - threshold if written_by == "sinabs" else 0.0, v)
            fired.append(now)
        x = np.array(fired).astype(float)
        found.append(x.astype(int))
    return found


@pytest.mark.parametrize("engine", ["native", "brian2", "snntorch", "norse"])
@pytest.mark.parametrize("written_by", ["norse", "sinabs", "nir"])
def test_layers_of_integrators_fire_as_often_as_their_author_meant(
    written_by: Any, engine: str
) -> None:
    graph, matrices = layers_of_integrators()
    with pytest.raises(SpikelearnError, match="'first' of type IF has r = 1, which may be per sec"):
        SpikingNetwork.from_nir(graph)
    if written_by == "nir":
        with pytest.raises(
            SpikelearnError, match=r"does not say for which time step .* give dt_ms"
        ):
            SpikingNetwork.from_nir(graph, written_by="nir")
        for name in ("first", "second"):
            graph.nodes[name].r = 1000.0 * graph.nodes[name].r
        matrices = [1000.0 * matrix for matrix in matrices]
    network = SpikingNetwork.from_nir(graph, dt_ms=1.0, written_by=written_by)
    x = random_input(9, 2, 0.6)
    wanted = integrated(x, matrices, written_by)
    found = run(network, x, 1.0, engine)
    assert wanted[1].sum() > 77
    for name, spikes in zip(("first", "second"), wanted, strict=True):
        np.testing.assert_array_equal(found[name], spikes)


@pytest.mark.filterwarnings("ignore:nirtorch:DeprecationWarning")
def test_norses_own_reader_of_integrators_fires_the_same() -> None:
    import norse.torch
    import torch

    graph, _ = layers_of_integrators()
    theirs = norse.torch.from_nir(graph)
    x = random_input(9, 2, 0.6)
    state, fired = None, []
    for row in x:
        image = torch.as_tensor(row.reshape(1, 1, 3, 3), dtype=torch.float32)
        out, state = theirs(image, state)
        fired.append(out.detach().numpy().ravel())
    found = run(SpikingNetwork.from_nir(graph, written_by="norse"), x, 1.0)
    np.testing.assert_array_equal(found["second"], np.array(fired).astype(int))


@pytest.mark.parametrize("command", ["simulate", "convert"])
def test_commands_name_options_as_they_are_called(command: str, tmp_path: Path) -> None:
    path, target = tmp_path / "theirs.nir", tmp_path / "out.npz"
    nir.write(path, chain(map=affine(), cell=integrator()))
    call = [command, str(path)]
    call += ["--out", str(target), "--duration", "50"] if command == "simulate" else [str(target)]
    for given, asked in (
        ([], "say --written-by nir, or 'norse' (resets to a value) or 'sinabs'"),
        (["--written-by", "nir"], "give --dt"),
        (["--written-by", "me"], "--written-by me is none of spikelearn, snntorch, norse"),
        (["--written-by", "norse", "--reset", "subtract"], "--reset subtract is for graphs of"),
        (["--written-by", "norse", "--dt", "-1"], "--dt must be greater than 0, found -1"),
    ):
        done = CliRunner().invoke(app, [*call, *given])
        assert done.exit_code == 1
        assert asked in done.output
        assert "dt_ms" not in done.output
        assert not target.exists()
    done = CliRunner().invoke(app, [*call, "--written-by", "sinabs", "--dt", "0.5"])
    assert done.exit_code == 0, done.output
    assert "From NIR (sinabs). Read in steps of 0.5 ms; IF: a step adds the sum" in done.output
    assert target.exists()


def test_a_graph_is_shown_with_what_is_open_in_it(tmp_path: Path) -> None:
    path = tmp_path / "theirs.nir"
    nir.write(path, chain(map=affine(), cell=integrator()))
    done = CliRunner().invoke(app, ["inspect", str(path)])
    assert done.exit_code == 0, done.output
    for words in ("NIR graph", "Affine", "IF", "As a network: node 'cell'", "--written-by nir"):
        assert words in done.output
    nir.write(path, chain(map=affine(), cell=lif(1e-5)))
    done = CliRunner().invoke(app, ["inspect", str(path)])
    assert done.exit_code == 0, done.output
    assert "From NIR (norse). Read in steps of 1 ms" in done.output
    assert "As a network" not in done.output


def test_simulate_takes_what_convert_takes() -> None:
    import inspect

    from spikelearn.cli.simulation import convert, simulate

    of_descriptions = set(inspect.signature(convert).parameters) - {"source", "target", "step"}
    assert of_descriptions <= set(inspect.signature(simulate).parameters)
