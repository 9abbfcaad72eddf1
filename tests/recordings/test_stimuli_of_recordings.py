"""Images in the order of their names."""

from __future__ import annotations

from spikelearn.recordings._stimuli import natural


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["image10.png", "image9.png", "image2b.png", "image2.png", "a1"]
    assert sorted(names, key=natural) == [
        "a1", "image2.png", "image2b.png", "image9.png", "image10.png",
    ]  # fmt: skip
