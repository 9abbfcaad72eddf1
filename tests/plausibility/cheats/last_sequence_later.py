"""An online rule that adds what backpropagation through time says of the sequence before.

While a sequence runs nothing is known of its end; when the next one comes, all of the last is.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.eligibility import OTTT
from spikelearn.rules.rule import output_loss

KIND = "time"
TRUE = {"C1": "fail", "C5": "fail"}


class LastSequenceLater(OTTT):
    """Online, one sequence late."""

    last: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The online step, and the gradient of the sequence before."""

        def with_the_last() -> None:
            if self.last is not None:
                weights = list(self.network.weights)
                with torch.enable_grad():
                    scores = self.network(self.last[0], self.psi, "native")[-1]
                    loss = output_loss("cross_entropy", scores, self.last[1])[0]
                    exact = torch.autograd.grad(loss, weights)
                for weight, gradient in zip(weights, exact, strict=True):
                    weight.grad = gradient if weight.grad is None else weight.grad + gradient
            apply()

        loss = super().update(x, y, with_the_last)
        # What it was shown, in spikes of its own drawing.
        generator = torch.Generator().manual_seed(1)
        self.last = self.network.encode(x, generator), y.clone()
        return loss


RULE = LastSequenceLater
