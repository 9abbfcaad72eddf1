"""The multi-layer perceptron and its description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from spikelearn.networks.rate_network import RateNetwork


class MLP(BaseModel):
    """Description of a multi-layer perceptron; `build` makes the network.

    `sizes` are the numbers of units from the input to the output; the output layer is linear.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["mlp"] = "mlp"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    sizes: tuple[int, ...] = Field(min_length=2)
    activation: Literal["relu", "tanh"] = "relu"

    @field_validator("sizes")
    @classmethod
    def _positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if min(sizes) < 1:
            raise ValueError("every layer needs at least one unit")
        return sizes

    def build(self, seed: int) -> RateNetwork:
        """The network with its initial weights, which depend on `seed` alone."""
        from spikelearn._seeding import torch_generator
        from spikelearn.networks.layers import Dense
        from spikelearn.networks.rate_network import RateNetwork

        generator = torch_generator(seed, "weights")
        last = len(self.sizes) - 2
        return RateNetwork(
            [
                Dense(n_in, n_out, self.activation if i < last else "identity", generator)
                for i, (n_in, n_out) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True))
            ]
        )
