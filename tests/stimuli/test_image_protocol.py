"""Images as trials: which are shown, to whom, by which encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.stimuli import ImageProtocol, RateEncoder, load_protocol, mnist, network_input


def test_images_become_trials_whose_pixels_fire_at_their_brightness(no_data: Path) -> None:
    protocol = load_protocol("mnist")
    assert isinstance(protocol, ImageProtocol)
    stimulus = protocol.realise({"input": 784}, 2000.0, 0.5, seed=0)
    images, labels = protocol.images()
    assert list(stimulus.labels) == labels
    assert stimulus.n_trials == 10
    rate = network_input(images, 28, 28) * 63.75 / 1000.0 * 2000.0
    counts = stimulus.spikes["input"].counts(10)
    assert (counts[rate == 0] == 0).all()
    assert np.corrcoef(rate.ravel(), counts.ravel())[0, 1] > 0.97
    assert abs(counts.sum() - rate.sum()) < 5 * np.sqrt(rate.sum())
    assert stimulus.provenance["protocol"]["dataset"] == "mnist"


def test_the_chosen_split_and_number_of_images_are_shown(no_data: Path) -> None:
    data = mnist.load("embedded")
    for split, images in (("train", data.train_images), ("test", data.test_images)):
        protocol = ImageProtocol(kind="images", name="i", dataset="mnist", split=split)  # type: ignore[arg-type]
        found, labels = protocol.images()
        np.testing.assert_array_equal(found, images)
        assert len(labels) == len(images)
    protocol = ImageProtocol(kind="images", name="i", dataset="mnist", n_images=3)
    assert len(protocol.images()[0]) == 3


def test_more_images_than_there_are_is_refused(no_data: Path) -> None:
    protocol = ImageProtocol(kind="images", name="many", dataset="mnist", n_images=1001)
    with pytest.raises(SpikelearnError) as raised:
        protocol.images()
    for word in ("many", "1001", "1000"):
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("sources", "words"),
    [({"input": 100}, ["784", "100", "input"]), ({"a": 784, "b": 784}, ["one spike source", "2"])],
)
def test_a_network_that_images_do_not_fit_is_refused(
    sources: dict[str, int], words: list[str], no_data: Path
) -> None:
    with pytest.raises(SpikelearnError) as raised:
        load_protocol("mnist").realise(sources, 100.0, 0.5, seed=0)
    assert "\n" not in str(raised.value)
    for word in words:
        assert word in str(raised.value)


def test_the_default_encoder_of_images_is_the_rate_code() -> None:
    assert ImageProtocol(kind="images", name="i", dataset="mnist").encoder == RateEncoder()


def test_every_data_set_of_the_toolkit_can_be_shown(no_data: Path) -> None:
    protocol = ImageProtocol(
        kind="images", name="i", dataset="digits", n_images=4, height=8, width=8
    )
    stimulus = protocol.realise({"input": 64}, 500.0, 0.5, 0)
    images, labels = protocol.images()
    assert list(stimulus.labels) == labels
    expected = network_input(images, 8, 8) * 63.75 * 0.5
    counts = stimulus.spikes["input"].counts(4)
    assert np.corrcoef(expected.ravel(), counts.ravel())[0, 1] > 0.9
    assert stimulus.provenance["source"] == "embedded"


def test_images_of_ones_own_are_shown_from_beside_the_protocol(tmp_path: Path) -> None:
    images = np.zeros((6, 2, 2), dtype=np.uint8)
    images[1::2] = 255
    np.savez(tmp_path / "mine.npz", images=images, labels=np.array(["dark", "light"] * 3))
    content = {
        "kind": "images", "name": "mine", "dataset": "mine.npz", "height": 2, "width": 2,
        "split": "train", "source": "eye",
        "encoder": {"kind": "bernoulli", "max_rate_hz": 2000.0},
    }  # fmt: skip
    write_yaml(tmp_path / "mine.yaml", content)
    stimulus = load_protocol(tmp_path / "mine.yaml").realise({"eye": 4, "ear": 3}, 10.0, 0.5, 0)
    counts = stimulus.spikes["eye"].counts(stimulus.n_trials)
    for label, count in zip(stimulus.labels, counts, strict=True):
        assert count.tolist() == [20 * (label == "light")] * 4
    assert not len(stimulus.spikes["ear"])


def film(encoder: dict[str, Any], folder: Path, n_frames: int = 2) -> ImageProtocol:
    """Two films of two frames: dark then light, and light then dark."""
    light = np.array([0, 255, 255, 0], dtype=np.uint8)[:, None, None]
    arrays = {
        f"{part}_{kind}": value
        for part in ("train", "test")
        for kind, value in (("images", light), ("labels", np.array(["d", "l", "l", "d"])))
    }
    np.savez(folder / "film.npz", **arrays)
    return ImageProtocol(
        kind="images", name="film", dataset=str(folder / "film.npz"), height=1, width=1,
        n_frames=n_frames, encoder=encoder,  # type: ignore[arg-type]
    )  # fmt: skip


def test_several_images_of_a_trial_follow_one_another(tmp_path: Path) -> None:
    fast = film({"kind": "bernoulli", "max_rate_hz": 1000.0}, tmp_path)
    stimulus = fast.realise({"in": 1}, 6.0, 1.0, 0)
    assert list(stimulus.labels) == ["d, l", "l, d"]
    trains = [stimulus.spikes["in"].trains(i)[0].tolist() for i in (0, 1)]
    assert trains == [[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]]
    early = film({"kind": "latency"}, tmp_path).realise({"in": 1}, 6.0, 1.0, 0)
    assert [early.spikes["in"].trains(i)[0].tolist() for i in (0, 1)] == [[3.0], [0.0]]
    change = film({"kind": "delta"}, tmp_path).realise({"in": 2}, 6.0, 1.0, 0)
    trains = [[t.tolist() for t in change.spikes["in"].trains(i)] for i in (0, 1)]
    assert trains == [[[3.0], []], [[0.0], [3.0]]]


def test_frames_that_do_not_fill_the_trials_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match="4 images cannot be shown 3 a trial"):
        film({"kind": "rate"}, tmp_path, 3).realise({"in": 1}, 6.0, 1.0, 0)
    with pytest.raises(SpikelearnError, match="5 steps cannot be divided into 2"):
        film({"kind": "rate"}, tmp_path).realise({"in": 1}, 5.0, 1.0, 0)
    with pytest.raises(SpikelearnError, match=r"need 2 sources.*delta.*'in' has 1"):
        film({"kind": "delta"}, tmp_path).realise({"in": 1}, 6.0, 1.0, 0)


def test_images_on_another_scale_are_shown_as_bright_as_they_are_meant(tmp_path: Path) -> None:
    images = (np.arange(6 * 4).reshape(6, 2, 2) % 17).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(6) % 2)
    protocol = ImageProtocol(
        kind="images", name="mine", dataset=str(tmp_path / "mine.npz"), height=2, width=2
    )
    with pytest.raises(SpikelearnError, match="nothing above 16"):
        protocol.images()
    whole = protocol.changed("image_range", (0, 16)).changed("split", "train").images()[0]
    assert whole.max() == 255
    named = ImageProtocol(kind="images", name="i", dataset="mnist", image_range=(0, 16))
    with pytest.raises(SpikelearnError, match="of one's own"):
        named.images()
