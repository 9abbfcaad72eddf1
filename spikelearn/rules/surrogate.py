"""Surrogate gradients: backpropagation through time in a spiking network.

Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595. The forward pass spikes; the backward
pass replaces the derivative of the step at threshold by that of a fast sigmoid of slope k = 25,

    S = Theta(v - v_threshold),   dS/dv := 1 / (1 + k |v - v_threshold|)^2,

and the reset carries no gradient. The score of a class is the spike count of its output neuron, or
its mean potential where the readout does not spike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch.nn.functional import cross_entropy

from spikelearn.rules._spiking import SpikingRule
from spikelearn.rules.rule import leave


class Surrogate(SpikingRule):
    """Gradient descent on the cross-entropy of the scores."""

    # Spikes do not depend smoothly on the weights; potentials depend so on the output layer's.
    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
        "spiking communication": True,
    }

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the surrogate gradient in `.grad` and apply it once."""
        loss = cross_entropy(self.network(self.input_spikes(x))[-1], y)
        leave(self.parameters(), torch.autograd.grad(loss, self.parameters()))
        apply()
        return loss.detach()


class UntrainedSpiking(SpikingRule):
    """The spiking network with its initial weights: the baseline of the spiking rules."""

    trains: ClassVar[bool] = False

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The loss of the batch; nothing is updated."""
        return cross_entropy(self.network(self.input_spikes(x))[-1], y)
