"""Feedback alignment: the error comes back through weights that are not those of the way forward.

With e = dC/dz_L, the error at the output (softmax minus label for the cross-entropy):

FA, Lillicrap et al. 2016, doi:10.1038/ncomms13276
    delta_L = e,   delta_l = (B_(l+1)^T delta_(l+1)) * phi'(z_l)
    B_(l+1): `extra["feedback"][l]`, fixed, random, of the shape of W_(l+1).
DFA, Nokland 2016, arXiv:1609.01596
    delta_L = e,   delta_l = (B_l^T e) * phi'(z_l)
    B_l: `extra["feedback"][l]`, fixed, random, of shape (n_classes, n_l).

and in both dW_l = -eta delta_l h_(l-1)^T. With B = W this is backpropagation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from spikelearn.networks.layers import scaled_uniform
from spikelearn.rules.rule import LayerPass, Rule, forward_pass


class FeedbackAlignment(Rule):
    """The error passes from layer to layer through fixed random weights."""

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": False,
        "single phase": False,
    }

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights with the scale that the forward weights started from."""
        super().prepare(network, generator)
        self.extra["feedback"] = fixed(self._feedback(generator))

    def _feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        matrices = []
        for weight in self.network.weights()[1:]:
            # The variance of the forward weights of a rectified network: 2 / n_in.
            matrices.append(scaled_uniform(weight.shape, 2.0**0.5, generator))
        return matrices

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        passes = forward_pass(self.network, x)
        scores = passes[-1].h.detach()
        loss = cross_entropy(scores, y)
        error = (scores.softmax(1) - one_hot(y, scores.shape[1])) / len(y)
        self._leave(passes, error)
        apply()
        return loss

    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> None:
        feedback = list(self.extra["feedback"].parameters())
        delta = passes[-1].through_activation(error)
        passes[-1].leave_gradient(delta)
        for below, above, matrix in reversed(
            list(zip(passes[:-1], passes[1:], feedback, strict=True))
        ):
            delta = below.through_activation(above.layer.transpose(matrix, delta))
            below.leave_gradient(delta)


class DirectFeedbackAlignment(FeedbackAlignment):
    """The output error reaches every layer directly, through fixed random weights."""

    def _feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        *sizes, n_classes = [weight.shape[0] for weight in self.network.weights()]
        return [scaled_uniform((n_classes, size), 2.0**0.5, generator) for size in sizes]

    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> None:
        output = passes[-1].through_activation(error)
        passes[-1].leave_gradient(output)
        for layer, matrix in zip(passes[:-1], self.extra["feedback"].parameters(), strict=True):
            layer.leave_gradient(layer.through_activation(output @ matrix))


def fixed(matrices: list[torch.Tensor]) -> nn.ParameterList:
    """Weights that are saved with the rule and moved by nothing."""
    return nn.ParameterList(nn.Parameter(m, requires_grad=False) for m in matrices)
