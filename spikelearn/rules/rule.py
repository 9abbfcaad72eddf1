"""The contract of a learning rule.

A rule is one object per training run. It leaves its update in `.grad` of the parameters, so that
one training loop serves every rule and every update can be laid beside the gradient of
backpropagation; it owns no optimiser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Layer
from spikelearn.networks.rate_network import RateNetwork


class Rule:
    """Base of the learning rules for rate networks.

    Attributes
    ----------
    network : RateNetwork
        What is trained; set by `prepare`.
    extra : nn.ModuleDict
        What the rule needs beyond the network (feedback weights, inverses, heads), made by
        `prepare`, so that it is saved and counted.
    claims : mapping of str to bool
        What the rule's authors say of the criteria of biological plausibility it meets.
    """

    claims: ClassVar[dict[str, bool]] = {}
    trains: ClassVar[bool] = True
    network: RateNetwork
    extra: nn.ModuleDict

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Create what the rule needs beyond the network.

        Raises
        ------
        SpikelearnError
            If the rule cannot train this network.
        """
        if not isinstance(network, RateNetwork):
            raise SpikelearnError(
                f"the rule {type(self).__name__} trains rate networks, not {type(network).__name__}"
            )
        self.network = network
        self.extra = nn.ModuleDict()

    def parameters(self) -> list[nn.Parameter]:
        """What the optimiser moves."""
        return [*self.network.parameters(), *self.extra.parameters()]

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update for a batch in `.grad` and call `apply`.

        Parameters
        ----------
        x : tensor of shape (batch, n_inputs)
        y : tensor of shape (batch,), int64
            Class of each input.
        apply : callable
            Lets the training loop move the parameters; called once, or as often as the rule's
            dynamics ask.

        Returns
        -------
        tensor, scalar
            The loss of the batch before the update (cross-entropy in nats).
        """
        raise NotImplementedError

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores of shape (batch, n_classes)."""
        return self.network(x)

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Activity of every layer, by name, each of shape (batch, units)."""
        activities = self.network.activity(x)
        return dict(zip(layer_names(len(activities)), activities, strict=True))


def layer_names(n_layers: int) -> list[str]:
    """Names of the layers: hidden1, hidden2 ..., output."""
    return [*(f"hidden{i}" for i in range(1, n_layers)), "output"]


@dataclass(frozen=True)
class LayerPass:
    """One layer in a forward pass, cut off from its neighbours.

    `z` hangs on the layer's own parameters alone; `h = activate(z)` hangs on `cut` alone, a copy
    of z. A rule that uses nothing else is local by construction.
    """

    layer: Layer
    z: torch.Tensor
    cut: torch.Tensor
    h: torch.Tensor

    def through_activation(self, signal: torch.Tensor) -> torch.Tensor:
        """`signal` at h times the derivative of the nonlinearity: the signal at z."""
        return torch.autograd.grad(self.h, self.cut, signal)[0]

    def leave_gradient(self, delta: torch.Tensor) -> None:
        """Leave in `.grad` of the layer's parameters the gradient of `delta . z`."""
        parameters = list(self.layer.parameters())
        gradients = torch.autograd.grad(self.z, parameters, delta)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient


def forward_pass(network: RateNetwork, x: torch.Tensor) -> list[LayerPass]:
    """Run the network forwards, layer by layer, with the layers cut apart."""
    passes = []
    h = x
    for layer in network.layers:
        assert isinstance(layer, Layer)  # noqa: S101 - for the type checker
        z = layer.drive(h.detach())
        cut = z.detach().requires_grad_()
        h = layer.activate(cut)
        passes.append(LayerPass(layer, z, cut, h))
    return passes
