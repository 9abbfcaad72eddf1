"""Backpropagation (Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0): the baseline.

    delta_L = dC/dz_L,   delta_l = (W_(l+1)^T delta_(l+1)) * phi'(z_l)
    dW_l = -eta delta_l h_(l-1)^T

computed by torch's automatic differentiation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch

from spikelearn.rules.rule import Loss, Rule, check_option, leave, output_loss


class Backprop(Rule):
    """Gradient descent on the loss.

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn", "residual_mlp")
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
    }

    def __init__(self, loss: Loss = "cross_entropy") -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        self.loss = loss

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the gradient in `.grad` and apply it once."""
        parameters = list(self.network.parameters())
        loss = output_loss(self.loss, self.network(x), y)[0]
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()
