"""Channel-wise competitive forward-forward."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from spikelearn._errors import SpikelearnError
from spikelearn.rules.forward_forward_labels import mean_square, normalised
from spikelearn.rules.rule import Rule, check_option, check_range, layer_names, leave, output_loss


class ChannelwiseForwardForward(Rule):
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
    }
    output_error: ClassVar[bool] = False
    exchangeable_units: ClassVar[bool] = False
    descends: ClassVar[Literal["all", "output", "none"]] = "none"

    def __init__(self, slope: float = 1.0, readout: str = "goodness", voters: str = "last") -> None:
        check_range("slope", slope, 0.0)
        self.slope, self.readout, self.voters = slope, readout, voters

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        super().prepare(network, generator)
        *self.hidden, self.output = list(self.network)
        self.n_classes = self.output.weight.shape[0]

    def shares(self, n, like):
        owner = torch.arange(n, device=like.device) * self.n_classes // n
        members = one_hot(owner, self.n_classes).to(like.dtype)
        return members / members.sum(0)

    def update(self, x, y, apply):
        u = normalised(x, mean_square(x))
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        for layer in self.hidden:
            z = layer.drive(u)
            cut = z.detach().requires_grad_()
            h = layer.activate(cut)
            active = h.detach()
            shares = self.shares(active.shape[1], active)
            energy = active.square()
            energy = energy.flatten(2).mean(2) if energy.dim() > 2 else energy
            loss, error = output_loss("cross_entropy", self.slope * (energy @ shares), y)
            per = self.slope * 2.0 * (error @ shares.T) / math.prod(active.shape[2:])
            delta = active * per.reshape(*per.shape, *[1] * (active.dim() - 2))
            if layer.activation != "relu":
                delta = torch.autograd.grad(h, cut, delta)[0]
            parameters = list(layer.parameters())
            leave(parameters, torch.autograd.grad(z, parameters, delta))
            total += loss
            u = normalised(active, mean_square(active))
        if self.readout == "softmax":
            scores = self.output.drive(u)
            loss = cross_entropy(scores, y)
            parameters = list(self.output.parameters())
            leave(parameters, torch.autograd.grad(loss, parameters))
            total += loss.detach()
        apply()
        return total

    @torch.no_grad()
    def objective(self, x, y):
        return torch.zeros(())

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        u = normalised(x, mean_square(x))
        score = 0
        for i, layer in enumerate(self.hidden):
            h = layer.activate(layer.drive(u))
            e = h.square()
            e = e.flatten(2).mean(2) if e.dim() > 2 else e
            g = e @ self.shares(e.shape[1], e)
            if self.voters == "all" or i == len(self.hidden) - 1 or (self.voters=="but" and i):
                score = score + self.slope * g
            u = normalised(h, mean_square(h))
        if self.readout == "softmax":
            return self.output.drive(u)
        return score

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        u = normalised(x, mean_square(x))
        acts = []
        for layer in self.hidden:
            h = layer.activate(layer.drive(u))
            acts.append(h)
            u = normalised(h, mean_square(h))
        acts.append(self.predict(x))
        return dict(zip(layer_names(len(acts)), acts, strict=True))
