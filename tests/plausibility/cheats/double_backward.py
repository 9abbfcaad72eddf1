"""Backpropagation by derivatives of derivatives.

The derivative of a backward pass is a forward one; of its columns the transposed matrix is put
together.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "automatic differentiation"
TRUE = {"C1": "fail", "C4b": "fail"}


class DoubleBackward(Rule):
    """Differentiates twice."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Products of activity with the error through the matrix of derivatives."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        passes[-1].leave_gradient(error)
        layers = list(self.network)
        for index, p in enumerate(passes[:-1]):
            z = p.z.detach().requires_grad_()
            h = layers[index].activate(z)
            for layer in layers[index + 1 :]:
                h = layer(h)
            blank = torch.zeros_like(h, requires_grad=True)
            (back,) = torch.autograd.grad(h, z, blank, create_graph=True)
            columns = []
            for unit in range(z.shape[1]):
                basis = torch.zeros_like(z)
                basis[:, unit] = 1.0
                (column,) = torch.autograd.grad(back, blank, basis, retain_graph=True)
                columns.append((column * error).sum(1))
            p.leave_gradient(torch.stack(columns, 1))
        apply()
        return loss


RULE = DoubleBackward
