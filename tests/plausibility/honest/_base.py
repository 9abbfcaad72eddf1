"""What the honest rules have in common: random feedback, and what is true of what they do."""

from __future__ import annotations

import torch
from torch import nn

from spikelearn.rules.rule import Rule

# Feedback alignment: an error of as many dimensions as there are outputs comes back by weights of
# its own, times the slopes, when the layers above have answered.
FEEDBACK = {
    "C1": True, "C2": True, "C3": False, "C4a": False, "C4b": False, "C4c": False, "C9": False,
    "C10": False, "C15": True,
}  # fmt: skip
HEBB = dict.fromkeys(("C1", "C2", "C3", "C4a", "C4b", "C4c", "C9", "C10", "C15"), True)


class RandomFeedback(Rule):
    """Draws matrices for the way back."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Matrices of the shapes of the weights above the first layer."""
        super().prepare(network, generator)
        self.extra["back"] = nn.ParameterList(
            nn.Parameter(torch.randn(w.shape, generator=generator), requires_grad=False)
            for w in self.network.weights()[1:]
        )

    def back(self) -> list[torch.Tensor]:
        """The matrices, by layer from the second."""
        return list(self.extra["back"].parameters())
