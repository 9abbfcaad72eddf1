"""Cells with a centre and a surround."""

from __future__ import annotations

import torch

from spikelearn.networks.on_off_filters import SIDE, difference_of_gaussians, on_off


def test_the_filter_sums_to_nothing_and_is_the_same_from_all_sides() -> None:
    kernel = difference_of_gaussians()
    assert abs(float(kernel.sum())) < 1e-15
    assert float(kernel[SIDE // 2, SIDE // 2]) > 0 > float(kernel[0, 0])
    for other in (kernel.T, kernel.flip(0), kernel.flip(1)):
        torch.testing.assert_close(kernel, other, rtol=0, atol=1e-16)


def test_a_uniform_image_is_not_seen_and_contrast_makes_no_difference() -> None:
    assert not on_off(torch.full((2, 1, 9, 9), 0.7)).any()
    assert not on_off(torch.zeros(1, 1, 9, 9)).any()
    image = torch.rand(2, 1, 9, 9, dtype=torch.float64)
    torch.testing.assert_close(on_off(image), on_off(0.1 * image + 0.3), rtol=1e-9, atol=1e-12)


def test_a_bright_point_is_seen_by_on_cells_and_a_dark_one_by_off_cells() -> None:
    image = torch.zeros(1, 1, 11, 11)
    image[0, 0, 5, 5] = 1.0
    on, off = on_off(image)[0]
    assert float(on[5, 5]) == 1.0
    assert float(off[5, 5]) == 0.0
    assert float(off.max()) > 0
    assert torch.allclose(on_off(1.0 - image)[0], torch.stack((off, on)), atol=1e-6)
