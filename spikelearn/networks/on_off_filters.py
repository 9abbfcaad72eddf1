"""What on and off cells with a centre and a surround see: differences of two Gaussians.

    on  = max(0, c),  off = max(0, -c),   c = (G_1 - G_2) * image,  sigma 1 and 2 pixels

in a square of 7 x 7 pixels, each Gaussian with the sum 1, so that a uniform image is not seen. The
edge of the image is continued beyond it. The strongest of all cells of an image is 1: contrast
makes no difference to any (Kheradpisheh et al. 2018, doi:10.1016/j.neunet.2017.12.005).
"""

from __future__ import annotations

import torch
from torch.nn.functional import conv2d, pad

SIGMAS, SIDE = (1.0, 2.0), 7
_SEEN = 1e-6  # of the largest intensity: less is rounding


def difference_of_gaussians() -> torch.Tensor:
    """The filter c, of shape (side, side), in 64 bits; its sum is 0."""
    at = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    squared = at[:, None].square() + at.square()
    narrow, wide = (torch.exp(-squared / (2.0 * sigma**2)) for sigma in SIGMAS)
    return narrow / narrow.sum() - wide / wide.sum()


def on_off(images: torch.Tensor) -> torch.Tensor:
    """On cells of every channel, then off cells: (batch, 2 channels, height, width).

    Parameters
    ----------
    images : tensor of shape (batch, channels, height, width)
    """
    n, channels, height, width = images.shape
    one = images.reshape(n * channels, 1, height, width)
    framed = pad(one, (SIDE // 2,) * 4, mode="replicate")
    kernel = difference_of_gaussians().to(images)
    contrast = conv2d(framed, kernel[None, None]).view(n, channels, height, width)
    cells = torch.cat((contrast, -contrast), 1).clamp_min(0.0)
    strongest = cells.flatten(1).amax(1).view(-1, 1, 1, 1)
    seen = strongest > _SEEN * images.abs().flatten(1).amax(1).view(-1, 1, 1, 1)
    return torch.where(seen, cells / strongest.clamp_min(1e-30), 0.0)
