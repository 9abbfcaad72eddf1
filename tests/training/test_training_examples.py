"""The examples of a run, and what they and its processes take of memory."""

from __future__ import annotations

import pytest

from spikelearn._room import NoRoomError
from spikelearn.training import memory
from spikelearn.training.config import TrainConfig
from spikelearn.training.examples import examples


def config() -> TrainConfig:
    return TrainConfig(model="mlp_64", rule="backprop", dataset="digits", n_train=200)


def test_validation_is_a_part_of_the_training_images_and_nothing_is_wrong_with_them() -> None:
    wanted = config()
    (training, validation, test), seen = examples(wanted, wanted.complete())
    assert (len(training.y), len(validation.y)) == (180, 20)
    assert len(test.y) > 100
    assert seen == []


def test_every_further_process_takes_memory_which_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    one, three = (memory.needed_parts(config(), 500, ranks) for ranks in (1, 3))
    assert three[0].n_bytes == 3 * one[0].n_bytes
    assert [part.what for part in three[len(one) :]] == ["2 further processes"]
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 300e6)
    wanted = config()
    examples(wanted, wanted.complete())
    with pytest.raises(NoRoomError, match="use fewer ranks"):
        examples(wanted, wanted.complete(), 3)
