"""Perturbation with fixed patterns of signs that together are a basis.

Each pattern nudges all units at once, as simultaneous perturbation does, but the patterns are
orthogonal and all of them are gone through: what adds up is the gradient, exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.linalg import hadamard
from torch.nn.functional import cross_entropy

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "finite differences"
SLOW = True
TRUE = {"C1": "not pass", "C4a": "fail"}


class FixedSignPatterns(Rule):
    """One pattern after another."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Go through all patterns of all hidden layers."""
        size = 1e-5 if x.dtype == torch.float64 else 1e-2
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        passes[-1].leave_gradient(error)
        for index, p in enumerate(passes[:-1]):
            units = p.z.shape[1]
            order = 1 << (units - 1).bit_length()
            patterns = torch.from_numpy(hadamard(order)[:, :units]).to(x.dtype)
            delta = torch.zeros_like(p.z)
            for pattern in patterns:
                up, down = (self._from(index, p.z + s * size * pattern, y) for s in (1, -1))
                delta += (up - down)[:, None] * pattern / (2 * size * order * len(x))
            p.leave_gradient(delta)
        apply()
        return loss

    def _from(self, index: int, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        layers = list(self.network)
        h = layers[index].activate(z)
        for layer in layers[index + 1 :]:
            h = layer(h)
        return cross_entropy(h, y, reduction="none")


RULE = FixedSignPatterns
