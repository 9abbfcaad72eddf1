"""Training by STDP of a layer of any connectivity, from the file to the stored run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from spikelearn.cli import app
from spikelearn.networks.connectivity import Pairs
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.training import stdp_training
from spikelearn.training.config import STDPConfig
from spikelearn.training.stdp_training import open_stdp_run, train_stdp

CONNECTIVITY: dict[str, tuple[dict[str, Any], int]] = {
    "sparse": ({"kind": "fixed_probability", "probability": 0.4}, 12),
    "in-degree": ({"kind": "fixed_in_degree", "in_degree": 20}, 12),
    "several on a pair": ({"kind": "fixed_total_number", "number": 500}, 12),
    "by distance": ({"kind": "distance_dependent", "scale": 0.2, "arrangement": "grid"}, 16),
    "one to one": ({"kind": "one_to_one"}, 64),
    "all but the partner": ({"kind": "all_to_all", "allow_partner": False}, 64),
    "convolution": (
        {"kind": "convolution", "input_shape": [1, 8, 8], "channels": 2, "kernel_size": 5},
        32,
    ),
}


def network(connectivity: dict[str, Any], size: int, **layer: Any) -> SpikingNetwork:
    model = SpikingNetwork.from_yaml("competitive_stdp")
    path = "projections[input->excitatory]"
    return model.changed(
        {
            "populations.input.size": 64,
            "populations.excitatory.size": size,
            "populations.excitatory.v_threshold_mv": -62.0,
            "populations.excitatory.v_reset_mv": -65.0,
            f"{path}.connectivity": connectivity,
            f"{path}.plasticity.normalise_sum": None,
            f"{path}.plasticity.normalise_every_ms": None,
            f"{path}.plasticity.w_max": 2.0,
            f"{path}.weight_mv": {"distribution": "uniform", "low": 0.5, "high": 1.0},
            **{f"{path}.{name}": value for name, value in layer.items()},
        }
    )


def config(model: SpikingNetwork, folder: Path, **changes: Any) -> STDPConfig:
    saved = model.save(folder / "net")
    options: dict[str, Any] = {
        "source": "embedded", "dataset": "digits", "n_train": 6, "n_label": 20, "n_test": 10,
        "chunk": 3, "present_ms": 60.0, "rest_ms": 20.0,
    }  # fmt: skip
    return STDPConfig(model=str(saved), **{**options, **changes})


@pytest.mark.parametrize("name", CONNECTIVITY)
def test_a_layer_of_any_connectivity_learns_is_stored_and_read(name: str, tmp_path: Path) -> None:
    connectivity, size = CONNECTIVITY[name]
    run = train_stdp(config(network(connectivity, size), tmp_path), tmp_path / "runs")
    before, after = run.initial.projections[0], run.network.projections[0]
    assert isinstance(after.connectivity, Pairs)
    np.testing.assert_array_equal(before.connectivity.pre, after.connectivity.pre)
    assert np.abs(after.weight_mv - before.weight_mv).max() > 0.01
    assert after.weight_mv.max() <= 2.0
    assert run.labels.shape == (size,)
    assert (run.labels >= 0).any()
    assert 0.0 <= run.summary["test_accuracy"] <= 1.0
    again = open_stdp_run(run.folder)
    for read, kept in ((again.network, run.network), (again.initial, run.initial)):
        for field in ("pre", "post"):
            mine, theirs = (getattr(n.projections[0].connectivity, field) for n in (read, kept))
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(read.projections[0].weight_mv, kept.projections[0].weight_mv)


def test_pairs_of_all_neurons_learn_what_all_to_all_learns(tmp_path: Path) -> None:
    """The same synapses, told one by one: the same weights, thresholds and labels."""
    start = np.random.default_rng(1).uniform(0.5, 1.0, (64, 12))
    sums = {"plasticity.normalise_sum": 40.0, "plasticity.normalise_every_ms": 80.0}
    pre, post = np.indices(start.shape).reshape(2, -1)
    pairs = {"kind": "pairs", "pre": pre.tolist(), "post": post.tolist()}
    full = network({"kind": "all_to_all"}, 12, weight_mv=start, **sums)
    told = network(pairs, 12, weight_mv=start.ravel(), **sums)
    found = []
    for name, model in (("full", full), ("told", told)):
        run = train_stdp(config(model, tmp_path / name))
        found.append((run.network.projections[0].weight_mv.ravel(), run.labels, run.summary))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    assert np.abs(found[0][0] - start.ravel()).max() > 0.01
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert found[0][2]["test_accuracy"] == found[1][2]["test_accuracy"]


def test_an_interrupted_run_goes_on_with_the_same_synapses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connectivity, size = CONNECTIVITY["several on a pair"]
    wanted = train_stdp(config(network(connectivity, size), tmp_path), tmp_path / "runs")
    learn = stdp_training._learn

    def interrupted(*args: Any) -> None:
        if args[3] == 1:
            raise KeyboardInterrupt
        learn(*args)

    monkeypatch.setattr(stdp_training, "_learn", interrupted)
    again = config(network(connectivity, size), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_stdp(again, tmp_path / "others")
    monkeypatch.undo()
    run = train_stdp(again, tmp_path / "others")
    for one, other in ((run.network, wanted.network), (run.initial, wanted.initial)):
        np.testing.assert_array_equal(one.projections[0].weight_mv, other.projections[0].weight_mv)


def test_the_command_trains_it_and_draws_its_fields(tmp_path: Path) -> None:
    connectivity, size = CONNECTIVITY["sparse"]
    model = network(connectivity, size).changed("name", "sparse")
    saved = model.save(tmp_path / "net")
    assert yaml.safe_load(saved.read_text())["projections"][0]["connectivity"] == connectivity | {
        "allow_self": True
    }
    done = CliRunner().invoke(
        app,
        ["train", str(saved), "--rule", "stdp", "--stimuli", "digits", "--images", "4",
         "--set", "n_label=10", "--set", "n_test=5", "--set", "present_ms=40",
         "--out", str(tmp_path / "runs")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (picture,) = (tmp_path / "runs").glob("*/receptive_fields.png")
    assert picture.stat().st_size > 0
    (folder,) = (path for path in (tmp_path / "runs").iterdir() if path.is_dir())
    told = CliRunner().invoke(
        app, ["simulate", str(folder), "--duration", "20", "--out", str(tmp_path / "s.npz")]
    )
    assert told.exit_code == 0, told.output


def test_synapses_that_learn_may_have_delays_of_their_own(tmp_path: Path) -> None:
    connectivity, size = CONNECTIVITY["sparse"]
    late = network(connectivity, size, delay_ms={"distribution": "uniform", "low": 0, "high": 20})
    run = train_stdp(config(late, tmp_path))
    before, after = run.initial.projections[0], run.network.projections[0]
    assert np.abs(after.weight_mv - before.weight_mv).max() > 0.01


def test_given_delays_go_with_their_synapses(tmp_path: Path) -> None:
    """One for each place of a kernel, which many synapses have."""
    connectivity, size = CONNECTIVITY["convolution"]
    delays = np.arange(50.0).reshape(2, 1, 5, 5)
    model = network(connectivity, size, delay_ms=delays)
    run = train_stdp(config(model, tmp_path), tmp_path / "runs")
    wanted = model.connections(model.projections[0], np.random.default_rng(0)).delay_ms
    for network_of in (run.network, open_stdp_run(run.folder).network):
        np.testing.assert_array_equal(network_of.projections[0].delay_ms, wanted)
