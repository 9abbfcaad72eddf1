"""What a run says of how its training images are flipped and shifted."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from spikelearn._description import Description
from spikelearn.stimuli.datasets import EVENT_DATASETS


class Augmentation(Description):
    """What is done to training images, drawn anew for each image in each epoch."""

    flip: bool = Field(default=False, description="mirrored left to right, at even odds")
    shift: int = Field(
        default=0,
        ge=0,
        description="moved by up to so many pixels up or down, and left or right; what comes in at"
        " the edge is black",
    )

    def check(self, model: Any, dataset: str) -> None:
        """Refuse inputs that are no images, and images that would be moved out of sight.

        Parameters
        ----------
        model : description
            That is trained.
        dataset : str
            That it is trained on.

        Raises
        ------
        ValueError
        """
        shape = getattr(model, "image_shape", None)
        if dataset in EVENT_DATASETS or shape is None:
            raise ValueError(
                f"augment flips and shifts images, and '{model.name}' takes none of {dataset}"
            )
        if self.shift >= min(shape[1:]):
            raise ValueError(
                f"augment.shift is {self.shift}; an image of {shape[1]} x {shape[2]} would be moved"
                " out of sight"
            )
