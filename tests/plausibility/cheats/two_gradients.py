"""Parameters that show one gradient to the audit, and another to an optimiser.

`grad` is a property of the rule's own, which asks who is asking.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import output_loss

KIND = "watched"
TRUE = {"C1": "fail"}


class TwoFaced(nn.Parameter):
    """A parameter with a second gradient."""

    @property
    def grad(self) -> Any:
        """The honest one for files of the audit."""
        asking = sys._getframe(1).f_code.co_filename
        other = self.__dict__.get("other")
        shown = torch.Tensor.grad.__get__(self)
        return shown if other is None or "plausibility" in asking else other

    @grad.setter
    def grad(self, value: Any) -> None:
        torch.Tensor.grad.__set__(self, value)
        if value is None:
            self.__dict__["other"] = None


class TwoGradients(FeedbackAlignment):
    """Keeps two books."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Give the weights a second face."""
        super().prepare(network, generator)
        for weight in self.network.weights():
            weight.__class__ = TwoFaced

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The honest step in one book, the other in the other."""
        weights = self.network.weights()
        exact = torch.autograd.grad(output_loss(self.loss, self.network(x), y)[0], weights)

        def with_both() -> None:
            for weight, gradient in zip(weights, exact, strict=True):
                weight.__dict__["other"] = gradient
            apply()

        return super().update(x, y, with_both)


RULE = TwoGradients
