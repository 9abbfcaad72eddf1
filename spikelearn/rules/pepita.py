"""PEPITA: the error perturbs the input, and a second pass forwards teaches every layer.

Dellaferrera & Kreiman 2022, arXiv:2201.11665. A first pass gives the activities h_l and the error e
at the output (softmax minus label). The second pass sees the input x + F e, F fixed and random, and
gives h~_l and e~; then

    dW_1 = -eta (h_1 - h~_1) (x + F e)^T
    dW_l = -eta (h_l - h~_l) h~_(l-1)^T            hidden layers above the first
    dW_L = -eta e~ h~_(L-1)^T,  or e h_(L-1)^T with `error_of: first`

With small F a hidden update points, in the first order, along -[(W_1 F e) * phi'] x^T. F = 0 leaves
the delta rule at the output. Biases learn by the same signals. F is `extra["projection"]`, its
entries uniform with the deviation `scale` * sqrt(2 / n_inputs), as in the paper (scale 0.05).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.rules import _refusals
from spikelearn.rules.rule import (
    Axis,
    Loss,
    Rule,
    check_option,
    check_range,
    output_loss,
)


class Pepita(Rule):
    r"""A second pass with the error in the input (Dellaferrera & Kreiman 2022).

    Present the error to perturb the input.

    Parameters
    ----------
    scale : float
        Standard deviation of F, in units of that of He's initialisation.
    error_of : {"second", "first"}
        Whose error the output layer learns from, with the activity of the same pass.
    keep : float
        Fraction of the hidden units that take part (dropout with one mask in both passes).
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    A second pass sees the input with the error in it, :math:`\tilde h_0 = x + F e`, F fixed and
    random:

    .. math::

       \Delta W_1 &= -\eta \, (h_1 - \tilde h_1) (x + F e)^\top \\
       \Delta W_l &= -\eta \, (h_l - \tilde h_l) \tilde h_{l-1}^\top \qquad (1 < l < L) \\
       \Delta W_L &= -\eta \, \tilde e \, \tilde h_{L-1}^\top

    Paper: Dellaferrera & Kreiman 2022, arXiv:2201.11665.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "none"
    refuses: ClassVar[dict[str, str]] = _refusals.PEPITA
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": False,
    }

    def __init__(
        self,
        scale: float = 0.05,
        error_of: Literal["second", "first"] = "second",
        keep: float = 1.0,
        loss: Loss = "cross_entropy",
    ) -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        check_option("error_of", error_of, ("second", "first"))
        check_range("scale", scale, 0.0)
        check_range("keep", keep, 1e-3, 1.0)
        self.scale, self.error_of, self.keep, self.loss = scale, error_of, keep, loss

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw F."""
        super().prepare(network, generator)
        layers = list(self.network)
        n_inputs, n_classes = math.prod(layers[0].in_shape), layers[-1].out_shape[0]
        bound = self.scale * math.sqrt(2.0 / n_inputs) * math.sqrt(3.0)
        drawn = torch.empty(n_inputs, n_classes).uniform_(-bound, bound, generator=generator)
        self.extra["projection"] = nn.ParameterList([nn.Parameter(drawn, requires_grad=False)])

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """From classes to inputs."""
        return {"projection.0": (None, None)}

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        masks = self._masks(x)
        first = self._pass(x, masks)
        loss, error = output_loss(self.loss, first[-1][1], y)
        batch = len(x)
        projection = next(self.extra["projection"].parameters())
        perturbed = x.flatten(1) + batch * error @ projection.T
        second = self._pass(perturbed, masks)
        error_again = output_loss(self.loss, second[-1][1], y)[1]
        for index, layer in enumerate(self.network):
            below, h = first[index]
            below_again, h_again = second[index]
            if index < len(self.network) - 1:
                # Of the neurons themselves, before they are pooled.
                signal, read = (h - h_again) / batch, below_again
            elif self.error_of == "second":
                signal, read = error_again, below_again
            else:
                signal, read = error, below
            layer.weight.grad, layer.bias.grad = layer.product(read, signal)
        apply()
        return loss

    def _pass(
        self, x: torch.Tensor, masks: list[torch.Tensor | None]
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Input and activity of every layer, the latter before it is pooled."""
        layers, below = [], x
        for layer, mask in zip(self.network, [*masks, None], strict=True):
            h = layer.fire(layer.drive(below))
            if mask is not None:
                h = h * mask
            layers.append((below, h))
            below = layer.send(h)
        return layers

    def _masks(self, x: torch.Tensor) -> list[torch.Tensor | None]:
        hidden = list(self.network)[:-1]
        if self.keep == 1:
            return [None] * len(hidden)
        return [
            (self.draw((len(x), *layer.drive_shape),
                       ("batch", i, *(None,) * (len(layer.drive_shape) - 1)), "uniform")
             < self.keep).to(x.dtype) / self.keep
            for i, layer in enumerate(hidden)
        ]  # fmt: skip
