"""Kolen-Pollack learning: feedback weights become symmetric by taking part in the same learning.

Kolen & Pollack 1994, doi:10.1109/ICNN.1994.374486; Akrout et al. 2019, arXiv:1904.05391. As
feedback alignment, but every synapse of the way back, B_l, sees the same product of pre- and
postsynaptic activity as its counterpart W_l of the way forward, and both decay:

    dW_l = -eta delta_l h_(l-1)^T - lambda W_l
    dB_l = -eta delta_l h_(l-1)^T - lambda B_l

so that W_l - B_l shrinks by (1 - lambda) in every step, whatever is learned. No weight is
transported.

The decay is the optimiser's `weight_decay`, for the group "network" and the group "feedback"
alike: the classical one of sgd (lambda = rate * weight_decay), or the decoupled one of adam. Either
way the difference shrinks exactly, since both optimiser states see the same products; without decay
it stays as it is, and the rule is feedback alignment that drifts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import forward_pass, output_loss


class KolenPollack(FeedbackAlignment):
    """Feedback weights learn by the products that the forward weights learn by."""

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": False,
        "single phase": False,
    }

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights; they learn."""
        super().prepare(network, generator)
        self.extra["feedback"].requires_grad_(True)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "feedback"."""
        return {
            "network": list(self.network.parameters()),
            "feedback": list(self.extra["feedback"].parameters()),
        }

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` of forward and feedback weights and apply it once."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        self._leave(passes, error)
        for matrix, layer in zip(
            self.extra["feedback"].parameters(), list(self.network)[1:], strict=True
        ):
            assert layer.weight.grad is not None  # noqa: S101 - for the type checker
            matrix.grad = layer.weight.grad.clone()
        apply()
        return loss
