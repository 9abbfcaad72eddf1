"""Thumbnails of stimuli in their order."""

from __future__ import annotations

import numpy as np

from spikelearn.report.contact_sheet import MOST, contact_sheet, shown_numbers


def test_each_image_stands_under_its_number_and_name() -> None:
    images = np.zeros((7, 200, 120, 3), dtype=np.uint8)
    images[:, :, :, 0] = (30 * np.arange(7))[:, None, None]
    figure = contact_sheet(images, [f"a name that is long {i}" for i in range(7)], columns=4)
    drawn = [axis for axis in figure.axes if axis.images]
    assert len(drawn) == 7
    for number, axis in enumerate(drawn):
        assert axis.get_title().startswith(f"{number + 1}. a name that")
        assert len(axis.get_title()) < 20
        thumbnail = axis.images[0].get_array()
        assert thumbnail.shape == (96, 58, 3)
        assert (thumbnail[:, :, 0] == 30 * number).all()
    grey = contact_sheet(np.full((2, 8, 8), 7, np.uint8), ["a$b$", "b"])
    assert grey.axes[0].images[0].get_clim() == (0, 255)
    assert grey.axes[0].get_title() == "1. a$b$"


def test_of_very_many_the_first_and_the_last_are_shown() -> None:
    assert shown_numbers(5) == [0, 1, 2, 3, 4]
    numbers = shown_numbers(3 * MOST)
    assert len(numbers) == MOST
    assert numbers[0] == 0
    assert numbers[-1] == 3 * MOST - 1
    assert numbers == sorted(numbers)
