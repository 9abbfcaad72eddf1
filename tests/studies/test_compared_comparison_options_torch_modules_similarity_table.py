"""What can be compared with a brain: runs, networks before training and modules of PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import nn

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn.stimuli import load_dataset
from spikelearn.studies.compared import compared_given, module_names, opened, untrained_run
from spikelearn.studies.representation import show
from spikelearn.studies.similarity_table import SimilarityTable
from spikelearn.studies.torch_modules import module_responses

LABELS = [f"{i:02d}" for i in range(12)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A brain that sees pixels."""
    folder = tmp_path_factory.mktemp("recording")
    digits = load_dataset("digits").test_images[:12]
    (folder / "images").mkdir()
    for label, digit in zip(LABELS, digits, strict=True):
        Image.fromarray(digit).save(folder / "images" / f"{label}.png")
    np.save(folder / "v1.npy", digits.reshape(12, 64) / 255.0)
    path = folder / "mine.yaml"
    path.write_text(
        "{name: mine, citation: none, licence: none, stimuli: {folder: images},"
        " data: [{kind: responses, file: v1.npy, region: V1}]}"
    )
    return path


@pytest.fixture(scope="module")
def run():
    """A run that was not stored."""
    return sl.train("mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=200)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Images that networks are shown."""
    return load_dataset("digits").test_images[:12]


def test_the_layers_of_a_run_as_a_module_are_those_of_the_run(run, images):
    module = run.to_torch().train()
    found = module_responses(module, images, LABELS, "it")
    expected = show(run, images, LABELS).responses
    assert list(found) == ["0", "2", "4"]
    for mine, theirs in zip(found.values(), expected.values(), strict=True):
        np.testing.assert_allclose(mine.values, theirs.values, atol=1e-6)
    assert module.training
    assert not module[0]._forward_hooks


def test_a_layer_is_what_follows_its_weights(images):
    module = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(27, 4), nn.Dropout(0.5),
    )  # fmt: skip
    found = module_responses(module, images, LABELS, "it")
    assert {name: layer.shape for name, layer in found.items()} == {"0": (12, 27), "5": (12, 4)}
    assert float(found["0"].min()) >= 0
    module.input_shape = (1, 8, 8)
    same = module_responses(module, images, LABELS, "it")
    np.testing.assert_array_equal(same["5"].values, found["5"].values)


def test_a_module_that_does_not_take_the_images_says_what_would_help(images):
    small = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(5, 4))
    with pytest.raises(SpikelearnError, match=r"not take images of shape \(1, 8, 8\); give pre"):
        module_responses(small, images, LABELS, "it")
    for module in (nn.Linear(7, 3), nn.Conv2d(5, 3, 3)):
        with pytest.raises(SpikelearnError, match="does not say what images it takes"):
            module_responses(module, images, LABELS, "it")
    with pytest.raises(SpikelearnError, match="has no layers with weights"):
        module_responses(nn.ReLU(), images, LABELS, "it")


def test_modules_networks_and_runs_stand_in_one_table_that_draws_itself(recording, run):
    table = sl.compare(
        [run, run.to_torch(), "mlp_64", nn.Sequential(nn.Linear(64, 5))], str(recording),
        n_bootstrap=10, progress=False,
    )  # fmt: skip
    assert isinstance(table, SimilarityTable)
    modules = table[table["model"] == "module"]
    assert set(modules["network"]) == {"Sequential", "Sequential 2"}
    assert isinstance(modules, SimilarityTable)
    of_run = table[table["model"] == "backprop"].set_index("layer")["score"]
    of_module = modules[modules["network"] == "Sequential"].set_index("layer")["score"]
    np.testing.assert_allclose(of_module.to_numpy(), of_run.to_numpy(), atol=1e-5)
    # The twin of the run and the network before training are one.
    assert set(table[table["model"] == "untrained"]["network"]) == {"mlp_64"}
    axis = Figure().subplots()
    assert table.plot(ax=axis) is axis
    assert table.plot(region="V1", ax=axis) is axis
    assert table.plot(kind="scatter", x="seed", y="score", ax=Figure().subplots()) is not None


def test_the_recording_may_be_an_object(recording, run):
    loaded = sl.load_recording(recording)
    table = sl.compare(run, loaded, n_bootstrap=0, progress=False)
    assert set(table["region"]) == {"V1"}


def test_a_network_before_training_is_that_of_its_description():
    (found,) = compared_given("mlp_64")
    assert (found.config["rule"], found.config["seed"]) == ("untrained", 0)
    weights = sl.load_model("mlp_64").build(0).layers[0].weight
    assert torch.equal(opened(found).rule.network.layers[0].weight, weights)
    (same,) = compared_given([sl.load_model("mlp_64")])
    assert same.config["network"] == found.config["network"]
    assert module_names([nn.ReLU(), nn.Linear(1, 1), nn.ReLU()]) == ["ReLU", "Linear", "ReLU 2"]
    with pytest.raises(SpikelearnError, match="train it, and compare the run"):
        untrained_run(sl.load_model("competitive_stdp"))


@pytest.mark.parametrize(
    ("given", "settings", "words"),
    [(3, {}, "what is compared is a trained run.*found int"), (None, {}, "found NoneType"),
     ([], {}, "no run was given"), ("nothing", {}, "nothing holds no"), ([3], {}, "found int"),
     ({"a": 3}, {}, "found dict"), ("brunel2000", {}, "train it"),
     ("mlp_64", {"recording": 3}, "a recording is the name or the file of one, found int"),
     ("mlp_64", {"recording": "kriegeskort92"}, "kriegeskorte92"),
     ("mlp_64", {"method": "rsaa"}, "no method 'rsaa'"), ("mlp_64", {"method": 3}, "method"),
     ("mlp_64", {"progress": 3}, "progress is a function"),
     ("mlp_64", {"n_bootstrap": "many"}, "n_bootstrap"), ("mlp_64", {"seed": "a"}, "seed"),
     ("mlp_64", {"n_bootstrap": -1}, "n_bootstrap"), ("mlp_64", {"resolutions": 3}, "resolutions"),
     ("mlp_64", {"resolutions": ["a"]}, "resolutions"),
     ("mlp_64", {"comparator": "spearmn"}, "spearman"), ("mlp_64", {"over": "x"}, "over|stimuli"),
     ("mlp_64", {"colour": "x"}, "colour"), ("mlp_64", {"assign_layers": "yes"}, "assign_layers")],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_a_sentence(given, settings, words, recording):
    with pytest.raises(SpikelearnError, match=words) as raised:
        sl.compare(given, **{"recording": str(recording), **settings})
    assert "\n" not in str(raised.value)
