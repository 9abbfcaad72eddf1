"""Stimulus protocols: what the shipped files say, and what is said of broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_folder, shipped_names
from spikelearn.stimuli import (
    ImageProtocol,
    PoissonProtocol,
    RateEncoder,
    Stimulus,
    load_protocol,
    mnist,
    network_input,
)

EXPECTED = {"poisson", "mnist", "kriegeskorte92"}


def test_the_promised_protocols_are_shipped() -> None:
    assert set(shipped_names("stimuli")) >= EXPECTED


@pytest.mark.parametrize("name", shipped_names("stimuli"))
def test_every_shipped_protocol_loads_by_name_and_by_path(name: str) -> None:
    by_name = load_protocol(name)
    path = shipped_folder("stimuli") / f"{name}.yaml"
    assert load_protocol(path) == by_name
    assert load_protocol(str(path)) == by_name
    assert by_name.name == name
    assert by_name.description


def test_a_poisson_stimulus_fires_every_source_at_its_rate() -> None:
    protocol = PoissonProtocol(kind="poisson", name="p", rate_hz=50.0, n_trials=3)
    stimulus = protocol.realise({"a": 200, "b": 100}, 1000.0, 0.5, seed=0)
    assert stimulus.n_trials == 3
    assert stimulus.labels == ["50 Hz"] * 3
    for name, size in (("a", 200), ("b", 100)):
        spikes = stimulus.spikes[name]
        assert spikes.size == size
        expected = 50.0 * size * 3
        assert abs(len(spikes) - expected) < 5 * np.sqrt(expected)


def test_one_seed_gives_one_stimulus_and_populations_have_streams_of_their_own() -> None:
    protocol = PoissonProtocol(kind="poisson", name="p", rate_hz=50.0)
    both = protocol.realise({"a": 20, "b": 20}, 200.0, 0.5, seed=1)
    alone = protocol.realise({"b": 20}, 200.0, 0.5, seed=1)
    other = protocol.realise({"b": 20}, 200.0, 0.5, seed=2)
    np.testing.assert_array_equal(both.spikes["b"].times_ms, alone.spikes["b"].times_ms)
    assert not np.array_equal(both.spikes["a"].times_ms, both.spikes["b"].times_ms)
    assert not np.array_equal(alone.spikes["b"].times_ms, other.spikes["b"].times_ms)


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


def test_a_stimulus_from_spike_times_holds_them() -> None:
    stimulus = Stimulus.from_spike_times("in", [[3.0, 1.0], [], [2.0]], label="mine")
    assert stimulus.labels == ("mine",)
    assert [t.tolist() for t in stimulus.spikes["in"].trains(0)] == [[1.0, 3.0], [], [2.0]]


IMAGES = "kind: images\nname: x\ndataset: mnist\n"
BROKEN = {
    "unknown_kind": ("kind: sound\nname: x\n", ["kind", "sound", "poisson", "images"]),
    "no_kind": ("name: x\nrate_hz: 3\n", ["kind"]),
    "unknown_field": ("kind: poisson\nname: x\nrate_hz: 3\nrate: 4\n", ["rate", "not permitted"]),
    "missing": ("kind: poisson\nname: x\n", ["rate_hz", "required"]),
    "negative": ("kind: poisson\nname: x\nrate_hz: -3\n", ["rate_hz", "greater", "0", "-3"]),
    "wrong_type": ("kind: poisson\nname: x\nrate_hz: fast\n", ["rate_hz", "number", "fast"]),
    "no_trial": ("kind: poisson\nname: x\nrate_hz: 1\nn_trials: 0\n", ["n_trials", "1", "0"]),
    "unknown_set": ("kind: images\nname: x\ndataset: cats\n", ["dataset", "mnist", "cats"]),
    "unknown_split": (IMAGES + "split: all\n", ["split", "train", "test", "all"]),
    "unknown_encoder": (
        IMAGES + "encoder: {kind: phase}\n",
        ["encoder", "rate", "latency", "phase"],
    ),
    "encoder_range": (
        IMAGES + "encoder: {kind: latency, threshold: 2}\n",
        ["encoder", "threshold", "less than 1"],
    ),
    "a_list": ("- 1\n- 2\n", ["mapping"]),
    "empty": ("", ["mapping"]),
    "a_number_for_a_field": ("kind: poisson\nname: x\nrate_hz: 3\n7: 8\n", ["7"]),
    "not_yaml": ("kind: [poisson\n", ["line"]),
    "python_object": ("kind: !!python/object/apply:os.getcwd []\n", ["line 1", "python"]),
    "not_utf8": (b"\xff\xfe\x00", ["cannot read"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_gets_one_sentence_with_file_and_field(case: str, tmp_path: Path) -> None:
    content, words = BROKEN[case]
    path = tmp_path / "broken.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SpikelearnError) as raised:
        load_protocol(path)
    message = str(raised.value)
    assert "\n" not in message
    assert "more mistake" not in message  # there is one
    assert "http" not in message
    for word in ["broken.yaml", *words]:
        assert word in message


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(SpikelearnError) as raised:
        load_protocol("nothing")
    for word in ("nothing", *EXPECTED):
        assert word in str(raised.value)


def test_the_default_encoder_of_images_is_the_rate_code() -> None:
    assert ImageProtocol(kind="images", name="i", dataset="mnist").encoder == RateEncoder()
