"""The next letter of a text."""

from __future__ import annotations

from spikelearn.stimuli import text


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
