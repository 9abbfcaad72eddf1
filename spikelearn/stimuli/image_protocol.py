"""Images of a data set through an encoder: one image a trial, or several as a film's frames."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationInfo

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._room import Part, bounded
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import checked_steps, nearest_steps
from spikelearn.stimuli import user_images as own
from spikelearn.stimuli.datasets import DATASETS, load_dataset, resolve_source
from spikelearn.stimuli.encoders import DeltaEncoder, Encoder, RateEncoder
from spikelearn.stimuli.image_files import Colour
from spikelearn.stimuli.images import network_input
from spikelearn.stimuli.stimulus import ProtocolBase, Setting, Stimulus, beside

_OF_PIXEL = 40  # bytes of a pixel while it is scaled and encoded
NAMED = (*DATASETS, "kriegeskorte92")


def _known(dataset: str, info: ValidationInfo) -> str:
    """One of our data sets, or the path of a user's own, from the folder of the YAML file."""
    if dataset in NAMED:
        return dataset
    path = beside(Path(dataset), info)
    if own.kind_of(path) is None:
        raise ValueError(
            "there is no data set of that name, and no folder with one subfolder of images for each"
            f" class or .npz file at that path; {nearest(dataset, NAMED)}"
        )
    return str(path)


class ImageProtocol(ProtocolBase):
    """Images of a data set through an encoder into one spike source.

    A trial shows `n_frames` images, each for an equal part of it. `dataset` is one of the
    toolkit's, or the path of a user's own (see `spikelearn.stimuli.user_images`).
    """

    kind: Literal["images"] = "images"
    dataset: Annotated[str, AfterValidator(_known)]
    split: Literal["train", "test"] = "test"
    n_images: int | None = Field(default=None, ge=1, description="how many; all where absent")
    n_frames: int = Field(default=1, ge=1, description="images of a trial, one after another")
    height: int = Field(default=28, ge=1)
    width: int = Field(default=28, ge=1)
    image_range: tuple[float, float] | None = Field(
        default=None, description="what black and white are in images of one's own"
    )
    background: Colour | None = Field(
        default=None, description="the colour under transparent images of one's own"
    )
    encoder: Encoder = RateEncoder()
    source: str | None = Field(default=None, description="the only spike source if absent")

    def images(self) -> tuple[np.ndarray, list[str]]:
        """The images (uint8) and their labels."""
        if self.dataset == "kriegeskorte92":
            from spikelearn.stimuli import kriegeskorte92

            images, names = kriegeskorte92.load_images()
            labels = list(names)
        else:
            size = self.height, self.width
            data = load_dataset(self.dataset, "auto", self.image_range, self.background, size)
            images = getattr(data, f"{self.split}_images")
            labels = [data.classes[i] for i in getattr(data, f"{self.split}_labels")]
        count = len(images) if self.n_images is None else self.n_images
        if count > len(images):
            raise SpikelearnError(
                f"stimulus '{self.name}' asks for {count} images; {self.dataset} has {len(images)}"
            )
        return images[:count], labels[:count]

    def needed_parts(self, setting: Setting) -> list[Part]:
        """The images as they are scaled; their spikes are counted when their pixels are known."""
        count = bounded(self.n_images or 1)
        return [
            Part(f"images of {self.height} x {self.width} pixels",
                 _OF_PIXEL * count * bounded(self.height) * bounded(self.width),
                 "show fewer or smaller images at once")
        ]  # fmt: skip

    def draw(self, setting: Setting) -> Stimulus:
        """Encode the images for the source."""
        source = setting.source(self.source)
        size, pixels = setting.sources[source], self.height * self.width
        needed = self.encoder.n_sources(pixels)
        if size != needed:
            raise SpikelearnError(
                f"images of {self.height} x {self.width} = {counted(pixels, 'pixel')} need"
                f" {counted(needed, 'source')}"
                f" with the encoder {self.encoder.kind}, but the spike source '{source}' has {size}"
                " neurons"
            )
        images, labels = self.images()
        if len(images) % self.n_frames:
            raise SpikelearnError(
                f"{counted(len(images), 'image')} cannot be shown {self.n_frames} a trial; set"
                " n_images to a multiple of n_frames"
            )
        films = network_input(images, self.height, self.width).reshape(-1, self.n_frames, pixels)
        spikes = self._encoded(films, setting, setting.generator(source))
        names = [
            ", ".join(labels[i : i + self.n_frames]) for i in range(0, len(labels), self.n_frames)
        ]
        provenance = {}
        if self.dataset != "kriegeskorte92":
            provenance["source"] = resolve_source(self.dataset)
        return Stimulus(names, {source: spikes}, provenance=provenance)

    def _encoded(
        self, films: np.ndarray, setting: Setting, generator: np.random.Generator
    ) -> PopulationSpikes:
        """Spikes of films of shape (n_trials, n_frames, pixels)."""
        steps = checked_steps(setting.duration_ms, setting.dt_ms)
        if steps % self.n_frames:
            raise SpikelearnError(
                f"a trial of {counted(steps, 'step')} cannot be divided into {self.n_frames}"
                " equal frames"
            )
        if isinstance(self.encoder, DeltaEncoder):
            return self.encoder.encode(films, setting.duration_ms, setting.dt_ms)
        frame_steps = steps // self.n_frames
        still = self.encoder.encode(
            films.reshape(-1, films.shape[2]), frame_steps * setting.dt_ms, setting.dt_ms, generator
        )
        # Frames were encoded as trials of their own; now they follow one another.
        trials, frames = np.divmod(still.trials, self.n_frames)
        at = nearest_steps(still.times_ms, setting.dt_ms) + frames * frame_steps
        return PopulationSpikes.from_unsorted(still.size, at * setting.dt_ms, still.senders, trials)
