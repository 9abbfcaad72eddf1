"""The gradient by forward derivatives along every unit in turn.

Nothing goes backwards: directional derivatives run with the activity. There are as many passes as
hidden units.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.autograd import forward_ad
from torch.nn.functional import cross_entropy

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "finite differences"
SLOW = True
TRUE = {"C1": "not pass", "C4a": "fail"}


class ForwardMode(Rule):
    """One tangent after another."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """A tangent for each unit of each hidden layer."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        passes[-1].leave_gradient(error)
        layers = list(self.network)
        for index, p in enumerate(passes[:-1]):
            columns = []
            for unit in range(p.z.shape[1]):
                tangent = torch.zeros_like(p.z)
                tangent[:, unit] = 1.0
                with torch.no_grad(), forward_ad.dual_level():
                    h = layers[index].activate(forward_ad.make_dual(p.z.clone(), tangent))
                    for layer in layers[index + 1 :]:
                        h = layer(h)
                    losses = cross_entropy(h, y, reduction="none")
                    columns.append(forward_ad.unpack_dual(losses).tangent / len(x))
            p.leave_gradient(torch.stack(columns, 1))
        apply()
        return loss


RULE = ForwardMode
