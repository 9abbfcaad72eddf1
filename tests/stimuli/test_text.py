"""The next letter of a text."""

from __future__ import annotations

import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn.stimuli import text
from spikelearn.training.config import TrainConfig
from spikelearn.training.images import split


def test_windows_of_the_text_are_followed_by_their_class() -> None:
    found, letters = text.load(), text.read()
    assert set(letters) == set(text.ALPHABET)
    assert letters.startswith(
        "chapter i down the rabbit hole alice was beginning to get very tired"
    )
    for index in (0, 17, 4000):
        shown = "".join(text.ALPHABET[row.argmax()] for row in found.train_images[index])
        assert shown == letters[index : index + text.WINDOW]
        assert text.ALPHABET[found.train_labels[index]] == letters[index + text.WINDOW]
    assert (found.train_images.sum(2) == 255).all()
    # No letter is in both parts.
    n_train = len(found.train_labels) + text.WINDOW
    first = "".join(text.ALPHABET[row.argmax()] for row in found.test_images[0])
    assert first == letters[n_train : n_train + text.WINDOW]


def test_no_letter_is_in_the_training_and_the_validation_part() -> None:
    found, letters = text.load(), text.read()
    for n_train in (None, 1000):
        config = TrainConfig(
            model="elman_text", rule="eprop", dataset="text", n_train=n_train, seed=3
        )
        training, validation, _ = split(found, config)
        n, n_validation = n_train or len(found.train_labels), len(validation.y)
        assert n_validation == round(0.1 * n)
        # Windows begin at 0, 1, 2 ...; the last letter of one is its class.
        last_learned = len(training.y) - 1 + text.WINDOW
        first_held = n - n_validation
        assert last_learned == first_held - 1
        rows = validation.x[0].reshape(text.WINDOW, -1).argmax(1)
        shown = "".join(text.ALPHABET[i] for i in rows)
        assert shown == letters[first_held : first_held + text.WINDOW]
        assert torch.equal(training.y[:5], torch.from_numpy(found.train_labels[:5]).long())
    with pytest.raises(SpikelearnError, match="no training image is left"):
        split(found, config.model_copy(update={"n_train": 25}))
