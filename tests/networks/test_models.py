"""Model files: the shipped ones, saving and loading, and what is said of broken ones."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_folder, shipped_names
from spikelearn.networks import KINDS, load_model
from spikelearn.networks.mlp import MLP
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import (
    LIF,
    AdaptiveLIF,
    BackgroundInput,
    ExponentialSynapse,
    Projection,
    SpikeSource,
    SpikingNetwork,
)
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

EXPECTED = {
    "brunel2000", "vogels_abbott_cuba", "lif_feedforward", "mlp_784", "snn_784", "competitive_stdp",
    "lif_neuron",
}  # fmt: skip


def everything() -> SpikingNetwork:
    """A network that uses every field."""
    rng = np.random.default_rng(0)
    return SpikingNetwork(
        name="everything",
        description="All fields: ünïcode, 'quotes', and a colon.",
        reference="nobody 2000",
        populations={
            "in": SpikeSource(model="spike_source", size=3),
            "a": LIF(
                size=2,
                tau_m_ms=np.array([10.0, 20.0]),
                v_rest_mv=-70.0,
                v_threshold_mv=np.array([-50.0, -1 / 3]),
                v_reset_mv=-65.0,
                v_init_mv=-60.0,
                refractory_ms=2.0,
            ),
            "b": AdaptiveLIF(
                model="adaptive_lif",
                size=2,
                v_threshold_mv=1.0,
                threshold_increment_mv=0.1,
                tau_threshold_ms=np.array([1e7, 50.0]),
                reset="subtract",
            ),
        },
        projections=(
            Projection(
                source="in",
                target="b",
                weight_mv=rng.normal(0.3, 0.1, (3, 2)),
                delay_ms=0.5,
                plasticity=PairSTDP(a_plus=0.1, a_minus=0.2, normalise_sum=3.0),
            ),
            Projection(
                source="a",
                target="b",
                connectivity={"kind": "fixed_in_degree", "in_degree": 1},
                weight_mv={"distribution": "normal", "mean": 1.0, "sd": 0.5},
            ),
            Projection(
                source="b",
                target="b",
                connectivity={"kind": "all_to_all", "allow_self": False},
                weight_mv=rng.normal(size=(2, 2)),
                synapse=ExponentialSynapse(model="exponential", tau_ms=5.0),
            ),
            Projection(
                source="in",
                target="a",
                connectivity={"kind": "fixed_probability", "probability": 0.5},
                weight_mv=1.5,
            ),
        ),
        background=(BackgroundInput(target="a", rate_hz=100.0, weight_mv=0.1),),
        record=("a", "in"),
    )


def assert_equal(a: SpikingNetwork, b: SpikingNetwork) -> None:
    """Field by field, arrays bit by bit."""
    assert a.model_dump() == b.model_dump()
    for p, q in zip(a.projections, b.projections, strict=True):
        assert isinstance(p.weight_mv, np.ndarray) == isinstance(q.weight_mv, np.ndarray)
        if isinstance(p.weight_mv, np.ndarray):
            np.testing.assert_array_equal(p.weight_mv, q.weight_mv)


def test_the_promised_models_are_shipped() -> None:
    assert set(shipped_names("models")) >= EXPECTED


@pytest.mark.parametrize("name", shipped_names("models"))
def test_every_shipped_model_loads_by_name_and_by_path(name: str) -> None:
    by_name = load_model(name)
    path = shipped_folder("models") / f"{name}.yaml"
    for by_path in (load_model(path), load_model(str(path))):
        assert type(by_path) is type(by_name)
        assert by_path.model_dump() == by_name.model_dump()
    assert by_name.name == name
    assert by_name.description
    assert by_name.kind in KINDS


def test_the_shipped_brunel_network_has_the_numbers_of_the_paper() -> None:
    network = load_model("brunel2000")
    assert isinstance(network, SpikingNetwork)
    assert {k: p.size for k, p in network.neurons.items()} == {
        "excitatory": 10_000,
        "inhibitory": 2500,
    }
    in_degree = {p.name: p.connectivity.in_degree for p in network.projections}  # type: ignore[union-attr]
    weight = {p.name: p.weight_mv for p in network.projections}
    for target in ("excitatory", "inhibitory"):
        assert in_degree[f"excitatory->{target}"] == 1000  # epsilon = 0.1
        assert in_degree[f"inhibitory->{target}"] == 250
        assert weight[f"excitatory->{target}"] == 0.1
        assert weight[f"inhibitory->{target}"] == -0.5  # g = 5
    neuron = network.neurons["excitatory"]
    # nu_theta = theta / (J C_E tau), a synapse; the external rate is twice that, times C_E.
    threshold_rate = neuron.v_threshold_mv / (0.1 * 1000 * neuron.tau_m_ms / 1000)
    for item in network.background:
        assert item.rate_hz == pytest.approx(2 * threshold_rate * 1000)
        assert item.weight_mv == 0.1


def test_the_shipped_classifiers_are_what_their_names_say() -> None:
    mlp, snn = load_model("mlp_784"), load_model("snn_784")
    assert isinstance(mlp, MLP)
    assert isinstance(snn, SpikingMLP)
    assert (mlp.sizes[0], mlp.sizes[-1]) == (snn.sizes[0], snn.sizes[-1]) == (784, 10)
    assert snn.populations == ["input", "hidden", "output"]


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


def test_with_weights_changes_those_and_refuses_names_it_does_not_have() -> None:
    network = everything()
    changed = network.with_weights({"in->b": np.ones((3, 2))})
    np.testing.assert_array_equal(changed.projections[0].weight_mv, 1.0)
    np.testing.assert_array_equal(
        changed.projections[2].weight_mv, network.projections[2].weight_mv
    )
    assert not np.array_equal(network.projections[0].weight_mv, 1.0)
    with pytest.raises(SpikelearnError) as raised:
        network.with_weights({"in->c": np.ones((3, 2))})
    assert "in->c" in str(raised.value)


def test_a_description_in_python_is_checked_like_a_file() -> None:
    with pytest.raises(ValidationError):
        LIF(size=2, v_threshold_mv=1.0, tau_ms=3.0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        MLP(name="x", sizes=(3,))
    with pytest.raises(ValidationError):
        SpikingMLP(name="x", sizes=(3, 2), max_rate_hz=-1.0)


def test_networks_names_the_classes_without_importing_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; import spikelearn.networks as n; n.SpikingNetwork; n.load_model('brunel2000');"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
