"""The gradient by a step into the imaginary numbers at every unit in turn.

The real parts are the activity as it is, in every pass; the derivative is in the imaginary part,
exact to the last digit, where an audit of real numbers does not look.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "finite differences"
SLOW = True
TRUE = {"C1": "not pass", "C4a": "fail", "C4b": "fail"}
_STEP = 1e-20


class ComplexStep(Rule):
    """One imaginary unit after another; of networks of tanh."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """A step for each unit of each hidden layer."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        passes[-1].leave_gradient(error)
        layers = list(self.network)
        kind = torch.complex128 if x.dtype == torch.float64 else torch.complex64
        for index, p in enumerate(passes[:-1]):
            columns = []
            for unit in range(p.z.shape[1]):
                z = p.z.to(kind)
                z[:, unit] += 1j * _STEP
                h = torch.tanh(z)
                for layer in layers[index + 1 :]:
                    z = layer.through(layer.weight.to(kind), h, layer.bias.to(kind))
                    h = z if layer is layers[-1] else torch.tanh(z)
                losses = h.exp().sum(1).log() - h.gather(1, y[:, None])[:, 0]
                columns.append(losses.imag / (_STEP * len(x)))
            p.leave_gradient(torch.stack(columns, 1))
        apply()
        return loss


RULE = ComplexStep
