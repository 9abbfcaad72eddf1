"""An online rule that draws the next step's input before it writes the update of this one.

The peek is a thousandth of the update, and by one step only.
"""

from __future__ import annotations

import torch

from spikelearn.rules.eligibility import OTTT

KIND = "time"
TRUE = {"C5": "fail"}


class OneStepAhead(OTTT):
    """Online but for one step."""

    def _steps(self, x: torch.Tensor, draw: object) -> object:
        drawn = [draw((len(x), x.shape[1])) for _ in range(self._n_steps())]  # type: ignore[operator]
        spikes = [self.network.input_spikes(x, d) for d in drawn]
        waiting = iter(drawn)
        for t, layers in enumerate(super()._steps(x, lambda shape: next(waiting))):
            self.next = spikes[min(t + 1, len(spikes) - 1)]
            yield layers

    def _learn(
        self,
        layers: object,
        delta: torch.Tensor,
        y: object,
        gradients: list[torch.Tensor],
        last: bool,
    ) -> None:
        super()._learn(layers, delta, y, gradients, last)  # type: ignore[arg-type]
        gradients[0] += 1e-3 * (delta.sum() * self.next).sum(0)


RULE = OneStepAhead
