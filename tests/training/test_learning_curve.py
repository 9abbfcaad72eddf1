"""The learning curve is on disk while a run is trained, whole, and stays with it."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn._atomic import workers_on
from spikelearn._store import CURVE, DamagedResultError
from spikelearn.rules import make_rule
from spikelearn.stimuli.datasets import load_dataset
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.images import split
from spikelearn.training.learning_curve import alignment, read_curve, rows_of
from spikelearn.training.loop import train
from spikelearn.training.stdp_training import train_stdp

CONFIG = TrainConfig(
    model="mlp_64", rule="feedback_alignment", dataset="digits", epochs=4, n_train=100
)
STDP = STDPConfig(source="embedded", n_train=6, n_label=10, n_test=10, chunk=2)


def stopped_in(epoch: int, runs: Path, seen: list[list[dict[str, float]]] | None = None) -> Path:
    """A run that is interrupted in an epoch; where its curve is."""

    def stop(fraction: float, words: str) -> None:
        for curve in runs.glob(f".*.{CURVE}"):
            if seen is not None:
                seen.append(read_curve(curve))
        if words.startswith(f"epoch {epoch} "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, runs, stop)
    return runs / f".{CONFIG.run_name()}.{CURVE}"


def test_the_curve_is_whole_after_every_epoch_and_goes_on_with_the_run(tmp_path: Path) -> None:
    seen: list[list[dict[str, float]]] = []
    curve = stopped_in(3, tmp_path, seen)
    # As each epoch begins, those before it stand there.
    assert sorted({len(rows) for rows in seen}) == [1, 2, 3]
    before = read_curve(curve)
    assert [row["epoch"] for row in before] == [0, 1, 2]
    assert all(row["seconds"] > 0 for row in before)
    run = train(CONFIG, tmp_path)
    assert run.folder is not None
    assert [p.name for p in tmp_path.iterdir()] == [run.folder.name]
    whole = pd.read_csv(run.folder / CURVE)
    pd.testing.assert_frame_equal(
        whole[list(run.epochs.columns)], run.epochs, check_exact=True, check_dtype=False
    )
    # Seconds of epochs that another process computed are those that it told.
    assert list(whole["seconds"][:3]) == [row["seconds"] for row in before]
    assert rows_of(run.folder)[:3] == before


def test_a_run_that_was_stored_without_a_curve_has_that_of_its_table(tmp_path: Path) -> None:
    run = train(CONFIG, tmp_path)
    assert run.folder is not None
    (run.folder / CURVE).unlink()
    assert [row["epoch"] for row in rows_of(run.folder)] == list(run.epochs["epoch"])


def test_a_damaged_curve_costs_seconds_alone(tmp_path: Path) -> None:
    curve = stopped_in(3, tmp_path)
    curve.write_bytes(b'epoch,seconds\n1,"\xff\x00')
    with pytest.raises(DamagedResultError, match="cannot be read"):
        read_curve(curve)
    run = train(CONFIG, tmp_path)
    assert run.folder is not None
    whole = pd.read_csv(run.folder / CURVE)
    assert list(whole["seconds"].isna()) == [True] * 3 + [False] * 2
    pd.testing.assert_frame_equal(whole[list(run.epochs.columns)], run.epochs, check_dtype=False)


def test_a_run_that_ends_before_its_first_epoch_leaves_nothing(tmp_path: Path) -> None:
    stopped_in(1, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_others_can_tell_that_a_run_is_made(tmp_path: Path) -> None:
    told: list[list[str]] = []
    folder = tmp_path / CONFIG.run_name()
    train(CONFIG, tmp_path, lambda fraction, words: told.append(workers_on(folder)))
    assert told[0] == [f"process {os.getpid()}"]
    assert workers_on(folder) == []


def test_parts_of_stdp_stand_in_the_curve_also_where_none_is_left_to_learn(tmp_path: Path) -> None:
    def stop(fraction: float, words: str) -> None:
        if fraction > 0.9:  # all is learned, and neurons take their labels
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_stdp(STDP, tmp_path, stop)
    (curve,) = tmp_path.glob(f".*.{CURVE}")
    assert [row["images"] for row in read_curve(curve)] == [2, 4, 6]
    run = train_stdp(STDP, tmp_path)
    assert run.folder is not None
    whole = pd.read_csv(run.folder / CURVE)
    pd.testing.assert_frame_equal(whole[list(run.epochs.columns)], run.epochs, check_dtype=False)
    assert whole["seconds"].notna().all()


def test_measuring_the_alignment_moves_nothing() -> None:
    # One that draws noise, one that carries weights beside the network's.
    for name in ("weight_perturbation", "kolen_pollack"):
        config = TrainConfig(model="mlp_64", rule=name, dataset="digits", n_train=60)
        _, validation, _ = split(load_dataset("digits"), config)
        rule = make_rule(name)
        generator = torch.Generator().manual_seed(0)
        rule.prepare(config.description().build(0), generator)  # type: ignore[union-attr]
        weights = [p.clone() for p in rule.parameters()]
        state = generator.get_state()
        found = alignment(rule, validation)
        assert len(found) == 3
        assert set(found) == {f"gradient_cosine.{layer}" for layer in rule.activity(validation.x)}
        assert torch.equal(generator.get_state(), state)
        assert all(torch.equal(a, b) for a, b in zip(weights, rule.parameters(), strict=True))
    backprop = make_rule("backprop")
    backprop.prepare(config.description().build(0), generator)  # type: ignore[union-attr]
    assert all(value == pytest.approx(1.0) for value in alignment(backprop, validation).values())


def test_a_run_that_fails_says_so_and_keeps_its_curve(tmp_path: Path) -> None:
    config = CONFIG.changed(
        {"rule": "backprop", "changes": {"activation": "relu"}, "optimizer": "sgd",
         "learning_rate": 1e30}
    )  # fmt: skip
    with pytest.raises(SpikelearnError, match="no longer finite"):
        train(config, tmp_path)
    assert not list(tmp_path.glob(".*.work-*"))
