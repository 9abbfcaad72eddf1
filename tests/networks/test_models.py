"""Model files: the shipped ones, saving and loading, and what is said of broken ones."""

from __future__ import annotations

import numpy as np
import pytest
from spiking_networks import everything

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_folder, shipped_names
from spikelearn.networks import KINDS, load_model
from spikelearn.networks.mlp import MLP
from spikelearn.networks.spiking import (
    LIF,
    SpikingNetwork,
)
from spikelearn.networks.spiking_mlp import SpikingMLP

EXPECTED = {
    "brunel2000", "vogels_abbott_cuba", "lif_feedforward", "mlp_784", "snn_784", "competitive_stdp",
    "lif_neuron",
}  # fmt: skip


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
    with pytest.raises(SpikelearnError):
        LIF(size=2, v_threshold_mv=1.0, tau_ms=3.0)  # type: ignore[call-arg]
    with pytest.raises(SpikelearnError):
        MLP(name="x", sizes=(3,))
    with pytest.raises(SpikelearnError):
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
