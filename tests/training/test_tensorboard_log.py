"""A log for TensorBoard: read by TensorBoard's own reader, each step once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn._store import CURVE
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.learning_curve import rows_of
from spikelearn.training.loop import train
from spikelearn.training.stdp_training import train_stdp

event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

CONFIG = TrainConfig(
    model="mlp_64", rule="weight_perturbation", dataset="digits", epochs=3, n_train=100
)


def logged(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by curve, as TensorBoard reads them."""
    events = event_accumulator.EventAccumulator(str(folder), {"scalars": 0})
    events.Reload()
    return {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


def as_logged(rows: list[dict[str, float]], name: str) -> list[tuple[int, float]]:
    return [(int(row["epoch"]), pytest.approx(row[name], rel=1e-6)) for row in rows]


def test_a_log_holds_the_curve_and_changes_no_number(tmp_path: Path) -> None:
    plain = train(CONFIG, tmp_path / "plain")
    run = train(CONFIG, tmp_path / "runs", tensorboard=tmp_path / "logs")
    assert run.folder is not None
    assert plain.folder is not None
    assert run.folder.name == plain.folder.name
    assert run.summary == plain.summary
    for one, other in zip(run.rule.parameters(), plain.rule.parameters(), strict=True):
        assert torch.equal(one, other)
    found = logged(tmp_path / "logs" / run.folder.name)
    rows = rows_of(run.folder)
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    layers = {name for name in rows[0] if name.startswith("gradient_cosine.")}
    assert len(layers) == 3
    for name in {"train_loss", "validation_accuracy", "seconds", *layers}:
        assert found[name.replace(".", "/", 1)] == as_logged(rows, name)
    test = [(run.summary["best_epoch"], pytest.approx(run.summary["test_accuracy"]))]
    assert found["test_accuracy"] == test
    assert len(found) == 7


def test_a_run_that_goes_on_has_each_step_once(tmp_path: Path) -> None:
    def stop(fraction: float, words: str) -> None:
        if words.startswith("epoch 3 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, tmp_path / "runs", stop, tensorboard=tmp_path / "logs")
    folder = tmp_path / "logs" / CONFIG.run_name()
    first = logged(folder)
    assert [step for step, _ in first["validation_accuracy"]] == [0, 1, 2]
    run = train(CONFIG, tmp_path / "runs", tensorboard=tmp_path / "logs")
    assert run.folder is not None
    found = logged(folder)
    assert len(list(folder.iterdir())) == 1
    for name, values in found.items():
        if name != "test_accuracy":
            assert [step for step, _ in values] == [0, 1, 2, 3]
            assert values[:3] == first[name]
    # What is read is logged, too, where it was not, and once.
    for _ in range(2):
        train(CONFIG, tmp_path / "runs", lambda *said: None, tensorboard=tmp_path / "later")
    assert logged(tmp_path / "later" / run.folder.name) == found


def test_the_parts_of_stdp_are_logged_without_what_is_not_known(tmp_path: Path) -> None:
    config = STDPConfig(source="embedded", n_train=6, n_label=10, n_test=10, chunk=2)
    run = train_stdp(config, tmp_path / "runs", tensorboard=tmp_path / "logs")
    assert run.folder is not None
    found = logged(tmp_path / "logs" / run.folder.name)
    rows = rows_of(run.folder)
    assert found["spikes_per_image"] == as_logged(rows, "spikes_per_image")
    assert [step for step, _ in found["training_accuracy"]] == [2, 3]  # none before the first
    assert (run.folder / CURVE).is_file()


def test_without_tensorboard_one_sentence_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(SpikelearnError, match=r"pip install 'spikelearn-toolkit\[tensorboard\]'"):
        train(CONFIG, tmp_path / "runs", tensorboard=tmp_path / "logs")
    assert list(tmp_path.iterdir()) == []


def test_a_place_for_logs_that_is_a_file_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(SpikelearnError, match=r"logs is a file, not a folder"):
        train(CONFIG, tmp_path / "runs", tensorboard=tmp_path / "logs")
    assert not (tmp_path / "runs").exists()
