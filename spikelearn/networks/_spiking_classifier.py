"""What the descriptions of feed-forward spiking classifiers have in common: their layers."""

from __future__ import annotations

from pydantic import Field, field_validator

from spikelearn._description import Description
from spikelearn.networks.mlp import square_image


class SpikingClassifierDescription(Description):
    """A feed-forward spiking classifier; `sizes` are its numbers of neurons, input to output."""

    kind: str
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    sizes: tuple[int, ...] = Field(min_length=2)

    @field_validator("sizes")
    @classmethod
    def _positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if min(sizes) < 1:
            raise ValueError("every layer needs at least one neuron")
        return sizes

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.sizes[0]

    @property
    def n_classes(self) -> int:
        """Number of output neurons."""
        return self.sizes[-1]

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Images it takes, (channels, height, width); None where the inputs make no square."""
        return square_image(self.n_inputs)

    @property
    def populations(self) -> list[str]:
        """Names of the populations, from the input to the output."""
        return population_names(len(self.sizes) - 2)


def population_names(n_hidden: int) -> list[str]:
    """Names of the populations of a classifier with so many hidden layers, input to output."""
    hidden = ["hidden"] if n_hidden == 1 else [f"hidden{i + 1}" for i in range(n_hidden)]
    return ["input", *hidden, "output"]
