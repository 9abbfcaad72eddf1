"""Backpropagation (Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0): the baseline.

    delta_L = dC/dz_L,   delta_l = (W_(l+1)^T delta_(l+1)) * phi'(z_l)
    dW_l = -eta delta_l h_(l-1)^T

computed by torch's automatic differentiation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch.nn.functional import cross_entropy

from spikelearn.rules.rule import Rule


class Backprop(Rule):
    """Gradient descent on the cross-entropy."""

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
    }

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the gradient in `.grad` and apply it once."""
        parameters = list(self.network.parameters())
        loss = cross_entropy(self.network(x), y)
        gradients = torch.autograd.grad(loss, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        apply()
        return loss.detach()
