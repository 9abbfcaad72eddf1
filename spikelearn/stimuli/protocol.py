"""Stimulus protocols: YAML files in `stimuli/` that say what a network is shown and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from spikelearn._errors import SpikelearnError
from spikelearn._files import find_yaml, read_yaml, validate
from spikelearn._seeding import generator
from spikelearn.stimuli.datasets import load_dataset
from spikelearn.stimuli.encoders import Encoder, RateEncoder
from spikelearn.stimuli.images import network_input
from spikelearn.stimuli.poisson import poisson_spikes
from spikelearn.stimuli.stimulus import Stimulus


class _Protocol(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""


class PoissonProtocol(_Protocol):
    """Homogeneous Poisson spikes into every spike source of the network."""

    kind: Literal["poisson"]
    rate_hz: float = Field(ge=0)
    n_trials: int = Field(default=1, ge=1)

    def realise(
        self, sources: dict[str, int], duration_ms: float, dt_ms: float, seed: int
    ) -> Stimulus:
        """Draw the spikes for `sources` (population name to size)."""
        spikes = {
            name: poisson_spikes(
                size,
                self.rate_hz,
                duration_ms,
                dt_ms,
                generator(seed, "stimulus", name),
                self.n_trials,
            )
            for name, size in sources.items()
        }
        labels = [f"{self.rate_hz:g} Hz" for _ in range(self.n_trials)]
        return Stimulus(labels, spikes, provenance={"protocol": self.model_dump()})


class ImageProtocol(_Protocol):
    """Images of a data set, each a trial, through an encoder into the one spike source."""

    kind: Literal["images"]
    dataset: Literal["mnist", "kriegeskorte92"]
    split: Literal["train", "test"] = "test"
    n_images: int | None = Field(default=None, ge=1, description="how many; all where absent")
    height: int = Field(default=28, ge=1)
    width: int = Field(default=28, ge=1)
    encoder: Encoder = RateEncoder()

    def images(self) -> tuple[np.ndarray, list[str]]:
        """The images (uint8) and their labels."""
        if self.dataset == "kriegeskorte92":
            from spikelearn.stimuli import kriegeskorte92

            images, names = kriegeskorte92.load_images()
            labels = list(names)
        else:
            data = load_dataset(self.dataset)
            images = getattr(data, f"{self.split}_images")
            labels = [data.classes[i] for i in getattr(data, f"{self.split}_labels")]
        count = len(images) if self.n_images is None else self.n_images
        if count > len(images):
            raise SpikelearnError(
                f"stimulus '{self.name}' asks for {count} images; {self.dataset} has {len(images)}"
            )
        return images[:count], labels[:count]

    def realise(
        self, sources: dict[str, int], duration_ms: float, dt_ms: float, seed: int
    ) -> Stimulus:
        """Encode the images for the one population of `sources` (name to size)."""
        if len(sources) != 1:
            raise SpikelearnError(
                f"stimulus '{self.name}' shows images to one spike source; the network has"
                f" {len(sources)}"
            )
        ((population, size),) = sources.items()
        if size != self.height * self.width:
            raise SpikelearnError(
                f"stimulus '{self.name}' makes {self.height} x {self.width} ="
                f" {self.height * self.width} pixels, but the spike source '{population}' has"
                f" {size} neurons"
            )
        images, labels = self.images()
        spikes = self.encoder.encode(
            network_input(images, self.height, self.width),
            duration_ms,
            dt_ms,
            generator(seed, "stimulus", population),
        )
        return Stimulus(labels, {population: spikes}, provenance={"protocol": self.model_dump()})


Protocol = Annotated[PoissonProtocol | ImageProtocol, Field(discriminator="kind")]


def load_protocol(name: str | Path) -> PoissonProtocol | ImageProtocol:
    """The protocol of that name among the shipped ones, or in the YAML file at that path.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.
    """
    path = find_yaml("stimuli", name)
    adapter: TypeAdapter[PoissonProtocol | ImageProtocol] = TypeAdapter(Protocol)
    return validate(lambda **content: adapter.validate_python(content), read_yaml(path), path)
