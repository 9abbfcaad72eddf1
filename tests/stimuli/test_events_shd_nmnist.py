"""Recorded spikes: files in the layout of the published ones, and training on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.rules import make_rule
from spikelearn.stimuli import EventPart, load_dataset, load_events
from spikelearn.stimuli.nmnist import read_events
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import train

RNG = np.random.default_rng


def write_shd(cache: Path, n: int = 8, **changes: Any) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Both files, as published: ragged arrays of seconds in 16 bits and of channels."""
    import h5py

    (cache / "shd").mkdir(parents=True)
    parts = []
    for seed, name in enumerate(("shd_train.h5", "shd_test.h5")):
        rng, trains = RNG(seed), []
        labels = np.arange(n) % 20
        for label in labels:  # every digit has channels of its own
            size = int(rng.integers(200, 300))
            times = np.sort(rng.uniform(0.0, 0.9, size)).astype(np.float16)
            channels = (35 * label + rng.integers(0, 35, size)).astype(np.uint16)
            trains.append((times, channels))
        with h5py.File(cache / "shd" / name, "w") as file:
            for key, index, kind in (("times", 0, np.float16), ("units", 1, np.uint16)):
                data = file.create_dataset(f"spikes/{key}", (n,), h5py.vlen_dtype(kind))
                for i, train_ in enumerate(trains):
                    data[i] = train_[index]
            file["labels"] = changes.get("labels", labels.astype(np.uint16))
        parts.append(trains)
    return parts


def encoded(events: list[tuple[int, int, int, int]]) -> bytes:
    """Events (x, y, t, p) in N-MNIST's five bytes."""
    return b"".join(
        bytes([x, y, (p << 7) | (t >> 16), (t >> 8) & 255, t & 255]) for x, y, t, p in events
    )


def write_nmnist(cache: Path, n: int = 3) -> None:
    """Folders of a digit each; digit d is events of row 3 d."""
    for seed, part in enumerate(("Train", "Test")):
        rng = RNG(seed)
        for digit in range(10):
            folder = cache / "nmnist" / part / str(digit)
            folder.mkdir(parents=True)
            for i in range(n):
                times = np.sort(rng.integers(0, 300_000, 200))
                events = [
                    (int(rng.integers(34)), 3 * digit, int(t), int(rng.integers(2))) for t in times
                ]
                (folder / f"{i:05d}.bin").write_bytes(encoded(events))


def test_the_heidelberg_digits_come_as_tonic_gives_them(no_data: Path) -> None:
    written = write_shd(no_data)
    data = load_events("shd")
    assert len(data.classes) == 20
    assert (len(data.train), len(data.test)) == (8, 8)
    for part, trains in zip((data.train, data.test), written, strict=True):
        for (events, label), (times, channels), expected in zip(
            part, trains, range(8), strict=True
        ):
            assert label == expected
            assert events.dtype.names == ("t", "x", "p")
            np.testing.assert_array_equal(events["x"], channels)
            np.testing.assert_allclose(events["t"], times.astype(float) * 1e6, atol=0.5)
            assert (events["p"] == 1).all()


def test_nmnist_comes_as_tonic_gives_it(no_data: Path) -> None:
    write_nmnist(no_data)
    data = load_events("nmnist")
    assert len(data.train) == 30
    events, label = data.train[-1]
    assert label == 9
    assert events.dtype.names == ("x", "y", "t", "p")
    assert (events["y"] == 27).all()
    assert set(events["p"]) == {0, 1}
    assert (np.diff(events["t"]) >= 0).all()
    with pytest.raises(IndexError, match="30 recordings"):
        data.train[30]


def test_an_event_in_row_240_moves_the_clock_and_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(
        encoded(
            [(1, 2, 8000, 1), (0, 240, 0, 0), (33, 33, 5, 0), (0, 240, 0, 0), (3, 4, 70_000, 1)]
        )
    )
    found = read_events(path)
    assert found.tolist() == [(1, 2, 8000, 1), (33, 33, 8197, 0), (3, 4, 70_000 + 16_384, 1)]


def test_spikes_fall_into_their_time_steps(no_data: Path) -> None:
    write_nmnist(no_data, n=1)
    path = no_data / "nmnist" / "Train" / "0" / "00000.bin"
    path.write_bytes(
        encoded(
            [
                (5, 1, 0, 0),
                (5, 1, 4_999, 0),
                (5, 1, 5_000, 1),
                (6, 0, 14_999, 1),
                (6, 0, 24_999, 1),
                (0, 0, 25_000, 1),
            ]
        )
    )
    part = load_events("nmnist").train
    assert part.n_units == 2312
    with pytest.warns(UserWarning, match="1 of 6 spikes in 1 recording lie outside of the 3 steps"):
        found = part.binned([0], dt_ms=10.0, n_steps=3)
    assert found.shape == (1, 3, 2312)
    assert found.dtype == np.uint8
    steps, units = found[0].nonzero()
    number = found[0][steps, units]
    assert list(zip(steps.tolist(), units.tolist(), number.tolist(), strict=True)) == [
        (0, 34 + 5, 2), (1, 34 * 34 + 6, 1), (1, 34 * 34 + 34 + 5, 1), (2, 34 * 34 + 6, 1),
    ]  # fmt: skip


def events_at(times_ms: list[float]) -> EventPart:
    """A recording of one channel."""
    events = np.zeros(len(times_ms), dtype=[("t", np.float64), ("x", np.int64), ("p", np.int64)])
    events["t"] = np.array(times_ms) * 1000.0
    return EventPart(np.zeros(1, dtype=np.int64), (1, 1, 1), lambda index: events)


