"""Forward gradient: exact directional derivatives by a tangent pass, and no backward pass.

Baydin et al. 2022, arXiv:2202.08587; on activities: Ren et al. 2023, arXiv:2210.03310. C is the
loss, V and v directions of variance 1, drawn at random:

    weights:    dW = -eta (grad C . V) V,       one direction V for the batch;
    activities: dz = (grad_z C . v) v for each sample, and dW_l = dz_l h_(l-1)^T.

The expected update is the gradient; its variance grows with the number of what is perturbed, as
that of the rules in `perturbation.py`, which measure the derivative by noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch

from spikelearn.networks.layers import RateNetwork
from spikelearn.rules.perturbation import PerturbationRule, by_sample, weight_axes
from spikelearn.rules.rule import (
    LayerPass,
    Loss,
    check_option,
    forward_pass,
    leave,
    output_loss,
)


class ForwardGradient(PerturbationRule):
    r"""Exact directional derivatives, no backward pass (Baydin et al. 2022).

    From a tangent pass.

    Parameters
    ----------
    perturb : {"activities", "weights"}
        What the direction is in.
    n_directions : int
        Directions, averaged: a sample (activities) or a batch (weights).
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With directions :math:`V`, :math:`v` of variance 1, and derivatives along them by a tangent
    pass:

    .. math::

       \Delta W = -\eta \left( \nabla_W C \cdot V \right) V \quad \text{(weights)}, \qquad
       \Delta W_l = -\eta \left\langle \left( \nabla_z C \cdot v \right) v_l h_{l-1}^\top
       \right\rangle \quad \text{(activities)}

    Paper: Baydin et al. 2022, arXiv:2202.08587; Ren et al. 2023, arXiv:2210.03310.
    """

    def __init__(
        self,
        perturb: Literal["activities", "weights"] = "activities",
        n_directions: int = 1,
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(loss, 1.0, n_directions)
        check_option("perturb", perturb, ("activities", "weights"))
        self.perturb = perturb

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        if self.perturb == "weights":
            self._leave_weights(passes, error)
        else:
            for p, delta in zip(passes, self.signals(passes, error), strict=True):
                p.leave_gradient(delta)
        apply()
        return loss

    def signals(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        """(grad_z C . v) v for each sample; `error` is dC / d scores."""
        totals: dict[int, torch.Tensor] = {}
        for _ in range(self.n_directions):
            directions = [self.node_noise(i, p.z) for i, p in enumerate(passes)]
            slope = (error * tangent(self.network, passes, directions)).sum(1)
            for index, v in enumerate(directions):
                found = by_sample(slope / self.n_directions, v)
                totals[index] = totals[index].add_(found) if index in totals else found
        return list(totals.values())

    def _leave_weights(self, passes: list[LayerPass], error: torch.Tensor) -> None:
        totals = [torch.zeros_like(p) for p in self.network.parameters()]
        for _ in range(self.n_directions):
            noise, drives = [], []
            for index, p in enumerate(passes):
                weight = self.draw(p.layer.weight.shape, weight_axes(index, p.layer.weight))
                noise.append(weight)
                bias = None
                if p.layer.has_bias:
                    bias = self.draw(p.layer.bias.shape, (index,))
                    noise.append(bias)
                drives.append(p.layer.through(weight, p.below, bias))
            slope = (error * tangent(self.network, passes, drives)).sum() / self.n_directions
            for total, v in zip(totals, noise, strict=True):
                total.add_(slope * v)
        leave(self.network.parameters(), totals)


def tangent(
    network: RateNetwork, passes: list[LayerPass], directions: list[torch.Tensor]
) -> torch.Tensor:
    """Derivative of the scores where every z moves along its direction and with those below.

    The exact Jacobian-vector product, carried forwards beside the pass.

    Parameters
    ----------
    network : RateNetwork
    passes : list of LayerPass
        Of the forward pass, a layer each.
    directions : list of tensor of shape (batch, *shape of the layer's z)

    Returns
    -------
    tensor of shape (batch, n_classes)
    """
    first, *upper = passes
    change = first.layer.forth(directions[0], first.z, first.h)
    for p, direction in zip(upper, directions[1:], strict=True):
        through = p.layer.carried(p.layer.through(p.layer.weight, change), change)
        change = p.layer.forth(through.add_(direction), p.z, p.h)
    return change
