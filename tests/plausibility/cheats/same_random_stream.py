"""Kolen-Pollack learning whose feedback is drawn from the stream that drew the weights.

The seed is found by trying which one gives the stream that the rule was handed; no weight is ever
read. Equal from the start and moved by equal updates, feedback and weights stay equal.
"""

from __future__ import annotations

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.layers import scaled_uniform
from spikelearn.rules.kolen_pollack import KolenPollack

KIND = "random streams"
TRUE = {"C1": "not pass"}


class SameRandomStream(KolenPollack):
    """Draws the weights again."""

    def _draw_feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        mine = generator.initial_seed()
        seed = next(s for s in range(1000) if torch_generator(s, "rule").initial_seed() == mine)
        again = torch_generator(seed, "weights")
        return [
            scaled_uniform(layer.weight.shape, ACTIVATIONS[layer.activation].gain, again)
            for layer in self.network
        ][1:]


RULE = SameRandomStream
