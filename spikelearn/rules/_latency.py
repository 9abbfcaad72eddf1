"""What rules on networks of spike times share: which networks, what they answer, who fires."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.latency_mlp import FirstSpikes, LatencyNetwork
from spikelearn.rules.rule import Rule


class LatencyRule(Rule):
    """A rule that trains networks of spike times, fully connected and convolutional ones."""

    networks: ClassVar[tuple[str, ...]] = ("latency_mlp", "latency_cnn")
    asks: ClassVar[dict[str, object]] = {"readout": "first_spike"}
    network: LatencyNetwork  # type: ignore[assignment]

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep the network.

        Raises
        ------
        SpikelearnError
            If the network is none of spike times, or of a kind that the rule does not train.
        """
        kind = type(network).__name__
        if isinstance(network, LatencyNetwork):
            kind = network.description.kind
        if not isinstance(network, LatencyNetwork) or kind not in self.networks:
            raise SpikelearnError(
                f"the rule {type(self).__name__} trains networks of spike times (kind:"
                f" {', '.join(self.networks)}), not {kind}"
            )
        self.network, self.generator = network, generator
        self.extra = nn.ModuleDict()

    def scores(self, spikes: FirstSpikes) -> torch.Tensor:
        """Class scores of shape (batch, n_classes)."""
        if self.network.description.readout == "potential":
            return spikes.highest_mv
        return self.network.scores(spikes.output, spikes.highest_mv)

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Latencies of the output neurons in ms, negative, or potentials; (batch, n_classes)."""
        return self.scores(self.network.first_spikes(x))

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Spike counts of every population, of the output the scores; (batch, neurons)."""
        spikes, names = self.network.first_spikes(x), self.network.description.populations[1:]
        return dict(zip(names, [*spikes.counts, self.scores(spikes)], strict=True))
