"""Test images that were trained on: how many, and where a run says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import spikelearn as sl
from spikelearn.training import TrainingWarning
from spikelearn.training.seen_before import n_seen, seen_before

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 10


def test_examples_are_counted_by_content() -> None:
    learned, shown = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0]] * 3)
    assert n_seen(learned, shown) == 3
    assert n_seen(shown, learned) == 1
    assert n_seen(IMAGES, IMAGES[::2]) == 30
    assert n_seen(IMAGES[:30], IMAGES[30:]) == 0
    assert n_seen(IMAGES, IMAGES[:3] ^ 1) == 0


def test_each_part_has_a_sentence_of_its_own() -> None:
    assert seen_before(IMAGES[:30], IMAGES[30:40], IMAGES[40:]) == []
    assert seen_before(IMAGES, None, IMAGES[30:]) == [
        "30 of 30 test images are training images too (the same content), so that test accuracy is"
        " partly one of memory"
    ]
    validation = seen_before(IMAGES[:30], IMAGES[29:40], IMAGES[40:], "example")
    assert validation == [
        "1 of 11 validation examples is a training example too (the same content), so that"
        " validation accuracy is partly one of memory"
    ]


def test_test_images_by_which_the_epoch_is_chosen_are_told() -> None:
    assert seen_before(IMAGES[:30], IMAGES[30:40], IMAGES[35:]) == [
        "5 of 10 validation images are test images too (the same content), so that test accuracy is"
        " partly that of a choice by it"
    ]
    assert seen_before(IMAGES[:30], IMAGES[30:31], IMAGES[30:])[0].startswith(
        "1 of 1 validation images is a test image too"
    )


def test_a_run_says_how_many_of_its_test_images_it_trained_on(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "mine.npz",
        train_images=IMAGES,
        train_labels=LABELS,
        test_images=np.concatenate([IMAGES[:20], 255 - IMAGES[:5]]),
        test_labels=np.concatenate([LABELS[:20], LABELS[:5]]),
    )
    config = sl.TrainConfig(
        model="mlp_64", rule="backprop", dataset=str(tmp_path / "mine.npz"), epochs=1
    )
    with pytest.warns(TrainingWarning) as warned:
        run = sl.train(config)
    told = [str(w.message) for w in warned]
    assert any("of 25 test images are training images too" in sentence for sentence in told)
    held = 6  # a tenth is for validation; those among the twenty were not learned
    count = int(run.summary["flag"].split(" of 25 test images")[0].split()[-1])
    assert 20 - held <= count <= 20
    chosen_by = 20 - count  # the others are among the validation images
    assert f"{chosen_by} of 6 validation images" in run.summary["flag"]


def test_copies_that_lie_on_both_sides_of_the_held_out_fifth_are_told(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "twice.npz",
        images=np.concatenate([IMAGES, IMAGES]),
        labels=np.concatenate([LABELS, LABELS]),
    )
    config = sl.TrainConfig(
        model="mlp_64", rule="backprop", dataset=str(tmp_path / "twice.npz"), epochs=1
    )
    with pytest.warns(TrainingWarning) as warned:
        run = sl.train(config)
    told = [str(w.message) for w in warned]
    assert any("test images are training images too" in sentence for sentence in told)
    assert any("validation images are training images too" in sentence for sentence in told)
    assert "test images are training images too" in run.summary["flag"]


def test_training_by_stdp_learns_the_images_that_are_named_and_says_what_it_has_seen(
    tmp_path: Path,
) -> None:
    images = RANDOM.integers(0, 17, (20, 28, 28), dtype=np.uint8)
    labels = np.arange(20) % 2
    np.savez(
        tmp_path / "mine.npz",
        train_images=images[:12], train_labels=labels[:12],
        test_images=images[10:], test_labels=labels[10:],
    )  # fmt: skip
    config = sl.STDPConfig(
        dataset=str(tmp_path / "mine.npz"), image_range=(0, 16),
        n_train=12, n_label=12, n_test=10, chunk=6, present_ms=20, rest_ms=0,
    )  # fmt: skip
    with pytest.warns(TrainingWarning, match="2 of 10 test images are training images too"):
        run = sl.train_stdp(config)
    assert run.summary["flag"].startswith("2 of 10 test images are training images too")
    assert run.summary["chance"] == 0.5  # of two classes; MNIST has ten
    with pytest.raises(sl.SpikelearnError, match="nothing above 16"):
        sl.train_stdp(config.changed("image_range", None))


def test_data_sets_of_events_have_examples_not_images(monkeypatch) -> None:
    from types import SimpleNamespace

    from spikelearn.training import examples

    class ToldError(Exception):
        pass

    def told(learned, validation, test, what="image"):
        raise ToldError(what)

    part = SimpleNamespace(x=None)
    config = sl.TrainConfig(model="snn_shd", rule="surrogate", dataset="shd")
    monkeypatch.setattr(examples, "load_events", lambda name: SimpleNamespace(train=(), test=()))
    monkeypatch.setattr(examples, "split_events", lambda data, config: (part, part, part))
    monkeypatch.setattr(examples, "seen_before", told)
    with pytest.raises(ToldError, match="example"):
        examples.examples(config, {})
