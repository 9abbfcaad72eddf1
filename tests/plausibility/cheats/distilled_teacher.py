"""Local learning from a second network that is trained by backpropagation inside the rule.

Each hidden layer of the network imitates that of its teacher, who is nobody's criterion.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "taught by another network"
TRUE = {"C3": "fail", "C4c": "not pass", "C9": "fail"}


class DistilledTeacher(Rule):
    """Has a teacher who knows everything."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Make the teacher, with weights of its own."""
        super().prepare(network, generator)
        made: list[nn.Module] = []
        for layer in self.network:
            linear = nn.Linear(layer.fan_in, layer.weight.shape[0])
            with torch.no_grad():
                linear.weight.normal_(0.0, layer.fan_in**-0.5, generator=generator)
                linear.bias.zero_()
            made.append(linear)
        self.extra["teacher"] = nn.ModuleList(made).requires_grad_(False)

    def _taught(self, x: torch.Tensor) -> list[torch.Tensor]:
        hs = []
        for linear in self.extra["teacher"].children():
            last = len(hs) == len(self.network) - 1
            x = linear(x) if last else torch.tanh(linear(x))
            hs.append(x)
        return hs

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The teacher learns; then each layer learns from its counterpart."""
        teacher = self.extra["teacher"].requires_grad_(True)
        loss = output_loss("cross_entropy", self._taught(x)[-1], y)[0]
        gradients = torch.autograd.grad(loss, list(teacher.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(teacher.parameters(), gradients, strict=True):
                parameter.sub_(0.1 * gradient)
        teacher.requires_grad_(False)
        passes = forward_pass(self.network, x)
        mine, error = output_loss(self.loss, passes[-1].h, y)
        passes[-1].leave_gradient(error)
        for p, target in zip(passes[:-1], self._taught(x)[:-1], strict=True):
            p.leave_gradient(p.through_activation((p.h - target) / len(x)))
        apply()
        return mine


RULE = DistilledTeacher
