"""What the learning rules of spiking networks share: input spikes, scores and activity."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_convolutional import SpikingConvolutional
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.networks.surrogates import SURROGATE_SLOPE
from spikelearn.networks.surrogates import surrogate as surrogate_of
from spikelearn.rules.rule import Rule


class SpikingRule(Rule):
    """Base of the learning rules for spiking networks.

    Parameters
    ----------
    surrogate : str
        Derivative that stands for that of the step at threshold: a name of
        `spikelearn.networks.surrogates`.
    slope : float
        Its slope k, in 1/mV.
    """

    networks: ClassVar[tuple[str, ...]] = ("spiking_mlp", "spiking_cnn")
    network: SpikingClassifier  # type: ignore[assignment]

    def __init__(self, surrogate: str = "fast_sigmoid", slope: float = SURROGATE_SLOPE) -> None:
        self.psi = surrogate_of(surrogate, slope)

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep the network and the generator of the input spikes.

        Raises
        ------
        SpikelearnError
            If the network does not spike.
        """
        kinds = " or ".join(self.networks)
        if not isinstance(network, SpikingClassifier):
            raise SpikelearnError(
                f"the rule {type(self).__name__} trains spiking networks (kind: {kinds}), not"
                f" {type(network).__name__}"
            )
        if network.description.kind not in self.networks:
            raise SpikelearnError(
                f"the rule {type(self).__name__} trains networks of kind {kinds}, not"
                f" {network.description.kind}"
            )
        if isinstance(network, SpikingConvolutional):
            self._take(network, network, generator)
        self.network, self.generator = network, generator
        self.extra = nn.ModuleDict()

    def input_spikes(self, x: torch.Tensor) -> torch.Tensor:
        """What is shown, (steps, batch, inputs), drawn for an update unless x is spikes."""
        if x.dim() == 3:
            return self.network.given_spikes(x)
        shape = (self.network.n_steps, len(x), self.network.n_drawn)
        return self.network.input_spikes(x, self.draw(shape, (None, "batch", None), "uniform"))

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cross-entropy, with the input spikes of `predict`."""
        return cross_entropy(self.predict(x), y)

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Spike counts, or mean potentials, of the output neurons, shape (batch, n_classes).

        The input spikes come from one fixed seed, so that evaluation is repeatable.
        """
        return self.network.scores(self.network.encode(x, torch_generator(0, "evaluation")))

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Spike counts (of a readout that does not spike: mean potential) of every population.

        Each of shape (batch, neurons).
        """
        counts = self.network(self.network.encode(x, torch_generator(0, "evaluation")))
        return dict(zip(self.network.description.populations[1:], counts, strict=True))
