"""Images in the order of their names."""

from __future__ import annotations

from spikelearn.recordings._stimuli import image_files
from tests.recordings.examples import random_images, write_images


def test_images_of_a_folder_come_in_the_order_of_their_numbers(tmp_path) -> None:
    names = ["image10.png", "image9.png", "image2b.png", "image2.png", "a1.png"]
    write_images(tmp_path, names, random_images(5))
    (tmp_path / "notes.txt").write_text("no image")
    assert [file.name for file in image_files(tmp_path)] == [
        "a1.png", "image2.png", "image2b.png", "image9.png", "image10.png",
    ]  # fmt: skip
