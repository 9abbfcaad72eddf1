"""Layers of rate networks: what learning rules see."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

# Name -> (nonlinearity, gain of the weight initialisation that keeps activity at one scale).
ACTIVATIONS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], float]] = {
    "relu": (torch.relu, math.sqrt(2.0)),
    "tanh": (torch.tanh, 5.0 / 3.0),
    "identity": (lambda z: z, 1.0),
}


class Layer(nn.Module):
    """One layer: `drive` (synapses), then `activate` (nonlinearity).

    `transpose(weight, delta)` sends a signal backwards through weights of the shape of its own;
    which weights those are is the learning rule's affair.
    """

    def drive(self, h: torch.Tensor) -> torch.Tensor:
        """Input to the neurons, z, from the activity of the layer below."""
        raise NotImplementedError

    def activate(self, z: torch.Tensor) -> torch.Tensor:
        """Activity h of the neurons."""
        raise NotImplementedError

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Signal for the layer below, from `delta` at z, through `weight`."""
        raise NotImplementedError

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """Activity from the activity of the layer below."""
        return self.activate(self.drive(h))


class Dense(Layer):
    """Fully connected layer: h' = phi(W h + b); W of shape (n_out, n_in)."""

    def __init__(self, n_in: int, n_out: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.n_in, self.n_out, self.activation = n_in, n_out, activation
        self._phi, gain = ACTIVATIONS[activation]
        self.weight = nn.Parameter(scaled_uniform(n_out, n_in, gain, generator))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def drive(self, h: torch.Tensor) -> torch.Tensor:
        """z = W h + b, shape (batch, n_out)."""
        return nn.functional.linear(h.flatten(1), self.weight, self.bias)

    def activate(self, z: torch.Tensor) -> torch.Tensor:
        """h = phi(z)."""
        return self._phi(z)

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """delta W, shape (batch, n_in)."""
        return delta @ weight


def scaled_uniform(n_out: int, n_in: int, gain: float, generator: torch.Generator) -> torch.Tensor:
    """Uniform weights of variance gain^2 / n_in (He et al. 2015, doi:10.1109/ICCV.2015.123)."""
    bound = gain * math.sqrt(3.0 / n_in)
    return torch.empty(n_out, n_in).uniform_(-bound, bound, generator=generator)
