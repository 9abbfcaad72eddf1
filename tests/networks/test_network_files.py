"""Spiking networks in folders of their own: YAML with arrays beside it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from spiking_networks import assert_equal, everything

from spikelearn._errors import SpikelearnError
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus


def test_a_network_with_every_field_comes_back_from_its_folder(tmp_path: Path) -> None:
    network = everything()
    path = network.save(tmp_path / "saved")
    assert path == tmp_path / "saved" / "network.yaml"
    assert sorted(p.name for p in path.parent.iterdir()) == ["network.yaml", "weights.safetensors"]
    for name in (path, path.parent, str(path), str(path.parent)):
        assert_equal(SpikingNetwork.from_yaml(name), network)
        again = load_model(name)
        assert isinstance(again, SpikingNetwork)
        assert_equal(again, network)


def test_a_saved_network_is_plain_yaml_that_a_person_can_read(tmp_path: Path) -> None:
    path = everything().save(tmp_path / "saved")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["kind"] == "spiking"
    assert content["populations"]["a"]["tau_m_ms"] == [10.0, 20.0]
    assert content["projections"][0]["weight_mv"]["file"] == "weights.safetensors"
    assert "ünïcode" in path.read_text(encoding="utf-8")
    assert "!!" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["lif_feedforward", "competitive_stdp", "brunel2000"])
def test_a_shipped_network_comes_back_from_its_folder(name: str, tmp_path: Path) -> None:
    network = load_model(name)
    assert isinstance(network, SpikingNetwork)
    path = network.save(tmp_path / name)
    assert [p.name for p in path.parent.iterdir()] == ["network.yaml"]
    assert_equal(SpikingNetwork.from_yaml(path), network)


def test_a_saved_network_spikes_as_the_one_in_memory(tmp_path: Path) -> None:
    network = everything().model_copy(update={"record": None})
    frozen = network.model_copy(
        update={
            "projections": tuple(
                p.model_copy(update={"plasticity": None}) for p in network.projections
            )
        }
    )
    stimulus = Stimulus.from_spike_times("in", [[1.0, 3.0, 4.0], [2.0, 3.0], [3.0, 6.0]])
    again = SpikingNetwork.from_yaml(frozen.save(tmp_path / "saved"))
    first, second = (simulate(n, stimulus, 50.0, 0.5, "snntorch", seed=1) for n in (frozen, again))
    assert first.n_spikes > 0
    for name in first.populations:
        np.testing.assert_array_equal(first[name].times_ms, second[name].times_ms)


def test_saving_again_replaces_what_was_saved(tmp_path: Path) -> None:
    network = everything()
    network.save(tmp_path / "saved")
    other = network.with_weights({"in->b": np.zeros((3, 2))})
    other.save(tmp_path / "saved")
    assert_equal(SpikingNetwork.from_yaml(tmp_path / "saved"), other)
    assert [p.name for p in tmp_path.iterdir()] == ["saved"]


def test_saving_into_a_folder_does_not_cost_the_files_that_lie_there(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "thesis.txt").write_text("irreplaceable")
    with contextlib.suppress(SpikelearnError):  # refusing is as good
        everything().save(folder)
    assert (folder / "thesis.txt").read_text() == "irreplaceable"


def test_saving_under_the_name_of_a_file_does_not_cost_the_file(tmp_path: Path) -> None:
    file = tmp_path / "thesis.txt"
    file.write_text("irreplaceable")
    with pytest.raises(SpikelearnError, match=r"thesis\.txt: it is a file, not a folder"):
        everything().save(file)
    assert file.read_text() == "irreplaceable"
    assert list(tmp_path.iterdir()) == [file]


def test_an_interrupted_save_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = everything()
    network.save(tmp_path / "saved")

    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spikelearn.networks.network_files.write_yaml", interrupt)
    with pytest.raises(KeyboardInterrupt):
        network.with_weights({"in->b": np.zeros((3, 2))}).save(tmp_path / "saved")
    monkeypatch.undo()
    assert_equal(SpikingNetwork.from_yaml(tmp_path / "saved"), network)
    assert [p.name for p in tmp_path.iterdir()] == ["saved"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "weights.safetensors").unlink(), ["weights.safetensors"]),
        (lambda f: (f / "weights.safetensors").write_bytes(b"broken"), ["weights.safetensors"]),
        (
            lambda f: (f / "network.yaml").write_text(
                (f / "network.yaml").read_text().replace("0:in->b", "9:elsewhere")
            ),
            ["9:elsewhere"],
        ),
    ],
    ids=["missing", "broken", "no_such_key"],
)
def test_weights_that_cannot_be_read_are_named(
    damage: Any, words: list[str], tmp_path: Path
) -> None:
    folder = everything().save(tmp_path / "saved").parent
    damage(folder)
    with pytest.raises(SpikelearnError) as raised:
        load_model(folder)
    message = str(raised.value)
    assert "\n" not in message
    for word in ["network.yaml", "weight_mv", *words]:
        assert word in message
