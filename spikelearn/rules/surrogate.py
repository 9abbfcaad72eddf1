"""Surrogate gradients: backpropagation through time in a spiking network.

Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595. The forward pass spikes; the backward
pass replaces the derivative of the step at threshold by that of a fast sigmoid of slope k = 25,

    S = Theta(v - v_threshold),   dS/dv := 1 / (1 + k |v - v_threshold|)^2,

and the reset carries no gradient. The score of a class is the spike count of its output neuron.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.rules.rule import Rule, leave


class Surrogate(Rule):
    """Gradient descent on the cross-entropy of the spike counts."""

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
        "spiking communication": True,
    }
    networks: ClassVar[tuple[str, ...]] = ("spiking_mlp",)
    network: SpikingClassifier  # type: ignore[assignment]

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep the network and the generator of the input spikes.

        Raises
        ------
        SpikelearnError
            If the network does not spike.
        """
        if not isinstance(network, SpikingClassifier):
            raise SpikelearnError(
                "surrogate gradients train spiking networks (kind: spiking_mlp), not"
                f" {type(network).__name__}"
            )
        self.network, self.generator = network, generator
        self.extra = nn.ModuleDict()

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the surrogate gradient in `.grad` and apply it once."""
        counts = self.network(self.network.encode(x, self.generator))[-1]
        loss = cross_entropy(counts, y)
        leave(self.parameters(), torch.autograd.grad(loss, self.parameters()))
        apply()
        return loss.detach()

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cross-entropy, with the input spikes of `predict`."""
        return cross_entropy(self.predict(x), y)

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Spike counts of the output neurons, shape (batch, n_classes).

        The input spikes come from one fixed seed, so that evaluation is repeatable.
        """
        return self.network(self.network.encode(x, torch_generator(0, "evaluation")))[-1]

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Spike counts of every population, each of shape (batch, neurons)."""
        counts = self.network(self.network.encode(x, torch_generator(0, "evaluation")))
        return dict(zip(self.network.description.populations[1:], counts, strict=True))


class UntrainedSpiking(Surrogate):
    """The spiking network with its initial weights: the baseline of the spiking rules."""

    trains: ClassVar[bool] = False
    claims: ClassVar[dict[str, bool]] = {}

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The loss of the batch; nothing is updated."""
        return cross_entropy(self.network(self.network.encode(x, self.generator))[-1], y)