def test_more_spikes_than_can_be_counted_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="256 spikes in one step of 1 ms, where 255"):
        events_at([1.0] * 256).binned([0], 1.0, 3)
    assert events_at([1.0] * 255).binned([0], 1.0, 3)[0, :, 0].tolist() == [0, 255, 0]


@pytest.mark.parametrize(("name", "file"), [("shd", "shd_train.h5.zip"), ("nmnist", "Train.zip")])
def test_where_files_are_absent_one_sentence_says_what_to_download_and_where_to_put_it(
    name: str, file: str, no_data: Path
) -> None:
    with pytest.raises(DataUnavailableError) as raised:
        load_events(name)
    for word in (file, "https://", "SPIKELEARN_DATA", str(no_data / name)):
        assert word in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_are_something_else_are_refused(no_data: Path, tmp_path: Path) -> None:
    write_shd(no_data, labels=np.arange(3))
    with pytest.raises(SpikelearnError, match="must be of one length, found 8, 8 and 3"):
        load_events("shd")
    (no_data / "shd" / "shd_train.h5").write_bytes(b"PK something")
    with pytest.raises(SpikelearnError, match="not an HDF5 file; unpack"):
        load_events("shd")
    odd = tmp_path / "odd.bin"
    odd.write_bytes(b"123456")
    with pytest.raises(SpikelearnError, match="five bytes"):
        read_events(odd)
    odd.write_bytes(encoded([(40, 1, 0, 0)]))
    with pytest.raises(SpikelearnError, match="outside"):
        read_events(odd)
    for folder in ("Train", "Test"):
        (no_data / "nmnist" / folder).mkdir(parents=True)
    with pytest.raises(SpikelearnError, match=r"0/\*\.bin to 9/\*\.bin"):
        load_events("nmnist")
    with pytest.raises(SpikelearnError, match="shd, nmnist"):
        load_events("imagenet")
    with pytest.raises(SpikelearnError, match="spike trains, not images"):
        load_dataset("shd")


def config(rule: str, **changes: Any) -> TrainConfig:
    options = {"model": "snn_shd", "dataset": "shd", "epochs": 6, "batch_size": 10, **changes}
    return TrainConfig(rule=rule, learning_rate=3e-3, **options)


@pytest.mark.filterwarnings("ignore:.*spikes in 60 recordings lie outside of the 30 steps")
@pytest.mark.filterwarnings("ignore:.*rates explode")  # forty neurons have little choice
@pytest.mark.parametrize("rule", ["surrogate", "eprop_spiking", "ottt", "decolle"])
def test_spiking_rules_learn_recorded_spikes(rule: str, no_data: Path, tmp_path: Path) -> None:
    from spikelearn._files import write_yaml

    write_shd(no_data, n=60)
    model = tmp_path / "small.yaml"
    fields: dict[str, Any] = {
        "sizes": [700, 40, 20],
        "duration_ms": 900.0,
        "dt_ms": 30.0,
        "tau_m_ms": 60.0,
    }
    fields |= {"v_threshold_mv": 0.2, "recurrent": True, "readout": "potential"}
    write_yaml(model, {"kind": "spiking_mlp", "name": "small", **fields})
    run = train(config(rule, model=str(model), epochs=25), tmp_path / "runs")
    assert run.summary["n_test"] == 60
    assert run.summary["test_accuracy"] > 0.5  # chance is 0.05
    assert run.config["source"] == "full"


def test_models_that_do_not_fit_recorded_spikes_are_refused(no_data: Path) -> None:
    write_shd(no_data)
    with pytest.raises(
        SpikelearnError, match=r"784 inputs .* 700 sources of spikes and 20 classes"
    ):
        train(config("surrogate", model="snn_784"))
    with pytest.raises(SpikelearnError, match="train a model of kind spiking_mlp"):
        train(config("backprop", model="mlp_784"))
    with pytest.raises(SpikelearnError, match="n_train is 30, but shd"):
        train(config("surrogate", n_train=30))


def test_given_spikes_are_those_that_the_network_sees() -> None:
    network = SpikingMLP(name="m", sizes=(9, 8, 4), duration_ms=12.0).build(0)
    x = torch.rand(5, 9)
    drawn = network.encode(x, torch_generator(0, "evaluation"))
    rule = make_rule("surrogate")
    rule.prepare(network, torch_generator(0, "rule"))
    given = drawn.transpose(0, 1).to(torch.uint8)
    assert torch.equal(rule.predict(given), rule.predict(x))
    with pytest.raises(SpikelearnError, match="11 time steps, but the network has 12"):
        rule.predict(given[:, 1:])


def test_the_command_line_trains_on_them_and_says_where_they_belong(
    no_data: Path, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from spikelearn.cli import app

    def call(*arguments: str) -> Any:
        return CliRunner().invoke(app, list(arguments))

    missing = call("train", "--rule", "surrogate", "--dataset", "shd", "--out", str(tmp_path))
    assert missing.exit_code == 1
    assert "place the file at" in missing.output
    assert "absent" in call("datasets").output
    assert call("download", "nmnist").exit_code == 1
    write_shd(no_data, n=20)
    trained = call(
        "train", "--rule", "surrogate", "--dataset", "shd", "--epochs", "1", "--out",
        str(tmp_path / "runs"),
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert "snn_shd" in trained.output
