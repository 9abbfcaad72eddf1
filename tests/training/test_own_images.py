"""Training on a user's own images, of other sizes and colours than the model takes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.stimuli import user_images
from spikelearn.stimuli.images import network_images
from spikelearn.studies.representation import show
from spikelearn.training import STDPConfig, TrainConfig, train, train_stdp
from spikelearn.training.config import run_key
from spikelearn.training.images import as_input, load_images, split
from spikelearn.training.own_images import preparation_of, shown_size


def model(folder: Path, side: int = 8, n_classes: int = 2) -> str:
    path = folder / f"small_{side}_{n_classes}.yaml"
    write_yaml(path, {"kind": "mlp", "name": "small", "sizes": [side * side, 6, n_classes]})
    return str(path)


def pets(folder: Path, sizes=((32, 40),), mode: str = "RGB", n: int = 25) -> Path:
    """Bright and dark images with noise, in colour."""
    random = np.random.default_rng(0)
    for name, low in (("cat", 0), ("dog", 120)):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            height, width = sizes[i % len(sizes)]
            shape = (height, width, 3) if mode == "RGB" else (height, width)
            values = random.integers(low, low + 136, shape, dtype=np.uint8)
            Image.fromarray(values).save(folder / name / f"{i:02d}.png")
    return folder


def config(folder: Path, images: Path, **changes) -> TrainConfig:
    given = {
        "model": model(folder),
        "rule": "backprop",
        "epochs": 30,
        "batch_size": 8,
        "learning_rate": 0.02,
        "validation_fraction": 0.3,
    }
    return TrainConfig(dataset=str(images), **{**given, **changes})


def prepared(wanted: TrainConfig | STDPConfig) -> str:
    return preparation_of(wanted.dataset, wanted.description(), wanted.background)


def test_images_in_colour_and_of_another_size_are_turned_to_what_the_model_takes(tmp_path) -> None:
    wanted = config(tmp_path, pets(tmp_path / "pets"))
    said = (
        "turned from colour to grey (luminance, Rec. 709) and resized from 32 x 40 to 8 x 8 pixels"
        " by area averaging, which changes their proportions"
    )
    assert prepared(wanted) == said
    with pytest.warns(UserWarning, match="are turned from colour to grey"):
        run = train(wanted, tmp_path / "runs")
    assert run.config["images"] == said
    assert run.summary["test_accuracy"] == 1.0
    data = load_images(wanted, "auto")
    _, _, test = split(data, wanted)
    luminance = data.test_images @ [0.2126, 0.7152, 0.0722] / 255.0
    expected = luminance.reshape(-1, 8, 4, 8, 5).mean(axis=(2, 4))
    np.testing.assert_allclose(test.x.numpy().reshape(-1, 8, 8), expected, atol=1e-6)


def test_a_comparison_shows_images_as_training_did(tmp_path) -> None:
    wanted = config(tmp_path, pets(tmp_path / "pets"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = train(wanted)
    data = load_images(wanted, "auto")
    shown = show(run, data.test_images, [str(i) for i in range(len(data.test_images))])
    _, _, test = split(data, wanted)
    with torch.no_grad():
        first = run.rule.network.layers[0]
        hidden = first.activate(first.drive(test.x))
    np.testing.assert_allclose(shown.responses["hidden1"].values, hidden.numpy(), atol=1e-6)
    np.testing.assert_array_equal(
        as_input(data.test_images, (1, 8, 8), (0.0, 1.0)).numpy(),
        network_images(data.test_images, (1, 8, 8)),
    )


def test_images_of_several_sizes_are_read_in_the_size_of_the_model(tmp_path) -> None:
    wanted = config(tmp_path, pets(tmp_path / "pets", ((16, 16), (24, 32), (9, 8))))
    assert "from sizes between 9 x 8 and 24 x 32 to 8 x 8" in prepared(wanted)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        run = train(wanted)
    said = [str(one.message) for one in told]
    assert len(said) == 1
    assert "from sizes between 9 x 8 and 24 x 32 to 8 x 8" in said[0]
    assert run.summary["test_accuracy"] == 1.0


def test_images_that_fit_keep_their_key_and_say_nothing(tmp_path) -> None:
    fitting = config(tmp_path, pets(tmp_path / "pets", ((8, 8),), "L"))
    complete = fitting.complete()
    assert prepared(fitting) == ""
    assert "images" not in complete
    assert "background" not in complete
    turned = config(tmp_path, tmp_path / "pets", model=model(tmp_path, 4)).complete()
    assert "resized from 8 x 8 to 4 x 4" in turned["images"]
    assert run_key(turned) != run_key({k: v for k, v in turned.items() if k != "images"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(fitting)


def test_arrays_are_turned_as_folders_are(tmp_path) -> None:
    data = user_images.load(pets(tmp_path / "pets"))
    images = np.concatenate([data.train_images, data.test_images])
    labels = np.concatenate([data.train_labels, data.test_labels])
    np.savez(tmp_path / "pets.npz", images=images, labels=labels)
    of_folder = config(tmp_path, tmp_path / "pets")
    assert prepared(config(tmp_path, tmp_path / "pets.npz")) == prepared(of_folder)


def test_transparent_images_are_trained_on_with_a_background(tmp_path) -> None:
    folder = pets(tmp_path / "pets", ((8, 8),), "L")
    alpha = np.full((8, 8, 2), 255, np.uint8)
    alpha[:4, :, 1] = 0
    Image.fromarray(alpha, "LA").save(folder / "dog" / "00.png")
    with pytest.raises(SpikelearnError, match="is transparent; say what lies under it"):
        train(config(tmp_path, folder))
    on_black = config(tmp_path, folder, background="black")
    with pytest.warns(UserWarning, match=r"00\.png, and laid on black"):
        data = load_images(on_black, "auto")
    everything = np.concatenate([data.train_images, data.test_images])
    half = [image for image in everything if (image[4:] == 255).all()]
    assert len(half) == 1
    assert (half[0][:4] == 0).all()
    assert on_black.complete()["background"] == "black"
    assert run_key(on_black.complete()) != run_key(
        config(tmp_path, folder, background="white").complete()
    )
    with pytest.raises(ValueError, match="is no colour"):
        config(tmp_path, folder, background="greyish")


def test_data_sets_of_ours_and_other_numbers_of_classes_are_still_refused(tmp_path) -> None:
    with pytest.raises(SpikelearnError, match="takes 1 x 8 x 8 inputs and gives 2 outputs"):
        train(config(tmp_path, "digits", model=model(tmp_path)))
    three = config(tmp_path, pets(tmp_path / "pets"), model=model(tmp_path, n_classes=3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(SpikelearnError, match=r"gives 3 outputs; the data have .* 2 classes"):
            train(three)


def test_a_source_of_spikes_is_shown_squares(tmp_path) -> None:
    assert shown_size(np.zeros((2, 40, 30, 3)), 784) == (28, 28)
    assert shown_size(np.zeros((2, 40, 30)), 1200) == (40, 30)
    folder = pets(tmp_path / "pets", ((40, 30),), n=2)
    wanted = STDPConfig(model="competitive_stdp", rule="stdp", dataset=str(folder))
    assert prepared(wanted).endswith("to 28 x 28 pixels by area averaging, which changes their"
                                     " proportions")  # fmt: skip


@pytest.mark.slow
def test_layers_that_learn_by_stdp_see_images_in_their_size(tmp_path) -> None:
    folder = pets(tmp_path / "pets", ((40, 30),))
    wanted = STDPConfig(
        model="competitive_stdp", rule="stdp", dataset=str(folder), n_train=2, n_label=2, n_test=2,
        n_neurons=4, present_ms=10.0, rest_ms=1.0, min_spikes=0, dt_ms=0.5,
    )  # fmt: skip
    with pytest.warns(UserWarning, match=r"to grey .* resized from 40 x 30 to 28 x 28"):
        run = train_stdp(wanted)
    assert "28 x 28" in run.config["images"]
    assert run.summary["n_test"] == 2
