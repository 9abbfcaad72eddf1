"""Surrogate derivatives of the step at threshold, by name.

The forward pass spikes, S = Theta(x) for the distance x = v - threshold in mV; the backward pass
takes psi(x) for dS/dx. Each is the derivative of a smooth step, scaled so that psi(0) is 1 (fast
sigmoid, triangle, box, Gaussian), or as its authors have it (arctan, sigmoid), with slope k in
1/mV:

fast_sigmoid   1 / (1 + k |x|)^2              Zenke & Ganguli 2018, doi:10.1162/neco_a_01086
arctan         k/2 / (1 + (pi k x / 2)^2)     Fang et al. 2021, arXiv:2007.05785
sigmoid        k s (1 - s), s = 1/(1+e^-kx)   Zenke & Vogels 2021, doi:10.1162/neco_a_01367
triangle       max(0, 1 - k |x|)              Bellec et al. 2018, arXiv:1803.09574
box            1 where k |x| < 1/2            Wu et al. 2018, doi:10.3389/fnins.2018.00331
gaussian       exp(-(k x)^2 / 2)              Yin et al. 2021, doi:10.1038/s42256-021-00397-w

`superspike` is another name of the fast sigmoid.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from spikelearn._errors import SpikelearnError, nearest

Psi = Callable[[torch.Tensor], torch.Tensor]
SURROGATE_SLOPE = 25.0


def _fast_sigmoid(x: torch.Tensor, k: float) -> torch.Tensor:
    return x.abs().mul_(k).add_(1.0).square_().reciprocal_()


def _arctan(x: torch.Tensor, k: float) -> torch.Tensor:
    return (x * (math.pi * k / 2.0)).square_().add_(1.0).reciprocal_().mul_(k / 2.0)


def _sigmoid(x: torch.Tensor, k: float) -> torch.Tensor:
    s = torch.sigmoid(k * x)
    return k * s * (1.0 - s)


def _triangle(x: torch.Tensor, k: float) -> torch.Tensor:
    return x.abs().mul_(-k).add_(1.0).clamp_min_(0.0)


def _box(x: torch.Tensor, k: float) -> torch.Tensor:
    return (x.abs() * k < 0.5).to(x.dtype)


def _gaussian(x: torch.Tensor, k: float) -> torch.Tensor:
    return (x * k).square_().mul_(-0.5).exp_()


SURROGATES: dict[str, Callable[[torch.Tensor, float], torch.Tensor]] = {
    "fast_sigmoid": _fast_sigmoid,
    "superspike": _fast_sigmoid,
    "arctan": _arctan,
    "sigmoid": _sigmoid,
    "triangle": _triangle,
    "box": _box,
    "gaussian": _gaussian,
}


def surrogate(name: str = "fast_sigmoid", slope: float = SURROGATE_SLOPE) -> Psi:
    """The surrogate derivative of that name, a function of the distance from threshold in mV.

    Raises
    ------
    SpikelearnError
        If there is none of that name, or the slope is not positive.
    """
    if name not in SURROGATES:
        raise SpikelearnError(
            f"there is no surrogate gradient '{name}'; {nearest(str(name), SURROGATES)}"
        )
    if isinstance(slope, bool) or not isinstance(slope, int | float) or not 0.0 < slope < math.inf:
        raise SpikelearnError(f"option 'slope' must be a positive number, found {slope!r}")
    k = float(slope)
    return lambda distance: SURROGATES[name](distance, k)
